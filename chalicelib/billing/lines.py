"""What is sold: a name, how many, and the price of one or the tiers of many."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from chalicelib.billing import pricing
from chalicelib.billing.discounts import UnitDiscount, check_percent
from chalicelib.billing.errors import Invalid
from chalicelib.billing.money import EXACT, Money, rounded
from chalicelib.billing.pricing import Model, Tier, check_decimal

MAX_NAME = 250
MAX_TEXT = 2000


class Kind(StrEnum):
    """Why a line is on an invoice, where it is not there for its whole recurring period."""

    ONE_TIME = "one_time"
    FEE = "fee"
    PRORATION = "proration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The part of a period that is charged: `days` of its `of_days`, from `start_on` up to, not including, `end_on`."""

    days: int
    of_days: int
    start_on: date
    end_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What a fee is a percentage of."""

    percent: Decimal
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a subscription; a copy of the product it may come from.

    `unit_amount` is the price of one in minor units and may have up to 12 decimals, as Stripe's
    `unit_amount_decimal`; `quantity` may have decimals too. With a `model` other than flat the price is the tiers'.
    `taxes` are ids of the subscription's taxes; `discounts` its own, one after another. With automatic tax
    `tax_code` is Stripe's, and `tax_inclusive` says that the tax is inside the price.
    """

    id: str
    name: str
    unit_amount: Decimal
    quantity: Decimal = Decimal(1)
    description: str = ""
    sku: str = ""
    product: str | None = None
    model: Model | None = None
    tiers: tuple[Tier, ...] = ()
    discounts: tuple[UnitDiscount, ...] = ()
    taxes: tuple[str, ...] = ()
    tax_code: str | None = None
    tax_inclusive: bool = False
    kind: Kind | None = None
    share: Share | None = None
    percent_of: Base | None = None


def exact(line: Line) -> Decimal:
    """Quantity x price, or the walk through its tiers, less its own discounts: exact minor units of a whole period."""
    price = pricing.price(line.model, line.unit_amount, line.tiers, line.quantity)
    for discount in line.discounts:
        price = discount.taken(price, line.quantity)
    return price


def amount(line: Line, currency: str) -> Money:
    """The exact price, of the part of the period that is charged, rounded once to minor units."""
    return Money(minor(line), currency)


def minor(line: Line) -> int:
    """The same as a whole number of minor units."""
    share = line.share
    if share is None:
        return rounded(exact(line))
    return rounded(EXACT.multiply(exact(line), Decimal(share.days)), share.of_days)


def check_line(line: Line, param: str) -> None:
    """Refuse a line that could not be priced or printed."""
    if not line.name.strip():
        raise Invalid(
            "line_name_missing", "Give the line a name: it is what the buyer reads.", f"{param}.name"
        )
    if len(line.name) > MAX_NAME:
        raise Invalid("line_name_too_long", f"A name has at most {MAX_NAME} characters.", f"{param}.name")
    check_decimal(line.unit_amount, f"{param}.unit_amount")
    check_quantity(line.quantity, f"{param}.quantity")
    if line.model not in (None, Model.FLAT) and line.unit_amount:
        detail = "The tiers are the price; leave unit_amount out."
        raise Invalid("unit_amount_with_tiers", detail, f"{param}.unit_amount")
    pricing.check_tiers(line.model, line.tiers, param)
    for n, discount in enumerate(line.discounts):
        check_discount(discount, f"{param}.discounts[{n}]")


def check_quantity(quantity: Decimal, param: str) -> None:
    """Refuse a quantity of nothing, or one that is no plain number."""
    check_decimal(quantity, param)
    if quantity == 0:
        raise Invalid("quantity_zero", "The quantity must be above zero.", param)


def check_discount(discount: UnitDiscount, param: str) -> None:
    """Refuse a line's discount that is not exactly one of a percent and an amount."""
    if (discount.percent is None) is (discount.amount is None):
        raise Invalid("discount_ambiguous", "Give the discount a percent or an amount, one of them.", param)
    if discount.percent is not None:
        check_percent(discount.percent, f"{param}.percent")
    if discount.amount is not None:
        check_decimal(discount.amount, f"{param}.amount")
