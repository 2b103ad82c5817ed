"""Days that no cycle bills: those a later date adds, and those left of a period after a pause or a cancellation called off.

They are charged only where that is wished: as lines for a part of a period, of whole local days, that ride on the next
invoice. Nothing is given back here; what was charged for days that will be billed again is a credit note's.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime

from chalicelib.billing import boundaries, periods, proration
from chalicelib.billing.discounts import Discount, UnitDiscount
from chalicelib.billing.errors import Invalid, WrongState
from chalicelib.billing.issuing import share_of
from chalicelib.billing.lines import Kind, Line
from chalicelib.billing.periods import Period
from chalicelib.billing.subscriptions import Subscription


def moved(
    subscription: Subscription, now: datetime, on: date, *, prorates: bool = False, force: bool = False
) -> Subscription:
    """The next boundary is another local date: today or later, after the cycle that runs began, at most one interval later.

    With `prorates` the days a later date adds are charged, as days of the period that would have begun. Charges that
    wait for the next invoice end where that begins. Raises Invalid or WrongState.
    """
    if on == subscription.next_on and subscription.billable:
        return subscription
    _check_movable(subscription, now, force=force)
    _check_date(subscription, subscription.day(now), on)
    before, after = subscription.next_on, boundaries.moved(subscription, on)
    after = replace(after, extras=proration.cut(after.extras, on, None))
    if not prorates:
        return after
    if on < before:
        detail = f"An earlier date gives nothing back; send prorate only with a date after {before}."
        raise Invalid("prorate_earlier", detail, "prorate")
    if not subscription.cycle:
        raise Invalid(
            "prorate_before_start", "Nothing runs before the first payment; leave prorate out.", "prorate"
        )
    return _charged(after, Period(before, on), subscription.period(subscription.cycle))


def _check_movable(subscription: Subscription, now: datetime, *, force: bool) -> None:
    if not subscription.billable:
        raise WrongState(
            "subscription_ended", f"The subscription is {subscription.status}: nothing is to come."
        )
    if subscription.paused_on is not None:
        raise WrongState("subscription_paused", "Resume it first: a paused subscription has no next date.")
    if subscription.ends_at is not None:
        detail = f"It is to be canceled on {subscription.ends_on}; reactivate it first."
        raise WrongState("canceling", detail)
    if subscription.at_its_end:
        raise WrongState("nothing_to_bill", f"All its payments are made; it ends on {subscription.next_on}.")
    boundaries.check_settled(subscription, now)
    boundaries.check_open(subscription, now, force=force)


def _check_date(subscription: Subscription, today: date, on: date) -> None:
    started_on = subscription.started_on
    if on < today:
        raise Invalid("date_in_the_past", f"Choose {today} or a later day.", "on")
    if started_on is None:
        periods.check_near(on, today, "on")
        return
    if on <= started_on:
        detail = f"Choose a day after {started_on}, on which its running period was billed."
        raise Invalid("date_already_billed", detail, "on")
    last = subscription.period(subscription.cycle).end_on
    if on > last:
        detail = f"A date is moved by one interval at most, to {last}; pause the subscription for longer."
        raise Invalid("date_too_late", detail, "on")


def paused(
    subscription: Subscription,
    now: datetime,
    resume_on: date | None = None,
    *,
    shifts: bool = True,
    prorates: bool = False,
) -> Subscription:
    """Nothing more is billed until it is resumed; the rest is how, where `resume_on` does it. Raises Invalid or WrongState."""
    _check_ways(shifts=shifts, prorates=prorates)
    return boundaries.paused(subscription, now, resume_on, shifts=shifts, prorates=prorates)


def _check_ways(*, shifts: bool, prorates: bool) -> None:
    if shifts and prorates:
        detail = "Send prorate only with shifts false: days that are shifted were paid for."
        raise Invalid("prorate_shifted", detail, "prorate")


def resumed(subscription: Subscription, today: date, *, shifts: bool, prorates: bool = False) -> Subscription:
    """Billed again from a local date on; with `prorates` the days to the next boundary that nobody paid for are charged.

    With `shifts` the prorated charges that wait are of later days too, as what was invoiced is.
    Where no boundary passed during the pause, and where the days left are shifted, all of them are paid for. Raises
    Invalid or WrongState.
    """
    _check_ways(shifts=shifts, prorates=prorates)
    after = boundaries.resumed(subscription, today, shifts=shifts)
    if shifts and subscription.paused_on is not None:
        paused = (today - subscription.paused_on).days
        return replace(after, extras=proration.shifted(after.extras, subscription.paused_on, paused))
    if not prorates or after.next_on == subscription.next_on:
        return after
    whole = after.period(after.cycle - 1)
    return _charged(after, Period(today, after.next_on), whole)


def reactivated(subscription: Subscription) -> Subscription:
    """A cancellation is called off; of a cycle charged up to it alone, the rest is charged too."""
    after, left_on = boundaries.reactivated(subscription), subscription.cancel_on
    if not subscription.short or left_on is None:
        return after
    whole = after.period(after.cycle - 1)
    return _charged(after, Period(left_on, after.next_on), whole)


def _charged(subscription: Subscription, part: Period, whole: Period) -> Subscription:
    """A part of a period is charged with the next invoice; percentages off come off it as off a whole one."""
    if not part.days:
        return subscription
    share = share_of(part, whole)
    given = [one for one in subscription.discounts if one.holds(part.start_on)]
    lines = tuple(
        replace(line, kind=Kind.PRORATION, share=share, discounts=(*line.discounts, *_percents(line, given)))
        for line in subscription.lines
        if line.kind is None
    )
    return replace(subscription, extras=(*subscription.extras, *lines))


def _percents(line: Line, given: Iterable[Discount]) -> Iterable[UnitDiscount]:
    return (
        UnitDiscount(percent=one.percent)
        for one in given
        if one.percent is not None and one.eligible(line.product)
    )
