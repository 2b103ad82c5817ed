"""Refunds: money of payments given back, to where it came from or to the customer's balance."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from chalicelib.billing.errors import Invalid
from chalicelib.billing.refunds import Refund
from chalicelib.operations import refund
from chalicelib.operations.refund import Wish
from chalicelib.web.balances import Amount, money
from chalicelib.web.bodies import Body, Id, Text
from chalicelib.web.credit_notes import CreditedLine, wanted
from chalicelib.web.endpoint import Call
from chalicelib.web.paging import OfPayment, of_payment
from chalicelib.web.shown import Listed


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


def list_(call: Call, query: OfPayment) -> Listed[Refund]:
    """All refunds, newest first; or those of a payment."""
    return of_payment(call.service, call.account.id, Refund, query)


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
