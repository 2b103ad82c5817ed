"""The addresses of a buyer's pages, for staff who pass them on by hand: signed, and good for 30 days."""

from dataclasses import dataclass
from datetime import datetime

from chalicelib.billing.errors import WrongState
from chalicelib.billing.invoices import Invoice, InvoiceStatus
from chalicelib.billing.payments import Payment
from chalicelib.billing.subscriptions import Subscription
from chalicelib.operations import invite
from chalicelib.store.changes import not_found
from chalicelib.views import links
from chalicelib.web.bodies import Body
from chalicelib.web.endpoint import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLink:
    """Where a buyer opens a page, without signing in, until it expires: whoever has the address sees what they see."""

    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SentLink:
    """The address, and the letter it went in: a delivery, null where none was asked for."""

    url: str
    expires_at: datetime
    delivery: str | None


class SendLink(Body, frozen=True):
    """Whether a letter with the link goes to the contact too."""

    send: bool = False


def invoice(call: Call, id_: str) -> PageLink:
    """The address of an invoice's page: what is in it, and where it is paid."""
    wanted, now = call.service.store.get(Invoice, call.account.id, id_), call.service.real()
    if wanted.status is InvoiceStatus.DRAFT:
        raise WrongState("invoice_draft", "It has not been issued yet; ask again once it is open.")
    return PageLink(url=links.invoice(call.service.settings, wanted, now), expires_at=now + links.LIVES)


def payment(call: Call, id_: str) -> PageLink:
    """The address of a payment's page: its receipt, or where it is confirmed."""
    wanted, now = call.service.store.get(Payment, call.account.id, id_), call.service.real()
    if not wanted.allocations:
        raise WrongState("payment_without_page", "No invoice was paid with it; it is the customer's balance.")
    return PageLink(url=links.payment(call.service.settings, wanted, now), expires_at=now + links.LIVES)


def owed(call: Call, id_: str) -> PageLink:
    """The address of the page on which all that is owed for a subscription is paid at once."""
    wanted, now = _subscription(call, id_), call.service.real()
    return PageLink(url=links.pay(call.service.settings, wanted, now), expires_at=now + links.LIVES)


def method(call: Call, id_: str, body: SendLink) -> SentLink:
    """The address of the page on which a subscription gets another payment method; a letter with it goes once a request."""
    wanted, now = _subscription(call, id_), call.service.real()
    sent = None
    if body.send:
        sent = invite.subscription(call.service, call.account.id, id_)
    else:
        invite.check(wanted)
    url = links.method(call.service.settings, wanted, now)
    return SentLink(url=url, expires_at=now + links.LIVES, delivery=sent)


def _subscription(call: Call, id_: str) -> Subscription:
    found = call.service.store.get(Subscription, call.account.id, id_)
    if found.deleted_at is not None:
        raise not_found(Subscription, id_)
    return found
