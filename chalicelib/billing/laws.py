"""What holds at any quiet moment between the books and the records; what does not is said in a sentence each."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain

from chalicelib.billing import ledger, recognition
from chalicelib.billing.credits import CreditNote, left
from chalicelib.billing.disputes import Dispute
from chalicelib.billing.errors import Invalid
from chalicelib.billing.events import Event, EventType
from chalicelib.billing.invoices import Invoice, InvoiceStatus
from chalicelib.billing.ledger import Book, Entry, Settled
from chalicelib.billing.money import Money
from chalicelib.billing.payments import Payment
from chalicelib.billing.refunds import Refund, RefundStatus

END = date(9999, 12, 30)
CAME = frozenset(
    {
        EventType.PAYMENT_SUCCEEDED,
        EventType.PAYMENT_RECORDED,
        EventType.PAYMENT_TAKEN,
        EventType.PAYMENT_FEE_KNOWN,
    }
)
"""The facts by which a payment's money came."""
MOVED = frozenset(
    {
        EventType.REFUND_CREATED,
        EventType.REFUND_SUCCEEDED,
        EventType.REFUND_FAILED,
        EventType.DISPUTE_OPENED,
        EventType.DISPUTE_UPDATED,
        EventType.DISPUTE_CLOSED,
    }
)
"""The facts by which it goes back."""

OWED = "What is owed"
PAID = "What was paid"
CREDIT = "What customers have to their credit"
TAX = "Tax"
CHARGED = "What was charged without tax"
LOST = "What was written off"
BY_HAND = "What came another way"
GOES_BACK = "What is on its way back to buyers"
HELD_BACK = "What is held back in disputes"
TOTALS = {
    Book.RECEIVABLE: OWED,
    Book.CASH: PAID,
    Book.FEES: PAID,
    Book.CREDITS: CREDIT,
    Book.TAX: TAX,
    Book.DEFERRED: CHARGED,
    Book.REVENUE: CHARGED,
    Book.BAD_DEBT: LOST,
    Book.BANK: BY_HAND,
    Book.REFUNDS: GOES_BACK,
    Book.DISPUTED: HELD_BACK,
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
    refunds: Sequence[Refund] = ()
    disputes: Sequence[Dispute] = ()


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
    told.update(_money(kept))
    for balance in kept.balances:
        told[balance.currency, CREDIT] -= balance.amount
    return told


def _money(kept: Kept) -> Counter[tuple[str, str]]:
    """What arrived, less what went back, what is on its way there, and what is held back."""
    told: Counter[tuple[str, str]] = Counter()
    for payment in kept.payments:
        if payment.taken:
            what = PAID if payment.request is not None else BY_HAND
            told[payment.amount.currency, what] += payment.amount.amount
        if payment.amount_returned is not None:
            gone = HELD_BACK if payment.request is not None else BY_HAND
            told[payment.amount.currency, gone] -= payment.amount_returned.amount
    for refund in kept.refunds:
        done = BY_HAND if refund.by_hand else PAID
        where = {RefundStatus.SUCCEEDED: done, RefundStatus.PENDING: GOES_BACK}
        if refund.status in where and not refund.to_balance:
            told[refund.amount.currency, where[refund.status]] -= refund.amount.amount
    for dispute in kept.disputes:
        currency, held = dispute.amount.currency, dispute.held.amount
        told[currency, PAID] -= held
        told[currency, LOST if dispute.lost and not dispute.returned else HELD_BACK] += held
    return told


def _facts(kept: Kept) -> Iterator[str]:
    """Each payment, refund, dispute and credit note posted what it should have, in one fact or in several."""
    came = _posted(kept, CAME)
    for payment in kept.payments:
        wanted = ledger.paid(payment) if payment.taken else None
        yield from _compared_sums(payment.id, came.pop(payment.id, []), wanted, payment.amount.currency)
    back = _posted(kept, frozenset({EventType.PAYMENT_RETURNED}))
    for payment in kept.payments:
        book = Book.DISPUTED if payment.request is not None else Book.BANK
        booked = sums(back.get(payment.id, ()))[payment.amount.currency, book]
        if booked != -(payment.amount_returned.amount if payment.amount_returned else 0):
            told = Money(-booked, payment.amount.currency)
            yield f"{payment.id} says {payment.amount_returned or 'nothing'} came back of it, and the books {told}."
    moved = _posted(kept, MOVED)
    for refund in kept.refunds:
        made = ledger.refunded(None, refund)
        yield from _compared_sums(refund.id, moved.pop(refund.id, []), made, refund.amount.currency)
        yield from _of_payment(kept, refund)
    for dispute in kept.disputes:
        made = ledger.disputed(None, dispute)
        yield from _compared_sums(dispute.id, moved.pop(dispute.id, []), made, dispute.amount.currency)
    for name in chain(came, moved):
        yield f"{name} posted {_said_sums(name, came, moved)}, and there is no such record."
    yield from _sums_of_payments(kept)
    yield from _credits(kept)


def _credits(kept: Kept) -> Iterator[str]:
    """Each credit note posted what it should have, and gives what its lines come to."""
    posted = {(event.type, event.subject): event.entry for event in kept.events if event.entry}
    by_id, notes = {invoice.id: invoice for invoice in kept.invoices}, _notes(kept)
    for note in kept.notes:
        of_it = notes(by_id[note.invoice])
        try:
            wanted = ledger.credited(note, by_id[note.invoice], of_it[: of_it.index(note)])
        except Invalid:
            yield f"{note.id} gave {note.to_invoice} and {note.to_balance}, which its lines do not come to."
            continue
        yield from _compared(note.id, posted.get((EventType.CREDIT_NOTE_ISSUED, note.id)), wanted)


def _posted(kept: Kept, types: Set[EventType]) -> dict[str, list[Entry]]:
    """What facts of some types posted, by their subject."""
    posted: dict[str, list[Entry]] = {}
    for event in kept.events:
        if event.entry and event.type in types:
            posted.setdefault(event.subject, []).append(event.entry)
    return posted


def _compared_sums(name: str, posted: list[Entry], wanted: Entry | None, currency: str) -> Iterator[str]:
    """One record's facts together; what Stripe changed the cash to is compared where one fact alone told it."""
    there = ledger.entry(currency, {book: amount for (_, book), amount in sums(posted).items()})
    told = [entry.settled for entry in posted if entry.settled]
    here = replace(wanted, settled=None) if wanted else None
    if there != here:
        yield f"{name} posted {_said(there)}, and should have posted {_said(here)}."
    elif wanted and wanted.settled and len(told) == 1 and not _same(told[0], wanted.settled):
        yield f"{name} was changed to {told[0].cash}, and should have been to {wanted.settled.cash}."


def _same(told: Settled, wanted: Settled) -> bool:
    return (told.cash, told.fees) == (wanted.cash, wanted.fees)


def _said_sums(name: str, *posted: dict[str, list[Entry]]) -> str:
    return "; ".join(_said(entry) for of in posted for entry in of.get(name, ()))


def _of_payment(kept: Kept, refund: Refund) -> Iterator[str]:
    """A refund gives back a payment there is, which its credit notes took from."""
    if all(payment.id != refund.payment for payment in kept.payments):
        yield f"{refund.id} gives back {refund.payment}, which there is not."
    for name in refund.credit_notes:
        if all(note.id != name for note in kept.notes):
            yield f"{refund.id} was credited by {name}, which there is not."


def _sums_of_payments(kept: Kept) -> Iterator[str]:
    """What each payment says went back of it, or is disputed, is what its refunds and disputes say, and no more than it brought."""
    back: Counter[str] = Counter()
    held: Counter[str] = Counter()
    for refund in kept.refunds:
        if refund.status is not RefundStatus.FAILED and not refund.to_balance:
            back[refund.payment] += refund.amount.amount
    for dispute in kept.disputes:
        held[dispute.payment] += dispute.held.amount
    for payment in kept.payments:
        currency = payment.amount.currency
        for said, of, what in (
            (payment.amount_refunded, back, "was refunded"),
            (payment.amount_disputed, held, "is disputed"),
        ):
            told = Money(of[payment.id], currency)
            if (said or Money.zero(currency)) != told:
                yield f"{payment.id} says {said or Money.zero(currency)} {what}, and it is {told}."
        if back[payment.id] > payment.amount.amount:
            yield f"{payment.id} brought {payment.amount}, and {Money(back[payment.id], currency)} went back of it."


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
        for part in payment.stays:
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
    for n, (line, rest) in enumerate(zip(invoice.lines, left(invoice, notes), strict=True)):
        charged = line.charged.amount
        if not min(0, charged) <= rest.amount.amount <= max(0, charged):
            yield f"{invoice.id} charged {line.charged} by line {n}, and {line.charged - rest.amount} of it is credited."
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
