"""PaymentIntents: one amount to collect from one buyer (https://docs.stripe.com/api/payment_intents)."""

from __future__ import annotations

from typing import Any

from sandbox.stripe import confirmation, currencies, events, ids, payment_methods
from sandbox.stripe.errors import StripeError, conflict, invalid
from sandbox.stripe.metadata import merged
from sandbox.stripe.shelves import Thing
from sandbox.stripe.state import Call

CHANGEABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
_COPIED = (
    "description", "receipt_email", "setup_future_usage", "shipping", "statement_descriptor",
    "statement_descriptor_suffix", "transfer_group",
)  # fmt: skip


def create(call: Call) -> Thing:
    given = call.params
    currency = currencies.checked(given["currency"])
    currencies.check_charge(given["amount"], currency)
    _check(given)
    customer = _customer(call)
    method = _method(call, customer)
    intent = _new(call, currency, customer, method)
    if not given.get("confirm"):
        return _kept(call, intent)
    if method is None:
        raise _needs_method()
    confirmation.check(call, intent, method)
    return confirmation.confirm(call, _kept(call, intent), method)


def _kept(call: Call, intent: Thing) -> Thing:
    events.emit(call, "payment_intent.created", intent)
    return call.account.put(intent)


def _check(given: dict[str, Any]) -> None:
    if given.get("off_session") and not given.get("confirm"):
        raise invalid(
            "The parameter `off_session` cannot be passed when creating a PaymentIntent unless `confirm` is set to true.",
            param="off_session",
        )
    if given.get("capture_method") == "manual":
        raise invalid("The sandbox captures at once: it has no manual capture.", param="capture_method")
    if given.get("confirm"):
        confirmation.check_return_url(given, given)
    _check_suffix(given.get("statement_descriptor_suffix"))


def _check_suffix(suffix: str | None) -> None:
    if suffix is None or suffix == "":
        return
    latin = suffix.isascii() and any(letter.isalpha() for letter in suffix)
    if len(suffix) > 22 or not latin or any(letter in "<>\\'\"*" for letter in suffix):
        raise invalid(
            "The statement descriptor suffix must be at most 22 Latin characters, contain at least one letter, and not "
            "contain the characters <, >, \\, ', \", *.",
            param="statement_descriptor_suffix",
        )


def _customer(call: Call) -> str | None:
    name = call.params.get("customer")
    return payment_methods.living_customer(call.account, name)["id"] if name else None


def _method(call: Call, customer: str | None) -> Thing | None:
    """The method that the request names or describes, if it may be used for that customer."""
    given = call.params
    if "payment_method_data" in given:
        return payment_methods.from_data(call, given["payment_method_data"])
    if "payment_method" not in given:
        return None
    method = payment_methods.used(call, given["payment_method"], "payment_method")
    owner = method["customer"]
    if owner and not customer:
        raise conflict(
            f"The PaymentMethod {method['id']} belongs to a Customer. Please include the Customer in the `customer` "
            "parameter on the PaymentIntent.",
            param="payment_method",
        )
    if owner and owner != customer:
        raise conflict(
            f"The PaymentMethod {method['id']} does not belong to the Customer you supplied {customer}. Please use this "
            "PaymentMethod with the Customer that it belongs to instead.",
            param="payment_method",
        )
    return method


def _new(call: Call, currency: str, customer: str | None, method: Thing | None) -> Thing:
    given = call.params
    name = ids.new("pi")
    allowed = given.get("allowed_payment_method_types")
    automatic = given.get("automatic_payment_methods") or {"enabled": True}
    return {
        "id": name, "object": "payment_intent", "allowed_payment_method_types": allowed, "amount": given["amount"],
        "amount_capturable": 0, "amount_details": {"tip": {}}, "amount_received": 0, "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None if allowed else {"allow_redirects": "always", **automatic},
        "canceled_at": None, "cancellation_reason": None,
        "capture_method": given.get("capture_method", "automatic_async"),
        "client_secret": f"{name}_secret_{ids.letters(25)}",
        "confirmation_method": given.get("confirmation_method", "automatic"), "created": call.now,
        "currency": currency, "customer": customer, "customer_account": None,
        "excluded_payment_method_types": given.get("excluded_payment_method_types"), "last_payment_error": None,
        "latest_charge": None, "livemode": False, "metadata": merged({}, given.get("metadata")), "next_action": None,
        "on_behalf_of": None, "payment_method": method and method["id"], "payment_method_configuration_details": None,
        "payment_method_options": _options(given.get("payment_method_options") or {}),
        "payment_method_types": allowed or ["card"], "processing": None, "review": None,
        "status": "requires_confirmation" if method else "requires_payment_method", "transfer_data": None,
        **{field: given.get(field) for field in _COPIED},
    }  # fmt: skip


_CARD_OPTIONS = {
    "installments": None,
    "mandate_options": None,
    "network": None,
    "request_three_d_secure": "automatic",
}


def _options(given: dict[str, Any]) -> dict[str, Any]:
    return {**given, "card": {**_CARD_OPTIONS, **given.get("card", {})}}


def retrieve(call: Call) -> Thing:
    return call.account.get("payment_intent", call.name)


def update(call: Call) -> Thing:
    before = retrieve(call)
    given = call.params
    money = {field for field in ("amount", "currency", "payment_method", "customer") if field in given}
    if money and before["status"] not in CHANGEABLE:
        raise _unexpected(before, "update", CHANGEABLE)
    changed = {field: given[field] or None for field in _COPIED if field in given}
    if money:
        changed |= _money_changes(call, before)
    changed["metadata"] = merged(before["metadata"], given.get("metadata"))
    _check_suffix(changed.get("statement_descriptor_suffix"))
    return call.account.change(before, **changed)


def _money_changes(call: Call, before: Thing) -> dict[str, Any]:
    currency = currencies.checked(call.params.get("currency") or before["currency"])
    amount = call.params["amount"] if "amount" in call.params else before["amount"]
    currencies.check_charge(amount, currency)
    customer = _customer(call) or before["customer"]
    changed = {"amount": amount, "currency": currency, "customer": customer}
    method = _method(call, customer)
    return changed | ({"payment_method": method["id"], "status": "requires_confirmation"} if method else {})


def confirm(call: Call) -> Thing:
    _refuse_of_session(call)
    return confirmed(call)


def _refuse_of_session(call: Call) -> None:
    """The PaymentIntent of a Checkout Session is confirmed by its buyer, and canceled by expiring the session."""
    if call.account.noted(call.name, "session"):
        raise conflict(
            "You cannot perform this action on PaymentIntents created by Checkout. To cancel the payment, expire the "
            "Checkout Session instead.",
            code="payment_intent_unexpected_state",
            payment_intent=retrieve(call),
        )


def confirmed(call: Call) -> Thing:
    intent = retrieve(call)
    if intent["status"] not in CHANGEABLE:
        raise _unexpected(intent, "confirm", CHANGEABLE)
    confirmation.check_return_url(call.params, intent)
    method = _method(call, intent["customer"])
    if method is None and intent["payment_method"]:
        method = call.account.get("payment_method", intent["payment_method"], "payment_method")
    if method is None:
        raise _needs_method(payment_intent=intent)
    usage = call.params.get("setup_future_usage") or intent["setup_future_usage"]
    return confirmation.confirm(call, {**intent, "setup_future_usage": usage}, method)


def cancel(call: Call) -> Thing:
    _refuse_of_session(call)
    return canceled(call)


def canceled(call: Call) -> Thing:
    intent = retrieve(call)
    if intent["status"] not in CHANGEABLE:
        raise _unexpected(intent, "cancel", (*CHANGEABLE, "requires_capture", "processing"))
    ended = call.account.change(
        intent,
        status="canceled",
        canceled_at=call.now,
        cancellation_reason=call.params.get("cancellation_reason"),
        next_action=None,
    )
    events.emit(call, "payment_intent.canceled", ended)
    return ended


def _needs_method(**objects: Any) -> StripeError:
    return conflict(
        "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the "
        "PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a payment "
        "method or ConfirmationToken.",
        code="payment_intent_unexpected_state",
        **objects,
    )


def _unexpected(intent: Thing, verb: str, allowed: tuple[str, ...]) -> StripeError:
    participle = {"cancel": "canceled", "confirm": "confirmed", "update": "updated"}[verb]
    return conflict(
        f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}. Only a PaymentIntent with "
        f"one of the following statuses may be {participle}: {', '.join(allowed)}.",
        code="payment_intent_unexpected_state",
        payment_intent=intent,
    )
