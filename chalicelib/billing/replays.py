"""Past failures lived again under another policy: when it would have asked, and what can be said of the answers.

What a bank would have said at a moment nobody asked is not known. What is taken for it: until the moment a payment on the
same method really succeeded it would have said no, from then on yes; behind the last real no without a yes nothing is
known. What buyers did by themselves (another method, a page, a transfer) is taken to happen at its moment all the same.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.billing import dunning
from chalicelib.billing.dunning import AtEnd, RetryPolicy
from chalicelib.billing.money import Money
from chalicelib.billing.payments import Origin, Payment, PaymentStatus

NOTES = (
    "An attempt at or after the moment a payment on the same method really succeeded counts as recovered; one before it as declined.",
    "An attempt behind the last real decline of an invoice that was never paid by its method is unknown: nobody asked then.",
    "A decline code is taken to be that of the latest real decline before the attempt.",
    "What buyers did by themselves, giving another method, paying on a page or by transfer, is taken to happen at the same moment under any policy.",
    "Letters and cancellations under the policy may have changed what buyers did; that cannot be told.",
)
"""What is assumed, in words, for whoever reads the answer."""


class Verdict(StrEnum):
    """Whether an invoice would have been paid, and of an attempt what its answer would have been."""

    RECOVERED = "recovered"
    NOT_RECOVERED = "not_recovered"
    UNKNOWN = "unknown"


class Answer(StrEnum):
    """What an attempt would have been told."""

    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An attempt of the schedule, and its answer."""

    at: datetime
    answer: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Decline:
    """A real no, on the method that failed first."""

    at: datetime
    code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What really became of an invoice after its first failure.

    `declines` are of the method that failed first, oldest first; `paid_at` is when all of it was paid, `same_method` whether that was by the
    method that failed first, `paid_by` what caused it, None where no payment did. `attempts` are all times it was asked for after the first.
    """

    invoice: str
    amount: Money
    type: str
    declines: tuple[Decline, ...]
    attempts: int
    paid_at: datetime | None = None
    paid_by: Origin | None = None
    same_method: bool = False

    @property
    def first_at(self) -> datetime:
        """The moment of the first failure."""
        return self.declines[0].at

    def code_at(self, at: datetime) -> str | None:
        """The code of the latest real decline at a moment."""
        return next((one.code for one in reversed(self.declines) if one.at <= at), self.declines[0].code)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How it went, or would have gone: `days` are whole days from the first failure to the money; `by_buyer` where the schedule had no part in it."""

    verdict: Verdict
    attempts: int
    recovered_at: datetime | None = None
    days: int | None = None
    by_buyer: bool = False
    at_end: AtEnd | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """An invoice that failed: what was owed, what really happened, and what would have under the policy."""

    invoice: str
    amount: Money
    first_failed_at: datetime
    decline_code: str | None
    method_type: str
    actual: Course
    replayed: Course
    asked: tuple[Asked, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums over invoices; `average_days` of those that recovered, rounded half up, `amounts` the money of them by currency."""

    recovered: int
    not_recovered: int
    unknown: int
    attempts: int
    average_days: int | None
    amounts: tuple[Money, ...]


def failure(
    invoice: str, amount: Money, payments: Sequence[Payment], paid_at: datetime | None
) -> Failure | None:
    """What the payments of an invoice tell of its failing, oldest first; None where none of them was declined."""
    declined = [one for one in payments if one.status is PaymentStatus.DECLINED and one.settled_at]
    if not declined:
        return None
    first = declined[0]
    last = next((one for one in reversed(payments) if one.taken), None) if paid_at else None
    after = [one for one in payments if one.origin not in (Origin.HAND, Origin.CHECKOUT)]
    return Failure(
        invoice=invoice,
        amount=amount,
        type=first.type,
        declines=tuple(
            Decline(at=one.settled_at, code=one.decline_code)
            for one in declined
            if one.settled_at and _method(one) == _method(first)
        ),
        attempts=len(after) - 1,
        paid_at=paid_at,
        paid_by=last.origin if last else None,
        same_method=last is not None and _method(last) == _method(first),
    )


def _method(payment: Payment) -> str:
    return payment.request.method if payment.request else ""


def replayed(policy: RetryPolicy, past: Failure) -> Replayed:
    """The course of a failure under a policy, beside the real one."""
    asked = tuple(_asked(policy, past))
    return Replayed(
        invoice=past.invoice,
        amount=past.amount,
        first_failed_at=past.first_at,
        decline_code=past.declines[0].code,
        method_type=past.type,
        actual=_actual(past),
        replayed=_course(policy, past, asked),
        asked=asked,
    )


def _asked(policy: RetryPolicy, past: Failure) -> Iterable[Asked]:
    """The attempts up to the one that would have been paid, the one after which none may follow, or the buyer's own act."""
    if policy.is_hard(past.declines[0].code, past.type):
        return
    for at in dunning.moments(policy, past.first_at, past.type):
        if past.paid_at is not None and not past.same_method and past.paid_at <= at:
            return
        answer = _answer(past, at)
        yield Asked(at=at, answer=answer)
        if answer is Answer.SUCCEEDED or policy.is_hard(past.code_at(at), past.type):
            return


def _answer(past: Failure, at: datetime) -> Answer:
    if past.paid_at is not None:
        return Answer.SUCCEEDED if past.same_method and at >= past.paid_at else Answer.DECLINED
    return Answer.DECLINED if at <= past.declines[-1].at else Answer.UNKNOWN


def _course(policy: RetryPolicy, past: Failure, asked: Sequence[Asked]) -> Course:
    if asked and asked[-1].answer is Answer.SUCCEEDED:
        return _recovered(past, asked[-1].at, len(asked), by_buyer=False)
    if past.paid_at is not None and not past.same_method:
        return _recovered(past, past.paid_at, len(asked), by_buyer=True)
    unknown = any(one.answer is Answer.UNKNOWN for one in asked)
    verdict = Verdict.UNKNOWN if unknown else Verdict.NOT_RECOVERED
    return Course(verdict=verdict, attempts=len(asked), at_end=policy.at_end)


def _actual(past: Failure) -> Course:
    if past.paid_at is None:
        return Course(verdict=Verdict.NOT_RECOVERED, attempts=past.attempts)
    by_buyer = past.paid_by not in (Origin.SCHEDULE, Origin.PERSON)
    return _recovered(past, past.paid_at, past.attempts, by_buyer=by_buyer)


def _recovered(past: Failure, at: datetime, attempts: int, *, by_buyer: bool) -> Course:
    return Course(
        verdict=Verdict.RECOVERED,
        attempts=attempts,
        recovered_at=at,
        days=(at - past.first_at).days,
        by_buyer=by_buyer,
    )


def totals(of: Sequence[tuple[Course, Money]]) -> Totals:
    """The sums of courses, each with what was owed."""
    paid = [(course, amount) for course, amount in of if course.verdict is Verdict.RECOVERED]
    days = sum(course.days or 0 for course, _ in paid)
    amounts: dict[str, int] = {}
    for _, amount in paid:
        amounts[amount.currency] = amounts.get(amount.currency, 0) + amount.amount
    return Totals(
        recovered=len(paid),
        not_recovered=sum(course.verdict is Verdict.NOT_RECOVERED for course, _ in of),
        unknown=sum(course.verdict is Verdict.UNKNOWN for course, _ in of),
        attempts=sum(course.attempts for course, _ in of),
        average_days=(2 * days + len(paid)) // (2 * len(paid)) if paid else None,
        amounts=tuple(Money(amount, currency) for currency, amount in sorted(amounts.items())),
    )
