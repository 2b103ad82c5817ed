"""A profile, a contact or a company says something else from now on: what it said before is kept, with who changed it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar

from chalicelib.billing.events import EventType
from chalicelib.crm.accounts import Moment
from chalicelib.crm.companies import Company
from chalicelib.crm.contacts import Contact
from chalicelib.crm.formers import Former, name_of
from chalicelib.crm.profiles import Profile
from chalicelib.operations import publish
from chalicelib.store.changes import Changeset

R = TypeVar("R", Profile, Contact, Company)


def folded(changes: Changeset, before: R, given: Mapping[str, Any], at: Moment, key: str) -> R:
    """Fold what is given by name, and what it was, into the changeset; nothing where it stays as it was."""
    after = replace(before, **given)
    return _kept(changes, before, after, at, key) if after != before else before


def anew(changes: Changeset, before: R, at: Moment, key: str) -> R:
    """The same of what stays as it was, while something it leaves to others changes."""
    return _kept(changes, before, before, at, key)


def _kept(changes: Changeset, before: R, after: R, at: Moment, key: str) -> R:
    after = replace(after, revision=before.revision + 1)
    former = Former(
        account=before.account,
        id=name_of(before.id, before.revision),
        subject=before.id,
        created_at=at.now,
        key=key,
        profile=before.printed(at.account) if isinstance(before, Profile) else None,
        contact=replace(before, balances=()) if isinstance(before, Contact) else None,
        company=before if isinstance(before, Company) else None,
    )
    changes.put(after, former)
    type_ = FACTS[type(before)]
    publish.fact(changes, type_, before, {type_.value.partition(".")[0]: before.id}, at)
    return after


FACTS: Final = {
    Profile: EventType.PROFILE_CHANGED,
    Contact: EventType.CONTACT_CHANGED,
    Company: EventType.COMPANY_CHANGED,
}
