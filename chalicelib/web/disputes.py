"""Disputes: money of payments that buyers, or their banks, ask for back."""

from chalicelib.billing.disputes import Dispute
from chalicelib.billing.payments import Payment
from chalicelib.web.bodies import Id
from chalicelib.web.endpoint import Call
from chalicelib.web.paging import Paging, owned
from chalicelib.web.shown import Listed


class Filter(Paging, frozen=True):
    """Which part of the list, of which payment."""

    payment: Id | None = None


def list_(call: Call, query: Filter) -> Listed[Dispute]:
    """All disputes, newest first; or those of a payment. They are answered at Stripe."""
    account = call.account.id
    if query.payment is None:
        return owned(call.service, Dispute, f"{account}/dispute", query)
    call.service.store.get(Payment, account, query.payment)
    return owned(call.service, Dispute, f"{account}/{query.payment}/dispute", query)


def get(call: Call, id_: str) -> Dispute:
    """A dispute, by Stripe's id."""
    return call.get(Dispute, id_)
