"""SetupIntents: a payment method proved and kept for later (https://docs.stripe.com/api/setup_intents)."""

from __future__ import annotations

from typing import Any

from sandbox.stripe import confirmation, declines, events, ids, payment_methods
from sandbox.stripe.errors import StripeError, card_error, conflict
from sandbox.stripe.metadata import merged
from sandbox.stripe.payment_methods import DEBITS
from sandbox.stripe.shelves import Thing
from sandbox.stripe.state import Call
from sandbox.stripe.test_methods import ALWAYS_AUTHENTICATE, AUTHENTICATE_UNTIL_SET_UP, SUCCEED

CHANGEABLE = ("requires_payment_method", "requires_confirmation", "requires_action")


def create(call: Call) -> Thing:
    given = call.params
    customer = given.get("customer")
    if customer:
        payment_methods.living_customer(call.account, customer)
    method = _method(call)
    intent = _new(call, customer, method)
    if not given.get("confirm"):
        return _kept(call, intent)
    confirmation.check_return_url(given, intent)
    if method is None:
        raise _needs_method()
    return _confirm(call, _kept(call, intent), method)


def _kept(call: Call, intent: Thing) -> Thing:
    events.emit(call, "setup_intent.created", intent)
    return call.account.put(intent)


def _new(call: Call, customer: str | None, method: Thing | None) -> Thing:
    given = call.params
    name = ids.new("seti")
    allowed = given.get("allowed_payment_method_types")
    automatic = {"allow_redirects": "always", **(given.get("automatic_payment_methods") or {"enabled": True})}
    return {
        "id": name, "object": "setup_intent", "allowed_payment_method_types": allowed, "application": None,
        "automatic_payment_methods": None if allowed else automatic, "cancellation_reason": None,
        "client_secret": f"{name}_secret_{ids.letters(25)}", "created": call.now, "customer": customer,
        "customer_account": None, "description": given.get("description"), "excluded_payment_method_types": None,
        "flow_directions": None, "last_setup_error": None, "latest_attempt": None, "livemode": False, "mandate": None,
        "metadata": merged({}, given.get("metadata")), "next_action": None, "on_behalf_of": None,
        "payment_method": method and method["id"], "payment_method_configuration_details": None,
        "payment_method_options": given.get("payment_method_options") or {"card": _CARD_OPTIONS},
        "payment_method_types": allowed or ["card"], "single_use_mandate": None,
        "status": "requires_confirmation" if method else "requires_payment_method",
        "usage": given.get("usage", "off_session"),
    }  # fmt: skip


_CARD_OPTIONS = {"mandate_options": None, "network": None, "request_three_d_secure": "automatic"}


def _method(call: Call) -> Thing | None:
    if "payment_method_data" in call.params:
        return payment_methods.from_data(call, call.params["payment_method_data"])
    name = call.params.get("payment_method")
    return payment_methods.used(call, name, "payment_method") if name else None


def retrieve(call: Call) -> Thing:
    return call.account.get("setup_intent", call.name)


def update(call: Call) -> Thing:
    before = _changeable(call, "update")
    given = call.params
    changed: dict[str, Any] = {"metadata": merged(before["metadata"], given.get("metadata"))}
    if "description" in given:
        changed["description"] = given["description"]
    if given.get("customer"):
        changed["customer"] = payment_methods.living_customer(call.account, given["customer"])["id"]
    method = _method(call)
    if method is not None:
        changed |= {"payment_method": method["id"], "status": "requires_confirmation"}
    return call.account.change(before, **changed)


def confirm(call: Call) -> Thing:
    _refuse_of_session(call)
    return confirmed(call)


def _refuse_of_session(call: Call) -> None:
    """The SetupIntent of a Checkout Session is confirmed by its buyer, and canceled by expiring the session."""
    if call.account.noted(call.name, "session"):
        raise conflict(
            "You cannot perform this action on SetupIntents created by Checkout. To cancel, expire the Checkout "
            "Session instead.",
            code="setup_intent_unexpected_state",
            setup_intent=retrieve(call),
        )


def confirmed(call: Call) -> Thing:
    intent = _changeable(call, "confirm")
    confirmation.check_return_url(call.params, intent)
    method = _method(call)
    if method is None and intent["payment_method"]:
        method = call.account.get("payment_method", intent["payment_method"])
    if method is None:
        raise _needs_method(setup_intent=intent)
    return _confirm(call, intent, method)


def cancel(call: Call) -> Thing:
    _refuse_of_session(call)
    return canceled(call)


def canceled(call: Call) -> Thing:
    intent = _changeable(call, "cancel")
    reason = call.params.get("cancellation_reason")
    ended = call.account.change(intent, status="canceled", cancellation_reason=reason, next_action=None)
    events.emit(call, "setup_intent.canceled", ended)
    return ended


def _confirm(call: Call, intent: Thing, method: Thing) -> Thing:
    intent = call.account.change(intent, payment_method=method["id"], payment_method_types=[method["type"]])
    reason = call.account.noted(method["id"], "attached") or SUCCEED
    if reason != SUCCEED:
        raise _decline(call, intent, method, reason)
    if call.account.noted(method["id"], "charged") in (ALWAYS_AUTHENTICATE, AUTHENTICATE_UNTIL_SET_UP):
        return confirmation.require_action(call, intent)
    return _succeed(call, intent, method)


def _succeed(call: Call, intent: Thing, method: Thing) -> Thing:
    if intent["customer"]:
        method = payment_methods.attached(call, method, intent["customer"])
    call.account.note(method["id"], set_up=True)
    attempt = _attempt(call, intent, method, "succeeded")
    succeeded = call.account.change(
        intent,
        status="succeeded",
        latest_attempt=attempt["id"],
        mandate=_mandate(call, method),
        next_action=None,
        last_setup_error=None,
    )
    events.emit(call, "setup_intent.succeeded", succeeded)
    return succeeded


def authenticate(call: Call, succeeded: bool) -> Thing:
    """The buyer has answered the bank's question, or failed to."""
    intent = retrieve(call)
    if intent["status"] != "requires_action":
        raise conflict(
            f"This SetupIntent has a status of {intent['status']}: there is nothing to authenticate."
        )
    method = call.account.get("payment_method", intent["payment_method"])
    if succeeded:
        return _succeed(call, intent, method)
    error = {
        "type": "invalid_request_error",
        "code": "setup_intent_authentication_failure",
        "message": "The latest attempt to set up the payment method has failed because authentication failed.",
        "payment_method": method,
    }
    return _fail(call, intent, method, error)


def _decline(call: Call, intent: Thing, method: Thing, reason: str) -> StripeError:
    error = {**declines.declined(reason), "payment_method": method}
    return card_error({**error, "setup_intent": _fail(call, intent, method, error)})


def _fail(call: Call, intent: Thing, method: Thing, error: dict[str, Any]) -> Thing:
    attempt = _attempt(call, intent, method, "failed", error)
    failed = call.account.change(
        intent,
        status="requires_payment_method",
        payment_method=None,
        latest_attempt=attempt["id"],
        last_setup_error=error,
        next_action=None,
    )
    events.emit(call, "setup_intent.setup_failed", failed)
    return failed


def _attempt(
    call: Call, intent: Thing, method: Thing, status: str, error: dict[str, Any] | None = None
) -> Thing:
    details = {"three_d_secure": None} if method["type"] == "card" else {}
    return call.account.put({
        "id": ids.new("setatt"), "object": "setup_attempt", "application": None, "created": call.now,
        "customer": intent["customer"], "customer_account": None, "flow_directions": None, "livemode": False,
        "on_behalf_of": None, "payment_method": method["id"],
        "payment_method_details": {"type": method["type"], method["type"]: details}, "setup_error": error,
        "setup_intent": intent["id"], "status": status, "usage": intent["usage"],
    })  # fmt: skip


_MANDATES: dict[str, dict[str, Any]] = {
    "us_bank_account": {"collection_method": "paper"},
    "sepa_debit": {"reference": "SANDBOX", "url": ""},
    "bacs_debit": {
        "display_name": None, "network_status": "accepted", "reference": "SANDBOX", "revocation_reason": None,
        "service_user_number": None, "url": "",
    },
    "acss_debit": {
        "interval_description": None, "payment_schedule": "sporadic", "transaction_type": "personal",
    },
}  # fmt: skip


def _mandate(call: Call, method: Thing) -> str | None:
    """A debit is allowed by a mandate; a card needs none."""
    if method["type"] not in DEBITS:
        return None
    details = _MANDATES[method["type"]]
    given = call.params.get("mandate_data") or {}
    accepted = given.get("customer_acceptance") or {
        "type": "online",
        "online": {"ip_address": None, "user_agent": None},
    }
    mandate = call.account.put({
        "id": ids.new("mandate"), "object": "mandate", "customer_acceptance": {"accepted_at": call.now, **accepted},
        "livemode": False, "multi_use": {}, "payment_method": method["id"],
        "payment_method_details": {"type": method["type"], method["type"]: details}, "status": "active",
        "type": "multi_use",
    })  # fmt: skip
    return str(mandate["id"])


def _changeable(call: Call, verb: str) -> Thing:
    intent = retrieve(call)
    if intent["status"] in CHANGEABLE:
        return intent
    raise conflict(
        f"You cannot {verb} this SetupIntent because it has a status of {intent['status']}.",
        code="setup_intent_unexpected_state",
        setup_intent=intent,
    )


def _needs_method(**objects: Any) -> StripeError:
    return conflict(
        "You cannot confirm this SetupIntent because it's missing a payment method. Update the SetupIntent with a "
        "payment method and then confirm it again.",
        code="setup_intent_unexpected_state",
        **objects,
    )
