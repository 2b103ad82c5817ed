"""Currencies as Stripe's API takes them: their decimals, the least it charges, and what it takes for itself.

https://docs.stripe.com/currencies: zero-decimal and three-decimal currencies, special cases, minimum amounts.
"""

from __future__ import annotations

from sandbox.stripe.errors import StripeError, invalid

ZERO_DECIMAL = frozenset("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split())
THREE_DECIMAL = frozenset("bhd jod kwd omr tnd".split())
WHOLE_UNITS_IN_HUNDREDTHS = frozenset({"isk", "ugx"})
"""They have no decimals, yet are written in hundredths that must be 00."""

_TWO_DECIMAL = frozenset(
    """usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny cop
    crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr isk jmd kes kgs khr
    kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php
    pkr pln qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah ugx uyu uzs wst
    xcd yer zar zmw""".split()
)
SUPPORTED = ZERO_DECIMAL | THREE_DECIMAL | _TWO_DECIMAL

_LEAST = {
    "aed": 200, "bgn": 100, "czk": 1500, "dkk": 250, "gbp": 30, "hkd": 400, "huf": 17500, "mxn": 1000, "myr": 200,
    "nok": 300, "pln": 200, "ron": 200, "sek": 300, "thb": 1000,
}  # fmt: skip
_MOST = 99_999_999
_FIXED_FEE = {0: 30, 2: 30, 3: 100}


def checked(code: str) -> str:
    """The currency in lower case, when Stripe takes it."""
    lowered = code.lower()
    if lowered not in SUPPORTED:
        known = ", ".join(sorted(SUPPORTED))
        raise invalid(
            f"Invalid currency: {lowered}. Stripe currently supports these currencies: {known}",
            param="currency",
        )
    return lowered


def decimals(currency: str) -> int:
    return 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2


def check_charge(amount: int, currency: str) -> None:
    """Refuse what Stripe would not charge: minor units, at least about half a dollar, at most eight digits."""
    if amount < 1:
        raise _refused("Invalid positive integer", "parameter_invalid_integer")
    check_units(amount, currency)
    if amount < least(currency):
        shown = f"{written(least(currency), currency)} {currency}"
        raise _refused(f"Amount must be at least {shown}", "amount_too_small")
    if amount > _MOST:
        raise _refused(
            f"Amount must be no more than {written(_MOST, currency)} {currency}", "amount_too_large"
        )


def check_units(amount: int, currency: str) -> None:
    if currency in THREE_DECIMAL and amount % 10:
        raise _refused(f"Invalid amount: {currency} amounts must end in 0.", "invalid_charge_amount")
    if currency in WHOLE_UNITS_IN_HUNDREDTHS and amount % 100:
        raise _refused(
            f"Invalid amount: {currency} amounts must be divisible by 100.", "invalid_charge_amount"
        )


def least(currency: str) -> int:
    return _LEAST.get(currency, {0: 50, 2: 50, 3: 150}[decimals(currency)])


def fee(amount: int, currency: str) -> int:
    """2.9 % and a fixed part, half up, in the currency's minor units."""
    fixed = _FIXED_FEE[decimals(currency)]
    return (amount * 29 + 500) // 1000 + fixed


def written(amount: int, currency: str) -> str:
    places = decimals(currency)
    return f"{amount / 10**places:,.{places}f}"


def _refused(message: str, code: str) -> StripeError:
    return invalid(message, code=code, param="amount")
