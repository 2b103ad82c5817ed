"""What a Checkout Session must be to come into being: every rule that Stripe refuses a request by."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from sandbox.stripe import currencies, payment_methods
from sandbox.stripe.errors import StripeError, invalid
from sandbox.stripe.payment_methods import CURRENCIES, SUPPORTED
from sandbox.stripe.state import DAY, Call

SHORTEST = 30 * 60
_HAS = frozenset(
    """allowed_payment_method_types billing_address_collection cancel_url client_reference_id currency customer
    customer_creation customer_email customer_update excluded_payment_method_types expand expires_at line_items locale
    metadata mode origin_context payment_intent_data payment_method_data payment_method_options
    saved_payment_method_options setup_intent_data shipping_address_collection submit_type success_url
    ui_mode""".split()
)
"""Of Stripe's parameters, those that do something here; the others are refused, never ignored."""


def check(call: Call) -> None:
    given = call.params
    beyond = sorted(name for name, value in given.items() if name not in _HAS and not _off(value))
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


def _off(value: Any) -> bool:
    """What is not wanted may be said of anything."""
    return value is False or value == {"enabled": False}


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


def check_total(mode: str, total: int, currency: str | None) -> None:
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


def expires_at(call: Call) -> int:
    at = int(call.params.get("expires_at", call.now + DAY))
    if at < call.now + SHORTEST:
        least = "at least 30 minutes from Checkout Session creation."
        raise invalid(f"The `expires_at` timestamp must be {least}", param="expires_at")
    if at > call.now + DAY:
        most = "less than 24 hours from Checkout Session creation."
        raise invalid(f"The `expires_at` timestamp must be {most}", param="expires_at")
    return at


def types(given: dict[str, Any], currency: str | None) -> list[str]:
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
