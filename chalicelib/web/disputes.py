"""Disputes: money of payments that buyers, or their banks, ask for back."""

from chalicelib.billing.disputes import Dispute
from chalicelib.web.endpoint import Call
from chalicelib.web.paging import OfPayment, of_payment
from chalicelib.web.shown import Listed


def list_(call: Call, query: OfPayment) -> Listed[Dispute]:
    """All disputes, newest first; or those of a payment. They are answered at Stripe."""
    return of_payment(call.service, call.account.id, Dispute, query)


def get(call: Call, id_: str) -> Dispute:
    """A dispute, by Stripe's id."""
    return call.get(Dispute, id_)
