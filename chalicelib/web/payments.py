"""Payments: each time money was asked for, and what became of it; `held` ones wait for Stripe's word."""

from collections.abc import Iterator

from chalicelib.billing.errors import Invalid
from chalicelib.billing.invoices import Invoice, name_of
from chalicelib.billing.payments import Payment
from chalicelib.store import keys
from chalicelib.web.bodies import Id
from chalicelib.web.cycles import BySubscription, Point, Walk, payment_names, walk
from chalicelib.web.endpoint import Call
from chalicelib.web.paging import cursor, owned
from chalicelib.web.shown import Listed


class Filter(BySubscription, frozen=True):
    """Which part of the list, of which contact, subscription or invoice."""

    invoice: Id | None = None


def list_(call: Call, query: Filter) -> Listed[Payment]:
    """All payments, newest first; of an invoice, a subscription, or a contact's subscriptions one after another.

    By subscription or contact a payment of several invoices stands at the oldest of them, and a page may be short;
    by invoice it is told of each invoice it paid, or is open on.
    """
    if query.invoice:
        if query.contact or query.subscription:
            raise Invalid("one_filter", "Ask by contact, subscription or invoice, by one of them.", "invoice")
        return Listed(_load(call, _of_invoice(call, query.invoice))[: query.limit], None)
    if query.contact is None and query.subscription is None:
        return owned(call.service, Payment, f"{call.account.id}/payment", query)
    return _walked(call, walk(call, query), query.limit)


def get(call: Call, id_: str) -> Payment:
    """A payment."""
    return call.get(Payment, id_)


def _of_invoice(call: Call, id_: str) -> list[str]:
    invoice = call.service.store.get(Invoice, call.account.id, id_)
    named = (invoice.payment, invoice.paid_by, *payment_names(invoice))
    return [name for name in dict.fromkeys(named) if name]


def _walked(call: Call, way: Walk, limit: int) -> Listed[Payment]:
    names: dict[str, Point] = {}
    for ordinal, invoice in _invoices(call, way, limit):
        for attempt, name in zip(range(invoice.attempts, 0, -1), payment_names(invoice), strict=True):
            point = Point(subscription=invoice.subscription, invoice=ordinal, payment=attempt)
            if _shown_before(way, point):
                continue
            if len(names) == limit:
                return Listed(_load(call, list(names)), cursor(str(list(names.values())[-1])))
            names[name] = point
    return Listed(_load(call, list(names)), cursor(str(way.rest) if way.rest else None))


def _shown_before(way: Walk, point: Point) -> bool:
    last = way.point
    if last is None or last.subscription != point.subscription:
        return False
    return (point.invoice, point.payment) >= (last.invoice, last.payment)


def _invoices(call: Call, way: Walk, at_once: int) -> Iterator[tuple[int, Invoice]]:
    """The invoices of a walk by their ordinals, read some at a time, as they are asked for."""
    for subscription in way.subscriptions:
        last = way.point if way.point and way.point.subscription == subscription.id else None
        top = subscription.ordinal if last is None else min(subscription.ordinal, last.invoice + 1)
        for start in range(top, 0, -at_once):
            ordinals = range(start - 1, max(-1, start - 1 - at_once), -1)
            wanted = [keys.key(Invoice, call.account.id, name_of(subscription.id, one)) for one in ordinals]
            found = call.service.store.load(call.account.id, wanted).records
            for ordinal, key in zip(ordinals, wanted, strict=True):
                invoice = found.get(key)
                if isinstance(invoice, Invoice):
                    yield ordinal, invoice


def _load(call: Call, names: list[str]) -> list[Payment]:
    wanted = [keys.key(Payment, call.account.id, name) for name in names]
    found = call.service.store.load(call.account.id, wanted).records
    payments = [found.get(key) for key in wanted]
    return [payment for payment in payments if isinstance(payment, Payment)]
