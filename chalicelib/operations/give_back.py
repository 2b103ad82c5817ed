"""Fold money that goes back into a changeset: credit notes, the refund that takes what they gave, and what became of it."""

import logging
from collections.abc import Sequence
from dataclasses import replace

from chalicelib.billing import ledger, parts
from chalicelib.billing.credits import CreditNote, check_reason, noted
from chalicelib.billing.disputes import FOUGHT, Dispute
from chalicelib.billing.errors import Invalid, WrongState
from chalicelib.billing.events import EventType
from chalicelib.billing.gateway import RefundTold
from chalicelib.billing.invoices import Invoice, InvoiceStatus
from chalicelib.billing.money import Money, smallest_at_stripe
from chalicelib.billing.payments import LEASE, Payment
from chalicelib.billing.refunds import Refund, RefundStatus, name_of
from chalicelib.crm.accounts import Moment
from chalicelib.crm.contacts import Contact
from chalicelib.operations import credit, publish
from chalicelib.store.changes import Changeset

log = logging.getLogger("perennial")

MOST_NOTES = 20
"""Credit notes of one refund: with all that follows from each they fit one transaction."""


def of_amount(
    changes: Changeset,
    payment: Payment,
    amount: Money | None,
    at: Moment,
    *,
    invoice: str | None = None,
    reason: str = "",
    to_balance: bool = False,
) -> Refund:
    """Give back an amount of a payment, or all that is left of it: credit its invoices, oldest first, or one of them.

    What they have not to give is taken from the customer's balance. Raises Invalid or WrongState.
    """
    check_refundable(changes, payment)
    if invoice is not None and all(part.invoice != invoice for part in payment.allocations):
        raise Invalid("not_paid_by_it", f"{payment.id} did not pay {invoice}.", "invoice")
    if amount is None:
        amount = (
            _all_of(changes, payment, invoice, to_balance=to_balance)
            if invoice or to_balance
            else payment.refundable
        )
    payment.refunded(amount)  # what cannot go back is refused before anything is credited
    notes = _credited(changes, payment, amount, at, invoice=invoice, reason=reason)
    given = sum(note.to_balance.amount for note in notes)
    if (invoice or to_balance) and given < amount.amount:
        detail = f"Its invoices have {Money(given, amount.currency)} left to credit; send at most that."
        raise Invalid("credit_out_of_range", detail, "amount")
    return asked(changes, payment, amount, notes, at, reason=reason, to_balance=to_balance)


def of_note(
    changes: Changeset, payments: Sequence[Payment], note: CreditNote, at: Moment, *, reason: str = ""
) -> list[Refund]:
    """Give back what a credit note gave to the balance, to the payments of its invoice, newest first, as far as they go.

    Raises WrongState `nothing_to_refund` where there is none.
    """
    made: list[Refund] = []
    rest = note.to_balance
    for payment in payments:
        amount = _sendable(payment, min(rest, payment.refundable))
        if amount:
            check_refundable(changes, payment)
            made.append(asked(changes, payment, amount, [note], at, reason=reason))
            rest -= amount
    if not made:
        detail = (
            f"No payment of {note.invoice} has anything left to give back, or the note took all of it off what is"
            " owed; send it without refund, and what it gives is the customer's balance."
        )
        raise WrongState("nothing_to_refund", detail, "refund")
    return made


def check_refundable(changes: Changeset, payment: Payment) -> None:
    """Refuse a payment whose money a bank holds. Raises WrongState."""
    dispute = changes.find(Dispute, payment.dispute) if payment.dispute else None
    if dispute is not None and dispute.status in FOUGHT:
        detail = (
            f"{payment.id} is disputed ({dispute.id}), and the bank has the money: answer the dispute at Stripe, or"
            " accept it there, which gives the money back."
        )
        raise WrongState("payment_disputed", detail, "payment")


def _all_of(changes: Changeset, payment: Payment, invoice: str | None, *, to_balance: bool) -> Money:
    """All of a payment that its invoices, or one of them, have left to credit, as far as it can go."""
    left = 0
    for part in payment.allocations:
        owed = changes.get(Invoice, part.invoice)
        if invoice in (None, owed.id) and _creditable(owed):
            left += min(part.amount, parts.creditable(owed, credit.notes_of(changes, owed))).amount
    amount = Money(min(left, payment.refundable.amount), payment.amount.currency)
    return amount if to_balance else _sendable(payment, amount)


def _sendable(payment: Payment, amount: Money) -> Money:
    """As much of an amount as Stripe can give back: in multiples of its smallest. By hand it is all of it."""
    step = 1 if payment.request is None else smallest_at_stripe(amount.currency)
    return Money(amount.amount - amount.amount % step, amount.currency)


def _check_sendable(payment: Payment, amount: Money) -> None:
    """Refuse what Stripe would never take, before it has left the balance. Raises Invalid."""
    if _sendable(payment, amount) != amount:
        step = smallest_at_stripe(amount.currency)
        detail = (
            f"Stripe gives {amount.currency} back in multiples of {step} minor units, not {amount.amount}."
        )
        raise Invalid("amount_not_chargeable", detail, "amount")


def _creditable(invoice: Invoice) -> bool:
    return invoice.status in (InvoiceStatus.OPEN, InvoiceStatus.PAID)


def _credited(
    changes: Changeset,
    payment: Payment,
    amount: Money,
    at: Moment,
    *,
    invoice: str | None = None,
    reason: str = "",
    done: bool = False,
) -> list[CreditNote]:
    """Credit notes of the invoices of a payment, of an amount in all or as far as they go, to the balance.

    Where the refund is `done` already, they are as many as can be written with it.
    """
    check_reason(reason)
    notes: list[CreditNote] = []
    rest = amount
    for part in payment.allocations:
        owed = changes.get(Invoice, part.invoice)
        if not rest or not _creditable(owed) or invoice not in (None, owed.id):
            continue
        before = credit.notes_of(changes, owed)
        take = min(rest, part.amount, parts.creditable(owed, before))
        if take.amount <= 0:
            continue
        if len(notes) == MOST_NOTES and done:
            break
        if len(notes) == MOST_NOTES:
            detail = f"It paid more than {MOST_NOTES} invoices; name one of them, or send a smaller amount."
            raise WrongState("too_many_invoices", detail, "amount")
        note = _note(changes, owed, before, take, at, reason=reason)
        notes.append(note)
        rest -= note.to_balance
    return notes


def _note(
    changes: Changeset, owed: Invoice, before: Sequence[CreditNote], amount: Money, at: Moment, *, reason: str
) -> CreditNote:
    """One more credit note of an invoice, of an amount, folded in."""
    note = noted(
        owed,
        parts.of_amount(owed, before, amount),
        len(before) + 1,
        number=credit.numbers(changes, at).number,
        now=at.now,
        day=at.day,
        reason=reason,
        refunding=True,
    )
    credit.fold(changes, note, owed, at, refunding=True)
    return note


def asked(
    changes: Changeset,
    payment: Payment,
    amount: Money,
    notes: Sequence[CreditNote],
    at: Moment,
    *,
    reason: str = "",
    to_balance: bool = False,
) -> Refund:
    """Fold a refund of what is on the customer's balance into the changeset: pending, or done where it is by hand.

    One `to_balance` only tells of its notes. Raises Invalid or WrongState.
    """
    refund = _wanted(payment, amount, notes, at, reason=reason, to_balance=to_balance)
    if to_balance:
        changes.put(replace(payment, refunds=payment.refunds + 1))
    else:
        _check_sendable(payment, amount)
        changes.put(payment.refunded(amount))
        _take(changes, refund)
    _begun(changes, refund, at)
    return refund


def _wanted(
    payment: Payment, amount: Money, notes: Sequence[CreditNote], at: Moment, *, reason: str, to_balance: bool
) -> Refund:
    hand = payment.request is None
    done = hand or to_balance
    return Refund(
        account=payment.account,
        id=name_of(payment.id, payment.refunds + 1),
        payment=payment.id,
        contact=payment.contact,
        subscription=payment.subscription,
        amount=amount,
        created_at=at.now,
        sent_at=at.real,
        leased_until=None if done else at.real + LEASE,
        status=RefundStatus.SUCCEEDED if done else RefundStatus.PENDING,
        credit_notes=tuple(note.id for note in notes),
        reason=reason,
        by_hand=hand and not to_balance,
        to_balance=to_balance,
        settled_at=at.now if done else None,
    )


def _take(changes: Changeset, refund: Refund) -> None:
    """Take a refund from what its customer has to their credit. Raises Invalid."""
    buyer = changes.get(Contact, refund.contact)
    has = buyer.balance(refund.amount.currency)
    if has < refund.amount:
        detail = (
            f"What is left to credit on the invoices of {refund.payment}, and on the customer's balance, is {has};"
            " send at most that."
        )
        raise Invalid("refund_not_covered", detail, "amount")
    changes.put(buyer.credited(-refund.amount))


def _begun(changes: Changeset, refund: Refund, at: Moment) -> None:
    changes.put(refund)
    done = refund.status is RefundStatus.SUCCEEDED
    type_ = EventType.REFUND_SUCCEEDED if done else EventType.REFUND_CREATED
    entry = ledger.refunded(None, refund)
    publish.fact(changes, type_, refund, about(changes, refund), at, entry=entry)


def adopted(changes: Changeset, payment: Payment, told: RefundTold, at: Moment) -> None:
    """Fold a refund that was made at Stripe into the changeset, named by Stripe's id: its invoices are credited with it.

    What they have not to give, and what is more than MOST_NOTES of them, is taken from the customer's balance, and what
    that has not is given out of goodwill.
    """
    notes = _credited(changes, payment, told.amount, at, reason="Refunded at Stripe", done=True)
    buyer = changes.get(Contact, payment.contact)
    lacks = told.amount - max(buyer.balance(told.amount.currency), Money.zero(told.amount.currency))
    if lacks.amount > 0:
        changes.put(buyer.credited(lacks))
        about_ = {"contact": buyer.id, "payment": payment.id, "reason": "Refunded at Stripe"}
        entry = ledger.adjusted(lacks)
        publish.fact(changes, EventType.BALANCE_ADJUSTED, buyer, about_, at, entry=entry)
    refund = Refund(
        account=payment.account,
        id=told.reference,
        payment=payment.id,
        contact=payment.contact,
        subscription=payment.subscription,
        amount=told.amount,
        created_at=at.now,
        sent_at=at.real,
        look_at=at.real,
        credit_notes=tuple(note.id for note in notes),
        reference=told.reference,
    )
    changes.put(
        payment.refunded(told.amount, asked=False),
        changes.get(Contact, payment.contact).credited(-told.amount),
    )
    _begun(changes, refund, at)
    written(changes, refund, refund.told(told, at.now, at.real), at)


def written(changes: Changeset, before: Refund, after: Refund, at: Moment) -> None:
    """Fold a refund's next state and all that follows into the changeset, which holds its payment and its contact."""
    if after == before:
        return
    changes.put(after)
    if after.status is before.status:
        return
    failed = after.status is RefundStatus.FAILED
    type_ = EventType.REFUND_FAILED if failed else EventType.REFUND_SUCCEEDED
    entry = ledger.refunded(before, after)
    publish.fact(changes, type_, before, about(changes, after), at, entry=entry)
    if failed:
        changes.put(changes.get(Contact, after.contact).credited(after.amount))
        changes.put(changes.get(Payment, after.payment).refund_failed(after.amount))
        told = {"refund": after.id, "payment": after.payment, "why": after.failure}
        log.error("refund failed: the money is on the customer's balance", extra=told)


def about(changes: Changeset, refund: Refund) -> dict[str, str]:
    """The records a reader of a refund's fact may want beside it."""
    payment = changes.find(Payment, refund.payment)
    invoice = {"invoice": payment.allocations[0].invoice} if payment and payment.allocations else {}
    return {
        "contact": refund.contact,
        "subscription": refund.subscription,
        "payment": refund.payment,
        "refund": refund.id,
        **invoice,
    }
