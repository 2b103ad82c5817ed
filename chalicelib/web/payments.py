"""Payments: each time money was asked for, and what became of it; `held` ones wait for Stripe's word."""

from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from chalicelib.billing.errors import Invalid
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.numbering import name_of
from chalicelib.billing.payments import Payment
from chalicelib.billing.receipts import HandType
from chalicelib.operations import record as by_hand
from chalicelib.operations import unrecord
from chalicelib.operations.record import MOST_INVOICES, Received
from chalicelib.store import keys
from chalicelib.web.balances import Amount, money
from chalicelib.web.bodies import Body, Id, OneLine, Text
from chalicelib.web.cycles import BySubscription, Point, Walk, payment_names, payments_of, walk
from chalicelib.web.endpoint import Call
from chalicelib.web.paging import cursor, owned
from chalicelib.web.shown import Listed


class Shown(StrEnum):
    """The statuses that are listed by themselves: `held` waits for Stripe's word, and holds its invoices until then."""

    HELD = "held"


class Filter(BySubscription, frozen=True):
    """Which part of the list, of which contact, subscription or invoice, or of which status."""

    invoice: Id | None = None
    status: Shown | None = None


def list_(call: Call, query: Filter) -> Listed[Payment]:
    """All payments, newest first; of an invoice, a subscription, or a contact's subscriptions one after another.

    By subscription or contact a payment of several invoices stands at the oldest of them, and a page may be short;
    by invoice it is told of each invoice it paid, or is open on.
    """
    if query.status:
        if query.contact or query.subscription or query.invoice:
            raise Invalid("one_filter", "Ask by status, or by what was paid, by one of them.", "status")
        return owned(call.service, Payment, f"{call.account.id}/payment/{query.status}", query)
    if query.invoice:
        if query.contact or query.subscription:
            raise Invalid("one_filter", "Ask by contact, subscription or invoice, by one of them.", "invoice")
        invoice = call.service.store.get(Invoice, call.account.id, query.invoice)
        return Listed(_load(call, payments_of(invoice))[: query.limit], None)
    if query.contact is None and query.subscription is None:
        return owned(call.service, Payment, f"{call.account.id}/payment", query)
    return _walked(call, walk(call, query), query.limit)


def get(call: Call, id_: str) -> Payment:
    """A payment."""
    return call.get(Payment, id_)


class NewPayment(Body, frozen=True):
    """Money of a contact's that came another way, and the local day it came on.

    `invoices` are paid by it in their order; left out, the contact's open ones, what was due first first; empty, none. What
    is beyond them is the customer's balance. `force` writes down what has the reference, amount and day of another.
    """

    contact: Id
    amount: Amount
    received_on: date
    type: HandType
    reference: OneLine = ""
    note: Text = ""
    invoices: Annotated[tuple[Id, ...], Meta(max_length=MOST_INVOICES)] | None = None
    force: bool = False


def record(call: Call, body: NewPayment) -> Payment:
    """Write down a bank transfer, a check or cash: it pays open invoices, and pages that are open for them are closed."""
    received = Received(
        contact=body.contact,
        amount=money(body.amount, "amount"),
        received_on=body.received_on,
        type=body.type,
        reference=body.reference.strip(),
        note=body.note.strip(),
        invoices=body.invoices,
        force=body.force,
    )
    return by_hand.payment(call.service, call.account.id, received)


def undo(call: Call, id_: str) -> Payment:
    """Take back a payment that was written down by mistake: what it paid is owed again."""
    return unrecord.payment(call.service, call.account.id, id_)


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
