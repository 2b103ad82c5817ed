"""What is told of a record besides its own fields; each function is called what it tells."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import msgspec

from chalicelib.billing import mrr as monthly
from chalicelib.billing.collection import AddressType, CollectionMethod, MethodType
from chalicelib.billing.discounts import Discount
from chalicelib.billing.disputes import Dispute
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.lines import Line
from chalicelib.billing.money import Money
from chalicelib.billing.payments import Payment, PaymentStatus
from chalicelib.billing.periods import Frequency
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.tax import Tax
from chalicelib.billing.webhooks import WebhookEndpoint
from chalicelib.crm.account_changes import AccountChange


def amount_due(invoice: Invoice) -> Money:
    return invoice.amount_due


def amount_applied(invoice: Invoice) -> Money:
    return invoice.amount_applied or Money.zero(invoice.currency)


def amount_credited(invoice: Invoice) -> Money:
    return invoice.amount_credited or Money.zero(invoice.currency)


def subtotal(invoice: Invoice) -> Money:
    return invoice.subtotal


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownInstalment:
    """A part of what is owed, due on a local day, and what of it is still to be paid: payments fill the first ones first."""

    due_on: date
    amount: Money
    amount_left: Money


def instalments(invoice: Invoice) -> tuple[ShownInstalment, ...]:
    shown, settled = [], sum(part.amount.amount for part in invoice.instalments) - invoice.amount_due.amount
    for part in invoice.instalments:
        paid = min(max(0, settled), part.amount.amount)
        settled -= paid
        left = Money(part.amount.amount - paid, invoice.currency)
        shown.append(ShownInstalment(due_on=part.on, amount=part.amount, amount_left=left))
    return tuple(shown)


def ends_on(subscription: Subscription) -> date | None:
    return subscription.ends_on


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedChange:
    """What takes effect with the next cycle; null leaves as it is."""

    lines: tuple[Line, ...] | None
    taxes: tuple[Tax, ...] | None
    discounts: tuple[Discount, ...] | None
    frequency: Frequency | None


def change(subscription: Subscription) -> SavedChange | None:
    saved = subscription.change
    if saved is None:
        return None
    return SavedChange(
        lines=saved.lines, taxes=saved.rates, discounts=saved.coupons, frequency=saved.frequency
    )


def collection_method(subscription: Subscription) -> CollectionMethod:
    return subscription.collects.way


def days_until_due(subscription: Subscription) -> int:
    return subscription.collects.days_until_due


def accept_online(subscription: Subscription) -> bool:
    return subscription.collects.online


def accepted_types(subscription: Subscription) -> tuple[MethodType, ...]:
    return subscription.collects.types


def collect_addresses(subscription: Subscription) -> tuple[AddressType, ...]:
    return subscription.collects.addresses


def save_payment_method(subscription: Subscription) -> bool:
    return subscription.collects.save_method


def invoicing(subscription: Subscription) -> bool:
    return not subscription.record_only


def next_billing_at(subscription: Subscription) -> datetime | None:
    return subscription.next_at if _bills(subscription) else None


def next_billing_on(subscription: Subscription) -> date | None:
    return subscription.next_on if _bills(subscription) else None


def mrr(subscription: Subscription) -> Money:
    return monthly.mrr(subscription)


def payments_left(subscription: Subscription) -> int | None:
    if subscription.payments is None:
        return None
    return max(0, subscription.payments - subscription.cycle) if subscription.billable else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class By:
    """The API key that asked, and what it was called then."""

    key: str
    name: str


def by(change: AccountChange) -> By:
    return By(key=change.key, name=change.key_name)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedField:
    """A setting, and its values before and after."""

    field: str
    before: Any
    after: Any


SETTINGS: Final = {"method_types": "accepted_types"}
"""What a setting is called as on a subscription, where its record calls it otherwise."""


def fields_changed(change: AccountChange) -> tuple[ChangedField, ...]:
    return tuple(
        ChangedField(
            field=SETTINGS.get(one.field, one.field),
            before=msgspec.json.decode(one.before),
            after=msgspec.json.decode(one.after),
        )
        for one in change.fields
    )


def payment_method(payment: Payment) -> str | None:
    return (payment.request.method or None) if payment.request else None


def method_type(payment: Payment) -> str | None:
    """What a record leaves out for a card; on a page nobody has chosen before the money is on its way."""
    on_page = payment.request is not None and payment.request.page is not None
    known = not on_page or payment.taken or payment.status is PaymentStatus.PROCESSING
    return payment.method_type or ("card" if known else None)


def refund_status(payment: Payment) -> str:
    """HubSpot's words of a payment's money: none of it went back, some, or all."""
    back = payment.amount_refunded
    if not back:
        return "none"
    return "refunded" if back >= payment.amount else "partially_refunded"


def held(dispute: Dispute) -> Money:
    return dispute.held


def _bills(subscription: Subscription) -> bool:
    over = subscription.at_its_end or subscription.ends_first
    return subscription.billable and subscription.paused_on is None and not over


def resending_since(endpoint: WebhookEndpoint) -> datetime | None:
    return endpoint.resending.since_at if endpoint.resending else None
