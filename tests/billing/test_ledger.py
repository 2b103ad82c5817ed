"""Every fact that moves money keeps the books balanced and equal to the records, and all that is charged is earned."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.billing import issuing, laws, ledger, recognition
from chalicelib.billing.collection import Method
from chalicelib.billing.credits import CreditLine, CreditNote, Wanted, credited, left
from chalicelib.billing.discounts import Discount
from chalicelib.billing.errors import Invalid, WrongState
from chalicelib.billing.events import Event, EventType, name_of
from chalicelib.billing.gateway import Request
from chalicelib.billing.invoices import Invoice, InvoiceStatus
from chalicelib.billing.issuing import applicable
from chalicelib.billing.laws import Kept
from chalicelib.billing.ledger import Book, Entry
from chalicelib.billing.lines import Kind, Line, Share
from chalicelib.billing.money import Money
from chalicelib.billing.payments import Allocation, Origin, Payment, PaymentStatus
from chalicelib.billing.periods import Frequency, Period
from chalicelib.billing.rating import Fee
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.tax import Tax

START = date(2026, 1, 1)
FEBRUARY = Period(date(2026, 2, 1), date(2026, 3, 1))
VAT = Tax(id="txr_vat", name="VAT", percent=Decimal(19))
INSIDE = Tax(id="txr_in", name="GST", percent=Decimal("7.25"), inclusive=True)
HALF = Discount(coupon="cou_1", name="Half", percent=Decimal("33.3"))
CARD = Fee(name="Card", types=("card",), percent=Decimal("1.9"), taxes=("txr_vat",))


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def subscription(*lines: Line, currency: str = "usd", **more: Any) -> Subscription:
    """A monthly one from 1 February that is charged on a card."""
    return Subscription(
        account="acct_1",
        id="sub_1",
        contact="con_1",
        currency=currency,
        frequency=Frequency.MONTHLY,
        lines=lines,
        anchor_on=FEBRUARY.start_on,
        zone="UTC",
        hour=6,
        status=Status.ACTIVE,
        created_at=noon(START),
        method=Method(id="pm_1", customer="cus_1", label="Visa •••• 4242"),
        **more,
    )


def line(amount: int, *taxes: Tax, **more: Any) -> Line:
    return Line(
        id="li_1", name="Coffee", unit_amount=Decimal(amount), taxes=tuple(tax.id for tax in taxes), **more
    )


def issued(*lines: Line, balance: int = 0, **more: Any) -> Invoice:
    """The invoice of February, issued on its first day."""
    sold = subscription(*lines, taxes=(VAT, INSIDE), **more)
    return issuing.issued(sold, lines, FEBRUARY, "INV-000001", noon(FEBRUARY.start_on), balance=balance)


def paying(*owed: Invoice, fee: Money | None = None, net: Money | None = None) -> Payment:
    """A payment that has succeeded for all that invoices owe."""
    total = Money(sum(one.amount_due.amount for one in owed), owed[0].currency)
    return Payment(
        account="acct_1",
        id=owed[0].next_payment(),
        subscription=owed[0].subscription,
        contact="con_1",
        amount=total,
        allocations=tuple(Allocation(invoice=one.id, amount=one.amount_due) for one in owed),
        request=Request(amount=total, customer="cus_1", method="pm_1", description="", metadata={}),
        method_label="Visa •••• 4242",
        origin=Origin.SCHEDULE,
        created_at=noon(START),
        sent_at=noon(START),
        leased_until=None,
        status=PaymentStatus.SUCCEEDED,
        fee=fee,
        net=net,
    )


def crediting(
    invoice: Invoice, *wanted: Wanted, day: date, notes: list[CreditNote] | None = None
) -> CreditNote:
    return credited(invoice, notes or [], wanted, number="CN-000001", now=noon(day), day=day)


def unused(invoice: Invoice, n: int, day: date) -> Wanted:
    """The days from a local day on of a line that was charged for the invoice's whole period; none may be left."""
    whole = Period(invoice.period_start_on, invoice.period_end_on)
    start = min(max(day, whole.start_on), whole.end_on)
    share = Share(days=(whole.end_on - start).days, of_days=whole.days, start_on=start, end_on=whole.end_on)
    return Wanted(line=n, share=share)


def posted(entry: Entry | None) -> dict[str, int]:
    return {str(book): amount for book, amount in entry.postings.items()} if entry else {}


def usd(amount: int) -> Money:
    return Money(amount, "usd")


# -- one fact after another ---------------------------------------------------------------------------


def test_an_invoice_defers_what_is_for_days_and_earns_what_is_sold_once():
    """Of 100.00 a month and 50.00 once, each with 19 % on top, the month is deferred, the sale revenue, the tax owed."""
    invoice = issued(line(10000, VAT), line(5000, VAT, kind=Kind.ONE_TIME), balance=1000)
    assert posted(ledger.invoiced(invoice)) == {
        "receivable": 16850,
        "credits": 1000,
        "tax": -2850,
        "deferred": -10000,
        "revenue": -5000,
    }


def test_a_tax_inside_a_price_is_no_revenue():
    """107.25 with 7.25 % inside are 100.00 deferred and 7.25 of tax."""
    assert posted(ledger.invoiced(issued(line(10725, INSIDE)))) == {
        "receivable": 10725,
        "tax": -725,
        "deferred": -10000,
    }


def test_an_invoice_of_nothing_posts_nothing_and_one_paid_from_the_balance_owes_nothing():
    """A free cycle has no entry; one the balance covers takes credits and leaves nothing receivable."""
    assert ledger.invoiced(issued(line(0))) is None
    assert posted(ledger.invoiced(issued(line(2500), balance=9000))) == {"credits": 2500, "deferred": -2500}


def test_a_payment_is_cash_after_its_fee():
    """Of 25.00 with a fee of 1.03, 23.97 is cash; a payment of two invoices takes both off what is owed, in one entry."""
    first, second = issued(line(2000)), replace(issued(line(500)), id="inv_1_0002")
    payment = paying(first, second, fee=usd(103), net=usd(2397))
    assert posted(ledger.paid(payment)) == {"cash": 2397, "fees": 103, "receivable": -2500}


def test_a_fee_that_is_not_known_is_not_posted():
    """Until Stripe tells a fee, all that was paid is cash."""
    assert ledger.paid(paying(issued(line(2500)))) == Entry(
        currency="usd", postings={Book.CASH: 2500, Book.RECEIVABLE: -2500}
    )


def test_a_fee_in_the_currency_of_the_payout_is_told_beside_the_postings():
    """25.00 usd paid out as 20.00 eur less 0.80: the postings are in usd alone, what became of the cash is beside them."""
    entry = ledger.paid(paying(issued(line(2500)), fee=Money(80, "eur"), net=Money(1920, "eur")))
    assert entry is not None
    assert posted(entry) == {"cash": 2500, "receivable": -2500}
    assert entry.settled == ledger.Settled(cash=Money(1920, "eur"), fees=Money(80, "eur"))


def test_unused_days_are_taken_from_what_is_deferred():
    """28.00 for February, given up on the 11th: ten days are earned, and the 18.00 credited was never revenue."""
    invoice = issued(line(2800))
    day = date(2026, 2, 11)
    share = Share(days=18, of_days=28, start_on=day, end_on=FEBRUARY.end_on)
    note = crediting(invoice, Wanted(line=0, share=share), day=day)
    assert posted(ledger.credited(note, invoice, [])) == {"receivable": -1800, "deferred": 1800}
    months = list(recognition.by_month(invoice, [note], FEBRUARY.start_on, START, date(2026, 12, 31)))
    assert months == [(date(2026, 2, 28), 1000)]


def test_a_credit_beyond_what_is_deferred_is_taken_from_revenue():
    """The whole of February given back on the 15th: 14 days are deferred still, the other 14 were revenue; the tax goes back."""
    invoice = issued(line(2800, VAT))
    paid = paying(invoice)
    settled = invoice.reserved(paid.id).paid(paid.id, paid.amount, noon(START))
    note = crediting(settled, Wanted(line=0), day=date(2026, 2, 15))
    assert posted(ledger.credited(note, settled, [])) == {
        "credits": -3332,
        "tax": 532,
        "deferred": 1400,
        "revenue": 1400,
    }


def test_a_void_takes_back_what_earlier_notes_left():
    """After a note of 8.00 on the 15th of February, a void on the 20th takes back the other 20.00, earned or not."""
    invoice = issued(line(2800, VAT))
    note = crediting(invoice, Wanted(line=0, amount=usd(800)), day=date(2026, 2, 15))
    after = invoice.credited(note.to_invoice, noon(START))
    entry = posted(ledger.voided(after, [note], date(2026, 2, 20)))
    # 14 days earned 14.00 by the 15th; of the 6.00 left for 14 days, five more earned 2.14.
    assert entry == {"receivable": -2380, "tax": 380, "deferred": 386, "revenue": 1614}


def test_what_is_written_off_is_lost_and_what_is_given_is_goodwill():
    """Uncollectible: from receivable to bad debt. A balance raised by a person: goodwill."""
    assert posted(ledger.written_off(issued(line(2800)))) == {"bad_debt": 2800, "receivable": -2800}
    assert posted(ledger.adjusted(usd(500))) == {"goodwill": 500, "credits": -500}
    assert posted(ledger.adjusted(usd(-500))) == {"goodwill": -500, "credits": 500}


def test_an_entry_that_does_not_balance_cannot_be_made():
    """Postings that leave a cent over are refused."""
    with pytest.raises(Invalid, match="sum to zero"):
        Entry(currency="usd", postings={Book.CASH: 1})


# -- what is earned -----------------------------------------------------------------------------------


def test_a_year_is_earned_by_the_days_of_its_months():
    """365.00 for a year from 15 January: 17.00 by the end of January, 28.00 in February, 14.00 in the last month."""
    year = Period(date(2026, 1, 15), date(2027, 1, 15))
    sold = subscription(line(36500))
    invoice = issuing.issued(sold, sold.lines, year, "INV-000001", noon(year.start_on))
    months = [
        (day.isoformat()[:7], amount)
        for day, amount in recognition.by_month(invoice, [], year.start_on, START, date(2030, 1, 1))
    ]
    assert months[:2] == [("2026-01", 1700), ("2026-02", 2800)]
    assert months[-1] == ("2027-01", 1400)
    assert sum(amount for _, amount in months) == 36500


def test_days_before_an_invoice_are_earned_on_its_day():
    """February billed on 10 March, after an outage: all of it is March's."""
    invoice = issued(line(2800))
    months = list(recognition.by_month(invoice, [], date(2026, 3, 10), START, date(2026, 12, 31)))
    assert months == [(date(2026, 3, 31), 2800)]
    assert list(recognition.by_month(invoice, [], date(2026, 3, 10), START, date(2026, 3, 9))) == []


def test_a_range_within_a_month_has_its_days_alone():
    """Of 28.00 for February, the 10th to the 14th earn 5.00, told on the 14th."""
    got = recognition.by_month(
        issued(line(2800)), [], FEBRUARY.start_on, date(2026, 2, 10), date(2026, 2, 14)
    )
    assert list(got) == [(date(2026, 2, 14), 500)]


def test_a_day_alone_is_a_range():
    """Of 28.00 for February each day earns 1.00, its last one too, and the one after nothing."""
    invoice = issued(line(2800))
    for on in (date(2026, 2, 10), date(2026, 2, 28)):
        assert list(recognition.by_month(invoice, [], FEBRUARY.start_on, on, on)) == [(on, 100)]
    after = FEBRUARY.end_on
    assert list(recognition.by_month(invoice, [], FEBRUARY.start_on, after, after)) == []


def test_a_voided_invoice_earns_nothing_from_the_day_after():
    """Voided on the 11th, February is over on the 12th: nothing is looked for in the days it would have had."""
    assert recognition.over_on(issued(line(2800)), []) == FEBRUARY.end_on
    assert recognition.over_on(replace(issued(line(2800)), voided_on=date(2026, 2, 11)), []) == date(
        2026, 2, 12
    )


def test_a_credit_before_the_first_day_leaves_the_rest_to_its_days():
    """28.00 for February, 14.00 of it given back in January: the other 14.00 is earned from the 1st on, half by the 14th."""
    invoice = issued(line(2800))
    note = crediting(invoice, Wanted(line=0, amount=usd(1400)), day=date(2026, 1, 20))
    by = [
        recognition.earned(invoice, [note], date(2026, month, day))
        for month, day in ((1, 31), (2, 14), (2, 28))
    ]
    assert by == [0, 700, 1400]


def test_what_unused_days_leave_is_earned_by_the_days_that_were_used():
    """10.00 for February less 6.43 for the days from the 11th: the 3.57 that are left are earned by the 10th, but for a cent."""
    invoice = issued(line(1000))
    day = date(2026, 2, 11)
    note = crediting(invoice, unused(invoice, 0, day), day=day)
    assert (note.total, recognition.earned(invoice, [note], date(2026, 2, 10))) == (usd(643), 357)
    sure = crediting(invoice, unused(invoice, 0, date(2026, 2, 21)), day=day)
    # 20 days are used: what is left on the 11th is earned by the 20th, not by the end of the month.
    assert recognition.earned(invoice, [sure], date(2026, 2, 20)) == 714
    assert recognition.over_on(invoice, [sure]) == date(2026, 2, 21)


days = st.dates(date(2025, 12, 1), date(2027, 6, 1))


@given(
    amount=st.integers(0, 10**6),
    start=st.dates(date(2026, 1, 1), date(2026, 6, 1)),
    length=st.integers(1, 400),
    seen=st.lists(days, min_size=1, max_size=8),
)
def test_what_is_earned_by_any_day_is_its_days_share_rounded_once(
    amount: int, start: date, length: int, seen: list[date]
):
    """No day is more than half a cent from the exact share of the days so far, and the months sum to the line."""
    period = Period(start, start + timedelta(days=length))
    sold = subscription(line(amount))
    invoice = issuing.issued(sold, sold.lines, period, "INV-000001", noon(start))
    for day in seen:
        gone = min(max((day - start).days + 1, 0), length)
        exact = Fraction(amount * gone, length)
        assert abs(recognition.earned(invoice, [], day) - exact) <= Fraction(1, 2)
    months = list(recognition.by_month(invoice, [], start, START, date(2030, 1, 1)))
    assert sum(part for _, part in months) == amount
    assert len({day.isoformat()[:7] for day, _ in months}) == len(months)


# -- any facts in any order -----------------------------------------------------------------------------


class Shop:
    """One customer's invoices, payments, credit notes and balance as pure records, and the facts they gave."""

    def __init__(self, draw: Any, currency: str) -> None:
        self.draw, self.currency, self.day = draw, currency, FEBRUARY.start_on
        self.balance = Money.zero(currency)
        self.invoices: dict[str, Invoice] = {}
        self.payments: list[Payment] = []
        self.notes: list[CreditNote] = []
        self.events: list[Event] = []
        self.fresh = 0

    def kept(self) -> Kept:
        balances = [self.balance] if self.balance else []
        return Kept(
            events=self.events,
            invoices=list(self.invoices.values()),
            payments=self.payments,
            notes=self.notes,
            balances=balances,
        )

    def fact(self, type_: EventType, subject: str, entry: Entry | None, invoice: str = "") -> None:
        self.fresh += 1
        self.events.append(
            Event(
                account="acct_1",
                id=name_of(type_, subject, self.fresh),
                type=type_,
                subject=subject,
                about={"invoice": invoice} if invoice else {},
                created_at=noon(self.day),
                entry=entry,
            )
        )

    def of(self, invoice: Invoice) -> list[CreditNote]:
        return [note for note in self.notes if note.invoice == invoice.id]

    def earned_before_today(self) -> dict[str, int]:
        yesterday = self.day - timedelta(days=1)
        return {one.id: recognition.earned(one, self.of(one), yesterday) for one in self.invoices.values()}

    def any(self, *statuses: InvoiceStatus) -> Invoice | None:
        found = [one for one in self.invoices.values() if one.status in statuses and one.payment is None]
        return self.draw(st.sampled_from(found)) if found else None

    # -- what may happen

    def time_passes(self) -> None:
        self.day += timedelta(days=self.draw(st.integers(1, 20)))

    def issue(self) -> None:
        kinds = st.sampled_from([None, None, Kind.ONE_TIME, Kind.PRORATION])
        lines = tuple(
            line(
                self.draw(st.integers(0, 20000)),
                *self.draw(st.sampled_from([(), (VAT,), (INSIDE,), (VAT, INSIDE)])),
                kind=(kind := self.draw(kinds)),
                share=self.share() if kind is Kind.PRORATION else None,
            )
            for _ in range(self.draw(st.integers(1, 3)))
        )
        sold = subscription(
            *lines,
            currency=self.currency,
            cycle=len(self.invoices),
            taxes=(VAT, INSIDE),
            discounts=self.draw(st.sampled_from([(), (HALF,)])),
            fees=self.draw(st.sampled_from([(), (CARD,)])),
        )
        start = self.day + timedelta(days=self.draw(st.integers(-40, 40)))
        period = Period(start, start + timedelta(days=self.draw(st.integers(1, 400))))
        made = issuing.issued(
            sold, lines, period, f"INV-{len(self.invoices):06d}", noon(self.day), balance=self.balance.amount
        )
        self.invoices[made.id] = made
        self.balance -= made.amount_applied or Money.zero(self.currency)
        self.fact(EventType.INVOICE_OPENED, made.id, ledger.invoiced(made), made.id)

    def share(self) -> Share:
        start = self.day + timedelta(days=self.draw(st.integers(-40, 40)))
        length = self.draw(st.integers(1, 40))
        return Share(days=length, of_days=length + 5, start_on=start, end_on=start + timedelta(days=length))

    def pay(self) -> None:
        owed = [one for one in self.invoices.values() if one.status is InvoiceStatus.OPEN]
        if not owed:
            return
        chosen = owed[: self.draw(st.integers(1, len(owed)))]
        fee = self.draw(st.sampled_from([None, self.currency, "eur"]))
        payment = paying(*chosen, fee=Money(31, fee) if fee else None, net=Money(1900, fee) if fee else None)
        self.payments.append(payment)
        self.fact(EventType.PAYMENT_SUCCEEDED, payment.id, ledger.paid(payment))
        for one, part in zip(chosen, payment.allocations, strict=True):
            self.invoices[one.id] = one.reserved(payment.id).paid(payment.id, part.amount, noon(self.day))

    def credit(self) -> None:
        invoice = self.any(InvoiceStatus.OPEN, InvoiceStatus.PAID)
        rest = left(invoice, self.of(invoice)) if invoice else ()
        wanted = [self.wanted(one) for one in rest if one.amount and self.draw(st.booleans())]
        if invoice and self.draw(st.booleans()):
            wanted = [unused(invoice, one.line, self.day) for one in rest if one.amount]
        if invoice is None or not wanted:
            return
        try:
            note = crediting(invoice, *wanted, day=self.day, notes=self.of(invoice))
        except WrongState:
            return  # a share of no days, or of nothing
        self.fact(
            EventType.CREDIT_NOTE_ISSUED,
            note.id,
            ledger.credited(note, invoice, self.of(invoice)),
            invoice.id,
        )
        self.notes.append(note)
        self.balance += note.to_balance
        self.invoices[invoice.id] = invoice.credited(note.to_invoice, noon(self.day))

    def wanted(self, rest: CreditLine) -> Wanted:
        amount = self.draw(st.none() | st.integers(1, rest.amount.amount))
        return Wanted(line=rest.line, amount=Money(amount, self.currency) if amount else None)

    def void(self) -> None:
        invoice = self.any(InvoiceStatus.OPEN)
        if invoice is None or any(note.to_balance for note in self.of(invoice)) or invoice.amount_paid:
            return
        self.fact(
            EventType.INVOICE_VOIDED,
            invoice.id,
            ledger.voided(invoice, self.of(invoice), self.day),
            invoice.id,
        )
        self.balance += invoice.amount_applied or Money.zero(self.currency)
        self.invoices[invoice.id] = invoice.voided(self.day)

    def write_off(self) -> None:
        if invoice := self.any(InvoiceStatus.OPEN):
            self.fact(EventType.INVOICE_UNCOLLECTIBLE, invoice.id, ledger.written_off(invoice), invoice.id)
            self.invoices[invoice.id] = invoice.written_off()

    def adjust(self) -> None:
        amount = Money(self.draw(st.integers(-5000, 5000)), self.currency)
        self.balance += amount
        self.fact(EventType.BALANCE_ADJUSTED, "con_1", ledger.adjusted(amount))

    def apply(self) -> None:
        invoice = self.any(InvoiceStatus.OPEN)
        if invoice is None or not applicable(self.balance, invoice.amount_due):
            return
        part = applicable(self.balance, invoice.amount_due)
        self.fact(EventType.INVOICE_BALANCE_APPLIED, invoice.id, ledger.applied(part), invoice.id)
        self.invoices[invoice.id] = invoice.applied(part, noon(self.day))
        self.balance -= part


ACTS = [
    Shop.time_passes,
    Shop.issue,
    Shop.pay,
    Shop.credit,
    Shop.credit,
    Shop.void,
    Shop.write_off,
    Shop.adjust,
    Shop.apply,
]


@settings(max_examples=300, deadline=None)
@given(data=st.data(), acts=st.lists(st.sampled_from(ACTS), min_size=3, max_size=25))
def test_any_facts_in_any_order_keep_the_books_equal_to_the_records(data: st.DataObject, acts: list[Any]):
    """Whatever is issued, applied, paid, credited, voided, written off and adjusted, no law breaks at any moment.

    And nothing that happens changes what days before have earned: a month that was closed stays as it was.
    """
    shop = Shop(data.draw, data.draw(st.sampled_from(["usd", "jpy", "kwd"])))
    for act in [Shop.issue, *acts]:
        closed = shop.earned_before_today()
        act(shop)
        assert laws.broken(shop.kept()) == []
        if act is not Shop.time_passes:
            assert shop.earned_before_today() | closed == shop.earned_before_today()


@settings(max_examples=100, deadline=None)
@given(data=st.data(), acts=st.lists(st.sampled_from(ACTS), min_size=3, max_size=20))
def test_when_all_days_are_over_revenue_is_what_was_charged_and_not_given_back(
    data: st.DataObject, acts: list[Any]
):
    """By the end nothing is deferred, and revenue with what was earned is the net of lines less that of notes, void none."""
    shop = Shop(data.draw, "usd")
    for act in [Shop.issue, *acts]:
        act(shop)
    books = laws.sums(event.entry for event in shop.events)
    for invoice in shop.invoices.values():
        for day, amount in recognition.by_month(
            invoice, shop.of(invoice), invoice.issued_at.date(), START, laws.END
        ):
            assert day >= invoice.issued_at.date()
            books["usd", Book.DEFERRED] += amount
            books["usd", Book.REVENUE] -= amount
    charged = sum(
        recognition.net(invoice, rest.amount.amount, rest.taxes)
        for invoice in shop.invoices.values()
        if invoice.status is not InvoiceStatus.VOID
        for rest in left(invoice, shop.of(invoice))
    )
    assert (books["usd", Book.DEFERRED], books["usd", Book.REVENUE]) == (0, -charged)


# -- what the laws see -----------------------------------------------------------------------------------


def sound() -> Shop:
    """An invoice paid, credited in part and one still open."""
    shop = Shop(lambda _: None, "usd")
    for n, one in enumerate([issued(line(2800, VAT)), replace(issued(line(500)), id="inv_1_0002")]):
        shop.invoices[one.id] = one
        shop.fact(EventType.INVOICE_OPENED, one.id, ledger.invoiced(one), one.id)
        if n == 0:
            payment = paying(one, fee=usd(100), net=usd(3232))
            shop.payments.append(payment)
            shop.fact(EventType.PAYMENT_SUCCEEDED, payment.id, ledger.paid(payment))
            paid = one.reserved(payment.id).paid(payment.id, payment.amount, noon(START))
            note = crediting(paid, Wanted(line=0, amount=usd(800)), day=date(2026, 2, 5))
            shop.fact(EventType.CREDIT_NOTE_ISSUED, note.id, ledger.credited(note, paid, []), one.id)
            shop.invoices[one.id] = paid.credited(note.to_invoice, noon(START))
            shop.notes.append(note)
            shop.balance = note.to_balance
    assert laws.broken(shop.kept()) == []
    return shop


def test_a_fact_that_was_never_posted_is_named():
    """Without the entry of a payment, the sums of paid and owed are wrong, and the payment is named."""
    shop = sound()
    kept = replace(shop.kept(), events=[one for one in shop.events if not one.id.startswith("evt_pay")])
    found = laws.broken(kept)
    assert found[:2] == [
        "What is owed is 38.32 usd in the books, and 5.00 usd by the records (debit above zero).",
        "What was paid is 0.00 usd in the books, and 33.32 usd by the records (debit above zero).",
    ]
    assert any(sentence.startswith("pay_1_0001_1 posted nothing") for sentence in found)


BREAKS: dict[str, tuple[Any, str]] = {
    "balance": (lambda kept: replace(kept, balances=[]), "What customers have to their credit is -9.52 usd"),
    "payment": (lambda kept: replace(kept, payments=[]), "says 33.32 usd was paid, its payments 0.00 usd"),
    "note": (lambda kept: replace(kept, notes=[]), "counts 1 credit notes, and there are 0"),
    "invoice": (lambda kept: replace(kept, invoices=kept.invoices[1:]), "which there is not"),
    "status": (
        lambda kept: replace(
            kept, invoices=[kept.invoices[0], replace(kept.invoices[1], status=InvoiceStatus.PAID)]
        ),
        "inv_1_0002 is paid, and 5.00 usd of it is open",
    ),
    "day": (
        lambda kept: replace(kept, notes=[replace(kept.notes[0], issued_on=date(2026, 2, 27))]),
        "cn_1_0001_1 posted",
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_record_that_differs_from_the_books_is_found(name: str):
    """A balance, payment, note, invoice, status or day that is not what was posted breaks a law that says which."""
    change, said = BREAKS[name]
    assert said in " ".join(laws.broken(change(sound().kept())))
