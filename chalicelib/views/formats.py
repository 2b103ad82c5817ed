"""Words that strangers wrote, as they may stand beside ours: on one line, and in their own direction."""

import re
from typing import Final

FIRST_STRONG_ISOLATE, POP_ISOLATE = "\u2068", "\u2069"

_BREAKS: Final = re.compile(r"[\x00-\x20\x7f-\xa0\u0085\u2028\u2029]+")
# Embeddings, overrides and isolates reorder what follows them; a lone surrogate cannot be encoded.
_HARMFUL: Final = re.compile("[\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_RIGHT_TO_LEFT: Final = re.compile(
    "[\u0590-\u08ff\u200f\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff]"
)


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
