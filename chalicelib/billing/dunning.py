"""When a declined payment is asked for again, and what becomes of the subscription when no attempt is left.

The schedule is data. A day is 24 hours exactly, counted in UTC from the first failure, so an attempt late by an hour
never moves the next one. A bank debit takes days to come back: where its answer came later than the next attempt was to
be, that follows as many days behind the answer as the schedule has between the two.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import accumulate, pairwise
from typing import Final

from chalicelib.billing.ceilings import MOST_AGAIN_DEBIT, MOST_BY_HAND, VISA
from chalicelib.billing.collection import DEBITS, MethodType
from chalicelib.billing.errors import Invalid

MOST_RETRIES: Final = 20
LAST_DAY: Final = 60
MOST_CODES: Final = 100
DEBIT_TYPES: Final = frozenset(type_.value for type_ in DEBITS)

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

NOT_THE_BANKS: Final = frozenset({"amount_too_large", "amount_too_small", "processing_error"})
"""Refusals that say nothing of the account a debit was to be taken from."""


class AtEnd(StrEnum):
    """What a subscription becomes when the last attempt has failed, in Stripe's words."""

    UNPAID = "unpaid"
    CANCEL = "cancel"
    PAST_DUE = "past_due"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """`days` after the first failure on which a card is asked again, `debit_days` a bank account, rising, 1 to 60; none means never.

    A bank debit is asked again only where there was not enough money. `hard_declines` are further decline codes of
    Stripe's after which a method is never asked again; HARD_DECLINES are so whatever it says.

    Invalid `invalid_retry_days`, `invalid_decline_codes`, or `network_ceiling` where the networks' ceilings could be
    broken, with all that a person may ask for in between.
    """

    days: tuple[int, ...] = (1, 3, 5, 7)
    at_end: AtEnd = AtEnd.UNPAID
    debit_days: tuple[int, ...] = (4, 8)
    hard_declines: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_days(self.days, "days")
        _check_days(self.debit_days, "debit_days")
        _check_ceilings(self)
        codes = self.hard_declines
        if len(codes) > MOST_CODES or len(set(codes)) != len(codes):
            detail = f"Send at most {MOST_CODES} decline codes of Stripe's, such as do_not_honor, each once."
            raise Invalid("invalid_decline_codes", detail, "hard_declines")

    def days_for(self, type_: str) -> tuple[int, ...]:
        """The days on which a method of a type is asked again."""
        return self.debit_days if type_ in DEBIT_TYPES else self.days

    def is_hard(self, code: str | None, type_: str = MethodType.CARD) -> bool:
        """Whether a method of a type is never to be asked again after a decline code."""
        if is_hard(code) or code in self.hard_declines:
            return True
        return type_ in DEBIT_TYPES and code != "insufficient_funds" and code not in NOT_THE_BANKS


def _check_days(days: Sequence[int], param: str) -> None:
    whole = all(type(day) is int for day in days)
    rising = whole and all(one < next_ for one, next_ in pairwise((0, *days)))
    if not rising or len(days) > MOST_RETRIES or max(days, default=0) > LAST_DAY:
        detail = f"Send at most {MOST_RETRIES} whole days after the first failure, rising, 1 to {LAST_DAY}."
        raise Invalid("invalid_retry_days", detail, param)


def _check_ceilings(policy: RetryPolicy) -> None:
    """Within any days of the networks' rules: the attempts of the schedule, the first, and all that people may add."""
    asked = (0, *policy.days)
    most = max(sum(first <= day <= first + VISA.days for day in asked) for first in asked)
    if most + MOST_BY_HAND > VISA.attempts:
        left = VISA.attempts - MOST_BY_HAND
        detail = (
            f"Card networks allow {VISA.attempts} attempts in {VISA.days} days; {MOST_BY_HAND} are kept for people,"
            f" so that the first and its retries may be {left} in any {VISA.days} days, and these are {most}."
        )
        raise Invalid("network_ceiling", detail, "days")
    if len(policy.debit_days) > MOST_AGAIN_DEBIT:
        detail = f"A bank debit that came back may be presented {MOST_AGAIN_DEBIT} more times; send at most as many days."
        raise Invalid("network_ceiling", detail, "debit_days")


def relative(intervals: Sequence[int]) -> tuple[int, ...]:
    """Days between attempts turned into days after the first failure: 3, 3, 3 is 3, 6, 9."""
    return tuple(accumulate(intervals))


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A policy that is known by a name, and where its days come from."""

    name: str
    policy: RetryPolicy
    about: str


_PRESETS: Final = (
    Preset(
        name="default",
        policy=RetryPolicy(),
        about="Four times within a week of the first failure; bank debits twice, where there was not enough money.",
    ),
    Preset(
        name="stripe_8_in_14d",
        policy=RetryPolicy(days=(2, 4, 5, 7, 9, 11, 12, 14)),
        about="As often as Stripe's Smart Retries by default, eight times in two weeks, spread evenly: "
        "Stripe chooses its moments by a model of its own, and its end is a setting.",
    ),
    Preset(
        name="killbill_8_8_8",
        policy=RetryPolicy(days=relative((8, 8, 8)), at_end=AtEnd.PAST_DUE),
        about="Kill Bill's default, every eight days, three times; it leaves the rest to its overdue rules.",
    ),
    Preset(
        name="recurly_20_60d",
        policy=RetryPolicy(days=tuple(range(3, 60, 3))),
        about="Recurly's pace for an issuer it cannot reach, every three days, up to its 20 attempts within 60 days; "
        "it ends other declines earlier, after the seventh.",
    ),
    Preset(
        name="polar_2_5_7_7",
        policy=RetryPolicy(days=relative((2, 5, 7, 7)), at_end=AtEnd.CANCEL),
        about="Polar's days between attempts, as its source has them; then the subscription is revoked.",
    ),
)
PRESETS: Final[dict[str, RetryPolicy]] = {preset.name: preset.policy for preset in _PRESETS}
"""Schedules of the field whose days are published."""


def presets() -> tuple[Preset, ...]:
    """All presets, our own first."""
    return _PRESETS


def preset(name: str, param: str) -> RetryPolicy:
    """The policy of a name. Raises Invalid."""
    if name not in PRESETS:
        detail = f"Send one of: {', '.join(PRESETS)}; or a policy of your own."
        raise Invalid("unknown_preset", detail, param)
    return PRESETS[name]


def moments(
    policy: RetryPolicy, first_failed_at: datetime, type_: str = MethodType.CARD
) -> tuple[datetime, ...]:
    """Every moment of the schedule, after a first failure at that one."""
    return tuple(first_failed_at + timedelta(days=day) for day in policy.days_for(type_))


def next_attempt(
    policy: RetryPolicy,
    first_failed_at: datetime,
    after: datetime,
    type_: str = MethodType.CARD,
    *,
    failures: int = 0,
) -> datetime | None:
    """The first moment of the schedule after another; None if none is left.

    By the moment, not by the count: an attempt made days late is not followed by another at once. Of bank debits the
    `failures` so far count too, because the answer of one may be later than the moment of the next.
    """
    ahead = next((at for at in moments(policy, first_failed_at, type_) if at > after), None)
    if ahead is not None or type_ not in DEBIT_TYPES or not 0 < failures <= len(policy.debit_days):
        return ahead
    before, day = (0, *policy.debit_days)[failures - 1 : failures + 1]
    return after + timedelta(days=day - before)


def gives_up_at(policy: RetryPolicy, first_failed_at: datetime, type_: str = MethodType.CARD) -> datetime:
    """The moment of the last attempt, when `at_end` holds if it fails, or if a hard decline left none to make."""
    return first_failed_at + timedelta(days=max(policy.days_for(type_), default=0))


def is_hard(decline_code: str | None) -> bool:
    """Whether the same payment method is never to be asked again after this decline code of Stripe's."""
    return decline_code in HARD_DECLINES
