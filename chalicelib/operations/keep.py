"""Keep what a buyer left on Stripe's page: a payment method, on which their subscription may be charged, and addresses."""

from chalicelib.billing.collection import CollectionMethod, Method
from chalicelib.billing.events import EventType
from chalicelib.billing.gateway import Collected, Processing, SavedMethod, Succeeded
from chalicelib.billing.invoices import Invoice, InvoiceStatus
from chalicelib.billing.payments import Payment
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Moment
from chalicelib.crm.contacts import Contact, PaymentMethod
from chalicelib.operations import publish, revise
from chalicelib.store.changes import Changeset


def left(changes: Changeset, payment: Payment, told: Succeeded | Processing, at: Moment) -> None:
    """Fold all that a buyer left on the page of a payment into the changeset."""
    if isinstance(told, Succeeded) and told.method:
        of_payment(changes, payment, told.method, at)
    if told.collected:
        addresses(changes, payment, told.collected, at)


def of_payment(changes: Changeset, payment: Payment, saved: SavedMethod, at: Moment) -> None:
    """Fold the method a page was paid with into the changeset, which holds the arrears: on a page that switches, or
    with the first invoice of a subscription that takes its method from there, that is charged from then on.

    What is still owed is then asked for at once.
    """
    kept = method(changes, payment.contact, saved, at)
    subscription = changes.get(Subscription, payment.subscription)
    page = payment.request.page if payment.request else None
    awaits = subscription.collects.way is CollectionMethod.CHARGE_AFTER_FIRST_INVOICE
    sent = subscription.collects.way is CollectionMethod.SEND_INVOICE
    if not (page and page.switches and not sent) and not (awaits and subscription.method is None):
        return
    # The letter about its first payment says what is charged from now on: another one tells of another method.
    switched(changes, subscription, kept, at, told=subscription.method is not None)
    for name in subscription.arrears:
        invoice = changes.find(Invoice, name)
        if invoice and invoice.status is InvoiceStatus.OPEN and invoice.payment is None:
            changes.put(invoice.asked_at(at.now))


def method(changes: Changeset, contact: str, saved: SavedMethod, at: Moment) -> PaymentMethod:
    """The record of a method, folded into the changeset where there is none yet, or its bank has renewed the card since."""
    kept = changes.find(PaymentMethod, saved.id)
    told = PaymentMethod(
        account=changes.account,
        id=saved.id,
        contact=contact,
        customer=saved.customer,
        type=saved.type,
        label=saved.label,
        created_at=at.now,
        exp_month=saved.exp_month,
        exp_year=saved.exp_year,
    ).expiring(at.now, at.account.zone, at.account.billing_hour)
    after = told if kept is None else kept.renewed(told)
    if after != kept:
        changes.put(after)
    return after


def addresses(changes: Changeset, payment: Payment, typed: Collected, at: Moment) -> None:
    """Fold the addresses a buyer left on a page into the changeset, where none were known: what staff wrote down stays."""
    buyer = changes.get(Contact, payment.contact)
    billing = buyer.address or typed.billing
    shipping = buyer.shipping_address or (typed.shipping if typed.shipping != billing else None)
    revise.folded(changes, buyer, {"address": billing, "shipping_address": shipping}, at, key="")


def switched(
    changes: Changeset, before: Subscription, saved: PaymentMethod, at: Moment, *, told: bool = True
) -> Subscription:
    """A subscription charged on another method from now on, folded into the changeset."""
    after = before.charged_on(
        Method(id=saved.id, customer=saved.customer, label=saved.label, type=saved.type)
    )
    changes.put(after)
    about = {"contact": before.contact, "subscription": before.id, "payment_method": saved.id}
    publish.fact(changes, EventType.SUBSCRIPTION_METHOD_CHANGED, before, about, at, told=told)
    return after
