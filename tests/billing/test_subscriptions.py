"""What a subscription becomes: its next moment and the notice of it, its term, its arrears, its end."""

from dataclasses import replace
from datetime import date, timedelta
from functools import partial

import pytest

from chalicelib.billing import boundaries
from chalicelib.billing.errors import WrongState
from chalicelib.billing.lines import Kind, Share
from chalicelib.billing.periods import Frequency
from chalicelib.billing.statuses import ENDED, Status
from chalicelib.billing.wake import Topic, Wake
from tests.billing.monthly import AMEX, VISA, at, looked_at, renewed_at, sold


@pytest.mark.parametrize(
    ("frequency", "days", "cycle", "reminder"),
    [
        ("monthly", 14, 1, "2026-02-14T06:00"),
        ("monthly", 14, 2, "2026-03-17T06:00"),
        ("monthly", 27, 1, "2026-02-01T06:00"),
        ("monthly", 28, 1, None),
        ("monthly", 28, 2, "2026-03-03T06:00"),
        ("monthly", None, 1, None),
        ("weekly", 14, 1, None),
        ("weekly", 6, 1, "2026-02-01T06:00"),
        ("biweekly", 14, 1, None),
        ("biweekly", 13, 1, "2026-02-01T06:00"),
        ("annually", 90, 1, "2026-11-02T06:00"),
    ],
)
def test_the_notice_of_the_next_payment(frequency: str, days: int | None, cycle: int, reminder: str | None):
    """From 31 January on, the day of the notice of the next boundary, if there is one."""
    subscription = sold(frequency=Frequency(frequency), reminder_days=days, cycle=cycle)
    assert subscription.reminder_at == (at(reminder) if reminder else None)


def test_a_first_payment_far_ahead_is_announced_too():
    """The first cycle is reminded of unless the notice would fall on or before the day it was sold."""
    assert sold(created_at=at("2026-01-16T23:59")).reminder_at == at("2026-01-17T06:00")
    assert sold(created_at=at("2026-01-17T00:00")).reminder_at is None
    assert sold(created_at=at("2026-01-31T00:00")).reminder_at is None


def test_an_ordinary_month():
    """After a payment the reminder is next, after the reminder the boundary, and after the boundary the next reminder."""
    first = sold()
    assert first.wake == Wake(at("2026-01-31T06:00"), Topic.BILLING)
    assert first.status is Status.SCHEDULED
    billed = first.renewed()
    assert billed.status is Status.ACTIVE
    assert billed.wake == Wake(at("2026-02-14T06:00"), Topic.REMINDERS)
    assert billed.reminded_of_next().wake == Wake(at("2026-02-28T06:00"), Topic.BILLING)
    assert billed.reminded_of_next().renewed().wake == Wake(at("2026-03-17T06:00"), Topic.REMINDERS)


def test_sold_after_the_billing_hour_it_bills_at_once():
    """A subscription that begins today and is sold after the hour is awake as it is sold."""
    now = at("2026-01-31T12:00")
    wake = sold(created_at=now).wake
    assert wake is not None
    assert wake.at <= now


def test_a_reminder_that_comes_too_late_gives_way_to_the_bill():
    """A schedule that slept through the notice and the boundary bills, and the next notice is not lost."""
    billed = sold().renewed()
    after, _ = looked_at(timedelta(days=20))(billed, at("2026-01-31T06:00"))
    assert (after.cycle, after.wake) == (2, Wake(at("2026-03-17T06:00"), Topic.REMINDERS))


def test_a_term_ends_at_the_boundary_after_its_last_payment():
    """Of two payments the third boundary bills nothing and sends no notice: it is the end."""
    subscription = sold(payments=2).renewed()
    assert not subscription.at_its_end
    last = subscription.reminded_of_next().renewed()
    assert last.at_its_end
    assert last.wake == Wake(at("2026-03-31T06:00"), Topic.BILLING)
    ended = last.expired(at("2026-03-31T06:01"))
    assert (ended.status, ended.billable, ended.wake) == (Status.EXPIRED, False, None)
    assert ended.ended_at == at("2026-03-31T06:01")


def test_a_cancellation_at_the_end_waits_for_the_boundary_and_reminds_of_nothing():
    """No payment is announced that will not be asked for."""
    leaving = boundaries.canceling(sold().renewed())
    assert leaving.wake == Wake(at("2026-02-28T06:00"), Topic.BILLING)
    assert leaving.reminder_at is None
    gone = renewed_at(leaving, at("2026-02-28T06:00"))
    assert (gone.status, gone.cycle, gone.wake) == (Status.CANCELED, 1, None)


@pytest.mark.parametrize("status", sorted(ENDED))
def test_what_has_ended_is_not_canceled_again(status: Status):
    """Canceled and expired subscriptions refuse both ways to cancel, and keep the moment they ended."""
    ended = sold(status=status, ended_at=at("2026-02-01"))
    for cancel in (partial(boundaries.canceling, ended), partial(ended.canceled, at("2026-02-02"))):
        with pytest.raises(WrongState, match="subscription_ended"):
            cancel()
    assert ended.given_up("unpaid", at("2026-02-03")) == ended
    assert ended.given_up("cancel", at("2026-02-03")) == ended


def test_a_soft_decline_makes_it_past_due_and_payment_makes_it_active():
    """The arrears name each invoice once; with the last one settled the subscription recovers."""
    owing = sold().renewed().failing("inv_a").failing("inv_a")
    assert (owing.status, owing.arrears, owing.chargeable) == (Status.PAST_DUE, ("inv_a",), True)
    both = owing.failing("inv_b")
    assert both.arrears == ("inv_a", "inv_b")
    half = both.settled("inv_a")
    assert (half.status, half.arrears) == (Status.PAST_DUE, ("inv_b",))
    assert half.settled("inv_b") == sold().renewed()


def test_a_hard_decline_closes_the_method_until_another_takes_its_place():
    """Nothing is charged on a refused method; the calendar goes on."""
    billed = sold().renewed()
    refused = billed.failing("inv_a", refused=VISA.id)
    assert refused.method == replace(VISA, refused=True)
    assert not refused.chargeable
    assert refused.wake == billed.wake
    assert refused.failing("inv_a").method == replace(VISA, refused=True)
    assert refused.charged_on(AMEX).chargeable


@pytest.mark.parametrize(
    ("at_end", "status", "billable", "chargeable"),
    [
        ("unpaid", Status.UNPAID, True, False),
        ("past_due", Status.PAST_DUE, True, True),
        ("cancel", Status.CANCELED, False, False),
    ],
)
def test_the_policy_says_what_becomes_of_it(at_end: str, status: Status, billable: bool, chargeable: bool):
    """With the retries used up it is unpaid (billed, not charged), canceled, or past due as before."""
    owing = sold().renewed().failing("inv_a")
    after = owing.given_up(at_end, at("2026-02-07"))
    assert (after.status, after.billable, after.chargeable) == (status, billable, chargeable)
    assert (after.wake is None) == (not billable)
    assert after.arrears == ("inv_a",)


def test_what_its_retries_end_is_awake_for_the_charges_that_wait():
    """Prorated charges are to be invoiced at once; what else was for a next period, or was deleted, is not."""
    share = Share(days=3, of_days=31, start_on=date(2026, 2, 2), end_on=date(2026, 2, 5))
    prorated = replace(sold().lines[0], kind=Kind.PRORATION, share=share)
    owing = replace(sold().renewed().failing("inv_a"), extras=(prorated,))
    now = at("2026-02-07")
    after = owing.given_up("cancel", now)
    assert after.wake == Wake(now, Topic.BILLING)
    assert replace(after, extras=sold().lines).wake is None
    assert replace(after, deleted_at=now).wake is None


def test_unpaid_stays_so_until_another_method_or_everything_is_paid():
    """Further failures change nothing of it; another method makes it past due, the last payment active."""
    unpaid = sold().renewed().failing("inv_a", refused=VISA.id).given_up("unpaid", at("2026-02-07"))
    more = unpaid.failing("inv_b")
    assert more.status is Status.UNPAID
    assert more.settled("inv_b").status is Status.UNPAID
    more = more.charged_on(AMEX)
    assert (more.status, more.chargeable) == (Status.PAST_DUE, True)
    free = more.settled("inv_b").settled("inv_a")
    assert (free.status, free.arrears, free.chargeable) == (Status.ACTIVE, (), True)


def test_a_term_that_ends_in_arrears_expires_when_they_are_settled():
    """The status waits for what is owed, without a next moment: there is nothing left to bill."""
    owing = sold(payments=1).renewed().failing("inv_a")
    over = owing.expired(at("2026-02-28T06:00"))
    assert (over.status, over.billable, over.wake) == (Status.PAST_DUE, False, None)
    assert over.settled("inv_a").status is Status.EXPIRED
    assert over.settled("inv_a").ended_at == at("2026-02-28T06:00")
    assert over.given_up("unpaid", at("2026-03-02")).settled("inv_a").status is Status.EXPIRED


def test_a_term_that_is_over_cannot_be_canceled_at_its_next_boundary():
    """Where no cycle is left, though something is still owed, there is no boundary to cancel at."""
    over = sold(payments=1).renewed().failing("inv_a").expired(at("2026-02-28T06:00"))
    with pytest.raises(WrongState):
        boundaries.canceling(over)


def test_what_is_canceled_stays_canceled_when_its_arrears_are_paid():
    """Late money does not bring a subscription back."""
    gone = sold().renewed().failing("inv_a").canceled(at("2026-02-03"))
    paid = gone.settled("inv_a")
    assert (paid.status, paid.arrears, paid.ended_at) == (Status.CANCELED, (), at("2026-02-03"))
    assert gone.failing("inv_b", refused=VISA.id).status is Status.CANCELED


def test_without_a_method_nothing_is_charged():
    """A subscription with no method is billed and not chargeable, and a hard decline finds nothing to close."""
    bare = sold(method=None)
    assert bare.billable
    assert not bare.chargeable
    assert bare.failing("inv_a", refused=VISA.id).method is None
