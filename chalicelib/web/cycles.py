"""What subscriptions have been billed and asked for, by names that are derived, not searched.

A list by contact or subscription needs no index of its own: an invoice is named by its ordinal, a payment by its
invoice and ordinal. So a page is a walk over invoices, newest first, and its cursor the last name shown.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from chalicelib.billing.errors import Invalid
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.numbering import name_of
from chalicelib.billing.subscriptions import Subscription
from chalicelib.web.bodies import Id, is_id
from chalicelib.web.endpoint import Call
from chalicelib.web.paging import Paging, not_a_cursor

MAX_SUBSCRIPTIONS: Final = 20
"""Subscriptions of a contact walked through for one request."""


class BySubscription(Paging, frozen=True):
    """Which part of the list, of which contact or subscription."""

    contact: Id | None = None
    subscription: Id | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """The last of a page, by the ordinals of an invoice and a payment of it, 0 for an invoice; both 0 is the end of a subscription."""

    subscription: str
    invoice: int
    payment: int = 0

    def __str__(self) -> str:
        return f"{self.subscription}|{self.invoice}|{self.payment}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """Subscriptions to go through, the first from `point` on where there is one; `rest` if there are more behind them."""

    subscriptions: list[Subscription]
    point: Point | None
    rest: Point | None


def invoice_names(subscription: Subscription, below: int | None = None) -> list[str]:
    """The invoices issued, newest first; `below` leaves out the one of that ordinal and later ones."""
    top = subscription.ordinal if below is None else min(below, subscription.ordinal)
    return [name_of(subscription.id, ordinal) for ordinal in reversed(range(top))]


def payment_names(invoice: Invoice) -> Iterator[str]:
    """The payments named after an invoice, newest first.

    A payment of several invoices is named after the oldest, so not every ordinal is taken.
    """
    for ordinal in range(invoice.attempts, 0, -1):
        yield f"pay_{invoice.id.removeprefix('inv_')}_{ordinal}"


def payments_of(invoice: Invoice) -> list[str]:
    """The names of the payments that are open on an invoice, paid it, or were tried, those named after it newest first."""
    named = (invoice.payment, invoice.paid_by, *payment_names(invoice))
    return [name for name in dict.fromkeys(named) if name]


def walk(call: Call, query: BySubscription) -> Walk:
    """What a page by contact or subscription is drawn from. Raises Invalid, and NotFound for a subscription."""
    if query.contact and query.subscription:
        raise Invalid("one_filter", "Ask by contact or by subscription, not by both.", "contact")
    point = _point(query.position)
    if query.subscription:
        if point and point.subscription != query.subscription:
            raise not_a_cursor()
        found = call.service.store.get(Subscription, call.account.id, query.subscription)
        return Walk(subscriptions=[found], point=point, rest=None)
    return _of_contact(call, query, point)


def _of_contact(call: Call, query: BySubscription, point: Point | None) -> Walk:
    store, account = call.service.store, call.account.id
    first = store.find(Subscription, account, point.subscription) if point else None
    if point and (first is None or first.contact != query.contact):
        raise not_a_cursor()
    after = point.subscription if point else None
    page = store.owned(f"{account}/{query.contact}/subscription", limit=MAX_SUBSCRIPTIONS, after=after)
    found = [record for record in page.records if isinstance(record, Subscription)]
    rest = Point(subscription=page.next, invoice=0) if page.next else None
    return Walk(subscriptions=[first, *found] if first else found, point=point, rest=rest)


def _point(position: str | None) -> Point | None:
    if position is None:
        return None
    try:
        subscription, invoice, payment = position.split("|")
        point = Point(subscription=subscription, invoice=int(invoice), payment=int(payment))
    except ValueError:
        raise not_a_cursor() from None
    if not is_id(subscription):
        raise not_a_cursor()
    return point
