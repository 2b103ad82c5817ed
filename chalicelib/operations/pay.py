"""A person has an invoice asked for once more: now, on the subscription's method or on another saved one."""

from dataclasses import dataclass, replace

from chalicelib.billing import ceilings
from chalicelib.billing.collection import Method
from chalicelib.billing.errors import Invalid, WrongState
from chalicelib.billing.invoices import Invoice, InvoiceStatus
from chalicelib.billing.payments import Origin, Payment, PaymentStatus
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account, Moment
from chalicelib.crm.contacts import Contact, PaymentMethod
from chalicelib.operations import act, clear, collect, fill, settle
from chalicelib.operations.together import retried
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.bookkeeping import Alias
from chalicelib.store.changes import Changeset, Reading

METHOD: str = "payment_method"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What is asked of whom: an invoice, as it was read, of a subscription, on a method."""

    changes: Changeset
    at: Moment
    invoice: Invoice
    subscription: Subscription
    method: Method


def invoice(
    service: Service, account: str, id_: str, method: str | None = None
) -> tuple[Invoice, Payment | None]:
    """Ask once more for what an invoice owes, and tell how both stand: without a payment where the customer's balance paid it.

    A page that is open for it, or a payment that waits for its buyer, is called off first. What an earlier try of the same request asked for is not
    asked for again. Raises NotFound, Invalid, Unavailable, or WrongState: `invoice_not_open`, `manual_retries_used`,
    `no_payment_method`, `payment_method_needed`, `method_refused`, `network_ceiling`, `payment_under_way`, `payment_processing`.
    """
    asked = service.new_id(act.REQUEST)

    def attempt() -> tuple[Payment | None, Reading]:
        if service.store.find(Alias, account, asked):
            return None, Reading()
        wanted = _read(service, account, id_, method)
        if wanted.invoice.payment is not None:
            clear.invoices(service, account, [id_])
            if service.store.get(Invoice, account, id_).paid_by_credit:
                return None, _noted(service, account, asked, id_)
            wanted = _read(service, account, id_, method)
        payment = _folded(wanted)
        wanted.changes.put(Alias(account=account, id=asked, target=payment.id if payment else id_))
        known = wanted.changes.before
        known.add(service.store.commit(wanted.changes))
        return payment, known

    payment, known = retried(attempt)
    if payment is not None:
        collect.charge(service, account, [keys.key_of(payment)], known)
    return _told(service, account, id_, asked)


def _noted(service: Service, account: str, asked: str, id_: str) -> Reading:
    """Write down that nothing is left to ask for: the balance paid it as what held it was called off."""
    changes = Changeset(account)
    changes.put(Alias(account=account, id=asked, target=id_))
    return service.store.commit(changes)


def _told(service: Service, account: str, id_: str, asked: str) -> tuple[Invoice, Payment | None]:
    made = service.store.get(Alias, account, asked).target
    found = service.store.load(account, [keys.key(Invoice, account, id_), keys.key(Payment, account, made)])
    return found.get(Invoice, account, id_), found.find(Payment, account, made)


def _read(service: Service, account: str, id_: str, method: str | None) -> Asking:
    """All that asking reads, once nothing speaks against it but a payment that may be open."""
    named = [keys.key(PaymentMethod, account, method)] if method else []
    own = [keys.key(Invoice, account, id_), keys.key(Account, account, account), *named]
    found = service.store.load(account, own)
    owed = fill.named(found, Invoice, account, id_, None)
    made = [keys.key(Payment, account, name) for name in owed.payments_so_far(ceilings.MOST_COUNTED)]
    beside = [keys.key(Subscription, account, owed.subscription), keys.key(Contact, account, owed.contact)]
    found.add(service.store.load(account, [*beside, *made]))
    _check_open(owed)
    subscription = found.get(Subscription, account, owed.subscription)
    asking = Asking(
        changes=Changeset(account, found),
        at=Moment(found.get(Account, account, account), service.real()),
        invoice=owed,
        subscription=subscription,
        method=_method(found, owed, subscription, method),
    )
    _check_method(asking)
    return asking


def _check_open(owed: Invoice) -> None:
    """Refuse what could not be asked for even if no payment was open on it."""
    if owed.status is InvoiceStatus.UNCOLLECTIBLE:
        detail = f"{owed.id} was given up as uncollectible; reopen it first."
        raise WrongState("invoice_not_open", detail)
    replace(owed, payment=None).asked_by_hand(owed.next_payment())


def _method(found: Reading, owed: Invoice, subscription: Subscription, named: str | None) -> Method:
    if named is not None:
        saved = fill.named(found, PaymentMethod, owed.account, named, METHOD)
        if saved.contact != owed.contact:
            raise Invalid("method_of_another", "Another contact saved this payment method.", METHOD)
        own = subscription.method
        if own is not None and own.id == saved.id:
            return own
        return Method(id=saved.id, customer=saved.customer, label=saved.label, type=saved.type)
    if owed.due_on is not None:
        detail = (
            f"{owed.id} was sent to be paid; name a payment_method that its customer agreed to be charged on."
        )
        raise WrongState("payment_method_needed", detail, METHOD)
    if subscription.method is None:
        detail = f"{subscription.id} has no payment method; name one that its customer saved."
        raise WrongState("no_payment_method", detail, METHOD)
    return subscription.method


def _check_method(asking: Asking) -> None:
    """Refuse a method that was refused for good, and one more attempt than the networks allow."""
    method, owed = asking.method, asking.invoice
    made = [
        one
        for name in owed.payments_so_far(ceilings.MOST_COUNTED)
        if (one := asking.changes.find(Payment, name)) and one.was_of(method)
    ]
    if method.refused or any(one.status is PaymentStatus.DECLINED and one.hard for one in made):
        detail = (
            f"{method.label} was refused for good, and may not be asked again; name another payment method."
        )
        raise WrongState("method_refused", detail, METHOD)
    ceiling = collect.ceiling(asking.changes, owed, method, asking.at)
    if ceiling is not None:
        days = "24 hours" if ceiling.days == 1 else f"{ceiling.days} days"
        detail = (
            f"{ceiling.network} allows {ceiling.attempts} attempts in {days}, and {method.label} was asked as often"
            f" for {owed.id}; wait, or name another payment method."
        )
        raise WrongState("network_ceiling", detail, METHOD)


def _folded(wanted: Asking) -> Payment | None:
    """Fold the payment into the changeset; None where the customer's balance pays all of it."""
    changes, at = wanted.changes, wanted.at
    owed = settle.from_balance(changes, wanted.invoice, at)
    if owed.status is not InvoiceStatus.OPEN:
        return None
    payment = collect.payment_for(wanted.subscription, wanted.method, (owed,), Origin.PERSON, at)
    changes.begin(payment, owed.asked_by_hand(payment.id))
    if keys.key_of(wanted.subscription) not in changes.changed:
        changes.check(wanted.subscription)
    return payment
