"""The payment methods Stripe documents for tests, and how each behaves (https://docs.stripe.com/testing)."""

from __future__ import annotations

from dataclasses import dataclass

SUCCEED = "succeed"
ALWAYS_AUTHENTICATE = "authentication_required"
AUTHENTICATE_UNTIL_SET_UP = "authenticate_until_set_up"
REFUNDED_LATER = "pending"
REFUND_FAILS_LATER = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A documented method: what it looks like, and what the bank says when it is attached and when it is charged."""

    type: str = "card"
    brand: str = "visa"
    last4: str = "4242"
    funding: str = "credit"
    country: str = "US"
    attached: str = SUCCEED
    charged: str = SUCCEED
    after_authentication: str = SUCCEED
    refunded: str = SUCCEED
    disputed: str = ""
    """The reason of the dispute that follows a charge; `inquiry` for one that takes no money yet."""
    disputed_after: int = 0
    """Days after the charge succeeded."""


def _declining(reason: str, last4: str) -> Sample:
    """Declines whenever its bank is asked: when it is attached, too."""
    return Sample(last4=last4, attached=reason, charged=reason)


LATE = 20
"""Days after which the sandbox's own late returns come: long after the money was believed to be there."""


def _debit(type_: str, reason: str, last4: str, disputed: str = "", after: int = 0) -> Sample:
    country = "DE" if type_ == "sepa_debit" else "US"
    return Sample(
        type=type_, last4=last4, country=country, charged=reason, refunded=REFUNDED_LATER,
        disputed=disputed, disputed_after=after,
    )  # fmt: skip


def _debits(type_: str, name: str, last4: str) -> dict[str, Sample]:
    """What every bank debit may come to; Stripe documents most of these by account numbers only."""
    return {
        f"pm_{name}": _debit(type_, SUCCEED, last4),
        f"pm_{name}_success": _debit(type_, SUCCEED, last4),
        f"pm_{name}_processing": _debit(type_, "never_settles", "0009"),
        f"pm_{name}_insufficientFunds": _debit(type_, "insufficient_funds", "2227"),
        f"pm_{name}_debitNotAuthorized": _debit(type_, "debit_not_authorized", "3335"),
        f"pm_{name}_dispute": _debit(type_, SUCCEED, "5559", "debit_not_authorized"),
        f"pm_{name}_lateInsufficientFunds": _debit(type_, SUCCEED, "5550", "insufficient_funds", LATE),
        f"pm_{name}_lateBankCannotProcess": _debit(type_, SUCCEED, "5551", "bank_cannot_process", LATE),
        f"pm_{name}_lateDebitNotAuthorized": _debit(type_, SUCCEED, "5552", "debit_not_authorized", LATE),
    }


_BRANDS = {
    "visa": Sample(),
    "visa_debit": Sample(last4="5556", funding="debit"),
    "mastercard": Sample(brand="mastercard", last4="4444"),
    "mastercard_debit": Sample(brand="mastercard", last4="8210", funding="debit"),
    "mastercard_prepaid": Sample(brand="mastercard", last4="5100", funding="prepaid"),
    "amex": Sample(brand="amex", last4="8431"),
    "discover": Sample(brand="discover", last4="1117"),
    "diners": Sample(brand="diners", last4="0004"),
    "jcb": Sample(brand="jcb", last4="0505"),
    "unionpay": Sample(brand="unionpay", last4="0005"),
    "us": Sample(),
    "br": Sample(country="BR", last4="0002"),
    "ca": Sample(country="CA", last4="0000"),
    "de": Sample(country="DE", last4="0001"),
    "fr": Sample(country="FR", last4="0003"),
    "gb": Sample(country="GB", last4="0000"),
    "bypassPending": Sample(last4="0077"),
    "pendingRefund": Sample(last4="7726", refunded=REFUNDED_LATER),
    "refundFail": Sample(last4="5126", refunded=REFUND_FAILS_LATER),
}
_DECLINES = {
    "chargeCustomerFail": Sample(last4="0341", charged="generic_decline"),
    "chargeDeclined": _declining("generic_decline", "0002"),
    "chargeDeclinedInsufficientFunds": _declining("insufficient_funds", "9995"),
    "chargeDeclinedLostCard": _declining("lost_card", "9987"),
    "chargeDeclinedStolenCard": _declining("stolen_card", "9979"),
    "chargeDeclinedExpiredCard": _declining("expired_card", "0069"),
    "chargeDeclinedIncorrectCvc": _declining("incorrect_cvc", "0127"),
    "chargeDeclinedProcessingError": _declining("processing_error", "0119"),
    "chargeDeclinedFraudulent": _declining("fraudulent", "0019"),
    "chargeDeclinedVelocityLimitExceeded": _declining("card_velocity_exceeded", "6975"),
    "radarBlock": Sample(last4="0019", charged="highest_risk_level"),
    "riskLevelHighest": Sample(last4="4954", charged="highest_risk_level"),
    "riskLevelElevated": Sample(last4="9235"),
}
_AUTHENTICATED = {
    "authenticationRequired": Sample(last4="3184", charged=ALWAYS_AUTHENTICATE),
    "authenticationRequiredOnSetup": Sample(last4="3155", charged=AUTHENTICATE_UNTIL_SET_UP),
    "authenticationRequiredSetupForOffSession": Sample(last4="0446", charged=SUCCEED),
    "authenticationRequiredChargeDeclinedInsufficientFunds": Sample(
        last4="3178", charged=ALWAYS_AUTHENTICATE, after_authentication="insufficient_funds"
    ),
    "threeDSecure2Required": Sample(last4="3220", charged=ALWAYS_AUTHENTICATE),
    "threeDSecureRequired": Sample(last4="3063", charged=ALWAYS_AUTHENTICATE),
    "threeDSecureRequiredChargeDeclined": Sample(
        last4="1629", charged=ALWAYS_AUTHENTICATE, after_authentication="generic_decline"
    ),
    "threeDSecureOptional": Sample(last4="3055"),
}
_DISPUTED = {
    "createDispute": Sample(last4="0259", disputed="fraudulent"),
    "createDisputeProductNotReceived": Sample(last4="2685", disputed="product_not_received"),
    "createDisputeInquiry": Sample(last4="1976", disputed="inquiry"),
}
_CARDS = _BRANDS | _DECLINES | _AUTHENTICATED | _DISPUTED
_DEBITS = {
    **_debits("us_bank_account", "usBankAccount", "6789"),
    **_debits("sepa_debit", "sepaDebit", "3000"),
    **_debits("bacs_debit", "bacsDebit", "2345"),
    **_debits("acss_debit", "acssDebit", "6789"),
    "pm_usBankAccount_accountClosed": _debit("us_bank_account", "account_closed", "1113"),
    "pm_usBankAccount_noAccount": _debit("us_bank_account", "no_account", "1116"),
    "pm_usBankAccount_invalidCurrency": _debit("us_bank_account", "invalid_currency", "4440"),
    "pm_sepaDebit_failed": _debit("sepa_debit", "payment_method_provider_decline", "3001"),
    "pm_sepaDebit_insufficientFunds": _debit("sepa_debit", "insufficient_funds", "3008"),
    "pm_success_de": _debit("sepa_debit", SUCCEED, "3000"),
    "pm_successDelayed_de": _debit("sepa_debit", SUCCEED, "3003"),
    "pm_failed_de": _debit("sepa_debit", "payment_method_provider_decline", "3001"),
    "pm_failedDelayed_de": _debit("sepa_debit", "payment_method_provider_decline", "3004"),
    "pm_insufficientFunds_de": _debit("sepa_debit", "insufficient_funds", "3008"),
    "pm_disputed_de": _debit("sepa_debit", SUCCEED, "3002", "debit_not_authorized"),
}
_BY_NAME = (
    {f"pm_card_{name}": sample for name, sample in _CARDS.items()}
    | {
        f"pm_card_visa_{name}": sample
        for name, sample in _DECLINES.items()
        if name.startswith("chargeDeclined")
    }
    | _DEBITS
)


def named(name: str) -> Sample | None:
    """By the id everybody may use: `pm_card_visa`."""
    return _BY_NAME.get(name)


def names() -> list[str]:
    """The ids of all of them."""
    return [*_BY_NAME]


def token(name: str) -> Sample | None:
    """By its older name: `tok_visa`, `tok_visa_chargeDeclined`."""
    return _BY_NAME.get("pm_card_" + name.removeprefix("tok_")) if name.startswith("tok_") else None
