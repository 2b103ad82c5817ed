"""Users: people of the business, and the letters they get."""

from dataclasses import dataclass
from typing import Annotated, cast

from msgspec import UNSET, Meta, UnsetType

from chalicelib.billing.deliveries import Letter
from chalicelib.crm.users import User
from chalicelib.operations import users
from chalicelib.web.bodies import Body, OneLine
from chalicelib.web.contacts import said
from chalicelib.web.endpoint import Call
from chalicelib.web.paging import Paging, owned
from chalicelib.web.shown import Listed

Letters = Annotated[tuple[Letter, ...], Meta(max_length=20)]


class NewUser(Body, frozen=True):
    """A person of the business; `letters` are the kinds they are written, those that begin with staff. They are written to in `language` (BCP 47)."""

    name: OneLine
    email: OneLine
    language: OneLine = ""
    locale: OneLine = ""
    letters: Letters = ()


class UserChange(Body, frozen=True):
    """What has changed; what is left out stays as it was."""

    name: OneLine | UnsetType = UNSET
    email: OneLine | UnsetType = UNSET
    language: OneLine | UnsetType = UNSET
    locale: OneLine | UnsetType = UNSET
    letters: Letters | UnsetType = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletedUser:
    """A person who is written to no more."""

    id: str
    deleted: bool = True


def list_(call: Call, query: Paging) -> Listed[User]:
    """All people of the business, newest first."""
    return owned(call.service, User, f"{call.account.id}/user", query)


def create(call: Call, body: NewUser) -> User:
    """Add a person."""
    return users.create(call.service, call.account.id, cast(users.Given, said(body)))


def get(call: Call, id_: str) -> User:
    """A person."""
    return users.get(call.service, call.account.id, id_)


def update(call: Call, id_: str, body: UserChange) -> User:
    """Change what is given of a person."""
    return users.change(call.service, call.account.id, id_, cast(users.Given, said(body)))


def delete(call: Call, id_: str) -> DeletedUser:
    """Write to them no more, and forget their name and mailbox."""
    users.delete(call.service, call.account.id, id_)
    return DeletedUser(id=id_)
