"""What a buyer is told of what is owed: what it is for, why a payment did not go through, and what happens next."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from chalicelib.billing.invoices import Invoice
from chalicelib.billing.payments import Payment, PaymentStatus
from chalicelib.billing.subscriptions import Subscription
from chalicelib.views import formats

_DETAILS: Final = "The details of your card were not accepted."
_LATER: Final = "Your bank could not be reached, or could not answer."
_LIMIT: Final = "A limit of your card or account has been reached."

REASONS: Final = {
    "authentication_required": "Your bank wants you to confirm this payment.",
    "approve_with_id": _LATER,
    "card_not_supported": "Your card does not allow this kind of payment.",
    "card_velocity_exceeded": _LIMIT,
    "currency_not_supported": "Your card does not take this currency.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": _DETAILS,
    "incorrect_number": _DETAILS,
    "incorrect_zip": _DETAILS,
    "insufficient_funds": "There was not enough money available on your card or account.",
    "invalid_account": _DETAILS,
    "invalid_cvc": _DETAILS,
    "invalid_expiry_month": _DETAILS,
    "invalid_expiry_year": _DETAILS,
    "invalid_number": _DETAILS,
    "issuer_not_available": _LATER,
    "payment_intent_authentication_failure": "The payment was not confirmed with your bank.",
    "processing_error": _LATER,
    "reenter_transaction": _LATER,
    "try_again_later": _LATER,
    "withdrawal_count_limit_exceeded": _LIMIT,
}
"""By Stripe's decline code, and only where the bank lets the buyer know (docs.stripe.com/declines/codes).

A card that was lost, stolen or is suspected of fraud is told of as a decline and no more, as Stripe asks: whoever
reads the letter may not be the one who reported it.
"""

CONFIRM: Final = "Your bank wants you to confirm this payment"
UNDER_WAY: Final = "A payment is under way; your bank has not answered yet."


def sold(subscription: Subscription) -> str:
    """What a subscription is called: its name, or the names of what it sells."""
    return formats.name(subscription.name) or ", ".join(
        formats.name(line.name) for line in subscription.lines
    )


def reason(payment: Payment) -> str:
    """Why a payment did not go through, in a sentence."""
    if payment.status is PaymentStatus.ACTION_REQUIRED:
        return REASONS["authentication_required"]
    if payment.decline_code in REASONS:
        return REASONS[payment.decline_code]
    if payment.reference is None:
        return "The payment could not be made with this payment method."
    return "Your bank declined the payment."


def standing(payment: Payment) -> str:
    """What a payment that holds an invoice waits for."""
    match payment.status:
        case PaymentStatus.ACTION_REQUIRED:
            return "Your bank wants you to confirm the payment."
        case PaymentStatus.CHECKOUT:
            return "A payment was begun and is not finished. Nothing has been taken."
        case PaymentStatus.PROCESSING:
            return "Your bank has been asked for it. That takes some days; there is nothing you need to do."
        case _:
            return UNDER_WAY


def asked_again_at(subscription: Subscription, invoices: Iterable[Invoice]) -> datetime | None:
    """When the schedule asks for money again, as far as is known now; None if it will not.

    A payment method that was refused for good is never asked again, though the invoice still waits for the last
    day of its retries.
    """
    moments = (
        invoice.attempt_at
        for invoice in invoices
        if invoice.amount_due and invoice.payment is None and subscription.asks(last=invoice.last)
    )
    return min((at for at in moments if at is not None), default=None)
