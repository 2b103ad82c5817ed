"""Write down what the gateway said of a payment: to the payment, its invoices, its subscription, and as facts."""

from chalicelib.billing.events import EventType
from chalicelib.billing.gateway import Outcome, Unavailable
from chalicelib.billing.invoices import Invoice, InvoiceStatus
from chalicelib.billing.payments import Payment, PaymentStatus
from chalicelib.billing.subscriptions import Status, Subscription
from chalicelib.crm.accounts import Account, Moment
from chalicelib.operations import publish
from chalicelib.operations.together import work
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.keys import Record
from chalicelib.store.store import Changeset, Reading

FACTS = {
    PaymentStatus.SUCCEEDED: EventType.PAYMENT_SUCCEEDED,
    PaymentStatus.DECLINED: EventType.PAYMENT_DECLINED,
    PaymentStatus.CANCELED: EventType.PAYMENT_CANCELED,
    PaymentStatus.HELD: EventType.PAYMENT_HELD,
    PaymentStatus.PROCESSING: EventType.PAYMENT_PROCESSING,
    PaymentStatus.ACTION_REQUIRED: EventType.PAYMENT_ACTION_REQUIRED,
}


def answered(
    service: Service, account: str, answers: dict[str, Outcome | Unavailable | None], known: Reading
) -> None:
    """Write down the answers about payments, by id. `known` holds the payments and all beside them as last read.

    None means that the gateway has no trace of the payment and its key can no longer be trusted; Unavailable
    that it was not asked: the payment keeps its state and is looked at later.
    """
    real = service.real()

    def decide(changes: Changeset, name: str) -> None:
        asked = changes.at(name)
        if not isinstance(asked, Payment) or not asked.open:
            return
        at = Moment(changes.get(Account, account), real)
        match answers[asked.id]:
            case Unavailable() as reason:
                changes.put(asked.postponed(real, str(reason)))
            case None:
                written(changes, asked, asked.never_arrived(at.now), at)
            case outcome:
                written(changes, asked, asked.told(outcome, at.now, real), at)

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


def beside(payment: Record | None) -> tuple[str, ...]:
    """The keys of what an outcome may change besides the payment: its invoices and their subscription."""
    if not isinstance(payment, Payment):
        return ()
    owed = (keys.key(Invoice, payment.account, allocation.invoice) for allocation in payment.allocations)
    return (keys.key(Subscription, payment.account, payment.subscription), *owed)


def written(changes: Changeset, before: Payment, after: Payment, at: Moment) -> None:
    """Fold a payment's next state and all that follows from it into the changeset."""
    changes.put(after)
    if after.status is before.status:
        return
    publish.fact(changes, FACTS[after.status], before, _about(after), at)
    for allocation in after.allocations:
        invoice = changes.get(Invoice, allocation.invoice)
        match after.status:
            case PaymentStatus.SUCCEEDED:
                _paid(changes, invoice.paid(after.id, allocation.amount, at.now), at)
            case PaymentStatus.DECLINED:
                failed(
                    changes,
                    invoice.declined(at.account.retries, at.now, hard=after.hard),
                    at,
                    hard=after.hard,
                )
            case PaymentStatus.CANCELED:
                changes.put(invoice.released(at.now if invoice.failed_at is None else invoice.attempt_at))
            case _:
                pass


def _paid(changes: Changeset, invoice: Invoice, at: Moment) -> None:
    changes.put(invoice)
    subscription = changes.get(Subscription, invoice.subscription)
    if invoice.status is not InvoiceStatus.PAID or invoice.id not in subscription.arrears:
        return
    after = subscription.settled(invoice.id)
    _moved(changes, subscription, after, EventType.SUBSCRIPTION_RECOVERED, at)


def failed(changes: Changeset, invoice: Invoice, at: Moment, *, hard: bool) -> None:
    """An invoice was not collected: its subscription is past due, or, when no attempt is left, given up."""
    changes.put(invoice)
    subscription = changes.get(Subscription, invoice.subscription)
    after = subscription.failing(invoice.id, hard=hard)
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
