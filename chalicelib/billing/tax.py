"""Taxes of an invoice: once per rate on the sum of its lines (EN 16931, BR-CO-17), then shared to the lines.

An exclusive tax comes on top of an amount; an inclusive one is inside it. A line may have several of both: the
inclusive ones are taken out together, and an exclusive one is of what is then left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import compress
from typing import Final

from chalicelib.billing.errors import Invalid
from chalicelib.billing.money import EXACT, Money, round_half_up, rounded, split

MAX_PERCENT: Final = 100


class Category(StrEnum):
    """EN 16931's VAT categories (BT-118, UNTDID 5305) that are sold here."""

    STANDARD = "S"
    ZERO = "Z"
    EXEMPT = "E"
    REVERSE_CHARGE = "AE"


class Exemption(StrEnum):
    """Stripe's `customer.tax_exempt`, without its "none": who pays no tax, and why."""

    EXEMPT = "exempt"
    REVERSE = "reverse"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxRate:
    """A rate of the library: `percentage` of 0 to 100, HubSpot's `percentageRate`. A line's tax is a copy of it.

    Only its texts and `active` ever change: another percentage is another rate.
    """

    account: str
    id: str
    name: str
    percentage: Decimal
    created_at: datetime
    label: str = ""
    inclusive: bool = False
    category: Category = Category.STANDARD
    active: bool = True
    version: int = 0

    wake = None

    def tax(self) -> "Tax":
        """A copy for a subscription."""
        category = None if self.category is Category.STANDARD else self.category
        return Tax(
            id=self.id,
            name=self.label or self.name,
            percent=self.percentage,
            inclusive=self.inclusive,
            category=category,
        )

    def archived(self) -> "TaxRate":
        """Not offered any more; what was sold with it keeps it."""
        return replace(self, active=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tax:
    """A tax on lines; `category` None is the standard one. `once` is a one-off tax: on all lines of the next invoice only."""

    id: str
    name: str
    percent: Decimal
    inclusive: bool = False
    category: Category | None = None
    once: bool = False

    def spared(self, exemption: Exemption) -> "Tax":
        """The same for a customer who pays none: no percent, and the category that says why."""
        reverse = exemption is Exemption.REVERSE
        category = Category.REVERSE_CHARGE if reverse else Category.EXEMPT
        return replace(self, percent=Decimal(0), category=category)


@dataclass(frozen=True, slots=True, kw_only=True)
class Levy:
    """One rate of an invoice: `base` (BT-116) is the sum of its lines without tax, `amount` (BT-117) the tax on it.

    `shares` are the parts of the amount by line, in order; `on` says which lines have this tax at all.
    """

    tax: Tax
    base: int
    amount: int
    shares: tuple[int, ...]
    on: tuple[bool, ...]


def levied(
    amounts: Sequence[int], on: Sequence[Sequence[str]], taxes: Mapping[str, Tax], currency: str
) -> tuple[Levy, ...]:
    """The taxes of lines: `amounts` after discounts in minor units, `on` the ids of each line's taxes.

    In the order of `taxes`; one that no line has is left out.
    """
    nets = [_net(amount, ids, taxes) for amount, ids in zip(amounts, on, strict=True)]
    computed: list[tuple[Tax, int, list[int], tuple[bool, ...]]] = []
    inside = [0] * len(nets)
    for id_, tax in taxes.items():
        has = tuple(id_ in ids for ids in on)
        if not any(has):
            continue
        weights = [net if one else 0 for net, one in zip(nets, has, strict=True)]
        amount = _of(sum(weights), tax.percent)
        parts = _shared(amount, weights, currency)
        computed.append((tax, amount, parts, has))
        if tax.inclusive:
            inside = [one + part for one, part in zip(inside, parts, strict=True)]
    bases = [amount - inner for amount, inner in zip(amounts, inside, strict=True)]
    return tuple(
        Levy(tax=tax, base=sum(compress(bases, has)), amount=amount, shares=tuple(parts), on=has)
        for tax, amount, parts, has in computed
    )


def _of(base: int | Fraction, percent: Decimal) -> int:
    """A percentage of a base, rounded once."""
    if isinstance(base, int):
        return rounded(EXACT.scaleb(EXACT.multiply(Decimal(base), percent), Decimal(-2)))
    return round_half_up(base * Fraction(percent) * Fraction(1, 100))


def _net(amount: int, ids: Sequence[str], taxes: Mapping[str, Tax]) -> int | Fraction:
    """An amount without the taxes inside it, exact."""
    inside = sum((taxes[id_].percent for id_ in ids if taxes[id_].inclusive), Decimal(0))
    if not inside:
        return amount
    numerator, denominator = inside.as_integer_ratio()
    return Fraction(amount * 100 * denominator, 100 * denominator + numerator)


def _shared(amount: int, weights: Sequence[int | Fraction], currency: str) -> list[int]:
    if not amount:
        return [0] * len(weights)
    return [part.amount for part in split(Money(amount, currency), weights)]


def check_percentage(percentage: Decimal, category: Category, param: str) -> None:
    """Refuse a percentage below 0 or above 100, or one that its category does not have."""
    if not percentage.is_finite() or not 0 <= percentage <= MAX_PERCENT:
        raise Invalid("percentage_out_of_range", "A tax rate is from 0 to 100 percent.", param)
    exponent = percentage.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -12:
        raise Invalid("too_many_decimals", "At most 12 decimals are kept.", param)
    if category is not Category.STANDARD and percentage:
        raise Invalid("percentage_of_category", f"Category {category} has 0 percent.", param)
    if category is Category.STANDARD and not percentage:
        raise Invalid(
            "percentage_of_category", "The standard category is above 0 percent; Z is zero-rated.", param
        )
