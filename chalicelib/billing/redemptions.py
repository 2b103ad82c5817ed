"""Who may take a coupon, and when: the one place where a discount is refused."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeVar

from chalicelib.billing.currencies import check_currency
from chalicelib.billing.discounts import Coupon, Duration, PromotionCode, check_percent
from chalicelib.billing.errors import Invalid
from chalicelib.billing.money import Money

MAX_MONTHS: Final = 120
R = TypeVar("R", Coupon, PromotionCode)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """What a coupon is asked for: by whom, when, for which products, and what the first invoices charge before it."""

    contact: str
    now: datetime
    subtotal: Money
    products: frozenset[str]


def check(coupon: Coupon, code: PromotionCode | None, sale: Sale, param: str) -> None:
    """Refuse a coupon, or the code it is taken by, with the reason why."""
    for one, named, until in _terms(coupon, code):
        _check_open(one, named, until, sale, param)
    if code is not None and code.contact not in (None, sale.contact):
        raise Invalid("promotion_code_of_another", f"{_called(code)} is for another contact.", param)
    if coupon.amount is not None and coupon.amount.currency != sale.subtotal.currency:
        detail = f"{_called(coupon)} takes off {coupon.amount.currency}; sell in that currency."
        raise Invalid("coupon_other_currency", detail, param)
    if coupon.products and not sale.products.intersection(coupon.products):
        detail = f"{_called(coupon)} is for {', '.join(coupon.products[:5])}; sell a line of those products."
        raise Invalid("coupon_other_products", detail, param)


def _check_open(
    one: Coupon | PromotionCode, named: str, until: datetime | None, sale: Sale, param: str
) -> None:
    if not one.active:
        raise Invalid(f"{named}_inactive", f"{_called(one)} is not offered any more; leave it out.", param)
    if until is not None and sale.now >= until:
        detail = f"{_called(one)} could be taken until {until:%Y-%m-%d %H:%M} UTC; leave it out."
        raise Invalid(f"{named}_expired", detail, param)
    if one.max_redemptions is not None and one.redeemed >= one.max_redemptions:
        detail = f"{_called(one)} has been taken {one.redeemed} times, which is all; leave it out."
        raise Invalid(f"{named}_used_up", detail, param)
    if one.minimum is not None:
        _check_minimum(one, one.minimum, named, sale, param)


def _terms(
    coupon: Coupon, code: PromotionCode | None
) -> list[tuple[Coupon | PromotionCode, str, datetime | None]]:
    own: list[tuple[Coupon | PromotionCode, str, datetime | None]] = [(coupon, "coupon", coupon.redeem_by)]
    return own if code is None else [(code, "promotion_code", code.expires_at), *own]


def _called(one: Coupon | PromotionCode) -> str:
    return f"The code {one.code}" if isinstance(one, PromotionCode) else f"The coupon {one.id}"


def _check_minimum(one: Coupon | PromotionCode, minimum: Money, named: str, sale: Sale, param: str) -> None:
    if minimum.currency != sale.subtotal.currency:
        detail = f"{_called(one)} asks for a minimum in {minimum.currency}; sell in that currency."
        raise Invalid(f"{named}_other_currency", detail, param)
    if sale.subtotal < minimum:
        detail = f"{_called(one)} needs a first invoice of at least {minimum}, not {sale.subtotal}."
        raise Invalid(f"{named}_below_minimum", detail, param)


def check_coupon(coupon: Coupon) -> None:
    """Refuse terms that could not be kept."""
    if (coupon.percent is None) is (coupon.amount is None):
        raise Invalid("discount_ambiguous", "Give a percent or an amount, one of them.", "percent")
    if coupon.percent is not None:
        check_percent(coupon.percent, "percent")
    if coupon.amount is not None:
        check_currency(coupon.amount.currency)
        if coupon.amount.amount < 1:
            raise Invalid("amount_out_of_range", "Take off at least one minor unit.", "amount")
    if (coupon.duration is Duration.REPEATING) is (coupon.months is None):
        raise Invalid(
            "months_of_duration", "Give months with the duration repeating, and with no other.", "months"
        )
    if coupon.months is not None and not 1 <= coupon.months <= MAX_MONTHS:
        raise Invalid("months_out_of_range", f"A coupon holds for 1 to {MAX_MONTHS} months.", "months")
    check_limits(coupon)


def check_limits(one: Coupon | PromotionCode) -> None:
    """Refuse limits that could not be kept."""
    if one.max_redemptions is not None and one.max_redemptions < 1:
        raise Invalid("max_redemptions_out_of_range", "Let it be taken at least once.", "max_redemptions")
    until, name = (one.redeem_by, "redeem_by") if isinstance(one, Coupon) else (one.expires_at, "expires_at")
    if until is not None and until <= one.created_at:
        raise Invalid(
            "expiry_in_the_past", f"Choose a moment after {one.created_at:%Y-%m-%d %H:%M} UTC.", name
        )
    if one.minimum is not None and one.minimum.amount < 1:
        raise Invalid("minimum_out_of_range", "A minimum is at least one minor unit.", "minimum")


def code_id(code: str) -> str:
    """The id of a promotion code: of its letters whatever their case, so that there is one of each in an account."""
    return "promo_" + hashlib.sha256(code.casefold().encode()).hexdigest()[:32]


def archived(one: R) -> R:
    """Not offered any more; what was sold with it keeps it."""
    return replace(one, active=False)
