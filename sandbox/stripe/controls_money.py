"""Controls for what buyers, banks and the merchant's own dashboard do, which no request of /v1 can say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.stripe import checkout_payments, checkout_sessions, payment_methods
from sandbox.stripe.errors import conflict, invalid
from sandbox.stripe.shelves import Thing
from sandbox.stripe.state import Call

Given = dict[str, Any]


def pay_page(call: Call, given: Given) -> Given:
    """A buyer on a Checkout page: submits `payment_method` (a test id, or one of the customer's own)."""
    session = checkout_sessions.current(call, _named(given, "session"))
    if session["status"] != "open":
        raise conflict(f"This Checkout Session has a status of {session['status']}.")
    method = payment_methods.used(call, given.get("payment_method", "pm_card_visa"), "payment_method")
    if method["type"] not in session["payment_method_types"]:
        raise conflict(f"The page does not offer {method['type']}.", param="payment_method")
    known = (session["customer_details"] or {}).get("email")
    typed = checkout_payments.Typed(
        email=known or given.get("email", "buyer@example.com"),
        name=given.get("name"),
        save=bool(given.get("save")),
    )
    outcome = checkout_payments.submit(call, session, method if _owes(session) else None, typed)
    told = {"outcome": type(outcome).__name__.lower()}
    match outcome:
        case checkout_payments.Asked(url):
            told["url"] = url
        case checkout_payments.Declined(message):
            told["message"] = message
    return {**told, "session": call.account.get("checkout.session", session["id"])}


def _owes(session: Thing) -> bool:
    return bool(session["mode"] == "setup" or session["amount_total"])


def _named(given: Given, name: str) -> str:
    if not given.get(name):
        raise invalid(f"Missing required param: {name}.", code="parameter_missing", param=name)
    return str(given[name])


ACTIONS: dict[str, Callable[[Call, Given], Any]] = {
    "POST checkout/pay": pay_page,
}
