"""Write down what the gateway said of a payment: to the payment, its invoices, its subscription, and as facts."""

from collections.abc import Mapping

from chalicelib.billing import ledger
from chalicelib.billing.events import EventType
from chalicelib.billing.gateway import Unavailable
from chalicelib.billing.invoices import Invoice, InvoiceStatus
from chalicelib.billing.payments import Payment, PaymentStatus
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account, Moment
from chalicelib.operations import publish
from chalicelib.operations.ask import Answer
from chalicelib.operations.together import blame, work
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, Reading
from chalicelib.store.keys import Record
from chalicelib.store.shapes import Undecodable

FACTS = {
    PaymentStatus.SUCCEEDED: EventType.PAYMENT_SUCCEEDED,
    PaymentStatus.DECLINED: EventType.PAYMENT_DECLINED,
    PaymentStatus.CANCELED: EventType.PAYMENT_CANCELED,
    PaymentStatus.HELD: EventType.PAYMENT_HELD,
    PaymentStatus.PROCESSING: EventType.PAYMENT_PROCESSING,
    PaymentStatus.ACTION_REQUIRED: EventType.PAYMENT_ACTION_REQUIRED,
    PaymentStatus.CHECKOUT: EventType.PAYMENT_CHECKOUT,
}


def answered(service: Service, account: str, answers: Mapping[str, Answer], known: Reading) -> None:
    """Write down the answers about payments, by id. `known` holds the payments and all beside them as last read.

    None means that the gateway has no trace of the payment and its key can no longer be trusted; Unavailable
    that it was not asked: the payment keeps its state and is looked at later. Any other error is the payment's own.
    """
    real = service.real()
    if killed := next(
        (a for a in answers.values() if isinstance(a, BaseException) and not isinstance(a, Exception)), None
    ):
        raise killed

    def decide(changes: Changeset, name: str) -> None:
        asked = changes.at(name)
        if not isinstance(asked, Payment) or not asked.open:
            return
        at = Moment(changes.get(Account, account), real)
        try:
            _one_answered(changes, asked, answers[asked.id], at)
        except Undecodable as error:
            # What the payment pays cannot be read: that is counted against it, and the payment waits longer each time.
            blame(
                service, next((key for key, of in changes.before.broken.items() if of is error), name), error
            )
            changes.put(asked.postponed(real, error.detail))

    names = [keys.key(Payment, account, payment) for payment in answers]
    work(
        service,
        account,
        names,
        decide,
        items_each=3,
        beside=lambda name: beside(known.records.get(name)),
        reading=known,
    )


def _one_answered(changes: Changeset, asked: Payment, answer: Answer, at: Moment) -> None:
    match answer:
        case Unavailable() as reason:
            changes.put(asked.postponed(at.real, str(reason)))
        case BaseException() as error:
            raise error
        case None:
            written(changes, asked, asked.never_arrived(at.now), at)
        case outcome:
            written(changes, asked, asked.told(outcome, at.now, at.real), at)


def beside(payment: Record | None) -> tuple[str, ...]:
    """The keys of what an outcome may change besides the payment: its invoices and their subscription."""
    if not isinstance(payment, Payment):
        return ()
    owed = (keys.key(Invoice, payment.account, allocation.invoice) for allocation in payment.allocations)
    return (keys.key(Subscription, payment.account, payment.subscription), *owed)


def written(changes: Changeset, before: Payment, after: Payment, at: Moment) -> None:
    """Fold a payment's next state and all that follows from it into the changeset.

    Raises Undecodable, before anything is added, where what it pays cannot be read.
    """
    changes.get(Subscription, after.subscription)
    owed = [(part, changes.get(Invoice, part.invoice)) for part in after.allocations]
    changes.put(after)
    if after.status is before.status:
        return
    paid = ledger.paid(after) if after.status is PaymentStatus.SUCCEEDED else None
    publish.fact(changes, FACTS[after.status], before, _about(after), at, entry=paid)
    for allocation, invoice in owed:
        match after.status:
            case PaymentStatus.SUCCEEDED:
                settled(changes, invoice.paid(after.id, allocation.amount, at.now), at)
            case PaymentStatus.DECLINED:
                _declined(changes, invoice, after, at)
            case PaymentStatus.CANCELED if before.status is PaymentStatus.ACTION_REQUIRED:
                failed(changes, invoice.declined(at.account.retries, at.now, hard=False), at)
            case PaymentStatus.CANCELED:
                changes.put(invoice.released(at.now))
            case _:
                pass


def settled(changes: Changeset, invoice: Invoice, at: Moment) -> None:
    """Fold an invoice into the changeset; one that is not open any more leaves the arrears, and with the last one it recovers."""
    changes.put(invoice)
    subscription = changes.get(Subscription, invoice.subscription)
    if invoice.status is InvoiceStatus.OPEN or invoice.id not in subscription.arrears:
        return
    after = subscription.settled(invoice.id)
    _moved(changes, subscription, after, EventType.SUBSCRIPTION_RECOVERED, at)


def _declined(changes: Changeset, invoice: Invoice, payment: Payment, at: Moment) -> None:
    """A decline of the method that is charged now follows the schedule; one of an older method is asked again at once."""
    method = changes.get(Subscription, invoice.subscription).method
    tried = payment.request.method if payment.request else ""
    if method is not None and method.id != tried and not method.refused:
        again = invoice.declined(at.account.retries, at.now, hard=False).asked_at(at.now)
        failed(changes, again, at)
        return
    after = invoice.declined(at.account.retries, at.now, hard=payment.hard)
    failed(changes, after, at, refused=tried if payment.hard else None)


def failed(changes: Changeset, invoice: Invoice, at: Moment, *, refused: str | None = None) -> None:
    """An invoice was not collected: its subscription is past due, or, when no attempt is left, given up."""
    changes.put(invoice)
    subscription = changes.get(Subscription, invoice.subscription)
    after = subscription.failing(invoice.id, refused=refused)
    if after != subscription:
        _moved(changes, subscription, after, EventType.SUBSCRIPTION_PAST_DUE, at)
    if invoice.attempt_at is None:
        given_up(changes, invoice, at)


def given_up(changes: Changeset, invoice: Invoice, at: Moment) -> None:
    """The last attempt is over: the invoice stays open, the subscription becomes what the policy says."""
    changes.put(invoice.left_open())
    subscription = changes.get(Subscription, invoice.subscription)
    after = subscription.given_up(at.account.retries.at_end, at.now)
    if after != subscription:
        canceled = after.status is Status.CANCELED
        type_ = EventType.SUBSCRIPTION_CANCELED if canceled else EventType.SUBSCRIPTION_UNPAID
        _moved(changes, subscription, after, type_, at)


def _moved(
    changes: Changeset, before: Subscription, after: Subscription, type_: EventType, at: Moment
) -> None:
    changes.put(after)
    if after.status is not before.status:
        about = {"contact": after.contact, "subscription": after.id, "status": after.status.value}
        publish.fact(changes, type_, after, about, at)


def _about(payment_: Payment) -> dict[str, str]:
    return {
        "contact": payment_.contact,
        "subscription": payment_.subscription,
        "invoice": payment_.allocations[0].invoice,
        "payment": payment_.id,
    }
