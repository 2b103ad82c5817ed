"""What a buyer is told of what is owed: what it is for, why a payment did not go through, and what happens next."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from chalicelib.billing.invoices import Invoice
from chalicelib.billing.payments import Origin, Payment, PaymentStatus
from chalicelib.billing.subscriptions import Subscription
from chalicelib.views import formats
from chalicelib.views.reading import AMERICAN, Reader

REASONS: Final = {
    "authentication_required": "confirm",
    "approve_with_id": "later",
    "card_not_supported": "kind",
    "card_velocity_exceeded": "limit",
    "currency_not_supported": "currency",
    "expired_card": "expired",
    "incorrect_cvc": "details",
    "incorrect_number": "details",
    "incorrect_zip": "details",
    "insufficient_funds": "funds",
    "invalid_account": "details",
    "invalid_cvc": "details",
    "invalid_expiry_month": "details",
    "invalid_expiry_year": "details",
    "invalid_number": "details",
    "issuer_not_available": "later",
    "payment_intent_authentication_failure": "unconfirmed",
    "processing_error": "later",
    "reenter_transaction": "later",
    "try_again_later": "later",
    "withdrawal_count_limit_exceeded": "limit",
}
"""The sentence (`reason.` in the catalogs) by Stripe's decline code, and only where the bank lets the buyer know (docs.stripe.com/declines/codes).

A card that was lost, stolen or is suspected of fraud is told of as a decline and no more, as Stripe asks: whoever
reads the letter may not be the one who reported it.
"""


def sold(subscription: Subscription) -> str:
    """What a subscription is called: its name, or the names of what it sells."""
    return formats.name(subscription.name) or ", ".join(
        formats.name(line.name) for line in subscription.lines
    )


def paid_with(payment: Payment, reader: Reader) -> str:
    """The method a payment was asked of, or how money came that was written down by hand."""
    if payment.origin is Origin.HAND and payment.method_type:
        return reader.word(f"page.by_hand.{payment.method_type}")
    return formats.name(payment.method_label)


def reason(payment: Payment, reader: Reader = AMERICAN) -> str:
    """Why a payment did not go through, in a sentence."""
    return reader.word(f"reason.{cause(payment)}")


def cause(payment: Payment) -> str:
    """Why it did not go through, as the catalogs call it."""
    if payment.status is PaymentStatus.ACTION_REQUIRED:
        return REASONS["authentication_required"]
    if payment.decline_code in REASONS:
        return REASONS[payment.decline_code]
    return "method" if payment.reference is None else "declined"


def standing(payment: Payment | None, reader: Reader) -> str:
    """What a payment that holds an invoice waits for, as far as it is known."""
    match payment.status if payment else None:
        case PaymentStatus.ACTION_REQUIRED:
            return reader.word("page.next.confirm")
        case PaymentStatus.CHECKOUT:
            return reader.word("page.next.begun")
        case PaymentStatus.PROCESSING:
            return reader.word("page.next.processing")
        case _:
            return reader.word("page.next.under_way")


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
