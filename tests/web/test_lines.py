"""Lines that are sold over HTTP: of every model, of the library or of their own, taxed, and refused to the tier."""

from typing import Any

import pytest

from tests.web.conftest import Api
from tests.web.shop import PLAN, TIERS, Shop, totals

STEPS = [{"up_to": 10, "flat_amount": 5000}, {"flat_amount": 9000}]
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


@pytest.fixture
def shop(api: Api) -> Shop:
    return Shop(api)


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
