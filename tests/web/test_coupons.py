"""Coupons and promotion codes through the API: made, taken, counted, refused, put away; the last one is taken once."""

from typing import Any

import pytest

from chalicelib.billing.discounts import Coupon
from chalicelib.store.changes import Changeset
from tests.web.conftest import Api
from tests.web.shop import MONTHLY, PLAN, Shop, totals
from tests.web.test_idempotency import Killed, killed_at, watch


@pytest.fixture
def shop(api: Api) -> Shop:
    return Shop(api)


def coupon(shop: Shop, **terms: Any) -> str:
    told = shop.post(
        "/v1/coupons", {"name": "Ten"} | (terms if "amount" in terms else {"percent": 10} | terms)
    )
    assert told.status == 201, told.text
    made: str = told["id"]
    return made


def code(shop: Shop, word: str, of: str, **terms: Any) -> str:
    told = shop.post("/v1/promotion_codes", {"code": word, "coupon": of, **terms})
    assert told.status == 201, told.text
    made: str = told["id"]
    return made


def sale(shop: Shop, *discounts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return shop.body(PLAN, frequency="monthly", discounts=list(discounts), **more)


def test_a_coupon_is_found_as_it_was_made(shop: Shop):
    """Made, asked for, listed and put away: its terms are as they were sent, and it has been taken by nobody."""
    product = shop.post("/v1/products", {"name": "Tea", "unit_amount": 1, "frequency": "monthly"})["id"]
    body = {"name": "Summer", "amount": 500, "duration": "repeating", "months": 3, "products": [product],
            "max_redemptions": 7, "redeem_by": "2026-06-01T00:00:00Z", "minimum": 2000}  # fmt: skip
    made = shop.post("/v1/coupons", body).body
    usd = {"amount": {"amount": 500, "currency": "usd"}, "minimum": {"amount": 2000, "currency": "usd"}}
    assert (
        made.items()
        >= (body | usd | {"object": "coupon", "redeemed": 0, "active": True, "percent": None}).items()
    )
    assert shop.get(f"/v1/coupons/{made['id']}") == made
    assert shop.get("/v1/coupons")["data"] == [made]
    assert shop.post(f"/v1/coupons/{made['id']}/archive").body == made | {"active": False}
    assert shop.post(f"/v1/coupons/{made['id']}/archive").status == 200


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"percent": 10, "amount": 10}, "discount_ambiguous", "percent"),
    ({}, "discount_ambiguous", "percent"),
    ({"percent": "0"}, "percent_out_of_range", "percent"),
    ({"amount": -5}, "amount_out_of_range", "amount"),
    ({"amount": 5, "currency": "xxx"}, "unknown_currency", "currency"),
    ({"percent": 10, "duration": "repeating"}, "months_of_duration", "months"),
    ({"percent": 10, "duration": "weekly"}, "unknown_value", "duration"),
    ({"percent": 10, "redeem_by": "2026-01-01T00:00:00Z"}, "expiry_in_the_past", "redeem_by"),
    ({"percent": 10, "redeem_by": "2026-06-01T00:00:00"}, "moment_without_zone", "redeem_by"),
    ({"percent": 10, "products": ["prod_none"]}, "product_not_found", "products[0]"),
]


@pytest.mark.parametrize("case", range(len(REFUSED)))
def test_terms_that_could_not_be_kept_are_refused(shop: Shop, case: int):
    """Each refusal has a code, the field, and a sentence."""
    terms, why, param = REFUSED[case]
    told = shop.post("/v1/coupons", {"name": "Ten", **terms})
    assert (told["code"], told["param"]) == (why, param)
    assert told["detail"].endswith(".")
    assert shop.get("/v1/coupons")["data"] == []


def test_a_word_is_taken_once_whatever_its_case(shop: Shop):
    """WELCOME and welcome are one code; a buyer may type either."""
    ten = coupon(shop)
    made = code(shop, "Welcome-10", ten)
    told = shop.post("/v1/promotion_codes", {"code": "WELCOME-10", "coupon": ten})
    assert (told.status, told["code"], told["param"]) == (400, "code_taken", "code")
    sold = shop.post("/v1/subscriptions", sale(shop, {"promotion_code": "wELCOME-10"})).body
    assert [(one["coupon"], one["code"]) for one in sold["discounts"]] == [(ten, "Welcome-10")]
    assert shop.get(f"/v1/promotion_codes/{made}")["redeemed"] == 1
    assert shop.get(f"/v1/coupons/{ten}")["redeemed"] == 1
    assert [one["id"] for one in shop.get("/v1/promotion_codes")["data"]] == [made]


@pytest.mark.parametrize("commit", [1, 2, 3])
def test_a_code_whose_answer_was_lost_is_found_again(shop: Shop, commit: int):
    """Killed before any of its writes and sent again, the request makes the code once; another's word stays taken."""
    body = {"code": "TEN", "coupon": coupon(shop)}
    killed_at(shop.api, commit)
    with pytest.raises(Killed):
        shop.post("/v1/promotion_codes", body, Idempotency_Key="a")
    watch(shop.api, None)
    shop.api.wait(seconds=61)
    assert shop.post("/v1/promotion_codes", body, Idempotency_Key="a").status == 201
    assert shop.post("/v1/promotion_codes", body, Idempotency_Key="b")["code"] == "code_taken"
    assert len(shop.get("/v1/promotion_codes")["data"]) == 1


@pytest.mark.parametrize(
    ("terms", "billed"),
    [
        ({}, [2700, 3000, 3000, 3000, 3000]),
        ({"duration": "repeating", "months": 3}, [2700, 2700, 2700, 3000, 3000]),
        ({"duration": "forever"}, [2700, 2700, 2700, 2700, 2700]),
        ({"amount": 500, "duration": "repeating", "months": 2}, [2500, 2500, 3000, 3000, 3000]),
        ({"amount": 9999, "duration": "forever"}, [0, 0, 0, 0, 0]),
    ],
)
def test_a_coupon_holds_as_long_as_it_says(shop: Shop, terms: dict[str, Any], billed: list[int]):
    """Once, for the invoices of so many months, or forever; never more is taken off than there is."""
    shop.post("/v1/subscriptions", sale(shop, {"coupon": coupon(shop, **terms)}))
    shop.it_is("2026-05-16")
    assert [amount for _, amount in totals(shop.invoices())] == billed


def test_coupons_are_taken_off_in_the_order_given(shop: Shop):
    """10.00 and then 10 % is another amount than 10 % and then 10.00; a line's own discount comes before both."""
    ten, tenth = coupon(shop, amount=1000, duration="forever"), coupon(shop, duration="forever")
    for discounts in ([ten, tenth], [tenth, ten]):
        body = sale(shop, *({"coupon": one} for one in discounts))
        body["lines"] = [PLAN | {"unit_amount": 10000, "discounts": [{"percent": 50}]}]
        shop.post("/v1/subscriptions", body)
    shop.it_is("2026-01-15")
    assert sorted(amount for _, amount in totals(shop.invoices())) == [3500, 3600]


def test_a_coupon_of_some_products_leaves_the_others(shop: Shop):
    """It is taken off the lines of its products, and refused where none of them is sold."""
    tea = shop.post("/v1/products", {"name": "Tea", "unit_amount": 1000, "frequency": "monthly"})["id"]
    half = coupon(shop, percent=50, products=[tea])
    told = shop.post("/v1/subscriptions", sale(shop, {"coupon": half}))
    assert (told["code"], told["param"]) == ("coupon_other_products", "discounts[0].coupon")
    shop.post("/v1/orders", shop.body(MONTHLY, {"product": tea, "payments": 3}, discounts=[{"coupon": half}]))
    shop.it_is("2026-01-15")
    assert sorted(amount for _, amount in totals(shop.invoices())) == [500, 3000]


def test_a_refused_discount_says_why_and_is_not_counted(shop: Shop):
    """Expired, used up, put away, another's, below its minimum, of another currency, there twice, unknown: each by name."""
    gone, late, dear, euro, twice, used = (
        coupon(shop),
        coupon(shop, redeem_by="2026-01-16T00:00:00Z"),
        coupon(shop, minimum=3001),
        coupon(shop, amount=100, currency="eur"),
        coupon(shop),
        coupon(shop, max_redemptions=1),
    )
    other = shop.post("/v1/contacts", {"name": "Bo", "email": "bo@example.com"})["id"]
    code(shop, "BO", twice, contact=other)
    code(shop, "TWICE", twice)
    code(shop, "OLD", gone)
    shop.post(f"/v1/coupons/{gone}/archive")
    away = code(shop, "AWAY", twice)
    shop.post(f"/v1/promotion_codes/{away}/archive")
    assert shop.post("/v1/subscriptions", sale(shop, {"coupon": used})).status == 201
    shop.it_is("2026-01-17")
    before = shop.api.marks()
    cases: list[tuple[list[dict[str, Any]], str, str]] = [
        ([{"coupon": gone}], "coupon_inactive", "discounts[0].coupon"),
        ([{"promotion_code": "old"}], "coupon_inactive", "discounts[0].promotion_code"),
        ([{"promotion_code": "away"}], "promotion_code_inactive", "discounts[0].promotion_code"),
        ([{"coupon": late}], "coupon_expired", "discounts[0].coupon"),
        ([{"coupon": dear}], "coupon_below_minimum", "discounts[0].coupon"),
        ([{"coupon": euro}], "coupon_other_currency", "discounts[0].coupon"),
        ([{"coupon": used}], "coupon_used_up", "discounts[0].coupon"),
        ([{"promotion_code": "bo"}], "promotion_code_of_another", "discounts[0].promotion_code"),
        ([{"coupon": twice}, {"promotion_code": "twice"}], "coupon_twice", "discounts[1].promotion_code"),
        ([{"promotion_code": "nobody"}], "promotion_code_not_found", "discounts[0].promotion_code"),
        ([{"coupon": twice, "percent": 5}], "discount_ambiguous", "discounts[0]"),
        ([{}], "discount_ambiguous", "discounts[0]"),
        ([{"percent": 0}], "percent_out_of_range", "discounts[0].percent"),
        ([{"amount": 0}], "amount_out_of_range", "discounts[0].amount"),
    ]
    for discounts, why, param in cases:
        for path in ("/v1/subscriptions", "/v1/subscriptions/preview"):
            told = shop.post(path, sale(shop, *discounts))
            assert (told["code"], told["param"]) == (why, param)
            assert told["detail"].endswith(".")
    assert shop.api.marks() == before


def test_an_order_takes_a_coupon_once(shop: Shop):
    """However many subscriptions an order makes, its coupon is counted once, for it is one sale."""
    ten = coupon(shop, max_redemptions=1, duration="forever")
    made = shop.orders(MONTHLY, MONTHLY | {"frequency": "annually"}, discounts=[{"coupon": ten}])
    assert [len(one["discounts"]) for one in made] == [1, 1]
    assert shop.get(f"/v1/coupons/{ten}")["redeemed"] == 1


@pytest.mark.parametrize("by", ["coupon", "promotion_code"])
def test_the_last_redemption_is_taken_once(shop: Shop, by: str):
    """Of two sales that both read one redemption left, the first to be written has it, and the other is refused."""
    ten = coupon(shop, **({"max_redemptions": 1} if by == "coupon" else {}))
    word = code(shop, "TEN", ten, **({"max_redemptions": 1} if by == "promotion_code" else {}))
    body = sale(shop, {by: ten if by == "coupon" else "TEN"})
    inner: list[Any] = []

    def other(changes: Changeset) -> None:
        if not inner and any(isinstance(record, Coupon) for record in changes.changed.values()):
            inner.append(None)
            inner[0] = shop.post("/v1/subscriptions", body)

    watch(shop.api, other)
    told = shop.post("/v1/subscriptions", body)
    watch(shop.api, None)
    assert inner[0].status == 201
    assert (told.status, told["code"]) == (400, f"{by}_used_up")
    assert shop.get(f"/v1/coupons/{ten}")["redeemed"] == 1
    assert shop.get(f"/v1/promotion_codes/{word}")["redeemed"] == (by == "promotion_code")
    assert len(shop.get("/v1/subscriptions")["data"]) == 1


def test_two_sales_at_once_are_both_counted(shop: Shop):
    """Where redemptions are left, a sale that lost the race reads again, and both are counted."""
    ten = coupon(shop, max_redemptions=2)
    body = sale(shop, {"coupon": ten})
    inner: list[Any] = []

    def other(changes: Changeset) -> None:
        if not inner and any(isinstance(record, Coupon) for record in changes.changed.values()):
            inner.append(None)
            inner[0] = shop.post("/v1/subscriptions", body)

    watch(shop.api, other)
    assert [shop.post("/v1/subscriptions", body).status, inner[0].status] == [201, 201]
    assert shop.get(f"/v1/coupons/{ten}")["redeemed"] == 2
