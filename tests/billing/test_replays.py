"""Past failures under another policy: when it would have asked, and only as much of the answers as can be known."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.billing import replays
from chalicelib.billing.dunning import PRESETS, AtEnd, RetryPolicy
from chalicelib.billing.gateway import Request
from chalicelib.billing.money import Money
from chalicelib.billing.payments import Allocation, Origin, Payment, PaymentStatus
from chalicelib.billing.replays import Answer, Decline, Failure, Verdict

FIRST = datetime(2026, 2, 15, 6, tzinfo=UTC)
DAY = timedelta(days=1)
AMOUNT = Money(2500, "usd")
KILLBILL = PRESETS["killbill_8_8_8"]


def failed(
    *days: int, codes: str = "insufficient_funds", paid: int | None = None, same: bool = True
) -> Failure:
    """Declined on those days after the first failure, and paid on another."""
    return Failure(
        invoice="inv_1",
        amount=AMOUNT,
        type="card",
        declines=tuple(Decline(at=FIRST + day * DAY, code=codes) for day in (0, *days)),
        attempts=len(days) + (paid is not None),
        paid_at=None if paid is None else FIRST + paid * DAY,
        paid_by=None if paid is None else Origin.SCHEDULE if same else Origin.ARREARS,
        same_method=paid is not None and same,
    )


def test_an_attempt_after_the_real_success_recovers():
    """Paid really on day 3, it would have been on day 8, at the first attempt; on day 3 itself too."""
    told = replays.replayed(KILLBILL, failed(1, paid=3))
    assert (told.actual.verdict, told.actual.days, told.actual.attempts) == (Verdict.RECOVERED, 3, 2)
    assert (told.replayed.verdict, told.replayed.days, told.replayed.attempts) == (Verdict.RECOVERED, 8, 1)
    same = replays.replayed(RetryPolicy(days=(1, 3, 5)), failed(1, paid=3))
    assert [one.answer for one in same.asked] == [Answer.DECLINED, Answer.SUCCEEDED]


def test_a_policy_that_ends_before_the_success_does_not_recover():
    """All its attempts are declined, and the subscription becomes what it says."""
    told = replays.replayed(RetryPolicy(days=(1, 2), at_end=AtEnd.CANCEL), failed(1, paid=3))
    assert (told.replayed.verdict, told.replayed.attempts) == (Verdict.NOT_RECOVERED, 2)
    assert told.replayed.at_end is AtEnd.CANCEL


def test_behind_the_last_real_decline_nothing_is_known():
    """Never paid, asked last on day 7: an attempt on day 5 is declined, one on day 8 unknown."""
    told = replays.replayed(RetryPolicy(days=(5, 8)), failed(1, 3, 5, 7))
    assert [one.answer for one in told.asked] == [Answer.DECLINED, Answer.UNKNOWN]
    assert told.replayed.verdict is Verdict.UNKNOWN
    assert told.actual.verdict is Verdict.NOT_RECOVERED


def test_what_the_buyer_did_stands_under_any_policy():
    """Another card on day 6 pays then, behind what was asked before; no attempt follows it."""
    told = replays.replayed(RetryPolicy(days=(2, 4, 8)), failed(1, 3, paid=6, same=False))
    assert [(one.at - FIRST).days for one in told.asked] == [2, 4]
    assert (told.replayed.verdict, told.replayed.days, told.replayed.by_buyer) == (Verdict.RECOVERED, 6, True)
    assert told.actual.by_buyer is True


def test_a_hard_decline_ends_the_attempts():
    """By the networks' list or the policy's own; a code that comes later ends what is behind it."""
    assert replays.replayed(RetryPolicy(), failed(codes="stolen_card")).asked == ()
    policy = RetryPolicy(days=(1, 2, 3), hard_declines=("do_not_honor",))
    assert replays.replayed(policy, failed(1, 2, 3, codes="do_not_honor")).asked == ()
    later = replace(
        failed(),
        declines=(
            Decline(at=FIRST, code="insufficient_funds"),
            Decline(at=FIRST + 2 * DAY, code="do_not_honor"),
        ),
    )
    assert [(one.at - FIRST).days for one in replays.replayed(policy, later).asked] == [1, 2]


def test_a_bank_debit_follows_its_own_days():
    """Four and eight days, and none where there was money enough."""
    debit = replace(failed(4, 8), type="us_bank_account")
    assert [(one.at - FIRST).days for one in replays.replayed(RetryPolicy(), debit).asked] == [4, 8]
    closed = replace(failed(codes="account_closed"), type="us_bank_account")
    assert replays.replayed(RetryPolicy(), closed).asked == ()


@given(
    st.lists(st.integers(1, 60), max_size=6, unique=True).map(sorted),
    st.lists(st.integers(1, 60), max_size=6, unique=True).map(sorted),
    st.one_of(st.none(), st.integers(61, 90)),
)
def test_the_policy_that_was_followed_tells_what_happened(
    days: list[int], others: list[int], paid: int | None
):
    """Replayed under its own days a failure goes as it went; under any others nothing is recovered before it really was by its method."""
    policy = RetryPolicy(days=tuple(days))
    past = replace(failed(*days), paid_at=FIRST + days[-1] * DAY, same_method=True) if days else failed()
    past = replace(past, declines=past.declines[:-1] or past.declines) if days else past
    told = replays.replayed(policy, past)
    if days:
        assert (told.replayed.verdict, told.replayed.days) == (Verdict.RECOVERED, days[-1])
        assert told.replayed.attempts == len(days)
    other = replays.replayed(RetryPolicy(days=tuple(others)), past)
    if other.replayed.recovered_at and past.paid_at:
        assert other.replayed.recovered_at >= past.paid_at
    late = replays.replayed(policy, failed(*days, paid=paid)) if paid else None
    assert late is None or late.replayed.verdict is Verdict.NOT_RECOVERED


def asked(
    n: int, status: PaymentStatus, day: int, *, method: str = "pm_1", origin: Origin = Origin.SCHEDULE
) -> Payment:
    return Payment(
        account="acct_1", id=f"pay_1_0001_{n}", subscription="sub_1", contact="con_1", amount=AMOUNT,
        allocations=(Allocation(invoice="inv_1", amount=AMOUNT),), method_label="Visa", origin=origin,
        created_at=FIRST + day * DAY, sent_at=FIRST, leased_until=None, status=status, settled_at=FIRST + day * DAY,
        decline_code="insufficient_funds" if status is PaymentStatus.DECLINED else None,
        request=Request(amount=AMOUNT, customer="cus_1", method=method, description="", metadata={}),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("last", "same", "by_buyer"),
    [
        (asked(3, PaymentStatus.SUCCEEDED, 3), True, False),
        (asked(3, PaymentStatus.SUCCEEDED, 3, origin=Origin.PERSON), True, False),
        (asked(3, PaymentStatus.SUCCEEDED, 3, method="pm_2", origin=Origin.ARREARS), False, True),
        (replace(asked(3, PaymentStatus.SUCCEEDED, 3, origin=Origin.HAND), request=None), False, True),
    ],
)
def test_a_failure_is_read_from_its_payments(last: Payment, same: bool, by_buyer: bool):
    """Its declines on the method that failed first, and whether that paid in the end, or the buyer by an act of their own."""
    made = [asked(1, PaymentStatus.DECLINED, 0), asked(2, PaymentStatus.DECLINED, 1), last]
    past = replays.failure("inv_1", AMOUNT, made, FIRST + 3 * DAY)
    assert past is not None
    assert ([one.at for one in past.declines], past.same_method) == ([FIRST, FIRST + DAY], same)
    assert replays.replayed(RetryPolicy(), past).actual.by_buyer is by_buyer
    assert replays.failure("inv_1", AMOUNT, [last], FIRST) is None


def test_totals_say_what_is_known():
    """Recovered, not, unknown; attempts; the average days of those that recovered, half up; and their money."""
    told = [replays.replayed(KILLBILL, one) for one in (failed(paid=3), failed(), failed(paid=30))]
    sums = replays.totals([(one.replayed, one.amount) for one in told])
    assert (sums.recovered, sums.not_recovered, sums.unknown) == (1, 1, 1)
    assert (sums.attempts, sums.average_days, sums.amounts) == (7, 8, (AMOUNT,))
    real = replays.totals([(one.actual, one.amount) for one in told])
    assert (real.recovered, real.average_days, real.amounts) == (2, 17, (Money(5000, "usd"),))
    assert replays.totals([]).average_days is None
