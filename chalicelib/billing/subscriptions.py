"""The calendar of what a customer pays: which cycle is next, and in what state the whole is."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from chalicelib.billing import periods
from chalicelib.billing.collection import AUTOMATICALLY, Collection, CollectionMethod, Method
from chalicelib.billing.discounts import Discount
from chalicelib.billing.errors import WrongState
from chalicelib.billing.instalments import Part
from chalicelib.billing.lines import Kind, Line
from chalicelib.billing.papers import Papers
from chalicelib.billing.periods import Frequency, Period
from chalicelib.billing.rating import Fee
from chalicelib.billing.statuses import ENDED, Status
from chalicelib.billing.tax import Tax
from chalicelib.billing.wake import Topic, Wake


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What takes effect with the next cycle: the last one saved wins. None leaves as it is.

    `rates` are the taxes, `coupons` the discounts the subscription then has. They are not called so because what says
    nothing is left out of what is stored by its name alone (store/shapes.py), and here an empty one says something.
    """

    lines: tuple[Line, ...] | None = None
    rates: tuple[Tax, ...] | None = None
    coupons: tuple[Discount, ...] | None = None
    frequency: Frequency | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Cycle n runs from boundary n + `offset` to the next, both computed from `anchor_on`.

    `cycle` is the ordinal of the next cycle to bill (0 is the first); `payments` the number of
    payments of a fixed term; `arrears` the invoices whose collection failed; `zone`, `hour` and
    `reminder_days` are the account's at the time of creation.

    `offset` moves when a billing date is moved or cycles are skipped; `besides` counts the invoices issued besides
    those of cycles, so that cycle + besides is the ordinal of the next invoice. `extras` are billed once, with the
    next invoice. `cancel_on` is a local day in place of the end of the period, `short` set while the cycle that runs was
    charged up to it alone; `resume_on` ends a pause begun on `paused_on`, in the way `shifts` and `prorates` say.
    `since_on` is the day the running cycle began where its end has been moved since, `shifted` the days by which pauses put
    off what it was charged for, `settled_on` the day from which on nothing of it is left to give back. `foretold` is the total of the next invoice as it was known when the last one was issued.
    `collection` is how it is collected, None where it is charged automatically. One that is `record_only` is run elsewhere: never billed here.
    One that is deleted is kept for what was issued for it, and is in no list any more. `schedule` splits its first invoice over days.
    `company` is billed in place of its contact, who gets the letters; `papers` say how its documents are written.
    `unasked` counts its first invoices that left nothing to pay: its first payment comes after them.
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
    offset: int = 0
    besides: int = 0
    taxes: tuple[Tax, ...] = ()
    automatic_tax: bool = False
    discounts: tuple[Discount, ...] = ()
    fees: tuple[Fee, ...] = ()
    extras: tuple[Line, ...] = ()
    change: Change | None = None
    cancel_on: date | None = None
    paused_on: date | None = None
    resume_on: date | None = None
    shifts: bool = False
    prorates: bool = False
    since_on: date | None = None
    shifted: int = 0
    settled_on: date | None = None
    short: bool = False
    foretold: int | None = None
    collection: Collection | None = None
    record_only: bool = False
    deleted_at: datetime | None = None
    schedule: tuple[Part, ...] = ()
    company: str | None = None
    papers: Papers | None = None
    unasked: int = 0
    version: int = 0

    @property
    def collects(self) -> Collection:
        """How its money is collected."""
        return self.collection or AUTOMATICALLY

    @property
    def sends(self) -> bool:
        """Whether its next invoice is sent, not charged: always, or as long as it waits for the method its first payment leaves."""
        if self.collection is None:
            return False
        way = self.collection.way
        first = way is CollectionMethod.CHARGE_AFTER_FIRST_INVOICE and self.method is None
        return first or way is CollectionMethod.SEND_INVOICE

    @property
    def billable(self) -> bool:
        """Whether a cycle is still to be billed, now or after a pause."""
        return self.ended_at is None and not self.record_only

    @property
    def ordinal(self) -> int:
        """The ordinal of the next invoice, 0 the first."""
        return self.cycle + self.besides

    @property
    def chargeable(self) -> bool:
        """Whether the schedule may ask for money: there is a method nobody refused, and it is neither unpaid nor canceled."""
        return self.asks(last=False)

    def asks(self, *, last: bool) -> bool:
        """Whether the schedule may ask for an invoice; of a canceled one for the `last`, issued as it ended, and no other."""
        stopped = self.status is Status.UNPAID or (self.status is Status.CANCELED and not last)
        return self.method is not None and not self.method.refused and not stopped

    @property
    def wake(self) -> Wake | None:
        """The next boundary, the end of the subscription or of a pause, or the reminder before it: what comes first."""
        if not self.billable:
            return Wake(self.ended_at, Topic.BILLING) if self.ended_at and self.leaves_charges else None
        ends_at = self.ends_at
        if self.paused_on is not None:
            stops = [at for at in (ends_at, self._at(self.resume_on)) if at is not None]
            return Wake(min(stops), Topic.BILLING) if stops else None
        at = self.next_at if ends_at is None else min(self.next_at, ends_at)
        reminder = self.reminder_at if self.reminded < self.cycle else None
        if reminder is not None and reminder < at:
            return Wake(reminder, Topic.REMINDERS)
        return Wake(at, Topic.BILLING)

    @property
    def leaves_charges(self) -> bool:
        """Whether its retries ended it while prorated charges waited for its next invoice: they are invoiced at once."""
        waiting = any(line.kind is Kind.PRORATION for line in self.extras)
        return waiting and self.status is Status.CANCELED and self.deleted_at is None

    def _at(self, on: date | None) -> datetime | None:
        """A local day's billing hour."""
        return None if on is None else periods.moment(on, self.hour, self.zone)

    @property
    def ends_at(self) -> datetime | None:
        """The instant of its cancellation, where one is planned."""
        if self.cancel_on is None and not self.cancel_at_period_end:
            return None
        return self._at(self.cancel_on or self.next_on)

    @property
    def ends_first(self) -> bool:
        """Whether its cancellation comes before its next cycle, or before its pause is over: nothing more is billed."""
        ends_at = self.ends_at
        if ends_at is None:
            return False
        if self.paused_on is None:
            return ends_at <= self.next_at
        resumes_at = self._at(self.resume_on)
        return resumes_at is None or ends_at <= resumes_at

    @property
    def next_at(self) -> datetime:
        """The instant of the next boundary: that local date at the billing hour."""
        return self.boundary_at(self.cycle)

    @property
    def reminder_at(self) -> datetime | None:
        """The notice of the next payment, unless it would fall on or before the boundary in front of it.

        So a plan whose period is no longer than the notice sends none: its receipt was just sent.
        """
        if self.reminder_days is None or self.at_its_end or self.ends_first:
            return None
        remind_on = self.next_on - timedelta(days=self.reminder_days)
        if remind_on <= (self.started_on or self.day(self.created_at)):
            return None
        return periods.moment(remind_on, self.hour, self.zone)

    @property
    def next_on(self) -> date:
        """The local date of the next boundary."""
        return periods.boundary(self.anchor_on, self.frequency, self.cycle + self.offset)

    @property
    def started_on(self) -> date | None:
        """The local date of the boundary in front of the next; None before the first cycle."""
        if not self.cycle:
            return None
        return self.since_on or periods.boundary(self.anchor_on, self.frequency, self.cycle + self.offset - 1)

    def day(self, at: datetime) -> date:
        """The local date of an instant."""
        return periods.local_date(at, self.zone)

    @property
    def at_its_end(self) -> bool:
        """Whether every payment of a fixed term has been billed: the next boundary only ends it."""
        return self.payments is not None and self.cycle >= self.payments

    def boundary_at(self, cycle: int) -> datetime:
        """The instant at which a cycle begins."""
        day = periods.boundary(self.anchor_on, self.frequency, cycle + self.offset)
        return periods.moment(day, self.hour, self.zone)

    def period(self, cycle: int) -> Period:
        """The local dates of a cycle, half-open."""
        return periods.period(self.anchor_on, self.frequency, cycle + self.offset)

    @property
    def ends_on(self) -> date | None:
        """The local date after which nothing more is billed, where that is known."""
        known = [self.cancel_on] if self.cancel_on else []
        if self.cancel_at_period_end:
            known.append(self.next_on)
        if self.payments is not None:
            known.append(periods.boundary(self.anchor_on, self.frequency, self.payments + self.offset))
        return min(known, default=None)

    def taking_effect(self) -> "Subscription":
        """The change that was saved for the next cycle is its own now; another frequency counts from there."""
        change = self.change
        if change is None:
            return self
        after = self.changed(change)
        if change.frequency in (None, self.frequency):
            return after
        return after.restarted(self.next_on, change.frequency)

    def changing(self, change: Change | None) -> "Subscription":
        """A change is saved for the next cycle, in place of one saved before; None drops that one."""
        return replace(self, change=change)

    def changed(self, change: Change) -> "Subscription":
        """Lines, taxes and discounts take the place of its own, and of those saved for the next cycle.

        The taxes of what is still to be billed once stay with it.
        """
        taxes = self.taxes if change.rates is None else change.rates
        known = {tax.id for tax in taxes}
        due = {id_ for line in self.extras for id_ in line.taxes} - known
        return replace(
            self,
            lines=self.lines if change.lines is None else change.lines,
            taxes=(*taxes, *(tax for tax in self.taxes if tax.id in due)),
            discounts=self.discounts if change.coupons is None else change.coupons,
            change=None,
        )

    def restarted(self, on: date, frequency: Frequency) -> "Subscription":
        """The next cycle begins on a local date, and the ones after it are counted from there at a frequency."""
        return replace(self, frequency=frequency, anchor_on=on, offset=-self.cycle)

    def charged_besides(self) -> "Subscription":
        """An invoice has been issued besides those of its cycles."""
        return replace(self, besides=self.besides + 1)

    def renewed(self) -> "Subscription":
        """The next cycle has been billed, and with it what is billed once."""
        status = Status.ACTIVE if self.status is Status.SCHEDULED else self.status
        short = self.cancel_on is not None and self.period(self.cycle).contains(self.cancel_on)
        after = replace(
            self,
            cycle=self.cycle + 1,
            status=status,
            since_on=None,
            shifted=0,
            settled_on=None,
            short=short,
            schedule=(),
        )
        return after.used_up(self.next_on) if self._once else after

    @property
    def _once(self) -> bool:
        return bool(self.extras or self.discounts or self.fees or self.taxes)

    def used_up(self, on: date) -> "Subscription":
        """An invoice whose period starts on a local date has taken what is there once."""
        return replace(
            self,
            extras=(),
            discounts=tuple(one for one in self.discounts if one.holds(on) and not one.once),
            fees=tuple(one for one in self.fees if not one.once),
            taxes=tuple(one for one in self.taxes if not one.once),
        )

    def reminded_of_next(self) -> "Subscription":
        """The customer has been told of the next payment, or it is too late to."""
        return replace(self, reminded=self.cycle)

    def failing(self, invoice: str, *, refused: str | None = None) -> "Subscription":
        """An invoice could not be collected; a hard decline (`refused`) closes the method it was tried on, and no other."""
        arrears = self.arrears if invoice in self.arrears else (*self.arrears, invoice)
        method = self.method
        if method is not None and method.id == refused:
            method = replace(method, refused=True)
        stays = (Status.UNPAID, Status.PAUSED, Status.CANCELED)
        status = self.status if self.status in stays else Status.PAST_DUE
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
        return replace(self, arrears=arrears, status=Status.PAUSED if self.paused_on else status)

    def charged_on(self, method: Method) -> "Subscription":
        """Another payment method takes the place of the one before; with it an unpaid subscription is charged again."""
        owing = Status.PAUSED if self.paused_on else Status.PAST_DUE
        return replace(self, method=method, status=owing if self.status is Status.UNPAID else self.status)

    def canceled(self, now: datetime) -> "Subscription":
        """Ended for good, before its term."""
        if self.status in ENDED:
            raise WrongState("subscription_ended", f"The subscription is {self.status} already.")
        return replace(self, status=Status.CANCELED, ended_at=self.ended_at or now)

    def expired(self, now: datetime) -> "Subscription":
        """The term is over; with arrears open the status waits until they are settled."""
        status = self.status if self.arrears else Status.EXPIRED
        return replace(self, status=status, ended_at=now)

    def rezoned(self, zone: str, hour: int) -> "Subscription":
        """The local dates stay, at another zone's billing hour."""
        return replace(self, zone=zone, hour=hour)
