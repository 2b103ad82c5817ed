"""A payment schedule: what is owed, split over days; it adds up exactly, and each part is one Stripe can charge."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final

from chalicelib.billing import money, periods
from chalicelib.billing.currencies import MINIMUM_CHARGE
from chalicelib.billing.errors import Invalid
from chalicelib.billing.money import Money, smallest_at_stripe

MOST: Final = 36


@dataclass(frozen=True, slots=True, kw_only=True)
class Instalment:
    """A part of what is owed, and the local day it is due `on`."""

    # Not `due_on`, which an invoice has too: what is not said is left out of what is stored by its name alone.
    on: date
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """An instalment as it is asked for: a `percent` of what is owed, or an `amount` in minor units."""

    due_on: date
    percent: Decimal | None = None
    amount: int | None = None


def planned(
    owed: Money, parts: Sequence[Part], today: date, param: str = "instalments"
) -> tuple[Instalment, ...]:
    """What is owed in parts, on rising days from today on. Raises Invalid, with what the parts should come to."""
    if not 1 <= len(parts) <= MOST:
        raise Invalid("instalments_out_of_range", f"Send from 1 to {MOST} instalments.", param)
    _check_days(parts, today, param)
    amounts = _amounts(owed, parts, param)
    least, step = MINIMUM_CHARGE.get(owed.currency, 0), smallest_at_stripe(owed.currency)
    for n, amount in enumerate(amounts):
        if amount < max(1, least) or amount % step:
            detail = f"Stripe charges {Money(max(1, least), owed.currency)} at least"
            detail += f", in multiples of {Money(step, owed.currency)}" if step > 1 else ""
            raise Invalid(
                "instalment_not_chargeable",
                f"{detail}; this is {Money(amount, owed.currency)}.",
                f"{param}[{n}]",
            )
    return tuple(
        Instalment(on=part.due_on, amount=Money(amount, owed.currency))
        for part, amount in zip(parts, amounts, strict=True)
    )


def shared(owed: Money, parts: Sequence[Part]) -> tuple[Instalment, ...]:
    """What is owed in parts that were agreed on in percent before it was known; what Stripe could not charge joins the one before."""
    amounts = _shared(owed, [part.percent or Decimal(0) for part in parts])
    made: list[Instalment] = []
    for part, amount in zip(parts, amounts, strict=True):
        if made and amount < MINIMUM_CHARGE.get(owed.currency, 0):
            made[-1] = replace(made[-1], amount=Money(made[-1].amount.amount + amount, owed.currency))
        else:
            made.append(Instalment(on=part.due_on, amount=Money(amount, owed.currency)))
    return tuple(made)


def _check_days(parts: Sequence[Part], today: date, param: str) -> None:
    before = None
    for n, part in enumerate(parts):
        at = f"{param}[{n}].due_on"
        if part.due_on < today:
            raise Invalid("instalment_in_the_past", f"Choose {today} or a later day.", at)
        if before is not None and part.due_on <= before:
            raise Invalid("instalments_not_rising", f"Choose a day after {before}.", at)
        periods.check_near(part.due_on, today, at)
        before = part.due_on


def _amounts(owed: Money, parts: Sequence[Part], param: str) -> list[int]:
    for n, part in enumerate(parts):
        if (part.percent is None) is (part.amount is None):
            raise Invalid("amount_ambiguous", "Give a percent or an amount, one of them.", f"{param}[{n}]")
    percents = [part.percent for part in parts if part.percent is not None]
    if len(percents) not in (0, len(parts)):
        raise Invalid("amount_ambiguous", "Give all instalments in percent, or all in amounts.", param)
    if percents:
        if sum(percents) != 100:
            detail = f"The percents come to {sum(percents)}; they must come to 100."
            raise Invalid("instalments_do_not_add_up", detail, param)
        return _shared(owed, percents)
    amounts = [part.amount or 0 for part in parts]
    if sum(amounts) != owed.amount:
        detail = f"The instalments come to {Money(sum(amounts), owed.currency)}; what is owed is {owed}."
        raise Invalid("instalments_do_not_add_up", detail, param)
    return amounts


def _shared(owed: Money, percents: Sequence[Decimal]) -> list[int]:
    """The parts of an amount in percent, by largest remainder: in the smallest amounts Stripe can charge."""
    step = smallest_at_stripe(owed.currency)
    whole = Money(owed.amount // step, owed.currency)
    places = -min(0, *(int(one.as_tuple().exponent) for one in percents))
    weights = [int(one.scaleb(places)) for one in percents]
    return [part.amount * step for part in money.split(whole, weights)]


def cut(parts: Sequence[Instalment], amount: Money) -> tuple[Instalment, ...]:
    """Instalments after an amount has come off what is owed: off the last ones first.

    What would be too little for Stripe is added to the one before.
    """
    left, kept = amount.amount, list(parts)
    while kept and left >= kept[-1].amount.amount:
        left -= kept.pop().amount.amount
    if not kept or not left:
        return tuple(kept)
    last = kept.pop()
    rest = last.amount.amount - left
    least, step = MINIMUM_CHARGE.get(amount.currency, 0), smallest_at_stripe(amount.currency)
    if kept and (rest < least or rest % step):
        last = kept.pop()
        rest += last.amount.amount
    return (*kept, replace(last, amount=Money(rest, amount.currency)))
