"""Letters: which there are, their words, ours or the business's own, and how each looks."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, cast

from msgspec import UNSET, Meta, UnsetType

from chalicelib.billing.deliveries import Letter
from chalicelib.billing.errors import NotFound
from chalicelib.crm.parties import LANGUAGES
from chalicelib.crm.wordings import Wording, name_of
from chalicelib.operations import preview_letter, wordings
from chalicelib.views import own_words
from chalicelib.web.bodies import Body, Id, OneLine, Text
from chalicelib.web.endpoint import Call
from chalicelib.web.http import TEXT, Html
from chalicelib.web.shown import Listed


class LetterFormat(StrEnum):
    """How a preview is shown."""

    HTML = "html"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterKind:
    """A kind of letter. Its words have room for `placeholders`; `required` ones must be in a body of own words.

    `sent` is false where the account has switched it off. `own` are the languages in which it has words of the business's own.
    """

    letter: Letter
    staff: bool
    sent: bool
    placeholders: tuple[str, ...]
    required: tuple[str, ...]
    own: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A letter's words. `body` is paragraphs with an empty line between them; an empty part is not said."""

    subject: str = ""
    title: str = ""
    body: str = ""
    button: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterWords:
    """A letter's words in one language: `ours`, and the business's `own`, which stand in their place where they are not empty.

    Where a letter has something else to tell than usual, such as that nothing is owed any more, ours do.
    """

    letter: Letter
    language: str
    ours: Parts
    own: Parts


class NewWords(Body, frozen=True):
    """Own words; a part that is left out stays as it was, an empty one is ours again.

    Words in braces are put in: `{amount}`, `{day}` and what else the letter tells. Nothing else is interpreted.
    """

    subject: OneLine | UnsetType = UNSET
    title: OneLine | UnsetType = UNSET
    body: Text | UnsetType = UNSET
    button: OneLine | UnsetType = UNSET


class Look(Body, frozen=True):
    """In which `language` (as the profile has it where it is left out), with whose facts, and how it is shown.

    With a `subscription` it is to its contact, in their language where none is given, and tells of what is sold there; the
    rest, such as a payment, is made up.
    """

    language: Annotated[str, Meta(max_length=20)] = ""
    locale: Annotated[str, Meta(max_length=20)] = ""
    format: LetterFormat = LetterFormat.HTML
    subscription: Id | None = None


def list_(call: Call) -> Listed[LetterKind]:
    """Every kind of letter, those to the business's own people last."""
    return Listed([_kind(call, letter) for letter in Letter], None)


def _kind(call: Call, letter: Letter) -> LetterKind:
    return LetterKind(
        letter=letter,
        staff=letter.value.startswith("staff"),
        sent=letter not in call.account.letters_off,
        placeholders=tuple(sorted(own_words.placeholders(letter))),
        required=tuple(sorted(own_words.required(letter, "body"))),
        own=tuple(one for one in LANGUAGES if name_of(letter, one) in call.account.wordings),
    )


def words(call: Call, letter: str, language: str) -> LetterWords:
    """A letter's words in a language."""
    kind, tongue = _named(letter, language)
    return _words(wordings.read(call.service, call.account.id, kind, tongue))


def change(call: Call, letter: str, language: str, body: NewWords) -> LetterWords:
    """Put parts of a letter into own words; who changed what is kept with the account's changes."""
    kind, tongue = _named(letter, language)
    said: dict[str, Any] = {
        name: getattr(body, name) for name in own_words.PARTS if getattr(body, name) is not UNSET
    }
    given = cast(wordings.Given, said)
    return _words(wordings.change(call.service, call.account.id, kind, tongue, given, by=call.key))


def reset(call: Call, letter: str, language: str) -> LetterWords:
    """Say all of a letter in our words again."""
    kind, tongue = _named(letter, language)
    nothing = wordings.Given(subject="", title="", body="", button="")
    return _words(wordings.change(call.service, call.account.id, kind, tongue, nothing, by=call.key))


def preview(call: Call, letter: str, query: Look) -> Html:
    """How a letter looks, with the business's own words: as `html`, or as `text` under its subject. Nothing is sent."""
    kind, _ = _named(letter, "en")
    said = preview_letter.words(
        call.service,
        call.account,
        kind,
        language=query.language,
        locale=query.locale,
        subscription=query.subscription,
    )
    if query.format is LetterFormat.TEXT:
        return Html(status=200, body=f"{said['subject']}\n\n{said['text']}", headers={"Content-Type": TEXT})
    return Html(status=200, body=said["html"])


def _named(letter: str, language: str) -> tuple[Letter, str]:
    if letter not in set(Letter) or language not in LANGUAGES:
        detail = f"Name one of GET /v1/letters, and one of the languages {', '.join(LANGUAGES)}."
        raise NotFound("not_found", detail)
    return Letter(letter), language


def _words(one: Wording) -> LetterWords:
    return LetterWords(
        letter=one.letter,
        language=one.language,
        ours=Parts(**own_words.ours(one.letter, one.language)),
        own=Parts(subject=one.subject, title=one.title, body=one.body, button=one.button),
    )
