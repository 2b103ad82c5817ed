"""What is sold: a name, how many, and the price of one."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from chalicelib.billing.errors import Invalid
from chalicelib.billing.money import Money, round_half_up

MAX_DECIMALS = 12
MAX_NAME = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a subscription; a copy of the product it may come from.

    `unit_amount` is the price of one in minor units and may have up to 12 decimals, as Stripe's
    `unit_amount_decimal`; `quantity` may have decimals too.
    """

    id: str
    name: str
    unit_amount: Decimal
    quantity: Decimal = Decimal(1)
    description: str = ""
    sku: str = ""
    product: str | None = None


def amount(line: Line, currency: str) -> Money:
    """Quantity x price, rounded once to minor units."""
    exact = Fraction(line.quantity) * Fraction(line.unit_amount)
    return Money(round_half_up(exact), currency)


def check_line(line: Line, param: str) -> None:
    """Refuse a line that could not be priced or printed."""
    if not line.name.strip():
        raise Invalid(
            "line_name_missing", "Give the line a name: it is what the buyer reads.", f"{param}.name"
        )
    if len(line.name) > MAX_NAME:
        raise Invalid("line_name_too_long", f"A name has at most {MAX_NAME} characters.", f"{param}.name")
    check_decimal(line.unit_amount, f"{param}.unit_amount")
    check_decimal(line.quantity, f"{param}.quantity")
    if line.quantity == 0:
        raise Invalid("quantity_zero", "The quantity must be above zero.", f"{param}.quantity")


def check_decimal(value: Decimal, param: str) -> None:
    """Refuse what is not a plain number from 0 to 10^12 with at most 12 decimals."""
    if not value.is_finite() or value < 0 or value >= Decimal(10) ** 12:
        raise Invalid("number_out_of_range", "The number must be from 0 to below 10^12.", param)
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and -exponent > MAX_DECIMALS:
        raise Invalid("too_many_decimals", f"At most {MAX_DECIMALS} decimals are kept.", param)
