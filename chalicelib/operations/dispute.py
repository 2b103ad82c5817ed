"""Fold what Stripe tells of a dispute into a changeset: what it took of a payment, gave back, or lost for good.

A card's dispute leaves the invoice paid: what is lost is bad debt. A bank debit that comes back is owed again.
"""

import logging
from dataclasses import replace

from chalicelib.billing import ledger, parts
from chalicelib.billing.disputes import REFUSED_FOR_GOOD, Dispute, DisputeStatus, comes_back
from chalicelib.billing.events import EventType
from chalicelib.billing.gateway import DisputeTold
from chalicelib.billing.invoices import Invoice, InvoiceStatus
from chalicelib.billing.issuing import overdue_at
from chalicelib.billing.money import Money
from chalicelib.billing.payments import Allocation, Payment, PaymentStatus
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Moment
from chalicelib.crm.contacts import Contact
from chalicelib.operations import credit, decline, publish, settle
from chalicelib.store.changes import Changeset

log = logging.getLogger("perennial")


def told(changes: Changeset, payment: Payment, told: DisputeTold, at: Moment) -> None:
    """A dispute of a payment as Stripe tells of it now; the changeset holds all that the payment paid, and its contact."""
    before = changes.find(Dispute, told.id)
    after = (before or _new(payment, told, at)).told(told, at.now)
    after = replace(after, returned=after.returned or comes_back(told))
    if after == before:
        return
    changes.put(after)
    about = _about(payment) | {"dispute": after.id, "status": after.status.value}
    held = before.held if before else Money.zero(after.amount.currency)
    publish.fact(changes, _fact(before, after), after, about, at, entry=ledger.disputed(before, after))
    if before is None and after.closed_at is not None:
        publish.fact(changes, EventType.DISPUTE_CLOSED, after, about, at)
    log.warning("dispute", extra={"dispute": after.id, "payment": payment.id, "state": after.status.value})
    disputed = payment.disputed(after.id, after.held - held)
    changes.put(disputed)
    if after.returned and after.held and payment.status is PaymentStatus.SUCCEEDED:
        _returned(changes, disputed, after, at)


def _new(payment: Payment, told: DisputeTold, at: Moment) -> Dispute:
    return Dispute(
        account=payment.account,
        id=told.id,
        payment=payment.id,
        contact=payment.contact,
        subscription=payment.subscription,
        amount=told.amount,
        reason=told.reason,
        status=DisputeStatus(told.status),
        created_at=at.now,
        withdrawn=told.withdrawn,
        fee=told.fee,
    )


def _fact(before: Dispute | None, after: Dispute) -> EventType:
    if before is None:
        return EventType.DISPUTE_OPENED
    closed = after.closed_at is not None and before.closed_at is None
    return EventType.DISPUTE_CLOSED if closed else EventType.DISPUTE_UPDATED


def _returned(changes: Changeset, payment: Payment, dispute: Dispute, at: Moment) -> None:
    """A bank took the payment back: what it paid is owed again, and where no balance pays it, its subscription fails by it."""
    payment = replace(payment, allocations=_credited_first(changes, payment))
    after = payment.returned(dispute.held)
    owed = [changes.get(Invoice, part.invoice) for part in payment.allocations]
    changes.put(after)
    entry = ledger.returned(after, owed)
    publish.fact(changes, EventType.PAYMENT_RETURNED, payment, _about(payment), at, entry=entry)
    again = sum(part.amount.amount for part in after.came_back)
    if over := dispute.held - Money(again, dispute.held.currency):
        changes.put(changes.get(Contact, payment.contact).credited(-over))
    hard = dispute.reason in REFUSED_FOR_GOOD and _closed(changes, after)
    for part in after.came_back:
        invoice = changes.get(Invoice, part.invoice).returned(part.amount)
        if invoice.payment is not None or not decline.paid_by_balance(changes, invoice, at):
            _owed_again(changes, invoice, after, at, hard=hard)


def _credited_first(changes: Changeset, payment: Payment) -> tuple[Allocation, ...]:
    """What it paid, the invoices first that were credited most: the last are owed again before them."""

    def credited(part: Allocation) -> int:
        owed = changes.get(Invoice, part.invoice)
        left = parts.creditable(owed, credit.notes_of(changes, owed)).amount
        return max(0, part.amount.amount - left)

    return tuple(sorted(payment.allocations, key=credited, reverse=True))


def _closed(changes: Changeset, payment: Payment) -> bool:
    """Whether the payment was of the method its subscription is charged on, which is not asked again then."""
    subscription = changes.get(Subscription, payment.subscription)
    method = subscription.method
    if method is None or not payment.was_of(method):
        return False
    changes.put(replace(subscription, method=replace(method, refused=True)))
    return True


def _owed_again(changes: Changeset, invoice: Invoice, payment: Payment, at: Moment, *, hard: bool) -> None:
    """It is asked for by the policy as after any failure: a sent one is due as it was, one of an ended subscription merely open."""
    subscription = changes.get(Subscription, invoice.subscription)
    if invoice.status is InvoiceStatus.UNCOLLECTIBLE:
        changes.put(invoice)
    elif invoice.payment is not None:
        changes.put(invoice.waiting(at.now))
    elif invoice.due_on is not None:
        due_at = at.now if invoice.instalments else overdue_at(subscription, invoice.due_on)
        changes.put(invoice.waiting(due_at))
    elif subscription.status is Status.CANCELED:
        settle.failed(changes, invoice.left_open(), at)
    else:
        settle.failed(changes, _asked_again(invoice, subscription, payment, at, hard=hard), at)


def _asked_again(
    invoice: Invoice, subscription: Subscription, payment: Payment, at: Moment, *, hard: bool
) -> Invoice:
    """On the policy's next day; where there is none any more, at once if another method is charged by now, for that has not failed."""
    method = subscription.method
    type_ = method.type if method else payment.type
    after = invoice.declined(at.account.retries, at.now, hard=hard, type_=type_)
    other = method is not None and not method.refused and not payment.was_of(method)
    return after.asked_at(at.now) if other and after.attempt_at is None else after


def _about(payment: Payment) -> dict[str, str]:
    invoice = {"invoice": payment.allocations[0].invoice} if payment.allocations else {}
    return {
        "contact": payment.contact,
        "subscription": payment.subscription,
        "payment": payment.id,
        **invoice,
    }
