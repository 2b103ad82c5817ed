"""Payment methods: what contacts have saved to be charged on."""

from chalicelib.crm.contacts import PaymentMethod
from chalicelib.operations import attach as save
from chalicelib.web.bodies import Body, Id
from chalicelib.web.endpoint import Call
from chalicelib.web.paging import Paging, owned
from chalicelib.web.shown import Listed


class NewPaymentMethod(Body, frozen=True):
    """A PaymentMethod of Stripe's (`pm_...`), and the contact it is saved for."""

    contact: Id
    payment_method: Id


class OfContact(Paging, frozen=True, kw_only=True):
    """Whose, and which part of the list."""

    contact: Id


def list_(call: Call, query: OfContact) -> Listed[PaymentMethod]:
    """The payment methods of a contact."""
    return owned(call.service, PaymentMethod, f"{call.account.id}/{query.contact}/payment_method", query)


def attach(call: Call, body: NewPaymentMethod) -> PaymentMethod:
    """Attach a payment method to a contact at Stripe; one that is attached already is answered as it is."""
    return save.payment_method(call.service, call.account.id, body.contact, body.payment_method)


def get(call: Call, id_: str) -> PaymentMethod:
    """A payment method."""
    return call.get(PaymentMethod, id_)
