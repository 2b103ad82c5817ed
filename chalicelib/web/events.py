"""Events: what happened, newest first."""

from datetime import date, timedelta
from typing import Final

from chalicelib.billing.events import Event
from chalicelib.crm.contacts import Contact
from chalicelib.web.endpoint import Call
from chalicelib.web.paging import Paging, cursor, not_a_cursor
from chalicelib.web.shown import Listed

MAX_DAYS: Final = 62
"""Days looked through for one request: a quiet quarter takes two."""


class EventPaging(Paging, frozen=True):
    """Which part of the list, or the events of one day (UTC, on the account's clock)."""

    on: date | None = None


def list_(call: Call, query: EventPaging) -> Listed[Event]:
    """All events, newest first. A page may be short, even empty, where nothing happened for long: go on while `has_more`."""
    day, after = _start(call, query)
    first = query.on or _first_day(call)
    found: list[Event] = []
    for _ in range(MAX_DAYS):
        if day < first:
            return Listed(found, None)
        owner = f"{call.account.id}/event/{day}"
        page = call.service.store.owned(owner, limit=query.limit - len(found), after=after)
        found += [record for record in page.records if isinstance(record, Event)]
        after = page.next
        if after is None:
            if day == first:
                return Listed(found, None)
            day -= timedelta(days=1)
        if len(found) >= query.limit:
            break
    return Listed(found, cursor(f"{day}|{after or ''}"))


def get(call: Call, id_: str) -> Event:
    """An event."""
    return call.get(Event, id_)


def _start(call: Call, query: EventPaging) -> tuple[date, str | None]:
    """The day to begin with, and the position in it."""
    if query.position is None:
        return query.on or call.account.now(call.service.real()).date(), None
    day, _, after = query.position.partition("|")
    try:
        return date.fromisoformat(day), after or None
    except ValueError:
        raise not_a_cursor() from None


def _first_day(call: Call) -> date:
    """The day of the account's first contact: nothing happens before there is somebody to sell to."""
    page = call.service.store.owned(f"{call.account.id}/contact", limit=1, newest_first=False)
    firsts = [record.created_at for record in page.records if isinstance(record, Contact)]
    return min(firsts, default=call.account.now(call.service.real())).date()
