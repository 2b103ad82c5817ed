"""A calendar that is changed: paused, moved, canceled, put into another zone."""

from dataclasses import replace
from datetime import date

import pytest

from chalicelib.billing import boundaries
from chalicelib.billing.errors import Invalid, WrongState
from chalicelib.billing.periods import Frequency
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.wake import Topic, Wake
from tests.billing.monthly import AMEX, at, sold


def running(**changed: object) -> Subscription:
    """Sold on 31 January, billed then; the next boundary is 28 February."""
    return replace(sold().renewed(), **changed)  # type: ignore[arg-type]


def test_paused_and_resumed_on_one_day_nothing_has_moved():
    """The day of the month it counts from is the 31st as before, though the next boundary is a 28th."""
    before = running()
    for shifts in (True, False):
        after = boundaries.resumed(
            boundaries.paused(before, at("2026-02-10")), date(2026, 2, 10), shifts=shifts
        )
        assert after == before
        assert after.renewed().next_on == date(2026, 3, 31)


def test_the_days_left_of_a_pause_are_still_to_come():
    """Paused with 18 days to go, it is billed 18 days after it is resumed, and from there on that day of the month."""
    after = boundaries.resumed(boundaries.paused(running(), at("2026-02-10")), date(2026, 5, 5), shifts=True)
    assert (after.next_on, after.renewed().next_on) == (date(2026, 5, 23), date(2026, 6, 23))
    assert (after.cycle, after.status, after.paused_on) == (1, Status.ACTIVE, None)


def test_a_pause_may_leave_the_boundaries_where_they_are():
    """Those that passed are left out; one that falls on the day it is resumed is billed."""
    paused = boundaries.paused(running(), at("2026-02-10"))
    for day, next_on in (
        ("2026-02-27", "2026-02-28"),
        ("2026-03-31", "2026-03-31"),
        ("2026-04-01", "2026-04-30"),
    ):
        after = boundaries.resumed(paused, date.fromisoformat(day), shifts=False)
        assert (after.next_on, after.cycle) == (date.fromisoformat(next_on), 1)
    assert after.renewed().next_on == date(2026, 5, 31)


def test_a_pause_ends_by_itself_on_its_day():
    """Without a day it waits for nobody; with one it wakes at the billing hour of that day."""
    assert boundaries.paused(running(), at("2026-02-10")).wake is None
    paused = boundaries.paused(running(), at("2026-02-10"), date(2026, 3, 5))
    assert paused.wake == Wake(at("2026-03-05T06:00"), Topic.BILLING)


def test_what_is_due_is_billed_before_it_is_paused():
    """At the boundary and after it a pause waits until the cycle has been billed: it must not be left out."""
    with pytest.raises(WrongState, match="billing_due"):
        boundaries.paused(running(), at("2026-02-28T06:00"))
    assert boundaries.paused(running(), at("2026-02-28T05:59")).status is Status.PAUSED


def test_what_ended_while_it_was_paused_is_not_resumed():
    """Canceled in its pause it stays canceled."""
    gone = boundaries.paused(running(), at("2026-02-10")).canceled(at("2026-02-12"))
    with pytest.raises(WrongState, match="not_paused"):
        boundaries.resumed(gone, date(2026, 2, 13), shifts=True)
    assert gone.wake is None


def test_a_pause_stops_the_calendar_and_not_what_is_owed():
    """A decline and a payment leave it paused; given up it is unpaid, and so it is when it is resumed, until a method comes."""
    paused = boundaries.paused(running(), at("2026-02-10"))
    owing = paused.failing("inv_a")
    assert (owing.status, owing.arrears, owing.chargeable) == (Status.PAUSED, ("inv_a",), True)
    assert owing.settled("inv_a").status is Status.PAUSED
    assert boundaries.resumed(owing, date(2026, 2, 12), shifts=True).status is Status.PAST_DUE
    unpaid = owing.given_up("unpaid", at("2026-02-20"))
    assert boundaries.resumed(unpaid, date(2026, 2, 21), shifts=True).status is Status.UNPAID
    assert unpaid.charged_on(AMEX).status is Status.PAUSED
    assert unpaid.charged_on(AMEX).settled("inv_a").status is Status.PAUSED


def test_a_term_paused_in_its_last_period_ends_where_it_would_have():
    """With its boundaries left where they are there is none to leave out; shifted, the days left are still to come."""
    last = replace(sold(payments=1).renewed(), reminder_days=None)
    paused = boundaries.paused(last, at("2026-02-10"))
    assert boundaries.resumed(paused, date(2026, 4, 10), shifts=False).next_on == date(2026, 2, 28)
    assert boundaries.resumed(paused, date(2026, 4, 10), shifts=True).next_on == date(2026, 4, 28)
    assert boundaries.resumed(paused, date(2026, 4, 10), shifts=True).at_its_end


def test_a_date_moved_earlier_is_not_announced_before_the_payment_in_front_of_it():
    """Billed on 31 January and moved to 8 February, the notice of 14 days has no place; moved later it has, and is told anew."""
    assert boundaries.moved(running(), date(2026, 2, 8)).reminder_at is None
    told = running().reminded_of_next()
    later = boundaries.moved(told, date(2026, 3, 20))
    assert later.wake == Wake(at("2026-03-06T06:00"), Topic.REMINDERS)
    assert later.started_on == date(2026, 1, 31)
    assert later.renewed().started_on == date(2026, 3, 20)
    assert later.renewed().next_on == date(2026, 4, 20)


def test_what_comes_first_is_done_first():
    """A cancellation after boundaries that were slept through does not come before they are billed."""
    leaving = boundaries.canceling(running(), date(2026, 4, 10), today=date(2026, 2, 1))
    assert not leaving.ends_first
    assert leaving.wake == Wake(at("2026-02-14T06:00"), Topic.REMINDERS)
    at_last = leaving.renewed().renewed()
    assert at_last.next_on == date(2026, 4, 30)
    assert (at_last.ends_first, at_last.short) == (True, True)
    assert at_last.wake == Wake(at("2026-04-10T06:00"), Topic.BILLING)
    assert at_last.reminder_at is None


def test_a_pause_is_over_before_a_later_cancellation_and_after_an_earlier_one():
    """Whichever day comes first is what it waits for."""
    paused = boundaries.paused(running(), at("2026-02-10"), date(2026, 3, 5))
    for day, first in (("2026-03-04", True), ("2026-03-05", True), ("2026-03-06", False)):
        leaving = boundaries.canceling(paused, date.fromisoformat(day), today=date(2026, 2, 11))
        assert leaving.ends_first is first
        assert leaving.wake == Wake(at(min(day, "2026-03-05") + "T06:00"), Topic.BILLING)


def test_an_end_is_the_earliest_of_all():
    """The last day of a term, of the period, or the day chosen."""
    term = running(payments=3)
    assert term.ends_on == date(2026, 4, 30)
    assert boundaries.canceling(term).ends_on == date(2026, 2, 28)
    assert boundaries.canceling(term, date(2026, 4, 1), today=date(2026, 2, 1)).ends_on == date(2026, 4, 1)
    with pytest.raises(Invalid, match="cancel_after_the_end"):
        boundaries.canceling(term, date(2026, 5, 1), today=date(2026, 2, 1))
    assert running().ends_on is None


def test_a_planned_cancellation_is_not_planned_over():
    """The same again is no change; another day needs a reactivation first."""
    leaving = boundaries.canceling(running())
    assert boundaries.canceling(leaving) == leaving
    with pytest.raises(WrongState, match="reactivate it first"):
        boundaries.canceling(leaving, date(2026, 2, 20), today=date(2026, 2, 1))
    assert boundaries.reactivated(leaving) == running()


def test_within_two_days_of_billing_it_is_closed():
    """From the second day before the boundary on, unless forced; a first payment may be moved until it comes."""
    boundaries.check_open(running(), at("2026-02-25T23:00"))
    with pytest.raises(WrongState, match="too_close_to_billing"):
        boundaries.check_open(running(), at("2026-02-26T00:00"))
    boundaries.check_open(running(), at("2026-02-26T00:00"), force=True)
    boundaries.check_open(sold(), at("2026-01-30T00:00"))


def test_another_zone_keeps_the_dates():
    """The next boundary is the same local day, at another instant."""
    tokyo = running().rezoned("Asia/Tokyo", 9)
    assert (tokyo.next_on, tokyo.next_at) == (date(2026, 2, 28), at("2026-02-28T00:00"))


def test_the_longest_term_that_can_be_sold_ends_within_the_calendar():
    """1200 payments every five years, begun ten years from now: its last day can be told, so no list of it ever breaks."""
    longest = sold("2036-12-31", frequency=Frequency.PER_FIVE_YEARS, payments=1200)
    assert longest.ends_on == date(8036, 12, 31)
    assert replace(longest, cycle=1200).wake == Wake(at("8036-12-31T06:00"), Topic.BILLING)


def test_of_a_date_that_came_instead_of_one_left_out_the_customer_is_told():
    """The notice of 28 February had gone out; resumed on 5 March the next is the 31st, and has a notice of its own."""
    told = boundaries.paused(running().reminded_of_next(), at("2026-02-20"))
    after = boundaries.resumed(told, date(2026, 3, 5), shifts=False)
    assert after.wake == Wake(at("2026-03-17T06:00"), Topic.REMINDERS)
