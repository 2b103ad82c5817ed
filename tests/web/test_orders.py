"""Orders over HTTP: the subscriptions they make, and their previews; all of it is sold, or nothing."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from chalicelib.billing.errors import Invalid
from chalicelib.web.bodies import from_json
from chalicelib.web.orders import NewOrder
from chalicelib.web.subscriptions import NewSubscription
from tests.web.conftest import Api
from tests.web.shop import MONTHLY, PLAN, TIERS, Shop
from tests.web.test_idempotency import Killed, killed_at, watch
from tests.web.test_openapi import DOCUMENT, fits

BASKET = [
    {"name": "Setup", "unit_amount": 5000, "frequency": "one_time"},
    MONTHLY,
    {"name": "Support", "unit_amount": 12000, "frequency": "annually"},
    MONTHLY | {"name": "Seats", "quantity": 3},
    MONTHLY | {"name": "Trial", "start_delay_days": 14},
    MONTHLY | {"name": "Year", "term": "P12M"},
    MONTHLY | {"name": "Same", "payments": 12, "start_on": "2026-01-15"},
]


@pytest.fixture
def shop(api: Api) -> Shop:
    return Shop(api)


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
