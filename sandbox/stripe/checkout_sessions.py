"""Checkout Sessions: a page of Stripe's on which a buyer pays or saves a method (https://docs.stripe.com/api/checkout/sessions).

The PaymentIntent of a session comes into being when the buyer first submits the page; the SetupIntent with the session.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from sandbox.stripe import (
    checkout_lines,
    checkout_payments,
    currencies,
    events,
    ids,
    lists,
    payment_methods,
    setup_intents,
)
from sandbox.stripe.errors import StripeError, conflict, invalid
from sandbox.stripe.metadata import merged
from sandbox.stripe.payment_methods import CURRENCIES, SUPPORTED
from sandbox.stripe.shelves import Thing
from sandbox.stripe.state import DAY, Call

EXPIRES = "checkout_expires"
"""Topic of the moment at which an open session ends by itself."""
SHORTEST = 30 * 60
_HAS = frozenset(
    """allowed_payment_method_types billing_address_collection cancel_url client_reference_id currency customer
    customer_creation customer_email customer_update excluded_payment_method_types expand expires_at line_items locale
    metadata mode origin_context payment_intent_data payment_method_options saved_payment_method_options
    setup_intent_data shipping_address_collection submit_type success_url ui_mode""".split()
)
"""Of Stripe's parameters, those that do something here; the others are refused, never ignored."""
_NOTHING: Thing = {
    "adaptive_pricing": None, "after_expiration": None, "allow_promotion_codes": None,
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
    _check(call)
    items = checkout_lines.items(call)
    total = sum(item["amount_total"] for item in items)
    currency = items[0]["currency"] if items else _currency(given)
    _check_total(given["mode"], total, currency)
    name = ids.new("cs_test")
    session = _new(call, name, currency, total if items else None)
    session["expires_at"] = _expires_at(call)
    if given["mode"] == "setup":
        session["setup_intent"] = _setup_intent(call, session)["id"]
    call.account.note(
        name, due=session["expires_at"], topic=EXPIRES, lines=items, asked=_kept_for_later(given)
    )
    call.world.schedule(session["expires_at"], EXPIRES, call.account, name)
    return shown(call, call.account.put(session))


def _check(call: Call) -> None:
    given = call.params
    beyond = sorted(given.keys() - _HAS)
    if given.get("adaptive_pricing", {"enabled": False}) == {"enabled": False}:
        beyond = [name for name in beyond if name != "adaptive_pricing"]  # off, as it always is here
    if beyond:
        raise invalid(f"The sandbox's Checkout has no {beyond[0]}.", param=beyond[0])
    for needed in ("mode", "success_url"):
        if needed not in given:
            raise invalid(f"Missing required param: {needed}.", code="parameter_missing", param=needed)
    if given["mode"] == "subscription":
        raise invalid("The sandbox's Checkout has no subscription mode.", param="mode")
    if given.get("ui_mode", "hosted_page") != "hosted_page":
        raise invalid("The sandbox's Checkout is a hosted page.", param="ui_mode")
    for name in ("success_url", "cancel_url"):
        _check_url(name, given.get(name))
    _check_mode(given)
    _check_customer(call)


def _check_url(name: str, url: str | None) -> None:
    parts = urlsplit(url or "https://example.com")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise invalid("Not a valid URL", code="url_invalid", param=name)


def _check_mode(given: dict[str, Any]) -> None:
    """What belongs to the other mode is refused, as it would do nothing."""
    wrong = {
        "payment": ("setup_intent_data",),
        "setup": ("payment_intent_data", "line_items", "saved_payment_method_options", "submit_type"),
    }[given["mode"]]
    for name in wrong:
        if name in given:
            raise invalid(f"You can not pass `{name}` in `{given['mode']}` mode.", param=name)
    if given["mode"] == "payment" and not given.get("line_items"):
        raise invalid("Missing required param: line_items.", code="parameter_missing", param="line_items")
    if given["mode"] == "setup" and not {"currency", "allowed_payment_method_types"} & given.keys():
        raise invalid("Missing required param: currency.", code="parameter_missing", param="currency")


def _check_customer(call: Call) -> None:
    given = call.params
    if "customer" in given:
        payment_methods.living_customer(call.account, given["customer"])
        for name in ("customer_email", "customer_creation"):
            if name in given:
                raise invalid(f"You may only specify one of these parameters: customer, {name}.", param=name)
    elif "customer_update" in given:
        raise invalid("`customer_update` can only be used with `customer`.", param="customer_update")
    if "@" not in given.get("customer_email", "@"):
        raise invalid(
            f"Invalid email address: {given['customer_email']}", code="email_invalid", param="customer_email"
        )


def _currency(given: dict[str, Any]) -> str | None:
    return currencies.checked(given["currency"]) if "currency" in given else None


def _check_total(mode: str, total: int, currency: str | None) -> None:
    if mode == "setup" or currency is None:
        return
    try:
        if total:
            currencies.check_charge(total, currency)
    except StripeError as refused:
        if refused.error.get("code") != "amount_too_small":
            raise
        least = currencies.written(currencies.least(currency), currency)
        raise invalid(
            f"The Checkout Session's total amount due must add up to at least {least} {currency}",
            code="amount_too_small",
        ) from None


def _expires_at(call: Call) -> int:
    at = int(call.params.get("expires_at", call.now + DAY))
    if at < call.now + SHORTEST:
        least = "at least 30 minutes from Checkout Session creation."
        raise invalid(f"The `expires_at` timestamp must be {least}", param="expires_at")
    if at > call.now + DAY:
        most = "less than 24 hours from Checkout Session creation."
        raise invalid(f"The `expires_at` timestamp must be {most}", param="expires_at")
    return at


def _types(given: dict[str, Any], currency: str | None) -> list[str]:
    """Those of the account that the currency can be paid by, of which the request may allow only some."""
    allowed = given.get("allowed_payment_method_types", ["card"])
    left = [
        type_
        for type_ in allowed
        if type_ in SUPPORTED
        and type_ not in given.get("excluded_payment_method_types", ())
        and (currency is None or type_ not in CURRENCIES or currency in CURRENCIES[type_])
    ]
    if not left:
        raise invalid(
            "No valid payment method types for this Checkout Session. Please ensure that you have activated payment "
            "methods compatible with your chosen currency in your dashboard (https://dashboard.stripe.com/settings/"
            "payment_methods) or modify the parameters of the Checkout Session.",
            param="allowed_payment_method_types",
        )
    return left


def _new(call: Call, name: str, currency: str | None, total: int | None) -> Thing:
    given = call.params
    payment = given["mode"] == "payment"
    creation = None if "customer" in given else given.get("customer_creation", "if_required")
    return {
        "id": name, "object": "checkout.session", **_NOTHING,
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
        "payment_method_types": _types(given, currency),
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
    names = ("payment_intent_data", "customer_update")
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
