"""How what is sold over HTTP is billed: once, from when, what was missed, and for which method."""

import pytest

from tests.web.conftest import Api
from tests.web.shop import PLAN, Shop, totals


@pytest.fixture
def shop(api: Api) -> Shop:
    return Shop(api)


def test_what_is_billed_once_is_on_the_first_invoice_alone(shop: Shop):
    """One-time lines, one-off discounts, fees and taxes touch what is due now, and no later invoice."""
    vat, stamp = shop.rate(10), shop.rate(1)
    sold = shop.sells(
        PLAN,
        {"name": "Setup", "unit_amount": 2000, "frequency": "one_time"},
        frequency="monthly",
        payments=3,
        taxes=[vat],
        one_off_taxes=[stamp],
        discounts=[{"amount": 500, "name": "Welcome"}],
        fees=[
            {"name": "Rush", "amount": 300, "once": True},
            {"name": "Card", "types": ["card"], "percent": 2},
        ],
    )
    assert [line["kind"] for line in sold["extras"]] == ["one_time"]
    shop.it_is("2026-05-01")
    first, *later = shop.invoices(sold["id"])
    # 50.00 - 5.00 = 45.00; fees 3.00 and 0.90; 10 % of 45.00 is 4.50, 1 % of 48.90 is 0.49.
    assert first["subtotal"]["amount"] == 5000 + 300 + 90
    assert [one["amount"]["amount"] for one in first["discounts"]] == [500]
    assert {tax["tax"]: tax["amount"]["amount"] for tax in first["taxes"]} == {vat: 450, stamp: 49}
    assert first["total"]["amount"] == 4500 + 390 + 499
    assert totals(later) == [("2026-02-15", 3360), ("2026-03-15", 3360)]
    ended = shop.get(f"/v1/subscriptions/{sold['id']}")
    assert (ended["status"], ended["ends_on"], ended["payments_left"]) == ("expired", "2026-04-15", 0)


BEGUN = [
    ({"start_on": "2026-01-31"}, "scheduled", "2026-01-31"),
    ({"start_delay_days": 20}, "scheduled", "2026-02-04"),
    ({"start_delay_months": 2}, "scheduled", "2026-03-15"),
    ({"term": "P12M"}, "scheduled", "2026-01-15"),
]


@pytest.mark.parametrize("case", range(len(BEGUN)))
def test_it_begins_when_it_is_said_to(shop: Shop, case: int):
    """Today, on a date, or so many days or months from today."""
    said, status, day = BEGUN[case]
    sold = shop.sells(PLAN, frequency="monthly", **said)
    assert (sold["status"], sold["next_billing_on"]) == (status, day)
    assert sold["ends_on"] == ("2027-01-15" if "term" in said else None)


def test_an_import_bills_what_was_missed_or_leaves_it(shop: Shop):
    """Backdated, each missed period is billed in order; skipped, billing goes on with what is left of the term."""
    past = {"frequency": "monthly", "start_on": "2025-10-31", "payments": 6}
    told = shop.post("/v1/subscriptions", shop.body(PLAN, **past))
    assert (told["code"], told["param"]) == ("start_in_the_past", "start_on")
    billed = shop.sells(PLAN, **past, backdate="bill")
    skipped = shop.sells(PLAN, **past, backdate="skip")
    assert (billed["payments_left"], billed["next_billing_on"]) == (6, "2025-10-31")
    assert (skipped["payments_left"], skipped["next_billing_on"]) == (3, "2026-01-31")
    assert (skipped["status"], skipped["ends_on"], billed["ends_on"]) == (
        "active",
        "2026-04-30",
        "2026-04-30",
    )
    shop.it_is("2026-01-15")
    days = [day for day, _ in totals(shop.invoices(billed["id"]))]
    assert days == ["2025-10-31", "2025-11-30", "2025-12-31"]
    assert shop.invoices(skipped["id"]) == []
    shop.it_is("2026-06-01")
    rest = ["2026-01-31", "2026-02-28", "2026-03-31"]
    assert [day for day, _ in totals(shop.invoices(billed["id"]))] == [*days, *rest]
    assert [day for day, _ in totals(shop.invoices(skipped["id"]))] == rest
    assert {shop.get(f"/v1/subscriptions/{one['id']}")["status"] for one in (billed, skipped)} == {"expired"}


def test_a_fee_is_of_the_method_that_pays(api: Api):
    """A card's fee is on payments by card, a debit's on debits, one without types on all; another method changes it."""
    shop = Shop(api, "pm_usBankAccount")
    fees = [{"name": "Card", "types": ["card"], "percent": 3}, {"name": "Debit", "types": ["us_bank_account"], "amount": 80},
            {"name": "Paper", "amount": 100}]  # fmt: skip
    sold = shop.sells(PLAN, frequency="monthly", fees=fees)
    assert sold["payment_method"]["type"] == "us_bank_account"
    shop.it_is("2026-01-15")
    moved = shop.post(
        f"/v1/subscriptions/{sold['id']}/payment_method", {"payment_method": shop.saves("pm_card_visa")}
    )
    assert moved["payment_method"]["type"] == "card"
    shop.it_is("2026-02-15")
    told = [[(line["name"], line["amount"]["amount"]) for line in one["lines"]] for one in shop.invoices()]
    assert told == [
        [("Plan", 3000), ("Debit", 80), ("Paper", 100)],
        [("Plan", 3000), ("Card", 90), ("Paper", 100)],
    ]


def test_what_stripe_could_not_charge_is_refused_before_it_is_sold(shop: Shop):
    """The largest amount counts with its tax, now and later: a discount that ends, or is once, does not hide it."""
    vat = shop.rate(10)
    most = PLAN | {"unit_amount": 99_999_999}
    assert shop.post("/v1/subscriptions/preview", shop.body(most, frequency="monthly")).status == 200
    coupon = shop.post("/v1/coupons", {"name": "Half", "percent": 50, "duration": "repeating", "months": 3})[
        "id"
    ]
    for more in ({}, {"discounts": [{"percent": 50}]}, {"discounts": [{"coupon": coupon}]}):
        told = shop.post("/v1/subscriptions", shop.body(most, frequency="monthly", taxes=[vat], **more))
        assert (told.status, told["code"], told["param"]) == (400, "amount_too_large", "lines"), more
    told = shop.post(
        "/v1/subscriptions",
        shop.body(most, frequency="monthly", taxes=[vat], payments=1, discounts=[{"percent": 50}]),
    )
    assert told.status == 201
    fils = {"name": "Plan", "unit_amount": 10005}
    told = shop.post("/v1/subscriptions", shop.body(fils, frequency="monthly", currency="kwd"))
    assert (told["code"], told["param"]) == ("amount_not_chargeable", "lines")
