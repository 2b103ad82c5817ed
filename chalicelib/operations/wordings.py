"""Put a letter into words of the business's own, or back into ours; checked before they are kept."""

from typing import Final, TypedDict

import msgspec

from chalicelib.billing.deliveries import Letter
from chalicelib.billing.errors import Invalid
from chalicelib.billing.events import EventType
from chalicelib.crm import wordings
from chalicelib.crm.account_changes import AccountChange, FieldChange, name_of
from chalicelib.crm.accounts import Account, ApiKey, Moment
from chalicelib.crm.wordings import Wording
from chalicelib.operations import checks, publish
from chalicelib.operations.together import retried
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset
from chalicelib.views import own_words

MOST_OF_A_BODY: Final = 2000


class Given(TypedDict, total=False):
    """The parts that are said in own words; one that is left out stays as it was, an empty one is ours again."""

    subject: str
    title: str
    body: str
    button: str


def read(service: Service, account: str, letter: Letter, language: str) -> Wording:
    """A letter's own words, empty where it has none."""
    name = wordings.name_of(letter, language)
    found = service.store.find(Wording, account, name)
    return found or _unsaid(account, letter, language, service)


def _unsaid(account: str, letter: Letter, language: str, service: Service) -> Wording:
    name = wordings.name_of(letter, language)
    return Wording(account=account, id=name, letter=letter, language=language, created_at=service.real())


def change(
    service: Service, account: str, letter: Letter, language: str, given: Given, *, by: ApiKey
) -> Wording:
    """Say the parts that are given in own words; who changed what is kept. Raises Invalid, naming the part."""
    check(letter, given)
    name = wordings.name_of(letter, language)

    def attempt() -> Wording:
        wanted = [keys.key(Wording, account, name), keys.key(Account, account, account)]
        found = service.store.load(account, wanted)
        business = found.get(Account, account, account)
        before = found.find(Wording, account, name) or _unsaid(account, letter, language, service)
        after = before.saying(given)
        if after == before:
            return before
        changes, at = Changeset(account, found), Moment(business, service.real())
        changes.put(after)
        _keep(changes, business, before, after, by=by, at=at)
        return service.store.commit(changes).get(Wording, account, name)

    return retried(attempt)


def _keep(
    changes: Changeset, business: Account, before: Wording, after: Wording, *, by: ApiKey, at: Moment
) -> None:
    """Fold the account, which knows what has own words, and the record of who changed what into the changeset."""
    others = tuple(one for one in business.wordings if one != after.id)
    changes.put(business.worded((*others, after.id) if after.says else others))
    fields = tuple(
        FieldChange(
            field=f"letters.{after.id}.{part}",
            before=_json(getattr(before, part)),
            after=_json(getattr(after, part)),
        )
        for part in own_words.PARTS
        if getattr(before, part) != getattr(after, part)
    )
    made = AccountChange(
        account=business.id,
        id=name_of(business.version + 1),
        key=by.id,
        key_name=by.name,
        fields=fields,
        created_at=at.now,
    )
    changes.put(made)
    about = {"account_change": made.id, "fields": ", ".join(one.field for one in fields)}
    publish.fact(changes, EventType.ACCOUNT_CHANGED, business, about, at)


def check(letter: Letter, given: Given) -> None:
    """Refuse what could not be sent, naming the part. Raises Invalid."""
    for part, words in _said(given):
        if part not in own_words.parts(letter):
            raise Invalid("no_such_part", f"This letter has no {part}.", part)
        if part == "body" and len(words) > MOST_OF_A_BODY:
            raise Invalid("text_too_long", f"At most {MOST_OF_A_BODY} characters.", part)
        if part != "body":
            checks.line(words, part)
        _check_places(letter, part, words)


def _said(given: Given) -> list[tuple[str, str]]:
    return [(part, words) for part in own_words.PARTS if (words := str(given.get(part, "")).strip())]


def _check_places(letter: Letter, part: str, words: str) -> None:
    """Refuse a placeholder that the letter does not have, and words without one that they must have."""
    has = own_words.placeholders(letter)
    unknown, missing = own_words.amiss(letter, part, words)
    if unknown:
        raise Invalid(
            "placeholder_unknown",
            f"{unknown} is nothing that this letter tells; use {', '.join(f'{{{one}}}' for one in sorted(has))}.",
            part,
        )
    if missing:
        raise Invalid("placeholder_missing", f"Say {{{missing}}} too: the letter must tell it.", part)


def _json(value: str) -> str:
    return msgspec.json.encode(value).decode()
