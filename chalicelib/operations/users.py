"""People of the business: who they are, and which letters they want. The account knows what any of them wants."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, TypedDict, cast

from chalicelib.billing.deliveries import Letter
from chalicelib.billing.errors import Invalid
from chalicelib.crm.accounts import Account, Moment
from chalicelib.crm.users import User
from chalicelib.operations import checks
from chalicelib.operations.together import retried
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, not_found

STAFF: Final = "staff"
MOST: Final = 50
"""People who get a letter of one event: they are made in one transaction."""


class Given(TypedDict, total=False):
    """What is known of somebody; what is left out stays as it was."""

    name: str
    email: str
    language: str
    locale: str
    letters: tuple[Letter, ...]


def create(service: Service, account: str, given: Given) -> User:
    """Somebody of the business. Raises Invalid."""
    known = checked(cast(Given, {"name": "", "email": "", **given}))
    id_ = service.new_id("user_")

    def made(before: User | None, at: Moment) -> User:
        return before or User(account=account, id=id_, created_at=at.now, **known)

    return _written(service, account, id_, made)


def change(service: Service, account: str, id_: str, given: Given) -> User:
    """What has changed about them. Raises NotFound or Invalid."""
    known = checked(given)
    return _written(service, account, id_, lambda before, _: replace(_there(before, id_), **known))


def delete(service: Service, account: str, id_: str) -> User:
    """They are written to no more, and nothing is kept of them but that they were. Raises NotFound."""

    def gone(before: User | None, at: Moment) -> User:
        return replace(_there(before, id_), name="", email="", letters=(), deleted_at=at.now)

    return _written(service, account, id_, gone)


def get(service: Service, account: str, id_: str) -> User:
    """Somebody of the business. Raises NotFound."""
    return _there(service.store.find(User, account, id_), id_)


def _written(service: Service, account: str, id_: str, decide: Callable[[User | None, Moment], User]) -> User:
    """One of them as is decided, and in the same commit what the account knows of all."""
    wanted = [keys.key(Account, account, account), keys.key(User, account, id_)]

    def attempt() -> User:
        found = service.store.load(account, wanted)
        at = Moment(found.get(Account, account, account), service.real())
        before = found.find(User, account, id_)
        after = decide(before, at)
        if after == before:
            return after
        changes = Changeset(account, found)
        changes.put(after, at.account.wanting(before.letters if before else (), after.letters))
        wanting = Counter(changes.get(Account, account).staff_letters)
        if too_many := [letter for letter in after.letters if wanting[letter] > MOST]:
            detail = f"{too_many[0]} goes to at most {MOST} people."
            raise Invalid("too_many_letters", detail, "letters")
        return service.store.commit(changes).get(User, account, id_)

    return retried(attempt)


def _there(user: User | None, id_: str) -> User:
    if user is None or user.deleted_at is not None:
        raise not_found(User, id_)
    return user


def checked(given: Given) -> dict[str, Any]:
    """What is known of somebody, as it is kept. Raises Invalid, naming the field."""
    return {name: CHECKS[name](value, name) for name, value in given.items()}


def _letters(given: Sequence[Letter], param: str) -> tuple[Letter, ...]:
    for n, one in enumerate(given):
        if not one.startswith(STAFF):
            known = ", ".join(letter for letter in Letter if letter.startswith(STAFF))
            detail = f"{one} goes to who buys; people of the business get: {known}."
            raise Invalid("not_a_staff_letter", detail, f"{param}[{n}]")
        if one in given[:n]:
            raise Invalid("letter_twice", "Name each letter once.", f"{param}[{n}]")
    return tuple(given)


CHECKS: Final[dict[str, Callable[[Any, str], Any]]] = {
    "name": checks.text,
    "email": checks.email,
    "language": checks.language,
    "locale": checks.locale,
    "letters": _letters,
}
