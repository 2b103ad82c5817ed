"""What a subscription's terms say of how it may be paid, seen where it is: on the page, at Stripe, in what is kept and mailed."""

from typing import Any

import pytest

from chalicelib.operations import audit
from sandbox.exchange import http
from sandbox.world import STRIPE_KEY, World
from tests.contracts.browser import Shown, ask, visit
from tests.stories.buyer import BANK, MASTERCARD, Buyer, pays
from tests.stories.diary import Diary
from tests.stories.test_returns import comes_back

SENT = {"collection_method": "send_invoice", "payment_method": None}
FIELDS = {
    "card": "Card number",
    "us_bank_account": "US bank account (ACH)",
    "sepa_debit": "SEPA Direct Debit",
    "bacs_debit": "Bacs Direct Debit",
    "acss_debit": "Pre-authorized debit (Canada)",
    "billing": "Billing address",
    "shipping": "Shipping address",
}
HOME = {"line1": "510 Townsend St", "city": "San Francisco", "postal_code": "94103", "country": "US"}

WORK = {"line1": "1 Ferry Building", "city": "San Francisco", "postal_code": "94111"}


def asked_on(page: Shown) -> set[str]:
    """What a page of Stripe's asks its buyer for."""
    return {name for name, label in FIELDS.items() if label in page.text}


def kept(diary: Diary, who: str) -> list[str]:
    """The methods a customer has saved."""
    rows = diary.every(f"/v1/payment_methods?contact={diary.contacts[who]}")
    return sorted(row["label"] for row in rows)


def newest_invoice(diary: Diary, who: str) -> dict[str, Any]:
    rows = diary.every(f"/v1/invoices?subscription={diary.subscriptions[who]}")
    return max(rows, key=lambda row: row["number"])


def test_a_page_asks_for_what_the_terms_name(diary: Diary, world: World):
    """Its own types, else the account's; addresses only where they are to be collected, and nothing is paid without.

    They are kept at Stripe, and are the contact's where none were known.
    """
    both = {"collect_addresses": ["billing", "shipping"]}
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15", accepted_types=["us_bank_account"], **both, **SENT)
    for who in ("bea", "cy"):
        diary.subscribes(who, "coffee-1kg", on="2026-01-15", **SENT)
    diary.it_is("2026-01-15")
    assert asked_on(visit(Buyer(diary, "bea").opens())) == {"card"}
    diary.post("/v1/account", accepted_types=["card", "us_bank_account"])
    assert asked_on(visit(Buyer(diary, "cy").opens())) == {"card", "us_bank_account"}
    url = Buyer(diary, "ada").opens()
    assert asked_on(visit(url)) == {"us_bank_account", "billing", "shipping"}

    refused = pays(url, BANK)
    assert (refused.status, "Billing address" in refused.text) == (422, True)
    before = diary.get(f"/v1/contacts/{diary.contacts['ada']}")
    where = {f"billing-{name}": value for name, value in HOME.items()}
    there = {f"shipping-{name}": value for name, value in (HOME | WORK).items()}
    assert pays(url, BANK, **where, **there, **{"shipping-name": "Ada"}).location
    world.settle()
    assert diary.payments("ada") == [("processing", 2500)]
    customer = f"{world.stripe_url}/v1/customers/{diary.methods['ada']['customer']}"
    at_stripe = http("GET", customer, None, {"Authorization": f"Bearer {STRIPE_KEY}"}).body
    here = diary.get(f"/v1/contacts/{diary.contacts['ada']}")
    for found in (at_stripe["address"], here["address"]):
        assert {name: found[name] for name in HOME} == HOME
    for found in (at_stripe["shipping"]["address"], here["shipping_address"]):
        assert {name: found[name] for name in HOME} == HOME | WORK
    assert (before["address"], before["shipping_address"]) == (None, None)
    [change] = diary.get(f"/v1/contacts/{diary.contacts['ada']}/history")["data"]
    assert change["by"] == {"key": "", "name": ""}
    assert [one["field"] for one in change["fields_changed"]] == ["address", "shipping_address"]


def test_an_address_that_is_known_is_not_what_a_buyer_types(diary: Diary, world: World):
    """Staff wrote down where Ada is: what she types on the page is Stripe's, and one that is as her address is no other for shipping."""
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15", collect_addresses=["billing"], **SENT)
    diary.subscribes("bea", "coffee-1kg", on="2026-01-15", collect_addresses=["billing", "shipping"], **SENT)
    diary.post(f"/v1/contacts/{diary.contacts['ada']}", address=WORK | {"country": "US"})
    diary.it_is("2026-01-15")
    typed = {f"{kind}-{name}": value for kind in ("billing", "shipping") for name, value in HOME.items()}
    for who in ("ada", "bea"):
        assert pays(Buyer(diary, who).opens(), **typed, **{"shipping-name": who}).location
    world.settle()
    ada, bea = (diary.get(f"/v1/contacts/{diary.contacts[who]}") for who in ("ada", "bea"))
    assert (ada["address"]["line1"], ada["shipping_address"]) == (WORK["line1"], None)
    assert (bea["address"]["line1"], bea["shipping_address"]) == (HOME["line1"], None)
    assert [diary.subscription(who)["status"] for who in ("ada", "bea")] == ["active", "active"]
    diary.sound()


def test_a_method_is_kept_for_later_where_the_terms_say_so(diary: Diary, world: World):
    """It is the customer's, and charged by what is sold on it from then on: not by what was there, whose next invoice is sent."""
    for who, keeps in (("ada", True), ("bea", False)):
        diary.subscribes(who, "coffee-1kg", on="2026-01-15", save_payment_method=keeps, **SENT)
    older = diary.subscribes("ada", "coffee-500g", on="2026-01-10")
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15", save_payment_method=True, **SENT)
    diary.it_is("2026-01-15")
    for who in ("ada", "bea"):
        pays(Buyer(diary, who).opens(), MASTERCARD)
    world.settle()
    assert kept(diary, "ada") == ["Mastercard •••• 4444", "Visa •••• 4242"]
    assert kept(diary, "bea") == ["Visa •••• 4242"]
    diary.it_is("2026-02-15")
    assert newest_invoice(diary, "ada")["status"] == "open"
    assert diary.subscription("ada")["payment_method"] is None
    assert diary.get(f"/v1/subscriptions/{older}")["payment_method"]["label"] == "Visa •••• 4242"
    [later] = [
        row["id"]
        for row in diary.every(f"/v1/payment_methods?contact={diary.contacts['ada']}")
        if row["label"].startswith("Mastercard")
    ]
    diary.subscribes("ada", "coffee-250g", on="2026-02-16", payment_method=later)
    diary.it_is("2026-02-16")
    assert diary.payments("ada") == [("succeeded", 1250)]
    diary.sound()


def test_invoices_are_made_though_they_are_not_mailed(diary: Diary):
    """With the letter switched off a sent invoice has its number, day and page all the same, and is overdue on that day."""
    diary.post("/v1/account", email_invoices=False)
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15", days_until_due=7, **SENT)
    diary.it_is("2026-01-15")
    made = newest_invoice(diary, "ada")
    assert (made["number"], made["due_on"], made["status"]) == ("INV-000001", "2026-01-22", "open")
    assert "invoice" not in diary.every_letter("ada")
    assert visit(Buyer(diary, "ada").opens()).status == 200
    diary.post("/v1/account", email_invoices=True)
    diary.it_is("2026-02-15")
    assert diary.every_letter("ada").count("invoice") == 1
    assert diary.subscription("ada")["status"] == "past_due"
    diary.sound()


DEBITS: dict[str, tuple[str, str, dict[str, str]]] = {
    "sepa_debit": ("eur", "sepaDebit", {"iban": "DE89370400440532013000"}),
    "bacs_debit": ("gbp", "bacsDebit", {"sort": "108800", "account": "00012345"}),
    "acss_debit": ("cad", "acssDebit", {"institution": "000", "transit": "11000", "account": "000123456789"}),
}


@pytest.mark.parametrize("type_", DEBITS)
def test_each_countrys_debit_takes_days(diary: Diary, world: World, type_: str):
    """Saved or typed on the page it is processing, its subscription lives, and it succeeds; for want of money it is presented twice more.

    Weeks later it comes back: what it paid is owed again.
    """
    currency, name, numbers = DEBITS[type_]
    for who, method in (("ada", f"pm_{name}_success"), ("poor", f"pm_{name}_insufficientFunds")):
        diary.saves_a_card(who, method)
        diary.subscribes(who, "coffee-1kg", on="2026-01-15", currency=currency)
    terms = {"currency": currency, "accepted_types": [type_], "days_until_due": 5, **SENT}
    diary.subscribes("cy", "coffee-1kg", on="2026-01-15", **terms)
    diary.it_is("2026-01-15")
    url = Buyer(diary, "cy").opens()
    page = visit(url)
    assert asked_on(page) == {type_}
    typed = {f"{type_}-{field}": value for field, value in numbers.items()}
    sent = {**page.fields, "method": f"new:{type_}", "name": "Cy", "email": "cy@example.com", **typed}
    assert ask("POST", url, sent).location
    world.settle()
    for who in ("ada", "cy"):
        assert diary.payments(who) == [("processing", 2500)]
        assert diary.subscription(who)["status"] == "active"
    diary.it_is("2026-02-14")
    for who in ("ada", "cy"):
        assert diary.payments(who) == [("succeeded", 2500)]
        assert diary.subscription(who)["status"] == "active"
    assert [row[0] for row in diary.payments("poor")] == ["declined"] * 3
    assert diary.subscription("poor")["status"] == "unpaid"
    rows = [row for row in diary.every("/v1/payments") if row["status"] == "succeeded"]
    for row in rows:
        assert {row[part]["currency"] for part in ("amount", "fee", "net")} == {currency}
        assert row["net"]["amount"] == row["amount"]["amount"] - row["fee"]["amount"] > 0
        assert row["method_type"] == type_
        comes_back(diary, row["id"])
    for who in ("ada", "cy"):
        assert diary.payments(who) == [("returned", 2500)]
        assert (newest_invoice(diary, who)["status"], diary.subscription(who)["status"]) == (
            "open",
            "past_due",
        )
    assert audit.account(world.service(), diary.account).findings == ()
