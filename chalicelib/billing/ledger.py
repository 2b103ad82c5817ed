"""The books: every fact that moves money posts one balanced entry, in the transaction that makes it happen.

An amount is signed minor units, debit above zero. Receivable is what open invoices owe, cash what Stripe's balance
holds of ours, bank what came another way, credits what customers have to theirs, deferred what was invoiced for days that
are still to come, refunds what is on its way back to buyers, disputed what Stripe holds back while a dispute is open.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import assert_never

from chalicelib.billing import recognition
from chalicelib.billing.credits import CreditLine, CreditNote, left
from chalicelib.billing.disputes import Dispute
from chalicelib.billing.errors import Invalid
from chalicelib.billing.invoices import Invoice, InvoiceStatus
from chalicelib.billing.money import Money
from chalicelib.billing.payments import Payment
from chalicelib.billing.refunds import Refund, RefundStatus


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
    """What Stripe changed the cash of a payment to: the currency it pays out in, and its fee in that; below zero where it took.

    `taken` is the cash that was changed where that is not what the entry posts.
    """

    cash: Money
    fees: Money
    taken: Money | None = None


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

    What it brought beyond its invoices is its customer's. A fee that is not known, or that Stripe took in the currency it
    pays out in, is not among the postings: the whole amount is cash. What Stripe changed it to is told beside them.
    """
    known = payment.fee is not None and payment.fee.currency == payment.amount.currency
    fee = payment.fee if known else None
    gross, taken = payment.amount.amount, fee.amount if fee else 0
    over = payment.overpaid.amount
    book = Book.CASH if payment.request is not None else Book.BANK
    books = {book: gross - taken, Book.FEES: taken, Book.RECEIVABLE: over - gross, Book.CREDITS: -over}
    made = entry(payment.amount.currency, books)
    if made is None or known or payment.fee is None or payment.net is None:
        return made
    return replace(made, settled=Settled(cash=payment.net, fees=payment.fee))


def fee_known(payment: Payment) -> Entry | None:
    """Stripe told its fee of a payment after that had been posted: what it kept is not cash."""
    fee, net = payment.fee, payment.net
    if fee is None or net is None:
        return None
    if fee.currency == payment.amount.currency:
        return entry(fee.currency, {Book.FEES: fee.amount, Book.CASH: -fee.amount})
    settled = Settled(cash=net, fees=fee, taken=payment.amount)
    return Entry(currency=payment.amount.currency, postings={}, settled=settled)


def refunded(before: Refund | None, after: Refund) -> Entry | None:
    """What a refund's next state moves: from its customer's balance on its way to the buyer, then out of the cash, or back."""
    moved = _between(_refund(before) if before else {}, _refund(after))
    made = entry(after.amount.currency, moved)
    if made is None or Book.CASH not in made.postings or after.net is None or after.fee is None:
        return made
    if after.net.currency == after.amount.currency:
        return made
    back = -1 if after.status is RefundStatus.FAILED else 1
    return replace(made, settled=Settled(cash=after.net * back, fees=after.fee * back))


def _refund(refund: Refund) -> dict[Book, int]:
    """Where the money of a refund stands."""
    amount = refund.amount.amount
    out = Book.BANK if refund.by_hand else Book.CASH
    fee = refund.fee.amount if refund.fee and refund.fee.currency == refund.amount.currency else 0
    match refund.status:
        case _ if refund.to_balance:
            return {}
        case RefundStatus.PENDING:
            return {Book.CREDITS: amount, Book.REFUNDS: -amount}
        case RefundStatus.SUCCEEDED:
            return {Book.CREDITS: amount, out: -amount - fee, Book.FEES: fee}
        case RefundStatus.FAILED:
            return {}
    assert_never(refund.status)


def disputed(before: Dispute | None, after: Dispute) -> Entry | None:
    """What a dispute's next state moves: out of the cash as Stripe takes it, with its fee, back, or to what is lost.

    Of a bank debit that came back nothing is lost here: `returned` tells what is owed again.
    """
    moved = _between(_dispute(before) if before else {}, _dispute(after))
    made = entry(after.amount.currency, moved)
    taken, was = after.withdrawn + after.fee, Money.zero(after.withdrawn.currency)
    fees = after.fee
    if before is not None and before.withdrawn.currency == after.withdrawn.currency:
        was, fees = before.withdrawn + before.fee, after.fee - before.fee
    if made is None or Book.CASH not in made.postings or taken.currency == after.amount.currency:
        return made
    return replace(made, settled=Settled(cash=was - taken, fees=fees))


def _dispute(dispute: Dispute) -> dict[Book, int]:
    """Where the money of a dispute stands."""
    gross = dispute.held.amount
    fee = dispute.fee.amount if dispute.fee.currency == dispute.amount.currency else 0
    book = Book.BAD_DEBT if dispute.lost and not dispute.returned else Book.DISPUTED
    return {Book.CASH: -gross - fee, Book.FEES: fee, book: gross}


def returned(payment: Payment, owed: Sequence[Invoice]) -> Entry | None:
    """A bank took a payment back: what it paid is owed again by its invoices, as they were before, or lost with them.

    One that was written down by mistake never came to the bank.
    """
    back = payment.amount_returned or Money.zero(payment.amount.currency)
    came = Book.DISPUTED if payment.request is not None else Book.BANK
    books = {came: -back.amount, Book.CREDITS: back.amount}
    status = {invoice.id: invoice.status for invoice in owed}
    for part in payment.came_back:
        lost = status.get(part.invoice) is InvoiceStatus.UNCOLLECTIBLE
        book = Book.BAD_DEBT if lost else Book.RECEIVABLE
        books[book] = books.get(book, 0) + part.amount.amount
        books[Book.CREDITS] -= part.amount.amount
    return entry(payment.amount.currency, books)


def _between(before: Mapping[Book, int], after: Mapping[Book, int]) -> dict[Book, int]:
    return {book: after.get(book, 0) - before.get(book, 0) for book in (*before, *after)}


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


def recovered(invoice: Invoice) -> Entry | None:
    """What an invoice, as it is after, owes again is no longer given up."""
    owed = invoice.amount_due.amount
    return entry(invoice.currency, {Book.RECEIVABLE: owed, Book.BAD_DEBT: -owed})


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
