"""What a business says of itself: read, and changed with its history. Its account knows which revision is the last."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, TypedDict, cast

from chalicelib.billing.addresses import Address
from chalicelib.billing.errors import Invalid
from chalicelib.crm.accounts import Account, ApiKey, Moment
from chalicelib.crm.profiles import Bank, Profile, Snippet
from chalicelib.crm.tax_ids import TaxId
from chalicelib.operations import checks, parties, revise, tax_ids
from chalicelib.operations.together import retried
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, Reading
from chalicelib.views import comments

MOST_SNIPPETS: Final = 50


class Given(TypedDict, total=False):
    """What is said anew; what is left out stays as it was."""

    legal_name: str
    address: Address | None
    email: str
    phone: str
    website: str
    registration: str
    tax_ids: tuple[TaxId, ...]
    bank: Bank | None
    color: str
    logo: str
    language: str
    locale: str
    comments: str
    footer: str
    snippets: tuple[Snippet, ...]


def read(service: Service, account: Account) -> Profile:
    """The profile as it is; one that says nothing where nothing has been said."""
    return service.store.find(Profile, account.id, account.id) or parties.unwritten(account)


def change(service: Service, account: str, given: Given, *, by: ApiKey) -> Profile:
    """Say what is given from now on; documents that were issued before show what was said then. Raises Invalid."""
    given = checked(given)

    def attempt() -> Profile:
        found = service.store.load(account, wanted(account))
        at = Moment(found.get(Account, account, account), service.real())
        before = _of(found, at.account)
        _check_comments(replace(before, **given), given)
        changes = Changeset(account, found)
        after = revise.folded(changes, before, cast(dict[str, Any], given), at, by.id)
        if after == before:
            return before
        changes.put(replace(at.account, issuer=after.revision))
        return service.store.commit(changes).get(Profile, account, account)

    return retried(attempt)


def wanted(account: str) -> list[str]:
    """The keys of an account and its profile."""
    return [keys.key(Account, account, account), keys.key(Profile, account, account)]


def renamed(changes: Changeset, before: Account, after: Account, at: Moment, by: ApiKey) -> Account:
    """Fold into the changeset that the profile leaves another name, mailbox or zone to the account.

    The changeset holds what is `wanted`. Returns the account with its profile's new revision.
    """
    kept = _of(changes.before, before)
    if kept.printed(before) == kept.printed(after):
        return after
    return replace(after, issuer=revise.anew(changes, kept, at, by.id).revision)


def _of(found: Reading, account: Account) -> Profile:
    return found.find(Profile, account.id, account.id) or parties.unwritten(account)


# -- what may be said --------------------------------------------------------------------------------


def checked(given: Given) -> Given:
    """What is given, as it is kept. Raises Invalid, naming the field."""
    made = {
        name: CHECKS[name](value, name) if value and name in CHECKS else value
        for name, value in given.items()
    }
    return cast(Given, made)


def _snippets(given: Sequence[Snippet], param: str) -> tuple[Snippet, ...]:
    if len(given) > MOST_SNIPPETS:
        raise Invalid("too_many_snippets", f"At most {MOST_SNIPPETS}.", param)
    names = [one.name for one in given]
    for n, one in enumerate(given):
        if one.name in names[:n]:
            raise Invalid(
                "snippet_twice",
                f"There is another {one.name!r}; give each its own name.",
                f"{param}[{n}].name",
            )
        if not comments.is_name(one.name):
            detail = "Name it with from 1 to 40 letters, digits, - and _."
            raise Invalid("snippet_name_malformed", detail, f"{param}[{n}].name")
        comments.check(one.text, {}, f"{param}[{n}].text")
    return tuple(given)


CHECKS: Final[dict[str, Any]] = {
    "legal_name": checks.text,
    "registration": checks.line,
    "email": checks.email,
    "address": checks.address,
    "phone": checks.phone,
    "website": checks.website,
    "tax_ids": tax_ids.checked,
    "bank": checks.bank,
    "color": checks.color,
    "language": checks.language,
    "locale": checks.locale,
    "snippets": _snippets,
}


def _check_comments(after: Profile, given: Given) -> None:
    """The comments name snippets there are, also those that stay while snippets go."""
    snippets = {one.name: one.text for one in after.snippets}
    if "comments" in given or "snippets" in given:
        comments.check(after.comments, snippets, "comments")
    if "footer" in given or "snippets" in given:
        comments.check_foot(after.footer, snippets, "footer")
