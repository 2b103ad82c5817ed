"""An account has one clock, its own or the world's, and each record's moment is read on the right one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.billing.errors import Invalid, WrongState
from chalicelib.billing.wake import ACCOUNT_TOPICS, Topic, Wake
from chalicelib.crm.accounts import Account, ApiKey, Moment, TestClock
from chalicelib.crm.contacts import Contact, PaymentMethod

TestClock.__test__ = False  # type: ignore[attr-defined] # pytest takes it for a test by its name
REAL = datetime(2026, 3, 1, 12, tzinfo=UTC)
THEN = datetime(2031, 1, 31, 6, tzinfo=UTC)
DAY = timedelta(days=1)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds


def account(clock: TestClock | None = None) -> Account:
    return Account(
        account="acct_1",
        id="acct_1",
        name="Roaster",
        email="hello@roaster.example",
        currency="usd",
        zone="America/New_York",
        livemode=False,
        created_at=REAL - DAY,
        clock=clock,
    )


def clocked(now_at: datetime = THEN) -> Account:
    return account(TestClock(now_at=now_at))


def test_the_defaults_are_those_of_the_field():
    """Six in the morning, fourteen days' notice, and the default retries."""
    made = account()
    assert (made.billing_hour, made.reminder_days, made.retries.days) == (6, 14, (1, 3, 5, 7))
    assert made.invoice_prefix == "INV-"


def test_an_account_without_a_clock_lives_in_real_time():
    """Its time is the world's, it waits for nothing, and nobody moves it."""
    assert account().now(REAL) == REAL
    assert account().wake is None
    with pytest.raises(WrongState, match="no_test_clock"):
        account().advancing(REAL + DAY)


def test_a_test_clock_stands_still():
    """Its time is what it was set to, whatever the world's clock says."""
    assert clocked().now(REAL) == clocked().now(REAL + 100 * DAY) == THEN
    assert clocked().wake is None


def test_a_clock_on_its_way_wakes_at_once_in_real_time():
    """While it is being moved the account is due by real time, though its own time be years ahead."""
    moving = clocked().advancing(THEN + 30 * DAY)
    assert moving.now(REAL) == THEN
    assert moving.wake is not None
    assert moving.wake.topic not in ACCOUNT_TOPICS
    assert moving.wake.at <= REAL
    assert Moment(moving, REAL).awake(moving.wake)


def test_a_clock_arrives_and_stands_still_again():
    """It stops at moments on its way, and at its target it waits for nothing."""
    moving = clocked().advancing(THEN + 30 * DAY)
    half = moving.ticked(THEN + 10 * DAY)
    assert half.now(REAL) == THEN + 10 * DAY
    assert half.wake == moving.wake
    there = half.ticked(THEN + 30 * DAY)
    assert there.clock == TestClock(now_at=THEN + 30 * DAY)
    assert there.wake is None
    assert there.advancing(THEN + 31 * DAY).wake is not None


@pytest.mark.parametrize("target", [THEN, THEN - timedelta(microseconds=1), THEN - 400 * DAY])
def test_a_clock_never_goes_back(target: datetime):
    """Where it stands, and before, is refused."""
    with pytest.raises(Invalid) as refused:
        clocked().advancing(target)
    assert (refused.value.code, refused.value.param) == ("clock_backwards", "to")


def test_a_clock_is_moved_by_one_at_a_time():
    """While it is on its way another target is refused, even a later one."""
    with pytest.raises(WrongState, match="clock_advancing"):
        clocked().advancing(THEN + DAY).advancing(THEN + 2 * DAY)


@given(moments, moments, st.sampled_from(Topic), moments)
def test_each_topic_has_its_clock(own: datetime, real: datetime, topic: Topic, due: datetime):
    """Billing, retries and reminders come due by the account's time, deliveries and reconciliation by the world's."""
    at = Moment(clocked(own), real)
    calendar = {Topic.BILLING, Topic.RETRIES, Topic.REMINDERS}
    assert at.now == own
    assert at.awake(Wake(due, topic)) == (due <= (own if topic in calendar else real))


@given(moments, st.sampled_from(Topic))
def test_a_moment_has_come_when_it_is_reached(now: datetime, topic: Topic):
    """At the very moment it is awake, before it not; what waits for nothing never is."""
    at = Moment(account(), now)
    assert at.awake(Wake(now, topic))
    assert not at.awake(Wake(now + timedelta(microseconds=1), topic))
    assert not at.awake(None)


def test_a_key_is_revoked_once():
    """The moment it was first revoked is kept."""
    key = ApiKey(account="acct_1", id="key_1", name="Shop", hint="4f2a", created_at=REAL)
    revoked = key.revoked(REAL + DAY)
    assert (key.revoked_at, revoked.revoked_at) == (None, REAL + DAY)
    assert revoked.revoked(REAL + 2 * DAY) == revoked
    assert key.wake is None


def test_a_contact_is_known_to_the_gateway_from_its_first_method_on():
    """The customer's name is kept; neither contact nor method waits for anything."""
    ada = Contact(account="acct_1", id="con_1", name="Ada", email="ada@example.com", created_at=REAL)
    assert ada.known_as("cus_1") == replace(ada, customer="cus_1")
    card = PaymentMethod(
        account="acct_1",
        id="pm_1",
        contact="con_1",
        customer="cus_1",
        type="card",
        label="Visa •••• 4242",
        created_at=REAL,
    )
    assert ada.wake is None
    assert card.wake is None


def test_another_zone_is_walked_to_its_subscriptions_twice():
    """At once, and a little later for what the first walk could not find; then the account sleeps. The same zone is no work."""
    before = account()
    assert before.rezoned(before.zone, before.billing_hour, REAL) is before
    moved = before.rezoned("Asia/Tokyo", 9, REAL)
    assert moved.wake == Wake(REAL, Topic.RECONCILIATION)
    on_its_way = moved.walked("sub_7", REAL)
    assert on_its_way.rezoning is not None
    assert (on_its_way.rezoning.after, on_its_way.wake) == ("sub_7", moved.wake)
    once = on_its_way.walked(None, REAL)
    assert once.rezoning is not None
    assert (once.rezoning.after, once.rezoning.second) == (None, True)
    assert once.wake == Wake(REAL + timedelta(minutes=2), Topic.RECONCILIATION)
    twice = once.walked(None, REAL)
    assert (twice.rezoning, twice.wake) == (None, None)
    assert twice.walked("sub_7", REAL) == twice
    again = once.rezoned("Asia/Seoul", 9, REAL)
    assert again.rezoning is not None
    assert not again.rezoning.second, "a further change begins anew"


def test_an_account_wakes_for_the_earliest_of_what_it_waits_for():
    """A clock on its way is at once, whenever the walk is; without it the walk's moment counts."""
    walking = clocked(REAL).rezoned("Asia/Tokyo", 9, REAL).walked(None, REAL)
    assert walking.wake == Wake(REAL + timedelta(minutes=2), Topic.RECONCILIATION)
    both = walking.advancing(REAL + timedelta(days=1))
    assert both.wake == Wake(both.created_at, Topic.RECONCILIATION)
    assert both.walked(None, REAL).wake == both.wake


@pytest.mark.parametrize(
    ("zone", "hour", "code"), [("Mars/Phobos", 6, "unknown_zone"), ("UTC", 24, "billing_hour_out_of_range")]
)
def test_an_account_bills_by_a_zone_and_an_hour_that_are_some(zone: str, hour: int, code: str):
    """Anything else is refused."""
    with pytest.raises(Invalid, match=code):
        account().rezoned(zone, hour, REAL)
