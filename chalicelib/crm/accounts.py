"""A business that bills, its keys, and the settings its billing follows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from chalicelib.billing import periods
from chalicelib.billing.collection import MethodType
from chalicelib.billing.deliveries import Letter
from chalicelib.billing.dunning import RetryPolicy
from chalicelib.billing.errors import Invalid, WrongState
from chalicelib.billing.rating import Fee
from chalicelib.billing.wake import ACCOUNT_TOPICS, Topic, Wake

# Holds what belongs to no account yet, such as a webhook about an object that is not ours.
HOUSE = "house"
# An account with a clock of its own says so in its name: the store must know it to index its wakes apart.
CLOCKED = "acct_clock_"


@dataclass(frozen=True, slots=True, kw_only=True)
class TestClock:
    """A clock that stands still until it is moved; `target_at` is set while it is being moved there."""

    now_at: datetime
    target_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rezoning:
    """A walk over the subscriptions, in order of their ids, that takes the account's zone, hour and notice to each.

    `walk_at` is the real time from which it walks, `after` the last one seen to. The `second` walk comes a little later,
    for what was sold by the old settings, or was not yet in the index, while the first one went by. Where it `missed` one,
    which could not be read or was written all the time, there is another walk, until none is.
    """

    walk_at: datetime
    after: str | None = None
    second: bool = False
    missed: bool = False


SECOND_WALK: Final = timedelta(minutes=2)
WALK_AGAIN: Final = timedelta(hours=1)
MOST_REMINDER_DAYS: Final = 90
MOST_OVERDUE_DAYS: Final = 365
MOST_NOTICES: Final = 10
FOLLOWED: Final = ("zone", "billing_hour", "reminder_days")
"""The settings of which every subscription has its own, that follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """`zone` is an IANA name, `billing_hour` the local hour (0-23) at which its days are billed.

    `reminder_days` before a payment the customer is told of it; None switches the letter off. `rezoning` is set until
    its subscriptions have followed another zone, hour or notice.

    `accept_online`, `method_types` and `fees` are what a new subscription is sold with where nothing else is said;
    `email_invoices` sends invoices that are not charged automatically as they are issued; `invoicing_can_be_off` lets
    subscriptions be kept here that are run elsewhere. `numbers_by_year` begins its numbers anew each year, with the year behind the prefix.

    `overdue_days` after an invoice was due its buyer is told that it is overdue, for as long as it is.
    `letters_off` are the letters it does not send; `attach_pdf` puts the document beside the letter an invoice is sent with.
    `issuer` is the revision of its profile. `listeners` are the types of events that some endpoint of it wants (`*`: all),
    `staff_letters` the letters that users of it want, each as often as one does: who writes a fact sees there whether anybody is to be told.
    `wordings` are the letters it has put into words of its own, as `{letter}_{language}`.
    """

    account: str
    id: str
    name: str
    email: str
    currency: str
    zone: str
    livemode: bool
    created_at: datetime
    billing_hour: int = 6
    reminder_days: int | None = 14
    retries: RetryPolicy = RetryPolicy()
    invoice_prefix: str = "INV-"
    accept_online: bool = True
    method_types: tuple[MethodType, ...] = (MethodType.CARD,)
    fees: tuple[Fee, ...] = ()
    email_invoices: bool = True
    invoicing_can_be_off: bool = False
    numbers_by_year: bool = False
    credit_note_prefix: str = "CN-"
    letters_off: tuple[Letter, ...] = ()
    attach_pdf: bool = True
    overdue_days: tuple[int, ...] = (1,)
    issuer: int = 0
    listeners: tuple[str, ...] = ()
    staff_letters: tuple[Letter, ...] = ()
    wordings: tuple[str, ...] = ()
    clock: TestClock | None = None
    rezoning: Rezoning | None = None
    version: int = 0

    @property
    def wake(self) -> Wake | None:
        """While its clock is being moved: at once; while its subscriptions follow its zone: when they are walked. In real time."""
        moments = [self.created_at] if self.clock and self.clock.target_at else []
        if self.rezoning is not None:
            moments.append(self.rezoning.walk_at)
        return Wake(min(moments), Topic.RECONCILIATION) if moments else None

    def rezoned(self, zone: str, hour: int, real: datetime) -> "Account":
        """Bills by another zone or hour from now on, and its subscriptions are to follow. Raises Invalid."""
        return self.changed({"zone": zone, "billing_hour": hour}, real)

    def changed(self, given: Mapping[str, Any], real: datetime) -> "Account":
        """Its settings by name are set; where it bills or reminds by others, its subscriptions are to follow. Raises Invalid."""
        after = replace(self, **given)
        periods.check_zone(after.zone)
        check_hour(after.billing_hour)
        check_reminder_days(after.reminder_days)
        check_overdue_days(after.overdue_days)
        if all(getattr(after, name) == getattr(self, name) for name in FOLLOWED):
            return self if after == self else after
        return replace(after, rezoning=Rezoning(walk_at=real))

    def wanting(self, before: Sequence[Letter], after: Sequence[Letter]) -> "Account":
        """One of its users wants other letters: `staff_letters` has each as often as users want it."""
        left = list(self.staff_letters)
        for one in before:
            left.remove(one)
        return replace(self, staff_letters=tuple(sorted((*left, *after))))

    def worded(self, wordings: tuple[str, ...]) -> "Account":
        """It has put these letters into words of its own."""
        return replace(self, wordings=tuple(sorted(wordings)))

    def walked(self, after: str | None, real: datetime, *, missed: bool = False) -> "Account":
        """Its subscriptions up to an id have followed, but those `missed`; with None all of them, once, or, with the second walk, for good."""
        walk = self.rezoning
        if walk is None:
            return self
        missed = missed or walk.missed
        if after is not None:
            return replace(self, rezoning=replace(walk, after=after, missed=missed))
        if walk.second and not missed:
            return replace(self, rezoning=None)
        pause = WALK_AGAIN if walk.second else SECOND_WALK
        return replace(self, rezoning=Rezoning(walk_at=real + pause, second=True))

    def now(self, real: datetime) -> datetime:
        """The account's own time: its clock's, or real time where it has none."""
        return self.clock.now_at if self.clock else real

    def advancing(self, target_at: datetime) -> "Account":
        """The clock is to be moved to a moment."""
        if self.clock is None:
            raise WrongState(
                "no_test_clock", "Only an account created with a test clock can be moved in time."
            )
        if self.clock.target_at not in (None, self.clock.now_at):
            raise WrongState("clock_advancing", f"The clock is still being moved to {self.clock.target_at}.")
        if target_at <= self.clock.now_at:
            raise Invalid(
                "clock_backwards", f"The clock stands at {self.clock.now_at}; move it forward.", "to"
            )
        return replace(self, clock=replace(self.clock, target_at=target_at))

    def catching_up(self) -> "Account":
        """Something is due at the moment the clock stands at: a worker is to see to it."""
        if self.clock is None or self.clock.target_at is not None:
            return self
        return replace(self, clock=replace(self.clock, target_at=self.clock.now_at))

    def ticked(self, now_at: datetime) -> "Account":
        """The clock has reached a moment; at its target it stands still again."""
        target_at = self.clock.target_at if self.clock else None
        return replace(
            self, clock=TestClock(now_at=now_at, target_at=None if now_at == target_at else target_at)
        )


def check_reminder_days(days: int | None) -> None:
    """Refuse a notice that is too short or too long. Raises Invalid."""
    if days is not None and not 1 <= days <= MOST_REMINDER_DAYS:
        detail = f"Remind from 1 to {MOST_REMINDER_DAYS} days ahead, or null for never."
        raise Invalid("reminder_days_out_of_range", detail, "reminder_days")


def check_overdue_days(days: tuple[int, ...]) -> None:
    """Refuse notices that are too many, too late or out of order. Raises Invalid."""
    inside = all(1 <= day <= MOST_OVERDUE_DAYS for day in days)
    if not inside or len(days) > MOST_NOTICES or sorted(set(days)) != list(days):
        detail = f"Name at most {MOST_NOTICES} days from 1 to {MOST_OVERDUE_DAYS} after the invoice was due, ascending; none for no notice."
        raise Invalid("overdue_days_out_of_range", detail, "overdue_days")


def check_hour(hour: int) -> None:
    """Refuse what is no local hour. Raises Invalid."""
    if not 0 <= hour <= 23:
        raise Invalid("billing_hour_out_of_range", "The billing hour is from 0 to 23.", "billing_hour")


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment on both clocks: `now` is the account's, `real` the world's."""

    account: Account
    real: datetime

    @property
    def now(self) -> datetime:
        """The account's own time."""
        return self.account.now(self.real)

    @property
    def day(self) -> date:
        """The account's local date."""
        return periods.local_date(self.now, self.account.zone)

    def awake(self, wake: Wake | None) -> bool:
        """Whether a record's moment has come, each topic by its own clock."""
        return wake is not None and wake.at <= (self.now if wake.topic in ACCOUNT_TOPICS else self.real)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A bearer key, kept as its SHA-256: `id` is `key_` and that hash's hex digits; `hint` its last characters."""

    account: str
    id: str
    name: str
    hint: str
    created_at: datetime
    revoked_at: datetime | None = None
    version: int = 0

    wake = None

    def revoked(self, now: datetime) -> "ApiKey":
        """It opens nothing any more."""
        return replace(self, revoked_at=self.revoked_at or now)
