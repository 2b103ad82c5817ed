"""What is sold through the API: lines of every kind, terms, starts, orders of several subscriptions, and their previews."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from chalicelib.billing.errors import Invalid
from chalicelib.operations import advance
from chalicelib.web.bodies import from_json
from chalicelib.web.orders import NewOrder
from chalicelib.web.subscriptions import NewSubscription
from tests.web.conftest import JANUARY, Api, Told
from tests.web.test_idempotency import Killed, killed_at, watch
from tests.web.test_openapi import DOCUMENT, fits

TIERS = [{"up_to": 10, "unit_amount": 100}, {"up_to": 50, "unit_amount": 80}, {"unit_amount": 50}]
STEPS = [{"up_to": 10, "flat_amount": 5000}, {"flat_amount": 9000}]
PLAN = {"name": "Plan", "unit_amount": 3000}
MONTHLY = PLAN | {"frequency": "monthly"}


NOON = JANUARY.replace(hour=12)


class Shop:
    """An account on a clock of its own at noon of 15 January 2026, and a customer with a card."""

    def __init__(self, api: Api, card: str = "pm_card_visa") -> None:
        self.api = api
        self.account, self.key = api.open("Roaster", clock_at=NOON)
        self.contact = self.post("/v1/contacts", {"name": "Ada", "email": "ada@example.com"})["id"]
        self.card = self.saves(card)

    def saves(self, card: str) -> str:
        body = {"contact": self.contact, "payment_method": card}
        saved: str = self.post("/v1/payment_methods", body)["id"]
        return saved

    def post(self, path: str, body: Any = None, **more: Any) -> Told:
        return self.api.post(path, body, key=self.key, **more)

    def body(self, *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {"contact": self.contact, "payment_method": self.card, "lines": list(lines), **more}

    def sells(self, *lines: dict[str, Any], **more: Any) -> Any:
        told = self.post("/v1/subscriptions", self.body(*lines, **more))
        assert told.status == 201, told.text
        return told.body

    def orders(self, *lines: dict[str, Any], **more: Any) -> list[Any]:
        told = self.post("/v1/orders", self.body(*lines, **more))
        assert told.status == 201, told.text
        return list(told["data"])

    def it_is(self, day: str) -> None:
        """The clock is moved to one in the afternoon of a day, or stays, and what is due is done."""
        if day != "2026-01-15":
            assert self.post("/v1/test_clock/advance", {"to": f"{day}T13:00:00Z"}).status == 202
        for _ in range(20):
            advance.clocks(self.api.service, self.account.id, [])

    def invoices(self, subscription: str = "") -> list[Any]:
        """All invoices, or a subscription's, oldest first."""
        path = "/v1/invoices?limit=100" + (f"&subscription={subscription}" if subscription else "")
        return sorted(self.api.get(path, key=self.key)["data"], key=lambda one: one["number"])

    def get(self, path: str) -> Any:
        return self.api.get(path, key=self.key).body

    def rate(self, percentage: Any, **more: Any) -> str:
        made: str = self.post("/v1/tax_rates", {"name": f"T{percentage}", "percentage": percentage, **more})[
            "id"
        ]
        return made


@pytest.fixture
def shop(api: Api) -> Shop:
    return Shop(api)


def totals(invoices: list[Any]) -> list[tuple[str, int]]:
    return [(one["period_start_on"], one["total"]["amount"]) for one in invoices]


# -- lines ------------------------------------------------------------------------------------------

PRICED = [
    ({"unit_amount": 100, "quantity": "12.5"}, 1250),
    ({"unit_amount": "0.005", "quantity": 100}, 1),
    ({"model": "flat", "unit_amount": 7}, 7),
    ({"model": "graduated", "tiers": TIERS, "quantity": 60}, 10 * 100 + 40 * 80 + 10 * 50),
    ({"model": "graduated", "tiers": TIERS, "quantity": 10}, 1000),
    ({"model": "volume", "tiers": TIERS, "quantity": 10}, 1000),
    ({"model": "volume", "tiers": TIERS, "quantity": 11}, 880),
    ({"model": "volume", "tiers": TIERS, "quantity": "50.5"}, 2525),
    ({"model": "stairstep", "tiers": STEPS, "quantity": 10}, 5000),
    ({"model": "stairstep", "tiers": STEPS, "quantity": "10.01"}, 9000),
    ({"unit_amount": 1000, "quantity": 3, "discounts": [{"percent": "12.5"}]}, 2625),
    ({"unit_amount": 1000, "quantity": 3, "discounts": [{"amount": 50}, {"percent": 10}]}, 2565),
]


@pytest.mark.parametrize("line", range(len(PRICED)))
def test_a_line_is_billed_as_its_model_says(shop: Shop, line: int):
    """Flat, volume, graduated and stairstep, whole and decimal quantities, its own discounts; bounds are inclusive."""
    body, amount = PRICED[line]
    sold = shop.sells({"name": "Cups", **body}, frequency="monthly")
    shop.it_is("2026-01-15")
    [invoice] = shop.invoices(sold["id"])
    assert invoice["total"]["amount"] == amount
    assert invoice["lines"][0]["tiers"] == sold["lines"][0]["tiers"]


def with_tier(n: int, **changed: Any) -> dict[str, Any]:
    tiers = [dict(tier) for tier in TIERS]
    tiers[n] |= changed
    return {"name": "Cups", "model": "volume", "tiers": tiers}


REFUSED_LINES = [
    (with_tier(1, up_to=10), "tier_overlap", "lines[1].tiers[1].up_to"),
    (with_tier(1, up_to=None), "tier_open", "lines[1].tiers[1].up_to"),
    (with_tier(2, up_to=90), "last_tier_closed", "lines[1].tiers[2].up_to"),
    (with_tier(0, unit_amount=1.5), "inexact_number", "lines[1].tiers[0].unit_amount"),
    (with_tier(0, price=1), "unknown_field", "lines[1].tiers[0].price"),
    ({"name": "Cups", "model": "volume"}, "tiers_out_of_range", "lines[1].tiers"),
    ({"name": "Cups", "unit_amount": 1, "tiers": TIERS}, "tiers_of_flat_price", "lines[1].tiers"),
    ({"name": "Cups", "unit_amount": 1, "model": "volume", "tiers": TIERS}, "unit_amount_with_tiers",
     "lines[1].unit_amount"),
    ({"name": "Cups", "model": "stairstep", "tiers": TIERS}, "tier_unit_amount", "lines[1].tiers[0].unit_amount"),
    ({"name": "Cups", "unit_amount": 1, "model": "heap"}, "unknown_value", "lines[1].model"),
    ({"name": "Cups"}, "line_incomplete", "lines[1]"),
    ({"unit_amount": 5}, "line_incomplete", "lines[1]"),
    ({"name": "Cups", "unit_amount": 1, "quantity": 0}, "quantity_zero", "lines[1].quantity"),
    ({"name": "Cups", "unit_amount": 1, "discounts": [{}]}, "discount_ambiguous", "lines[1].discounts[0]"),
    ({"name": "Cups", "unit_amount": 1, "discounts": [{"percent": 101}]}, "percent_out_of_range",
     "lines[1].discounts[0].percent"),
    ({"name": "Cups", "unit_amount": 1, "frequency": "weekly"}, "frequency_differs", "frequency"),
    ({"product": "prod_none"}, "product_not_found", "lines[1].product"),
    ({"name": "Cups", "unit_amount": 1, "taxes": ["txr_none"]}, "tax_rate_not_found", "lines[1].taxes"),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(REFUSED_LINES)), ids=[f"{code}-{n}" for n, (_, code, _) in enumerate(REFUSED_LINES)])  # fmt: skip
def test_a_refused_line_is_named_to_the_tier(shop: Shop, case: int):
    """What is wrong in a line is named by its path, in a sentence of what would be accepted."""
    line, code, param = REFUSED_LINES[case]
    told = shop.post("/v1/subscriptions", shop.body(PLAN, line, frequency="monthly"))
    assert told.status in (400, 404)
    assert (told["code"], told["param"]) == (code, param)
    assert told["detail"].endswith(".")


def test_a_line_of_the_library_is_a_copy(shop: Shop):
    """Of a product's line the quantity, discounts and taxes may be given; the product stays as it was."""
    vat, city = shop.rate(20), shop.rate(3)
    body = {
        "name": "Cups",
        "frequency": "monthly",
        "model": "graduated",
        "tiers": TIERS,
        "taxes": [vat],
        "term": "P1Y",
    }
    product = shop.post("/v1/products", body).body
    assert (product["payments"], product["taxes"], product["unit_amount"]) == (12, [vat], "0")
    sold = shop.sells(
        {"product": product["id"], "quantity": 20, "discounts": [{"percent": 50}], "taxes": [city]}
    )
    assert (sold["payments"], sold["frequency"], sold["lines"][0]["product"]) == (
        12,
        "monthly",
        product["id"],
    )
    shop.it_is("2026-01-15")
    # 10 x 1.00 + 10 x 0.80, half of it, and 3 %.
    assert totals(shop.invoices(sold["id"])) == [("2026-01-15", 927)]
    assert shop.get(f"/v1/products/{product['id']}") == product
    assert totals(shop.invoices()) == [("2026-01-15", 927)]
    for name, value in (
        ("name", "Mine"),
        ("unit_amount", 1),
        ("tiers", TIERS),
        ("sku", "x"),
        ("save_to_library", True),
    ):
        told = shop.post("/v1/subscriptions", shop.body({"product": product["id"], name: value}))
        assert (told["code"], told["param"]) == ("line_from_library", f"lines[0].{name}")


def test_taxes_are_the_lines_own_or_its_products_or_those_of_all(shop: Shop):
    """A line's own taxes come first, then its product's, then the body's; an empty list is none."""
    vat, city, food = shop.rate(20), shop.rate(3), shop.rate(7, inclusive=True)
    product = {"name": "Beans", "unit_amount": 1000, "frequency": "monthly", "taxes": [food]}
    beans = {"product": shop.post("/v1/products", product)["id"]}
    sold = shop.sells(beans, PLAN, PLAN | {"taxes": [city]}, PLAN | {"taxes": []}, taxes=[vat])
    assert [line["taxes"] for line in sold["lines"]] == [[food], [vat], [city], []]
    assert {tax["id"] for tax in sold["taxes"]} == {vat, city, food}
    shop.it_is("2026-01-15")
    [invoice] = shop.invoices()
    taxed = {tax["tax"]: (tax["base"]["amount"], tax["amount"]["amount"]) for tax in invoice["taxes"]}
    assert taxed == {food: (935, 65), vat: (3000, 600), city: (3000, 90)}
    assert invoice["total"]["amount"] == 10000 + 600 + 90


def test_a_tax_named_twice_is_levied_once(shop: Shop):
    """The same rate given twice is one tax, inclusive or not, of lines and of fees."""
    vat, inside = shop.rate(20), shop.rate(7, inclusive=True)
    twice = {"taxes": [vat, inside, vat, inside]}
    sold = shop.sells(
        PLAN | twice, frequency="monthly", fees=[{"name": "Fee", "amount": 100, "taxes": [vat, vat]}]
    )
    assert (sold["lines"][0]["taxes"], sold["fees"][0]["taxes"]) == ([vat, inside], [vat])
    shop.it_is("2026-01-15")
    [invoice] = shop.invoices()
    # 30.00 / 1.07 is 28.04; 20 % of that and of the fee is 5.81.
    assert {one["tax"]: one["amount"]["amount"] for one in invoice["taxes"]} == {vat: 581, inside: 196}
    assert invoice["total"]["amount"] == 3000 + 100 + 581


def test_tiers_beyond_what_a_record_holds_are_refused(shop: Shop):
    """Eleven lines of a product with a hundred tiers are more than a thousand: refused, not failed."""
    tiers = [*({"up_to": n, "unit_amount": "0.123456789012"} for n in range(1, 100)), {"unit_amount": 1}]
    product = {"name": "Cups", "model": "graduated", "tiers": tiers, "frequency": "monthly"}
    line = {"product": shop.post("/v1/products", product)["id"]}
    told = shop.post("/v1/subscriptions", shop.body(*[line] * 11))
    assert (told.status, told["code"], told["param"]) == (400, "too_many_tiers", "lines")
    assert shop.post("/v1/subscriptions", shop.body(*[line] * 10)).status == 201


def test_an_archived_tax_is_not_sold(shop: Shop):
    """A rate that is archived is refused by name, wherever it is asked for; what has it keeps it."""
    vat = shop.rate(20)
    sold = shop.sells(PLAN, frequency="monthly", taxes=[vat])
    shop.post(f"/v1/tax_rates/{vat}/archive")
    asked = [
        ({"taxes": [vat]}, "taxes"),
        ({"one_off_taxes": [vat]}, "one_off_taxes"),
        ({"fees": [{"name": "Fee", "amount": 1, "taxes": [vat]}]}, "fees[0].taxes"),
    ]
    for more, param in asked:
        told = shop.post("/v1/subscriptions", shop.body(PLAN, frequency="monthly", **more))
        assert (told["code"], told["param"]) == ("tax_rate_archived", param)
    shop.it_is("2026-02-15")
    assert totals(shop.invoices(sold["id"])) == [("2026-01-15", 3600), ("2026-02-15", 3600)]


def test_a_line_may_be_saved_as_a_product(shop: Shop):
    """One flag makes a product of a line of one's own, in the same commit; the next sale takes it by its id."""
    vat = shop.rate(20)
    line = {
        "name": "Cups",
        "model": "volume",
        "tiers": TIERS,
        "taxes": [vat],
        "sku": "CUP",
        "save_to_library": True,
    }
    sold = shop.sells({**line, "quantity": 11}, frequency="monthly", payments=6)
    product = shop.get(f"/v1/products/{sold['lines'][0]['product']}")
    assert (product["name"], product["sku"], product["frequency"]) == ("Cups", "CUP", "monthly")
    assert (product["tiers"], product["taxes"], product["payments"]) == (sold["lines"][0]["tiers"], [vat], 6)
    again = shop.sells({"product": product["id"], "quantity": 11})
    told = [{**one["lines"][0], "id": ""} for one in (sold, again)]
    assert told[0] == told[1]


def test_a_product_is_refused_as_a_line_is(shop: Shop):
    """The library takes no table with a gap, no price missing, no term that is not whole."""
    cases: list[tuple[dict[str, Any], str, str]] = [
        (
            {"model": "volume", "tiers": [{"up_to": 5, "unit_amount": 1}]},
            "last_tier_closed",
            "tiers[0].up_to",
        ),
        ({}, "unit_amount_missing", "unit_amount"),
        ({"unit_amount": 1, "term": "P8W"}, "term_malformed", "term"),
        ({"unit_amount": 1, "term": "P2M", "payments": 2}, "term_ambiguous", "term"),
        ({"unit_amount": 1, "payments": 3, "frequency": "one_time"}, "term_of_one_time", "frequency"),
        ({"unit_amount": 1, "term": "soon"}, "wrong_form", "term"),
    ]
    for more, code, param in cases:
        told = shop.post("/v1/products", {"name": "Cups", "frequency": "monthly", **more})
        assert (told.status, told["code"], told["param"]) == (400, code, param)


def test_tiny_prices_are_told_in_digits(shop: Shop):
    """A tier's price of a billionth comes back digit for digit."""
    tiers = [{"up_to": "0.000001", "unit_amount": "0.000000001"}, {"unit_amount": 1}]
    sold = shop.sells({"name": "Bytes", "model": "volume", "tiers": tiers}, frequency="monthly")
    told = sold["lines"][0]["tiers"][0]
    assert (told["up_to"], told["unit_amount"]) == ("0.000001", "0.000000001")


# -- once, terms, starts ----------------------------------------------------------------------------


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


# -- orders -----------------------------------------------------------------------------------------

BASKET = [
    {"name": "Setup", "unit_amount": 5000, "frequency": "one_time"},
    MONTHLY,
    {"name": "Support", "unit_amount": 12000, "frequency": "annually"},
    MONTHLY | {"name": "Seats", "quantity": 3},
    MONTHLY | {"name": "Trial", "start_delay_days": 14},
    MONTHLY | {"name": "Year", "term": "P12M"},
    MONTHLY | {"name": "Same", "payments": 12, "start_on": "2026-01-15"},
]


def test_an_order_makes_a_subscription_of_what_is_alike(shop: Shop):
    """The same frequency, term and start make one subscription; what is once goes with the first that is due now."""
    made = shop.orders(*BASKET)
    assert [[line["name"] for line in one["lines"]] for one in made] == [
        ["Plan", "Seats"],
        ["Support"],
        ["Trial"],
        ["Year", "Same"],
    ]
    assert [[line["name"] for line in one["extras"]] for one in made] == [["Setup"], [], [], []]
    assert len({one["id"] for one in made}) == 4
    assert {one["id"] for one in shop.get("/v1/subscriptions")["data"]} == {one["id"] for one in made}
    assert len(shop.get("/v1/events")["data"]) == 4


def asked(shop: Shop) -> dict[str, Any]:
    """An order with everything in it."""
    vat, city = shop.rate("7.7"), shop.rate(3)
    monthly = {"name": "Thrice", "percent": 20, "duration": "repeating", "months": 3}
    coupon = shop.post("/v1/coupons", monthly)["id"]
    graduated = {"name": "Cups", "model": "graduated", "tiers": TIERS, "quantity": 42, "frequency": "monthly"}
    fixed = MONTHLY | {"name": "Fixed", "payments": 3, "taxes": [vat, city]}
    return shop.body(
        *BASKET[:3],
        graduated,
        fixed,
        MONTHLY | {"name": "Later", "start_delay_days": 20, "payments": 2},
        taxes=[vat],
        one_off_taxes=[],
        discounts=[{"coupon": coupon}, {"amount": 7777, "name": "Welcome"}],
        fees=[
            {"name": "Card", "types": ["card"], "percent": "2.9"},
            {"name": "Rush", "amount": 999, "once": True},
        ],
    )


def test_a_preview_is_what_is_then_billed(shop: Shop):
    """Due now and later, invoice by invoice: lines, discounts, fees and taxes are the preview's to the cent."""
    body = asked(shop)
    told = shop.post("/v1/orders/preview", body).body
    made = [one["id"] for one in shop.post("/v1/orders", body)["data"]]
    shop.it_is("2026-01-15")
    now = shop.invoices()
    assert len(now) == 3
    assert told["due_now"]["total"]["amount"] == sum(one["total"]["amount"] for one in now)
    taken: dict[str, int] = {}
    for part in (part for one in now for part in one["discounts"]):
        taken[part["name"]] = taken.get(part["name"], 0) + part["amount"]["amount"]
    assert taken["Welcome"] == 7777
    assert {one["name"]: one["amount"]["amount"] for one in told["due_now"]["discounts"]} == taken
    shop.it_is("2026-06-20")
    later = [one for one in shop.invoices() if one["period_start_on"] > "2026-01-15"]
    billed = [
        (
            one["period_start_on"],
            made.index(one["subscription"]),
            one["total"],
            one["discounts"],
            one["taxes"],
        )
        for one in later
    ]
    foretold = [
        (
            one["on"],
            one["subscription"],
            one["amounts"]["total"],
            one["amounts"]["discounts"],
            one["amounts"]["taxes"],
        )
        for one in told["later"]
        if one["on"] <= "2026-06-20"
    ]
    assert sorted(billed, key=lambda one: one[:2]) == foretold
    assert len(billed) == 5 + 2 + 2
    assert (told["total"], told["total_known"], told["has_more"], told["tax_known"]) == (
        None,
        False,
        True,
        True,
    )


def test_a_preview_writes_nothing_and_takes_no_coupon(shop: Shop):
    """Asked as often as one likes, a preview leaves the table as it is, and is refused as the sale would be."""
    body = asked(shop)
    before = shop.api.written()
    first = shop.post("/v1/orders/preview", body)
    assert (first.status, shop.post("/v1/orders/preview", body).body) == (200, first.body)
    told = shop.post("/v1/orders/preview", body | {"lines": [MONTHLY | {"term": "P8W"}]})
    assert (told.status, told["code"], told["param"]) == (400, "term_malformed", "lines[0].term")
    assert shop.api.written() == before


def test_a_subscription_is_previewed_by_the_same_rules(shop: Shop):
    """A subscription's own preview says what its first and later invoices are, and the whole of a fixed term."""
    vat = shop.rate(20)
    body = shop.body(PLAN, frequency="quarterly", term="P1Y", taxes=[vat], discounts=[{"percent": 10}])
    told = shop.post("/v1/subscriptions/preview", body).body
    assert told["due_now"]["total"]["amount"] == 3240
    assert [(one["on"], one["amounts"]["total"]["amount"]) for one in told["later"]] == [
        ("2026-04-15", 3600),
        ("2026-07-15", 3600),
        ("2026-10-15", 3600),
    ]
    assert (told["total"]["amount"], told["has_more"]) == (3240 + 3 * 3600, False)
    [recurring] = told["recurring"]
    assert recurring["ends_on"] == "2027-01-15"
    assert recurring["lines"][0]["taxes"] == [{"tax": vat, "amount": {"amount": 600, "currency": "usd"}}]
    assert told["per_frequency"][0]["tax"]["amount"] == 600


REFUSED_ORDERS: list[tuple[list[dict[str, Any]], str, str]] = [
    ([BASKET[0]], "nothing_recurring", "lines"),
    ([BASKET[0], BASKET[4]], "nothing_due_now", "lines"),
    ([PLAN], "frequency_missing", "lines[0].frequency"),
    ([BASKET[0] | {"start_delay_days": 3}, MONTHLY], "term_of_one_time", "lines[0].frequency"),
    ([BASKET[0] | {"payments": 1}, MONTHLY], "term_of_one_time", "lines[0].frequency"),
    ([MONTHLY, MONTHLY | {"start_on": "2025-01-01"}], "start_in_the_past", "lines[1].start_on"),
    ([MONTHLY, MONTHLY | {"start_delay_months": 999}], "start_delay_out_of_range", "lines[1].start_delay_months"),
    ([MONTHLY | {"payments": 2, "term": "P2M"}], "term_ambiguous", "lines[0].term"),
    ([MONTHLY | {"payments": 0}], "payments_out_of_range", "lines[0].payments"),
    ([MONTHLY | {"payments": n} for n in range(1, 22)], "too_many_subscriptions", "lines"),
    ([MONTHLY | {"start_on": "2025-01-15", "backdate": "skip", "payments": 12}], "term_over", "lines[0].payments"),
    ([MONTHLY | {"save_to_library": True}] * 100, "order_too_large", "lines"),
]  # fmt: skip
REFUSED_FEES: list[tuple[dict[str, Any], str, str]] = [
    ({"name": " ", "amount": 1}, "fee_name_missing", "fees[0].name"),
    ({"name": "Fee"}, "amount_ambiguous", "fees[0]"),
    ({"name": "Fee", "amount": 1, "percent": 1}, "amount_ambiguous", "fees[0]"),
    ({"name": "Fee", "amount": 0}, "amount_out_of_range", "fees[0].amount"),
    ({"name": "Fee", "percent": "100.5"}, "percent_out_of_range", "fees[0].percent"),
    ({"name": "Fee", "amount": 1, "types": ["Visa Card"]}, "wrong_form", "fees[0].types[0]"),
]


@pytest.mark.parametrize("case", range(len(REFUSED_FEES)))
def test_a_refused_fee_is_named(shop: Shop, case: int):
    """A fee has a name, and exactly one of a percent and an amount."""
    fee, code, param = REFUSED_FEES[case]
    told = shop.post("/v1/orders", shop.body(MONTHLY, fees=[fee]))
    assert (told.status, told["code"], told["param"]) == (400, code, param)
    assert told["detail"].endswith(".")


@pytest.mark.parametrize("case", range(len(REFUSED_ORDERS)), ids=[f"{code}-{n}" for n, (_, code, _) in enumerate(REFUSED_ORDERS)])  # fmt: skip
def test_a_refused_order_writes_nothing(shop: Shop, case: int):
    """All subscriptions of an order are sold, or none; the refusal names the line."""
    lines, code, param = REFUSED_ORDERS[case]
    before = shop.api.marks()
    told = shop.post("/v1/orders", shop.body(*lines))
    assert (told.status, told["code"], told["param"]) == (400, code, param), told.text
    assert told["detail"].endswith(".")
    assert shop.api.marks() == before


def test_twenty_subscriptions_are_sold_together(shop: Shop):
    """The most an order makes goes through in one transaction."""
    made = shop.orders(*(MONTHLY | {"payments": n} for n in range(1, 21)))
    assert sorted(one["payments"] for one in made) == list(range(1, 21))


@pytest.mark.parametrize("commit", [1, 2, 3])
def test_an_order_that_was_cut_off_is_made_once(shop: Shop, commit: int):
    """Killed before any of its writes and sent again, an order makes its subscriptions once, and tells them all."""
    coupon = shop.post("/v1/coupons", {"name": "Ten", "percent": 10, "max_redemptions": 5})["id"]
    body = shop.body(*BASKET, {**PLAN, "name": "Saved", "frequency": "weekly", "save_to_library": True},
                     discounts=[{"coupon": coupon}])  # fmt: skip
    killed_at(shop.api, commit)
    with pytest.raises(Killed):
        shop.post("/v1/orders", body, Idempotency_Key="a")
    watch(shop.api, None)
    shop.api.wait(seconds=61)
    told = shop.post("/v1/orders", body, Idempotency_Key="a")
    assert (told.status, len(told["data"])) == (201, 5)
    assert [one["lines"][0]["name"] for one in told["data"]] == ["Plan", "Support", "Trial", "Year", "Saved"]
    assert shop.post("/v1/orders", body, Idempotency_Key="a").text == told.text
    assert len(shop.get("/v1/subscriptions")["data"]) == 5
    assert len(shop.get("/v1/products")["data"]) == 1
    assert shop.get(f"/v1/coupons/{coupon}")["redeemed"] == 1


def test_nothing_of_another_account_is_sold(shop: Shop):
    """Products, tax rates, coupons and codes of another account do not exist here."""
    other = Shop(shop.api)
    product = other.post("/v1/products", {"name": "Tea", "unit_amount": 1, "frequency": "monthly"})["id"]
    coupon = other.post("/v1/coupons", {"name": "Ten", "percent": 10})["id"]
    other.post("/v1/promotion_codes", {"code": "TEN", "coupon": coupon})
    vat = other.rate(20)
    bodies = [
        shop.body({"product": product}),
        shop.body(MONTHLY, taxes=[vat]),
        shop.body(MONTHLY, one_off_taxes=[vat]),
        shop.body(MONTHLY | {"taxes": [vat]}),
        shop.body(MONTHLY, fees=[{"name": "Fee", "amount": 1, "taxes": [vat]}]),
        shop.body(MONTHLY, discounts=[{"coupon": coupon}]),
        shop.body(MONTHLY, discounts=[{"promotion_code": "TEN"}]),
        shop.body(MONTHLY) | {"payment_method": other.card},
        shop.body(MONTHLY) | {"contact": other.contact},
    ]
    fields = ["lines[0].product", "taxes", "one_off_taxes", "lines[0].taxes", "fees[0].taxes", "discounts[0].coupon",
              "discounts[0].promotion_code", "payment_method", "contact"]  # fmt: skip
    for path in ("/v1/orders", "/v1/orders/preview"):
        told = [shop.post(path, body) for body in bodies]
        assert [(one.status, one["param"]) for one in told] == [(404, field) for field in fields]


def test_automatic_tax_is_known_before_and_the_same_after(api: Api):
    """With automatic tax a preview asks for the taxes, and the first invoice has them; half an order is refused by name."""
    shop = Shop(api)
    told = shop.post("/v1/orders", shop.body(MONTHLY, automatic_tax=True))
    assert (told["code"], told["param"]) == ("address_missing", "contact")
    where = {"country": "DE", "city": "Berlin", "line1": "Platz 1", "postal_code": "10115"}
    assert shop.post(f"/v1/contacts/{shop.contact}", {"address": where}).status == 200
    told = shop.post("/v1/orders", shop.body(MONTHLY, MONTHLY, automatic_tax=True))
    assert (told["code"], told["param"]) == ("line_names_not_unique", "lines[1].name")
    told = shop.post("/v1/orders", shop.body(MONTHLY, automatic_tax=True, taxes=[shop.rate(20)]))
    assert told["code"] == "taxes_with_automatic_tax"
    body = shop.body(MONTHLY, automatic_tax=True)
    summary = shop.post("/v1/orders/preview", body).body
    assert summary["tax_known"] is True
    assert summary["due_now"]["taxes"]
    shop.post("/v1/orders", body)
    shop.it_is("2026-01-15")
    [invoice] = shop.invoices()
    assert (summary["due_now"]["taxes"], summary["due_now"]["total"]) == (invoice["taxes"], invoice["total"])


def test_answers_are_as_the_document_describes_them(shop: Shop):
    """Orders, previews, coupons, codes and tiered products fit their schemas, made and asked for again."""
    tiered = {"name": "Cups", "model": "graduated", "tiers": TIERS, "frequency": "monthly"}
    fits(shop.post("/v1/products", tiered), "POST", "/v1/products")
    ten = shop.post("/v1/coupons", {"name": "Ten", "amount": 10, "duration": "forever", "minimum": 5})
    word = shop.post("/v1/promotion_codes", {"code": "TEN", "coupon": ten["id"], "contact": shop.contact})
    fits(ten, "POST", "/v1/coupons")
    fits(word, "POST", "/v1/promotion_codes")
    fits(shop.api.get("/v1/coupons", key=shop.key), "GET", "/v1/coupons")
    fits(shop.api.get(f"/v1/promotion_codes/{word['id']}", key=shop.key), "GET", "/v1/promotion_codes/{id}")
    body = asked(shop)
    fits(shop.post("/v1/orders/preview", body), "POST", "/v1/orders/preview")
    fits(shop.post("/v1/subscriptions/preview", shop.body(MONTHLY)), "POST", "/v1/subscriptions/preview")
    fits(shop.post("/v1/orders", body), "POST", "/v1/orders")
    for path in ("coupons", "promotion_codes"):
        id_ = ten["id"] if path == "coupons" else word["id"]
        fits(shop.post(f"/v1/{path}/{id_}/archive"), "POST", f"/v1/{path}/{{id}}/archive")


BODIES: list[tuple[str, dict[str, Any], bool]] = [
    ("NewOrder", {"lines": [{"name": "a", "unit_amount": 1, "frequency": "monthly", "term": "P12M"}]}, True),
    ("NewOrder", {"lines": [{"name": "a", "unit_amount": 1, "frequency": "monthly", "term": "12"}]}, False),
    ("NewOrder", {"lines": []}, False),
    ("NewOrder", {"lines": [{"product": "p"}], "discounts": [{"promotion_code": "a b"}]}, False),
    (
        "NewOrder",
        {"lines": [{"product": "p"}], "fees": [{"name": "Fee", "types": ["Card"], "amount": 1}]},
        False,
    ),
    ("NewOrder", {"lines": [{"product": "p", "tiers": [{"up_to": 1.5}]}]}, False),
    ("NewSubscription", {"lines": [{"product": "p", "term": "P1M"}]}, False),
    ("NewSubscription", {"lines": [{"product": "p"}], "term": "P1M", "backdate": "skip"}, True),
]


@pytest.mark.parametrize("case", range(len(BODIES)))
def test_bodies_are_described_as_strictly_as_they_are_read(case: int):
    """What the document allows of an order is what is read, and what is refused it does not allow."""
    name, more, allowed = BODIES[case]
    body = {"contact": "c", "payment_method": "p", **more}
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    assert Draft202012Validator(schema).is_valid(body) is allowed
    read = {"NewOrder": NewOrder, "NewSubscription": NewSubscription}[name]
    if allowed:
        assert from_json(read, json.dumps(body).encode()).contact == "c"
    else:
        with pytest.raises(Invalid):
            from_json(read, json.dumps(body).encode())
