"""Why a bank says no, in Stripe's words (https://docs.stripe.com/declines/codes)."""

from __future__ import annotations

from typing import Any

from sandbox.stripe.errors import DOCS

OWN_CODE = frozenset(
    "authentication_required expired_card incorrect_cvc incorrect_number processing_error".split()
)
"""Declines whose error code is their own name; every other is a `card_declined` with a decline code."""

NEVER_AGAIN = frozenset(
    """fraudulent highest_risk_level incorrect_number lost_card pickup_card revocation_of_all_authorizations
    revocation_of_authorization stolen_card stop_payment_order transaction_not_allowed""".split()
)
_CONFIRM_DATA = frozenset("expired_card incorrect_cvc invalid_account".split())
_LATER = frozenset(
    "approve_with_id card_velocity_exceeded do_not_honor insufficient_funds issuer_not_available".split()
)
_OTHER = frozenset(
    """call_issuer card_not_supported currency_not_supported duplicate_transaction generic_decline incorrect_zip
    invalid_amount merchant_blacklist new_account_information_available no_action_taken not_permitted
    restricted_card service_not_allowed testmode_decline try_again_later withdrawal_count_limit_exceeded""".split()
)
CARD = OWN_CODE | NEVER_AGAIN | _CONFIRM_DATA | _LATER | _OTHER
BANK = frozenset(
    """account_closed bank_account_restricted debit_not_authorized insufficient_funds invalid_currency no_account
    payment_method_provider_decline""".split()
)
ALL = CARD | BANK

_MESSAGES = {
    "authentication_required": "Your card was declined. This transaction requires authentication.",
    "card_velocity_exceeded": "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "incorrect_number": "Your card number is incorrect.",
    "insufficient_funds": "Your card has insufficient funds.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
}
_BANK_MESSAGES = {
    "account_closed": "The customer's bank account has been closed.",
    "debit_not_authorized": "The customer has notified their bank that this payment was unauthorized.",
    "insufficient_funds": "The customer's account has insufficient funds to cover this payment.",
    "no_account": "The customer's bank account could not be located.",
}


def declined(reason: str) -> dict[str, Any]:
    """What a card_error says of a card."""
    code = reason if reason in OWN_CODE else "card_declined"
    error = {
        "type": "card_error",
        "code": code,
        "decline_code": reason,
        "doc_url": DOCS + code.replace("_", "-"),
        "message": _MESSAGES.get(reason, "Your card was declined."),
    }
    advised = advice(reason)
    return error | {"advice_code": advised} if advised else error


def returned(reason: str) -> dict[str, Any]:
    """What is said of a debit that a bank sent back, days later."""
    return {
        "type": "card_error",
        "code": reason,
        "doc_url": DOCS + reason.replace("_", "-"),
        "message": _BANK_MESSAGES.get(
            reason, "The payment could not be collected from the customer's bank account."
        ),
    }


def advice(reason: str) -> str | None:
    if reason in NEVER_AGAIN:
        return "do_not_try_again"
    if reason in _CONFIRM_DATA:
        return "confirm_card_data"
    return "try_again_later" if reason in _LATER else None
