"""Live an account's days ahead in memory: the very decisions of the real run, on changesets that are never committed.

Each decision is folded into the reading of the next as if it had been written, so that names and versions are as they
will be. The gateway takes no money: it says yes, or what is assumed. Only leases and reconciliation have no part in it,
for every answer comes at once.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from heapq import heappop, heappush

from chalicelib.billing import dunning
from chalicelib.billing.currencies import MINIMUM_CHARGE
from chalicelib.billing.deliveries import Delivery
from chalicelib.billing.dunning import RetryPolicy
from chalicelib.billing.errors import PerennialError
from chalicelib.billing.events import Event
from chalicelib.billing.gateway import (
    AtCheckout,
    Canceled,
    Declined,
    Outcome,
    Page,
    SavedMethod,
    Succeeded,
    Unavailable,
)
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.payments import Payment, PaymentStatus
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.wake import ACCOUNT_TOPICS
from chalicelib.crm.accounts import Account, Moment, TestClock
from chalicelib.crm.contacts import Contact
from chalicelib.operations import collect, keep, outcomes, publish, renew, tax
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, Reading
from chalicelib.store.keys import Record

# Real workers commit in groups of about this many; one decision sees what the ones before it in its group left.
GROUP = 32
ASSUMED = SavedMethod(id="assumed", customer="assumed", type="card", label="the method it is paid with")
Deed = Callable[[Changeset, Moment], Iterable[Payment]]


class HappeningKind(StrEnum):
    """What sort of thing happens; `parked` is an error of the record's own, `refused` what was assumed but cannot be done."""

    EVENT = "event"
    STATUS = "status"
    LETTER = "letter"
    ASSUMED = "assumed"
    REFUSED = "refused"
    PARKED = "parked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """`what` is an event's type, a subscription's new status, a kind of letter, or the sentence of an error.

    `at` is on the account's clock; `subject` the record it is about; `to` who is written to.
    """

    at: datetime
    kind: HappeningKind
    what: str
    subject: str
    about: dict[str, str] = field(default_factory=dict)
    to: str | None = None


@dataclass(slots=True, kw_only=True)
class Declines:
    """The next `left` charges from a local date on are declined with a code of Stripe's."""

    on: date
    code: str
    left: int


class Rehearsal:
    """An account's records as read, and what becomes of them as its clock goes on from `now`.

    What is awake among `reading` takes part, on the account's clock; all that is needed beside it (account, contacts,
    series) is in it too. `asked` answers for automatic taxes. `invoices` and `payments` are those that
    come, as they are then; what becomes of them is in `reading`.
    """

    def __init__(
        self,
        reading: Reading,
        account: Account,
        real: datetime,
        *,
        asked: tax.Asked = tax.unanswered,
    ) -> None:
        self.reading, self.account, self.asked = reading, account, asked
        self.happenings: list[Happening] = []
        self.invoices: dict[str, Invoice] = {}
        self.payments: dict[str, Payment] = {}
        self.declines: list[Declines] = []
        self.lines = 0
        self._deeds: list[tuple[datetime, int, str, Deed]] = []
        self._awake: dict[str, datetime] = {}
        self._queue: list[tuple[datetime, str]] = []
        self._set_clock(account.now(real))
        for key, record in reading.records.items():
            self._wait(key, record)

    @property
    def now(self) -> datetime:
        """Where the account's clock stands in it."""
        return self.at.now

    def assume(self, at: datetime, what: str, deed: Deed) -> None:
        """Somebody does something at a moment, before anything else that is due then."""
        heappush(self._deeds, (at, len(self._deeds), what, deed))

    def retry_by(self, policy: RetryPolicy) -> None:
        """What fails from now on is asked for again by another policy."""
        self.account = replace(self.account, retries=policy)
        self._set_clock(self.now)

    def do(self, deed: Deed, what: str = "") -> None:
        """Somebody does something now."""
        asked: list[Payment] = []
        if what:
            self._note(HappeningKind.ASSUMED, what, "")
        self._fold([""], lambda changes, _: asked.extend(deed(changes, self.at)), HappeningKind.REFUSED)
        self._answer(keys.key_of(payment) for payment in asked)

    def until(self, at: datetime, enough: Callable[[], bool] = lambda: False) -> None:
        """Go on to a moment, with all that is due up to it and at it, or until it is `enough`."""
        self._answer(key for key, record in list(self.reading.records.items()) if isinstance(record, Payment))
        while not enough():
            moment = self._next()
            if moment is None or moment > at:
                return
            if moment > self.now:
                self._set_clock(moment)
            self._work()

    def _work(self) -> None:
        """What is due now: first what people do, then subscriptions, then invoices, as the real run has it."""
        while self._deeds and self._deeds[0][0] <= self.now:
            _, _, what, deed = heappop(self._deeds)
            self.do(deed, what)
        due = list(self._due())
        self._fold([key for key in due if keys.kind_of(key).type is Subscription], self._renew)
        self._collect([key for key in due if keys.kind_of(key).type is Invoice])

    # -- the decisions of the real run ----------------------------------------------------------

    def _renew(self, changes: Changeset, name: str) -> None:
        subscription = changes.at(name)
        if isinstance(subscription, Subscription) and self.at.awake(subscription.wake):
            renew.step(changes, subscription, self.at, self.asked)

    def _collect(self, names: list[str]) -> None:
        asked: list[str] = []

        def decide(changes: Changeset, name: str) -> None:
            invoice = changes.at(name)
            if isinstance(invoice, Invoice) and self.at.awake(invoice.wake):
                payment = collect.decided(changes, invoice, self.at)
                asked.extend([keys.key_of(payment)] if payment else [])

        self._fold(names, decide)
        self._answer(asked)

    def _answer(self, payments: Iterable[str]) -> None:
        """What the gateway says of payments that are open, written down as any answer is."""

        def decide(changes: Changeset, name: str) -> None:
            payment = changes.at(name)
            if isinstance(payment, Payment) and payment.open:
                outcome = self._outcome(payment)
                told = payment.told(outcome, self.at.now, self.at.real)
                told = replace(told, look_at=None) if told.fee_awaited else told  # its fee is not looked for
                outcomes.written(changes, payment, told, self.at)
                if isinstance(outcome, Succeeded) and outcome.method:
                    keep.of_payment(changes, payment, outcome.method, self.at)

        names = list(payments)
        self._fold(names, decide)
        self._fold([name for name in names if self._on_page(self.reading.records.get(name))], decide)

    def _outcome(self, payment: Payment) -> Outcome:
        if payment.request and payment.request.page:
            return self._of_page(payment, payment.request.page)
        reference = payment.reference or "assumed"
        if payment.amount.amount < MINIMUM_CHARGE.get(payment.amount.currency, 0):
            return Declined(code="amount_too_small", hard=False)
        for decline in self.declines:
            if decline.left and decline.on <= self.at.day:
                decline.left -= 1
                final = dunning.is_hard(decline.code)
                return Declined(code=decline.code, hard=final, reference=reference)
        return Succeeded(reference=reference)

    def _on_page(self, record: Record | None) -> bool:
        """Whether it is an open payment on a page."""
        return isinstance(record, Payment) and record.status is PaymentStatus.CHECKOUT

    def _of_page(self, payment: Payment, page: Page) -> Outcome:
        """Opened and paid at once where that is assumed; a page that was open before is left by its buyer."""
        if payment.status is PaymentStatus.PENDING:
            return AtCheckout(session=ASSUMED.id, url="", expires_at=self.at.real)
        if payment.session != ASSUMED.id:
            return Canceled(reference=payment.reference or "")
        return Succeeded(reference=ASSUMED.id, method=ASSUMED if page.save_method else None)

    def _tell(self, events: list[str]) -> None:
        def decide(changes: Changeset, name: str) -> None:
            event = changes.at(name)
            if isinstance(event, Event):
                publish.told(changes, event, self.at.real)

        self._fold(events, decide)

    # -- as if it were written --------------------------------------------------------------------

    def _fold(
        self,
        names: list[str],
        decide: Callable[[Changeset, str], None],
        trouble: HappeningKind = HappeningKind.PARKED,
    ) -> None:
        """Decide each named record and take what that leaves as written; one that fails is set apart, as a worker does."""
        for start in range(0, len(names), GROUP):
            changes = Changeset(self.account.id, self.reading)
            for name in names[start : start + GROUP]:
                before = dict(changes.changed)
                try:
                    decide(changes, name)
                except Unavailable:
                    raise
                except PerennialError as error:
                    changes.changed = before
                    self._awake.pop(name, None)
                    self._note(trouble, error.detail, name.rpartition("/")[2])
            self._written(changes)

    def _written(self, changes: Changeset) -> None:
        if not changes.changed:
            return
        written = changes.rehearsed()
        for key, record in written.records.items():
            self._seen(self.reading.records.get(key), record)
        self.reading.add(written)
        for key, record in written.records.items():
            self._wait(key, record)
        told = [key for key, one in written.records.items() if isinstance(one, Event) and one.fan_out_at]
        if told:
            self._tell(told)

    def _seen(self, before: Record | None, after: Record) -> None:
        """Note what a record's new version tells."""
        match after:
            case Event() if before is None:
                self._note(HappeningKind.EVENT, after.type, after.subject, after.about)
            case Delivery() if before is None:
                to = self.reading.get(Contact, after.account, after.contact).email
                self._note(HappeningKind.LETTER, after.letter, after.id, after.about, to)
            case Subscription() if isinstance(before, Subscription) and after.status != before.status:
                self._note(HappeningKind.STATUS, after.status, after.id)
            case Invoice() if before is None:
                self.invoices[keys.key_of(after)] = after
                self.lines += len(after.lines)
            case Payment() if before is None:
                self.payments[keys.key_of(after)] = after
            case _:
                pass

    def _note(
        self,
        kind: HappeningKind,
        what: str,
        subject: str,
        about: dict[str, str] | None = None,
        to: str | None = None,
    ) -> None:
        happening = Happening(
            at=self.now, kind=kind, what=str(what), subject=subject, about=about or {}, to=to
        )
        self.happenings.append(happening)

    # -- the clock --------------------------------------------------------------------------------

    def _set_clock(self, now: datetime) -> None:
        """Both clocks stand at the moment: what is sent is sent then, and answered then."""
        account = self.account
        if account.clock is not None:
            account = replace(account, clock=TestClock(now_at=now))
        self.reading.records[keys.key_of(account)] = account
        self.at = Moment(account, now)

    def _wait(self, key: str, record: Record) -> None:
        if not isinstance(record, Subscription | Invoice):
            return
        wake = record.wake
        if wake is None or wake.topic not in ACCOUNT_TOPICS:
            self._awake.pop(key, None)
        elif self._awake.get(key) != wake.at:
            self._awake[key] = wake.at
            heappush(self._queue, (wake.at, key))

    def _next(self) -> datetime | None:
        while self._queue and self._awake.get(self._queue[0][1]) != self._queue[0][0]:
            heappop(self._queue)
        moments = [heap[0][0] for heap in (self._queue, self._deeds) if heap]
        return min(moments, default=None)

    def _due(self) -> Iterator[str]:
        """The keys of what is awake now, in order; each waits anew with its next version."""
        while self._queue and self._queue[0][0] <= self.now:
            at, key = heappop(self._queue)
            if self._awake.get(key) == at:
                del self._awake[key]
                yield key
