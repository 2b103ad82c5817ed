"""One customer's invoices, payments, credit notes and balance, to which anything may happen."""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from chalicelib.billing import issuing, ledger, recognition
from chalicelib.billing.credits import CreditLine, CreditNote, Wanted, left
from chalicelib.billing.errors import WrongState
from chalicelib.billing.events import Event, EventType, name_of
from chalicelib.billing.invoices import Invoice, InvoiceStatus
from chalicelib.billing.issuing import applicable
from chalicelib.billing.laws import Kept
from chalicelib.billing.ledger import Entry
from chalicelib.billing.lines import Kind, Share
from chalicelib.billing.money import Money
from chalicelib.billing.payments import Payment
from chalicelib.billing.periods import Period
from tests.billing.booked import (
    CARD,
    FEBRUARY,
    HALF,
    INSIDE,
    VAT,
    crediting,
    line,
    noon,
    paying,
    subscription,
    unused,
)


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
