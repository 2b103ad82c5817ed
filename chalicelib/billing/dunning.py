"""When a declined payment is asked for again, and what becomes of the subscription when no attempt is left.

The schedule is data. A day is 24 hours exactly, counted in UTC from the first failure, so an attempt late by an hour
never moves the next one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import accumulate, pairwise
from typing import Final

from chalicelib.billing.errors import Invalid

MOST_ATTEMPTS: Final = 8
LAST_DAY: Final = 60

HARD_DECLINES: Final = frozenset(
    {
        "highest_risk_level",
        "incorrect_number",
        "lost_card",
        "pickup_card",
        "revocation_of_all_authorizations",
        "revocation_of_authorization",
        "stolen_card",
        "transaction_not_allowed",
    }
)
"""Declines Stripe says never to repeat on the same method (docs.stripe.com/billing/revenue-recovery/smart-retries).

Its ninth, `authentication_required`, is not here: it asks for the buyer, not for another card.
"""


class AtEnd(StrEnum):
    """What a subscription becomes when the last attempt has failed, in Stripe's words."""

    UNPAID = "unpaid"
    CANCEL = "cancel"
    PAST_DUE = "past_due"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """`days` after the first failure on which to ask again, rising, 1 to 60, at most 8 of them; none means never.

    Invalid `invalid_retry_days`.
    """

    days: tuple[int, ...] = (1, 3, 5, 7)
    at_end: AtEnd = AtEnd.UNPAID

    def __post_init__(self) -> None:
        whole = all(type(day) is int for day in self.days)
        rising = whole and all(one < next_ for one, next_ in pairwise((0, *self.days)))
        if not rising or len(self.days) > MOST_ATTEMPTS or max(self.days, default=0) > LAST_DAY:
            detail = (
                f"Send at most {MOST_ATTEMPTS} whole days after the first failure, rising, 1 to {LAST_DAY}."
            )
            raise Invalid("invalid_retry_days", detail, "days")


def relative(intervals: Sequence[int]) -> tuple[int, ...]:
    """Days between attempts turned into days after the first failure: 3, 3, 3 is 3, 6, 9."""
    return tuple(accumulate(intervals))


PRESETS: Final[dict[str, RetryPolicy]] = {
    "default": RetryPolicy(),
    "killbill_8_8_8": RetryPolicy(days=relative((8, 8, 8)), at_end=AtEnd.PAST_DUE),
}
"""Schedules of the field whose days are published; Kill Bill leaves the rest to its overdue rules."""


def moments(policy: RetryPolicy, first_failed_at: datetime) -> tuple[datetime, ...]:
    """Every moment of the schedule, after a first failure at that one."""
    return tuple(first_failed_at + timedelta(days=day) for day in policy.days)


def next_attempt(policy: RetryPolicy, first_failed_at: datetime, after: datetime) -> datetime | None:
    """The first moment of the schedule after another; None if none is left.

    By the moment, not by the count: an attempt made days late is not followed by another at once.
    """
    return next((at for at in moments(policy, first_failed_at) if at > after), None)


def gives_up_at(policy: RetryPolicy, first_failed_at: datetime) -> datetime:
    """The moment of the last attempt, when `at_end` holds if it fails, or if a hard decline left none to make."""
    return first_failed_at + timedelta(days=max(policy.days, default=0))


def is_hard(decline_code: str | None) -> bool:
    """Whether the same payment method is never to be asked again after this decline code of Stripe's."""
    return decline_code in HARD_DECLINES
