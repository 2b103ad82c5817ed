"""What Stripe's PaymentIntents, and its errors about them, say of a payment."""

from typing import Any

import stripe

from chalicelib.adapters.stripe_http import surely_not, unavailable
from chalicelib.billing.dunning import is_hard
from chalicelib.billing.gateway import (
    ActionRequired,
    Canceled,
    Declined,
    Outcome,
    Processing,
    SavedMethod,
    Succeeded,
    Unknown,
)
from chalicelib.billing.money import from_stripe

EXPAND = ["latest_charge.balance_transaction"]
AUTHENTICATION = "authentication_required"
"""Off session the bank asks for its buyer: the same intent succeeds once they have confirmed it."""

BRANDS = {"visa": "Visa", "mastercard": "Mastercard", "amex": "American Express", "discover": "Discover"}


def outcome(intent: dict[str, Any]) -> Outcome:
    """What a PaymentIntent says of its money; one that is still being made says nothing yet."""
    match intent["status"]:
        case "succeeded":
            return _succeeded(intent)
        case "requires_action":
            return ActionRequired(reference=intent["id"], url=_bank(intent))
        case "canceled":
            return Canceled(reference=intent["id"])
        case "requires_payment_method" if intent.get("last_payment_error"):
            return _failed(intent)
        case _:
            return Processing(reference=intent["id"])


def declined(error: stripe.CardError) -> Declined | ActionRequired:
    """A refusal of the bank, or its wish to be confirmed by the buyer."""
    told = error.error
    intent = getattr(told, "payment_intent", None) if told else None
    code = (told.decline_code if told else None) or error.code or "card_declined"
    reference = intent["id"] if intent else None
    if code == AUTHENTICATION and reference:
        return ActionRequired(reference=reference)
    return Declined(code=code, hard=is_hard(code), reference=reference, message=error.user_message or "")


def wrong(error: stripe.StripeError) -> Declined | Unknown:
    """A request Stripe finds wrong moved no money; one under a key that was used otherwise may have.

    Only where it is the method or its customer that is wrong is the method given up.
    """
    if isinstance(error, stripe.IdempotencyError) or error.http_status == 409:
        return Unknown(reason=f"Stripe is at it already, or was: {error.user_message}")
    hard = getattr(error, "param", None) in ("payment_method", "customer")
    return Declined(code=error.code or "invalid_request", hard=hard, message=error.user_message or "")


def no_answer(error: stripe.StripeError) -> Unknown:
    """Raises Unavailable where the request was surely not carried out."""
    if surely_not(error):
        raise unavailable(error) from error
    if isinstance(error, stripe.APIConnectionError):
        # The words of a socket say nothing to who reads this beside a payment.
        return Unknown(reason=f"Stripe has not answered yet ({type(error).__name__}).")
    return Unknown(reason=f"{type(error).__name__}: {error.user_message or error}"[:500])


def saved(method: dict[str, Any], customer: str) -> SavedMethod:
    """A PaymentMethod that is kept for a customer."""
    card = method.get("card") or {}
    return SavedMethod(
        id=method["id"],
        customer=customer,
        type=method["type"],
        label=label(method),
        exp_month=card.get("exp_month"),
        exp_year=card.get("exp_year"),
    )


def label(method: dict[str, Any]) -> str:
    """A payment method as a person reads it: "Visa •••• 4242"."""
    details = method.get(method["type"]) or {}
    name = details.get("brand") or details.get("bank_name") or method["type"].replace("_", " ")
    name = BRANDS.get(name, name)
    return f"{name} •••• {details['last4']}" if details.get("last4") else name


def _bank(intent: dict[str, Any]) -> str | None:
    """The page on which the buyer confirms it, where one was asked for."""
    asks = (intent.get("next_action") or {}).get("redirect_to_url") or {}
    return asks.get("url")


def _succeeded(intent: dict[str, Any]) -> Succeeded:
    """With fee and net, where Stripe has them at once, and with the method where it was kept for later charges."""
    charge = intent["latest_charge"]
    charge = charge if isinstance(charge, dict) else {}
    kept = _kept(intent, charge)
    moved = charge.get("balance_transaction")
    if not isinstance(moved, dict):
        return Succeeded(reference=intent["id"], method=kept)
    fee, net = from_stripe(moved["fee"], moved["currency"]), from_stripe(moved["net"], moved["currency"])
    return Succeeded(reference=intent["id"], fee=fee, net=net, method=kept)


def _kept(intent: dict[str, Any], charge: dict[str, Any]) -> SavedMethod | None:
    """By what the charge remembers of the method."""
    details = charge.get("payment_method_details")
    if intent.get("setup_future_usage") != "off_session" or not intent.get("customer") or not details:
        return None
    return saved({**details, "id": charge["payment_method"]}, intent["customer"])


def _failed(intent: dict[str, Any]) -> Declined | ActionRequired:
    """A PaymentIntent that asks for another method: the last one was refused, or its buyer was asked for."""
    error = intent["last_payment_error"]
    code = error.get("decline_code") or error.get("code") or "unknown"
    if code == AUTHENTICATION:
        return ActionRequired(reference=intent["id"])
    return Declined(code=code, hard=is_hard(code), reference=intent["id"], message=error.get("message") or "")
