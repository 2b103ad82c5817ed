"""How values look to a person."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from chalicelib.billing.currencies import EXPONENTS
from chalicelib.billing.money import Money
from chalicelib.billing.periods import Period
from chalicelib.views import formats


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (2500, "usd", "$25.00"),
        (1800, "eur", "€18.00"),
        (2500, "jpy", "¥2,500"),
        (2500, "chf", "CHF 25.00"),
        (123456789, "gbp", "£1,234,567.89"),
        (12345, "kwd", "KWD 12.345"),
        (1, "clf", "CLF 0.0001"),
        (5, "usd", "$0.05"),
        (0, "cad", "CA$0.00"),
        (-2500, "usd", "-$25.00"),
        (-99, "sek", "-SEK 0.99"),
        (10**15, "idr", "IDR 10,000,000,000,000.00"),
    ],
)
def test_money_shows_its_currency_and_true_decimals(amount: int, currency: str, shown: str):
    """Money is shown with its sign or code, its currency's own decimals and thousands apart."""
    assert formats.money(Money(amount, currency)) == shown


def test_no_two_currencies_look_the_same():
    """An amount never looks like that of another currency."""
    assert len({formats.money(Money(1, currency)) for currency in EXPONENTS}) == len(EXPONENTS)


@pytest.mark.parametrize(
    ("minor", "currency", "shown"),
    [
        ("2500", "usd", "$25.00"),
        ("2.5E+3", "usd", "$25.00"),
        ("0.25", "usd", "$0.0025"),
        ("12.50", "usd", "$0.125"),
        ("0.000000000001", "usd", "$0.00000000000001"),
        ("999999999999.999999999999", "usd", "$9,999,999,999.99999999999999"),
        ("0.5", "jpy", "¥0.5"),
        ("1200", "jpy", "¥1,200"),
        ("0", "eur", "€0.00"),
    ],
)
def test_a_unit_price_is_shown_in_full(minor: str, currency: str, shown: str):
    """A price below a cent keeps every decimal it has, and any price at least its currency's."""
    assert formats.unit_price(Decimal(minor), currency) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [("1", "1"), ("2.50", "2.5"), ("1E+3", "1,000"), ("0.125", "0.125"), ("1000.0", "1,000")],
)
def test_a_quantity_has_the_decimals_that_say_something(value: str, shown: str):
    """Trailing zeros of a quantity are not shown."""
    assert formats.quantity(Decimal(value)) == shown


def test_a_moment_is_shown_as_the_local_day():
    """Half past eleven in the evening UTC is the next day in Paris and the same in New York."""
    at = datetime(2026, 1, 30, 23, 30, tzinfo=UTC)
    assert formats.day_of(at, "Europe/Paris") == "31 January 2026"
    assert formats.day_of(at, "America/New_York") == "30 January 2026"


@pytest.mark.parametrize(
    ("start_on", "end_on", "shown"),
    [
        (date(2026, 1, 31), date(2026, 2, 28), "31 January – 27 February 2026"),
        (date(2026, 12, 15), date(2027, 1, 15), "15 December 2026 – 14 January 2027"),
        (date(2026, 3, 1), date(2026, 3, 2), "1 March 2026"),
        (date(2026, 3, 1), date(2026, 3, 1), "1 March 2026"),
    ],
)
def test_a_period_shows_its_last_day(start_on: date, end_on: date, shown: str):
    """Half-open periods are shown with both days included."""
    assert formats.period(Period(start_on, end_on)) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("  Ada  ", "Ada"),
        ("Ada\r\nBcc: all@example.com", "Ada Bcc: all@example.com"),
        ("a\x00b\x1bc\x85d\u2028e\u2029f", "a b c d e f"),
        ("\u202eevil\u202c", "evil"),
        ("\u2066evil", "evil"),
        ("half\ud800", "half"),
        ("Zoë 🧑‍🚀 李", "Zoë 🧑‍🚀 李"),
        ("קפה", "\u2068קפה\u2069"),
        ("بيت\n", "\u2068بيت\u2069"),
        ("\n", ""),
    ],
)
def test_a_name_is_one_harmless_line(text: str, shown: str):
    """Names lose line breaks, controls and overrides; what is written from right to left is isolated."""
    assert formats.name(text) == shown
    assert formats.name(text).isprintable() or "\u2068" in shown or "\u200d" in shown


def test_a_long_name_is_cut_for_a_subject():
    """A subject has room for so much of a name, with its isolation still closed."""
    assert formats.shortened("abcdef", 4) == "abc…"
    assert formats.shortened("קקקקקקק", 4) == "\u2068קקק…\u2069"
