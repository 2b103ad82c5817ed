"""Taxes of an invoice: once per rate on the sum of its lines (EN 16931, BR-CO-17), then shared to the lines.

An exclusive tax comes on top of an amount; an inclusive one is inside it. A line may have several of both: the
inclusive ones are taken out together, and an exclusive one is of what is then left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from math import lcm
from operator import le
from typing import Final

from chalicelib.billing.errors import Invalid
from chalicelib.billing.money import half_up, shared

MAX_PERCENT: Final = 100
MAX_DECIMALS: Final = 6
_ZERO: Final = Decimal(0)


class Category(StrEnum):
    """EN 16931's VAT categories (BT-118, UNTDID 5305) that are sold here."""

    STANDARD = "S"
    ZERO = "Z"
    EXEMPT = "E"
    REVERSE_CHARGE = "AE"
    INTRA_COMMUNITY = "K"
    EXPORT = "G"
    OUTSIDE = "O"


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


def levied(amounts: Sequence[int], on: Sequence[Sequence[str]], taxes: Mapping[str, Tax]) -> tuple[Levy, ...]:
    """The taxes of lines: `amounts` after discounts in minor units, none below 0; `on` the ids of each line's taxes.

    In the order of `taxes`; one that no line has is left out. The inclusive ones are of the exact amounts without
    them; the exclusive ones of the base that is then printed, so that base x percent is the tax (BR-CO-17). A line's
    price stays what it was where an inclusive tax is spared: there is then no tax inside it (as at Stripe).
    """
    worn = {id_: tuple([id_ in ids for ids in on]) for id_ in taxes}
    bases, inside = amounts, dict[str, list[int]]()
    if within := [id_ for id_, tax in taxes.items() if tax.inclusive and True in worn[id_]]:
        nets = _nets(amounts, on, taxes, within)
        for id_ in within:
            inside[id_] = shares = _inside(nets, worn[id_], taxes[id_].percent, bases)
            bases = [base - part for base, part in zip(bases, shares, strict=True)]
    return tuple(
        [_levy(tax, worn[id_], bases, inside.get(id_)) for id_, tax in taxes.items() if True in worn[id_]]
    )


def _levy(tax: Tax, on: tuple[bool, ...], bases: Sequence[int], shares: list[int] | None) -> Levy:
    """A tax of the lines it is on; its shares are computed from their bases where it is not inside them."""
    weights = _those(bases, on)
    base = sum(weights)
    if shares is None:
        shares = _shares(_of(base, tax.percent), weights)
    return Levy(tax=tax, base=base, amount=sum(shares), shares=tuple(shares), on=on)


def _those(values: Sequence[int], on: Sequence[bool]) -> Sequence[int]:
    """The values of the lines that have a tax, and 0 for the others."""
    return values if all(on) else [value if one else 0 for value, one in zip(values, on, strict=True)]


def _nets(
    amounts: Sequence[int], on: Sequence[Sequence[str]], taxes: Mapping[str, Tax], inside: Sequence[str]
) -> tuple[list[int], int]:
    """The exact amounts without the taxes inside them, as whole numbers over a common denominator."""
    factors: list[tuple[int, int]] = []
    for ids in on:
        percent = sum([taxes[id_].percent for id_ in inside if id_ in ids], _ZERO)
        numerator, denominator = percent.as_integer_ratio()
        factors.append((100 * denominator, 100 * denominator + numerator))
    common = lcm(*{under for _, under in factors})
    return [
        amount * over * (common // under) for amount, (over, under) in zip(amounts, factors, strict=True)
    ], common


def _inside(
    nets: tuple[list[int], int], on: Sequence[bool], percent: Decimal, room: Sequence[int]
) -> list[int]:
    """The shares of a tax inside prices, rounded once on the sum; no line has more inside than its price."""
    weights = _those(nets[0], on)
    numerator, denominator = percent.as_integer_ratio()
    amount = half_up(sum(weights) * numerator, nets[1] * 100 * denominator)
    shares = _shares(amount, weights)
    if all(map(le, shares, room)):
        return shares
    return _fitted(shares, room, on)


def _fitted(shares: Sequence[int], room: Sequence[int], on: Sequence[bool]) -> list[int]:
    """Several taxes inside prices of a cent or two, each rounded up: what a line has no room for goes to the others."""
    fitted = [min(part, most) for part, most in zip(shares, room, strict=True)]
    over = sum(shares) - sum(fitted)
    for n, (part, most, one) in enumerate(zip(tuple(fitted), room, on, strict=True)):
        more = min(over, most - part) if one else 0
        fitted[n] += more
        over -= more
    return fitted


def _of(base: int, percent: Decimal) -> int:
    """A percentage of a base, rounded once."""
    numerator, denominator = percent.as_integer_ratio()
    return half_up(base * numerator, 100 * denominator)


def _shares(amount: int, weights: Sequence[int]) -> list[int]:
    return shared(amount, weights) if amount else [0] * len(weights)


def check_percentage(percentage: Decimal, category: Category, param: str) -> None:
    """Refuse a percentage below 0 or above 100, or one that its category does not have."""
    if not percentage.is_finite() or not 0 <= percentage <= MAX_PERCENT:
        raise Invalid("percentage_out_of_range", "A tax rate is from 0 to 100 percent.", param)
    exponent = percentage.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -MAX_DECIMALS:
        raise Invalid("too_many_decimals", f"A tax rate has at most {MAX_DECIMALS} decimals.", param)
    if category is not Category.STANDARD and percentage:
        raise Invalid("percentage_of_category", f"Category {category} has 0 percent.", param)
    if category is Category.STANDARD and not percentage:
        raise Invalid(
            "percentage_of_category", "The standard category is above 0 percent; Z is zero-rated.", param
        )
