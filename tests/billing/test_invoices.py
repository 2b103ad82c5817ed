"""An invoice sums what its lines cost, is held by one payment at a time, and asks again on its schedule only."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.billing.collection import Method
from chalicelib.billing.dunning import PRESETS, AtEnd, RetryPolicy
from chalicelib.billing.errors import WrongState
from chalicelib.billing.invoices import Invoice, InvoiceStatus
from chalicelib.billing.issuing import invoice_of
from chalicelib.billing.lines import Line
from chalicelib.billing.money import Money
from chalicelib.billing.numbering import Series, name_of
from chalicelib.billing.periods import Frequency
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.wake import Topic, Wake

NOW = datetime(2026, 2, 28, 6, 0, 30, tzinfo=UTC)
POLICY = RetryPolicy()
DAY = timedelta(days=1)
numbers = st.builds(
    lambda digits, places: Decimal(f"{digits}E-{places}"), st.integers(0, 10**9), st.integers(0, 12)
)
prices = st.tuples(numbers, numbers)
policies = st.lists(st.integers(1, 60), max_size=8, unique=True).map(
    lambda days: RetryPolicy(days=tuple(sorted(days)))
)
# How long after its moment an attempt is made, or its answer known: mostly at once, at times weeks later.
lateness = st.sampled_from([timedelta(), timedelta(seconds=40), DAY]) | st.timedeltas(timedelta(), 20 * DAY)


def subscription(
    *priced: tuple[Decimal | str, Decimal | str], currency: str = "usd", cycle: int = 1
) -> Subscription:
    """A monthly subscription from 31 January of lines at those prices and quantities."""
    return Subscription(
        account="acct_1",
        id="sub_1",
        contact="con_1",
        currency=currency,
        frequency=Frequency.MONTHLY,
        lines=tuple(
            Line(id=f"li_{n}", name=f"Coffee {n}", unit_amount=Decimal(unit_amount), quantity=Decimal(quantity))
            for n, (unit_amount, quantity) in enumerate(priced, 1)
        ),
        anchor_on=date(2026, 1, 31),
        zone="UTC",
        hour=6,
        status=Status.ACTIVE,
        created_at=datetime(2026, 1, 30, tzinfo=UTC),
        cycle=cycle,
        method=Method(id="pm_1", customer="cus_1", label="Visa •••• 4242"),
    )  # fmt: skip


def issued(total: int = 2500) -> Invoice:
    return invoice_of(subscription((str(total), "1")), "INV-000007", NOW)


def asked(invoice: Invoice | None = None) -> Invoice:
    """Held by its next payment."""
    invoice = invoice or issued()
    return invoice.reserved(invoice.next_payment())


def usd(amount: int) -> Money:
    return Money(amount, "usd")


def test_an_invoice_is_of_the_next_cycle():
    """It is named by the subscription and the cycle's ordinal, covers its local days, and is to be collected at once."""
    invoice = invoice_of(subscription(("2500", "1"), ("33.3", "1.5")), "INV-000007", NOW)
    assert (invoice.id, invoice.cycle, invoice.number) == ("inv_1_0002", 1, "INV-000007")
    assert (invoice.period_start_on, invoice.period_end_on) == (date(2026, 2, 28), date(2026, 3, 31))
    assert [line.amount for line in invoice.lines] == [usd(2500), usd(50)]
    assert (invoice.total, invoice.amount_paid, invoice.amount_due) == (usd(2550), usd(0), usd(2550))
    assert (invoice.status, invoice.issued_at, invoice.attempts) == (InvoiceStatus.OPEN, NOW, 0)
    assert invoice.wake == Wake(NOW, Topic.RETRIES)


@given(st.lists(prices, min_size=1, max_size=12))
def test_the_total_is_the_sum_of_lines_rounded_once_each(priced: list[tuple[Decimal, Decimal]]):
    """Each line is the exact product rounded half up, as school arithmetic has it, and the total is their sum."""
    invoice = invoice_of(subscription(*priced), "INV-000001", NOW)
    with localcontext(prec=60):
        expected = [int((price * count).quantize(Decimal(1), ROUND_HALF_UP)) for price, count in priced]
    assert [line.amount for line in invoice.lines] == [usd(amount) for amount in expected]
    assert invoice.total == usd(sum(expected))
    assert [(line.unit_amount, line.quantity) for line in invoice.lines] == priced


@pytest.mark.parametrize(
    ("prices_", "total"),
    [
        (["0.5", "0.5"], 2),  # each line is rounded, not their sum
        (["0.4", "0.4", "0.4"], 0),
        (["0.49999", "0.5"], 1),
        (["1249.5", "1800.5", "2500.5"], 5552),
    ],
)
def test_rounding_is_the_lines_not_the_totals(prices_: list[str], total: int):
    """Halves of several lines go up one by one."""
    invoice = invoice_of(subscription(*((price, "1") for price in prices_)), "INV-000001", NOW)
    assert invoice.total == usd(total)


@given(st.lists(prices, max_size=5))
def test_one_that_owes_nothing_is_paid_as_it_is_issued(priced: list[tuple[Decimal, Decimal]]):
    """A total of zero is paid at once and never asked for; any other is open and asked for now."""
    invoice = invoice_of(subscription(*priced), "INV-000001", NOW)
    if invoice.total == usd(0):
        assert (invoice.status, invoice.paid_at, invoice.paid_by) == (InvoiceStatus.PAID, NOW, None)
        assert invoice.wake is None
        with pytest.raises(WrongState, match="invoice_not_open"):
            asked(invoice)
    else:
        assert (invoice.status, invoice.paid_at) == (InvoiceStatus.OPEN, None)
        assert invoice.wake == Wake(NOW, Topic.RETRIES)
    assert invoice.amount_due == invoice.total


def test_amounts_are_in_the_subscriptions_currency():
    """A currency without decimals is counted in its whole units."""
    invoice = invoice_of(subscription(("1250.5", "2"), currency="jpy"), "INV-000001", NOW)
    assert invoice.total == Money(2501, "jpy")
    assert {line.amount.currency for line in invoice.lines} == {"jpy"}
    assert invoice.amount_paid == Money(0, "jpy")


@settings(deadline=None)
@given(st.integers(0, 500))
def test_the_invoices_of_a_subscription_cover_its_time_without_a_gap(cycle: int):
    """The days of each cycle's invoice end where the next one's begin, and its name sorts before the next."""
    one = invoice_of(subscription(("2500", "1"), cycle=cycle), "INV-000001", NOW)
    other = invoice_of(subscription(("2500", "1"), cycle=cycle + 1), "INV-000002", NOW)
    assert one.period_end_on == other.period_start_on
    assert one.id < other.id


def test_a_cycle_done_twice_meets_the_same_name():
    """The name depends on the subscription and the invoice's ordinal alone."""
    assert name_of("sub_1", 0) == "inv_1_0001"
    assert issued(2500).id == issued(1800).id


@given(st.integers(1, 60))
def test_numbers_have_no_gap(count: int):
    """Each number given away is one above the last, whatever its width."""
    series, given_away = Series(account="acct_1", id="invoice", prefix="INV-", next=999_970), []
    for _ in range(count):
        given_away.append(series.number)
        series = series.advanced()
    assert given_away == [f"INV-{n:06d}" for n in range(999_970, 999_970 + count)]
    assert series.wake is None


def test_an_invoice_is_held_by_one_payment_at_a_time():
    """A second payment is refused while one is open, whoever asks; meanwhile the payment has the next moment."""
    held = asked()
    assert (held.payment, held.attempts) == ("pay_1_0002_1", 1)
    assert held.wake is None
    with pytest.raises(WrongState, match="payment_open"):
        held.reserved(held.next_payment())
    with pytest.raises(WrongState, match="payment_open"):
        held.reserved("pay_of_another_invoice_1")
    free = held.released(NOW)
    assert free.wake == Wake(NOW, Topic.RETRIES)
    assert asked(free).payment == "pay_1_0002_2"


@pytest.mark.parametrize("status", [status for status in InvoiceStatus if status is not InvoiceStatus.OPEN])
def test_only_an_open_invoice_is_collected(status: InvoiceStatus):
    """A draft, a paid, a void and an uncollectible invoice owe nothing and take no payment."""
    invoice = replace(issued(), status=status, attempt_at=None)
    assert invoice.amount_due == usd(0)
    with pytest.raises(WrongState, match="invoice_not_open"):
        invoice.reserved("pay_1")


def test_paid_in_full_it_is_settled():
    """The payment that settles it is kept, and nothing is asked for again."""
    paid = asked().paid("pay_1_0002_1", usd(2500), NOW + DAY)
    assert (paid.status, paid.paid_at, paid.paid_by) == (InvoiceStatus.PAID, NOW + DAY, "pay_1_0002_1")
    assert (paid.payment, paid.wake, paid.amount_due) == (None, None, usd(0))
    assert paid.lines == issued().lines


def test_paid_in_part_it_stays_open_for_the_rest():
    """What is due falls by what was paid, and the last part settles it."""
    part = asked().paid("pay_1_0002_1", usd(1000), NOW)
    assert (part.status, part.amount_due, part.paid_at) == (InvoiceStatus.OPEN, usd(1500), None)
    assert part.wake is not None
    rest = asked(part).paid("pay_1_0002_2", usd(1500), NOW + DAY)
    assert (rest.status, rest.amount_paid, rest.paid_by) == (InvoiceStatus.PAID, usd(2500), "pay_1_0002_2")


@pytest.mark.parametrize("end", [lambda invoice: invoice.voided(NOW.date()), Invoice.written_off])
def test_an_invoice_is_voided_or_written_off_only_when_nobody_is_paying_it(end: Callable[[Invoice], Invoice]):
    """An open invoice with no open payment may be ended; one that is being paid or has ended may not."""
    ended = end(issued())
    assert (ended.amount_due, ended.wake, ended.total) == (usd(0), None, usd(2500))
    for not_now in (asked(), ended, asked().paid("pay_1_0002_1", usd(2500), NOW)):
        with pytest.raises(WrongState):
            end(not_now)


def test_left_open_it_is_owed_and_not_asked_for():
    """What the schedule has done with can still be paid."""
    left = issued().left_open()
    assert (left.status, left.amount_due, left.wake) == (InvoiceStatus.OPEN, usd(2500), None)
    assert asked(left).payment == "pay_1_0002_1"


def attempts(policy: RetryPolicy, declines: list[tuple[bool, timedelta]]) -> list[tuple[datetime, Invoice]]:
    """The moments of attempts and the invoice after each decline (hard or not, known so late), as the schedule asks."""
    invoice, now, told = issued(), NOW, []
    for hard, late in declines:
        if invoice.wake is None:
            break
        asked_at = max(now, invoice.wake.at)
        now = asked_at + late
        invoice = asked(invoice).declined(policy, now, hard=hard)
        told.append((asked_at, invoice))
        assert invoice.attempt_at is None or invoice.attempt_at > now
    return told


@given(policies)
def test_soft_declines_are_asked_again_on_every_day_of_the_schedule(policy: RetryPolicy):
    """With punctual clocks the attempts are the first, then each day of the policy, then none."""
    told = attempts(policy, [(False, timedelta())] * 10)
    assert [at for at, _ in told] == [NOW, *(NOW + day * DAY for day in policy.days)]
    last = told[-1][1]
    assert (last.wake, last.failed_at, last.status) == (None, NOW, InvoiceStatus.OPEN)
    assert last.attempts == 1 + len(policy.days)


@given(policies, st.lists(st.tuples(st.booleans(), lateness), min_size=1, max_size=12))
def test_however_late_a_decline_is_known_the_next_moment_is_ahead_and_on_the_schedule(
    policy: RetryPolicy, declines: list[tuple[bool, timedelta]]
):
    """No two attempts run into one another: each next one is a day of the schedule yet to come, counted from the first failure."""
    told = attempts(policy, declines)
    first = told[0][1].failed_at
    assert first is not None
    days = [first + day * DAY for day in policy.days]
    assert all(invoice.failed_at == first for _, invoice in told)
    assert all(at in days for at, _ in told[1:])
    assert [at for at, _ in told] == sorted({at for at, _ in told})
    assert len(told) <= 1 + len(policy.days)


@given(policies, st.lists(lateness, min_size=1, max_size=12))
def test_after_soft_declines_it_gives_up_at_the_last_day_and_not_before(
    policy: RetryPolicy, lates: list[timedelta]
):
    """While a day of the schedule is ahead there is a next attempt, the nearest one; after the last there is none."""
    now = NOW
    for (asked_at, invoice), late in zip(
        attempts(policy, [(False, late) for late in lates]), lates, strict=False
    ):
        now = asked_at + late
        assert invoice.failed_at is not None
        ahead = [at for day in policy.days if (at := invoice.failed_at + day * DAY) > now]
        assert invoice.attempt_at == (ahead[0] if ahead else None)  # fmt: skip


@given(policies, lateness)
def test_after_a_hard_decline_the_only_moment_left_is_the_last_day(policy: RetryPolicy, late: timedelta):
    """Nothing is asked before the day on which the last retry would have been: then it is given up, or at once if that has passed."""
    now = NOW + late
    invoice = asked().declined(policy, now, hard=True)
    last = now + policy.days[-1] * DAY if policy.days else None
    assert invoice.attempt_at == last


def test_a_hard_decline_on_a_retry_counts_from_the_first_failure():
    """The day to give up is the seventh after the first failure, not after the hard one."""
    soft = asked().declined(POLICY, NOW, hard=False)
    hard = asked(soft).declined(POLICY, NOW + DAY, hard=True)
    assert hard.attempt_at == NOW + 7 * DAY
    assert asked(hard).declined(POLICY, NOW + 7 * DAY, hard=True).attempt_at is None


@pytest.mark.parametrize(
    ("late_hours", "next_hours"),
    [(0, 24), (23, 24), (24, 72), (25, 72), (72, 120), (100, 120), (167, 168), (168, None), (1000, None)],
)
def test_a_retry_known_late_leaves_out_the_days_that_have_passed(late_hours: int, next_hours: int | None):
    """Of the days 1, 3, 5 and 7 after the first failure, the nearest still ahead of that hour is next."""
    hour = timedelta(hours=1)
    first = asked().declined(POLICY, NOW, hard=False)
    again = asked(first).declined(POLICY, NOW + late_hours * hour, hard=False)
    assert again.attempt_at == (NOW + next_hours * hour if next_hours else None)


def test_an_account_that_never_asks_again_gives_up_at_once():
    """With no days in the schedule one decline of either kind is the end."""
    policy = RetryPolicy(days=(), at_end=AtEnd.CANCEL)
    for hard in (False, True):
        assert asked().declined(policy, NOW, hard=hard).wake is None


def test_kill_bills_schedule_is_followed_too():
    """Eight days apart, three times."""
    told = attempts(PRESETS["killbill_8_8_8"], [(False, timedelta())] * 9)
    assert [at - NOW for at, _ in told] == [0 * DAY, 8 * DAY, 16 * DAY, 24 * DAY]


def test_a_payment_asked_for_by_hand_does_not_move_the_schedule():
    """A decline between two days of the schedule leaves the next one where it was."""
    waiting = asked().declined(POLICY, NOW, hard=False)
    by_hand = asked(waiting).declined(POLICY, NOW + DAY // 2, hard=False)
    assert by_hand.attempt_at == waiting.attempt_at == NOW + DAY
    assert by_hand.attempts == 2


class Life:
    """An invoice and the payments that were ever open on it."""

    def __init__(self) -> None:
        self.invoice = issued()
        self.now = NOW
        self.names: list[str] = []

    def do(self, act: str) -> None:
        self.now += DAY // 3
        open_ = self.invoice.payment
        match act:
            case "ask":
                name = self.invoice.next_payment()
                self.invoice = self.invoice.reserved(name)
                self.names.append(name)
            case "void":
                self.invoice = self.invoice.voided(date(2026, 3, 1))
            case "leave":
                self.invoice = self.invoice.left_open()
            case _ if open_ is None:
                return
            case "pay":
                self.invoice = self.invoice.paid(open_, self.invoice.amount_due, self.now)
            case "lose":
                self.invoice = self.invoice.released(self.now)
            case _:
                self.invoice = self.invoice.declined(POLICY, self.now, hard=act == "hard")


@given(
    st.lists(st.sampled_from(["ask", "ask", "ask", "soft", "soft", "hard", "lose", "pay", "leave", "void"]))
)
def test_an_invoice_never_has_two_open_payments_nor_two_of_one_name(acts: list[str]):
    """Whatever is tried, a payment opens only when none is open and money is owed; each has a name of its own."""
    life = Life()
    for act in acts:
        before = life.invoice
        try:
            life.do(act)
        except WrongState:
            assert before.payment is not None or before.status is not InvoiceStatus.OPEN
            assert life.invoice == before
        if act == "ask" and life.invoice is not before:
            assert before.payment is None
            assert before.amount_due == usd(2500)
        assert life.invoice.payment is None or life.invoice.wake is None
        assert life.invoice.status is InvoiceStatus.OPEN or life.invoice.wake is None
    assert len(life.names) == len(set(life.names)) == life.invoice.attempts


@given(st.integers(1, 10**11), st.integers(1, 10**11))
def test_invoices_stand_in_the_order_of_their_numbers(one: int, other: int):
    """Beyond six digits too: text is padded where it is compared, not where it is read."""
    numbered = [
        replace(issued(), number=Series(account="a", id="i", prefix="R2-", next=n).number)
        for n in (one, other)
    ]
    assert (numbered[0].position < numbered[1].position) is (one < other)
