"""Checkout Sessions: a page of Stripe's on which a buyer pays or saves a method (https://docs.stripe.com/api/checkout/sessions).

The PaymentIntent of a session comes into being when the buyer first submits the page; the SetupIntent with the session.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sandbox.stripe import (
    checkout_checks,
    checkout_lines,
    checkout_payments,
    currencies,
    events,
    ids,
    lists,
    setup_intents,
)
from sandbox.stripe.errors import conflict, invalid
from sandbox.stripe.metadata import merged
from sandbox.stripe.shelves import Thing
from sandbox.stripe.state import Call

EXPIRES = "checkout_expires"
"""Topic of the moment at which an open session ends by itself."""
_NOTHING: Thing = {
    "after_expiration": None, "allow_promotion_codes": None,
    "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None}, "client_secret": None,
    "collected_information": None, "consent": None, "consent_collection": None, "currency_conversion": None,
    "custom_fields": [], "customer_account": None, "discounts": None, "integration_identifier": None, "invoice": None,
    "livemode": False, "optional_items": None, "payment_intent": None, "payment_link": None,
    "payment_method_configuration_details": None, "permissions": None, "phone_number_collection": {"enabled": False},
    "recovered_from": None, "setup_intent": None, "shipping_cost": None, "shipping_options": [], "subscription": None,
    "ui_mode": "hosted_page", "wallet_options": None,
    "custom_text": {
        "after_submit": None, "shipping_address": None, "submit": None, "terms_of_service_acceptance": None,
    },
}  # fmt: skip


def create(call: Call) -> Thing:
    given = call.params
    checkout_checks.check(call)
    items = checkout_lines.items(call)
    total = sum(item["amount_total"] for item in items)
    currency = items[0]["currency"] if items else _currency(given)
    checkout_checks.check_total(given["mode"], total, currency)
    name = ids.new("cs_test")
    session = _new(call, name, currency, total if items else None)
    session["expires_at"] = checkout_checks.expires_at(call)
    if given["mode"] == "setup":
        session["setup_intent"] = _setup_intent(call, session)["id"]
    call.account.note(
        name, due=session["expires_at"], topic=EXPIRES, lines=items, asked=_kept_for_later(given)
    )
    call.world.schedule(session["expires_at"], EXPIRES, call.account, name)
    return shown(call, call.account.put(session))


def _currency(given: dict[str, Any]) -> str | None:
    return currencies.checked(given["currency"]) if "currency" in given else None


def _new(call: Call, name: str, currency: str | None, total: int | None) -> Thing:
    given = call.params
    payment = given["mode"] == "payment"
    creation = None if "customer" in given else given.get("customer_creation", "if_required")
    return {
        "id": name, "object": "checkout.session", **_NOTHING, "adaptive_pricing": given.get("adaptive_pricing"),
        "allowed_payment_method_types": given.get("allowed_payment_method_types"), "amount_subtotal": total,
        "amount_total": total, "billing_address_collection": given.get("billing_address_collection"),
        "cancel_url": given.get("cancel_url"), "client_reference_id": given.get("client_reference_id"),
        "created": call.now, "currency": currency, "customer": given.get("customer"), "customer_creation": creation,
        "customer_details": _customer_details(call), "customer_email": given.get("customer_email"), "expires_at": 0,
        "invoice_creation": _INVOICE if payment else None, "locale": given.get("locale"),
        "metadata": merged({}, given.get("metadata")), "mode": given["mode"],
        "origin_context": given.get("origin_context"),
        "payment_method_collection": "if_required" if payment else "always",
        "payment_method_options": given.get("payment_method_options") or _OPTIONS,
        "payment_method_types": checkout_checks.types(given, currency),
        "payment_status": "unpaid" if total else "no_payment_required",
        "saved_payment_method_options": _saved_options(given) if payment else None,
        "shipping_address_collection": given.get("shipping_address_collection"), "status": "open",
        "submit_type": given.get("submit_type"), "success_url": given["success_url"],
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0} if payment else None,
        "url": f"{call.world.home}/c/pay/{name}",
    }  # fmt: skip


_OPTIONS = {"card": {"request_three_d_secure": "automatic"}}
_INVOICE = {
    "enabled": False,
    "invoice_data": {
        "account_tax_ids": None, "custom_fields": None, "description": None, "footer": None, "issuer": None,
        "metadata": {}, "rendering_options": None,
    },
}  # fmt: skip


def _customer_details(call: Call) -> Thing | None:
    name = call.params.get("customer")
    email = call.account.get("customer", name)["email"] if name else call.params.get("customer_email")
    return checkout_payments.details(email) if email or name else None


def _saved_options(given: dict[str, Any]) -> Thing:
    asked = given.get("saved_payment_method_options") or {}
    return {
        "allow_redisplay_filters": asked.get("allow_redisplay_filters", ["always"]),
        "payment_method_remove": asked.get("payment_method_remove", "disabled"),
        "payment_method_save": asked.get("payment_method_save", "disabled"),
    }


def _kept_for_later(given: dict[str, Any]) -> dict[str, Any]:
    """What is used when the buyer submits the page, and is not shown on the session."""
    names = ("payment_intent_data", "payment_method_data", "customer_update")
    return {name: given[name] for name in names if name in given}


def _setup_intent(call: Call, session: Thing) -> Thing:
    data = call.params.get("setup_intent_data") or {}
    asked = {
        **data,
        "allowed_payment_method_types": session["payment_method_types"],
        "usage": "off_session",
    }
    if session["customer"]:
        asked["customer"] = session["customer"]
    intent = setup_intents.create(replace(call, params=asked, expand=()))
    call.account.note(intent["id"], session=session["id"])
    return intent


def shown(call: Call, session: Thing) -> Thing:
    """With its line items where they are asked for."""
    if not any("line_items" in path.split(".")[:2] for path in call.expand):
        return session
    lines = call.account.noted(session["id"], "lines") or []
    return {**session, "line_items": checkout_lines.page(session["id"], lines)}


def retrieve(call: Call) -> Thing:
    return shown(call, call.account.get("checkout.session", call.name))


def listed(call: Call) -> Thing:
    page = lists.page(call, "checkout.session", "/v1/checkout/sessions", lists.filters_of(call.params))
    return {**page, "data": [shown(call, session) for session in page["data"]]}


def update(call: Call) -> Thing:
    """Its metadata; the rest of what may change belongs to pages of other modes."""
    before = call.account.get("checkout.session", call.name)
    if beyond := sorted(call.params.keys() - {"metadata", "expand"}):
        raise invalid(f"The sandbox cannot change a Checkout Session's {beyond[0]}.", param=beyond[0])
    metadata = merged(before["metadata"], call.params.get("metadata"))
    return shown(call, call.account.change(before, metadata=metadata))


def expire(call: Call) -> Thing:
    session = call.account.get("checkout.session", call.name)
    if session["status"] != "open":
        raise conflict(
            'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of '
            f"{session['status']}."
        )
    return shown(call, expired(call, session))


def expired(call: Call, session: Thing) -> Thing:
    """Ended without a payment; what the buyer had begun is canceled with it."""
    call.account.note(session["id"], due=None)
    checkout_payments.abandon(call, session)
    ended = call.account.change(session, status="expired", url=None)
    events.emit(call, "checkout.session.expired", ended)
    return ended


def current(call: Call, name: str) -> Thing:
    """The session as it is at this very moment: one that is due to end has ended."""
    session = call.account.get("checkout.session", name)
    return (
        expired(call, session)
        if session["status"] == "open" and call.now >= session["expires_at"]
        else session
    )


def expire_by_itself(call: Call) -> None:
    session = call.account.get("checkout.session", call.name)
    if session["status"] == "open":
        expired(call, session)
