"""Refunds: money of payments given back, to where it came from or to the customer's balance."""

from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta

from chalicelib.billing.credits import name_of
from chalicelib.billing.errors import Invalid
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.payments import Payment, PaymentStatus
from chalicelib.billing.refunds import Refund
from chalicelib.billing.subscriptions import Subscription
from chalicelib.operations import refund
from chalicelib.operations.refund import Wish
from chalicelib.store import keys
from chalicelib.web.balances import Amount, money
from chalicelib.web.bodies import Body, Id, Text
from chalicelib.web.credit_notes import CreditedLine, wanted
from chalicelib.web.cycles import payments_of
from chalicelib.web.endpoint import Call
from chalicelib.web.paging import OfPayment, of_payment, owned
from chalicelib.web.shown import Listed

TOOK: Final = (PaymentStatus.SUCCEEDED, PaymentStatus.RETURNED)


class RefundTo(StrEnum):
    """Where the money goes."""

    PAYMENT = "payment"
    BALANCE = "balance"


class NewRefund(Body, frozen=True):
    """What is given back, and why: an `amount` of a `payment`, tax within, or all that is left of it; or of one `invoice` it
    paid, where the payment may be left out, and of that `lines`.

    The invoices are credited with it. `to` the payment the money goes back to where it came from; to the balance it is
    the customer's credit, which the next invoices are paid from.
    """

    payment: Id | None = None
    invoice: Id | None = None
    amount: Amount | None = None
    lines: Annotated[tuple[CreditedLine, ...], Meta(min_length=1, max_length=200)] | None = None
    reason: Text = ""
    to: RefundTo = RefundTo.PAYMENT


class Filter(OfPayment, frozen=True):
    """Which part of the list, of which payment, invoice or subscription."""

    invoice: Id | None = None
    subscription: Id | None = None


def list_(call: Call, query: Filter) -> Listed[Refund]:
    """All refunds, newest first; or those of a payment, of a subscription's payments, or of what was paid of an invoice."""
    if sum(name is not None for name in (query.payment, query.invoice, query.subscription)) > 1:
        raise Invalid("one_filter", "Ask by payment, invoice or subscription, by one of them.", "payment")
    if query.invoice:
        return Listed(_of_invoice(call, query.invoice)[: query.limit], None)
    if query.subscription:
        call.service.store.get(Subscription, call.account.id, query.subscription)
        return owned(call.service, Refund, f"{call.account.id}/{query.subscription}/refund", query)
    return of_payment(call.service, call.account.id, Refund, query)


def _of_invoice(call: Call, id_: str) -> list[Refund]:
    """Those that credited it, or nothing at all, of the payments that paid it."""
    store, account = call.service.store, call.account.id
    names = payments_of(store.get(Invoice, account, id_))
    made = store.load(account, [keys.key(Payment, account, name) for name in names]).records.values()
    owners = [f"{account}/{one.id}/refund" for one in made if isinstance(one, Payment) and one.status in TOOK]
    found = [one for owner in owners for one in store.owned(owner, limit=100).records]
    mine = [one for one in found if isinstance(one, Refund) and _credits(one, id_)]
    return sorted(mine, key=lambda one: (one.created_at, one.id), reverse=True)


def _credits(one: Refund, invoice: str) -> bool:
    begins = name_of(invoice, 0).removesuffix("0")
    return not one.credit_notes or any(name.startswith(begins) for name in one.credit_notes)


def create(call: Call, body: NewRefund) -> Refund:
    """Give money of a payment back, now: `pending` until the bank has it, and back on the customer's balance if it `failed`."""
    return refund.payment(call.service, call.account.id, _wish(body))


def get(call: Call, id_: str) -> Refund:
    """A refund."""
    return call.get(Refund, id_)


def _wish(body: NewRefund) -> Wish:
    if body.payment is None and body.invoice is None:
        raise Invalid("nothing_named", "Name the payment that is to be given back, or an invoice.", "payment")
    if body.lines and body.invoice is None:
        raise Invalid("invoice_missing", "Name the invoice that the lines are of.", "invoice")
    if body.lines and body.amount:
        raise Invalid("amount_and_lines", "Send an amount or lines: lines say how much themselves.", "amount")
    return Wish(
        payment=body.payment,
        invoice=body.invoice,
        lines=wanted(body.lines),
        amount=money(body.amount, "amount") if body.amount else None,
        reason=body.reason,
        to_balance=body.to is RefundTo.BALANCE,
    )
