"""Who may take a coupon, and which terms of one could be kept."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.billing import redemptions
from chalicelib.billing.discounts import Coupon, Duration, PromotionCode
from chalicelib.billing.errors import Invalid
from chalicelib.billing.money import Money
from tests.billing.ordered import NOW, usd

COUPON = Coupon(account="acct_1", id="cou_1", name="Off", created_at=NOW, percent=Decimal(10))
CODE = PromotionCode(account="acct_1", id="promo_1", code="Off10", coupon="cou_1", created_at=NOW)
SALE = redemptions.Sale(contact="con_1", now=NOW, subtotal=usd(5000), products=frozenset({"prod_a"}))

REFUSALS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"active": False}, {}, "coupon_inactive"),
    ({"redeem_by": NOW}, {}, "coupon_expired"),
    ({"max_redemptions": 3, "redeemed": 3}, {}, "coupon_used_up"),
    ({"minimum": usd(5001)}, {}, "coupon_below_minimum"),
    ({"minimum": Money(1, "eur")}, {}, "coupon_other_currency"),
    ({"percent": None, "amount": Money(100, "eur")}, {}, "coupon_other_currency"),
    ({"products": ("prod_b",)}, {}, "coupon_other_products"),
    ({}, {"active": False}, "promotion_code_inactive"),
    ({}, {"expires_at": NOW}, "promotion_code_expired"),
    ({}, {"max_redemptions": 1, "redeemed": 1}, "promotion_code_used_up"),
    ({}, {"minimum": usd(5001)}, "promotion_code_below_minimum"),
    ({}, {"contact": "con_2"}, "promotion_code_of_another"),
]


@pytest.mark.parametrize(("coupon", "code", "why"), REFUSALS)
def test_a_refused_coupon_says_why(coupon: dict[str, Any], code: dict[str, Any], why: str):
    """Each reason has a code of its own, and a sentence."""
    with pytest.raises(Invalid) as refused:
        redemptions.check(replace(COUPON, **coupon), replace(CODE, **code), SALE, "discounts[0].coupon")
    assert (refused.value.code, refused.value.param) == (why, "discounts[0].coupon")
    assert refused.value.detail.endswith(".")


TAKEN: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"redeem_by": NOW + timedelta(seconds=1)}, {"expires_at": NOW + timedelta(seconds=1)}),
    ({"max_redemptions": 3, "redeemed": 2}, {"max_redemptions": 1}),
    ({"minimum": usd(5000)}, {"minimum": usd(5000), "contact": "con_1"}),
    ({"products": ("prod_b", "prod_a")}, {}),
    ({"percent": None, "amount": usd(1)}, {}),
]


@pytest.mark.parametrize(("coupon", "code"), TAKEN)
def test_a_coupon_is_taken_up_to_its_limits(coupon: dict[str, Any], code: dict[str, Any]):
    """The last moment, the last redemption and the very minimum are inside."""
    redemptions.check(replace(COUPON, **coupon), replace(CODE, **code), SALE, "discounts[0].coupon")


TERMS_REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"percent": None}, "discount_ambiguous", "percent"),
    ({"amount": usd(1)}, "discount_ambiguous", "percent"),
    ({"percent": Decimal("100.1")}, "percent_out_of_range", "percent"),
    ({"percent": None, "amount": usd(0)}, "amount_out_of_range", "amount"),
    ({"duration": Duration.REPEATING}, "months_of_duration", "months"),
    ({"months": 3}, "months_of_duration", "months"),
    ({"duration": Duration.REPEATING, "months": 0}, "months_out_of_range", "months"),
    ({"duration": Duration.REPEATING, "months": 121}, "months_out_of_range", "months"),
    ({"max_redemptions": 0}, "max_redemptions_out_of_range", "max_redemptions"),
    ({"redeem_by": NOW}, "expiry_in_the_past", "redeem_by"),
    ({"minimum": usd(0)}, "minimum_out_of_range", "minimum"),
]


@pytest.mark.parametrize(("terms", "code", "param"), TERMS_REFUSED)
def test_terms_that_could_not_be_kept_are_refused(terms: dict[str, Any], code: str, param: str):
    """A coupon is exactly one of percent and amount, has months only where it repeats, and limits somebody can meet."""
    with pytest.raises(Invalid) as refused:
        redemptions.check_coupon(replace(COUPON, **terms))
    assert (refused.value.code, refused.value.param) == (code, param)


def test_a_code_is_the_same_in_any_case():
    """There is one id for a word, however it is typed."""
    assert redemptions.code_id("Welcome-10") == redemptions.code_id("WELCOME-10")
    assert redemptions.code_id("Welcome-10") != redemptions.code_id("WELCOME_10")
