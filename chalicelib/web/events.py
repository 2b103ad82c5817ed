"""Events: what happened within the last thirty days, newest first, or oldest first for who follows them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta, field

from chalicelib.billing.errors import Invalid
from chalicelib.billing.events import KEPT_FOR, Event, EventType
from chalicelib.operations import event_payloads
from chalicelib.operations.event_payloads import EventPayload
from chalicelib.store import keys
from chalicelib.store.changes import not_found
from chalicelib.web.bodies import Id, Moment
from chalicelib.web.endpoint import Call
from chalicelib.web.paging import Paging, cursor, not_a_cursor
from chalicelib.web.shown import Listed

SETTLES_IN: Final = timedelta(minutes=3)
"""A fact is dated when it is decided and listed when it is written, which may be as much later as a worker may run."""
SKEW: Final = timedelta(minutes=1)
"""How far the clocks of two machines may be apart."""
LOOKED_AT: Final = 200
MAX_LOOKS: Final = 40
"""Questions to the table for one page, of LOOKED_AT names each: a quiet month takes 31."""
DAY: Final = timedelta(days=1)


class Order(StrEnum):
    """Newest first, or oldest first."""

    DESC = "desc"
    ASC = "asc"


class EventPaging(Paging, frozen=True):
    """Which events: of some types (`invoice.opened`, `invoice.*`, several with commas), about one record, from a moment to another (on the account's clock, the second excluded).

    With `order=asc` they come oldest first, and there is always a `next`: ask with it again and again, and every event comes
    once, three minutes after it happened, or, where there is a test clock, once that is moved on.
    """

    type: (
        Annotated[str, Meta(min_length=1, max_length=2000, examples=["invoice.*,payment.succeeded"])] | None
    ) = None
    subject: Id | None = None
    from_: Moment | None = field(default=None, name="from")
    to: Moment | None = None
    order: Order = Order.DESC


def list_(call: Call, query: EventPaging) -> Listed[EventPayload]:
    """What happened within the last thirty days. A page may be short, even empty, where few match: go on while `has_more`."""
    walk = _walk(call, query)
    found, place = _found(call, walk, query.limit)
    if place is None and walk.forward and walk.follows:
        seen_to = f"{walk.end.date()}|{keys.stamp(walk.end)}"
        return Listed(_told(call, found), cursor(max(seen_to, walk.place.text)), more=False)
    return Listed(_told(call, found), cursor(place.text) if place else None)


def get(call: Call, id_: str) -> EventPayload:
    """An event. One that posted to the books is there as long as they are, any other for thirty days."""
    event = call.service.store.get(Event, call.account.id, id_)
    if not _lives(call, event):
        raise not_found(Event, id_)
    [told] = _told(call, [event])
    return told


def _told(call: Call, events: list[Event]) -> list[EventPayload]:
    subjects = call.service.store.load(call.account.id, map(event_payloads.subject_key, events))
    return event_payloads.about_them(events, subjects, call.account)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A day, and the position in it after which to go on, None at its edge."""

    day: date
    after: str | None = None

    @property
    def text(self) -> str:
        return f"{self.day}|{self.after or ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Walk:
    """From `place` on, forward or back, through what happened from `start` until before `end`.

    It `follows` where more may come; `named` says of an event's position and key whether it may be wanted, `wanted` of itself.
    """

    place: _Place
    start: datetime
    end: datetime
    forward: bool
    follows: bool
    named: Callable[[str, str], bool]
    wanted: Callable[[Event], bool]

    def over(self, day: date) -> bool:
        return day > self.end.date() if self.forward else day < self.start.date()


def _walk(call: Call, query: EventPaging) -> _Walk:
    now, forward = call.account.now(call.service.real()), query.order is Order.ASC
    settled = (now if call.account.clock else now - SETTLES_IN) if forward else now + SKEW
    first = now - KEPT_FOR
    start, end = (
        max(first, min(at, settled)).astimezone(UTC) for at in (query.from_ or first, query.to or settled)
    )
    if query.from_ and query.to and query.from_ >= query.to:
        raise Invalid("range_empty", "Send a moment before `to`.", "from")
    types = _types(query.type)
    return _Walk(
        place=_place(query, first, start, end),
        start=start,
        end=end,
        forward=forward,
        follows=query.to is None or query.to > settled,
        named=_named(types, query.subject, keys.stamp(start), keys.stamp(end)),
        wanted=lambda one: one.type in types and query.subject in (None, one.subject) and _lives(call, one),
    )


def _place(query: EventPaging, first: datetime, start: datetime, end: datetime) -> _Place:
    """Where to begin. Raises Invalid on what is no cursor, and to a follower on one whose next events may be gone."""
    forward = query.order is Order.ASC
    if query.position is None:
        edge = start if forward else end
        return _Place(day=edge.date(), after=keys.stamp(edge))
    day, _, after = query.position.partition("|")
    try:
        place = _Place(day=date.fromisoformat(day), after=after or None)
    except ValueError:
        raise not_a_cursor() from None
    if forward and (place.day, place.after or "") < (first.date(), keys.stamp(first)):
        detail = "Events are kept for 30 days, and some after this cursor are gone. Begin anew, without it."
        raise Invalid("cursor_expired", detail, "after")
    return place


def _found(call: Call, walk: _Walk, limit: int) -> tuple[list[Event], _Place | None]:
    """Up to so many events, and where to go on, None at the end."""
    found: list[Event] = []
    place = walk.place
    for _ in range(MAX_LOOKS):
        if walk.over(place.day):
            return found, None
        owner = f"{call.account.id}/event/{place.day}"
        seen = call.service.store.places(
            owner, limit=LOOKED_AT, after=place.after, newest_first=not walk.forward
        )
        named = [one for one in seen if walk.named(*one)]
        chosen = named[: limit - len(found)]
        read = call.service.store.load(call.account.id, [key for _, key in chosen]).records
        events = [read[key] for _, key in chosen if key in read]
        found += [one for one in events if isinstance(one, Event) and walk.wanted(one)]
        whole = len(chosen) == len(named) and len(found) < limit
        place = _further(walk, place, seen) if whole else _Place(day=place.day, after=chosen[-1][0])
        if len(found) >= limit:
            break
    return found, place


def _further(walk: _Walk, place: _Place, seen: list[tuple[str, str]]) -> _Place:
    """Behind what was looked at: on the same day, or on the next one."""
    if len(seen) == LOOKED_AT:
        return _Place(day=place.day, after=seen[-1][0])
    return _Place(day=place.day + (DAY if walk.forward else -DAY))


def _lives(call: Call, event: Event) -> bool:
    """The table forgets what has expired when it finds the time."""
    return event.expires_at is None or event.expires_at > call.service.real()


def _types(asked: str | None) -> frozenset[EventType]:
    """The types that are asked for, all where none is named. Raises Invalid on what is none."""
    return (
        frozenset(EventType)
        if asked is None
        else frozenset(one for part in asked.split(",") for one in _those(part))
    )


def _those(part: str) -> Iterable[EventType]:
    prefix = part.removesuffix("*")
    found = [
        one
        for one in EventType
        if one.value == part or (part.endswith(".*") and one.value.startswith(prefix))
    ]
    if not found:
        known = ", ".join(EventType)
        raise Invalid(
            "unknown_value",
            f"Send some of these, with commas, or a group such as invoice.*: {known}.",
            "type",
        )
    return found


def _named(
    types: frozenset[EventType], subject: str | None, start: str, end: str
) -> Callable[[str, str], bool]:
    """Whether an event may be wanted: its name says its subject, or the request that asked for it, and its type."""
    ends = tuple(f"_{one.value.replace('.', '_')}" for one in types)
    begins = (f"evt_{subject}_", "evt_req_") if subject else ("evt_",)

    def named(position: str, key: str) -> bool:
        name = key.split("/", 2)[2]
        return start <= position < end and name.startswith(begins) and name.endswith(ends)

    return named
