"""Through changes, pauses and moved dates each day a customer uses is charged once, at the prices of that day.

The reckoning knows nothing of shares, credits and extras: a period is so many days paid for, used up one a day.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from chalicelib.billing import gaps, laws, lines
from chalicelib.billing.collection import Method
from chalicelib.billing.credits import CreditNote
from chalicelib.billing.edits import Edit, Wanted
from chalicelib.billing.events import Event, EventType
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.laws import Kept
from chalicelib.billing.lines import Line
from chalicelib.billing.orders import Wish
from chalicelib.billing.payments import Payment
from chalicelib.billing.periods import Frequency
from chalicelib.billing.proration import Proration
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account, Moment
from chalicelib.crm.contacts import Contact
from chalicelib.operations import act, cancel, change
from chalicelib.operations.rehearse import HappeningKind, Rehearsal
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, Reading

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
VISA = Method(id="pm_visa", customer="cus_1", label="Visa")
HOW = st.sampled_from(Proration)
DEEDS = st.one_of(
    st.tuples(st.just("quantity"), st.integers(1, 5), HOW),
    st.tuples(st.just("more"), st.integers(300, 9000), HOW),
    st.tuples(st.just("less"), st.just(0), HOW),
    st.tuples(st.just("frequency"), st.just(0), st.just(Proration.INVOICE_NOW)),
    st.tuples(st.just("pause"), st.integers(0, 2), HOW),
    st.tuples(st.just("resume"), st.just(0), HOW),
    st.tuples(st.just("move"), st.integers(-9, 12), HOW),
)
STEPS = st.lists(st.tuples(st.integers(0, 5), st.booleans(), DEEDS), min_size=4, max_size=25)
NOW = Proration.INVOICE_NOW
BEGUN_ANEW_AND_LEFT_OUT = [
    (3, True, ("frequency", 0, NOW)),
    (0, True, ("pause", 0, NOW)),
    (5, False, ("resume", 0, NOW)),
    (0, False, ("more", 5000, NOW)),
    (1, False, ("resume", 0, NOW)),
]
"""The period that would have begun is left out by a pause: days whose charge was given back are not charged by the change."""


class Life:
    """One subscription, billed at six; people act at three or at noon, and the day counts as what it is at its end."""

    def __init__(self, price: int, frequency: Frequency) -> None:
        account = Account(
            account="acct_1", id="acct_1", name="Roaster", email="r@example.com", currency="usd", zone="UTC",
            livemode=False, created_at=NOON, billing_hour=6,
        )  # fmt: skip
        buyer = Contact(account="acct_1", id="con_1", name="Ada", email="a@example.com", created_at=NOON)
        sold = Subscription(
            account="acct_1", id="sub_1", contact="con_1", currency="usd", frequency=frequency,
            lines=(Line(id="li_1", name="Coffee", unit_amount=Decimal(price)),), anchor_on=NOON.date(), zone="UTC",
            hour=6, status=Status.SCHEDULED, created_at=NOON, method=VISA,
        )  # fmt: skip
        reading = Reading()
        reading.records |= {keys.key_of(one): one for one in (account, buyer, sold)}
        self.run = Rehearsal(reading, account, NOON)
        self.used, self.paid, self.days, self.shifts = Fraction(0), 0, 1, False
        self.today, self.cycle, self.price = NOON.date(), 0, Fraction(0)
        self.works(12)

    @property
    def now(self) -> Subscription:
        return self.run.reading.get(Subscription, "acct_1", "sub_1")

    def every(self, type_: type[Any]) -> list[Any]:
        return [one for one in self.run.reading.records.values() if isinstance(one, type_)]

    def works(self, hour: int) -> None:
        """The schedule works up to an hour of today; with a cycle billed, its days are paid for."""
        at = datetime(self.today.year, self.today.month, self.today.day, hour, tzinfo=UTC)
        if at >= self.run.now:
            self.run.assume(at, "nothing", lambda *_: ())
            self.run.until(at)
        self.billed()

    def billed(self) -> None:
        if self.now.cycle == self.cycle:
            return
        self.cycle = self.now.cycle
        (invoice,) = (one for one in self.every(Invoice) if one.cycle == self.cycle - 1 and not one.besides)
        self.paid = self.days = (invoice.period_end_on - invoice.period_start_on).days

    def ends_the_day(self) -> None:
        self.price = sum(
            (Fraction(one.unit_amount) * Fraction(one.quantity) for one in self.now.lines), Fraction(0)
        )
        if self.paid and not (self.now.paused_on and self.shifts):
            self.used, self.paid = self.used + self.price / self.days, self.paid - 1
        self.today += DAY

    def does(self, deed: Callable[[Changeset, Moment], Any]) -> bool:
        """Whether it was not refused."""
        before = len(self.run.happenings)
        self.run.do(lambda changes, at: (deed(changes, at) and ()) or ())
        self.run.until(self.run.now)
        self.billed()
        return all(one.kind is not HappeningKind.REFUSED for one in self.run.happenings[before:])

    def person(self, what: str, number: int, how: Proration) -> None:
        if what in ("pause", "resume", "move"):
            self._calendar(what, number)
            return
        wanted = self._wanted(what, number, how)
        days_back = self.paid
        if what == "frequency":
            self.paid = 0
        if (
            not self.does(lambda changes, at: change.folded(changes, "sub_1", wanted, at, self.run.asked))
            and what == "frequency"
        ):
            self.paid = days_back

    def _wanted(self, what: str, number: int, how: Proration) -> Wanted:
        there = self.now.lines
        if what == "quantity":
            return Wanted(quantities={there[-1].id: Decimal(number)}, proration=how, force=True)
        if what == "frequency":
            other = Frequency.WEEKLY if self.now.frequency is Frequency.MONTHLY else Frequency.MONTHLY
            return Wanted(frequency=other, proration=how, force=True)
        kept: list[Edit | Wish] = [Edit(id=one.id) for one in there]
        if what == "more":
            kept.append(Wish(line=Line(id="", name="Tea", unit_amount=Decimal(number))))
        return Wanted(
            lines=tuple(kept[1:] if what == "less" and len(kept) > 1 else kept), proration=how, force=True
        )

    def _calendar(self, what: str, number: int) -> None:
        """A date is never earlier than what is paid for: that gives nothing back, by a decision of its own."""
        before, shifts = self.now, number > 0
        if what == "pause" and before.paused_on is None:
            done = self._acts(
                EventType.SUBSCRIPTION_PAUSED, lambda it, now: gaps.paused(it, now, shifts=shifts)
            )
            self.shifts = shifts if done else self.shifts
        elif what == "resume":
            self._acts(
                EventType.SUBSCRIPTION_RESUMED,
                lambda it, now: gaps.resumed(it, it.day(now), shifts=self.shifts),
            )
        elif what == "move":
            on = max(before.next_on + number * DAY, self.today + self.paid * DAY)
            self._acts(EventType.SUBSCRIPTION_CHANGED, lambda it, now: gaps.moved(it, now, on, force=True))

    def _acts(self, type_: EventType, decide: Callable[[Subscription, datetime], Subscription]) -> bool:
        return self.does(
            lambda changes, at: act.folded(
                changes, changes.get(Subscription, "sub_1"), type_, lambda it, at: decide(it, at.now), at
            )
        )

    @property
    def charged(self) -> int:
        """All that was invoiced or waits to be, less what was given back."""
        waits = sum(lines.minor(one) for one in self.now.extras)
        back = sum(one.total.amount for one in self.every(CreditNote))
        return sum(one.total.amount for one in self.every(Invoice)) + waits - back

    @property
    def roundings(self) -> int:
        charged = [*self.every(Invoice), *self.every(CreditNote)]
        return sum(len(one.lines) for one in charged) + len(self.now.extras)


@example(3100, Frequency.MONTHLY, BEGUN_ANEW_AND_LEFT_OUT)
@settings(max_examples=300, deadline=None)
@given(st.integers(300, 9000), st.sampled_from([Frequency.MONTHLY, Frequency.WEEKLY]), STEPS)
def test_each_day_used_is_charged_once_at_its_price(
    price: int, frequency: Frequency, steps: list[tuple[int, bool, Any]]
):
    """Whatever people do, what is charged less what is given back is the days used, half a cent a rounding; the books agree."""
    life = Life(price, frequency)
    for days, early, deed in steps:
        for _ in range(days):
            life.works(12)
            life.ends_the_day()
            life.works(3)
        if not early:
            life.works(12)
        life.person(*deed)
    life.works(12)
    life.does(
        lambda changes, at: cancel.folded_with_credit(
            changes, changes.get(Subscription, "sub_1"), at, life.run.asked
        )
    )
    assert life.now.status is Status.CANCELED
    assert abs(life.charged - life.used) <= Fraction(life.roundings + 1, 2)
    balances = life.run.reading.get(Contact, "acct_1", "con_1").balances
    kept = Kept(
        events=life.every(Event), invoices=life.every(Invoice), payments=life.every(Payment),
        notes=life.every(CreditNote), balances=balances,
    )  # fmt: skip
    assert laws.broken(kept) == []
