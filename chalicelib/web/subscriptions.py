"""Subscriptions: sold, looked at, moved to another payment method."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Final

from msgspec import Meta

from chalicelib.billing.collection import AddressType, CollectionMethod, MethodType
from chalicelib.billing.invoices import Invoice, InvoiceStatus
from chalicelib.billing.money import Money
from chalicelib.billing.orders import AT_CHECKOUT, Backdate
from chalicelib.billing.payments import Payment, PaymentStatus
from chalicelib.billing.periods import Frequency
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.summaries import Summary
from chalicelib.operations import attach, delete_subscription, subscribe, switch
from chalicelib.operations.order import Order
from chalicelib.store import keys
from chalicelib.store.changes import not_found
from chalicelib.web.bodies import Body, Id, Term
from chalicelib.web.cycles import invoice_names, payment_names
from chalicelib.web.endpoint import Call
from chalicelib.web.lines import NewLine, start
from chalicelib.web.paging import Paging, cursor, owned
from chalicelib.web.purchases import Purchase, order, terms
from chalicelib.web.shown import Beside, Listed

MAX_ROUNDS: Final = 5


class NewSubscription(Purchase, frozen=True, kw_only=True):
    """One subscription, and what is billed once with its first invoice: lines whose `frequency` is one_time.

    `frequency`, `currency` and the term are the products' where they are not given. `payments` is the number of
    payments of a fixed term, which `term` says as a duration (P12M). It starts today, on `start_on` (a local date), or
    some days or months from today; a start in the past says with `backdate` whether the periods before today are
    billed now, or were billed elsewhere (skip).
    """

    lines: Annotated[tuple[NewLine, ...], Meta(min_length=1, max_length=100)]
    frequency: Frequency | None = None
    payments: int | None = None
    term: Term | None = None
    start_on: date | None = None
    start_delay_days: int | None = None
    start_delay_months: int | None = None
    backdate: Backdate | None = None


class NewMethod(Body, frozen=True):
    """Another saved payment method of the same contact."""

    payment_method: Id


class NewCollection(Body, frozen=True):
    """How its later invoices are collected; what is left out stays as it was.

    Another `collection_method` begins with terms of its own. Switched to charge_automatically it is charged on the
    `payment_method` named here, or on the one it has; named, it is asked for at once for all that is overdue.
    """

    collection_method: CollectionMethod | None = None
    days_until_due: int | None = None
    accept_online: bool | None = None
    accepted_types: Annotated[tuple[MethodType, ...], Meta(max_length=5)] | None = None
    collect_addresses: Annotated[tuple[AddressType, ...], Meta(max_length=2)] | None = None
    save_payment_method: bool | None = None
    payment_method: Id | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted:
    """A subscription that is in no list any more."""

    id: str
    deleted: bool = True


class Filter(Paging, frozen=True):
    """Which part of the list, of which contact, in which status."""

    contact: Id | None = None
    status: Status | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LastPayment:
    """The newest payment of the newest invoice; `created_at` on the account's clock."""

    id: str
    status: PaymentStatus
    amount: Money
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """Counted from the invoices when the subscription is asked for."""

    payments_completed: int
    total_collected: Money
    last_payment: LastPayment | None


def list_(call: Call, query: Filter) -> Listed[Subscription]:
    """All subscriptions, newest first; of a contact, in a status, or both."""
    account = call.account.id
    if query.contact is None:
        owner = f"{account}/subscription" + (f"/{query.status}" if query.status else "")
        return owned(call.service, Subscription, owner, query)
    owner = f"{account}/{query.contact}/subscription"
    if query.status is None:
        return owned(call.service, Subscription, owner, query)
    return _of_status(call, owner, query)


def _of_status(call: Call, owner: str, query: Filter) -> Listed[Subscription]:
    """A page of a contact's, looked through for a status: short where few are in it."""
    found: list[Subscription] = []
    after = query.position
    for _ in range(MAX_ROUNDS):
        page = call.service.store.owned(owner, limit=query.limit - len(found), after=after)
        subscriptions = [record for record in page.records if isinstance(record, Subscription)]
        found += [subscription for subscription in subscriptions if subscription.status is query.status]
        after = page.next
        if after is None or len(found) >= query.limit:
            break
    return Listed(found, cursor(after))


def create(call: Call, body: NewSubscription) -> Subscription:
    """Sell a subscription; what is due today is billed and charged within seconds."""
    return subscribe.contact(call.service, call.account.id, order_of(body))


def preview(call: Call, body: NewSubscription) -> Summary:
    """What a subscription would come to: now, later, in all. Nothing is written."""
    return subscribe.foreseen(call.service, call.account.id, order_of(body))


def order_of(body: NewSubscription) -> Order:
    """The order a body of one subscription is."""
    return order(
        body,
        body.lines,
        frequency=body.frequency,
        payments=body.payments,
        term=body.term,
        start=start(body) or AT_CHECKOUT,
    )


def get(call: Call, id_: str) -> Beside[Subscription, Collected]:
    """A subscription, with what it has brought in."""
    subscription = call.get(Subscription, id_)
    if subscription.deleted_at is not None:
        raise not_found(Subscription, id_)
    wanted = [keys.key(Invoice, call.account.id, name) for name in invoice_names(subscription)]
    found = call.service.store.load(call.account.id, wanted).records if wanted else {}
    # Newest first, as the names are.
    issued = [found[key] for key in wanted if key in found]
    return Beside(
        subscription, _totals(call, subscription, [one for one in issued if isinstance(one, Invoice)])
    )


def _totals(call: Call, subscription: Subscription, issued: list[Invoice]) -> Collected:
    collected = Money(sum(invoice.amount_paid.amount for invoice in issued), subscription.currency)
    paid = [invoice for invoice in issued if invoice.status is InvoiceStatus.PAID]
    return Collected(
        payments_completed=len(paid), total_collected=collected, last_payment=_last(call, issued)
    )


def _last(call: Call, issued: list[Invoice]) -> LastPayment | None:
    asked = next((invoice for invoice in issued if invoice.attempts), None)
    if asked is None:
        return None
    name = asked.payment or asked.paid_by or next(payment_names(asked))
    payment: Any = call.service.store.find(Payment, call.account.id, name)
    if payment is None:
        return None
    return LastPayment(
        id=payment.id, status=payment.status, amount=payment.amount, created_at=payment.created_at
    )


def change_method(call: Call, id_: str, body: NewMethod) -> Subscription:
    """Charge it on another saved method from now on, and ask at once for all it owes, in one payment."""
    return attach.to_subscription(call.service, call.account.id, id_, body.payment_method)


def change_collection(call: Call, id_: str, body: NewCollection) -> Subscription:
    """Collect its later invoices in another way, or by other terms; what was issued before stays as it was."""
    return switch.subscription(call.service, call.account.id, id_, terms(body), body.payment_method)


def delete(call: Call, id_: str) -> Deleted:
    """Take it out of every list, for good: one that has ended, was never billed, or is of a test account.

    What was issued for it stays, so nothing of it may be open any more.
    """
    delete_subscription.subscription(call.service, call.account.id, id_)
    return Deleted(id=id_)
