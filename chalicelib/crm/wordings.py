"""Words of a business's own, in place of a letter's."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
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

    @property
    def says(self) -> bool:
        """Whether any part of it is in own words."""
        return bool(self.subject or self.title or self.body or self.button)

    def saying(self, given: Mapping[str, object]) -> "Wording":
        """With the parts that are given in other words, or in ours again where they are empty."""

        def said(part: str, before: str) -> str:
            return str(given.get(part, before)).strip()

        return replace(
            self,
            subject=said("subject", self.subject),
            title=said("title", self.title),
            body=said("body", self.body),
            button=said("button", self.button),
        )


def name_of(letter: Letter, language: str) -> str:
    """The name under which a letter's own words are kept."""
    return f"{letter.value}_{language}"
