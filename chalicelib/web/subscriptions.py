"""Subscriptions: sold, looked at, moved to another payment method, canceled."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final

from msgspec import Meta

from chalicelib.billing import lines
from chalicelib.billing.errors import Invalid
from chalicelib.billing.invoices import Invoice, InvoiceStatus
from chalicelib.billing.money import Money
from chalicelib.billing.payments import Payment, PaymentStatus
from chalicelib.billing.periods import Frequency
from chalicelib.billing.subscriptions import Status, Subscription
from chalicelib.operations import attach, subscribe
from chalicelib.operations import cancel as end
from chalicelib.store import keys
from chalicelib.web.bodies import Body, Currency, Id, Number, OneLine, Text
from chalicelib.web.cycles import invoice_names, payment_names
from chalicelib.web.endpoint import Call
from chalicelib.web.paging import Paging, cursor, owned
from chalicelib.web.shown import Beside, Listed

MAX_ROUNDS: Final = 5


class NewLine(Body, frozen=True):
    """A line of one's own with `name` and `unit_amount` (minor units), or a `product` of the library and how many."""

    name: OneLine | None = None
    unit_amount: Number | None = None
    quantity: Number = 1
    product: Id | None = None
    description: Text = ""
    sku: OneLine = ""


class NewSubscription(Body, frozen=True):
    """What a contact buys, and on which saved method it is charged.

    `start_on` is a local date of the account's, today where it is not given; `payments` the number of payments of a
    fixed term. `currency` and `frequency` are the products' where they are not given.
    """

    contact: Id
    payment_method: Id
    lines: Annotated[tuple[NewLine, ...], Meta(min_length=1, max_length=100)]
    currency: Currency | None = None
    frequency: Frequency | None = None
    start_on: date | None = None
    payments: int | None = None
    name: OneLine = ""


class Cancel(Body, frozen=True):
    """At once, or in place of the next billing."""

    at_period_end: bool = False


class NewMethod(Body, frozen=True):
    """Another saved payment method of the same contact."""

    payment_method: Id


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
class Totals:
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
    order = subscribe.Order(
        contact=body.contact,
        payment_method=body.payment_method,
        lines=[_line(line, n) for n, line in enumerate(body.lines)],
        currency=body.currency,
        frequency=body.frequency,
        start_on=body.start_on,
        payments=body.payments,
        name=body.name,
    )
    return subscribe.contact(call.service, call.account.id, order)


def _line(line: NewLine, n: int) -> lines.Line:
    """A line as asked for; its id is given when it is sold."""
    own = line.name is not None
    if own is (line.unit_amount is None) or not (own or line.product):
        detail = "Give a line its name and unit_amount, or the id of a product and neither of them."
        raise Invalid("line_incomplete", detail, f"lines[{n}]")
    if not own and (line.description or line.sku):
        detail = "A line that names only a product takes its description and sku from the library."
        raise Invalid("line_from_library", detail, f"lines[{n}]")
    return lines.Line(
        id="",
        name=line.name or "",
        unit_amount=Decimal(line.unit_amount or 0),
        quantity=Decimal(line.quantity),
        description=line.description,
        sku=line.sku,
        product=line.product,
    )


def get(call: Call, id_: str) -> Beside[Subscription, Totals]:
    """A subscription, with what it has brought in."""
    subscription = call.get(Subscription, id_)
    wanted = [keys.key(Invoice, call.account.id, name) for name in invoice_names(subscription)]
    found = call.service.store.load(call.account.id, wanted).records if wanted else {}
    # Newest first, as the names are.
    issued = [found[key] for key in wanted if key in found]
    return Beside(
        subscription, _totals(call, subscription, [one for one in issued if isinstance(one, Invoice)])
    )


def _totals(call: Call, subscription: Subscription, issued: list[Invoice]) -> Totals:
    collected = Money(sum(invoice.amount_paid.amount for invoice in issued), subscription.currency)
    paid = [invoice for invoice in issued if invoice.status is InvoiceStatus.PAID]
    return Totals(payments_completed=len(paid), total_collected=collected, last_payment=_last(call, issued))


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


def cancel(call: Call, id_: str, body: Cancel) -> Subscription:
    """Cancel now and for good, or in place of the next billing. What is owed stays owed, but is not asked for again."""
    before = call.service.store.get(Subscription, call.account.id, id_) if call.seed else None
    if before and (before.status is Status.CANCELED or (body.at_period_end and before.cancel_at_period_end)):
        return before
    return end.subscription(call.service, call.account.id, id_, at_period_end=body.at_period_end)


def change_method(call: Call, id_: str, body: NewMethod) -> Subscription:
    """Charge it on another saved method from now on, and ask at once for all it owes, in one payment."""
    return attach.to_subscription(call.service, call.account.id, id_, body.payment_method)
