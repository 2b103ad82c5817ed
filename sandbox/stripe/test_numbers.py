"""The numbers Stripe documents for tests, as a buyer types them on a page: cards and bank accounts.

https://docs.stripe.com/testing, and the "test" section of each bank debit's page.
"""

from __future__ import annotations

from dataclasses import replace

from sandbox.stripe import test_methods
from sandbox.stripe.test_methods import Sample

_CARDS = {
    "4242424242424242": "visa", "4000056655665556": "visa_debit", "5555555555554444": "mastercard",
    "2223003122003222": "mastercard", "5200828282828210": "mastercard_debit", "5105105105105100": "mastercard_prepaid",
    "378282246310005": "amex", "371449635398431": "amex", "6011111111111117": "discover",
    "6011000990139424": "discover", "3056930009020004": "diners", "36227206271667": "diners",
    "3566002020360505": "jcb", "6200000000000005": "unionpay",
    "4000000760000002": "br", "4000001240000000": "ca", "4000002760000016": "de", "4000002500000003": "fr",
    "4000008260000000": "gb",
    "4000000000000077": "bypassPending", "4000000000007726": "pendingRefund", "4000000000005126": "refundFail",
    "4000000000000341": "chargeCustomerFail", "4000000000000002": "chargeDeclined",
    "4000000000009995": "chargeDeclinedInsufficientFunds", "4000000000009987": "chargeDeclinedLostCard",
    "4000000000009979": "chargeDeclinedStolenCard", "4000000000000069": "chargeDeclinedExpiredCard",
    "4000000000000127": "chargeDeclinedIncorrectCvc", "4000000000000119": "chargeDeclinedProcessingError",
    "4000000000006975": "chargeDeclinedVelocityLimitExceeded", "4100000000000019": "radarBlock",
    "4000000000004954": "riskLevelHighest", "4000000000009235": "riskLevelElevated",
    "4000002760003184": "authenticationRequired", "4000002500003155": "authenticationRequiredOnSetup",
    "4000003800000446": "authenticationRequiredSetupForOffSession",
    "4000008260003178": "authenticationRequiredChargeDeclinedInsufficientFunds",
    "4000000000003220": "threeDSecure2Required", "4000000000003063": "threeDSecureRequired",
    "4000008400001629": "threeDSecureRequiredChargeDeclined", "4000000000003055": "threeDSecureOptional",
    "4000000000000259": "createDispute", "4000000000002685": "createDisputeProductNotReceived",
    "4000000000001976": "createDisputeInquiry",
}  # fmt: skip
_US_ACCOUNTS = {
    "000123456789": "success", "000000000009": "processing", "000111111113": "accountClosed",
    "000111111116": "noAccount", "000222222227": "insufficientFunds", "000333333335": "debitNotAuthorized",
    "000444444440": "invalidCurrency", "000555555559": "dispute",
}  # fmt: skip
_UK_ACCOUNTS = {
    "00012345": "success", "90012345": "success", "33333335": "debitNotAuthorized", "93333335": "debitNotAuthorized",
    "22222227": "insufficientFunds", "92222227": "insufficientFunds", "55555559": "dispute", "95555559": "dispute",
}  # fmt: skip
_CANADIAN_ACCOUNTS = {
    "000123456789": "success", "900123456789": "success", "000222222227": "insufficientFunds",
    "900222222227": "insufficientFunds", "000666666661": "debitNotAuthorized", "000000000009": "processing",
    "000555555559": "dispute",
}  # fmt: skip
_IBANS = {
    "AT611904300235473201": "success", "AT321904300235473204": "success", "AT861904300235473202": "failed",
    "AT051904300235473205": "failed", "AT591904300235473203": "dispute", "AT981904300002222227": "insufficientFunds",
    "DE89370400440532013000": "success", "DE08370400440532013003": "success", "DE62370400440532013001": "failed",
    "DE78370400440532013004": "failed", "DE35370400440532013002": "dispute",
    "DE65370400440002222227": "insufficientFunds", "FR1420041010050500013M02606": "success",
    "FR3020041010050500013M02609": "success", "FR8420041010050500013M02607": "failed",
    "FR7920041010050500013M02600": "failed", "FR5720041010050500013M02608": "dispute",
}  # fmt: skip


def card(number: str) -> Sample | None:
    found = _CARDS.get(number)
    sample = test_methods.named(f"pm_card_{found}") if found else None
    return replace(sample, last4=number[-4:]) if sample else None


def us_account(number: str) -> Sample | None:
    return _numbered("usBankAccount", _US_ACCOUNTS, number)


def uk_account(number: str) -> Sample | None:
    return _numbered("bacsDebit", _UK_ACCOUNTS, number)


def canadian_account(number: str) -> Sample | None:
    return _numbered("acssDebit", _CANADIAN_ACCOUNTS, number)


def iban(number: str) -> Sample | None:
    found = _numbered("sepaDebit", _IBANS, number)
    return replace(found, country=number[:2]) if found else None


def _numbered(type_: str, numbers: dict[str, str], number: str) -> Sample | None:
    found = numbers.get(number)
    sample = test_methods.named(f"pm_{type_}_{found}") if found else None
    return replace(sample, last4=number[-4:]) if sample else None


def adds_up(number: str) -> bool:
    """Luhn's check digit."""
    digits = [int(digit) for digit in number[::-1]]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
