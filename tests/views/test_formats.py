"""How words of strangers look to a person."""

import pytest

from chalicelib.views import formats


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("  Ada  ", "Ada"),
        ("Ada\r\nBcc: all@example.com", "Ada Bcc: all@example.com"),
        ("a\x00b\x1bc\x85d\u2028e\u2029f", "a b c d e f"),
        ("\u202eevil\u202c", "evil"),
        ("\u2066evil", "evil"),
        ("half\ud800", "half"),
        ("Zoë 🧑‍🚀 李", "Zoë 🧑‍🚀 李"),
        ("קפה", "\u2068קפה\u2069"),
        ("بيت\n", "\u2068بيت\u2069"),
        ("\n", ""),
    ],
)
def test_a_name_is_one_harmless_line(text: str, shown: str):
    """Names lose line breaks, controls and overrides; what is written from right to left is isolated."""
    assert formats.name(text) == shown
    assert formats.name(text).isprintable() or "\u2068" in shown or "\u200d" in shown


def test_a_long_name_is_cut_for_a_subject():
    """A subject has room for so much of a name, with its isolation still closed."""
    assert formats.shortened("abcdef", 4) == "abc…"
    assert formats.shortened("קקקקקקק", 4) == "\u2068קקק…\u2069"
