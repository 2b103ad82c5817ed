"""The fonts that documents are set in, and which characters can be drawn with them.

PDF/A wants every character drawn; a name may hold any. What no font has is shown as `MISSING`: an invoice never fails
because of how somebody is called.
"""

import re
import struct
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from chalicelib.billing.errors import PerennialError

if TYPE_CHECKING:
    from typst import Fonts

FAMILIES: Final = ("Inter", "Noto Sans", "Noto Sans Arabic", "Heebo", "Noto Sans CJK TC")
"""In the order they are asked for a character; `document.typ` is told them."""
PACKAGES: Final = (
    "fontpkg_inter", "fontpkg_noto_sans", "fontpkg_noto_sans_arabic", "fontpkg_heebo", "cvttf_NotoSansCJK_Regular",
)  # fmt: skip
MISSING: Final = "\u25a1"
"""Stands for each run of characters that no font has: emoji, scripts that are not among ours."""

MOST_MARKS: Final = 4
"""On one letter: Vietnamese, Hebrew and Arabic have three at most; hundreds take the typesetter minutes."""

# Set by the typesetter and not drawn: joiners, and what says in which direction words run.
_UNSEEN: Final = frozenset("\u00ad\u061c\u200b\u200c\u200d\u200e\u200f\u2066\u2067\u2068\u2069")
# What only says how the character before it is to look, or would reorder the line, or is said to mean nothing.
_DROPPED: Final = re.compile(
    "[\u034f\u180b-\u180f\u202a-\u202e\u2060-\u2064\u206a-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
_RUN: Final = re.compile(f"{MISSING}(?:[\u200d\u20e3]*{MISSING})+")
_SPACES: Final = frozenset("Zs Zl Zp Cc".split())


Rows = tuple[list[int], list[int]]


class FontsMissing(PerennialError):
    """The package lacks fonts."""

    def __init__(self, families: Iterable[str]) -> None:
        super().__init__("fonts_missing", f"There is no font of {', '.join(sorted(families))}.")


@cache
def fonts() -> "Fonts":
    """All of them, read once a process. Raises FontsMissing: typst would set nothing at all, and say nothing."""
    from typst import Fonts

    found = Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=list(folders()))
    if missing := set(FAMILIES) - set(found.families()):
        raise FontsMissing(missing)
    return found


@lru_cache(4096)
def drawable(text: str) -> str:
    """The text in characters that can be drawn, composed (NFC); line breaks stay.

    A mark is left out where no font has it together with the letter that it is on, or has MOST_MARKS already.
    """
    if text.isascii() and text.isprintable():
        return text
    shown: list[str] = []
    able = marks = 0
    for character in "".join(map(_shown, unicodedata.normalize("NFC", _DROPPED.sub("", text)))):
        if character in _UNSEEN:
            pass  # what is behind it would still be set on the letter before it
        elif unicodedata.category(character)[0] != "M":
            able, marks = _having(character), 0
        elif marks < MOST_MARKS and able & _having(character):
            able, marks = able & _having(character), marks + 1
        else:
            continue
        shown.append(character)
    return _RUN.sub(MISSING, "".join(shown))


@lru_cache(8192)
def _shown(character: str) -> str:
    """A character, or what stands for it: its plain form for a letter of mathematics, a space for one; or MISSING."""
    if character == "\n" or character in _UNSEEN:
        return character
    if unicodedata.category(character) in _SPACES:
        return character if character == "\u00a0" else " "
    if _having(character):
        return character
    plain = unicodedata.normalize("NFKC", character)
    return plain if plain != character and all(map(_having, plain)) else MISSING


@lru_cache(8192)
def _having(character: str) -> int:
    """Which families draw it, a bit for each. What a font keeps for uses of its own means nothing to others, and PDF/A refuses it."""
    if unicodedata.category(character) in ("Co", "Cs", "Cn"):
        return 0
    if character in _UNSEEN:
        return -1
    return sum(
        1 << n for n, files in enumerate(_covered()) if all(_in(rows, ord(character)) for rows in files)
    )


def _in(rows: Rows, code: int) -> bool:
    starts, ends = rows
    n = bisect_right(starts, code) - 1
    return n >= 0 and code <= ends[n]


@cache
def _covered() -> tuple[tuple[Rows, ...], ...]:
    """By family, of each of its files, the first and the last of every row of characters that it has."""
    return tuple(tuple(_rows(file) for file in _files(folder)) for folder in folders())


def _rows(file: Path) -> Rows:
    starts: list[int] = []
    ends: list[int] = []
    for first, last in sorted(_spans(file)):
        if ends and first <= ends[-1] + 1:
            ends[-1] = max(ends[-1], last)
        else:
            starts.append(first)
            ends.append(last)
    return starts, ends


def _spans(file: Path) -> Iterator[tuple[int, int]]:
    """The rows of characters of an OpenType font: table `cmap`, format 12 (or 4, where there is no other)."""
    with file.open("rb") as opened:
        head = opened.read(12)
        records = opened.read(16 * struct.unpack(">H", head[4:6])[0])
        at, size = next(
            struct.unpack(">LL", records[n + 8 : n + 16])
            for n in range(0, len(records), 16)
            if records[n : n + 4] == b"cmap"
        )
        opened.seek(at)
        cmap = opened.read(size)
    tables = [
        cmap[struct.unpack(">L", cmap[n + 4 : n + 8])[0] :]
        for n in range(4, 4 + 8 * struct.unpack(">H", cmap[2:4])[0], 8)
    ]
    by_format = {struct.unpack(">H", table[:2])[0]: table for table in tables}
    return _wide(by_format[12]) if 12 in by_format else _narrow(by_format[4])


def _wide(table: bytes) -> Iterator[tuple[int, int]]:
    groups = struct.unpack(">L", table[12:16])[0]
    for first, last, glyph in struct.iter_unpack(">LLL", table[16 : 16 + 12 * groups]):
        yield (first, last) if glyph else (first + 1, last)


def _narrow(table: bytes) -> Iterator[tuple[int, int]]:
    size = struct.unpack(">H", table[6:8])[0]
    ends = struct.unpack(f">{size // 2}H", table[14 : 14 + size])
    starts = struct.unpack(f">{size // 2}H", table[16 + size : 16 + 2 * size])
    return ((first, last) for first, last in zip(starts, ends, strict=True) if first < 0xFFFF)


def _files(folder: Path) -> list[Path]:
    return sorted(file for ending in ("ttf", "otf") for file in folder.rglob(f"*.{ending}"))


@cache
def folders() -> tuple[Path, ...]:
    """Where the files of each family lie, in the same order."""
    from importlib.util import find_spec

    found = [find_spec(package) for package in PACKAGES]
    return tuple(
        Path(spec.submodule_search_locations[0]) for spec in found if spec and spec.submodule_search_locations
    )
