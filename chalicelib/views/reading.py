"""How one reader is written to: in which language, and with which dates, money and addresses.

Words and the names of months are the language's; how numbers, money and addresses are set is the locale's, and of dates
what the language has for the locale's country. Decimals of currencies are ours (ISO 4217), the rest is CLDR's by Babel.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

from chalicelib.billing import periods
from chalicelib.billing.addresses import Address
from chalicelib.billing.currencies import EXPONENTS
from chalicelib.billing.money import Money
from chalicelib.billing.periods import Period
from chalicelib.crm.parties import LANGUAGES, Parties
from chalicelib.views import formats, postal
from chalicelib.views.catalogs import NUMBER, Text, catalog
from chalicelib.views.numerals import NO_BREAK_SPACE, Numerals, affixes, numerals, signs

if TYPE_CHECKING:
    from babel import Locale
    from babel.dates import DateTimePattern

RIGHT_TO_LEFT: Final = ("ar", "he", "fa", "ur")
MOST_ACCEPTED: Final = 200
"""Characters of what a browser says it accepts; nobody's own list is longer."""
_WEIGHT: Final = re.compile(r"q=([01](?:\.[0-9]{0,3})?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """`language` is one of crm.parties.LANGUAGES; `locale` any of BCP 47, and one that CLDR does not know is the language's."""

    language: str = "en"
    locale: str = "en-US"

    @property
    def right_to_left(self) -> bool:
        """Whether lines begin at the right."""
        return self.language in RIGHT_TO_LEFT

    def word(self, key: str, **values: str) -> str:
        """A text of the catalog with its values, which are inserted and never interpreted."""
        found = catalog(self.language)[key]
        if not isinstance(found, Text):
            raise KeyError(f"{key} is by number: count it")
        return self.filled(found, values)

    def around(self, key: str) -> tuple[str, str]:
        """The words before and after a text's one value, where that is a link."""
        found = catalog(self.language)[key]
        if not isinstance(found, Text):
            raise KeyError(f"{key} is by number: count it")
        before, _, after = found.parts
        return before, after

    def sentences(self, *said: str) -> str:
        """One after the other, as the language sets them; those that are empty say nothing."""
        first, *others = [one for one in said if one] or [""]
        for other in others:
            first = self.word("page.two", one=first, other=other)
        return first

    def count(self, key: str, n: int | Decimal, **values: str) -> str:
        """A text by number in the form that the language has for it; `{n}` is the number as it is written."""
        found = catalog(self.language)[key]
        if isinstance(found, Text):
            raise KeyError(f"{key} is not by number")
        form = _locale(self.language).plural_form(n)
        return self.filled(found[form], {NUMBER: self.quantity(Decimal(n)), **values})

    def filled(self, text: Text, values: dict[str, str]) -> str:
        """A text with its values, each kept apart where it runs the other way."""
        return text.filled(lambda name: self.isolated(values[name]))

    def isolated(self, value: str) -> str:
        """A value that may run the other way than the words around it does not reorder them."""
        if value.startswith((formats.FIRST_STRONG_ISOLATE, "http")) or not value:
            return value
        if self.right_to_left or formats.runs_right_to_left(value):
            return f"{formats.FIRST_STRONG_ISOLATE}{value}{formats.POP_ISOLATE}"
        return value

    def money(self, value: Money) -> str:
        """An amount: $1,250.00, 1.250,00 €, ￥2,500, CHF 25.00 (never broken at the space)."""
        return self._money(Decimal(value.amount).scaleb(-EXPONENTS[value.currency]), value.currency)

    def unit_price(self, minor: Decimal, currency: str) -> str:
        """The price of one, in minor units, with every decimal it has, and no fewer than its currency's: $0.0025."""
        places = EXPONENTS[currency]
        whole, _, decimals = f"{minor.scaleb(-places):f}".partition(".")
        decimals = decimals.rstrip("0").ljust(places, "0")
        return self._money(Decimal(f"{whole}.{decimals}"), currency)

    def quantity(self, value: Decimal) -> str:
        """How many, with the decimals that say something: 1,000 or 2.5."""
        plain = _numerals(self)
        return f"{plain.minus if value < 0 else ''}{plain.written(_short(value))}"

    def percent(self, value: Decimal) -> str:
        """19%, 19 %, ٪١٩ as the locale has it; the value is 19 for 19 percent."""
        plain, (before, after) = _numerals(self), _percent(self)
        return f"{before}{plain.minus if value < 0 else ''}{plain.written(_short(value))}{after}"

    def day(self, value: date) -> str:
        """A date no reader takes for another: February 3, 2026; 3. Februar 2026; 2026年2月3日."""
        return self._dated(_pattern(self, "long"), value)

    def day_of(self, at: datetime, zone: str) -> str:
        """The local date of a moment in an IANA zone."""
        return self.day(periods.local_date(at, zone))

    def period(self, value: Period) -> str:
        """The first and the last day, both included: 31. Januar – 27. Februar 2026."""
        last_on = value.end_on - timedelta(days=1)
        if last_on <= value.start_on:
            return self.day(value.start_on)
        one, other = value.start_on, last_on
        differs = "y" if one.year != other.year else "M" if one.month != other.month else "d"
        first, second = _interval(self, differs)
        return self._dated(first, one) + self._dated(second, other)

    def address(self, value: Address, name: str = "", home: str = "") -> list[str]:
        """The lines of an address in its country's order; the country is named unless it is `home` (ISO 3166-1).

        The country is written in the reader's language; what strangers wrote is harmless (formats.name).
        """
        lines = postal.lines(value, name, at_home=value.country == home)
        if value.country != home:
            lines.append(_locale(self.language).territories.get(value.country, value.country))
        return lines

    def listed(self, items: Sequence[str], how: Literal["or", "standard"] = "standard") -> str:
        """Several in a row: a, b, and c; a, b, or c."""
        from babel.lists import format_list

        return (
            format_list([self.isolated(one) for one in items], how, _locale(self.language)) if items else ""
        )

    def row(self, items: Iterable[str]) -> str:
        """Several side by side, with nothing said of how they belong together: a, b."""
        return self.word("list.joint").join(map(self.isolated, items))

    def _money(self, value: Decimal, currency: str) -> str:
        plain, (before, after) = _numerals(self, money=True), _signs(self, currency, value < 0)
        return f"{before}{plain.written(value)}{after}"

    def _dated(self, pattern: "DateTimePattern", value: date) -> str:
        dated = pattern.apply(value, _dates(self))
        digits = _numerals(self).digits
        return dated.translate(digits) if digits else dated


AMERICAN: Final = Reader()
"""Who is written to where nobody has said how."""


def preferring(accepted: str) -> Reader:
    """How somebody is written to of whom only their browser is known, by its Accept-Language (RFC 9110 12.5.4)."""
    for tag in _preferred(accepted[:MOST_ACCEPTED]):
        language = tag.partition("-")[0].lower()
        if language in LANGUAGES:
            return Reader(language=language, locale="en-US" if language == "en" else language)
    return AMERICAN


def _preferred(accepted: str) -> list[str]:
    """The tags, the most wanted first; what is no weight weighs nothing."""
    weighed = []
    for one in accepted.split(","):
        tag, _, weight = one.partition(";")
        found = _WEIGHT.fullmatch(weight.strip() or "q=1")
        weighed.append((Decimal(found[1]) if found else Decimal(0), tag.strip()))
    return [tag for weight, tag in sorted(weighed, key=lambda pair: -pair[0]) if weight]


def of(parties: Parties) -> Reader:
    """How the buyer of a document, or who gets a letter, is written to."""
    return Reader(language=parties.language, locale=parties.locale)


def _short(value: Decimal) -> Decimal:
    """Without zeros at the end, and never in powers of ten."""
    whole, _, decimals = f"{value:f}".partition(".")
    decimals = decimals.rstrip("0")
    return Decimal(f"{whole}.{decimals}" if decimals else whole)


@lru_cache(256)
def _locale(*names: str) -> "Locale":
    """The first locale that CLDR has, by its language alone where not by its country; English where it has none."""
    from babel import Locale, UnknownLocaleError

    for name in names:
        for tag in ("-".join(name.split("-")[:3]), name.split("-")[0]):
            try:
                return Locale.parse(tag, sep="-")
            except (UnknownLocaleError, ValueError):
                continue
    return Locale.parse("en")


@lru_cache(256)
def _own(reader: Reader) -> "Locale":
    return _locale(reader.locale, reader.language)


@lru_cache(256)
def _dates(reader: Reader) -> "Locale":
    """The reader's language as it is written in the locale's country, where CLDR has that: en-US, en-GB, de-AT."""
    from babel import Locale, UnknownLocaleError

    own = _own(reader)
    if own.language == reader.language:
        return own
    try:
        return Locale(reader.language, own.territory)
    except UnknownLocaleError:
        return _locale(reader.language)


@lru_cache(256)
def _numerals(reader: Reader, *, money: bool = False) -> Numerals:
    return numerals(_own(reader), money=money)


@lru_cache(256)
def _percent(reader: Reader) -> tuple[str, str]:
    return affixes(_own(reader))


@lru_cache(1024)
def _signs(reader: Reader, currency: str, negative: bool) -> tuple[str, str]:
    return signs(_own(reader), currency, negative=negative)


@lru_cache(256)
def _pattern(reader: Reader, width: Literal["long"]) -> "DateTimePattern":
    return _unbroken(_dates(reader).date_formats[width].pattern)


@lru_cache(512)
def _interval(reader: Reader, differs: str) -> tuple["DateTimePattern", "DateTimePattern"]:
    """The two halves of a span of days, with months in full, by the greatest field that differs (y, M, d)."""
    formats_ = _dates(reader).interval_formats
    known = formats_.get("yMMMMd") or formats_["yMMMd"]
    first, second = (half.replace("\u2009", " ") for half in known[differs])
    if "MMMM" not in first + second:
        first, second = first.replace("MMM", "MMMM"), second.replace("MMM", "MMMM")
    return _unbroken(first), _unbroken(second)


def _unbroken(pattern: str) -> "DateTimePattern":
    """A pattern of CLDR, parsed; a number stays on the line of the month that it belongs to."""
    from babel.dates import parse_pattern

    return parse_pattern(pattern.replace("d. MMMM", f"d.{NO_BREAK_SPACE}MMMM"))
