"""Sell a subscription."""

from dataclasses import dataclass, replace
from datetime import date
from typing import TypeVar

from chalicelib.billing import lines as line_rules
from chalicelib.billing import money, periods
from chalicelib.billing.currencies import check_currency, largest_at_stripe
from chalicelib.billing.errors import Invalid
from chalicelib.billing.events import EventType
from chalicelib.billing.lines import Line
from chalicelib.billing.periods import Frequency
from chalicelib.billing.products import Product
from chalicelib.billing.subscriptions import Method, Status, Subscription
from chalicelib.crm.accounts import Account, Moment
from chalicelib.crm.contacts import Contact, PaymentMethod
from chalicelib.operations import publish
from chalicelib.operations.together import nudge, retried
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, Reading

V = TypeVar("V", bound=str)
MAX_LINES = 100
MAX_PAYMENTS = 1200


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is wished: lines charged on a saved method from `start_on` (None: today) on, for `payments` (None: no end).

    A line with a `product` and no name of its own is filled from the library. Currency and frequency are the
    products' where they are not given; all lines of one subscription share them.
    """

    contact: str
    payment_method: str
    lines: list[Line]
    currency: str | None = None
    frequency: Frequency | None = None
    start_on: date | None = None
    payments: int | None = None
    name: str = ""


def contact(service: Service, account: str, order: Order) -> Subscription:
    """A contact buys. Raises NotFound or Invalid."""
    id_ = service.new_id("sub_")

    def attempt() -> Subscription:
        wanted = [
            keys.key(Account, account, account),
            keys.key(Contact, account, order.contact),
            keys.key(PaymentMethod, account, order.payment_method),
        ]
        wanted += [keys.key(Product, account, line.product) for line in order.lines if line.product]
        found = service.store.load(account, wanted)
        at = Moment(found.get(Account, account, account), service.real())
        subscription = _ordered(found, at, order, id_)
        _check(subscription, periods.local_date(at.now, at.account.zone))
        return _sold(service, at.account, subscription)

    return retried(attempt)


def _ordered(found: Reading, at: Moment, order: Order, id_: str) -> Subscription:
    """The subscription of an order, with what it leaves open taken from the library and the account."""
    business = at.account
    products = [found.get(Product, business.id, line.product) for line in order.lines if line.product]
    currency = _one([product.currency for product in products], order.currency, "currency")
    frequency = _one([product.frequency for product in products], order.frequency, "frequency")
    return Subscription(
        account=business.id,
        id=id_,
        contact=found.get(Contact, business.id, order.contact).id,
        currency=currency or business.currency,
        frequency=_recurring(frequency),
        lines=tuple(_filled(line, n, found, business.id) for n, line in enumerate(order.lines, 1)),
        anchor_on=order.start_on or periods.local_date(at.now, business.zone),
        zone=business.zone,
        hour=business.billing_hour,
        status=Status.SCHEDULED,
        created_at=at.now,
        name=order.name,
        reminder_days=business.reminder_days,
        payments=order.payments,
        method=_method(found.get(PaymentMethod, business.id, order.payment_method), order.contact),
    )


def _sold(service: Service, business: Account, subscription: Subscription) -> Subscription:
    changes = Changeset(business.id)
    changes.put(subscription)
    if business.clock is not None:
        business = business.catching_up()
        changes.put(business)
    about = {"contact": subscription.contact, "subscription": subscription.id}
    publish.fact(
        changes, EventType.SUBSCRIPTION_CREATED, subscription, about, Moment(business, service.real())
    )
    written = service.store.commit(changes)
    nudge(service, business, written.records.values())
    return written.get(Subscription, business.id, subscription.id)


def _check(wanted: Subscription, today: date) -> None:
    check_currency(wanted.currency)
    if not 1 <= len(wanted.lines) <= MAX_LINES:
        raise Invalid("lines_out_of_range", f"Give from 1 to {MAX_LINES} lines.", "lines")
    for n, line in enumerate(wanted.lines):
        line_rules.check_line(line, f"lines[{n}]")
    _check_total(wanted)
    if wanted.anchor_on < today:
        raise Invalid("start_in_the_past", f"Start on {today} or later.", "start_on")
    if wanted.payments is not None and not 1 <= wanted.payments <= MAX_PAYMENTS:
        raise Invalid("payments_out_of_range", f"A term has from 1 to {MAX_PAYMENTS} payments.", "payments")


def _check_total(wanted: Subscription) -> None:
    """Refuse an amount that Stripe could never charge, while it can still be changed."""
    amounts = (line_rules.amount(line, wanted.currency) for line in wanted.lines)
    total = money.total(amounts, wanted.currency)
    money.to_stripe(total)
    largest = largest_at_stripe(wanted.currency)
    if total.amount > largest:
        raise Invalid("amount_too_large", f"Stripe charges at most {largest} minor units at once.", "lines")


def _method(saved: PaymentMethod, contact: str) -> Method:
    if saved.contact != contact:
        raise Invalid("method_of_another", "Another contact saved this payment method.", "payment_method")
    return Method(id=saved.id, customer=saved.customer, label=saved.label)


def _recurring(frequency: Frequency | None) -> Frequency:
    if frequency is None:
        raise Invalid("frequency_missing", "Say how often it is billed, such as monthly.", "frequency")
    if frequency is Frequency.ONE_TIME:
        raise Invalid(
            "frequency_not_recurring", "Choose a frequency that recurs, such as monthly.", "frequency"
        )
    return frequency


def _one(library: list[V], given: V | None, param: str) -> V | None:
    values = set(library) | ({given} if given is not None else set())
    if len(values) > 1:
        listed = ", ".join(sorted(values))
        raise Invalid(
            f"{param}_differs",
            f"The lines of one subscription share their {param}; here are {listed}.",
            param,
        )
    return next(iter(values), None)


def _filled(line: Line, ordinal: int, found: Reading, account: str) -> Line:
    """A line with an id of its own, copied from the library where it names a product and nothing else."""
    id_ = f"li_{ordinal}"
    if line.product and not line.name:
        return found.get(Product, account, line.product).line(id_, line.quantity)
    return replace(line, id=id_)
