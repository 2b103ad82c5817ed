"""Stripe Tax finds the rates: stories of people in several places, and of days on which it is not there."""

from datetime import timedelta
from typing import Any

from tests.stories.diary import Diary

BERLIN = {"country": "DE", "city": "Berlin"}
NEW_YORK = {"country": "US", "state": "NY"}


def buys(diary: Diary, who: str, where: dict[str, str], exempt: str = "none", **more: Any) -> None:
    """A customer of a place subscribes to a bag a month, from the 15th of January, with automatic tax."""
    diary.saves_a_card(who)
    diary.post(f"/v1/contacts/{diary.contacts[who]}", address=where, tax_exempt=exempt)
    diary.subscribes(who, "coffee-250g", on="2026-01-15", automatic_tax=True, **more)


def bills(diary: Diary, who: str) -> list[tuple[str, int, list[tuple[str, int]]]]:
    """A customer's invoices, oldest first: begin of the period, total, and the taxes by name."""
    found = diary.every(f"/v1/invoices?subscription={diary.subscriptions[who]}")
    return [
        (
            row["period_start_on"],
            row["total"]["amount"],
            [(tax["name"], tax["amount"]["amount"]) for tax in row["taxes"]],
        )
        for row in sorted(found, key=lambda row: row["number"])
    ]


def days_pass(diary: Diary, count: int) -> None:
    """So many days, each with two ticks: what stays due is not waited for."""
    for _ in range(count):
        diary.world.set_clock(diary.world.now + timedelta(days=1))
        for _ in range(2):
            diary.world.tick()
            diary.world.drain()


def tax_fails(diary: Diary, fault: str = "500_before") -> None:
    where = {"method": "POST", "path": "/v1/tax/*"}
    diary.world.stripe("POST", "faults", {"match": where, "fault": fault, "times": 100_000})


def test_an_outage_of_stripe_tax_parks_nobody(diary: Diary):
    """For two months Stripe Tax answers nothing: plain subscriptions are billed, the others wait, unblamed.

    When it is back, what was missed is billed in order, with the taxes of each invoice, and charged.
    """
    buys(diary, "ada", BERLIN)
    diary.subscribes("bo", "coffee-250g", on="2026-01-15")
    diary.it_is("2026-01-20")
    first = ("2026-01-15", 1488, [("VAT", 238)])
    assert bills(diary, "ada") == [first]
    tax_fails(diary)
    days_pass(diary, 59)
    assert bills(diary, "ada") == [first]
    assert len(bills(diary, "bo")) == 3
    assert diary.parked() == []
    assert diary.subscription("ada")["status"] == "active"
    diary.world.stripe("DELETE", "faults")
    days_pass(diary, 1)
    diary.it_is("2026-03-22")
    assert bills(diary, "ada") == [
        first, ("2026-02-15", 1488, [("VAT", 238)]), ("2026-03-15", 1488, [("VAT", 238)]),
    ]  # fmt: skip
    assert diary.payments("ada") == [("succeeded", 1488)] * 3
    assert diary.parked() == []
    diary.sound()


def test_each_customer_pays_the_taxes_of_their_place(diary: Diary):
    """Germany's one, New York's three, none for the exempt and under reverse charge, and none where none is collected."""
    buys(diary, "ada", BERLIN)
    buys(diary, "bo", NEW_YORK)
    buys(diary, "eve", BERLIN, "exempt")
    buys(diary, "rex", BERLIN, "reverse")
    buys(diary, "zoe", {"country": "BR"})
    diary.it_is("2026-01-16")
    assert bills(diary, "ada") == [("2026-01-15", 1488, [("VAT", 238)])]
    assert bills(diary, "bo") == [
        ("2026-01-15", 1361, [("New York Sales Tax", 50), ("New York Sales Tax", 56), ("MTA Sales Tax", 5)])
    ]
    assert bills(diary, "eve") == [("2026-01-15", 1250, [("Exempt", 0)])]
    assert bills(diary, "rex") == [("2026-01-15", 1250, [("Reverse charge", 0)])]
    assert bills(diary, "zoe") == [("2026-01-15", 1250, [])]
    stated = diary.every(f"/v1/invoices?subscription={diary.subscriptions['rex']}")[0]["taxes"][0]
    assert (stated["category"], stated["base"]["amount"], stated["percent"]) == ("AE", 1250, "0")
    diary.sound()


def test_a_tax_inside_the_price_and_a_coupon(diary: Diary):
    """Half off a price with its tax inside: what is left is charged, and the tax is of what is left."""
    line = {"name": "Coffee", "unit_amount": 2380, "tax_inclusive": True, "tax_code": "txcd_40060003"}
    buys(diary, "ada", BERLIN, lines=[line], discounts=[{"percent": "50", "name": "Half"}])
    diary.it_is("2026-02-16")
    assert bills(diary, "ada") == [
        ("2026-01-15", 1190, [("VAT", 190)]), ("2026-02-15", 2380, [("VAT", 380)]),
    ]  # fmt: skip
    diary.sound()


def test_who_moves_pays_the_taxes_of_the_new_place_from_the_next_invoice(diary: Diary):
    """An address that changes changes no invoice that was issued, and the next one."""
    buys(diary, "ada", BERLIN)
    diary.it_is("2026-02-01")
    diary.post(f"/v1/contacts/{diary.contacts['ada']}", address={"country": "FR"})
    diary.it_is("2026-03-01")
    diary.post(f"/v1/contacts/{diary.contacts['ada']}", tax_exempt="exempt")
    diary.it_is("2026-03-16")
    assert bills(diary, "ada") == [
        ("2026-01-15", 1488, [("VAT", 238)]),
        ("2026-02-15", 1500, [("VAT", 250)]),
        ("2026-03-15", 1250, [("Exempt", 0)]),
    ]
    diary.sound()


def test_a_place_stripe_does_not_know_is_the_records_own_trouble(diary: Diary):
    """Refused five times it is parked with Stripe's sentence, its neighbors are billed; mended and released, it is too."""
    buys(diary, "ada", BERLIN)
    buys(diary, "bo", BERLIN)
    diary.it_is("2026-02-01")
    diary.post(f"/v1/contacts/{diary.contacts['ada']}", address={"country": "US"})
    diary.it_is("2026-02-16")
    for _ in range(6):
        diary.it_is("2026-02-16", hour=19)
    parked = diary.every("/v1/parked")
    assert [row["id"] for row in parked] == [diary.subscriptions["ada"]]
    assert "customer_tax_location_invalid" in str(parked)
    assert len(bills(diary, "bo")) == 2
    diary.post(f"/v1/contacts/{diary.contacts['ada']}", address=NEW_YORK)
    diary.post(f"/v1/parked/subscription/{diary.subscriptions['ada']}/release")
    diary.it_is("2026-02-17")
    assert [total for _, total, _ in bills(diary, "ada")] == [1488, 1361]
    diary.sound()


def test_what_cannot_be_taxed_is_not_sold(diary: Diary):
    """Without an address, with two lines of one name, or in a place Stripe does not know, the order is refused."""

    def refused(who: str, **more: Any) -> tuple[str, str]:
        line = {"name": "Coffee", "unit_amount": "1250"}
        body = {
            "contact": diary.contacts[who],
            "payment_method": diary.methods[who]["id"],
            "currency": "usd",
            "frequency": "monthly",
            "lines": [line],
            "automatic_tax": True,
            **more,
        }
        answer = diary.world.call("POST", "/v1/subscriptions", body, diary.key)
        assert answer.status == 400, answer.body
        return answer.body["code"], answer.body["param"]

    diary.saves_a_card("ada")
    assert refused("ada") == ("address_missing", "contact")
    diary.post(f"/v1/contacts/{diary.contacts['ada']}", address=BERLIN)
    twice = [{"name": "Coffee", "unit_amount": "1250"}, {"name": "Coffee", "unit_amount": "900"}]
    assert refused("ada", lines=twice) == ("line_names_not_unique", "lines[1].name")
    coded = [{"name": "Coffee", "unit_amount": "1250", "tax_code": "books"}]
    assert refused("ada", lines=coded) == ("tax_code_malformed", "lines[0].tax_code")
    rate = diary.post("/v1/tax_rates", name="VAT", percentage="19")["id"]
    assert refused("ada", taxes=[rate])[0] == "taxes_with_automatic_tax"
    diary.post(f"/v1/contacts/{diary.contacts['ada']}", address={"country": "US"})
    assert refused("ada") == ("customer_tax_location_invalid", "automatic_tax")
    assert diary.every("/v1/subscriptions") == []


def test_a_change_and_what_is_foretold_have_the_taxes_of_stripe(diary: Diary):
    """A second bag from the 25th on an invoice of its own; upcoming invoice and simulation are what then happens."""
    buys(diary, "ada", BERLIN)
    diary.it_is("2026-01-25", hour=8)
    sub = diary.subscriptions["ada"]
    diary.post(f"/v1/subscriptions/{sub}/change", quantities={"li_1": 2}, proration="invoice_now")
    diary.it_is("2026-01-26")
    # 21 of 31 days: 25.00 x 21 / 31 = 16.94, and 19 percent of it.
    assert bills(diary, "ada")[1:] == [("2026-01-25", 2016, [("VAT", 322)])]
    note = diary.every("/v1/credit_notes")[0]
    # 12.50 x 21 / 31 = 8.47, and the tax that was on it: 2.38 x 8.47 / 12.50.
    assert note["total"]["amount"] == 847 + 161
    upcoming = diary.get(f"/v1/subscriptions/{sub}/upcoming_invoice")
    told = diary.post(f"/v1/subscriptions/{sub}/simulate", until="2026-04-20")
    diary.it_is("2026-04-20")
    assert bills(diary, "ada")[2:] == [(f"2026-0{n}-15", 2975, [("VAT", 475)]) for n in (2, 3, 4)]
    assert [(one["period_start_on"], one["total"], one["taxes"]) for one in told["invoices"]] == [
        (one["period_start_on"], one["total"], one["taxes"])
        for one in sorted(diary.every(f"/v1/invoices?subscription={sub}"), key=lambda row: row["number"])[2:]
    ]
    assert (upcoming["total"]["amount"], upcoming["taxes"][0]["amount"]["amount"]) == (2975, 475)
    diary.sound()
