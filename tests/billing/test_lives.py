"""Through any life of a subscription its dates are those a simple reckoning expects, and none is billed twice or left out."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chalicelib.billing import boundaries, gaps, periods
from chalicelib.billing.collection import Method
from chalicelib.billing.errors import Invalid, WrongState
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.lines import Kind, Line
from chalicelib.billing.periods import Frequency
from chalicelib.billing.statuses import ENDED, Status
from chalicelib.billing.subscriptions import Change, Subscription
from chalicelib.crm.accounts import Account, Moment
from chalicelib.crm.contacts import Contact
from chalicelib.operations import renew
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, Reading
from tests.billing import calendar_oracle as oracle

DAY = timedelta(days=1)
VISA = Method(id="pm_visa", customer="cus_1", label="Visa •••• 4242")
ZONES = [
    "UTC",
    "America/Los_Angeles",
    "Pacific/Kiritimati",
    "Pacific/Apia",
    "Australia/Lord_Howe",
    "Asia/Gaza",
]
FIRST = 2005
MONTHS = oracle.by_day_of_month(FIRST, 2400)
RECURRING = [frequency for frequency in Frequency if frequency.recurring]
often = st.sampled_from([Frequency.WEEKLY, Frequency.BIWEEKLY, Frequency.MONTHLY, Frequency.MONTHLY])
zones, hours = st.sampled_from(ZONES), st.integers(0, 23)


class Reckoning:
    """What a customer expects: a date to count from, how many intervals on the next is, and how long each is."""

    def __init__(self, start: date, frequency: Frequency) -> None:
        self.anchor, self.steps, self.frequency = start, 0, frequency

    @property
    def due_on(self) -> date:
        if self.frequency.days:
            return self.anchor + self.steps * self.frequency.days * DAY
        month = (self.anchor.year - FIRST) * 12 + self.anchor.month - 1
        return MONTHS[self.anchor.day][month + self.steps * self.frequency.months]

    def begins_again(self, on: date) -> None:
        if on != self.due_on:
            self.anchor, self.steps = on, 0

    def leaves_out_before(self, today: date) -> int:
        before = self.steps
        while self.due_on < today:
            self.steps += 1
        return self.steps - before


class Life(RuleBasedStateMachine):
    """Whoever owns it, buys it or works the schedule does what they may, in any order, and late."""

    @initialize(
        created_at=st.datetimes(datetime(2010, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds
        zone=zones,
        hour=hours,
        frequency=often | st.sampled_from(RECURRING),
        ahead=st.just(0) | st.integers(0, 60),
        payments=st.none() | st.integers(1, 8),
        reminder_days=st.none() | st.integers(1, 40),
    )
    def sold(self, *, created_at, zone, hour, frequency, ahead, payments, reminder_days):
        self.now = created_at
        self.account = Account(
            account="acct_1", id="acct_1", name="Roaster", email="r@example.com", currency="usd", zone=zone, livemode=False,
            created_at=created_at, billing_hour=hour,
        )  # fmt: skip
        anchor = periods.local_date(created_at, zone) + ahead * DAY
        self.it = Subscription(
            account="acct_1", id="sub_1", contact="con_1", currency="usd", frequency=frequency,
            lines=(Line(id="li_1", name="Coffee", unit_amount=Decimal(3100)),), anchor_on=anchor, zone=zone, hour=hour,
            status=Status.SCHEDULED, created_at=created_at, reminder_days=reminder_days, payments=payments, method=VISA,
        )  # fmt: skip
        self.reckoning = Reckoning(anchor, frequency)
        self.invoices: list[Invoice] = []
        self.besides: list[Invoice] = []
        self.told: list[tuple[int, date]] = []
        self.pause_began_on: date | None = None
        self.overlaps_wished = False

    # -- the schedule ----------------------------------------------------------------------------

    @rule(
        passes=st.timedeltas(timedelta(), timedelta(days=40))
        | st.timedeltas(timedelta(), timedelta(days=400))
    )
    def time_passes(self, passes):
        self.now += passes

    @rule(passes=st.timedeltas(timedelta(), timedelta(days=70)))
    def time_passes_and_the_schedule_works(self, passes):
        self.now += passes
        self._works()

    @rule()
    def the_schedule_works(self):
        self._works()

    def _works(self):
        for _ in range(1000):
            wake = self.it.wake
            if wake is None or wake.at > self.now:
                return
            self._step()
        raise AssertionError("it spins")

    def _step(self) -> None:
        before, contact = self.it, self._contact()
        reading = Reading()
        reading.records |= {keys.key_of(contact): contact, keys.key_of(before): before}
        changes = Changeset("acct_1", reading)
        renew.step(changes, before, Moment(self.account, self.now))
        after = changes.get(Subscription, "sub_1")
        assert after != before
        self.it = replace(after, version=after.version + 1)
        issued = [record for record in changes.changed.values() if isinstance(record, Invoice)]
        self.besides += [one for one in issued if one.besides]
        assert not after.extras or after.billable, "what waited for an invoice was forgotten"
        if issued and not issued[0].besides:
            self._billed(before, *issued)
        elif before.paused_on is not None and after.billable:
            self._resumed(before.resume_on, before.shifts)
        elif after.status is Status.CANCELED:
            assert self.now >= periods.moment(before.ends_on, before.hour, before.zone)
            assert before.paused_on is not None or self.reckoning.due_on >= before.ends_on, (
                "a date was left out"
            )
        elif not after.billable:
            assert len(self.invoices) == before.payments
            assert self.now >= before.next_at
        else:
            assert self.now < before.next_at, "told of what is past"
            assert (before.cycle, before.next_on) not in self.told, "told twice"
            self.told.append((before.cycle, before.next_on))

    def _contact(self) -> Contact:
        return Contact(account="acct_1", id="con_1", name="Ada", email="a@example.com", created_at=self.now)

    def _billed(self, before: Subscription, invoice: Invoice) -> None:
        assert invoice.cycle == len(self.invoices)
        assert before.payments is None or invoice.cycle < before.payments
        assert invoice.period_start_on == self.reckoning.due_on
        assert self.now >= periods.moment(self.reckoning.due_on, before.hour, before.zone)
        assert not self.invoices or self.invoices[-1].period_start_on < invoice.period_start_on
        assert before.cancel_on is None or invoice.period_end_on <= before.cancel_on or not before.short
        self.invoices.append(invoice)
        if before.change is not None and before.change.frequency not in (None, self.reckoning.frequency):
            self.reckoning = Reckoning(self.reckoning.due_on, before.change.frequency)
        self.reckoning.steps += 1

    # -- what people do --------------------------------------------------------------------------

    @precondition(lambda self: self.it.billable and self.it.paused_on is None)
    @rule(after=st.none() | st.integers(0, 200), shifts=st.booleans(), prorates=st.booleans())
    def paused(self, after, shifts, prorates):
        resume_on = None if after is None else self._today + after * DAY
        if self._does(lambda it: gaps.paused(it, self.now, resume_on, shifts=shifts, prorates=prorates)):
            self.pause_began_on = self._today

    @precondition(lambda self: self.it.paused_on is not None)
    @rule(shifts=st.booleans(), prorates=st.booleans())
    def resumed(self, shifts, prorates):
        if self._does(lambda it: gaps.resumed(it, self._today, shifts=shifts, prorates=prorates)):
            self._resumed(self._today, shifts)

    def _resumed(self, on: date, shifts: bool) -> None:
        assert self.pause_began_on is not None
        if shifts:
            self.overlaps_wished = True
            self.reckoning.begins_again(self.reckoning.due_on + (on - self.pause_began_on))
        elif self.it.payments is None or len(self.invoices) < self.it.payments:
            self.reckoning.leaves_out_before(on)
        self.pause_began_on = None

    @precondition(lambda self: self.it.billable and self.it.paused_on is None)
    @rule(days=st.integers(-40, 60), prorates=st.booleans())
    def moved(self, days, prorates):
        before, on = self.it.next_on, self.it.next_on + days * DAY
        if self._does(lambda it: gaps.moved(it, self.now, on, prorates=prorates, force=True)):
            assert on >= self._today or on == before
            self.overlaps_wished |= days < 0
            self.reckoning.begins_again(on)

    @precondition(lambda self: self.it.billable and self.it.ends_at is None and len(self.invoices) > 1)
    @rule(days=st.none() | st.integers(0, 150))
    def to_be_canceled(self, days):
        on = None if days is None else self._today + days * DAY
        self._does(lambda it: boundaries.canceling(it, on, today=self._today))

    @precondition(lambda self: self.it.ends_at is not None)
    @rule()
    def reactivated(self):
        self._does(gaps.reactivated)

    @rule(frequency=often)
    def saved_another_frequency(self, frequency):
        if self.it.billable:
            self.it = replace(self.it, change=Change(frequency=frequency))

    @precondition(lambda self: self.it.billable)
    @rule(zone=zones, hour=hours)
    def the_account_moved(self, zone, hour):
        self.account = self.account.rezoned(zone, hour, self.now)
        self.it = self.it.rezoned(zone, hour)

    @precondition(lambda self: self.invoices and not self.it.arrears)
    @rule(hard=st.booleans(), at_end=st.sampled_from(["", "unpaid", "past_due"]))
    def an_invoice_is_declined(self, hard, at_end):
        method = self.it.method
        self.it = self.it.failing(self.invoices[-1].id, refused=method.id if hard and method else None)
        if at_end:
            self.it = self.it.given_up(at_end, self.now)

    @precondition(lambda self: self.it.arrears)
    @rule(another=st.booleans())
    def arrears_are_paid(self, another):
        if another:
            self.it = self.it.charged_on(VISA)
        for name in self.it.arrears:
            self.it = self.it.settled(name)

    @property
    def _today(self) -> date:
        return self.it.day(self.now)

    def _does(self, act) -> bool:
        """Whether it was not refused; what is refused says in a sentence why."""
        try:
            self.it = act(self.it)
        except (Invalid, WrongState) as refused:
            return not refused.detail.endswith(".")
        return True

    # -- what always holds -----------------------------------------------------------------------

    @invariant()
    def its_next_date_is_the_one_expected(self):
        if self.it.billable:
            assert self.it.next_on == self.reckoning.due_on
            assert self.it.cycle == len(self.invoices)

    @invariant()
    def it_waits_for_one_moment_while_it_is_billable(self):
        wakes = self.it.wake is not None
        if not self.it.billable:
            assert not wakes
        elif self.it.paused_on is None:
            assert wakes
            assert self.it.wake.at <= self.it.next_at
        else:
            assert wakes == (self.it.resume_on is not None or self.it.ends_at is not None)

    @invariant()
    def a_notice_lies_between_its_boundaries(self):
        notice = self.it.reminder_at
        if notice is not None and self.it.billable:
            assert notice < self.it.next_at
            assert not self.invoices or self.it.day(notice) > self.invoices[-1].period_start_on

    @invariant()
    def its_status_tells_of_its_pause(self):
        if self.it.paused_on is not None and self.it.billable:
            assert self.it.status in (Status.PAUSED, Status.UNPAID)
        else:
            assert self.it.status is not Status.PAUSED
        assert not (self.it.billable and self.it.status in ENDED)

    @invariant()
    def what_waits_for_the_next_invoice_ends_where_that_begins(self):
        for line in self.it.extras:
            assert line.share is not None
            assert 0 < line.share.days <= line.share.of_days
            assert line.share.end_on <= self.it.next_on

    @invariant()
    def no_day_is_charged_twice(self):
        if self.overlaps_wished:
            return
        spans = [(one.period_start_on, one.period_end_on) for one in self.invoices]
        parts = [
            line
            for one in (*self.invoices, *self.besides)
            for line in one.lines
            if line.kind is Kind.PRORATION
        ]
        spans += [(line.share.start_on, line.share.end_on) for line in (*parts, *self.it.extras)]
        spans.sort()
        assert all(end <= start for (_, end), (start, _) in pairwise(spans)), spans


Life.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestLife = Life.TestCase


def lived(*, payments: int | None = None) -> Life:
    """A monthly plan of UTC, sold and billed on 1 January 2026; it is the 2nd."""
    life = Life()
    life.sold(
        created_at=datetime(2026, 1, 1, tzinfo=UTC), zone="UTC", hour=6, frequency=Frequency.MONTHLY, ahead=0,
        payments=payments, reminder_days=7,
    )  # fmt: skip
    life.time_passes_and_the_schedule_works(passes=timedelta(days=1))
    return life


def billed(life: Life) -> list[tuple[str, str]]:
    """The periods of its invoices."""
    return [(one.period_start_on.isoformat(), one.period_end_on.isoformat()) for one in life.invoices]


def test_slept_through_to_its_end_each_date_is_billed_first():
    """Canceled on 12 April and looked at a year later: three dates, the last cut short, then the end."""
    life = lived()
    life.to_be_canceled(days=100)
    life.time_passes_and_the_schedule_works(passes=timedelta(days=365))
    assert billed(life)[1:] == [
        ("2026-02-01", "2026-03-01"),
        ("2026-03-01", "2026-04-01"),
        ("2026-04-01", "2026-04-12"),
    ]
    assert life.it.status is Status.CANCELED


def test_slept_through_a_pause_and_an_end_the_pause_is_over_first():
    """Resumed on 1 March by itself, billed then, canceled on 10 March; the other way round nothing is billed."""
    for resume, periods_of_it in ((58, [("2026-03-01", "2026-03-10")]), (90, [])):
        life = lived()
        life.paused(after=resume, shifts=False, prorates=False)
        life.it = boundaries.canceling(life.it, date(2026, 3, 10), today=date(2026, 1, 2))
        life.time_passes_and_the_schedule_works(passes=timedelta(days=365))
        assert billed(life)[1:] == periods_of_it
        assert life.it.status is Status.CANCELED


def test_a_term_that_was_paused_makes_all_its_payments():
    """Two dates are left out, and its three payments are made all the same."""
    life = lived(payments=3)
    life.paused(after=70, shifts=False, prorates=False)
    life.time_passes_and_the_schedule_works(passes=timedelta(days=365))
    assert [start for start, _ in billed(life)] == ["2026-01-01", "2026-04-01", "2026-05-01"]
    assert life.it.status is Status.EXPIRED
