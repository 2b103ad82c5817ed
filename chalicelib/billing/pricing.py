"""What a quantity costs: one price for each, or a table of tiers.

A tier reaches up to and including its `up_to`; the last one is open. `volume` gives all units the price of the
tier the quantity falls in, `graduated` each tier's price to the units inside it, `stairstep` one flat amount for
the tier reached. Amounts are minor units, exact, rounded by whoever makes a line of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final, assert_never

from chalicelib.billing.errors import Invalid
from chalicelib.billing.money import EXACT

MAX_TIERS: Final = 100
MAX_DECIMALS: Final = 12
NONE: Final = Decimal(0)
_add, _subtract, _fma = EXACT.add, EXACT.subtract, EXACT.fma


class Model(StrEnum):
    """HubSpot's `hs_pricing_model`."""

    FLAT = "flat"
    VOLUME = "volume"
    GRADUATED = "graduated"
    STAIRSTEP = "stairstep"


# Looking a member up in its enum costs as much as a multiplication.
_FLAT, _GRADUATED = Model.FLAT, Model.GRADUATED


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """`up_to` is the last quantity it holds, None on the last; `flat_amount` comes once where the tier is reached."""

    up_to: Decimal | None = None
    unit_amount: Decimal = NONE
    flat_amount: Decimal = NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one tier adds to a price: so many units at its unit amount, and its flat amount."""

    tier: int
    quantity: Decimal
    unit_amount: Decimal
    flat_amount: Decimal

    @property
    def amount(self) -> Decimal:
        """Exact minor units."""
        return EXACT.add(EXACT.multiply(self.quantity, self.unit_amount), self.flat_amount)


def price(model: Model | None, unit_amount: Decimal, tiers: Sequence[Tier], quantity: Decimal) -> Decimal:
    """The exact price of a quantity in minor units; None is the flat model. Nothing of anything costs nothing.

    It is the sum of the `walk`'s steps, added up without making them: invoices are priced by the million.
    """
    if model is None or model is _FLAT:
        return EXACT.multiply(unit_amount, quantity)
    if not quantity:
        return NONE
    if model is _GRADUATED:
        return _graduated_price(tiers, quantity)
    _, tier = _reached(tiers, quantity)
    return _fma(quantity, tier.unit_amount, tier.flat_amount)


def _graduated_price(tiers: Sequence[Tier], quantity: Decimal) -> Decimal:
    amount = below = NONE
    for tier in tiers:
        top = tier.up_to
        if top is None or quantity <= top:
            top = quantity
        amount = _fma(_subtract(top, below), tier.unit_amount, amount)
        if tier.flat_amount:
            amount = _add(amount, tier.flat_amount)
        if top is quantity:
            break
        below = top
    return amount


def walk(model: Model, tiers: Sequence[Tier], quantity: Decimal) -> tuple[Step, ...]:
    """The tiers that make the price of a quantity, each with what it adds."""
    if not quantity:
        return ()
    match model:
        case Model.GRADUATED:
            return _graduated(tiers, quantity)
        case Model.VOLUME:
            n, tier = _reached(tiers, quantity)
            return (
                Step(tier=n, quantity=quantity, unit_amount=tier.unit_amount, flat_amount=tier.flat_amount),
            )
        case Model.STAIRSTEP:
            n, tier = _reached(tiers, quantity)
            return (Step(tier=n, quantity=quantity, unit_amount=NONE, flat_amount=tier.flat_amount),)
        case Model.FLAT:
            return ()
        case _:
            assert_never(model)


def _graduated(tiers: Sequence[Tier], quantity: Decimal) -> tuple[Step, ...]:
    steps, below = [], NONE
    for n, tier in enumerate(tiers):
        top = quantity if tier.up_to is None or quantity <= tier.up_to else tier.up_to
        inside = EXACT.subtract(top, below)
        steps.append(
            Step(tier=n, quantity=inside, unit_amount=tier.unit_amount, flat_amount=tier.flat_amount)
        )
        if top == quantity:
            break
        below = top
    return tuple(steps)


def _reached(tiers: Sequence[Tier], quantity: Decimal) -> tuple[int, Tier]:
    return next((n, tier) for n, tier in enumerate(tiers) if tier.up_to is None or quantity <= tier.up_to)


def check_tiers(model: Model | None, tiers: Sequence[Tier], param: str) -> None:
    """Refuse a table with a gap, an overlap, an end, or prices its model does not have; the tier is named."""
    if model is None or model is Model.FLAT:
        if tiers:
            raise Invalid(
                "tiers_of_flat_price", "A flat price has no tiers; send a unit_amount.", f"{param}.tiers"
            )
        return
    if not 1 <= len(tiers) <= MAX_TIERS:
        raise Invalid("tiers_out_of_range", f"Give from 1 to {MAX_TIERS} tiers.", f"{param}.tiers")
    below = NONE
    for n, tier in enumerate(tiers):
        at = f"{param}.tiers[{n}]"
        check_decimal(tier.unit_amount, f"{at}.unit_amount")
        check_decimal(tier.flat_amount, f"{at}.flat_amount")
        if model is Model.STAIRSTEP and tier.unit_amount:
            detail = "A stairstep has one flat_amount for all units; leave unit_amount out."
            raise Invalid("tier_unit_amount", detail, f"{at}.unit_amount")
        _check_bound(tier, n, below, last=n == len(tiers) - 1, at=f"{at}.up_to")
        below = tier.up_to or below


def _check_bound(tier: Tier, n: int, below: Decimal, *, last: bool, at: str) -> None:
    if last:
        if tier.up_to is not None:
            raise Invalid("last_tier_closed", "The last tier has no up_to: it holds all that is above.", at)
        return
    if tier.up_to is None:
        detail = f"Only the last tier is open; tier {n + 1} ends above {below} with an up_to of its own."
        raise Invalid("tier_open", detail, at)
    check_decimal(tier.up_to, at)
    if tier.up_to <= below:
        detail = f"Tier {n + 1} begins above {below}, where the one before ends; its up_to must be greater."
        raise Invalid("tier_overlap", detail, at)


def check_decimal(value: Decimal, param: str) -> None:
    """Refuse what is not a plain number from 0 to 10^12 with at most 12 decimals."""
    if not value.is_finite() or value < 0 or value >= Decimal(10) ** 12:
        raise Invalid("number_out_of_range", "The number must be from 0 to below 10^12.", param)
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and -exponent > MAX_DECIMALS:
        raise Invalid("too_many_decimals", f"At most {MAX_DECIMALS} decimals are kept.", param)
