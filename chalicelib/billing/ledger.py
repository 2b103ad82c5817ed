"""The books: every fact that moves money posts one balanced entry, in the transaction that makes it happen.

An amount is signed minor units, debit above zero. Receivable is what open invoices owe, cash what Stripe's balance
holds of ours, credits what customers have to theirs, deferred what was invoiced for days that are still to come.
"""

from dataclasses import dataclass
from enum import StrEnum

from chalicelib.billing.errors import Invalid
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.lines import Kind
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Postings in one currency that sum to zero; Invalid `unbalanced_entry`."""

    currency: str
    postings: dict[Book, int]

    def __post_init__(self) -> None:
        if sum(self.postings.values()):
            raise Invalid("unbalanced_entry", "The postings of an entry sum to zero.", "postings")


def invoiced(invoice: Invoice) -> Entry:
    """An invoice was issued: what is for days to come is deferred, what is sold once is revenue at once."""
    inside = {tax.tax for tax in invoice.taxes if tax.inclusive}
    books = {Book.TAX: -sum(tax.amount.amount for tax in invoice.taxes)}
    for line in invoice.lines:
        net = line.charged.amount - sum(part.amount.amount for part in line.taxes if part.tax in inside)
        book = Book.REVENUE if line.kind in (Kind.ONE_TIME, Kind.FEE) else Book.DEFERRED
        books[book] = books.get(book, 0) - net
    applied = invoice.amount_applied.amount if invoice.amount_applied else 0
    books |= {Book.RECEIVABLE: invoice.total.amount - applied, Book.CREDITS: applied}
    return entry(invoice.currency, books)


def paid(payment: Payment) -> Entry:
    """A payment succeeded: what it brought after Stripe's fee, the fee, and what is no longer owed."""
    fee = payment.fee.amount if payment.fee and payment.fee.currency == payment.amount.currency else 0
    gross = payment.amount.amount
    return entry(payment.amount.currency, {Book.CASH: gross - fee, Book.FEES: fee, Book.RECEIVABLE: -gross})


def entry(currency: str, books: dict[Book, int]) -> Entry:
    """An entry without the books it leaves alone."""
    return Entry(currency=currency, postings={book: amount for book, amount in books.items() if amount})
