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
    moments = [dunning.next_attempt(policy, FIRST, failures) for failures in range(1, 6)]
    assert moments == [*(FIRST + timedelta(days=day) for day in (1, 3, 5, 7)), None]
    assert dunning.moments(policy, FIRST) == tuple(moments[:4])
    assert policy.at_end is AtEnd.UNPAID
    assert policy == dunning.PRESETS["default"]


def test_days_are_counted_from_the_first_failure_in_utc():
    """A day is 24 hours, though the clocks of the shop go forward in between."""
    before_summer_time = datetime(2026, 3, 28, 5, tzinfo=UTC)
    assert dunning.next_attempt(RetryPolicy(), before_summer_time, 1) == datetime(2026, 3, 29, 5, tzinfo=UTC)


def test_intervals_become_days_after_the_first_failure():
    """Every three days, three times, is 3, 6 and 9 days after the first failure."""
    assert dunning.relative((3, 3, 3)) == (3, 6, 9)
    assert dunning.relative(()) == ()
    assert dunning.PRESETS["killbill_8_8_8"].days == (8, 16, 24)


def test_a_schedule_may_be_empty():
    """An account that never asks again gives up at the first failure."""
    policy = RetryPolicy(days=(), at_end=AtEnd.CANCEL)
    assert dunning.next_attempt(policy, FIRST, 1) is None
    assert dunning.gives_up_at(policy, FIRST) == FIRST


@given(policies, st.integers(1, 12))
def test_attempts_come_in_order_until_none_is_left(policy: RetryPolicy, failures: int):
    """Each attempt is later than the one before, the last is when it gives up, and then there is none."""
    at = dunning.next_attempt(policy, FIRST, failures)
    if failures > len(policy.days):
        assert at is None
    else:
        assert at is not None
        assert FIRST < at <= dunning.gives_up_at(policy, FIRST)
        before = dunning.next_attempt(policy, FIRST, failures - 1) if failures > 1 else FIRST
        assert before is not None
        assert before < at
        assert (at == dunning.gives_up_at(policy, FIRST)) == (failures == len(policy.days))


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


@pytest.mark.parametrize("failures", [0, -1])
def test_nothing_is_retried_before_it_failed(failures: int):
    """A retry needs a failure."""
    with pytest.raises(Invalid, match="invalid_failures"):
        dunning.next_attempt(RetryPolicy(), FIRST, failures)


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
