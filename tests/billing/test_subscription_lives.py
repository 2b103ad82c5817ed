"""A subscription that is still to be billed always has its next moment, whatever becomes of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.billing import boundaries, periods
from chalicelib.billing.collection import Method
from chalicelib.billing.errors import WrongState
from chalicelib.billing.periods import Frequency
from chalicelib.billing.statuses import ENDED
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.wake import Topic
from tests.billing.monthly import AMEX, VISA, Step, looked_at, sold

ZONES = ["Australia/Lord_Howe", "Africa/Casablanca", "Europe/Paris", "America/New_York", "UTC"]
RECURRING = [frequency for frequency in Frequency if frequency.recurring]


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
