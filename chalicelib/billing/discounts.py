"""What is taken off: from a line's price, or by coupons from what an invoice charges.

Order, the same everywhere: a line's own discount first, inside its one rounding; then each coupon in the order
given, on what the ones before it left, rounded once and shared to its lines by largest remainder; then tax.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from chalicelib.billing import periods
from chalicelib.billing.errors import Invalid
from chalicelib.billing.money import EXACT, Money, half_up, shared

HUNDRED: Final = Decimal(100)
HUNDREDTH: Final = Decimal(-2)
"""As a power of ten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitDiscount:
    """Off a line: `percent` of its price, or `amount` (minor units, decimals allowed) off each unit."""

    percent: Decimal | None = None
    amount: Decimal | None = None

    def taken(self, price: Decimal, quantity: Decimal) -> Decimal:
        """What is left of an exact price, never below zero."""
        if self.percent is not None:
            return EXACT.scaleb(EXACT.multiply(price, EXACT.subtract(HUNDRED, self.percent)), HUNDREDTH)
        left = EXACT.subtract(price, EXACT.multiply(self.amount or Decimal(0), quantity))
        return left if left > 0 else Decimal(0)


class Duration(StrEnum):
    """Stripe's durations of a coupon; `repeating` for a number of months."""

    ONCE = "once"
    REPEATING = "repeating"
    FOREVER = "forever"


@dataclass(frozen=True, slots=True, kw_only=True)
class Discount:
    """A coupon at work on a subscription: `percent`, or `amount` off each invoice, of all lines or of `products`.

    `once` is used up by the next invoice; otherwise it holds for invoices whose period starts before `until_on`.
    """

    coupon: str
    name: str
    percent: Decimal | None = None
    amount: Money | None = None
    products: tuple[str, ...] = ()
    once: bool = False
    until_on: date | None = None
    code: str | None = None

    def holds(self, on: date) -> bool:
        """Whether it applies to an invoice whose period starts on that local date."""
        return self.until_on is None or on < self.until_on

    def eligible(self, product: str | None) -> bool:
        """Whether a line of that product is among those it is for."""
        return not self.products or product in self.products


@dataclass(frozen=True, slots=True, kw_only=True)
class Coupon:
    """The terms of a discount in the library; `redeemed` counts the sales it was given in, whatever they were of.

    `months` belongs to `repeating`; `redeem_by` and `minimum` limit who may take it.
    """

    account: str
    id: str
    name: str
    created_at: datetime
    percent: Decimal | None = None
    amount: Money | None = None
    duration: Duration = Duration.ONCE
    months: int | None = None
    products: tuple[str, ...] = ()
    max_redemptions: int | None = None
    redeem_by: datetime | None = None
    minimum: Money | None = None
    redeemed: int = 0
    active: bool = True
    version: int = 0

    wake = None

    def discount(self, starts_on: date, code: str | None = None) -> Discount:
        """The discount of a subscription that takes it and is first billed on that local date."""
        until = periods.add_months(starts_on, self.months) if self.months else None
        return Discount(
            coupon=self.id,
            name=self.name,
            percent=self.percent,
            amount=self.amount,
            products=self.products,
            once=self.duration is Duration.ONCE,
            until_on=until,
            code=code,
        )

    def taken(self) -> "Coupon":
        """One more has it."""
        return replace(self, redeemed=self.redeemed + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionCode:
    """A word a buyer types for a coupon; `id` is derived from it, so there is one of each in an account."""

    account: str
    id: str
    code: str
    coupon: str
    created_at: datetime
    contact: str | None = None
    max_redemptions: int | None = None
    expires_at: datetime | None = None
    minimum: Money | None = None
    redeemed: int = 0
    active: bool = True
    version: int = 0

    wake = None

    def taken(self) -> "PromotionCode":
        """One more has used it."""
        return replace(self, redeemed=self.redeemed + 1)


def shares(discount: Discount, left: Sequence[int], currency: str) -> list[int]:
    """What a discount takes off each line, in minor units, of what there is to take: 0 where it is not for the line.

    Rounded once on the sum of the lines, shared by largest remainder, never more than a line has left. An amount in
    another currency is Invalid `currency_mismatch`.
    """
    whole = sum(left)
    off = min(_worth(discount, whole, currency), whole)
    return shared(off, left) if off else [0] * len(left)


def _worth(discount: Discount, whole: int, currency: str) -> int:
    """A percentage of a whole, rounded once, or the coupon's amount."""
    if discount.percent is not None:
        numerator, denominator = discount.percent.as_integer_ratio()
        return half_up(whole * numerator, 100 * denominator)
    if discount.amount is None:
        return 0
    if discount.amount.currency != currency:
        detail = f"Coupon {discount.coupon} takes {discount.amount.currency} off; give one in {currency}."
        raise Invalid("currency_mismatch", detail, "discounts")
    return discount.amount.amount


def check_percent(percent: Decimal, param: str) -> None:
    """Refuse a percentage that is not above 0 and at most 100, with at most 12 decimals."""
    if not percent.is_finite() or not 0 < percent <= HUNDRED:
        raise Invalid("percent_out_of_range", "A percentage is above 0 and at most 100.", param)
    exponent = percent.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -12:
        raise Invalid("too_many_decimals", "At most 12 decimals are kept.", param)
