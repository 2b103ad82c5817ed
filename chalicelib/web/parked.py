"""Parked records: taken out of the schedules after errors of their own, until a person looks."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from chalicelib.operations import release as put_back
from chalicelib.store import keys
from chalicelib.web.endpoint import Call
from chalicelib.web.paging import Paging, cursor, not_a_cursor
from chalicelib.web.shown import Listed

# When it was parked, and its key.
_POSITION: Final = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]{12}Z\|\w+/\w+/\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """`kind` and `id` name the record, `error` is the last that it caused."""

    kind: str
    id: str
    failures: int
    error: str
    parked_at: datetime
    object: Literal["parked"] = "parked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """The record is back in the schedules."""

    kind: str
    id: str
    object: Literal["released"] = "released"


def list_(call: Call, query: Paging) -> Listed[Parked]:
    """What is parked, oldest first."""
    if query.position and not _POSITION.fullmatch(query.position):
        raise not_a_cursor()
    found, next_ = call.service.store.schedules.parked(
        call.account.id, limit=query.limit, after=query.position
    )
    rows = [
        Parked(
            kind=keys.kind_of(row.key).name,
            id=row.key.split("/", 2)[2],
            failures=row.failures,
            error=row.error,
            parked_at=row.parked_at,
        )
        for row in found
    ]
    return Listed(rows, cursor(next_))


def release(call: Call, kind: str, id_: str) -> Released:
    """Put a record back where it stood in the schedules; what is due is worked at once."""
    put_back.parked(call.service, call.account.id, kind, id_)
    return Released(kind=kind, id=id_)
