"""How a letter looks: as text, and as HTML that MJML makes for mail clients, in the business's color."""

import re
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from chalicelib.views.letter_sheets import Color, Sheet
from chalicelib.views.reading import Reader
from chalicelib.views.render import compiled, fill

if TYPE_CHECKING:
    from jinja2 import Template

BLUE: Final = "#1f4fbf"
WHITE, BLACK = "#ffffff", "#000000"
DARK_SHEET: Final = "#1f2228"
"""What a sheet is drawn on where a mail client is dark (templates/letter.mjml)."""
ENOUGH: Final = 4.5
"""The contrast that WCAG 2.2 asks of text (1.4.3)."""
SEEN: Final = 3
"""And of what is no text (1.4.11)."""


def as_text(sheet: Sheet, reader: Reader) -> str:
    """The letter as plain text."""

    def line(label: str, value: str) -> str:
        return reader.word("letter.line", label=label, value=value)

    def row(name: str, sum_: str, amount: str) -> str:
        return reader.word("letter.row_line", name=name, sum=sum_, amount=amount)

    return fill("letter.txt", {"sheet": sheet, "line": line, "row": row})


def as_html(sheet: Sheet, subject: str) -> str:
    """The letter as HTML; every value is escaped."""
    right = sheet.direction == "rtl"
    start, end = ("right", "left") if right else ("left", "right")
    return _template().render(sheet=sheet, subject=subject, start=start, end=end)


@cache
def _template() -> "Template":
    """The layout, made into HTML once a process; what MJML leaves alone is Jinja's."""
    from mjml import mjml2html

    source = (Path(__file__).parent / "templates" / "letter.mjml").read_text("utf-8")
    return compiled(
        mjml2html(source, fonts={})
    )  # no web fonts: whoever reads a letter is not told of elsewhere


@lru_cache(256)
def color(chosen: str) -> Color:
    """The business's color for a button, and what is read on it, where mail is light and where it is dark."""
    base = chosen.lower() if re.fullmatch(r"#[0-9a-fA-F]{6}", chosen) else BLUE
    dark = base
    while contrast(dark, DARK_SHEET) < SEEN:
        dark = _lighter(dark)
    return Color(ground=base, ink=_ink(base), dark_ground=dark, dark_ink=_ink(dark))


def contrast(one: str, other: str) -> float:
    """How well one of two colors is seen on the other: from 1, not at all, to 21 (WCAG 2.2)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _ink(ground: str) -> str:
    """White where that can be read, as on most brands' colors, else black: one of the two always can."""
    return WHITE if contrast(WHITE, ground) >= ENOUGH else BLACK


def _luminance(color: str) -> float:
    linear = [_linear(int(color[n : n + 2], 16) / 255) for n in (1, 3, 5)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)


def _lighter(color: str) -> str:
    """An eighth of the way to white."""
    parts = [int(color[n : n + 2], 16) for n in (1, 3, 5)]
    return "#" + "".join(f"{part + (255 - part + 7) // 8:02x}" for part in parts)
