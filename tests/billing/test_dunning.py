"""When a declined payment is asked for again."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.billing import dunning
from chalicelib.billing.dunning import AtEnd, RetryPolicy
from chalicelib.billing.errors import Invalid

FIRST = datetime(2026, 2, 15, 6, tzinfo=UTC)
policies = st.lists(st.integers(1, 60), max_size=8, unique=True).map(
    lambda days: RetryPolicy(days=tuple(sorted(days)))
)


def test_the_default_asks_four_times_in_a_week_and_then_rests_unpaid():
    """By default a card is asked 1, 3, 5 and 7 days after its first failure, then the subscription is unpaid."""
    policy = RetryPolicy()
    asked: list[datetime] = [FIRST]
    while again := dunning.next_attempt(policy, FIRST, asked[-1]):
        asked.append(again)
    assert asked == [FIRST + timedelta(days=day) for day in (0, 1, 3, 5, 7)]
    assert dunning.moments(policy, FIRST) == tuple(asked[1:])
    assert policy.at_end is AtEnd.UNPAID
    assert policy == dunning.PRESETS["default"]


def test_days_are_counted_from_the_first_failure_in_utc():
    """A day is 24 hours, though the clocks of the shop go forward in between."""
    before_summer_time = datetime(2026, 3, 28, 5, tzinfo=UTC)
    assert dunning.moments(RetryPolicy(), before_summer_time)[0] == datetime(2026, 3, 29, 5, tzinfo=UTC)


def test_intervals_become_days_after_the_first_failure():
    """Every three days, three times, is 3, 6 and 9 days after the first failure."""
    assert dunning.relative((3, 3, 3)) == (3, 6, 9)
    assert dunning.relative(()) == ()
    assert dunning.PRESETS["killbill_8_8_8"].days == (8, 16, 24)


def test_a_schedule_may_be_empty():
    """An account that never asks again gives up at the first failure."""
    policy = RetryPolicy(days=(), at_end=AtEnd.CANCEL)
    assert dunning.next_attempt(policy, FIRST, FIRST) is None
    assert dunning.gives_up_at(policy, FIRST) == FIRST


@given(policies, st.timedeltas(timedelta(0), timedelta(days=70)))
def test_the_next_attempt_is_the_first_of_the_schedule_to_come(policy: RetryPolicy, late: timedelta):
    """However late a failure is noticed, the next attempt lies ahead of it; after the last there is none."""
    after = FIRST + late
    again = dunning.next_attempt(policy, FIRST, after)
    ahead = [at for at in dunning.moments(policy, FIRST) if at > after]
    assert again == (min(ahead) if ahead else None)
    assert (again is None) == (after >= dunning.gives_up_at(policy, FIRST))


@pytest.mark.parametrize(
    "days", [(0,), (-1, 2), (1, 1), (3, 2), (61,), (1, 2, 3, 4, 5, 6, 7, 8, 9), (1.5,), ("1",), (True, 2)]
)
def test_a_schedule_rises_within_sixty_days(days):
    """Days that do not rise, lie outside 1 to 60, are more than eight, or are not whole, are refused."""
    with pytest.raises(Invalid) as refused:
        RetryPolicy(days=days)
    assert (refused.value.code, refused.value.param) == ("invalid_retry_days", "days")


def test_eight_attempts_and_sixty_days_are_allowed():
    """The bounds themselves are within the rule."""
    assert RetryPolicy(days=(1, 2, 3, 4, 5, 6, 7, 60)).days[-1] == 60


@pytest.mark.parametrize(
    "code", ["stolen_card", "lost_card", "pickup_card", "incorrect_number", "transaction_not_allowed"]
)
def test_a_hard_decline_is_never_asked_again(code: str):
    """What Stripe says never to repeat is hard."""
    assert dunning.is_hard(code)


@pytest.mark.parametrize(
    "code", ["insufficient_funds", "authentication_required", "do_not_honor", "STOLEN_CARD", "", None]
)
def test_other_declines_are_soft(code: str | None):
    """A buyer who must act, an empty account and a code nobody knows leave hope."""
    assert not dunning.is_hard(code)
