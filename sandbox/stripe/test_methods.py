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


def _declining(reason: str, last4: str) -> Sample:
    """Declines whenever its bank is asked: when it is attached, too."""
    return Sample(last4=last4, attached=reason, charged=reason)


def _debit(reason: str, last4: str) -> Sample:
    return Sample(type="us_bank_account", last4=last4, charged=reason, refunded=REFUNDED_LATER)


def _sepa(reason: str, last4: str) -> Sample:
    return Sample(type="sepa_debit", last4=last4, country="DE", charged=reason, refunded=REFUNDED_LATER)


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
    "threeDSecureOptional": Sample(last4="3055"),
}
_CARDS = _BRANDS | _DECLINES | _AUTHENTICATED
_DEBITS = {
    "pm_usBankAccount": _debit(SUCCEED, "6789"),
    "pm_usBankAccount_success": _debit(SUCCEED, "6789"),
    "pm_usBankAccount_processing": _debit("never_settles", "0009"),
    "pm_usBankAccount_accountClosed": _debit("account_closed", "1113"),
    "pm_usBankAccount_noAccount": _debit("no_account", "1116"),
    "pm_usBankAccount_insufficientFunds": _debit("insufficient_funds", "2227"),
    "pm_usBankAccount_debitNotAuthorized": _debit("debit_not_authorized", "3335"),
    "pm_usBankAccount_invalidCurrency": _debit("invalid_currency", "4440"),
    "pm_sepaDebit": _sepa(SUCCEED, "3000"),
    "pm_sepaDebit_failed": _sepa("payment_method_provider_decline", "3001"),
    "pm_sepaDebit_insufficientFunds": _sepa("insufficient_funds", "3008"),
    "pm_success_de": _sepa(SUCCEED, "3000"),
    "pm_successDelayed_de": _sepa(SUCCEED, "3003"),
    "pm_failed_de": _sepa("payment_method_provider_decline", "3001"),
    "pm_failedDelayed_de": _sepa("payment_method_provider_decline", "3004"),
    "pm_insufficientFunds_de": _sepa("insufficient_funds", "3008"),
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
_ACCOUNT_NUMBERS = {
    "000123456789": "pm_usBankAccount_success",
    "000000000009": "pm_usBankAccount_processing",
    "000111111113": "pm_usBankAccount_accountClosed",
    "000111111116": "pm_usBankAccount_noAccount",
    "000222222227": "pm_usBankAccount_insufficientFunds",
    "000333333335": "pm_usBankAccount_debitNotAuthorized",
    "000444444440": "pm_usBankAccount_invalidCurrency",
}


def named(name: str) -> Sample | None:
    """By the id everybody may use: `pm_card_visa`."""
    return _BY_NAME.get(name)


def token(name: str) -> Sample | None:
    """By its older name: `tok_visa`, `tok_visa_chargeDeclined`."""
    return _BY_NAME.get("pm_card_" + name.removeprefix("tok_")) if name.startswith("tok_") else None


def account_number(number: str) -> Sample | None:
    return _BY_NAME.get(_ACCOUNT_NUMBERS.get(number, ""))


def iban(number: str) -> Sample | None:
    """SEPA's test accounts differ in their last four digits."""
    last4 = number.replace(" ", "")[-4:]
    return next(
        (sample for name, sample in _DEBITS.items() if name.endswith("_de") and sample.last4 == last4), None
    )
