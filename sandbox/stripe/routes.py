"""The table of contents of /v1: which path is answered by which function, checked against which parameter type."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.stripe import (
    balance,
    checkout_lines,
    checkout_sessions,
    customers,
    disputes,
    lists,
    payment_intents,
    payment_methods,
    refunds,
    setup_intents,
    tax,
)
from sandbox.stripe.shelves import Thing
from sandbox.stripe.state import Call

Handler = Callable[[Call], Thing]


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    path: str
    params: str
    handler: Handler

    @property
    def label(self) -> str:
        return f"{self.method} {self.path}"


def _retrieve(kind: str) -> Handler:
    return lambda call: call.account.get(kind, call.name)


def _list(kind: str, url: str) -> Handler:
    return lambda call: lists.page(call, kind, url, lists.filters_of(call.params))


def _methods_of_customer(call: Call) -> Thing:
    payment_methods.living_customer(call.account, call.name, None)
    url = f"/v1/customers/{call.name}/payment_methods"
    return lists.page(call, "payment_method", url, {"customer": call.name} | lists.filters_of(call.params))


ROUTES = (
    Route("POST", "/v1/customers", "CustomerCreateParams", customers.create),
    Route("GET", "/v1/customers", "CustomerListParams", _list("customer", "/v1/customers")),
    Route("GET", "/v1/customers/{id}", "CustomerRetrieveParams", customers.retrieve),
    Route("POST", "/v1/customers/{id}", "CustomerUpdateParams", customers.update),
    Route("DELETE", "/v1/customers/{id}", "CustomerDeleteParams", customers.delete),
    Route("GET", "/v1/customers/{id}/payment_methods", "CustomerPaymentMethodListParams", _methods_of_customer),
    Route("POST", "/v1/payment_methods", "PaymentMethodCreateParams", payment_methods.create),
    Route("GET", "/v1/payment_methods", "PaymentMethodListParams", _list("payment_method", "/v1/payment_methods")),
    Route("GET", "/v1/payment_methods/{id}", "PaymentMethodRetrieveParams", payment_methods.retrieve),
    Route("POST", "/v1/payment_methods/{id}", "PaymentMethodUpdateParams", payment_methods.update),
    Route("POST", "/v1/payment_methods/{id}/attach", "PaymentMethodAttachParams", payment_methods.attach),
    Route("POST", "/v1/payment_methods/{id}/detach", "PaymentMethodDetachParams", payment_methods.detach),
    Route("POST", "/v1/setup_intents", "SetupIntentCreateParams", setup_intents.create),
    Route("GET", "/v1/setup_intents", "SetupIntentListParams", _list("setup_intent", "/v1/setup_intents")),
    Route("GET", "/v1/setup_intents/{id}", "SetupIntentRetrieveParams", setup_intents.retrieve),
    Route("POST", "/v1/setup_intents/{id}", "SetupIntentUpdateParams", setup_intents.update),
    Route("POST", "/v1/setup_intents/{id}/confirm", "SetupIntentConfirmParams", setup_intents.confirm),
    Route("POST", "/v1/setup_intents/{id}/cancel", "SetupIntentCancelParams", setup_intents.cancel),
    Route("POST", "/v1/payment_intents", "PaymentIntentCreateParams", payment_intents.create),
    Route("GET", "/v1/payment_intents", "PaymentIntentListParams", _list("payment_intent", "/v1/payment_intents")),
    Route("GET", "/v1/payment_intents/{id}", "PaymentIntentRetrieveParams", payment_intents.retrieve),
    Route("POST", "/v1/payment_intents/{id}", "PaymentIntentUpdateParams", payment_intents.update),
    Route("POST", "/v1/payment_intents/{id}/confirm", "PaymentIntentConfirmParams", payment_intents.confirm),
    Route("POST", "/v1/payment_intents/{id}/cancel", "PaymentIntentCancelParams", payment_intents.cancel),
    Route("POST", "/v1/checkout/sessions", "checkout.SessionCreateParams", checkout_sessions.create),
    Route("GET", "/v1/checkout/sessions", "checkout.SessionListParams", checkout_sessions.listed),
    Route("GET", "/v1/checkout/sessions/{id}", "checkout.SessionRetrieveParams", checkout_sessions.retrieve),
    Route("POST", "/v1/checkout/sessions/{id}", "checkout.SessionUpdateParams", checkout_sessions.update),
    Route("POST", "/v1/checkout/sessions/{id}/expire", "checkout.SessionExpireParams", checkout_sessions.expire),
    Route("GET", "/v1/checkout/sessions/{id}/line_items", "checkout.SessionLineItemListParams", checkout_lines.listed),
    Route("GET", "/v1/charges", "ChargeListParams", _list("charge", "/v1/charges")),
    Route("GET", "/v1/charges/{id}", "ChargeRetrieveParams", _retrieve("charge")),
    Route("GET", "/v1/disputes", "DisputeListParams", _list("dispute", "/v1/disputes")),
    Route("GET", "/v1/disputes/{id}", "DisputeRetrieveParams", _retrieve("dispute")),
    Route("POST", "/v1/disputes/{id}", "DisputeUpdateParams", disputes.update),
    Route("POST", "/v1/disputes/{id}/close", "DisputeCloseParams", disputes.close),
    Route("GET", "/v1/balance", "BalanceRetrieveParams", balance.retrieve),
    Route("GET", "/v1/balance_transactions", "BalanceTransactionListParams", _list("balance_transaction", "/v1/balance_transactions")),
    Route("GET", "/v1/balance_transactions/{id}", "BalanceTransactionRetrieveParams", _retrieve("balance_transaction")),
    Route("POST", "/v1/refunds", "RefundCreateParams", refunds.create),
    Route("GET", "/v1/refunds", "RefundListParams", _list("refund", "/v1/refunds")),
    Route("GET", "/v1/refunds/{id}", "RefundRetrieveParams", _retrieve("refund")),
    Route("POST", "/v1/refunds/{id}", "RefundUpdateParams", refunds.update),
    Route("POST", "/v1/tax/calculations", "tax.CalculationCreateParams", tax.calculate),
    Route("GET", "/v1/tax/calculations/{id}", "tax.CalculationRetrieveParams", tax.retrieve),
    Route("GET", "/v1/tax/calculations/{id}/line_items", "tax.CalculationLineItemListParams", tax.line_items),
    Route("GET", "/v1/events", "EventListParams", _list("event", "/v1/events")),
    Route("GET", "/v1/events/{id}", "EventRetrieveParams", _retrieve("event")),
)  # fmt: skip

_WITHOUT_ID = {(route.method, route.path): route for route in ROUTES if "{" not in route.path}
_WITH_ID = {
    (route.method, route.path.count("/"), route.path.rpartition("}")[2], route.path.partition("{")[0]): route
    for route in ROUTES
    if "{" in route.path
}
_NAMED = re.compile(r"(/v1/(?:tax/|checkout/)?[a-z_]+/)([^/]+)((?:/[a-z_]+)?)")


def find(method: str, path: str) -> tuple[Route, str] | None:
    """The route, and the id in the path."""
    route = _WITHOUT_ID.get((method, path))
    if route is not None:
        return route, ""
    named = _NAMED.fullmatch(path)
    if named is None:
        return None
    head, name, tail = named.groups()
    route = _WITH_ID.get((method, path.count("/"), tail, head))
    return (route, name) if route else None
