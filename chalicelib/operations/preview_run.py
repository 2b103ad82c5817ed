"""Tell what a billing run would issue, by the code that will issue it, and how far that is from what was expected of it."""

import time
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from chalicelib.billing import billing_runs, forecast, periods
from chalicelib.billing.billing_runs import BillingRun
from chalicelib.billing.currencies import MINIMUM_CHARGE
from chalicelib.billing.errors import Invalid
from chalicelib.billing.forecast import Compared, Deviation, Expected, Failing, Held, Preview
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.money import Money
from chalicelib.billing.numbering import name_of
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account, Moment
from chalicelib.crm.companies import Company
from chalicelib.crm.contacts import Contact
from chalicelib.operations import renew, tax
from chalicelib.operations.rehearse import HappeningKind, Rehearsal
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Reading

# How much of an account one preview looks through; what is left is asked for with `after`.
MOST_SUBSCRIPTIONS = 5000
MOST_SECONDS = 15
DAYS_AHEAD = 366
PAGE = 100
# A subscription's last invoice of a cycle is looked for behind at most so many besides the cycles.
MOST_BESIDES = 5


def billing_run(
    service: Service,
    account: str,
    at: date | datetime,
    after: str | None = None,
    *,
    limit: int = MOST_SUBSCRIPTIONS,
) -> Preview:
    """What the run of a local day would issue, up to its end or to a moment of it, if every payment before it succeeds.

    Raises Invalid or Unavailable.
    """
    looking = _Looking(service, account, at)
    position, began = after, time.monotonic()
    while True:
        size = min(PAGE, limit - looking.looked_at)
        page = service.store.owned(f"{account}/subscription", limit=size, after=position)
        looking.through([one for one in page.records if isinstance(one, Subscription)])
        position = page.next
        late = time.monotonic() - began > MOST_SECONDS
        if position is None or late or looking.looked_at >= limit:
            return looking.preview(position)


class _Looking:
    """A walk over an account's subscriptions, and what it has found."""

    def __init__(self, service: Service, account: str, at: date | datetime) -> None:
        self.service, self.account = service, account
        self.real = service.real()
        self.business = service.store.get(Account, account, account)
        self.until_at = _moment(at, Moment(self.business, self.real))
        self.on = periods.local_date(self.until_at, self.business.zone)
        self.asked = tax.at_once(service)
        self.buyers: dict[str, Contact | Company] = {}
        self.stopped = parked(service, account)
        self.found: list[tuple[Expected, Deviation | None]] = []
        self.parked: list[str] = []
        self.failing: list[Failing] = []
        self.looked_at = 0

    def through(self, subscriptions: list[Subscription]) -> None:
        """Live a page's subscriptions up to the moment, and compare what is issued on the day."""
        self.looked_at += len(subscriptions)
        self.parked += [
            one.id for one in subscriptions if self._due(one) and keys.key_of(one) in self.stopped
        ]
        well = [one for one in subscriptions if keys.key_of(one) not in self.stopped]
        due = [one for one in well if self._due(one)]
        rehearsal = self._lived(due)
        issued = [
            one
            for one in rehearsal.invoices.values()
            if not one.besides and periods.local_date(one.issued_at, self.business.zone) == self.on
        ]
        billed = {one.subscription for one in issued}
        after = [rehearsal.reading.find(Subscription, self.account, one.id) or one for one in well]
        gone = [one for one in after if one.id not in billed and one.cycle and _ended(one, self.on)]
        ordinals = [
            *((one.subscription, _ordinal(one)) for one in issued),
            *((one.id, one.ordinal) for one in gone),
        ]
        before = self._before(rehearsal, ordinals)
        known = {one.id: one for one in due}
        for invoice in issued:
            self._compare(invoice, known[invoice.subscription], rehearsal, before)
        for one in gone:
            self._vanished(one, before.get(one.id))
        self.failing += [
            Failing(subject=one.subject, error=one.what)
            for one in rehearsal.happenings
            if one.kind is HappeningKind.PARKED
        ]

    def _due(self, subscription: Subscription) -> bool:
        return subscription.wake is not None and subscription.wake.at <= self.until_at

    def _lived(self, due: list[Subscription]) -> Rehearsal:
        """A rehearsal up to the moment: with what they owe already, for that may end a subscription before."""
        reading = Reading()
        reading.records = {keys.key_of(one): one for one in due}
        wanted = {key for one in due for key in renew.buyers(one)} - set(self.buyers)
        owed = {keys.key(Invoice, self.account, name) for one in due for name in one.arrears}
        if wanted or owed:
            reading.add(self.service.store.load(self.account, sorted(wanted | owed)))
        known = (key for one in due for key in renew.buyers(one))
        reading.records |= {key: self.buyers[key] for key in known if key in self.buyers}
        rehearsal = Rehearsal(reading, self.business, self.real, asked=self.asked)
        rehearsal.until(self.until_at)
        self.buyers |= {
            keys.key_of(one): one
            for one in rehearsal.reading.records.values()
            if isinstance(one, Contact | Company)
        }
        return rehearsal

    def _before(self, rehearsal: Rehearsal, wanted: Iterable[tuple[str, int]]) -> dict[str, Invoice]:
        """The last cycle's invoice before an ordinal, by subscription."""
        found: dict[str, Invoice] = {}
        todo = {id_: ordinal - 1 for id_, ordinal in wanted if ordinal}
        for _ in range(MOST_BESIDES):
            names = {id_: keys.key(Invoice, self.account, name_of(id_, n)) for id_, n in todo.items()}
            missing = [key for key in names.values() if key not in rehearsal.reading.records]
            if missing:
                rehearsal.reading.add(self.service.store.load(self.account, missing))
            for id_, key in names.items():
                one = rehearsal.reading.records.get(key)
                if isinstance(one, Invoice) and not one.besides:
                    found[id_] = one
            todo = {id_: n - 1 for id_, n in todo.items() if id_ not in found and n}
            if not todo:
                break
        return found

    def _compare(
        self, invoice: Invoice, known: Subscription, rehearsal: Rehearsal, before: dict[str, Invoice]
    ) -> None:
        previous = before.get(known.id)
        first = _ordinal(invoice) == known.ordinal
        foretold = known.foretold if first else None
        total = invoice.total
        away = forecast.deviation(total.amount, previous.total.amount if previous else None, foretold)
        same = away is not None and not away.by
        compared = Compared.NEW if previous is None else Compared.SAME if same else Compared.CHANGED
        subscription = rehearsal.reading.get(Subscription, self.account, known.id)
        expected = Expected(
            subscription=known.id,
            contact=known.contact,
            compared=compared,
            invoice=invoice.id,
            period_start_on=invoice.period_start_on,
            period_end_on=invoice.period_end_on,
            total=total,
            amount_due=invoice.amount_due,
            previous=previous.total if previous else None,
            foretold=None if foretold is None else Money(foretold, total.currency),
            deviation_permille=away.permille if away else None,
            held=_uncharged(subscription, invoice),
        )
        self.found.append((expected, away))

    def _vanished(self, subscription: Subscription, previous: Invoice | None) -> None:
        total = previous.total if previous else None
        away = forecast.deviation(0, total.amount if total else None)
        expected = Expected(
            subscription=subscription.id,
            contact=subscription.contact,
            compared=Compared.VANISHED,
            previous=total,
            foretold=None
            if subscription.foretold is None
            else Money(subscription.foretold, subscription.currency),
            deviation_permille=away.permille if away else None,
            held=_unbilled(subscription),
        )
        self.found.append((expected, away))

    def preview(self, rest: str | None) -> Preview:
        """All that was found, outliers first; equal ones vanished, changed and new before the same."""
        order = [Compared.VANISHED, Compared.CHANGED, Compared.NEW, Compared.SAME]
        self.found.sort(
            key=lambda one: (
                -(one[1].share if one[1] else 0),
                order.index(one[0].compared),
                one[0].subscription,
            )
        )
        expected = tuple(one for one, _ in self.found)
        runs = self.service.store.owned(
            f"{self.account}/billing_run", limit=1, after=billing_runs.name_of(self.on)
        ).records
        return Preview(
            on=self.on,
            until_at=self.until_at,
            looked_at=self.looked_at,
            issued=sum(one.total is not None for one in expected),
            totals=_sum(one.total for one in expected),
            amounts_due=_sum(one.amount_due for one in expected if one.held is None),
            previous_totals=_sum(one.previous for one in expected),
            last_run=next((one for one in runs if isinstance(one, BillingRun)), None),
            expected=expected,
            parked=tuple(self.parked),
            failing=tuple(self.failing),
            complete=rest is None,
            next=rest,
        )


def _moment(at: date | datetime, now: Moment) -> datetime:
    """A moment, or the end of a local day. Raises Invalid."""
    last = now.now + timedelta(days=DAYS_AHEAD)
    if not isinstance(at, datetime):
        at = min(at, last.date() + timedelta(days=1))
        at = periods.moment(at + timedelta(days=1), 0, now.account.zone) - timedelta(milliseconds=1)
    if at < now.now:
        detail = f"The account's time is {now.now:%Y-%m-%dT%H:%M:%SZ}; look ahead from there."
        raise Invalid("run_in_the_past", detail, "at")
    if at > last:
        raise Invalid("run_too_far", f"Choose a day up to {last:%Y-%m-%d}.", "at")
    return at


def parked(service: Service, account: str) -> set[str]:
    """The keys of all that is parked."""
    found: set[str] = set()
    after = None
    while True:
        rows, after = service.store.schedules.parked(account, limit=PAGE, after=after)
        found |= {row.key for row in rows}
        if after is None:
            return found


def _ordinal(invoice: Invoice) -> int:
    return int(invoice.id.rpartition("_")[2]) - 1


def _uncharged(subscription: Subscription, invoice: Invoice) -> Held | None:
    """Why nothing would be asked for an invoice that owes something."""
    if not invoice.amount_due:
        return None
    if invoice.due_on is not None:
        return Held.SENT
    if subscription.status is Status.UNPAID:
        return Held.UNPAID
    if subscription.method is None:
        return Held.NO_METHOD
    if subscription.method.refused:
        return Held.METHOD_REFUSED
    least = MINIMUM_CHARGE.get(invoice.currency, 0)
    return Held.BELOW_MINIMUM if invoice.amount_due.amount < least else None


def _ended(subscription: Subscription, on: date) -> bool:
    """Whether its last period ends on a day, and no other follows."""
    return subscription.next_on == on and _unbilled(subscription) is not None


def _unbilled(subscription: Subscription) -> Held | None:
    if subscription.status is Status.CANCELED:
        return Held.CANCELED
    if subscription.ended_at is not None:
        return Held.EXPIRED
    return Held.PAUSED if subscription.paused_on is not None else None


def _sum(amounts: Iterable[Money | None]) -> tuple[Money, ...]:
    totals: tuple[Money, ...] = ()
    for amount in amounts:
        if amount is not None:
            totals = billing_runs.added(totals, amount)
    return totals
