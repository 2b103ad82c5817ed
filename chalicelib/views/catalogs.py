"""The words of what people read, by language: `locales/{language}.toml`, which a translator edits.

A text is a sentence or a label with placeholders in braces; a table of plural categories (CLDR: zero, one, two, few,
many, other) is a text by number, `{n}` the number. What is put in for a placeholder is never interpreted.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

PLURALS: Final = frozenset(("zero", "one", "two", "few", "many", "other"))
NUMBER: Final = "n"
_MARKS: Final = "\u2069\u200e\u200f"
"""What stands behind a value and is not seen: the end of its isolation, marks of direction."""
_PLACEHOLDER: Final = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class Text:
    """A text cut at its placeholders: words and names in turn, words first and last."""

    parts: tuple[str, ...]

    @property
    def placeholders(self) -> frozenset[str]:
        """What it has room for."""
        return frozenset(self.parts[1::2])

    def filled(self, value: Callable[[str], str]) -> str:
        """The text with a value for each name; a value that ends with a full stop ends the sentence, too (kr., Inc.)."""
        said = [value(part) if n % 2 else part for n, part in enumerate(self.parts)]
        for n in range(2, len(said), 2):
            if said[n].startswith(".") and said[n - 1].rstrip(_MARKS).endswith("."):
                said[n] = said[n].removeprefix(".")
        return "".join(said)


Plural = Mapping[str, Text]


@lru_cache(512)
def text(words: str) -> Text:
    """A text as it is written down; braces around anything but a name are braces."""
    return Text(tuple(_PLACEHOLDER.split(words)))


@cache
def catalog(language: str) -> Mapping[str, Text | Plural]:
    """All texts of a language by key, such as `letter.receipt.subject`; read once a process."""
    import tomllib

    path = Path(__file__).parent / "locales" / f"{language}.toml"
    return dict(_flat("", tomllib.loads(path.read_text("utf-8"))))


def _flat(prefix: str, table: Mapping[str, Any]) -> list[tuple[str, Text | Plural]]:
    found: list[tuple[str, Text | Plural]] = []
    for name, value in table.items():
        if isinstance(value, str):
            found.append((prefix + name, text(value.strip("\n"))))
        elif "other" in value and value.keys() <= PLURALS:
            found.append((prefix + name, {category: text(words) for category, words in value.items()}))
        else:
            found += _flat(f"{prefix}{name}.", value)
    return found
