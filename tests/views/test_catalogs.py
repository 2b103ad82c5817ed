"""The words of every language: none missing, none too many, each with the same places for values."""

import pytest
from babel import Locale

from chalicelib.crm.parties import LANGUAGES
from chalicelib.views.catalogs import NUMBER, Plural, Text, catalog

ENGLISH = catalog("en")
OTHERS = [language for language in LANGUAGES if language != "en"]


def places(entry: Text | Plural) -> frozenset[str]:
    """The placeholders of a text, in whatever form of a plural."""
    if isinstance(entry, Text):
        return entry.placeholders
    return frozenset().union(*(form.placeholders for form in entry.values()))


@pytest.mark.parametrize("language", OTHERS)
def test_a_language_has_exactly_the_texts_that_english_has(language):
    """A text that is missing would fail a letter; one too many is read by nobody."""
    assert catalog(language).keys() - ENGLISH.keys() == set()
    assert ENGLISH.keys() - catalog(language).keys() == set()


@pytest.mark.parametrize("language", OTHERS)
def test_a_text_tells_the_same_values_in_every_language(language):
    """A placeholder that is left out hides a fact; one that is unknown cannot be filled."""
    found = catalog(language)
    differs = {key: places(found[key]) ^ places(text) for key, text in ENGLISH.items()}
    assert {key: names for key, names in differs.items() if names} == {}
    assert [
        key for key, text in ENGLISH.items() if isinstance(found[key], Text) != isinstance(text, Text)
    ] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_by_number_has_each_form_of_its_language(language):
    """CLDR's categories, no fewer and no more; only the number itself may be left out of a form ("one day")."""
    wanted = Locale(language).plural_form.tags | {"other"}
    for key, text in catalog(language).items():
        if not isinstance(text, Text):
            assert text.keys() == wanted, key
            assert all(places(text) - form.placeholders <= {NUMBER} for form in text.values()), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_empty_or_has_a_brace_left_over(language):
    """A brace that is no placeholder is a slip of the pen."""
    for key, entry in catalog(language).items():
        for text in [entry] if isinstance(entry, Text) else entry.values():
            words = "".join(text.parts[::2])
            assert words.strip() or text.placeholders, key
            assert not set("{}<>") & set(words), (key, words)
