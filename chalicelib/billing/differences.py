"""What a subscription was before it was changed, as far as it differs: its buyer is told from what to what.

It travels with the fact as text, for what a subscription was is in no record any more. Of lines the first twenty that differ.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, Final

from chalicelib.billing import pricing
from chalicelib.billing.discounts import UnitDiscount
from chalicelib.billing.lines import Line
from chalicelib.billing.pricing import Model, Step
from chalicelib.billing.subscriptions import Subscription

MOST_LINES: Final = 20
Rate = tuple[str, Decimal]
"""A tax by its name, and its percent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """A line as far as a buyer is told of it; `unit_amount` (minor units) is None where its price goes by tiers.

    Then `steps` are what the quantity comes to by them; which of the tiers each is of says nothing.
    """

    name: str
    quantity: Decimal
    unit_amount: Decimal | None
    discounts: tuple[UnitDiscount, ...] = ()
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Was:
    """What was otherwise; None what was not. Of `lines` by id, None is one that was not there."""

    lines: tuple[tuple[str, Terms | None], ...] = ()
    frequency: str | None = None
    next_on: date | None = None
    collection: str | None = None
    discounts: tuple[str, ...] | None = None
    taxes: tuple[Rate, ...] | None = None


def terms(line: Line) -> Terms:
    """What of a line a buyer is told."""
    flat = line.model is None or line.model is Model.FLAT
    steps = pricing.walk(line.model, line.tiers, line.quantity) if line.model else ()
    return Terms(
        name=line.name,
        quantity=line.quantity,
        unit_amount=line.unit_amount if flat else None,
        discounts=line.discounts,
        steps=tuple(replace(step, tier=0) for step in steps),
    )


def was(before: Subscription, after: Subscription) -> Was:
    """What of a subscription was otherwise before."""
    way, name, taxed = before.collects.way.value, names(before), rates(before)
    return Was(
        lines=tuple(_lines(before.lines, after.lines)),
        frequency=before.frequency.value if before.frequency is not after.frequency else None,
        next_on=before.next_on if before.next_on != after.next_on else None,
        collection=way if way != after.collects.way.value else None,
        discounts=name if name != names(after) else None,
        taxes=taxed if taxed != rates(after) else None,
    )


def names(subscription: Subscription) -> tuple[str, ...]:
    """Its coupons, by name."""
    return tuple(one.name for one in subscription.discounts)


def rates(subscription: Subscription) -> tuple[Rate, ...]:
    """What its lines are taxed at from cycle to cycle."""
    used = {id_ for line in subscription.lines for id_ in line.taxes}
    return tuple((tax.name, tax.percent) for tax in subscription.taxes if tax.id in used and not tax.once)


def _lines(before: Iterable[Line], after: Iterable[Line]) -> list[tuple[str, Terms | None]]:
    had, has = ({line.id: terms(line) for line in lines} for lines in (before, after))
    ids = dict.fromkeys((*had, *has))
    return [(id_, had.get(id_)) for id_ in ids if had.get(id_) != has.get(id_)][:MOST_LINES]


def written(told: Was) -> str:
    """As it travels; empty where nothing differs. What did not change is left out."""
    lines = {id_: one and _line(one) for id_, one in told.lines}
    said = {
        "lines": lines,
        "frequency": told.frequency,
        "next_on": told.next_on and told.next_on.isoformat(),
        "collection": told.collection,
        "discounts": told.discounts,
        "taxes": told.taxes and [(name, str(percent)) for name, percent in told.taxes],
    }
    left = {name: value for name, value in said.items() if value not in (None, {})}
    return json.dumps(left, ensure_ascii=False, separators=(",", ":")) if left else ""


def read(text: str) -> Was:
    """What was written; of nothing, nothing differs."""
    said = json.loads(text) if text else {}
    next_on, discounts, taxes = said.get("next_on"), said.get("discounts"), said.get("taxes")
    return Was(
        lines=tuple((id_, one and _terms(one)) for id_, one in said.get("lines", {}).items()),
        frequency=said.get("frequency"),
        next_on=date.fromisoformat(next_on) if next_on else None,
        collection=said.get("collection"),
        discounts=tuple(discounts) if discounts is not None else None,
        taxes=tuple((name, Decimal(percent)) for name, percent in taxes) if taxes is not None else None,
    )


def _line(one: Terms) -> list[Any]:
    steps = [[str(n) for n in (step.quantity, step.unit_amount, step.flat_amount)] for step in one.steps]
    price = steps if one.unit_amount is None else str(one.unit_amount)
    off = [[_text(less.percent), _text(less.amount)] for less in one.discounts]
    return [one.name, str(one.quantity), price, *([off] if off else [])]


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


def _terms(said: list[Any]) -> Terms:
    name, quantity, price, *off = said
    return Terms(
        name=name,
        quantity=Decimal(quantity),
        unit_amount=Decimal(price) if isinstance(price, str) else None,
        steps=() if isinstance(price, str) else tuple(_step(*map(Decimal, one)) for one in price or ()),
        discounts=tuple(
            UnitDiscount(
                percent=None if percent is None else Decimal(percent),
                amount=None if amount is None else Decimal(amount),
            )
            for less in off
            for percent, amount in less
        ),
    )


def _step(quantity: Decimal, unit_amount: Decimal, flat_amount: Decimal) -> Step:
    return Step(tier=0, quantity=quantity, unit_amount=unit_amount, flat_amount=flat_amount)
