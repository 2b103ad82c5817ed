"""Confirming a PaymentIntent: the bank is asked, and the intent succeeds, waits, needs the buyer, or is declined."""

from __future__ import annotations

from typing import Any

from sandbox.stripe import charges, declines, disputes, events, payment_methods, scripts
from sandbox.stripe.errors import card_error, conflict, invalid
from sandbox.stripe.payment_methods import CURRENCIES, DEBITS
from sandbox.stripe.shelves import Thing
from sandbox.stripe.state import DAY, Call
from sandbox.stripe.test_methods import ALWAYS_AUTHENTICATE, SUCCEED

DAYS_TO_SETTLE = {"us_bank_account": 4, "sepa_debit": 5, "bacs_debit": 6, "acss_debit": 5}
DEBIT = "bank_debit"
"""Topic of the moment at which a bank answers a debit."""
NEVER = "never_settles"


def confirm(call: Call, intent: Thing, method: Thing) -> Thing:
    """The intent after its bank was asked; a decline is raised, with everything it leaves behind already kept."""
    check(call, intent, method)
    outcome = scripts.outcome(call.account, method, intent["customer"])
    intent = call.account.change(intent, payment_method=method["id"], payment_method_types=[method["type"]])
    if method["type"] in DEBITS:
        return _process(call, intent, method, outcome)
    if outcome == SUCCEED:
        return _succeed(call, intent, method)
    if outcome != ALWAYS_AUTHENTICATE:
        raise decline(call, intent, method, outcome)
    if call.params.get("off_session") or call.params.get("error_on_requires_action"):
        raise decline(call, intent, method, outcome)
    return require_action(call, intent)


def check(call: Call, intent: Thing, method: Thing) -> None:
    """Refuse what no bank need be asked about."""
    types = intent["allowed_payment_method_types"]
    if types and method["type"] not in types:
        raise conflict(
            f"The PaymentMethod provided ({method['type']}) is not allowed for this PaymentIntent. Please attach a "
            f"PaymentMethod of one of the following types: {', '.join(types)}.",
            code="payment_intent_invalid_parameter",
            param="payment_method",
        )
    _check_currency(intent, method)
    if intent["statement_descriptor"] and method["type"] == "card":
        raise invalid(
            "The `statement_descriptor` parameter is not supported for PaymentIntents paid by card. Use "
            "`statement_descriptor_suffix` instead.",
            param="statement_descriptor",
        )
    payment_methods.refuse_spent(call.account, method)


def _check_currency(intent: Thing, method: Thing) -> None:
    """Bank debits know their own currencies only."""
    known = CURRENCIES.get(method["type"])
    if known is not None and intent["currency"] not in known:
        raise conflict(
            f"The payment method type `{method['type']}` is not supported for the currency `{intent['currency']}`. "
            f"The currencies supported by `{method['type']}` are: {', '.join(sorted(known))}.",
            code="payment_intent_invalid_parameter",
            param="currency",
        )


def check_return_url(given: dict[str, Any], intent: dict[str, Any]) -> None:
    """On-session, the methods of the Dashboard may redirect the buyer, so Stripe asks where to come back to."""
    automatic = intent.get("automatic_payment_methods") or {"enabled": True}
    redirects = automatic.get("enabled") and automatic.get("allow_redirects") != "never"
    needed = redirects and not intent.get("allowed_payment_method_types") and not given.get("off_session")
    if needed and not given.get("return_url") and not given.get("error_on_requires_action"):
        raise invalid(
            "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of these "
            "payment methods might redirect your customer off of your page, you must provide a `return_url`. If you "
            "don't want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true` and "
            "`automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment Intents."
        )


def _succeed(call: Call, intent: Thing, method: Thing) -> Thing:
    charge = charges.make(call, intent, method, "succeeded")
    events.emit(call, "charge.succeeded", charge)
    return _succeeded(call, intent, method, charge)


def _succeeded(call: Call, intent: Thing, method: Thing, charge: Thing) -> Thing:
    _keep(call, intent, method)
    paid = call.account.change(
        intent,
        status="succeeded",
        amount_received=intent["amount"],
        latest_charge=charge["id"],
        next_action=None,
        last_payment_error=None,
        processing=None,
    )
    events.emit(call, "payment_intent.succeeded", paid)
    disputes.await_one(call, charge)
    return paid


def _keep(call: Call, intent: Thing, method: Thing) -> None:
    """A method that was used is attached for the future, or spent."""
    wished = call.account.noted(method["id"], "saves")
    if intent["customer"] and (intent["setup_future_usage"] or wished):
        if method["customer"] is None:
            payment_methods.kept(call, method, intent["customer"])
        call.account.note(method["id"], set_up=True)
    elif method["customer"] is None:
        call.account.note(method["id"], spent=True)


def decline(call: Call, intent: Thing, method: Thing, reason: str) -> Exception:
    """The error to raise; the intent asks for another method, and its failed charge is kept."""
    charge = charges.make(call, intent, method, "failed", reason)
    events.emit(call, "charge.failed", charge)
    error = {**declines.declined(reason), "charge": charge["id"], "payment_method": method}
    failed = _fail(call, intent, charge, error)
    return card_error({**error, "payment_intent": failed})


def _fail(call: Call, intent: Thing, charge: Thing, error: dict[str, Any]) -> Thing:
    failed = call.account.change(
        intent,
        status="requires_payment_method",
        payment_method=None,
        latest_charge=charge["id"],
        last_payment_error=error,
        next_action=None,
        processing=None,
    )
    events.emit(call, "payment_intent.payment_failed", failed)
    return failed


def require_action(call: Call, intent: Thing) -> Thing:
    """The intent, a PaymentIntent or SetupIntent, waits for its buyer: on their bank's page where it has somewhere to go back to."""
    url = call.params.get("return_url")
    if url:
        page = f"{call.world.home}/3d_secure/{intent['id']}"
        call.account.note(intent["id"], return_url=url)
        action: dict[str, Any] = {
            "type": "redirect_to_url",
            "redirect_to_url": {"return_url": url, "url": page},
        }
    else:
        action = {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}
    waiting = call.account.change(intent, status="requires_action", next_action=action)
    events.emit(call, f"{intent['object']}.requires_action", waiting)
    return waiting


def authenticate(call: Call, succeeded: bool) -> Thing:
    """The buyer has answered the bank's question, or failed to."""
    intent = call.account.get("payment_intent", call.name)
    if intent["status"] != "requires_action":
        raise conflict(
            f"This PaymentIntent has a status of {intent['status']}: there is nothing to authenticate."
        )
    method = call.account.get("payment_method", intent["payment_method"])
    if not succeeded:
        error = {
            "type": "invalid_request_error",
            "code": "payment_intent_authentication_failure",
            "message": "The provided PaymentMethod has failed authentication.",
            "payment_method": method,
        }
        return _fail(call, intent, {"id": intent["latest_charge"]}, error)
    outcome = call.account.noted(method["id"], "authenticated") or SUCCEED
    if outcome == SUCCEED:
        return _succeed(call, intent, method)
    decline(call, intent, method, outcome)
    return call.account.get("payment_intent", call.name)


def _process(call: Call, intent: Thing, method: Thing, outcome: str) -> Thing:
    """A bank debit: pending for days, until the bank has answered."""
    charge = charges.make(call, intent, method, "pending")
    _keep(call, intent, method)
    waiting = call.account.change(
        intent, status="processing", latest_charge=charge["id"], last_payment_error=None, processing=None
    )
    events.emit(call, "payment_intent.processing", waiting)
    events.emit(call, "charge.pending", charge)
    if outcome != NEVER:
        due = call.now + DAYS_TO_SETTLE[method["type"]] * DAY
        call.account.note(intent["id"], due=due, topic=DEBIT, outcome=outcome)
        call.world.schedule(due, DEBIT, call.account, intent["id"])
    return waiting


def settle(call: Call) -> None:
    """The bank has answered: the debit is paid, or came back."""
    intent = call.account.get("payment_intent", call.name)
    if intent["status"] != "processing":
        return
    method = call.account.get("payment_method", intent["payment_method"])
    charge = call.account.get("charge", intent["latest_charge"])
    reason = call.account.noted(call.name, "outcome")
    call.account.note(call.name, due=None)
    if reason == SUCCEED:
        paid = charges.collected(call, charge)
        events.emit(call, "charge.succeeded", paid)
        _succeeded(call, intent, method, paid)
        return
    _come_back(call, intent, method, charge, declines.returned(reason))


def _come_back(call: Call, intent: Thing, method: Thing, charge: Thing, error: dict[str, Any]) -> None:
    failed = call.account.change(
        charge, status="failed", captured=False, amount_captured=0, **charges.failure(error)
    )
    events.emit(call, "charge.failed", failed)
    _fail(call, intent, failed, {**error, "charge": failed["id"], "payment_method": method})
