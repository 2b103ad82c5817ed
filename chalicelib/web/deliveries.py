"""Deliveries: letters, and what became of each; one that stays `sending` was maybe sent."""

from chalicelib.billing.deliveries import Delivery
from chalicelib.web.endpoint import Call
from chalicelib.web.paging import Paging, owned
from chalicelib.web.shown import Listed


def list_(call: Call, query: Paging) -> Listed[Delivery]:
    """All deliveries, newest first."""
    return owned(call.service, Delivery, f"{call.account.id}/delivery", query)


def get(call: Call, id_: str) -> Delivery:
    """A delivery."""
    return call.get(Delivery, id_)
