"""When a declined payment is asked for again."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.billing import ceilings, dunning
from chalicelib.billing.collection import DEBITS
from chalicelib.billing.dunning import AtEnd, RetryPolicy
from chalicelib.billing.errors import Invalid

FIRST = datetime(2026, 2, 15, 6, tzinfo=UTC)
DAY = timedelta(days=1)
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


def test_presets_are_the_fields_published_schedules():
    """Stripe's eight in two weeks, Kill Bill's every eight days, Recurly's twenty attempts in sixty days, Polar's days; ours is the default."""
    presets = {name: (policy.days, policy.at_end.value) for name, policy in dunning.PRESETS.items()}
    assert [*presets] == [
        "default",
        "stripe_8_in_14d",
        "killbill_8_8_8",
        "recurly_20_60d",
        "polar_2_5_7_7",
    ]
    assert presets["killbill_8_8_8"] == ((8, 16, 24), "past_due")
    assert presets["polar_2_5_7_7"] == ((2, 7, 14, 21), "cancel")
    stripe, recurly = presets["stripe_8_in_14d"][0], presets["recurly_20_60d"][0]
    assert (len(stripe), max(stripe)) == (8, 14)
    assert (1 + len(recurly), max(recurly) <= 60, recurly[:2]) == (20, True, (3, 6))


def test_a_preset_nobody_knows_is_refused_with_those_there_are():
    """The refusal names the field and what would be accepted."""
    with pytest.raises(Invalid) as refused:
        dunning.preset("weekly", "retries")
    assert (refused.value.code, refused.value.param) == ("unknown_preset", "retries")
    assert "killbill_8_8_8" in refused.value.detail


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


@pytest.mark.parametrize("field", ["days", "debit_days"])
@pytest.mark.parametrize(
    "days", [(0,), (-1, 2), (1, 1), (3, 2), (61,), tuple(range(1, 22)), (1.5,), ("1",), (True, 2)]
)
def test_a_schedule_rises_within_sixty_days(days, field: str):
    """Days that do not rise, lie outside 1 to 60, are more than twenty, or are not whole, are refused by their name."""
    with pytest.raises(Invalid) as refused:
        RetryPolicy(**{field: days})
    assert (refused.value.code, refused.value.param) == ("invalid_retry_days", field)


@pytest.mark.parametrize(
    ("days", "allowed"),
    [
        (tuple(range(1, 12)), True),  # the first, eleven more and three by hand are fifteen
        (tuple(range(1, 13)), False),
        ((1, *range(30, 42)), True),  # the first is forgotten by then
        ((1, *range(30, 43)), False),  # thirteen fall within days 30 to 60
        (tuple(range(20, 31)), True),
        ((*range(1, 11), 30), True),
        ((*range(1, 11), 31), True),
        ((*range(1, 12), 31), True),
        ((*range(1, 12), 30), False),
    ],
)
def test_no_policy_can_break_the_networks_ceiling(days: tuple[int, ...], allowed: bool):
    """Fifteen attempts in any thirty days, both ends counted, with the three that people may add."""
    if allowed:
        assert RetryPolicy(days=days).days == days
        return
    with pytest.raises(Invalid) as refused:
        RetryPolicy(days=days)
    assert (refused.value.code, refused.value.param) == ("network_ceiling", "days")


def test_a_bank_debit_is_presented_twice_more_at_most():
    """Nacha's rule holds for every bank debit."""
    assert RetryPolicy(debit_days=(5, 60)).debit_days == (5, 60)
    with pytest.raises(Invalid) as refused:
        RetryPolicy(debit_days=(5, 10, 15))
    assert (refused.value.code, refused.value.param) == ("network_ceiling", "debit_days")


@given(st.lists(st.integers(1, 60), max_size=20, unique=True), st.lists(st.integers(0, 60), max_size=3))
def test_whatever_policy_is_accepted_stays_below_the_ceilings(days: list[int], by_hand: list[int]):
    """Whenever people ask in between, no attempt of the schedule is one more than the networks allow."""
    try:
        policy = RetryPolicy(days=tuple(sorted(days)))
    except Invalid:
        return
    asked = sorted([0, *policy.days, *by_hand])
    for n, day in enumerate(asked):
        before = [FIRST + one * DAY for one in asked[:n]]
        assert ceilings.reached(before, FIRST + day * DAY, debit=False) is None


@pytest.mark.parametrize(
    ("asked", "debit", "network"),
    [
        ([0.0] * 9, False, None),
        ([0.0] * 10, False, "Mastercard"),
        ([-1.0] * 10, False, None),
        ([-1.0 - n for n in range(14)], False, None),
        ([-1.0 - n for n in range(15)], False, "Visa"),
        ([-30.0] * 15, False, None),
        ([-179.0, -90.0], True, None),
        ([-179.0, -90.0, -1.0], True, "A bank"),
        ([-180.0, -90.0, -1.0], True, None),
    ],
)
def test_a_ceiling_is_reached_by_what_was_asked_within_its_days(asked: list[float], debit: bool, network):
    """Ten in 24 hours, fifteen in thirty days, and of a debit three in 180 days: the next would be one too many."""
    found = ceilings.reached([FIRST + day * DAY for day in asked], FIRST, debit=debit)
    assert (found.network if found else None) == network


@pytest.mark.parametrize(
    "code", ["stolen_card", "lost_card", "pickup_card", "incorrect_number", "transaction_not_allowed"]
)
def test_a_hard_decline_is_never_asked_again(code: str):
    """What Stripe says never to repeat is hard, and no policy makes it soft."""
    assert dunning.is_hard(code)
    assert RetryPolicy(hard_declines=()).is_hard(code)


@pytest.mark.parametrize(
    "code", ["insufficient_funds", "authentication_required", "do_not_honor", "STOLEN_CARD", "", None]
)
def test_other_declines_are_soft(code: str | None):
    """A buyer who must act, an empty account and a code nobody knows leave hope; but a policy may say otherwise."""
    assert not dunning.is_hard(code)
    assert not RetryPolicy().is_hard(code)
    if code:
        assert RetryPolicy(hard_declines=(code,)).is_hard(code)


def test_codes_are_named_once():
    """A code named twice, and more than a hundred of them, are refused."""
    for codes in (("do_not_honor", "do_not_honor"), tuple(f"code_{n}" for n in range(101))):
        with pytest.raises(Invalid) as refused:
            RetryPolicy(hard_declines=codes)
        assert (refused.value.code, refused.value.param) == ("invalid_decline_codes", "hard_declines")


@pytest.mark.parametrize("type_", sorted(DEBITS))
def test_a_bank_debit_is_asked_again_only_where_there_was_not_enough_money(type_: str):
    """A closed account, a revoked mandate and an unknown code of a bank's are hard; what is not the bank's word is soft."""
    policy = RetryPolicy()
    assert not policy.is_hard("insufficient_funds", type_)
    assert not policy.is_hard("amount_too_small", type_)
    for code in ("account_closed", "debit_not_authorized", "no_account", "generic_decline", None):
        assert policy.is_hard(code, type_)
        assert not policy.is_hard(code, "card")


def test_a_bank_debit_has_days_of_its_own():
    """Four and eight days after the first failure by default, whatever the days of cards are."""
    policy = RetryPolicy(days=(1, 2, 3))
    assert dunning.moments(policy, FIRST, "sepa_debit") == (FIRST + 4 * DAY, FIRST + 8 * DAY)
    assert dunning.gives_up_at(policy, FIRST, "sepa_debit") == FIRST + 8 * DAY
    assert dunning.next_attempt(policy, FIRST, FIRST, "us_bank_account", failures=1) == FIRST + 4 * DAY


def test_a_debit_that_comes_back_late_is_still_presented_twice_more():
    """Where a bank took longer than the schedule has days, the next attempt is as far behind its answer; the third answer is the last."""
    policy = RetryPolicy()
    second_back = FIRST + 9 * DAY
    again = dunning.next_attempt(policy, FIRST, second_back, "us_bank_account", failures=2)
    assert again == second_back + 4 * DAY
    assert dunning.next_attempt(policy, FIRST, again, "us_bank_account", failures=3) is None
    assert dunning.next_attempt(policy, FIRST, second_back, "card", failures=2) is None
