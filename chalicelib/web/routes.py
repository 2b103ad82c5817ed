"""Every route on one screen, and how they are hung into Chalice."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from chalice.app import Chalice, Response
from chalice.app import Request as ChaliceRequest

if TYPE_CHECKING:
    from chalicelib.service import Service
    from chalicelib.web.http import Reply, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """`name` is the endpoint: a module of this package and a function in it.

    `creates` is the prefix of the id of the record a POST creates; `public` needs no key; one that only `reads` writes
    nothing, so that it may be repeated without an Idempotency-Key, and no answer is kept.
    """

    method: str
    path: str
    name: str
    status: int = 200
    creates: str | None = None
    public: bool = False
    reads: bool = False


def _get(path: str, name: str) -> Route:
    return Route(method="GET", path=path, name=name)


def _post(path: str, name: str, status: int = 200, creates: str | None = None) -> Route:
    return Route(method="POST", path=path, name=name, status=status, creates=creates)


def _ask(path: str, name: str) -> Route:
    """A question too long for an address: a POST that only reads."""
    return Route(method="POST", path=path, name=name, reads=True)


ROUTES: Final = (
    _get("/v1/account", "accounts.get"),
    _post("/v1/account", "accounts.change"),
    _get("/v1/account/changes", "accounts.changes"),
    _post("/v1/accounts", "accounts.create", 201),
    _get("/v1/retry_policies", "retry_policies.list_"),
    _ask("/v1/retry_policies/replay", "retry_policies.replay"),
    _get("/v1/api_keys", "api_keys.list_"),
    _post("/v1/api_keys", "api_keys.create", 201),
    _post("/v1/api_keys/{id}/revoke", "api_keys.revoke"),
    _get("/v1/profile", "profile.get"),
    _post("/v1/profile", "profile.change"),
    _get("/v1/profile/history", "profile.history"),
    _post("/v1/profile/logo", "logos.change"),
    _get("/v1/letters", "letters.list_"),
    _get("/v1/letters/{letter}/preview", "letters.preview"),
    _get("/v1/letters/{letter}/words/{language}", "letters.words"),
    _post("/v1/letters/{letter}/words/{language}", "letters.change"),
    _post("/v1/letters/{letter}/words/{language}/reset", "letters.reset"),
    _get("/v1/users", "users.list_"),
    _post("/v1/users", "users.create", 201, "user_"),
    _get("/v1/users/{id}", "users.get"),
    _post("/v1/users/{id}", "users.update"),
    _post("/v1/users/{id}/delete", "users.delete"),
    _get("/v1/companies", "companies.list_"),
    _post("/v1/companies", "companies.create", 201, "com_"),
    _get("/v1/companies/{id}", "companies.get"),
    _post("/v1/companies/{id}", "companies.update"),
    _get("/v1/companies/{id}/contacts", "companies.contacts"),
    _get("/v1/companies/{id}/history", "companies.history"),
    _get("/v1/contacts", "contacts.list_"),
    _post("/v1/contacts", "contacts.create", 201, "con_"),
    _get("/v1/contacts/{id}", "contacts.get"),
    _post("/v1/contacts/{id}", "contacts.update"),
    _get("/v1/contacts/{id}/history", "contacts.history"),
    _post("/v1/contacts/{id}/balance", "balances.adjust"),
    _get("/v1/products", "products.list_"),
    _post("/v1/products", "products.create", 201, "prod_"),
    _get("/v1/products/{id}", "products.get"),
    _get("/v1/tax_rates", "tax_rates.list_"),
    _post("/v1/tax_rates", "tax_rates.create", 201, "txr_"),
    _get("/v1/tax_rates/{id}", "tax_rates.get"),
    _post("/v1/tax_rates/{id}/archive", "tax_rates.archive"),
    _get("/v1/coupons", "coupons.list_"),
    _post("/v1/coupons", "coupons.create", 201, "cou_"),
    _get("/v1/coupons/{id}", "coupons.get"),
    _post("/v1/coupons/{id}/archive", "coupons.archive"),
    _get("/v1/promotion_codes", "promotion_codes.list_"),
    _post("/v1/promotion_codes", "promotion_codes.create", 201),
    _get("/v1/promotion_codes/{id}", "promotion_codes.get"),
    _post("/v1/promotion_codes/{id}/archive", "promotion_codes.archive"),
    _get("/v1/payment_methods", "payment_methods.list_"),
    _post("/v1/payment_methods", "payment_methods.attach", 201),
    _get("/v1/payment_methods/{id}", "payment_methods.get"),
    _get("/v1/subscriptions", "subscriptions.list_"),
    _post("/v1/subscriptions", "subscriptions.create", 201, "sub_"),
    _ask("/v1/subscriptions/preview", "subscriptions.preview"),
    _post("/v1/orders", "orders.create", 201),
    _ask("/v1/orders/preview", "orders.preview"),
    _get("/v1/subscriptions/{id}", "subscriptions.get"),
    _post("/v1/subscriptions/{id}/cancel", "lifecycle.cancel"),
    _post("/v1/subscriptions/{id}/reactivate", "lifecycle.reactivate"),
    _post("/v1/subscriptions/{id}/pause", "lifecycle.pause"),
    _post("/v1/subscriptions/{id}/resume", "lifecycle.resume"),
    _post("/v1/subscriptions/{id}/next_billing_date", "lifecycle.next_billing_date"),
    _post("/v1/subscriptions/{id}/change", "changes.change"),
    _ask("/v1/subscriptions/{id}/change/preview", "changes.preview"),
    _post("/v1/subscriptions/{id}/payment_method", "subscriptions.change_method"),
    _post("/v1/subscriptions/{id}/payment_method_link", "links.method"),
    _ask("/v1/subscriptions/{id}/link", "links.owed"),
    _post("/v1/subscriptions/{id}/collection", "subscriptions.change_collection"),
    _post("/v1/subscriptions/{id}/invoice_settings", "invoice_settings.change"),
    _post("/v1/subscriptions/{id}/delete", "subscriptions.delete"),
    _ask("/v1/subscriptions/simulate", "simulations.draft"),
    _ask("/v1/subscriptions/{id}/simulate", "simulations.subscription"),
    _get("/v1/subscriptions/{id}/upcoming_invoice", "simulations.upcoming_invoice"),
    _get("/v1/invoices", "invoices.list_"),
    _get("/v1/invoices/{id}", "invoices.get"),
    _post("/v1/invoices/{id}/pay", "invoices.pay"),
    _post("/v1/invoices/{id}/void", "invoices.void"),
    _post("/v1/invoices/{id}/mark_uncollectible", "invoices.mark_uncollectible"),
    _post("/v1/invoices/{id}/reopen", "invoices.reopen"),
    _post("/v1/invoices/{id}/payment_schedule", "invoices.schedule"),
    _ask("/v1/invoices/{id}/link", "links.invoice"),
    _get("/v1/invoices/{id}/explanation", "explanations.get"),
    _get("/v1/invoices/{id}/pdf", "pdfs.invoice"),
    _get("/v1/invoices/{id}/einvoice", "einvoices.invoice"),
    _get("/v1/credit_notes", "credit_notes.list_"),
    _post("/v1/credit_notes", "credit_notes.create", 201),
    _ask("/v1/credit_notes/preview", "credit_notes.preview"),
    _get("/v1/credit_notes/{id}", "credit_notes.get"),
    _get("/v1/credit_notes/{id}/pdf", "pdfs.credit_note"),
    _get("/v1/credit_notes/{id}/einvoice", "einvoices.credit_note"),
    _get("/v1/refunds", "refunds.list_"),
    _post("/v1/refunds", "refunds.create", 201),
    _get("/v1/refunds/{id}", "refunds.get"),
    _get("/v1/disputes", "disputes.list_"),
    _get("/v1/disputes/{id}", "disputes.get"),
    _get("/v1/billing_runs", "billing_runs.list_"),
    _ask("/v1/billing_runs/preview", "billing_runs.preview"),
    _get("/v1/billing_runs/{id}", "billing_runs.get"),
    _get("/v1/payments", "payments.list_"),
    _post("/v1/payments", "payments.record", 201),
    _post("/v1/payments/{id}/undo", "payments.undo"),
    _get("/v1/payments/{id}", "payments.get"),
    _ask("/v1/payments/{id}/link", "links.payment"),
    _get("/v1/events", "events.list_"),
    _get("/v1/events/{id}", "events.get"),
    _get("/v1/events/{id}/deliveries", "webhook_deliveries.of_event"),
    _post("/v1/events/{id}/resend", "webhook_deliveries.resend_event"),
    _get("/v1/webhook_endpoints", "webhook_endpoints.list_"),
    _post("/v1/webhook_endpoints", "webhook_endpoints.create", 201, "we_"),
    _get("/v1/webhook_endpoints/{id}", "webhook_endpoints.get"),
    _post("/v1/webhook_endpoints/{id}", "webhook_endpoints.update"),
    _post("/v1/webhook_endpoints/{id}/delete", "webhook_endpoints.delete"),
    _post("/v1/webhook_endpoints/{id}/enable", "webhook_endpoints.enable"),
    _post("/v1/webhook_endpoints/{id}/disable", "webhook_endpoints.disable"),
    _post("/v1/webhook_endpoints/{id}/rotate_secret", "webhook_endpoints.rotate_secret"),
    _post("/v1/webhook_endpoints/{id}/test", "webhook_endpoints.test"),
    _post("/v1/webhook_endpoints/{id}/resend", "webhook_endpoints.resend"),
    _get("/v1/webhook_endpoints/{id}/deliveries", "webhook_deliveries.of_endpoint"),
    _get("/v1/webhook_deliveries/{id}", "webhook_deliveries.get"),
    _post("/v1/webhook_deliveries/{id}/resend", "webhook_deliveries.resend"),
    _get("/v1/ledger/entries", "ledger.entries"),
    _get("/v1/ledger/export", "ledger.export"),
    _get("/v1/deliveries", "deliveries.list_"),
    _get("/v1/deliveries/{id}", "deliveries.get"),
    _post("/v1/deliveries/{id}/resend", "deliveries.resend", 201),
    _get("/v1/suppressions", "suppressions.list_"),
    _get("/v1/suppressions/{id}", "suppressions.get"),
    _post("/v1/suppressions/{id}/lift", "suppressions.lift"),
    _get("/v1/parked", "parked.list_"),
    _post("/v1/parked/{kind}/{id}/release", "parked.release"),
    _get("/v1/audit", "audits.get"),
    _get("/v1/test_clock", "test_clock.get"),
    _post("/v1/test_clock/advance", "test_clock.advance", 202),
    Route(method="GET", path="/v1/health", name="health.get", public=True),
    Route(method="GET", path="/openapi.json", name="openapi.get", public=True),
    Route(method="POST", path="/stripe/webhook", name="stripe.receive", public=True),
)


def mount(app: Chalice, service: Callable[[], "Service"]) -> None:
    """Hang every route into an app; `service` is asked for when the first request comes."""
    for route in ROUTES:
        # No content types: Chalice would refuse others in a form of its own; `endpoint` does it in ours.
        hang = app.route(route.path, methods=[route.method], name=route.name, content_types=[])
        hang(_view(app, service, route))
    app.register_middleware(_in_problem_form, "http")


def _view(app: Chalice, service: Callable[[], "Service"], route: Route) -> Callable[..., Response]:
    def view(**ids: str) -> Response:
        from chalicelib.web.endpoint import answer

        came = cast(ChaliceRequest, app.current_request)
        return _response(answer(service(), route, _request(came, route, ids), tuple(ids.values())))

    return view


def _request(came: ChaliceRequest, route: Route, ids: dict[str, str]) -> "Request":
    from chalicelib.web.http import Request

    return Request(
        method=route.method,
        path=route.path.format_map(ids) if ids else route.path,
        headers=came.headers,
        query=came.to_original_event().get("multiValueQueryStringParameters") or {},
        body=bytes(came.raw_body),  # type: ignore[arg-type]  # Chalice's hint says str too; it never is
        id=_id(came),
    )


def _id(came: ChaliceRequest | None) -> str:
    """API Gateway's id of the request; `chalice local` gives none."""
    return (came.context.get("requestId") or "local") if came else "unknown"


def _response(reply: "Reply") -> Response:
    if reply.data:
        from chalicelib.web.binary import Binary

        return Binary(body=reply.data, headers={**reply.headers}, status_code=reply.status)
    return Response(body=reply.body, headers={**reply.headers}, status_code=reply.status)


def _in_problem_form(came: Any, get_response: Callable[[Any], Response]) -> Response:
    """What Chalice itself refuses, as a problem too; an exception of a view has become its 500 by now, and is logged."""
    response = get_response(came)
    if response.status_code < 400 or not isinstance(response.body, dict):
        return response
    from chalicelib.web.http import stated

    told = _CHALICE.get(response.status_code, ("refused", "The request cannot be answered."))
    reply = stated(response.status_code, *told, _id(came))
    return Response(body=reply.body, headers={**response.headers, **reply.headers}, status_code=reply.status)


_CHALICE: Final = {
    405: ("method_not_allowed", "This path does not know the method; the header Allow has those it does."),
    500: (
        "internal_error",
        "Something is wrong here, not with the request. It has been logged under the instance.",
    ),
}
