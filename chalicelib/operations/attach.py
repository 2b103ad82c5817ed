"""Save a buyer's payment method, and charge a subscription on another one."""

from collections.abc import Callable, Iterable

from chalicelib.billing import ways
from chalicelib.billing.collection import CollectionMethod
from chalicelib.billing.errors import Invalid, WrongState
from chalicelib.billing.gateway import Refused
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.numbering import name_of
from chalicelib.billing.payments import Payment
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account, Moment
from chalicelib.crm.contacts import Contact, PaymentMethod
from chalicelib.operations import clear, collect, fill, keep
from chalicelib.operations.together import nudge, retried
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, Reading

# What Stripe says of a customer that was deleted there, as of anything else a request names that is not there.
GONE = "resource_missing"
# Invoices not in arrears yet that a payment may hold: the running cycle's, those besides it, and the one before.
LATEST = 4


def payment_method(service: Service, account: str, contact: str, method: str) -> PaymentMethod:
    """Attach a payment method of Stripe's to a contact; their Stripe customer is made with the first.

    Raises Invalid where Stripe refuses it, in Stripe's words, and Unavailable.
    """
    found = service.store.load(account, [keys.key(Contact, account, contact)])
    buyer = fill.named(found, Contact, account, contact, "contact")
    at_gateway = buyer.customer or customer(service, account, buyer)
    try:
        saved = service.gateway.attach(method, at_gateway)
    except Refused as refused:
        raise Invalid(refused.code, refused.detail, "payment_method") from refused
    at = Moment(service.store.get(Account, account, account), service.real())

    def attempt() -> PaymentMethod:
        changes = Changeset(
            account, service.store.load(account, [keys.key(PaymentMethod, account, saved.id)])
        )
        kept = keep.method(changes, contact, saved, at)
        return service.store.commit(changes).get(PaymentMethod, account, saved.id) if len(changes) else kept

    return retried(attempt)


def customer(service: Service, account: str, buyer: Contact) -> str:
    """Make the contact's customer at the gateway, under the contact's name and version: asked twice it is one.

    Whoever was renamed after an answer was lost is asked for anew: the same key with another name would be refused for a day.
    One that the contact, as it was read, has already is taken for gone, and replaced.
    Raises Invalid where Stripe refuses it, and Unavailable.
    """
    metadata = {"account": account, "contact": buyer.id}
    try:
        key = f"{buyer.id}_{buyer.version}"
        made = service.gateway.customer(key, name=buyer.name, email=buyer.email, metadata=metadata)
    except Refused as refused:
        raise Invalid(refused.code, refused.detail, "contact") from refused

    def attempt() -> str:
        current = service.store.get(Contact, account, buyer.id)
        if current.customer and current.customer != buyer.customer:
            return current.customer
        changes = Changeset(account)
        changes.put(current.known_as(made))
        service.store.commit(changes)
        return made

    return retried(attempt)


def customer_anew(service: Service, account: str, contact: str, gone: str) -> None:
    """Another customer at the gateway in place of one it does not know any more. Raises Invalid and Unavailable."""
    buyer = service.store.get(Contact, account, contact)
    if buyer.customer == gone:
        customer(service, account, buyer)


Prepared = Callable[[Changeset, Subscription, PaymentMethod, Moment], Subscription]


def charged_already(_: Changeset, before: Subscription, saved: PaymentMethod, __: Moment) -> Subscription:
    """A subscription that is charged, or will be, as it is. Raises WrongState where it is not, Invalid where it does not accept the method."""
    ways.check_billed(before)
    if before.collects.way is CollectionMethod.SEND_INVOICE:
        detail = "Nothing of it is charged; send collection_method charge_automatically with the payment method to its collection."
        raise WrongState("not_charged", detail, "payment_method")
    ways.check_accepted(before.collects.types, saved.type)
    return before


def to_subscription(
    service: Service, account: str, id_: str, method: str, prepared: Prepared = charged_already
) -> Subscription:
    """Charge a subscription on another saved method from now on, and ask at once for all its arrears in one payment.

    What waits for its buyer, on a page or at their bank, is called off first, and asked for with them. Method and
    payment are written together, so that nothing else can come between, with what `prepared` folds before them.
    Raises NotFound, Invalid or WrongState.
    """
    first = _checked(service, account, id_, method)
    at = Moment(first.get(Account, account, account), service.real())
    subscription = first.get(Subscription, account, id_)
    prepared(Changeset(account, first), subscription, first.get(PaymentMethod, account, method), at)
    freed = cleared(service, subscription)

    def attempt() -> tuple[Payment | None, Reading]:
        found = _checked(service, account, id_, method)
        before = found.get(Subscription, account, id_)
        saved = found.get(PaymentMethod, account, method)
        found.add(service.store.load(account, owed_by(before)))
        owed = [one for one in found.records.values() if isinstance(one, Invoice)]
        found.add(service.store.load(account, [key for one in owed for key in collect.counted(one)]))
        at = Moment(found.get(Account, account, account), service.real())
        changes = Changeset(account, found)
        payment = swapped(changes, prepared(changes, before, saved, at), saved, at)
        found.add(service.store.commit(changes))
        return payment, found

    payment, known = retried(attempt)
    nudge(service, known.get(Account, account, account), [known.records[key] for key in known.written])
    ask_at_once(service, known.get(Subscription, account, id_), payment, known, freed)
    return service.store.get(Subscription, account, id_)


def _checked(service: Service, account: str, id_: str, method: str) -> Reading:
    """A subscription, the method it is to be charged on, and their account. Raises NotFound, Invalid or WrongState."""
    wanted = [keys.key(Subscription, account, id_), keys.key(PaymentMethod, account, method)]
    found = service.store.load(account, [*wanted, keys.key(Account, account, account)])
    before = found.get(Subscription, account, id_)
    saved = fill.named(found, PaymentMethod, account, method, "payment_method")
    if saved.contact != before.contact:
        raise Invalid("method_of_another", "Another contact saved this payment method.", "payment_method")
    if before.method is not None and before.method.id == saved.id and before.method.refused:
        detail = (
            f"{saved.label} was refused for good, and may not be asked again; send another payment method."
        )
        raise WrongState("method_refused", detail, "payment_method")
    return found


def cleared(service: Service, subscription: Subscription) -> list[str]:
    """Call off what waits for its buyer of all a subscription owes; the invoices (ids) that may be charged since.

    What it owes is its arrears, and what of its latest invoices has not failed yet; what was sent is not charged.
    """
    account = subscription.account
    ordinals = range(max(0, subscription.ordinal - LATEST), subscription.ordinal)
    latest = (name_of(subscription.id, ordinal) for ordinal in ordinals)
    freed = clear.what_can_be(service, account, list(dict.fromkeys([*subscription.arrears, *latest])))
    found = service.store.load(account, [keys.key(Invoice, account, name) for name in freed])
    return [name for name in freed if found.get(Invoice, account, name).due_on is None]


def owed_by(subscription: Subscription) -> list[str]:
    """The keys of what `swapped` reads: the arrears and the contact."""
    account = subscription.account
    owed = [keys.key(Invoice, account, name) for name in subscription.arrears]
    return [keys.key(Contact, account, subscription.contact), *owed]


def ask_at_once(
    service: Service, after: Subscription, payment: Payment | None, known: Reading, freed: Iterable[str]
) -> None:
    """Send the payment that was written with another method, and have the schedule ask for all that is not in it."""
    account, together = after.account, set[str]()
    if payment is not None:
        collect.charge(service, account, [keys.key_of(payment)], known)
        together = {allocation.invoice for allocation in payment.allocations}
    rest = (name for name in dict.fromkeys([*after.arrears, *freed]) if name not in together)
    collect.ask_for_the_rest(service, account, [keys.key(Invoice, account, name) for name in rest])


def swapped(changes: Changeset, before: Subscription, saved: PaymentMethod, at: Moment) -> Payment | None:
    """Fold another method of a subscription into the changeset, which holds its arrears, with one payment for those."""
    return collect.arrears(changes, keep.switched(changes, before, saved, at), at)
