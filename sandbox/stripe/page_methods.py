"""A payment method as a buyer types it: the fields of each type, and what they make of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sandbox.stripe import test_numbers
from sandbox.stripe.page_html import Filled, field
from sandbox.stripe.state import Call
from sandbox.stripe.test_methods import Sample

LABELS = {
    "card": "Card",
    "us_bank_account": "US bank account (ACH)",
    "sepa_debit": "SEPA Direct Debit",
    "bacs_debit": "Bacs Direct Debit",
    "acss_debit": "Pre-authorized debit (Canada)",
}
NOT_OURS = "Your request was in test mode, but used a number that is not one of Stripe's test numbers."
_EXPIRY = re.compile(r"(\d{1,2})\s*/?\s*(\d{2}|\d{4})")


@dataclass(frozen=True, slots=True)
class Made:
    """What the fields make: a method, or errors by field."""

    sample: Sample | None
    errors: dict[str, str]
    exp: tuple[int, int] | None = None


def fields(type_: str, filled: Filled) -> str:
    if type_ == "card":
        return (
            field(filled, "card-number", "Card number", autocomplete="cc-number", inputmode="numeric")
            + field(
                filled, "card-expiry", "Expiry", hint="MM / YY", autocomplete="cc-exp", inputmode="numeric"
            )
            + field(filled, "card-cvc", "Security code (CVC)", autocomplete="cc-csc", inputmode="numeric")
        )
    numbers = "".join(
        field(filled, f"{type_}-{name}", label, hint=hint, autocomplete="off")
        for name, label, hint, _, _ in _ACCOUNTS[type_]
    )
    return numbers + (
        '<p class="hint">By continuing you allow your account to be debited, '
        "now and as you have agreed with this business.</p>"
    )


def read(call: Call, type_: str, filled: Filled) -> Made:
    return _card(call, filled) if type_ == "card" else _account(type_, filled)


def _card(call: Call, filled: Filled) -> Made:
    number = _bare(filled.value("card-number"))
    errors = {}
    if not number.isdigit() or not 12 <= len(number) <= 19:
        errors["card-number"] = "Your card number is incomplete."
    elif not test_numbers.adds_up(number):
        errors["card-number"] = "Your card number is invalid."
    expiry = _EXPIRY.fullmatch(filled.value("card-expiry"))
    exp = (int(expiry[1]), int(expiry[2]) % 100 + 2000) if expiry else None
    if exp is None or not 1 <= exp[0] <= 12:
        errors["card-expiry"] = "Your card's expiration date is incomplete."
    elif _past(call, exp):
        errors["card-expiry"] = "Your card's expiration date is in the past."
    cvc = filled.value("card-cvc")
    if not cvc.isdigit() or len(cvc) not in (3, 4):
        errors["card-cvc"] = "Your card's security code is incomplete."
    sample = None if errors else test_numbers.card(number)
    if sample is None and not errors:
        errors["card-number"] = f"Your card was declined. {NOT_OURS}"
    return Made(sample, errors, exp)


def _past(call: Call, exp: tuple[int, int]) -> bool:
    today = datetime.fromtimestamp(call.now, UTC)
    return (exp[1], exp[0]) < (today.year, today.month)


def _account(type_: str, filled: Filled) -> Made:
    errors = {}
    for name, label, _, pattern, _ in _ACCOUNTS[type_]:
        if not pattern.fullmatch(_bare(filled.value(f"{type_}-{name}"))):
            errors[f"{type_}-{name}"] = f"{label}: this is incomplete or invalid."
    if errors:
        return Made(None, errors)
    name, _, _, _, find = _ACCOUNTS[type_][-1]
    sample = find(_bare(filled.value(f"{type_}-{name}")))
    return Made(sample, {} if sample else {f"{type_}-{name}": NOT_OURS})


def _bare(typed: str) -> str:
    return re.sub(r"[\s-]", "", typed).upper()


Find = Callable[[str], Sample | None]
Account = tuple[str, str, str, re.Pattern[str], Find]


def _nothing(_: str) -> Sample | None:
    return None


_ACCOUNTS: dict[str, tuple[Account, ...]] = {
    "us_bank_account": (
        ("routing", "Routing number", "9 digits; 110000000 in test mode", re.compile(r"\d{9}"), _nothing),
        ("account", "Account number", "000123456789 in test mode", re.compile(r"\d{4,17}"), test_numbers.us_account),
    ),
    "sepa_debit": (
        ("iban", "IBAN", "DE89370400440532013000 in test mode", re.compile(r"[A-Z]{2}\d{2}[A-Z\d]{8,30}"), test_numbers.iban),
    ),
    "bacs_debit": (
        ("sort", "Sort code", "6 digits; 108800 in test mode", re.compile(r"\d{6}"), _nothing),
        ("account", "Account number", "00012345 in test mode", re.compile(r"\d{8}"), test_numbers.uk_account),
    ),
    "acss_debit": (
        ("institution", "Institution number", "3 digits; 000 in test mode", re.compile(r"\d{3}"), _nothing),
        ("transit", "Transit number", "5 digits; 11000 in test mode", re.compile(r"\d{5}"), _nothing),
        ("account", "Account number", "000123456789 in test mode", re.compile(r"\d{5,12}"), test_numbers.canadian_account),
    ),
}  # fmt: skip
"""By type: name, label, hint, what it must look like once spaces and hyphens are gone; the last one says which account."""
