"""What is given back is exactly what was charged, line by line and tax by tax, in however many parts."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.billing import ledger
from chalicelib.billing.collection import Method
from chalicelib.billing.credits import (
    MAX_REASON,
    CreditNote,
    Wanted,
    credited,
    left,
    name_of,
    whole,
)
from chalicelib.billing.discounts import Discount
from chalicelib.billing.dunning import RetryPolicy
from chalicelib.billing.errors import Invalid, WrongState
from chalicelib.billing.invoices import Invoice, InvoiceStatus
from chalicelib.billing.issuing import applicable, issued
from chalicelib.billing.ledger import Book, Entry
from chalicelib.billing.lines import Kind, Line, Share
from chalicelib.billing.money import Money
from chalicelib.billing.periods import Frequency, Period
from chalicelib.billing.rating import Fee
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.tax import Tax

NOW = datetime(2026, 3, 10, 6, 0, 30, tzinfo=UTC)
TODAY = NOW.date()
MARCH = Period(date(2026, 3, 1), date(2026, 4, 1))
STATE = Tax(id="state", name="State", percent=Decimal("8.875"))
VAT = Tax(id="vat", name="VAT", percent=Decimal(19))
INSIDE = Tax(id="inside", name="VAT inside", percent=Decimal(7), inclusive=True)
TAXES = (STATE, VAT, INSIDE)

amounts = st.builds(
    lambda digits, places: Decimal(f"{digits}E-{places}"), st.integers(0, 10**6), st.integers(0, 3)
)
lines = st.builds(
    Line,
    id=st.just("li_1"),
    name=st.just("Coffee"),
    unit_amount=amounts,
    quantity=st.sampled_from([Decimal(1), Decimal(3), Decimal("0.25")]),
    taxes=st.lists(st.sampled_from([tax.id for tax in TAXES]), unique=True).map(tuple),
    kind=st.sampled_from([None, None, Kind.ONE_TIME]),
)


def subscription(
    currency: str = "usd", coupon: Decimal | None = None, fee: Decimal | None = None
) -> Subscription:
    """A monthly subscription of a customer who has all three taxes, on the first of each month."""
    return Subscription(
        account="acct_1",
        id="sub_1",
        contact="con_1",
        currency=currency,
        frequency=Frequency.MONTHLY,
        lines=(),
        anchor_on=MARCH.start_on,
        zone="UTC",
        hour=6,
        status=Status.ACTIVE,
        created_at=NOW,
        method=Method(id="pm_1", customer="cus_1", label="Visa •••• 4242"),
        taxes=TAXES,
        discounts=(Discount(coupon="co_1", name="Spring", percent=coupon),) if coupon else (),
        fees=(Fee(name="Card", types=("card",), percent=fee, taxes=("vat",)),) if fee else (),
    )


def charging(
    *sold: Line, coupon: Decimal | None = None, fee: Decimal | None = None, balance: int = 0
) -> Invoice:
    """March's invoice of some lines."""
    return issued(subscription(coupon=coupon, fee=fee), sold, MARCH, "INV-000001", NOW, balance=balance)


def of(unit_amount: str, *taxes: str, kind: Kind | None = None, share: Share | None = None) -> Line:
    return Line(
        id="li_1", name="Coffee", unit_amount=Decimal(unit_amount), taxes=taxes, kind=kind, share=share
    )


def usd(amount: int) -> Money:
    return Money(amount, "usd")


def note(invoice: Invoice, notes: list[CreditNote], *wanted: Wanted, reason: str = "") -> CreditNote:
    """The invoice's next credit note, of all where nothing is wanted."""
    number = f"CN-{len(notes) + 1:06d}"
    return credited(
        invoice, notes, wanted or whole(invoice, notes), number=number, now=NOW, day=TODAY, reason=reason
    )


def paid(invoice: Invoice) -> Invoice:
    """The same after its payment succeeded."""
    if invoice.status is InvoiceStatus.PAID:
        return invoice
    name = invoice.next_payment()
    return invoice.reserved(name).paid(name, invoice.amount_due, NOW)


def declined(invoice: Invoice) -> Invoice:
    """The same after its first payment failed, to be asked for again."""
    return invoice.reserved(invoice.next_payment()).declined(RetryPolicy(), NOW, hard=False)


invoices = st.builds(
    charging,
    lines,
    lines,
    lines,
    coupon=st.none() | st.sampled_from([Decimal(10), Decimal("33.3"), Decimal(100)]),
    fee=st.none() | st.just(Decimal("2.5")),
    balance=st.integers(0, 2000),
)
# The n-th line (modulo), and how much of what it has left, in thousandths; 0 is one cent, 1000 all of it.
parts = st.lists(st.tuples(st.integers(0, 10), st.integers(0, 1000)), max_size=12)


def in_parts(invoice: Invoice, cuts: list[tuple[int, int]]) -> list[CreditNote]:
    """A note for each cut of a line that has something left."""
    notes: list[CreditNote] = []
    for n, thousandths in cuts:
        rest = left(invoice, notes)[n % len(invoice.lines)]
        if rest.amount:
            amount = Money(max(1, rest.amount.amount * thousandths // 1000), invoice.currency)
            notes.append(note(invoice, notes, Wanted(line=rest.line, amount=amount)))
    return notes


@given(invoices, parts)
def test_credited_whole_an_invoice_is_reversed_exactly(invoice: Invoice, cuts: list[tuple[int, int]]):
    """In however many parts: each line, each of its taxes and the total of all notes are what was charged."""
    invoice = paid(invoice)
    notes = in_parts(invoice, cuts)
    if whole(invoice, notes):
        notes.append(note(invoice, notes))
    for n, line in enumerate(invoice.lines):
        given_back = [part for one in notes for part in one.lines if part.line == n]
        assert sum(part.amount.amount for part in given_back) == line.charged.amount
        taxes: Counter[str] = Counter()
        for part in given_back:
            for share in part.taxes:
                taxes[share.tax] += share.amount.amount
        assert taxes == Counter({share.tax: share.amount.amount for share in line.taxes})
    assert sum(one.total.amount for one in notes) == invoice.total.amount
    assert not whole(invoice, notes)
    with pytest.raises(WrongState, match="nothing_to_credit"):
        note(invoice, notes)


@given(invoices, parts)
def test_no_part_takes_back_more_than_was_charged_nor_gives_tax_again(
    invoice: Invoice, cuts: list[tuple[int, int]]
):
    """After any parts every line and tax has between nothing and all of it left, and no note is of a negative amount."""
    notes = in_parts(paid(invoice), cuts)
    for rest, line in zip(left(invoice, notes), invoice.lines, strict=True):
        assert usd(0) <= rest.amount <= line.charged
        for tax, all_of_it in zip(rest.taxes, line.taxes, strict=True):
            assert usd(0) <= tax.amount <= all_of_it.amount
    assert all(share.amount >= usd(0) for one in notes for part in one.lines for share in part.taxes)
    assert all(one.total == one.to_invoice + one.to_balance for one in notes)


@given(invoices, parts)
def test_the_tax_of_a_part_does_not_depend_on_the_parts_before_it(
    invoice: Invoice, cuts: list[tuple[int, int]]
):
    """What is credited of a line so far carries the tax it would carry in one piece, to the cent."""
    notes = in_parts(paid(invoice), cuts)
    for rest, line in zip(left(invoice, notes), invoice.lines, strict=True):
        gone = line.charged - rest.amount
        if gone:
            at_once = note(paid(invoice), [], Wanted(line=rest.line, amount=gone)).lines[0]
            assert [share.amount for share in at_once.taxes] == [
                all_of_it.amount - tax.amount for tax, all_of_it in zip(rest.taxes, line.taxes, strict=True)
            ]


def test_a_note_is_its_lines_and_the_taxes_on_top():
    """Half of 100.00 with 19 % on top is 59.50; half of 107.00 with 7 % inside is 53.50, 3.50 of it tax."""
    invoice = paid(charging(of("10000", "vat"), of("10700", "inside")))
    one = note(invoice, [], Wanted(line=0, amount=usd(5000)))
    two = note(invoice, [one], Wanted(line=1, amount=usd(5350)))
    assert (one.total, one.lines[0].taxes[0].amount) == (usd(5950), usd(950))
    assert (two.total, two.lines[0].taxes[0].amount) == (usd(5350), usd(350))
    assert (
        (one.id, two.id) == (name_of(invoice.id, 1), name_of(invoice.id, 2)) == ("cn_1_0001_1", "cn_1_0001_2")
    )


def test_a_credit_first_takes_off_what_is_owed():
    """Of 25.00 owed a note of 10.00 leaves 15.00 to pay; when that is paid a note of the rest is the customer's balance."""
    invoice = charging(of("2500"))
    first = note(invoice, [], Wanted(line=0, amount=usd(1000)))
    after = invoice.credited(first.to_invoice, NOW)
    assert (first.to_invoice, first.to_balance) == (usd(1000), usd(0))
    assert (after.amount_due, after.status, after.wake) == (usd(1500), InvoiceStatus.OPEN, invoice.wake)
    second = note(paid(after), [first])
    assert (second.total, second.to_invoice, second.to_balance) == (usd(1500), usd(0), usd(1500))
    assert paid(after).credited(second.to_invoice, NOW) == replace(paid(after), notes=2)


def test_an_open_invoice_credited_whole_is_paid_and_not_asked_for():
    """Nothing is owed any more, so no attempt is left."""
    invoice = declined(charging(of("2500", "vat")))
    after = invoice.credited(note(invoice, []).to_invoice, NOW)
    assert (after.status, after.amount_due, after.attempt_at, after.wake) == (
        InvoiceStatus.PAID,
        usd(0),
        None,
        None,
    )
    assert after.paid_at == NOW
    assert after.amount_paid == usd(0)


def test_a_credit_leaves_nothing_owed_or_what_can_be_charged():
    """24.80 of 25.00 owed leave 0.50, the least Stripe charges, and 0.30 are the customer's; the rest credited, 0.50 more."""
    invoice = charging(of("2500"))
    first = note(invoice, [], Wanted(line=0, amount=usd(2480)))
    assert (first.to_invoice, first.to_balance) == (usd(2450), usd(30))
    after = invoice.credited(first.to_invoice, NOW)
    rest = note(after, [first])
    assert (after.amount_due, rest.to_invoice, rest.to_balance) == (usd(50), usd(0), usd(20))


def test_while_a_payment_is_open_all_goes_to_the_balance():
    """What is being asked for just now stays what it is; the customer has the credit."""
    invoice = charging(of("2500"))
    asked = invoice.reserved(invoice.next_payment())
    one = note(asked, [], Wanted(line=0, amount=usd(1000)))
    assert (one.to_invoice, one.to_balance) == (usd(0), usd(1000))
    after = asked.credited(one.to_invoice, NOW)
    assert after.paid(asked.payment or "", usd(2500), NOW).status is InvoiceStatus.PAID


@pytest.mark.parametrize(
    ("wanted", "code", "param"),
    [
        ([Wanted(line=2)], "no_such_line", "lines[0].line"),
        ([Wanted(line=-1)], "no_such_line", "lines[0].line"),
        ([Wanted(line=0), Wanted(line=0)], "line_twice", "lines[1].line"),
        ([Wanted(line=0), Wanted(line=1, amount=usd(701))], "credit_out_of_range", "lines[1].amount"),
        ([Wanted(line=1, amount=usd(0))], "credit_out_of_range", "lines[0].amount"),
        ([Wanted(line=1, amount=usd(-1))], "credit_out_of_range", "lines[0].amount"),
        ([Wanted(line=1, amount=Money(1, "eur"))], "currency_mismatch", "lines[0].amount.currency"),
        (
            [Wanted(line=1, share=Share(days=4, of_days=3, start_on=TODAY, end_on=TODAY))],
            "share_out_of_range",
            "lines[0].share",
        ),
    ],
)
def test_what_cannot_be_credited_is_refused_by_line(wanted: list[Wanted], code: str, param: str):
    """More than is left, nothing, less than nothing, another currency, a line that is not there or named twice."""
    with pytest.raises(Invalid) as refused:
        note(charging(of("2500"), of("700")), [], *wanted)
    assert (refused.value.code, refused.value.param) == (code, param)


def test_a_line_has_at_most_left_what_the_notes_before_left():
    """After 6.00 of 7.00 another 1.01 is refused, and the sentence says what would be accepted."""
    invoice = charging(of("700"))
    first = note(invoice, [], Wanted(line=0, amount=usd(600)))
    with pytest.raises(Invalid, match=r"1\.00 usd can be credited"):
        note(invoice, [first], Wanted(line=0, amount=usd(101)))
    assert note(invoice, [first], Wanted(line=0, amount=usd(100))).total == usd(100)


def test_only_an_open_or_paid_invoice_is_credited():
    """A voided one charged nothing; what was written off is lost already."""
    invoice = charging(of("2500"))
    for closed in (invoice.voided(TODAY), invoice.written_off()):
        with pytest.raises(WrongState, match="invoice_not_creditable"):
            note(closed, [])


def test_a_reason_is_short():
    """At most 500 characters are printed on a note."""
    assert note(charging(of("1")), [], reason="x" * MAX_REASON).reason
    with pytest.raises(Invalid) as refused:
        note(charging(of("1")), [], reason="x" * (MAX_REASON + 1))
    assert (refused.value.code, refused.value.param) == ("reason_too_long", "reason")


def test_a_share_is_of_what_was_charged_rounded_once_and_at_most_what_is_left():
    """22 of 31 days of 31.00 are 22.00 with 19 % on it; of 10.00 they are 7.10; after 30.00 were given back, 1.00 is left."""
    days = Share(days=22, of_days=31, start_on=TODAY, end_on=MARCH.end_on)
    invoice = paid(charging(of("3100", "vat"), of("1000")))
    first = note(invoice, [], Wanted(line=0, share=days), Wanted(line=1, share=days))
    assert [part.amount for part in first.lines] == [usd(2200), usd(710)]
    assert (first.total, first.lines[0].share) == (usd(2200 + 418 + 710), days)
    goodwill = note(invoice, [], Wanted(line=0, amount=usd(3000)))
    assert note(invoice, [goodwill], Wanted(line=0, share=days)).lines[0].amount == usd(100)


# -- the balance ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("balance", "owed", "currency", "applied"),
    [
        (0, 2500, "usd", 0),
        (1000, 2500, "usd", 1000),
        (2500, 2500, "usd", 2500),
        (9999, 2500, "usd", 2500),
        (-5, 2500, "usd", 0),
        (2450, 2500, "usd", 2450),
        (2451, 2500, "usd", 2450),
        (2499, 2500, "usd", 2450),
        (10, 40, "usd", 0),
        (40, 40, "usd", 40),
        (99, 130, "jpy", 80),
        (1005, 2500, "kwd", 1000),
        (2499, 2500, "kwd", 2490),
        (2500, 2500, "kwd", 2500),
        (5, 2503, "kwd", 3),
    ],
)
def test_a_balance_leaves_what_stripe_can_charge(balance: int, owed: int, currency: str, applied: int):
    """As much as pays what is owed, or leaves Stripe's minimum of it; of three decimals the last left is 0."""
    assert applicable(Money(balance, currency), Money(owed, currency)) == Money(applied, currency)


@given(st.integers(-100, 10**5), st.integers(0, 10**5), st.sampled_from(["usd", "kwd", "isk", "jpy", "mga"]))
def test_a_balance_never_pays_more_than_it_has_or_is_owed(balance: int, owed: int, currency: str):
    """It is between nothing and both, and takes a part of what is owed only if the rest can be charged."""
    applied = applicable(Money(balance, currency), Money(owed, currency)).amount
    assert 0 <= applied <= max(0, min(balance, owed))
    if balance >= owed:
        assert applied == owed


# -- everything together ----------------------------------------------------------------------------


class Course:
    """An invoice with its notes, the customer's balance and the books, through whatever happens."""

    def __init__(self, invoice: Invoice, balance: int) -> None:
        self.invoice, self.notes = invoice, list[CreditNote]()
        self.books: Counter[Book] = Counter()
        self.cash = 0
        applied = invoice.amount_applied.amount if invoice.amount_applied else 0
        self.start = balance
        self.balance = balance - applied
        self.post(ledger.invoiced(invoice))

    def post(self, entry: Entry | None) -> None:
        for book, amount in (entry.postings if entry else {}).items():
            self.books[book] += amount

    def do(self, act: str, n: int, thousandths: int) -> None:
        {
            "ask": self.ask,
            "pay": self.pay,
            "decline": self.decline,
            "credit": lambda: self.credit(n, thousandths),
            "apply": self.apply,
            "void": self.void,
            "write off": self.write_off,
        }[act]()

    def ask(self) -> None:
        self.invoice = self.invoice.reserved(self.invoice.next_payment())

    def pay(self) -> None:
        if self.invoice.payment:
            due = self.invoice.amount_due
            self.invoice = self.invoice.paid(self.invoice.payment, due, NOW)
            self.cash += due.amount
            self.books[Book.CASH] += due.amount
            self.books[Book.RECEIVABLE] -= due.amount

    def decline(self) -> None:
        if self.invoice.payment:
            self.invoice = self.invoice.declined(RetryPolicy(), NOW, hard=False)

    def apply(self) -> None:
        before = self.invoice
        amount = applicable(usd(self.balance), before.amount_due)
        if amount and before.payment is None:
            self.invoice = before.applied(amount, NOW)
            self.balance -= amount.amount
            self.post(ledger.applied(amount))

    def void(self) -> None:
        before = self.invoice
        if any(one.to_balance for one in self.notes):
            return  # the operation refuses it
        self.invoice = before.voided(TODAY)
        self.balance += before.amount_applied.amount if before.amount_applied else 0
        self.post(ledger.voided(before, self.notes, TODAY))

    def write_off(self) -> None:
        before = self.invoice
        self.invoice = before.written_off()
        self.post(ledger.written_off(before))

    def credit(self, n: int, thousandths: int) -> None:
        before = self.invoice
        rest = left(before, self.notes)[n % len(before.lines)]
        amount = Money(max(1, rest.amount.amount * thousandths // 1000), "usd")
        wanted = [] if n == 0 else [Wanted(line=rest.line, amount=amount)]
        if n and not rest.amount:
            return
        made = note(before, self.notes, *wanted)
        self.post(ledger.credited(made, before, self.notes))
        self.notes.append(made)
        self.balance += made.to_balance.amount
        self.invoice = before.credited(made.to_invoice, NOW)

    def holds(self) -> None:
        """The one equation, and the books."""
        now = self.invoice
        applied = now.amount_applied.amount if now.amount_applied else 0
        to_balance = sum(one.to_balance.amount for one in self.notes)
        total_credited = sum(one.total.amount for one in self.notes)
        assert (
            now.total.amount - total_credited
            == now.amount_paid.amount + applied - to_balance + now.amount_open.amount
        )
        assert now.amount_paid.amount == self.cash
        assert now.notes == len(self.notes)
        assert self.balance == self.start - applied + to_balance >= 0
        assert now.amount_open >= usd(0)
        assert now.status is not InvoiceStatus.PAID or not now.amount_open
        assert now.status is not InvoiceStatus.OPEN or now.amount_open
        assert self.books[Book.RECEIVABLE] == now.amount_due.amount
        assert self.books[Book.CREDITS] == self.start - self.balance
        assert sum(self.books.values()) == 0
        rest = left(now, self.notes) if now.status is not InvoiceStatus.VOID else ()
        assert -self.books[Book.TAX] == sum(tax.amount.amount for line in rest for tax in line.taxes)


acts = st.tuples(
    st.sampled_from(["ask", "pay", "decline", "credit", "credit", "credit", "apply", "void", "write off"]),
    st.integers(0, 5),
    st.integers(0, 1000),
)


@given(invoices, st.integers(0, 2000), st.lists(acts, max_size=14))
def test_an_invoice_its_notes_and_payments_reconcile_to_the_cent_always(
    invoice: Invoice, more: int, sequence: list[tuple[str, int, int]]
):
    """Through any course of payments, declines, credits, balances, voids and write-offs the equation of `credits` holds."""
    applied = invoice.amount_applied.amount if invoice.amount_applied else 0
    course = Course(invoice, applied + more)
    course.holds()
    for act, n, thousandths in sequence:
        before = course.invoice
        try:
            course.do(act, n, thousandths)
        except WrongState:
            assert course.invoice == before
        course.holds()


def test_a_void_gives_an_applied_balance_back():
    """Of 25.00, 10.00 from the balance: voided nothing is owed, and nothing of it is applied any more."""
    invoice = charging(of("2500"), balance=1000)
    assert (invoice.amount_due, invoice.amount_applied) == (usd(1500), usd(1000))
    void = invoice.voided(TODAY)
    assert (void.status, void.amount_due, void.amount_applied) == (InvoiceStatus.VOID, usd(0), None)
    entry = ledger.voided(invoice, [], TODAY)
    assert entry is not None
    assert entry.postings[Book.RECEIVABLE] == -1500
    assert entry.postings[Book.CREDITS] == -1000


def test_what_is_paid_in_part_is_credited_and_not_voided():
    """A void gives no money back, so it refuses and says what to do instead."""
    invoice = charging(of("2500"))
    name = invoice.next_payment()
    part = invoice.reserved(name).paid(name, usd(1000), NOW)
    with pytest.raises(WrongState, match="invoice_partly_paid"):
        part.voided(TODAY)
    rest = note(part, [], Wanted(line=0, amount=usd(1500)))
    assert part.credited(rest.to_invoice, NOW).status is InvoiceStatus.PAID
