"""Strangers' words as they may stand in XML: characters that it does not know are shown as replaced, none makes it invalid."""

import re
from typing import Final

# XML 1.0, section 2.2: control characters, surrogates and U+FFFE, U+FFFF are no characters of it.
_UNKNOWN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Embeddings, overrides and isolates would reorder what stands beside them.
_HARMFUL: Final = re.compile("[\u202a-\u202e\u2066-\u2069\ufeff]")
_BLANKS: Final = re.compile(r"[ \t\r\n\x7f-\xa0\u2028\u2029]+")


def line(text: str) -> str:
    """Words on one line; empty only where there are none."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    return _BLANKS.sub(" ", _known(text)).strip()


def lines(text: str) -> str:
    """Words on the lines they were written on."""
    return "\n".join(filter(None, (line(one) for one in text.splitlines())))


def _known(text: str) -> str:
    return _HARMFUL.sub("", _UNKNOWN.sub("\ufffd", text))
