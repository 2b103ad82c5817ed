"""Values as a person reads them, in English: money, prices, quantities, dates, and names that strangers wrote."""

import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from chalicelib.billing import periods
from chalicelib.billing.currencies import EXPONENTS
from chalicelib.billing.money import Money
from chalicelib.billing.periods import Period

# Of the signs that several currencies share, the bare one is the most used; the others say whose they are.
SIGNS: Final = {
    "usd": "$", "eur": "€", "gbp": "£", "jpy": "¥", "aud": "A$", "brl": "R$", "cad": "CA$", "cny": "CN¥", "hkd": "HK$",
    "ils": "₪", "inr": "₹", "krw": "₩", "mxn": "MX$", "nzd": "NZ$", "php": "₱", "twd": "NT$", "vnd": "₫",
}  # fmt: skip
MONTHS: Final = (
    "January February March April May June July August September October November December".split()
)
FIRST_STRONG_ISOLATE, POP_ISOLATE = "\u2068", "\u2069"

_BREAKS: Final = re.compile(r"[\x00-\x20\x7f-\xa0\u0085\u2028\u2029]+")
# Embeddings, overrides and isolates reorder what follows them; a lone surrogate cannot be encoded.
_HARMFUL: Final = re.compile("[\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_RIGHT_TO_LEFT: Final = re.compile(
    "[\u0590-\u08ff\u200f\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff]"
)


def money(value: Money) -> str:
    """The amount with its sign, or its code where it has none: $1,250.00, ¥2,500, CHF 25.00."""
    places = EXPONENTS[value.currency]
    whole, part = divmod(abs(value.amount), 10**places)
    digits = f"{whole:,}.{part:0{places}d}" if places else f"{whole:,}"
    return _signed(digits, value.currency, negative=value.amount < 0)


def unit_price(minor: Decimal, currency: str) -> str:
    """The price of one with every decimal it has, and no fewer than its currency's: $0.0025."""
    places = EXPONENTS[currency]
    whole, _, decimals = f"{abs(minor).scaleb(-places):,f}".partition(".")
    decimals = decimals.rstrip("0").ljust(places, "0")
    return _signed(f"{whole}.{decimals}" if decimals else whole, currency, negative=minor < 0)


def quantity(value: Decimal) -> str:
    """How many, with the decimals that say something: 1,000 or 2.5."""
    whole, _, decimals = f"{value:,f}".partition(".")
    decimals = decimals.rstrip("0")
    return f"{whole}.{decimals}" if decimals else whole


def day(value: date) -> str:
    """A date no reader takes for another: 3 February 2026."""
    return f"{value.day} {MONTHS[value.month - 1]} {value.year}"


def day_of(at: datetime, zone: str) -> str:
    """The local date of a moment in an IANA zone."""
    return day(periods.local_date(at, zone))


def period(value: Period) -> str:
    """The first and the last day, both included: 31 January – 27 February 2026."""
    last_on = value.end_on - timedelta(days=1)
    if last_on <= value.start_on:
        return day(value.start_on)
    first = day(value.start_on)
    if last_on.year == value.start_on.year:
        first = first.removesuffix(f" {last_on.year}")
    return f"{first} – {day(last_on)}"


def name(text: str) -> str:
    """A stranger's words on one line, harmless to the text around them.

    White space and control characters become single spaces, what would reorder the line is dropped, and words
    written from right to left are isolated, so that an amount beside them stays where it is.
    """
    if text.isascii() and text.isprintable():
        return text.strip()
    line = _HARMFUL.sub("", _BREAKS.sub(" ", text)).strip()
    if _RIGHT_TO_LEFT.search(line):
        return f"{FIRST_STRONG_ISOLATE}{line}{POP_ISOLATE}"
    return line


def runs_right_to_left(text: str) -> bool:
    """Whether some of it is written from right to left."""
    return not text.isascii() and _RIGHT_TO_LEFT.search(text) is not None


def shortened(text: str, most: int) -> str:
    """At most that many characters of a name, as a subject has room for."""
    line = text if len(text) <= most else text[: most - 1].rstrip() + "…"
    return name(line)


def _signed(digits: str, currency: str, *, negative: bool) -> str:
    sign = SIGNS.get(currency) or f"{currency.upper()} "
    return f"-{sign}{digits}" if negative else f"{sign}{digits}"
