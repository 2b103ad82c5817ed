"""How numbers and money are set in a locale: digits, separators, grouping, and where signs go. From CLDR, by Babel."""

import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from babel import Locale

NO_BREAK_SPACE: Final = "\u00a0"
ARABIC_INDIC: Final = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")


@dataclass(frozen=True, slots=True, kw_only=True)
class Numerals:
    """`nearest` is how many digits the last group has, `others` the ones before it; `digits` are those of another script."""

    point: str
    group: str
    minus: str
    nearest: int
    others: int
    digits: dict[int, int] | None

    def written(self, value: Decimal) -> str:
        """The number without its sign, with all the decimals it was given."""
        whole, _, decimals = f"{abs(value):f}".partition(".")
        groups = [whole[-self.nearest :]]
        rest = whole[: -self.nearest]
        while rest:
            groups.insert(0, rest[-self.others :])
            rest = rest[: -self.others]
        set_ = self.group.join(groups) + (f"{self.point}{decimals}" if decimals else "")
        return set_.translate(self.digits) if self.digits else set_


def numerals(locale: "Locale", *, money: bool) -> Numerals:
    """Those of a locale; money has separators of its own in Austria and Switzerland."""
    symbols = locale.number_symbols[_system(locale)]
    pattern = locale.currency_formats["standard"] if money else locale.decimal_formats[None]
    point, group = symbols["decimal"], symbols["group"]
    if money:
        point, group = symbols.get("currencyDecimal", point), symbols.get("currencyGroup", group)
    nearest, others = pattern.grouping
    return Numerals(
        point=point,
        group=group,
        minus=symbols["minusSign"],
        nearest=nearest,
        others=others,
        digits=ARABIC_INDIC if _system(locale) == "arab" else None,
    )


def affixes(locale: "Locale") -> tuple[str, str]:
    """What stands before and after the number of a percentage."""
    pattern = locale.percent_formats[None]
    sign = locale.number_symbols[_system(locale)]["percentSign"]
    return pattern.prefix[0].replace("%", sign), pattern.suffix[0].replace("%", sign)


def signs(locale: "Locale", currency: str, *, negative: bool) -> tuple[str, str]:
    """What stands before and after an amount; a code or a word is kept off the digits, as CLDR's spacing has it."""
    pattern = locale.currency_formats["standard"]
    minus = locale.number_symbols[_system(locale)]["minusSign"]
    code = currency.upper()
    symbol = locale.currency_symbols.get(code, code)
    before, after = pattern.prefix[negative], pattern.suffix[negative]
    if before.endswith("¤") and not _is_sign(symbol[-1]):
        before += NO_BREAK_SPACE
    if after.startswith("¤") and not _is_sign(symbol[0]):
        after = NO_BREAK_SPACE + after
    return before.replace("-", minus).replace("¤", symbol), after.replace("¤", symbol)


def _system(locale: "Locale") -> str:
    """Western digits, or those of the Arabic script where the country writes them."""
    return "arab" if locale.default_numbering_system == "arab" else "latn"


def _is_sign(character: str) -> bool:
    return unicodedata.category(character).startswith(("S", "Z"))
