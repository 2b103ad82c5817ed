"""What becomes of a subscription by its invoice: nothing is owed any more, it is past due, or it is given up."""

from chalicelib.billing import ledger, periods
from chalicelib.billing.events import EventType
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.issuing import applicable
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Moment
from chalicelib.crm.contacts import Contact
from chalicelib.operations import publish
from chalicelib.store.changes import Changeset


def from_balance(changes: Changeset, invoice: Invoice, at: Moment) -> Invoice:
    """The invoice after its customer's balance has paid what it can of it; all that changes is folded in.

    A balance is applied as an invoice is issued, and again before it is asked for another time: what a credit note
    gave meanwhile, because a payment was still open, is not asked for twice.
    """
    buyer = changes.get(Contact, invoice.contact)
    amount = applicable(buyer.balance(invoice.currency), invoice.amount_due)
    if not amount:
        return invoice
    after = invoice.applied(amount, at.now)
    changes.put(buyer.credited(-amount))
    about = {"contact": invoice.contact, "subscription": invoice.subscription, "invoice": invoice.id}
    entry = ledger.applied(amount)
    publish.fact(changes, EventType.INVOICE_BALANCE_APPLIED, invoice, about, at, entry=entry)
    settled(changes, after, at)
    return after


def settled(changes: Changeset, invoice: Invoice, at: Moment) -> None:
    """Fold an invoice into the changeset; one that lacks nothing any more leaves the arrears, and with the last one it recovers."""
    changes.put(invoice)
    subscription = changes.get(Subscription, invoice.subscription)
    if invoice.lacking(at.day) or invoice.id not in subscription.arrears:
        return
    after = subscription.settled(invoice.id)
    _moved(changes, subscription, after, EventType.SUBSCRIPTION_RECOVERED, at)


def failed(changes: Changeset, invoice: Invoice, at: Moment, *, refused: str | None = None) -> None:
    """An invoice was not collected: its subscription is past due, or, when no attempt is left, given up.

    One that is sent is never given up, and before it is overdue nothing is wrong.
    """
    changes.put(invoice)
    if invoice.due_on is not None and not invoice.lacking(at.day):
        return
    subscription = changes.get(Subscription, invoice.subscription)
    after = subscription.failing(invoice.id, refused=refused)
    if after != subscription:
        _moved(changes, subscription, after, EventType.SUBSCRIPTION_PAST_DUE, at)
    if invoice.attempt_at is None and invoice.due_on is None:
        given_up(changes, invoice, at)


def owed_again(changes: Changeset, invoice: Invoice, at: Moment) -> None:
    """An invoice that was given up is owed after all: its subscription is past due by it, and no attempt is made."""
    changes.put(invoice)
    subscription = changes.get(Subscription, invoice.subscription)
    after = subscription.failing(invoice.id)
    if after != subscription:
        _moved(changes, subscription, after, EventType.SUBSCRIPTION_PAST_DUE, at)


def given_up(changes: Changeset, invoice: Invoice, at: Moment) -> None:
    """The last attempt is over: the invoice stays open, the subscription becomes what the policy says.

    Where that goes on being charged, a part that falls due later is asked for on its day, with what is owed.
    """
    subscription = changes.get(Subscription, invoice.subscription)
    after = subscription.given_up(at.account.retries.at_end, at.now)
    on = invoice.next_due_on(after.day(at.now)) if after.chargeable else None
    again = periods.moment(on, after.hour, after.zone) if on else None
    changes.put(invoice.given_up(again))
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
