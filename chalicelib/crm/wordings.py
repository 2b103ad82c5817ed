"""Words of a business's own, in place of a letter's."""

from dataclasses import dataclass
from datetime import datetime

from chalicelib.billing.deliveries import Letter


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """Of one letter in one language; what is empty is as our words have it. `id` is `{letter}_{language}`.

    `body` is paragraphs with an empty line between them. Words in braces are put in: those that the letter has.
    """

    account: str
    id: str
    letter: Letter
    language: str
    created_at: datetime
    subject: str = ""
    title: str = ""
    body: str = ""
    button: str = ""
    version: int = 0

    wake = None


def name_of(letter: Letter, language: str) -> str:
    """The name under which a letter's own words are kept."""
    return f"{letter.value}_{language}"
