"""What holds at any quiet moment between the books and the records; what does not is said in a sentence each."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from chalicelib.billing import ledger, recognition
from chalicelib.billing.credits import CreditNote, left
from chalicelib.billing.events import Event, EventType
from chalicelib.billing.invoices import Invoice, InvoiceStatus
from chalicelib.billing.ledger import Book, Entry
from chalicelib.billing.money import Money
from chalicelib.billing.payments import Payment, PaymentStatus

END = date(9999, 12, 30)

OWED = "What is owed"
PAID = "What was paid"
CREDIT = "What customers have to their credit"
TAX = "Tax"
CHARGED = "What was charged without tax"
LOST = "What was written off"
TOTALS = {
    Book.RECEIVABLE: OWED,
    Book.CASH: PAID,
    Book.FEES: PAID,
    Book.CREDITS: CREDIT,
    Book.TAX: TAX,
    Book.DEFERRED: CHARGED,
    Book.REVENUE: CHARGED,
    Book.BAD_DEBT: LOST,
}
"""What the sum of which books is; goodwill is told by no record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """All of an account at one moment: `events` are all its facts, `balances` what its contacts have to their credit."""

    events: Sequence[Event]
    invoices: Sequence[Invoice]
    payments: Sequence[Payment]
    notes: Sequence[CreditNote]
    balances: Sequence[Money]


def broken(kept: Kept) -> list[str]:
    """What does not hold, sums first and then fact by fact; none proves that the books are what the records say.

    That each entry balances is not asked: one that does not cannot be made, nor read.
    """
    by_id = {invoice.id: invoice for invoice in kept.invoices}
    strays = [note for note in kept.notes if note.invoice not in by_id]
    if strays:
        return [f"{note.id} credits {note.invoice}, which there is not." for note in strays]
    return [*_totals(kept), *_facts(kept), *_invoices(kept)]


def sums(entries: Iterable[Entry | None]) -> Counter[tuple[str, Book]]:
    """What entries come to, by currency and book; minor units, debit above zero."""
    made: Counter[tuple[str, Book]] = Counter()
    for entry in entries:
        for book, amount in entry.postings.items() if entry else ():
            made[entry.currency if entry else "", book] += amount
    return made


def _totals(kept: Kept) -> Iterator[str]:
    there: Counter[tuple[str, str]] = Counter()
    for (currency, book), amount in sums(event.entry for event in kept.events).items():
        if book in TOTALS:
            there[currency, TOTALS[book]] += amount
    here = _told(kept)
    for currency, what in sorted({*there, *here}):
        booked, told = Money(there[currency, what], currency), Money(here[currency, what], currency)
        if booked != told:
            yield f"{what} is {booked} in the books, and {told} by the records (debit above zero)."


def _told(kept: Kept) -> Counter[tuple[str, str]]:
    """The same sums by the records."""
    told: Counter[tuple[str, str]] = Counter()
    notes = _notes(kept)
    for invoice in kept.invoices:
        told[invoice.currency, OWED] += invoice.amount_due.amount
        if invoice.status is InvoiceStatus.UNCOLLECTIBLE:
            told[invoice.currency, LOST] += invoice.amount_open.amount
        if invoice.status is not InvoiceStatus.VOID:
            for line in left(invoice, notes(invoice)):
                told[invoice.currency, CHARGED] -= recognition.net(invoice, line.amount.amount, line.taxes)
                told[invoice.currency, TAX] -= sum(tax.amount.amount for tax in line.taxes)
    for payment in kept.payments:
        if payment.status is PaymentStatus.SUCCEEDED:
            told[payment.amount.currency, PAID] += payment.amount.amount
    for balance in kept.balances:
        told[balance.currency, CREDIT] -= balance.amount
    return told


def _facts(kept: Kept) -> Iterator[str]:
    """Each payment and credit note posted once, and what it should have."""
    posted = {(event.type, event.subject): event.entry for event in kept.events if event.entry}
    for payment in kept.payments:
        wanted = ledger.paid(payment) if payment.status is PaymentStatus.SUCCEEDED else None
        yield from _compared(payment.id, posted.get((EventType.PAYMENT_SUCCEEDED, payment.id)), wanted)
    by_id, notes = {invoice.id: invoice for invoice in kept.invoices}, _notes(kept)
    for note in kept.notes:
        of_it = notes(by_id[note.invoice])
        wanted = ledger.credited(note, by_id[note.invoice], of_it[: of_it.index(note)])
        yield from _compared(note.id, posted.get((EventType.CREDIT_NOTE_ISSUED, note.id)), wanted)


def _compared(name: str, posted: Entry | None, wanted: Entry | None) -> Iterator[str]:
    if posted != wanted:
        yield f"{name} posted {_said(posted)}, and should have posted {_said(wanted)}."


def _said(entry: Entry | None) -> str:
    if entry is None:
        return "nothing"
    return ", ".join(f"{book} {Money(amount, entry.currency)}" for book, amount in entry.postings.items())


def _invoices(kept: Kept) -> Iterator[str]:
    """Each invoice's own course: what was paid and credited, what is open, and that all of it is earned in the end."""
    notes = _notes(kept)
    paid: Counter[str] = Counter()
    for payment in kept.payments:
        for part in payment.allocations if payment.status is PaymentStatus.SUCCEEDED else ():
            paid[part.invoice] += part.amount.amount
    posted: dict[str, list[Entry | None]] = {}
    for event in kept.events:
        posted.setdefault(event.about.get("invoice", event.subject), []).append(event.entry)
    for invoice in kept.invoices:
        yield from _settled(invoice, notes(invoice), paid[invoice.id])
        booked = sums(posted.get(invoice.id, ()))[invoice.currency, Book.DEFERRED]
        if rest := booked + recognition.earned(invoice, notes(invoice), END):
            yield f"{invoice.id} leaves {Money(rest, invoice.currency)} deferred when all its days are over."


def _settled(invoice: Invoice, notes: Sequence[CreditNote], paid: int) -> Iterator[str]:
    if invoice.amount_paid.amount != paid:
        yield f"{invoice.id} says {invoice.amount_paid} was paid, its payments {Money(paid, invoice.currency)}."
    if invoice.notes != len(notes):
        yield f"{invoice.id} counts {invoice.notes} credit notes, and there are {len(notes)}."
    taken = sum(note.to_invoice.amount for note in notes)
    credited = invoice.amount_credited.amount if invoice.amount_credited else 0
    if credited != taken:
        told = f"its notes {Money(taken, invoice.currency)}"
        yield f"{invoice.id} says {Money(credited, invoice.currency)} was credited, {told}."
    is_open = invoice.status in (InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE)
    odd = invoice.amount_open.amount < 0 or is_open is not bool(invoice.amount_open)
    if odd and invoice.status is not InvoiceStatus.VOID:
        yield f"{invoice.id} is {invoice.status}, and {invoice.amount_open} of it is open."


def _notes(kept: Kept) -> Callable[[Invoice], list[CreditNote]]:
    """The credit notes of an invoice, oldest first."""
    of: dict[str, list[CreditNote]] = {}
    for note in sorted(kept.notes, key=lambda note: int(note.id.rpartition("_")[2])):
        of.setdefault(note.invoice, []).append(note)
    return lambda invoice: of.get(invoice.id, [])
