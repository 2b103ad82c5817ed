"""The page behind a letter's link: what a subscription owes, for whoever holds the link."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from chalicelib.billing import invoices
from chalicelib.billing.errors import NotFound
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.payments import Payment
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Reading
from chalicelib.views import links, pages
from chalicelib.views.links import LinkExpired

if TYPE_CHECKING:
    from chalice.app import Chalice, Response


def mount(app: "Chalice", service: Callable[[], Service]) -> None:
    """Serve the page at `/b/{token}`; the service is asked for with the first request, not before."""

    @app.route("/b/{token}", methods=["GET"])
    def buyer(token: str) -> "Response":
        from chalice.app import Response

        status, html, headers = page(service(), token)
        return Response(body=html, status_code=status, headers=dict(headers))


def page(service: Service, token: str) -> tuple[int, str, Mapping[str, str]]:
    """The page of a token: 200, 404 for one that opens nothing, 410 for one that is too old."""
    try:
        account, subscription = links.read(service.settings, token, service.real())
        return 200, _owed(service, account, subscription), headers()
    except LinkExpired:
        return 410, pages.expired(), headers()
    except NotFound:
        return 404, pages.unknown(), headers()


def headers() -> dict[str, str]:
    """Nothing is loaded, framed, kept, indexed or told to where a link leads."""
    policy = (
        f"default-src 'none'; style-src {pages.style_source()}; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
    return {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex",
    }


def _owed(service: Service, account: str, name: str) -> str:
    store = service.store
    here = store.load(account, [keys.key(Account, account, account), keys.key(Subscription, account, name)])
    subscription = here.get(Subscription, account, name)
    here.add(store.load(account, [keys.key(Invoice, account, id_) for id_ in _billed(subscription)]))
    owed = _invoices(here, subscription)
    open_ = [keys.key(Payment, account, invoice.payment) for invoice in owed if invoice.payment]
    payments = [found for found in store.load(account, open_).records.values() if isinstance(found, Payment)]
    return pages.owed(
        here.get(Account, account, account), subscription, owed, {payment.id: payment for payment in payments}
    )


def _invoices(here: Reading, subscription: Subscription) -> list[Invoice]:
    """The invoices of which something is owed."""
    found = [here.get(Invoice, subscription.account, name) for name in _billed(subscription)]
    return [invoice for invoice in found if invoice.amount_due]


def _billed(subscription: Subscription) -> list[str]:
    """The arrears, and the last cycle's invoice, which may wait for its first payment."""
    last = [invoices.name_of(subscription.id, subscription.ordinal - 1)] if subscription.ordinal else []
    return list(dict.fromkeys([*subscription.arrears, *last]))
