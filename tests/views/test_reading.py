"""How a reader is written to: words, numbers, money, dates and addresses as their language and country have them."""

# ruff: noqa: RUF001 - other scripts are what it is about

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from chalicelib.billing.addresses import Address
from chalicelib.billing.currencies import EXPONENTS
from chalicelib.billing.money import Money
from chalicelib.billing.periods import Period
from chalicelib.views.catalogs import text
from chalicelib.views.reading import Reader, preferring

US = Reader()
GERMAN = Reader(language="de", locale="de-DE")
JAPANESE = Reader(language="ja", locale="ja-JP")
ARABIC = Reader(language="ar", locale="ar-EG")


@pytest.mark.parametrize(
    ("locale", "money", "written"),
    [
        ("en-US", Money(125000, "usd"), "$1,250.00"),
        ("en-US", Money(-125000, "usd"), "-$1,250.00"),
        ("en-US", Money(2500, "chf"), "CHF\u00a025.00"),
        ("en-US", Money(-99, "sek"), "-SEK\u00a00.99"),
        ("en-US", Money(2500, "jpy"), "¥2,500"),
        ("en-US", Money(5, "usd"), "$0.05"),
        ("en-US", Money(0, "cad"), "CA$0.00"),
        ("en-US", Money(1, "clf"), "CLF\u00a00.0001"),
        ("en-US", Money(10**15, "idr"), "IDR\u00a010,000,000,000,000.00"),
        ("de-DE", Money(125000, "eur"), "1.250,00\u00a0€"),
        ("de-DE", Money(-125000, "eur"), "-1.250,00\u00a0€"),
        ("de-CH", Money(125000, "chf"), "CHF\u00a01’250.00"),
        ("de-AT", Money(125000, "eur"), "€\u00a01.250,00"),
        ("fr-FR", Money(125000, "eur"), "1\u202f250,00\u00a0€"),
        ("fr-CH", Money(125000, "chf"), "1\u202f250.00\u00a0CHF"),
        ("da-DK", Money(125000, "dkk"), "1.250,00\u00a0kr."),
        ("es-ES", Money(125000, "eur"), "1.250,00\u00a0€"),
        ("ja-JP", Money(2500, "jpy"), "￥2,500"),
        ("en-IN", Money(123456789, "inr"), "₹12,34,567.89"),
        ("ar-EG", Money(125000, "usd"), "\u200f١٬٢٥٠٫٠٠\u00a0US$"),
        ("ar-AE", Money(125000, "usd"), "\u200f1,250.00\u00a0US$"),
        ("en-US", Money(123456789, "kwd"), "KWD\u00a0123,456.789"),
    ],
)
def test_money_is_set_as_the_locale_sets_it(locale, money, written):
    """Sign, separators and groups are the locale's; the decimals are the currency's own."""
    assert Reader(locale=locale).money(money) == written


def test_no_two_currencies_look_the_same():
    """An amount never looks like that of another currency."""
    assert len({US.money(Money(1, currency)) for currency in EXPONENTS}) == len(EXPONENTS)


def test_the_price_of_one_keeps_every_decimal():
    """A price below a cent is told whole, and never with fewer decimals than its currency."""
    assert US.unit_price(Decimal("0.000000000001"), "usd") == "$0.00000000000001"
    assert US.unit_price(Decimal("999999999999.999999999999"), "usd") == "$9,999,999,999.99999999999999"
    assert US.unit_price(Decimal("2.5E+3"), "usd") == "$25.00"
    assert US.unit_price(Decimal(0), "eur") == "€0.00"
    assert US.unit_price(Decimal("0.250"), "usd") == "$0.0025"
    assert GERMAN.unit_price(Decimal(2500), "eur") == "25,00\u00a0€"
    assert US.unit_price(Decimal("-12.5"), "jpy") == "-¥12.5"


@pytest.mark.parametrize(
    ("reader", "quantity", "percent"),
    [(US, "1,000.5", "7.5%"), (GERMAN, "1.000,5", "7,5\u00a0%"), (ARABIC, "١٬٠٠٠٫٥", "٧٫٥٪\u061c")],
)
def test_numbers_are_set_as_the_locale_sets_them(reader, quantity, percent):
    """With the decimals that say something."""
    assert reader.quantity(Decimal("1000.50")) == quantity
    assert reader.percent(Decimal("7.50")) == percent
    assert US.quantity(Decimal(100)) == "100"
    assert US.quantity(Decimal("1E+3")) == "1,000"


@pytest.mark.parametrize(
    ("language", "locale", "written"),
    [
        ("en", "en-US", "February 3, 2026"),
        ("en", "en-GB", "3 February 2026"),
        ("en", "de-DE", "3 February 2026"),
        ("de", "de-DE", "3.\u00a0Februar 2026"),
        ("de", "en-US", "3.\u00a0Februar 2026"),
        ("fr", "fr-FR", "3 février 2026"),
        ("da", "da-DK", "3.\u00a0februar 2026"),
        ("es", "es-ES", "3 de febrero de 2026"),
        ("ja", "ja-JP", "2026年2月3日"),
        ("ar", "ar-EG", "٣ فبراير ٢٠٢٦"),
        ("ar", "ar-AE", "3 فبراير 2026"),
    ],
)
def test_a_date_is_in_the_words_of_the_language_as_the_country_orders_them(language, locale, written):
    """The month in full, so that nobody takes it for another; its name is never in another language than the letter."""
    assert Reader(language=language, locale=locale).day(date(2026, 2, 3)) == written


def test_the_first_month_is_the_countrys():
    """January has a name of its own in Austria."""
    assert Reader(language="de", locale="de-AT").day(date(2026, 1, 5)) == "5.\u00a0Jänner 2026"


@pytest.mark.parametrize(
    ("reader", "within", "across", "years"),
    [
        (US, "February 3 – 27, 2026", "January 31 – February 27, 2026", "December 31, 2025 – January 30, 2026"),
        (GERMAN, "3.–27. Februar 2026", "31. Januar – 27. Februar 2026", "31. Dezember 2025 – 30. Januar 2026"),
        (JAPANESE, "2026年2月3日～27日", "2026年1月31日～2月27日", "2025年12月31日～2026年1月30日"),
    ],
)  # fmt: skip
def test_a_period_is_its_first_and_last_day(reader, within, across, years):
    """What both have in common is said once; both days are included."""

    def told(start_on: date, end_on: date) -> str:
        return reader.period(Period(start_on, end_on)).replace("\u00a0", " ")

    assert told(date(2026, 2, 3), date(2026, 2, 28)) == within
    assert told(date(2026, 1, 31), date(2026, 2, 28)) == across
    assert told(date(2025, 12, 31), date(2026, 1, 31)) == years
    assert reader.period(Period(date(2026, 2, 3), date(2026, 2, 4))) == reader.day(date(2026, 2, 3))


def test_a_moment_is_told_by_its_local_day():
    """One o'clock in the morning in Berlin is still the day before in New York."""
    at = datetime(2026, 2, 3, 0, 30, tzinfo=UTC)
    assert US.day_of(at, "America/New_York") == "February 2, 2026"
    assert US.day_of(at, "Europe/Berlin") == "February 3, 2026"


@pytest.mark.parametrize(
    "locale", ["", "xx-YY", "../../etc/passwd", "de_DE", "de-DE-u-ca-buddhist-x-y", "\n"]
)
def test_a_locale_that_nobody_knows_is_the_languages(locale):
    """A letter never fails for its locale."""
    assert Reader(language="de", locale=locale).money(Money(125000, "eur")) == "1.250,00\u00a0€"
    assert Reader(language="de", locale=locale).day(date(2026, 2, 3)) == "3.\u00a0Februar 2026"


BERLIN = Address(
    country="DE", line1="Hauptstr. 1", line2="Hof", city="Berlin", postal_code="10115", state="BE"
)
TOKYO = Address(country="JP", line1="神宮前1-2-3", line2="青山ビル5F", city="渋谷区", postal_code="150-0001", state="東京都")  # fmt: skip
TEXAS = Address(country="US", line1="1 Main St", city="Austin", postal_code="78701", state="TX")


def test_an_address_is_in_the_order_of_its_country():
    """The German code before the city, the American one behind the state, the Japanese one before everything."""
    assert GERMAN.address(BERLIN, "Ada", "DE") == ["Ada", "Hauptstr. 1", "Hof", "10115 Berlin"]
    assert JAPANESE.address(TOKYO, home="JP") == ["〒150-0001", "東京都渋谷区神宮前1-2-3", "青山ビル5F"]
    assert US.address(TEXAS, "Ada", "US") == ["Ada", "1 Main St", "Austin, TX 78701"]
    latin = Address(
        country="JP", line1="1-2-3 Jingumae", city="Shibuya-ku", state="Tokyo", postal_code="150-0001"
    )
    assert US.address(latin, "Ada") == ["Ada", "1-2-3 Jingumae", "Shibuya-ku", "Tokyo 150-0001", "Japan"]


def test_the_country_is_named_in_the_readers_language_unless_it_is_at_home():
    """For a letter abroad the reader must know where it is."""
    assert [reader.address(BERLIN)[-1] for reader in (US, GERMAN, JAPANESE, ARABIC)] == [
        "Germany", "Deutschland", "ドイツ", "ألمانيا",
    ]  # fmt: skip


def test_an_address_loses_nothing_and_invents_nothing():
    """What a country has no place for is kept on a line, what is empty leaves no comma behind, and words stay harmless."""
    dubai = Address(country="AE", line1="1 Sheikh Zayed Rd", city="Dubai", state="Dubai", postal_code="12345")
    assert US.address(dubai, home="AE") == ["1 Sheikh Zayed Rd", "Dubai", "12345"]
    assert US.address(Address(country="US", city="Austin", postal_code="78701"), home="US") == [
        "Austin, 78701"
    ]
    assert US.address(Address(country="FR")) == ["France"]
    zurich = Address(country="CH", line1="Weg 1", city="Zürich", postal_code="8001")
    assert [GERMAN.address(zurich, home=home)[1] for home in ("CH", "DE")] == [
        "8001 Zürich",
        "CH-8001 Zürich",
    ]
    hostile = Address(country="DE", line1="1\r\nBcc: x", city="\u202etset", postal_code="1")
    assert GERMAN.address(hostile, "<b>", "DE") == ["<b>", "1 Bcc: x", "1 tset"]


def test_values_are_kept_apart_in_a_line_that_runs_the_other_way():
    """An amount beside an Arabic name, or an English one in an Arabic sentence, stays where it is."""
    assert US.isolated("Ada") == "Ada"
    assert US.isolated("عميل") == "\u2068عميل\u2069"
    assert ARABIC.isolated("INV-000001") == "\u2068INV-000001\u2069"
    assert ARABIC.isolated("\u2068INV-000001\u2069") == "\u2068INV-000001\u2069"


def test_a_number_of_things_takes_the_form_of_its_language():
    """Arabic has six forms, German two, Japanese one."""
    assert [GERMAN.count("page.owed.invoices", n) for n in (1, 2)] == ["Rechnung", "Rechnungen"]
    assert JAPANESE.count("page.owed.invoices", 2) == "請求書"
    days = {"of_days": "365", "period": "…"}
    told = [Reader(language="ar", locale="ar-AE").count("bill.share", n, **days) for n in (1, 2, 3, 11, 100)]
    plain = [one.translate({0x2068: None, 0x2069: None}).removesuffix(" من 365 (…)") for one in told]
    assert plain == ["يوم واحد", "يومان", "3 أيام", "11 يومًا", "100 يوم"]


def test_a_list_ends_as_the_language_ends_it():
    """A comma more in American English, a word more in Japanese."""
    assert US.listed(["a", "b", "c"], "or") == "a, b, or c"
    assert GERMAN.listed(["a", "b", "c"], "or") == "a, b oder c"
    assert GERMAN.listed([]) == ""


def test_a_value_is_inserted_and_never_interpreted():
    """What a stranger is called cannot fetch another value."""
    assert US.filled(text("{a} {b}"), {"a": "{b}", "b": "2"}) == "{b} 2"


def test_a_sentence_ends_with_one_full_stop():
    """Danish crowns, a firm that is an Inc.: their full stop is the sentence's too."""
    ends = text("{business} asks for {amount}.")
    assert US.filled(ends, {"business": "Acme Inc.", "amount": "55,00 kr."}) == "Acme Inc. asks for 55,00 kr."
    assert US.filled(ends, {"business": "A", "amount": "1"}) == "A asks for 1."
    assert ARABIC.filled(text("{amount}."), {"amount": "٥ ج.م.\u200f"}) == "\u2068٥ ج.م.\u200f\u2069"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("de-CH, en;q=0.9", "de"),
        ("en;q=0.5, fr;q=0.9", "fr"),
        ("fi, sv", "en"),
        ("JA", "ja"),
        ("de;q=0, da", "da"),
        ("de;q=x, *;q=0.1", "en"),
        ("", "en"),
        (",;,=" * 500, "en"),
    ],
)
def test_a_browser_says_what_is_read_in_it(accepted: str, language: str):
    """The most wanted language that there is a catalog of; English where there is none, or nonsense is sent."""
    assert preferring(accepted).language == language
