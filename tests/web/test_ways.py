"""How money is collected, said as a subscription is sold and switched later: what is shown, and what is refused."""

from dataclasses import dataclass
from typing import Any

import pytest

from chalicelib.billing.subscriptions import Subscription
from chalicelib.operations import collect, renew
from chalicelib.store import keys
from tests.web.conftest import Api, Told

LINE = {"name": "Coffee", "unit_amount": 2500, "frequency": "monthly"}


@dataclass(frozen=True)
class Shop:
    """An account, a contact of it, and their card."""

    api: Api
    contact: str
    card: str

    def asks(self, **more: Any) -> Told:
        body = {"contact": self.contact, "lines": [LINE], **more}
        return self.api.post("/v1/subscriptions", body)

    def sells(self, **more: Any) -> Any:
        told = self.asks(**more)
        assert told.status == 201, told.text
        return told.body

    def billed(self, sold: str) -> Any:
        """Its newest invoice, once what is due has been billed."""
        account = self.api.account.id
        renew.subscriptions(self.api.service, account, [keys.key(Subscription, account, sold)])
        return self.api.get(f"/v1/invoices?subscription={sold}")["data"][0]

    def switches(self, sold: str, **more: Any) -> Told:
        return self.api.post(f"/v1/subscriptions/{sold}/collection", more)


@pytest.fixture
def shop(api: Api) -> Shop:
    contact = api.post("/v1/contacts", {"name": "Ada", "email": "ada@example.com"})["id"]
    card = api.post("/v1/payment_methods", {"contact": contact, "payment_method": "pm_card_visa"})["id"]
    return Shop(api, contact, card)


REFUSED = {
    "charged without a method": ({}, "method_missing", "payment_method"),
    "charged without a method, said": (
        {"collection_method": "charge_automatically"},
        "method_missing",
        "payment_method",
    ),
    "sent, with a method": (
        {"collection_method": "send_invoice", "payment_method": "CARD"},
        "method_not_charged",
        "payment_method",
    ),
    "first sent, with a method": (
        {"collection_method": "charge_after_first_invoice", "payment_method": "CARD"},
        "method_not_charged",
        "payment_method",
    ),
    "terms of what is charged": (
        {"payment_method": "CARD", "days_until_due": 14},
        "terms_without_invoice",
        "days_until_due",
    ),
    "too long terms": (
        {"collection_method": "send_invoice", "days_until_due": 366},
        "days_until_due_out_of_range",
        "days_until_due",
    ),
    "charged, not online": (
        {"payment_method": "CARD", "accept_online": False},
        "online_needed",
        "accept_online",
    ),
    "first sent, not online": (
        {"collection_method": "charge_after_first_invoice", "accept_online": False},
        "online_needed",
        "accept_online",
    ),
    "a type of another currency": (
        {"collection_method": "send_invoice", "accepted_types": ["card", "sepa_debit"]},
        "type_not_of_currency",
        "accepted_types[1]",
    ),
    "a type there is not": (
        {"collection_method": "send_invoice", "accepted_types": ["cheque"]},
        "unknown_value",
        "accepted_types[0]",
    ),
    "a card where none is accepted": (
        {"payment_method": "CARD", "accepted_types": ["us_bank_account"]},
        "type_not_accepted",
        "payment_method",
    ),
    "a schedule that misses a percent": (
        {"payment_method": "CARD", "payment_schedule": [{"due_on": "2026-02-03", "percent": 99}]},
        "instalments_do_not_add_up",
        "payment_schedule",
    ),
    "a schedule of days gone by": (
        {"payment_method": "CARD", "payment_schedule": [{"due_on": "2026-01-03", "percent": 100}]},
        "instalment_in_the_past",
        "payment_schedule[0].due_on",
    ),
    "invoices off": ({"invoicing": False}, "invoicing_cannot_be_off", "invoicing"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_go_together_is_refused(shop: Shop, case: str):
    """Each refusal names the field, says what to do, and writes nothing."""
    body, code, param = REFUSED[case]
    before = shop.api.marks()
    told = shop.asks(**{name: shop.card if value == "CARD" else value for name, value in body.items()})
    assert (told.status, told["code"], told["param"]) == (400, code, param), told.text
    assert len(told["detail"]) > 20
    assert shop.api.marks() == before


def test_terms_are_shown_and_asked_for_by_them(shop: Shop):
    """A sent subscription shows its terms, and its invoice is due as many days after it was issued."""
    sold = shop.sells(
        collection_method="send_invoice",
        days_until_due=30,
        accepted_types=["card", "us_bank_account"],
        collect_addresses=["billing"],
        save_payment_method=True,
    )
    shown = (
        *("collection_method", "days_until_due", "accept_online", "accepted_types"),
        *("collect_addresses", "save_payment_method", "invoicing", "payment_method"),
    )
    assert {name: sold[name] for name in shown} == {
        "collection_method": "send_invoice",
        "days_until_due": 30,
        "accept_online": True,
        "accepted_types": ["card", "us_bank_account"],
        "collect_addresses": ["billing"],
        "save_payment_method": True,
        "invoicing": True,
        "payment_method": None,
    }
    invoice = shop.billed(sold["id"])
    assert (invoice["due_on"], invoice["attempt_at"]) == ("2026-03-02", "2026-03-03T06:00:00Z")


def test_the_accounts_settings_are_the_defaults(shop: Shop):
    """Online payment switched off, and a fee for all, hold for what is sold then where nothing else is said."""
    fee = {"name": "Handling", "amount": 150}
    told = shop.api.post("/v1/account", {"accept_online": False, "fees": [fee]})
    assert told.status == 200, told.text
    sold = shop.sells(collection_method="send_invoice")
    assert (sold["accept_online"], [one["name"] for one in sold["fees"]]) == (False, ["Handling"])
    assert shop.billed(sold["id"])["total"]["amount"] == 2650
    other = shop.sells(collection_method="send_invoice", accept_online=True, fees=[])
    assert (other["accept_online"], other["fees"]) == (True, [])
    assert shop.sells(payment_method=shop.card)["accept_online"]


def test_a_fee_for_a_type_is_of_what_is_charged(shop: Shop):
    """A card fee is on what a card is charged, not on what is sent, and not where the customer's balance pays it all."""
    fees = [{"name": "Card fee", "types": ["card"], "amount": 100}]
    charged = shop.sells(payment_method=shop.card, fees=fees)
    sent = shop.sells(collection_method="send_invoice", fees=fees)
    assert shop.billed(charged["id"])["total"]["amount"] == 2600
    assert shop.billed(sent["id"])["total"]["amount"] == 2500
    usd = {"amount": 2500, "currency": "usd"}
    assert shop.api.post(f"/v1/contacts/{shop.contact}/balance", {"amount": usd}).status == 200
    covered = shop.billed(shop.sells(payment_method=shop.card, fees=fees)["id"])
    assert (covered["total"]["amount"], covered["status"]) == (2500, "paid")


def test_an_order_and_its_preview_take_the_terms(shop: Shop):
    """An order's subscriptions are all collected so; a preview without a method is one of what is sent."""
    body = {"contact": shop.contact, "lines": [LINE, LINE | {"frequency": "weekly"}]}
    way = {"collection_method": "send_invoice", "days_until_due": 5}
    assert shop.api.post("/v1/orders/preview", body | way).status == 200
    made = shop.api.post("/v1/orders", body | way)
    assert [one["days_until_due"] for one in made["data"]] == [5, 5]
    assert shop.api.post("/v1/orders/preview", body)["code"] == "method_missing"


def test_another_way_begins_with_its_own_terms(shop: Shop):
    """Terms change one by one; another way drops those that are not its own, and is charged on a method it is given."""
    sold = shop.sells(collection_method="send_invoice", days_until_due=30, accept_online=False)["id"]
    assert shop.switches(sold, days_until_due=7)["days_until_due"] == 7
    told = shop.switches(sold, collection_method="charge_automatically", payment_method=shop.card)
    assert told.status == 200, told.text
    assert (told["days_until_due"], told["accept_online"]) == (0, True)
    assert told["payment_method"]["id"] == shop.card
    back = shop.switches(sold, collection_method="send_invoice")
    assert (back["collection_method"], back["days_until_due"]) == ("send_invoice", 0)
    assert shop.switches(sold, collection_method="charge_automatically")["payment_method"]["id"] == shop.card


def test_charged_after_the_next_invoice_it_takes_its_method_from_there(shop: Shop):
    """Switched from a card to that way its next invoice is sent, and the card it had is not charged."""
    sold = shop.sells(payment_method=shop.card, start_on="2026-01-31")["id"]
    told = shop.switches(sold, collection_method="charge_after_first_invoice", days_until_due=3)
    assert (told["payment_method"], told["days_until_due"]) == (None, 3)
    assert shop.billed(sold)["due_on"] == "2026-02-03"


SWITCHED = {
    "nothing": ({}, 400, "nothing_to_change", "collection_method"),
    "without a method": (
        {"collection_method": "charge_automatically"},
        400,
        "method_missing",
        "payment_method",
    ),
    "a method for what is sent": ({"payment_method": "CARD"}, 400, "method_not_charged", "payment_method"),
    "nobody's method": (
        {"collection_method": "charge_automatically", "payment_method": "pm_none"},
        404,
        "payment_method_not_found",
        "payment_method",
    ),
    "not online, after the first": (
        {"collection_method": "charge_after_first_invoice", "accept_online": False},
        400,
        "online_needed",
        "accept_online",
    ),
}


@pytest.mark.parametrize("case", SWITCHED)
def test_a_switch_that_cannot_be_is_refused(shop: Shop, case: str):
    """Each refusal names the field, and the subscription stays as it was."""
    body, status, code, param = SWITCHED[case]
    sold = shop.sells(collection_method="send_invoice")["id"]
    before = shop.api.marks()
    told = shop.switches(
        sold, **{name: shop.card if value == "CARD" else value for name, value in body.items()}
    )
    assert (told.status, told["code"], told["param"]) == (status, code, param), told.text
    assert shop.api.marks() == before


def test_a_schedule_adds_up_exactly(shop: Shop):
    """Percents are shared to the cent; what does not add up, rise, or reach Stripe's minimum is refused by its field."""
    sold = shop.sells(collection_method="send_invoice", days_until_due=10)["id"]
    path = f"/v1/invoices/{shop.billed(sold)['id']}/payment_schedule"

    def asks(*parts: tuple[str, str, Any]) -> Told:
        rows = [{"due_on": day, name: value} for day, name, value in parts]
        return shop.api.post(path, {"instalments": rows})

    february, march = "2026-02-01", "2026-03-01"
    wrong = {
        ("instalments_do_not_add_up", "instalments"): [(february, "amount", 1000), (march, "amount", 1499)],
        ("instalments_not_rising", "instalments[1].due_on"): [
            (march, "percent", 50),
            (february, "percent", 50),
        ],
        ("instalment_in_the_past", "instalments[0].due_on"): [("2026-01-30", "percent", 100)],
        ("instalment_not_chargeable", "instalments[1]"): [(february, "percent", 99), (march, "percent", 1)],
        ("amount_ambiguous", "instalments"): [(february, "percent", 50), (march, "amount", 1250)],
    }
    before = shop.api.marks()
    for (code, param), parts in wrong.items():
        told = asks(*parts)
        assert (told.status, told["code"], told["param"]) == (400, code, param), told.text
    assert (
        "$25.00" in asks((february, "amount", 100))["detail"]
        or "25.00" in asks((february, "amount", 100))["detail"]
    )
    assert shop.api.marks() == before
    made = asks((february, "percent", "33.35"), (march, "percent", "66.65"))
    assert [one["amount"]["amount"] for one in made["instalments"]] == [834, 1666]
    assert made["due_on"] == march
    shown = shop.api.get(path.removesuffix("/payment_schedule"))
    assert (shown["amount_due_now"]["amount"], shown["next_due_on"]) == (0, february)
    assert (
        shop.api.post(path, {"instalments": [{"due_on": march, "percent": 100}] * 37})["param"]
        == "instalments"
    )


def test_only_what_is_owed_is_split(shop: Shop):
    """A paid invoice has no schedule, nor one that a payment holds."""
    sold = shop.sells(payment_method=shop.card)["id"]
    invoice = shop.billed(sold)["id"]
    account = shop.api.account.id
    collect.invoices(shop.api.service, account, [f"{account}/invoice/{invoice}"])
    path = f"/v1/invoices/{invoice}/payment_schedule"
    told = shop.api.post(path, {"instalments": [{"due_on": "2026-03-01", "percent": 100}]})
    assert (told.status, told["code"]) == (409, "invoice_not_open")


def test_deleted_only_without_anything_open(shop: Shop):
    """While an invoice is open it is not deleted; voided, it is, and what was issued can still be read."""
    sold = shop.sells(collection_method="send_invoice")["id"]
    invoice = shop.billed(sold)["id"]
    told = shop.api.post(f"/v1/subscriptions/{sold}/delete")
    assert (told.status, told["code"]) == (409, "invoices_open")
    assert shop.api.post(f"/v1/invoices/{invoice}/void").status == 200
    assert shop.api.post(f"/v1/subscriptions/{sold}/delete")["deleted"]
    assert shop.api.get(f"/v1/subscriptions/{sold}").status == 404
    assert shop.api.get("/v1/subscriptions")["data"] == []
    assert shop.api.get(f"/v1/invoices/{invoice}")["status"] == "void"
    assert shop.api.post(f"/v1/subscriptions/{sold}/delete")["deleted"]


def test_a_record_takes_no_terms(shop: Shop):
    """What is only a record has no method and no terms, is not switched, paused until a day, or canceled for later."""
    assert shop.api.post("/v1/account", {"invoicing_can_be_off": True}).status == 200
    assert shop.asks(invoicing=False, payment_method=shop.card)["code"] == "nothing_collected"
    assert shop.asks(invoicing=False, days_until_due=3)["code"] == "nothing_collected"
    sold = shop.sells(invoicing=False)["id"]
    assert shop.switches(sold, collection_method="send_invoice")["code"] == "record_only"
    for path, body in (("payment_method_link", {}), ("payment_method", {"payment_method": shop.card})):
        told = shop.api.post(f"/v1/subscriptions/{sold}/{path}", body)
        assert (told.status, told["code"]) == (409, "record_only")
    for verb, body in (("pause", {"resume_on": "2026-06-01"}), ("cancel", {"at_period_end": True})):
        assert shop.api.post(f"/v1/subscriptions/{sold}/{verb}", body)["code"] in (
            "resume_by_hand",
            "record_only",
        )
    assert shop.api.post(f"/v1/subscriptions/{sold}/pause")["status"] == "paused"
    assert shop.api.post(f"/v1/subscriptions/{sold}/resume")["status"] == "active"
    assert shop.api.get(f"/v1/subscriptions/{sold}/upcoming_invoice")["code"] == "no_upcoming_invoice"
    assert shop.api.post(f"/v1/subscriptions/{sold}/cancel")["status"] == "canceled"


def test_simulated_it_is_paid_only_where_that_is_assumed(shop: Shop):
    """Nobody pays what is sent unless it is assumed; with it, a method is left, and the next is charged."""
    body = {
        "contact": shop.contact,
        "lines": [LINE],
        "collection_method": "charge_after_first_invoice",
        "days_until_due": 7,
        "until": "2026-03-05",
    }
    alone = shop.api.post("/v1/subscriptions/simulate", body)
    assert [one["status"] for one in alone["invoices"]] == ["open", "open"]
    assert alone["subscription"]["status"] == "past_due"
    paid = shop.api.post(
        "/v1/subscriptions/simulate", body | {"assume": [{"on": "2026-02-05", "pays": True}]}
    )
    assert [(one["status"], one["due_on"]) for one in paid["invoices"]] == [
        ("paid", "2026-02-07"),
        ("paid", None),
    ]
    assert [one["origin"] for one in paid["payments"]] == ["checkout", "schedule"]
    letters = [one["what"] for one in paid["happenings"] if one["kind"] == "letter"]
    assert letters == ["subscribed", "invoice", "first_payment", "upcoming_payment", "receipt"]


def test_a_run_says_what_it_would_send(shop: Shop):
    """In the preview of a day what is sent is not counted among what would be asked for."""
    shop.sells(collection_method="send_invoice", start_on="2026-02-03")
    told = shop.api.post("/v1/billing_runs/preview", {"at": "2026-02-03"})
    assert [one["held"] for one in told["expected"]] == ["sent"]
    assert (told["amounts_due"], told["totals"][0]["amount"]) == ([], 2500)
