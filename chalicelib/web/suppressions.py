"""Addresses that are not written to any more, because letters bounced for good or their reader complained."""

from chalicelib.crm.suppressions import Suppression
from chalicelib.operations import stop_mail
from chalicelib.web.endpoint import Call
from chalicelib.web.paging import Paging, owned
from chalicelib.web.shown import Listed


def list_(call: Call, query: Paging) -> Listed[Suppression]:
    """The addresses that are not written to, the last one first."""
    return owned(call.service, Suppression, f"{call.account.id}/suppression", query)


def get(call: Call, id_: str) -> Suppression:
    """One of them, also after it was lifted."""
    return call.get(Suppression, id_)


def lift(call: Call, id_: str) -> Suppression:
    """Write to the address again, until the next letter to it bounces; one that is lifted stays so."""
    return stop_mail.lift(call.service, call.account.id, id_)
