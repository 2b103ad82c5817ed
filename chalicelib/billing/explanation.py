"""An explained invoice: everything each amount was computed from, and a sentence that says it.

Exact numbers are text: digits alone where they end, else a fraction in lowest terms ("12.5", "18000/31"). Exact
amounts are minor units, as all amounts are. Whoever has only this can compute the invoice again.
"""

from dataclasses import dataclass
from datetime import date

from chalicelib.billing.invoices import InvoiceStatus
from chalicelib.billing.lines import Kind
from chalicelib.billing.money import Money
from chalicelib.billing.pricing import Model
from chalicelib.billing.tax import Category


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedPeriod:
    """The local days a line is for, up to, not including, `end_on`; `factor` is days over of_days."""

    start_on: date
    end_on: date
    days: int
    of_days: int
    factor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedTier:
    """A tier of the line's table: quantities above one number, up to and including another, None for no end."""

    above: str
    up_to: str | None
    unit_amount: str
    flat_amount: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedStep:
    """What one tier (1 is the first, None is a price without tiers) adds: quantity x unit_amount + flat_amount."""

    tier: int | None
    quantity: str
    unit_amount: str
    flat_amount: str
    amount: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedReduction:
    """A discount of the line's own: a percentage, or an amount off each unit; what it took, and what it left."""

    percent: str | None
    unit_amount: str | None
    off: str
    left: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedBase:
    """What a fee is: a percentage of what is charged for all other lines."""

    percent: str
    of: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedPart:
    """A coupon's part of a line: `discount` says which of the invoice's (1 is the first); `left` is what remains here."""

    discount: int
    name: str
    percent: str | None
    fixed: Money | None
    base: Money
    whole: Money
    part: Money
    left: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedShare:
    """A line's part of a tax: `on` is the line's exact amount without tax; `base` and `whole` are the rate's."""

    tax: str
    name: str
    percent: str
    inclusive: bool
    on: str
    base: Money
    whole: Money
    part: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedLine:
    """A line's way from its price to what is charged.

    `price` is the sum of the steps, `exact` what the discounts left of it x the period's factor, `amount` that
    rounded, `charged` the amount less the parts of the coupons. Inclusive taxes are inside it, others come on top.
    """

    id: str
    name: str
    kind: Kind | None
    product: str | None
    period: ExplainedPeriod | None
    quantity: str
    model: Model
    tiers: tuple[ExplainedTier, ...]
    base: ExplainedBase | None
    steps: tuple[ExplainedStep, ...]
    price: str
    discounts: tuple[ExplainedReduction, ...]
    exact: str
    amount: Money
    coupons: tuple[ExplainedPart, ...]
    charged: Money
    taxes: tuple[ExplainedShare, ...]
    sentence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedDiscount:
    """A coupon: `base` is what those before it left of the lines it is for, `exact` what it takes before rounding."""

    coupon: str
    name: str
    code: str | None
    products: tuple[str, ...]
    percent: str | None
    fixed: Money | None
    base: Money
    exact: str
    amount: Money
    sentence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedTax:
    """A rate: `on` is the exact sum it is a percentage of, `exact` the tax before rounding; `base` is BT-116.

    `by_rate` is false where a tax service said the amounts, and they are not this percentage of this sum.
    """

    tax: str
    name: str
    percent: str
    inclusive: bool
    category: Category
    by_rate: bool
    on: str
    exact: str
    base: Money
    amount: Money
    sentence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """An invoice, explained: total = subtotal - discounts + taxes on top; due = total - applied - credited - paid."""

    invoice: str
    number: str
    currency: str
    status: InvoiceStatus
    lines: tuple[ExplainedLine, ...]
    subtotal: Money
    discounts: tuple[ExplainedDiscount, ...]
    taxes: tuple[ExplainedTax, ...]
    total: Money
    amount_applied: Money
    amount_credited: Money
    amount_paid: Money
    amount_due: Money
    sentence: str = ""
