"""What a business's own words of a letter may have room for, and must: nothing a buyer has to know gets lost."""

import re
from functools import cache
from typing import Final

from chalicelib.billing.deliveries import Letter
from chalicelib.crm.accounts import Account
from chalicelib.crm.parties import Parties
from chalicelib.crm.profiles import Profile
from chalicelib.views import letter_samples, letters
from chalicelib.views.catalogs import Text, catalog, text
from chalicelib.views.letter_cases import Case
from chalicelib.views.reading import AMERICAN

PARTS: Final = ("subject", "title", "body", "button")
MUST: Final = frozenset({"amount", "day", "next", "reason", "owed", "expires", "endpoint"})
"""What a body must tell where ours does. Its link is a button of its own, and cannot get lost."""
_BRACES: Final = re.compile(r"\{[^{}]*\}|[{}]")


@cache
def placeholders(letter: Letter) -> frozenset[str]:
    """What the words of a letter have room for."""
    return frozenset(name for name, value in letters.told(_sample(letter)).values.items() if value)


@cache
def required(letter: Letter, part: str) -> frozenset[str]:
    """What words of its own must tell in a part."""
    ours = catalog("en").get(f"letter.{letter.value}.{part}")
    return ours.placeholders & MUST if part == "body" and isinstance(ours, Text) else frozenset()


def parts(letter: Letter) -> tuple[str, ...]:
    """The parts that a letter has: one without a page has no button."""
    return tuple(part for part in PARTS if f"letter.{letter.value}.{part}" in catalog("en"))


def ours(letter: Letter, language: str) -> dict[str, str]:
    """The words that ours are, by part, with their placeholders in braces."""
    found = {part: catalog(language)[f"letter.{letter.value}.{part}"] for part in parts(letter)}
    return {part: _written(words) for part, words in found.items() if isinstance(words, Text)}


def amiss(letter: Letter, part: str, words: str) -> tuple[str, str]:
    """The first thing in braces that the letter does not have, and the first that is missing; empty where all is well."""
    named = text(words).placeholders
    has = placeholders(letter)
    known = {f"{{{one}}}" for one in has}
    unknown = next((one for one in _BRACES.findall(words) if one not in known), "")
    missing = sorted(required(letter, part) - named)
    return unknown, missing[0] if missing else ""


def _written(words: Text) -> str:
    return words.filled(lambda name: f"{{{name}}}").strip()


def _sample(letter: Letter) -> Case:
    account = Account(
        account="acct_sample",
        id="acct_sample",
        name="Sample",
        email="sample@example.com",
        currency="usd",
        zone="UTC",
        livemode=False,
        created_at=letter_samples.NOW,
    )
    profile = Profile(account=account.id, id=account.id, created_at=letter_samples.NOW)
    to = Parties(account=account, profile=profile, contact=letter_samples.contact(account, "en"))
    return letter_samples.case(to, letter, AMERICAN, letter_samples.NOW)
