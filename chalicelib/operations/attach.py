"""Save a buyer's payment method, and charge a subscription on another one."""

from chalicelib.billing.collection import Method
from chalicelib.billing.errors import Invalid
from chalicelib.billing.events import EventType
from chalicelib.billing.gateway import Refused
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.payments import Payment
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account, Moment
from chalicelib.crm.contacts import Contact, PaymentMethod
from chalicelib.operations import collect, fill, publish
from chalicelib.operations.together import nudge, retried
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, Reading


def payment_method(service: Service, account: str, contact: str, method: str) -> PaymentMethod:
    """Attach a payment method of Stripe's to a contact; their Stripe customer is made with the first.

    Raises Invalid where Stripe refuses it, in Stripe's words, and Unavailable.
    """
    found = service.store.load(account, [keys.key(Contact, account, contact)])
    buyer = fill.named(found, Contact, account, contact, "contact")
    customer = buyer.customer or _customer(service, account, buyer)
    try:
        saved = service.gateway.attach(method, customer)
    except Refused as refused:
        raise Invalid(refused.code, refused.detail, "payment_method") from refused
    now = service.store.get(Account, account, account).now(service.real())
    record = PaymentMethod(
        account=account,
        id=saved.id,
        contact=contact,
        customer=saved.customer,
        type=saved.type,
        label=saved.label,
        created_at=now,
        exp_month=saved.exp_month,
        exp_year=saved.exp_year,
    )
    kept = service.store.find(PaymentMethod, account, saved.id)
    if kept is not None:
        return kept
    changes = Changeset(account)
    changes.put(record)
    return service.store.commit(changes).get(PaymentMethod, account, saved.id)


def _customer(service: Service, account: str, buyer: Contact) -> str:
    """Make the contact's customer at the gateway; the contact's name is the key, so there is one."""
    customer = service.gateway.customer(
        buyer.id, name=buyer.name, email=buyer.email, metadata={"account": account, "contact": buyer.id}
    )

    def attempt() -> str:
        current = service.store.get(Contact, account, buyer.id)
        if current.customer is None:
            changes = Changeset(account)
            changes.put(current.known_as(customer))
            service.store.commit(changes)
        return current.customer or customer

    return retried(attempt)


def to_subscription(service: Service, account: str, id_: str, method: str) -> Subscription:
    """Charge a subscription on another saved method from now on, and ask at once for all its arrears in one payment.

    Method and payment are written together, so that nothing else can come between. Raises NotFound or Invalid.
    """
    wanted = [keys.key(Subscription, account, id_), keys.key(PaymentMethod, account, method)]

    def attempt() -> tuple[Payment | None, Reading]:
        found = service.store.load(account, [*wanted, keys.key(Account, account, account)])
        before = found.get(Subscription, account, id_)
        saved = fill.named(found, PaymentMethod, account, method, "payment_method")
        if saved.contact != before.contact:
            raise Invalid("method_of_another", "Another contact saved this payment method.", "payment_method")
        owed = [keys.key(Invoice, account, name) for name in before.arrears]
        found.add(service.store.load(account, [keys.key(Contact, account, before.contact), *owed]))
        at = Moment(found.get(Account, account, account), service.real())
        changes = Changeset(account, found)
        payment = swapped(changes, before, saved, at)
        found.add(service.store.commit(changes))
        return payment, found

    payment, known = retried(attempt)
    nudge(service, known.get(Account, account, account), [known.records[key] for key in known.written])
    if payment is not None:
        collect.charge(service, account, [keys.key_of(payment)], known)
        owed = known.get(Subscription, account, id_).arrears
        together = {allocation.invoice for allocation in payment.allocations}
        rest = [keys.key(Invoice, account, name) for name in owed if name not in together]
        collect.ask_for_the_rest(service, account, rest)
    return service.store.get(Subscription, account, id_)


def swapped(changes: Changeset, before: Subscription, saved: PaymentMethod, at: Moment) -> Payment | None:
    """Fold another method of a subscription into the changeset, which holds its arrears, with one payment for those."""
    after = before.charged_on(
        Method(id=saved.id, customer=saved.customer, label=saved.label, type=saved.type)
    )
    changes.put(after)
    about = {"contact": before.contact, "subscription": before.id, "payment_method": saved.id}
    publish.fact(changes, EventType.SUBSCRIPTION_METHOD_CHANGED, before, about, at)
    return collect.arrears(changes, after, at)
