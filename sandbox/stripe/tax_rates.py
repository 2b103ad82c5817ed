"""Where this Stripe's merchant collects taxes, and how much: a few places, at their usual rates of 2026."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Rate:
    level: str
    place: str
    type: str
    name: str
    percent: Decimal
    state: str | None = None


def _vat(place: str, percent: str, type_: str = "vat", name: str = "VAT") -> tuple[Rate, ...]:
    return (Rate("country", place, type_, name, Decimal(percent)),)


def _sales(state: str, *parts: tuple[str, str, str]) -> tuple[Rate, ...]:
    return tuple(
        Rate(level, place, "sales_tax", "Sales Tax", Decimal(percent), state)
        for level, place, percent in parts
    )


_CANADA = Rate("country", "Canada", "gst", "GST", Decimal(5))

RATES: dict[tuple[str, str], tuple[Rate, ...]] = {
    ("AT", ""): _vat("Austria", "20"),
    ("AU", ""): _vat("Australia", "10", "gst", "GST"),
    ("BE", ""): _vat("Belgium", "21"),
    ("CH", ""): _vat("Switzerland", "8.1"),
    ("DE", ""): _vat("Germany", "19"),
    ("DK", ""): _vat("Denmark", "25"),
    ("ES", ""): _vat("Spain", "21"),
    ("FI", ""): _vat("Finland", "25.5"),
    ("FR", ""): _vat("France", "20"),
    ("GB", ""): _vat("United Kingdom", "20"),
    ("IE", ""): _vat("Ireland", "23"),
    ("IT", ""): _vat("Italy", "22"),
    ("JP", ""): _vat("Japan", "10", "jct", "JCT"),
    ("NL", ""): _vat("Netherlands", "21"),
    ("SE", ""): _vat("Sweden", "25"),
    ("CA", "AB"): (_CANADA,),
    ("CA", "BC"): (_CANADA, Rate("state", "British Columbia", "pst", "PST", Decimal(7), "BC")),
    ("CA", "ON"): (Rate("state", "Ontario", "hst", "HST", Decimal(13), "ON"),),
    ("CA", "QC"): (_CANADA, Rate("state", "Quebec", "qst", "QST", Decimal("9.975"), "QC")),
    ("US", "CA"): _sales("CA", ("state", "California", "7.25")),
    ("US", "NY"): _sales(
        "NY", ("state", "New York", "4"), ("city", "New York", "4.5"), ("district", "MTA", "0.375")
    ),
    ("US", "TX"): _sales("TX", ("state", "Texas", "6.25"), ("city", "Austin", "2")),
    ("US", "WA"): _sales("WA", ("state", "Washington", "6.5"), ("city", "Seattle", "4.05")),
}
"""By country and state; elsewhere the merchant is not registered, and collects nothing."""

BY_STATE = frozenset({"CA", "US"})

_ZIPS = {"NY": (100, 149), "TX": (750, 799), "CA": (900, 961), "WA": (980, 994)}


def state_of_zip(postal_code: str) -> str | None:
    """The state a US ZIP code lies in, `-` for one that is not listed; None for what is no ZIP code."""
    if not (len(postal_code) >= 5 and postal_code[:5].isdigit()):
        return None
    first = int(postal_code[:3])
    return next((state for state, (low, high) in _ZIPS.items() if low <= first <= high), "-")
