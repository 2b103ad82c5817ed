"""Histories: who changed what of a profile, a contact or a company, from what to what."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from chalicelib.crm.accounts import ApiKey
from chalicelib.crm.companies import Company
from chalicelib.crm.contacts import Contact
from chalicelib.crm.formers import Former, name_of
from chalicelib.crm.profiles import Profile
from chalicelib.store import keys
from chalicelib.views.told import By, ChangedField
from chalicelib.web.endpoint import Call
from chalicelib.web.paging import Paging, owned
from chalicelib.web.shown import Listed

Subject = Profile | Contact | Company
UNTOLD: Final = frozenset({"account", "id", "created_at", "revision", "version", "customer", "balances"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """What one request changed: `revision` is what it made, which documents issued since then show; `by` has no key where a buyer left it on a page."""

    revision: int
    created_at: datetime
    by: By
    fields_changed: tuple[ChangedField, ...]
    object: Literal["revision"] = "revision"


def of(call: Call, subject: Subject, query: Paging) -> Listed[Revision]:
    """A page of the history of a record, newest first."""
    account = call.account.id
    page = owned(call.service, Former, f"{account}/{subject.id}/former", query)
    found = page.records
    asked = {keys.key(ApiKey, account, one.key) for one in found}
    # What a change made of the first of them is what the one before it in the list was, or the record as it is.
    newer = [keys.key(Former, account, name_of(subject.id, _was(one).revision + 1)) for one in found[:1]]
    beside = call.service.store.load(account, [*asked, *newer])
    after: Subject = subject
    for key in newer:
        if isinstance(former := beside.records.get(key), Former):
            after = _was(former)
    made = []
    for one in found:
        by = beside.find(ApiKey, account, one.key)
        made.append(
            Revision(
                revision=_was(one).revision + 1,
                created_at=one.created_at,
                by=By(key=one.key, name=by.name if by else ""),
                fields_changed=tuple(_changed(_was(one), after)),
            )
        )
        after = _was(one)
    return Listed(made, page.next)


def _was(former: Former) -> Any:
    return former.profile or former.contact or former.company


def _changed(before: Any, after: Any) -> Iterator[ChangedField]:
    for field in fields(before):
        was, is_ = getattr(before, field.name), getattr(after, field.name)
        if field.name not in UNTOLD and was != is_:
            yield ChangedField(
                field=field.name, before=msgspec.to_builtins(was), after=msgspec.to_builtins(is_)
            )
