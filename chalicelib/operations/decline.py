"""What a payment that was declined or called off makes of the invoice it was for, and of the schedule it is asked for by."""

from dataclasses import replace
from itertools import takewhile

from chalicelib.billing.ceilings import MOST_COUNTED
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.payments import Origin, Payment, PaymentStatus
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Moment
from chalicelib.crm.contacts import Contact
from chalicelib.operations import settle
from chalicelib.store.changes import Changeset


def refused(changes: Changeset, invoice: Invoice, payment: Payment, at: Moment) -> None:
    """A payment was declined: what becomes of its invoice depends on who asked. What a buyer tried on a page leaves the schedule as it was."""
    match payment.origin:
        case Origin.CHECKOUT:
            changes.put(invoice.released(invoice.attempt_at))
        case Origin.PERSON:
            _refused_by_hand(changes, invoice, payment, at)
        case _:
            _declined(changes, invoice, payment, at)


def _refused_by_hand(changes: Changeset, invoice: Invoice, payment: Payment, at: Moment) -> None:
    """What a person had asked for was declined: the schedule goes on as it was, or begins, where it was the first of its method."""
    subscription = changes.get(Subscription, invoice.subscription)
    own = (
        subscription.method is not None
        and payment.request
        and subscription.method.id == payment.request.method
    )
    refused = subscription.method.id if subscription.method and own and payment.hard else None
    policy, charged = at.account.retries, invoice.due_on is None and invoice.attempt_at is not None
    if own and charged and invoice.failed_at is None and invoice.lacking(at.day):
        settle.failed(
            changes,
            invoice.declined(policy, at.now, hard=payment.hard, type_=payment.type),
            at,
            refused=refused,
        )
        return
    after = invoice.refused_by_hand(policy, at.now, payment.type)
    if after.attempt_at is None and charged:
        settle.failed(changes, after, at, refused=refused)
        return
    changes.put(after)
    if refused is not None:
        changes.put(replace(subscription, method=subscription.failing(invoice.id, refused=refused).method))


def called_off(
    changes: Changeset, invoice: Invoice, payment: Payment, at: Moment, *, unconfirmed: bool
) -> None:
    """What a person or a buyer had begun leaves the schedule as it was; what never arrived is asked for at once."""
    if payment.origin in (Origin.CHECKOUT, Origin.PERSON):
        changes.put(invoice.released(invoice.attempt_at))
    elif unconfirmed:
        _unconfirmed(changes, invoice, payment, at)
    else:
        changes.put(invoice.released(at.now))


def _unconfirmed(changes: Changeset, invoice: Invoice, payment: Payment, at: Moment) -> None:
    """A payment that waited for its buyer is called off: after a day as a decline, before that because another is to open.

    Then nothing has failed yet: what was charged is asked for on the next day of the schedule.
    """
    if payment.abandoned(at.real):
        _declined(changes, invoice, payment, at)
        return
    again = invoice.attempt_at
    if invoice.due_on is None:
        policy = at.account.retries
        again = invoice.declined(policy, at.now, hard=False, type_=payment.type).attempt_at or at.now
    changes.put(invoice.released(again))


def _declined(changes: Changeset, invoice: Invoice, payment: Payment, at: Moment) -> None:
    """A decline of the method that is charged now follows the schedule; one of an older method is asked again at once.

    What was sent is due as it was.
    """
    if invoice.due_on is not None:
        settle.failed(changes, invoice.released(None), at)
        return
    method = changes.get(Subscription, invoice.subscription).method
    tried = payment.request.method if payment.request else ""
    if method is not None and method.id != tried and not method.refused:
        again = invoice.declined(at.account.retries, at.now, hard=False).asked_at(at.now)
        settle.failed(changes, again, at)
        return
    policy, count = at.account.retries, _failures(changes, invoice)
    after = invoice.declined(policy, at.now, hard=payment.hard, type_=payment.type, failures=count)
    settle.failed(changes, after, at, refused=tried if payment.hard else None)


def _failures(changes: Changeset, invoice: Invoice) -> int | None:
    """How often the schedule asked in vain for what is owed now, where its payments were read: only a debit's count."""
    tried = since_paid(changes, invoice)
    asked = [one for one in tried if one.request and not one.request.page and one.origin is not Origin.PERSON]
    return len(asked) or None


def since_paid(changes: Changeset, invoice: Invoice) -> list[Payment]:
    """The payments that were asked for and came to nothing, or are not over, since one succeeded: that paid another part. Newest first."""
    made = (changes.find(Payment, name) for name in invoice.payments_so_far(MOST_COUNTED))
    asked = (one for one in made if one is not None and one.request is not None)
    return list(takewhile(lambda one: one.status is not PaymentStatus.SUCCEEDED, asked))


def paid_by_balance(changes: Changeset, invoice: Invoice, at: Moment) -> bool:
    """Whether what came to the customer's balance since an invoice was asked for pays all of it, folded in: then nothing has failed.

    The contact is in the changeset where credit notes were issued, or the payment waited for its end, or came back.
    """
    buyer = changes.find(Contact, invoice.contact)
    owed = invoice.amount_due
    if buyer is None or not owed or buyer.balance(invoice.currency) < owed:
        return False
    settle.from_balance(changes, invoice.released(invoice.attempt_at), at)
    return True


def method_refused(changes: Changeset, payment: Payment) -> None:
    """A method that was refused for good is not asked again, whatever has paid what it was asked for."""
    subscription = changes.get(Subscription, payment.subscription)
    method, asked = subscription.method, payment.request
    if payment.hard and method is not None and asked is not None and method.id == asked.method:
        changes.put(replace(subscription, method=replace(method, refused=True)))
