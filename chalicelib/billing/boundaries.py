"""What people do to a subscription's calendar: paused and resumed, moved, cycles left out, an end planned and called off."""

from dataclasses import replace
from datetime import date, datetime
from typing import Final

from chalicelib.billing import periods
from chalicelib.billing.errors import Invalid, WrongState
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription

CLOSED_DAYS: Final = 2
"""HubSpot's two days before a payment in which a subscription is left as it is."""


def canceling(
    subscription: Subscription, on: date | None = None, *, today: date | None = None
) -> Subscription:
    """To be canceled in place of the next billing, or on a local date after today's. Raises Invalid or WrongState."""
    if subscription.record_only:
        raise WrongState("record_only", "It is only a record, which no schedule looks at; cancel it now.")
    if not subscription.billable:
        raise WrongState("subscription_ended", "No billing is to come that this could take the place of.")
    planned = subscription.ends_on if subscription.ends_at else None
    if planned is not None and (on or subscription.next_on) != planned:
        detail = f"It is to be canceled on {planned} already; reactivate it first to choose another day."
        raise WrongState("canceling", detail)
    if on is None:
        return replace(subscription, cancel_at_period_end=True)
    if today is not None:
        _check_end(subscription, on, today)
    return replace(subscription, cancel_on=on)


def _check_end(subscription: Subscription, on: date, today: date) -> None:
    if on <= today:
        raise Invalid("cancel_in_the_past", "Choose a day after today; without one it is canceled now.", "on")
    ends_on = subscription.ends_on
    if ends_on is not None and on > ends_on:
        raise Invalid("cancel_after_the_end", f"Its term ends on {ends_on}; choose a day before.", "on")
    periods.check_near(on, today, "on")


def reactivated(subscription: Subscription) -> Subscription:
    """A cancellation that was planned is called off. Raises WrongState."""
    if not subscription.billable or subscription.ends_at is None:
        raise WrongState(
            "not_canceling", "Only a subscription with a planned cancellation can be reactivated."
        )
    return replace(subscription, cancel_at_period_end=False, cancel_on=None, short=False)


def paused(
    subscription: Subscription,
    now: datetime,
    resume_on: date | None = None,
    *,
    shifts: bool = True,
    prorates: bool = False,
) -> Subscription:
    """Nothing more is billed until it is resumed; `shifts` and `prorates` are how, where `resume_on` does it.

    Raises Invalid or WrongState.
    """
    if subscription.ended_at is not None or subscription.status not in (Status.ACTIVE, Status.PAST_DUE):
        detail = f"Only an active or past due subscription can be paused; this one is {subscription.status}."
        raise WrongState("not_pausable", detail)
    check_settled(subscription, now)
    if subscription.ends_at is not None:
        detail = f"It is to be canceled on {subscription.ends_on}; reactivate it first."
        raise WrongState("canceling", detail)
    today = subscription.day(now)
    if resume_on is not None:
        if subscription.record_only:
            detail = "It is only a record, which no schedule looks at; resume it by hand."
            raise Invalid("resume_by_hand", detail, "resume_on")
        if resume_on <= today:
            raise Invalid("resume_in_the_past", "Choose a day after today, or none.", "resume_on")
        periods.check_near(resume_on, today, "resume_on")
    return replace(
        subscription,
        status=Status.PAUSED,
        paused_on=today,
        resume_on=resume_on,
        shifts=shifts,
        prorates=prorates,
    )


def check_settled(subscription: Subscription, now: datetime) -> None:
    """Refuse to change the calendar while a boundary that has come is still to be billed. Raises WrongState."""
    if now >= subscription.next_at and not subscription.record_only:
        detail = f"Its billing of {subscription.next_on} is due; send this again when it has been billed."
        raise WrongState("billing_due", detail)


def check_open(subscription: Subscription, now: datetime, *, force: bool = False) -> None:
    """Refuse to change what is billed within two days; `force` does it nevertheless. Raises WrongState."""
    if force or not subscription.billable or subscription.paused_on is not None:
        return
    if (subscription.next_on - subscription.day(now)).days <= CLOSED_DAYS and subscription.cycle:
        detail = (
            f"It is billed on {subscription.next_on}; within two days of that send force, or wait until then."
        )
        raise WrongState("too_close_to_billing", detail, "force")


def resumed(subscription: Subscription, today: date, *, shifts: bool) -> Subscription:
    """Billed again from a local date on. Raises WrongState.

    With `shifts` the days left when it was paused are still to come: the next boundary is as far from today as
    it was then. Without, the boundaries stay where they were, and those that passed meanwhile are left out.
    """
    if subscription.paused_on is None or subscription.ended_at is not None:
        detail = f"Only a paused subscription can be resumed; this one is {subscription.status}."
        raise WrongState("not_paused", detail)
    status = Status.PAST_DUE if subscription.arrears else Status.ACTIVE
    running = replace(
        subscription,
        status=Status.UNPAID if subscription.status is Status.UNPAID else status,
        paused_on=None,
        resume_on=None,
        shifts=False,
        prorates=False,
    )
    if shifts:
        lasted = today - subscription.paused_on
        settled_on = subscription.settled_on and subscription.settled_on + lasted
        later = moved(running, subscription.next_on + lasted)
        return replace(later, shifted=subscription.shifted + lasted.days, settled_on=settled_on)
    return skipped_to(running, today)


def moved(subscription: Subscription, next_on: date) -> Subscription:
    """The next boundary is another local date, and the ones after it are counted from there.

    The customer is told anew of a payment whose date they were told.
    """
    if next_on == subscription.next_on:
        return subscription
    return replace(
        subscription,
        anchor_on=next_on,
        offset=-subscription.cycle,
        since_on=subscription.started_on,
        reminded=min(subscription.reminded, subscription.cycle - 1),
    )


def skipped_to(subscription: Subscription, today: date) -> Subscription:
    """Boundaries before a local date are left out, unbilled; the number of payments stays as it was."""
    if subscription.at_its_end:
        return subscription
    index = periods.index_at(subscription.anchor_on, subscription.frequency, today)
    if periods.boundary(subscription.anchor_on, subscription.frequency, index) < today:
        index += 1
    if index <= subscription.cycle + subscription.offset:
        return subscription
    reminded = min(subscription.reminded, subscription.cycle - 1)
    return replace(subscription, offset=index - subscription.cycle, since_on=None, reminded=reminded)
