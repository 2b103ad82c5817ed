"""The books: every fact that moves money posts one balanced entry, in the transaction that makes it happen.

An amount is signed minor units, debit above zero. Receivable is what open invoices owe, cash what Stripe's balance
holds of ours, bank what came another way, credits what customers have to theirs, deferred what was invoiced for days that
are still to come, refunds what is on its way back to buyers, disputed what Stripe holds back while a dispute is open.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from chalicelib.billing import recognition
from chalicelib.billing.credits import CreditLine, CreditNote, left
from chalicelib.billing.errors import Invalid
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.money import Money
from chalicelib.billing.payments import Payment


class Book(StrEnum):
    """The accounts of the ledger."""

    RECEIVABLE = "receivable"
    CASH = "cash"
    FEES = "fees"
    TAX = "tax"
    CREDITS = "credits"
    DEFERRED = "deferred"
    REVENUE = "revenue"
    BAD_DEBT = "bad_debt"
    GOODWILL = "goodwill"
    BANK = "bank"
    REFUNDS = "refunds"
    DISPUTED = "disputed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What Stripe changed the cash of a payment to: the currency it pays out in, and its fee in that."""

    cash: Money
    fees: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Postings in one currency that sum to zero, none of them zero; Invalid `unbalanced_entry`."""

    currency: str
    postings: dict[Book, int]
    settled: Settled | None = None

    def __post_init__(self) -> None:
        if sum(self.postings.values()):
            raise Invalid("unbalanced_entry", "The postings of an entry sum to zero.", "postings")


def invoiced(invoice: Invoice) -> Entry | None:
    """An invoice was issued: what is for days is deferred, what is sold once is revenue at once."""
    applied = invoice.amount_applied.amount if invoice.amount_applied else 0
    books = {Book.RECEIVABLE: invoice.total.amount - applied, Book.CREDITS: applied}
    books[Book.TAX] = -sum(tax.amount.amount for tax in invoice.taxes)
    for line in invoice.lines:
        book = Book.REVENUE if recognition.at_once(line) else Book.DEFERRED
        books[book] = books.get(book, 0) - recognition.net(invoice, line.charged.amount, line.taxes)
    return entry(invoice.currency, books)


def paid(payment: Payment) -> Entry | None:
    """A payment succeeded: what it brought after Stripe's fee, the fee, and what is no longer owed.

    A fee that is not known, or that Stripe took in the currency it pays out in, is not among the postings: the
    whole amount is cash. What Stripe changed it to is told beside them.
    """
    fee = payment.fee if payment.fee and payment.fee.currency == payment.amount.currency else None
    gross, taken = payment.amount.amount, fee.amount if fee else 0
    made = entry(
        payment.amount.currency, {Book.CASH: gross - taken, Book.FEES: taken, Book.RECEIVABLE: -gross}
    )
    if made is None or fee or not (payment.fee and payment.net):
        return made
    return replace(made, settled=Settled(cash=payment.net, fees=payment.fee))


def credited(note: CreditNote, invoice: Invoice, earlier: Sequence[CreditNote]) -> Entry | None:
    """A credit note was issued, after `earlier` ones: its invoice's postings taken back, as far as it goes."""
    day = note.issued_on
    before = recognition.unearned(invoice, earlier, day)
    unearned = before - recognition.unearned(invoice, (*earlier, note), day)
    settled = {Book.RECEIVABLE: -note.to_invoice.amount, Book.CREDITS: -note.to_balance.amount}
    return entry(note.currency, _reversed(invoice, note.lines, unearned) | settled)


def voided(invoice: Invoice, notes: Sequence[CreditNote], day: date) -> Entry | None:
    """An invoice, as it was before, was voided on a local day: what its credit notes left is taken back, its applied balance returned."""
    applied = invoice.amount_applied.amount if invoice.amount_applied else 0
    settled = {Book.RECEIVABLE: -invoice.amount_due.amount, Book.CREDITS: -applied}
    unearned = recognition.unearned(invoice, notes, day)
    return entry(invoice.currency, _reversed(invoice, left(invoice, notes), unearned) | settled)


def _reversed(invoice: Invoice, lines: Sequence[CreditLine], unearned: int) -> dict[Book, int]:
    """The tax of parts of an invoice's lines, and what they were without it: deferred as far as `unearned`, else revenue."""
    net = sum(recognition.net(invoice, line.amount.amount, line.taxes) for line in lines)
    tax = sum(part.amount.amount for line in lines for part in line.taxes)
    return {Book.TAX: tax, Book.DEFERRED: unearned, Book.REVENUE: net - unearned}


def written_off(invoice: Invoice) -> Entry | None:
    """What an invoice, as it was before, still owed is lost."""
    owed = invoice.amount_due.amount
    return entry(invoice.currency, {Book.BAD_DEBT: owed, Book.RECEIVABLE: -owed})


def applied(amount: Money) -> Entry | None:
    """An amount of an open invoice was paid from its customer's balance."""
    return entry(amount.currency, {Book.CREDITS: amount.amount, Book.RECEIVABLE: -amount.amount})


def adjusted(amount: Money) -> Entry | None:
    """A customer's balance was raised by an amount out of goodwill, or lowered where it is negative."""
    return entry(amount.currency, {Book.GOODWILL: amount.amount, Book.CREDITS: -amount.amount})


def entry(currency: str, books: Mapping[Book, int]) -> Entry | None:
    """An entry without the books it leaves alone; None where it moves nothing."""
    moved = {book: amount for book, amount in books.items() if amount}
    return Entry(currency=currency, postings=moved) if moved else None
