"""A subscription that is still to be billed always has its next moment, whatever becomes of it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.billing import boundaries, periods
from chalicelib.billing.collection import Method
from chalicelib.billing.errors import Invalid, WrongState
from chalicelib.billing.lines import Kind, Line, Share
from chalicelib.billing.periods import Frequency
from chalicelib.billing.statuses import ENDED, Status
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.wake import Topic, Wake

ZONES = ["Australia/Lord_Howe", "Africa/Casablanca", "Europe/Paris", "America/New_York", "UTC"]
VISA = Method(id="pm_visa", customer="cus_1", label="Visa •••• 4242")
AMEX = Method(id="pm_amex", customer="cus_1", label="American Express •••• 0005")
RECURRING = [frequency for frequency in Frequency if frequency.recurring]
Step = Callable[[Subscription, datetime], tuple[Subscription, datetime]]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def sold(anchor: str = "2026-01-31", **changed: object) -> Subscription:
    """A monthly subscription of a UTC account, sold at midnight of the day it begins."""
    subscription = Subscription(
        account="acct_1",
        id="sub_1",
        contact="con_1",
        currency="usd",
        frequency=Frequency.MONTHLY,
        lines=(Line(id="li_1", name="Coffee", unit_amount=Decimal(2500)),),
        anchor_on=date.fromisoformat(anchor),
        zone="UTC",
        hour=6,
        status=Status.SCHEDULED,
        created_at=at(anchor),
        reminder_days=14,
        method=VISA,
    )
    return replace(subscription, **changed)  # type: ignore[arg-type]


@st.composite
def subscriptions(draw: st.DrawFn) -> Subscription:
    """As operations/subscribe sells them: from today or later, of every frequency, term, zone and notice."""
    created_at = draw(
        st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds
    )
    zone = draw(st.sampled_from(ZONES))
    return sold(
        frequency=draw(st.sampled_from(RECURRING)),
        anchor_on=periods.local_date(created_at, zone) + timedelta(days=draw(st.integers(0, 200))),
        zone=zone,
        hour=draw(st.integers(0, 23)),
        created_at=created_at,
        reminder_days=draw(st.none() | st.integers(1, 90)),
        payments=draw(st.none() | st.integers(1, 6)),
        method=draw(st.sampled_from([None, VISA])),
    )


def looked_at(late: timedelta) -> Step:
    """The schedule comes, so late after the moment, and does as operations/renew does."""

    def step(subscription: Subscription, now: datetime) -> tuple[Subscription, datetime]:
        if subscription.wake is None:
            return subscription, now
        now = max(now, subscription.wake.at + late)
        return renewed_at(subscription, now), now

    return step


def renewed_at(subscription: Subscription, now: datetime) -> Subscription:
    if now < subscription.next_at:
        return subscription.reminded_of_next()
    if subscription.ends_first:
        return subscription.canceled(now)
    if subscription.at_its_end:
        return subscription.expired(now)
    return subscription.renewed()


def invoice(cycle: int) -> str:
    return f"inv_1_{cycle + 1:04d}"


def declined(back: int, hard: bool) -> Step:
    """One of the last invoices is not collected."""
    return lambda subscription, now: (
        (
            subscription.failing(
                invoice(max(0, subscription.cycle - back)),
                refused=subscription.method.id if hard and subscription.method else None,
            ),
            now,
        )
        if subscription.cycle
        else (subscription, now)
    )


def given_up(at_end: str) -> Step:
    """An invoice of the arrears has used up its retries."""
    return lambda subscription, now: (
        (subscription.given_up(at_end, now), now) if subscription.arrears else (subscription, now)
    )


def settled(nth: int) -> Step:
    """An invoice of the arrears is paid."""
    return lambda subscription, now: (
        (subscription.settled(subscription.arrears[nth % len(subscription.arrears)]), now)
        if subscription.arrears
        else (subscription, now)
    )


def charged_on(method: Method) -> Step:
    """The buyer gives another card, or the same again."""
    return lambda subscription, now: (subscription.charged_on(method), now)


def canceling(subscription: Subscription, now: datetime) -> tuple[Subscription, datetime]:
    """To be canceled at the end of its period, unless that is refused."""
    try:
        return boundaries.canceling(subscription), now
    except WrongState:
        return subscription, now


def canceled(subscription: Subscription, now: datetime) -> tuple[Subscription, datetime]:
    """Canceled now, unless that is refused."""
    try:
        return subscription.canceled(now), now
    except WrongState:
        return subscription, now


lateness = st.sampled_from([timedelta(), timedelta(seconds=59), timedelta(hours=30)]) | st.timedeltas(
    timedelta(), timedelta(days=400)
)
looks = st.builds(looked_at, lateness)
# The ends come last and seldom: most lives are to be long.
steps = st.one_of(
    looks,
    looks,
    looks,
    st.builds(declined, st.integers(1, 3), st.booleans()),
    st.builds(given_up, st.sampled_from(["unpaid", "past_due"])),
    st.builds(settled, st.integers(0, 5)),
    st.builds(charged_on, st.sampled_from([VISA, AMEX])),
)
lives = st.builds(
    lambda before, end, after: [*before, *end, *after],
    st.lists(steps, max_size=30),
    st.lists(st.just(canceling) | st.just(canceled) | st.just(given_up("cancel")), max_size=1),
    st.lists(steps, max_size=10),
)


@settings(max_examples=300, deadline=None)
@given(subscriptions(), lives)
def test_a_billable_subscription_always_has_its_next_moment(subscription: Subscription, life: list[Step]):
    """Through any life it waits for exactly one moment while a cycle is still to be billed, and for none after its end."""
    now = subscription.created_at
    for step in life:
        subscription, now = step(subscription, now)
        assert (subscription.wake is not None) == subscription.billable
        assert not (subscription.billable and subscription.status in ENDED)
        if subscription.wake is not None:
            assert subscription.wake.topic in (Topic.BILLING, Topic.REMINDERS)
            assert subscription.wake.at.tzinfo is UTC


@settings(max_examples=300, deadline=None)
@given(subscriptions(), lives)
def test_the_next_moment_never_goes_back(subscription: Subscription, life: list[Step]):
    """Whatever happens, the next moment stays or moves on; an end, once come, is never taken back."""
    now = subscription.created_at
    for step in life:
        before = subscription.wake
        subscription, now = step(subscription, now)
        if before is None:
            assert subscription.wake is None
        elif subscription.wake is not None:
            assert subscription.wake.at >= before.at


@settings(max_examples=200, deadline=None)
@given(subscriptions(), st.lists(lateness, max_size=25))
def test_every_look_moves_a_subscription_on(subscription: Subscription, lates: list[timedelta]):
    """Each time it is looked at, however late, its next moment is later than before or it has ended: nothing spins."""
    now = subscription.created_at
    for late in lates:
        before = subscription.wake
        subscription, now = looked_at(late)(subscription, now)
        assert before is None or subscription.wake is None or subscription.wake.at > before.at


@settings(max_examples=200, deadline=None)
@given(subscriptions(), st.lists(lateness, max_size=25))
def test_no_cycle_is_left_out_or_billed_twice(subscription: Subscription, lates: list[timedelta]):
    """However late the schedule comes, cycles are billed one by one, none before its boundary, each period meeting the next."""
    now, billed = subscription.created_at, []
    for late in lates:
        cycle = subscription.cycle
        subscription, now = looked_at(late)(subscription, now)
        if subscription.cycle != cycle:
            assert now >= subscription.boundary_at(cycle)
            billed.append((cycle, subscription.period(cycle)))
    assert [cycle for cycle, _ in billed] == list(range(subscription.cycle))
    assert all(one.end_on == other.start_on for (_, one), (_, other) in pairwise(billed))
    assert not billed or billed[0][1].start_on == subscription.anchor_on
    assert not billed or billed[-1][1].end_on == subscription.next_on
    assert subscription.payments is None or subscription.cycle <= subscription.payments


@settings(deadline=None)
@given(subscriptions(), st.integers(0, 40))
def test_a_period_begins_at_its_boundary_and_meets_the_next(subscription: Subscription, cycle: int):
    """The local days of a cycle run from its boundary up to the next one's, and so do the instants."""
    period = subscription.period(cycle)
    assert period.end_on == subscription.period(cycle + 1).start_on
    assert period.days >= 7
    at_cycle = replace(subscription, cycle=cycle)
    assert at_cycle.next_on == period.start_on
    assert at_cycle.next_at == subscription.boundary_at(cycle) < subscription.boundary_at(cycle + 1)


@settings(max_examples=200, deadline=None)
@given(subscriptions(), st.integers(0, 12))
def test_a_reminder_falls_between_two_boundaries_or_is_not_sent(subscription: Subscription, cycle: int):
    """It comes its days before the payment, after the boundary in front; no period as short as the notice has one."""
    now = replace(subscription, cycle=cycle, payments=None)
    if now.reminder_days is None:
        assert now.reminder_at is None
        return
    if cycle:
        before = now.period(cycle - 1).start_on
        assert now.reminder_at is None or now.reminder_at > now.boundary_at(cycle - 1)
    else:
        before = periods.local_date(now.created_at, now.zone)
    assert (now.reminder_at is None) == ((now.next_on - before).days <= now.reminder_days)
    if now.reminder_at is not None:
        assert now.created_at < now.reminder_at < now.next_at
        assert periods.local_date(now.reminder_at, now.zone) == now.next_on - timedelta(
            days=now.reminder_days
        )


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


# -- the calendar, changed --------------------------------------------------------------------------


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
