"""The calendar of what a customer pays: which cycle is next, and in what state the whole is."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from chalicelib.billing import periods
from chalicelib.billing.errors import WrongState
from chalicelib.billing.lines import Line
from chalicelib.billing.periods import Frequency, Period
from chalicelib.billing.wake import Topic, Wake


class Status(StrEnum):
    """HubSpot's `hs_status`, told by Stripe's meanings of past_due and unpaid."""

    SCHEDULED = "scheduled"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    UNPAID = "unpaid"
    CANCELED = "canceled"
    EXPIRED = "expired"


ENDED = frozenset({Status.CANCELED, Status.EXPIRED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """The saved payment method a subscription is charged on.

    `refused` is set by a hard decline: nothing is charged on it again.
    """

    id: str
    customer: str
    label: str
    refused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Cycle n runs from the n-th boundary to the next, both computed from `anchor_on`.

    `cycle` is the ordinal of the next cycle to bill (0 is the first); `payments` the number of
    payments of a fixed term; `arrears` the invoices whose collection failed; `zone`, `hour` and
    `reminder_days` are the account's at the time of creation.
    """

    account: str
    id: str
    contact: str
    currency: str
    frequency: Frequency
    lines: tuple[Line, ...]
    anchor_on: date
    zone: str
    hour: int
    status: Status
    created_at: datetime
    name: str = ""
    reminder_days: int | None = None
    payments: int | None = None
    cycle: int = 0
    reminded: int = -1
    method: Method | None = None
    arrears: tuple[str, ...] = ()
    cancel_at_period_end: bool = False
    ended_at: datetime | None = None
    version: int = 0

    @property
    def billable(self) -> bool:
        """Whether a cycle is still to be billed."""
        return self.ended_at is None

    @property
    def chargeable(self) -> bool:
        """Whether the schedule may ask for money: there is a method nobody refused, and it is neither unpaid nor canceled."""
        stopped = self.status in (Status.UNPAID, Status.CANCELED)
        return self.method is not None and not self.method.refused and not stopped

    @property
    def wake(self) -> Wake | None:
        """The next boundary, or the reminder before it where that is still to come."""
        if not self.billable:
            return None
        reminder = self.reminder_at
        if reminder is not None and self.reminded < self.cycle:
            return Wake(reminder, Topic.REMINDERS)
        return Wake(self.next_at, Topic.BILLING)

    @property
    def next_at(self) -> datetime:
        """The instant of the next boundary: that local date at the billing hour."""
        return self.boundary_at(self.cycle)

    @property
    def reminder_at(self) -> datetime | None:
        """The notice of the next payment, unless it would fall on or before the boundary in front of it.

        So a plan whose period is no longer than the notice sends none: its receipt was just sent.
        """
        if self.reminder_days is None or self.at_its_end or self.cancel_at_period_end:
            return None
        remind_on = self.next_on - timedelta(days=self.reminder_days)
        before = periods.boundary(self.anchor_on, self.frequency, self.cycle - 1) if self.cycle else None
        if before is None:
            before = periods.local_date(self.created_at, self.zone)
        if remind_on <= before:
            return None
        return periods.moment(remind_on, self.hour, self.zone)

    @property
    def next_on(self) -> date:
        """The local date of the next boundary."""
        return periods.boundary(self.anchor_on, self.frequency, self.cycle)

    @property
    def at_its_end(self) -> bool:
        """Whether every payment of a fixed term has been billed: the next boundary only ends it."""
        return self.payments is not None and self.cycle >= self.payments

    def boundary_at(self, cycle: int) -> datetime:
        """The instant at which a cycle begins."""
        return periods.moment(periods.boundary(self.anchor_on, self.frequency, cycle), self.hour, self.zone)

    def period(self, cycle: int) -> Period:
        """The local dates of a cycle, half-open."""
        return periods.period(self.anchor_on, self.frequency, cycle)

    def renewed(self) -> "Subscription":
        """The next cycle has been billed."""
        status = Status.ACTIVE if self.status is Status.SCHEDULED else self.status
        return replace(self, cycle=self.cycle + 1, status=status)

    def reminded_of_next(self) -> "Subscription":
        """The customer has been told of the next payment, or it is too late to."""
        return replace(self, reminded=self.cycle)

    def failing(self, invoice: str, *, refused: str | None = None) -> "Subscription":
        """An invoice could not be collected; a hard decline (`refused`) closes the method it was tried on, and no other."""
        arrears = self.arrears if invoice in self.arrears else (*self.arrears, invoice)
        method = self.method
        if method is not None and method.id == refused:
            method = replace(method, refused=True)
        status = self.status if self.status in (Status.UNPAID, Status.CANCELED) else Status.PAST_DUE
        return replace(self, arrears=arrears, method=method, status=status)

    def given_up(self, at_end: str, now: datetime) -> "Subscription":
        """The retries of an invoice are exhausted; `at_end` is the policy's `unpaid`, `cancel` or `past_due`."""
        if self.status in ENDED or at_end == "past_due":
            return self
        if at_end == "cancel":
            return replace(self, status=Status.CANCELED, ended_at=self.ended_at or now)
        return replace(self, status=Status.UNPAID)

    def settled(self, invoice: str) -> "Subscription":
        """An invoice of the arrears has been paid or voided; with the last one the subscription recovers."""
        arrears = tuple(name for name in self.arrears if name != invoice)
        if arrears or self.status in ENDED:
            return replace(self, arrears=arrears)
        if self.ended_at is not None:
            return replace(self, arrears=arrears, status=Status.EXPIRED)
        status = Status.SCHEDULED if self.status is Status.SCHEDULED else Status.ACTIVE
        return replace(self, arrears=arrears, status=status)

    def charged_on(self, method: Method) -> "Subscription":
        """Another payment method takes the place of the one before; with it an unpaid subscription is charged again."""
        status = Status.PAST_DUE if self.status is Status.UNPAID else self.status
        return replace(self, method=method, status=status)

    def canceled(self, now: datetime) -> "Subscription":
        """Ended for good, before its term."""
        if self.status in ENDED:
            raise WrongState("subscription_ended", f"The subscription is {self.status} already.")
        return replace(self, status=Status.CANCELED, ended_at=self.ended_at or now)

    def canceling(self) -> "Subscription":
        """To be canceled at the next boundary, in place of being billed."""
        if not self.billable:
            raise WrongState("subscription_ended", "No billing is to come that this could take the place of.")
        return replace(self, cancel_at_period_end=True)

    def expired(self, now: datetime) -> "Subscription":
        """The term is over; with arrears open the status waits until they are settled."""
        status = self.status if self.arrears else Status.EXPIRED
        return replace(self, status=status, ended_at=now)
