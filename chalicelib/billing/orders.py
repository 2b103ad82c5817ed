"""What is ordered: lines as they are wished, how often, for how long and from when, and the subscriptions they make."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from chalicelib.billing import boundaries, lines, money, periods, rating
from chalicelib.billing.discounts import Discount
from chalicelib.billing.errors import Invalid
from chalicelib.billing.lines import Kind, Line
from chalicelib.billing.money import Money
from chalicelib.billing.periods import Frequency
from chalicelib.billing.rating import Fee
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.tax import Tax

MAX_PAYMENTS: Final = 1200
MAX_GROUPS: Final = 20
MAX_YEARS: Final = 10
_TERM: Final = re.compile(r"P([0-9]{1,4})([WMY])")
_UNITS: Final = {"W": "weeks", "M": "months", "Y": "years"}


class Backdate(StrEnum):
    """What becomes of the periods before today: each is billed, in order, or they were billed elsewhere."""

    BILL = "bill"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """When the first period begins: today where nothing is said, on a local date, or so many days or months from today.

    HubSpot's `hs_recurring_billing_start_date`, `hs_billing_start_delay_days` and `_months`.
    """

    on: date | None = None
    days: int | None = None
    months: int | None = None
    backdate: Backdate | None = None


AT_CHECKOUT: Final = Start()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A line as it is asked for; None leaves it to the library or to what holds for the whole order.

    `line` has no id yet; one that names a `product` has nothing besides but how many and its discounts.
    `term` is an ISO 8601 duration, HubSpot's `hs_recurring_billing_period`. `save` puts it into the library.
    """

    line: Line
    taxes: tuple[str, ...] | None = None
    frequency: Frequency | None = None
    payments: int | None = None
    term: str | None = None
    start: Start | None = None
    save: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the lines of one subscription have in common; any difference makes another."""

    frequency: Frequency
    payments: int | None
    start_on: date
    skip: bool = False


def payments_of(payments: int | None, term: str | None, frequency: Frequency, at: str = "") -> int | None:
    """The number of payments of a fixed term, None where it has no end; `at` leads to the fields in a refusal."""
    if term is None:
        if payments is not None and not 1 <= payments <= MAX_PAYMENTS:
            detail = f"A term has from 1 to {MAX_PAYMENTS} payments."
            raise Invalid("payments_out_of_range", detail, f"{at}payments")
        return payments
    if payments is not None:
        raise Invalid("term_ambiguous", "Give a term or a number of payments, one of them.", f"{at}term")
    return _payments_in(term, frequency, f"{at}term")


def _payments_in(term: str, frequency: Frequency, at: str) -> int:
    found = _TERM.fullmatch(term)
    unit = found[2] if found else ""
    if not found or (unit == "W") is not bool(frequency.days):
        accepted = "weeks, such as P8W" if frequency.days else "months or years, such as P12M or P3Y"
        raise Invalid("term_malformed", f"What is billed {frequency} has a term in {accepted}.", at)
    length = int(found[1]) * (12 if unit == "Y" else 1)
    each = frequency.days // 7 or frequency.months
    count, beyond = divmod(length, each)
    if beyond or not count:
        step = max(1, each // 12) if unit == "Y" else each
        below = int(found[1]) // step * step
        near = " or ".join(f"P{one}{unit}" for one in (below, below + step) if one)
        detail = f"Billed {frequency} a term is a whole number of periods of {step} {_UNITS[unit]}: {near}."
        raise Invalid("term_not_whole", detail, at)
    if count > MAX_PAYMENTS:
        raise Invalid(
            "payments_out_of_range", f"A term has at most {MAX_PAYMENTS} payments, not {count}.", at
        )
    return count


def begins_on(start: Start, today: date, at: str = "") -> date:
    """The local date a start means today; `at` leads to the fields in a refusal."""
    given = {"start_on": start.on, "start_delay_days": start.days, "start_delay_months": start.months}
    named = [name for name, value in given.items() if value is not None]
    if len(named) > 1:
        detail = "Give start_on, start_delay_days or start_delay_months, one of them."
        raise Invalid("start_ambiguous", detail, at + named[1])
    day = _delayed(start, today, at)
    latest = periods.add_months(today, 12 * MAX_YEARS)
    if day > latest:
        raise Invalid("start_too_far", f"Start on {latest} at the latest.", at + named[0])
    if day >= today:
        return day
    if start.backdate is None:
        detail = (
            f"Start on {today} or later; to take over what runs already, "
            "say with backdate what becomes of the periods before: bill or skip."
        )
        raise Invalid("start_in_the_past", detail, f"{at}start_on")
    earliest = periods.add_months(today, -12 * MAX_YEARS)
    if day < earliest:
        raise Invalid("start_too_early", f"Start on {earliest} at the earliest.", f"{at}start_on")
    return day


def _delayed(start: Start, today: date, at: str) -> date:
    for name, delay, most in (
        ("start_delay_days", start.days, 366 * MAX_YEARS),
        ("start_delay_months", start.months, 12 * MAX_YEARS),
    ):
        if delay is not None and not 0 <= delay <= most:
            raise Invalid("start_delay_out_of_range", f"A delay is from 0 to {most}.", at + name)
    if start.days is not None:
        return today + timedelta(days=start.days)
    if start.months is not None:
        return periods.add_months(today, start.months)
    return start.on or today


def grouped(plans: Sequence[Plan | None]) -> dict[Plan, list[int]]:
    """The lines of each subscription by their places, in the order of their first; None, billed once, is in none.

    HubSpot's rule: the same frequency, terms, start and number of payments make one subscription.
    """
    groups: dict[Plan, list[int]] = {}
    for n, plan in enumerate(plans):
        if plan is not None:
            groups.setdefault(plan, []).append(n)
    if len(groups) > MAX_GROUPS:
        detail = f"An order makes at most {MAX_GROUPS} subscriptions; here are {len(groups)}."
        raise Invalid("too_many_subscriptions", detail, "lines")
    return groups


def taken_over(subscription: Subscription, today: date, at: str = "") -> Subscription:
    """One whose periods before today were billed elsewhere: what is left of its term is billed here."""
    after = boundaries.skipped_to(subscription, today)
    if not after.offset:
        return after
    left = None if after.payments is None else after.payments - after.offset
    if left is not None and left < 1:
        detail = f"All {after.payments} payments lie before {today}; give a longer term, or leave it out."
        raise Invalid("term_over", detail, f"{at}payments")
    return replace(after, payments=left, status=Status.ACTIVE)


def first_of(groups: Sequence[Subscription], today: date) -> list[int]:
    """The places of the subscriptions that are billed first: all that are due today, else those that are next."""
    day = max(today, min(one.next_on for one in groups))
    return [n for n, one in enumerate(groups) if one.next_on <= day]


def with_extras(groups: Sequence[Subscription], extras: Sequence[Line], today: date) -> list[Subscription]:
    """Lines billed once go with the first subscription that is due now."""
    first = first_of(groups, today)[0]
    once = tuple(replace(line, kind=Kind.ONE_TIME) for line in extras)
    return [replace(one, extras=once) if n == first else one for n, one in enumerate(groups)]


def with_taxes(groups: Sequence[Subscription], taxes: Sequence[Tax], today: date) -> list[Subscription]:
    """Each subscription keeps copies of its lines' taxes; a one-off tax is of everything that is billed first."""
    first = first_of(groups, today)
    made = []
    for n, one in enumerate(groups):
        on = {id_ for line in _billed(one) for id_ in line.taxes}
        on |= {id_ for fee in one.fees for id_ in fee.taxes}
        kept = tuple(tax for tax in taxes if (n in first if tax.once else tax.id in on))
        made.append(replace(one, taxes=kept))
    return made


def with_fees(groups: Sequence[Subscription], fees: Sequence[Fee], today: date) -> list[Subscription]:
    """A fee is of each payment, of each subscription; a one-off percentage of all that is billed first, an amount once."""
    first = first_of(groups, today)

    def has(fee: Fee, n: int) -> bool:
        if not fee.once:
            return True
        return n in first if fee.percent is not None else n == first[0]

    return [replace(one, fees=tuple(fee for fee in fees if has(fee, n))) for n, one in enumerate(groups)]


Giving = Callable[[date], Discount]
"""A discount, as it is for a subscription that is first billed on a local date."""


def discounted(groups: Sequence[Subscription], given: Sequence[Giving], today: date) -> list[Subscription]:
    """Give an order's discounts, one after another, each to the subscriptions that have a line it is for.

    A percentage is the same of the parts as of the whole: each subscription has it, a one-off one each that is
    billed first. A one-off amount is given once, shared among those billed first in proportion to what the
    discounts before it left there. An amount that recurs is given once too: to the first of them.
    """
    made = list(groups)
    first = first_of(made, today)
    for give in given:
        for n, part in _parts(give(today), made, first).items():
            own = replace(part, until_on=give(made[n].next_on).until_on)
            made[n] = replace(made[n], discounts=(*made[n].discounts, own))
    return made


def _parts(discount: Discount, groups: Sequence[Subscription], first: list[int]) -> dict[int, Discount]:
    """The subscriptions that have the discount, by place, and what each has of it."""
    places = first if discount.once else [*first, *(n for n in range(len(groups)) if n not in first)]
    among = [n for n in places if any(discount.eligible(line.product) for line in _billed(groups[n]))]
    if discount.amount is None or len(among) < 2:
        return dict.fromkeys(among, discount)
    if not discount.once:
        return {among[0]: discount}
    left = [_left(groups[n], discount) for n in among]
    amount = min(discount.amount.amount, sum(left))
    if not amount:
        return {among[0]: discount}
    shares = money.split(Money(amount, discount.amount.currency), left)
    return {n: replace(discount, amount=part) for n, part in zip(among, shares, strict=True) if part}


def _left(subscription: Subscription, discount: Discount) -> int:
    """What the first invoice charges for the lines a discount is for, after the discounts before it; minor units."""
    made = rating.rated(
        _billed(subscription),
        subscription.currency,
        subscription.next_on,
        discounts=subscription.discounts,
    )
    return sum(line.charged.amount for line in made.lines if discount.eligible(line.product))


def _billed(subscription: Subscription) -> tuple[Line, ...]:
    return (*subscription.lines, *subscription.extras)


def subtotal(groups: Sequence[Subscription], currency: str) -> Money:
    """What the first invoices of an order charge before coupons."""
    return money.total((lines.amount(line, currency) for one in groups for line in _billed(one)), currency)
