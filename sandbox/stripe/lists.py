"""Lists as Stripe pages them: newest first, `limit`, `starting_after`, `ending_before`, filters, `has_more`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.shelves import Shelf, Thing
from sandbox.stripe.state import Call

_PAGING = frozenset({"created", "ending_before", "expand", "limit", "starting_after"})


def page(call: Call, kind: str, url: str, filters: dict[str, Any]) -> Thing:
    shelf = call.account.shelf(kind)
    limit = _limit(call.params.get("limit", 10))
    before = call.params.get("ending_before")
    matching = (
        thing for thing in _candidates(call, kind, shelf, filters) if _matches(thing, filters, call.params)
    )
    found = list(islice(matching, limit + 1))
    has_more, found = len(found) > limit, found[:limit]
    return {"object": "list", "data": found[::-1] if before else found, "has_more": has_more, "url": url}


def filters_of(params: dict[str, Any]) -> dict[str, Any]:
    return {field: value for field, value in params.items() if field not in _PAGING}


def _limit(limit: int) -> int:
    if not 1 <= limit <= 100:
        bound = "greater than or equal to 1" if limit < 1 else "less than or equal to 100"
        raise invalid(f"This value must be {bound}.", code="parameter_invalid_integer", param="limit")
    return limit


def _candidates(call: Call, kind: str, shelf: Shelf, filters: dict[str, Any]) -> Iterator[Thing]:
    for cursor in ("starting_after", "ending_before"):
        name = call.params.get(cursor)
        if name is not None and name not in shelf:
            raise missing(kind, name, cursor)
    owner = next(((field, value) for field, value in filters.items() if shelf.indexed(field)), None)
    return shelf.newest_first(owner, call.params.get("starting_after"), call.params.get("ending_before"))


def _matches(thing: Thing, filters: dict[str, Any], params: dict[str, Any]) -> bool:
    if thing.get("deleted"):
        return False
    if not all(_has(thing, field, wanted) for field, wanted in filters.items()):
        return False
    return _created_within(thing["created"], params.get("created"))


def _has(thing: Thing, field: str, wanted: Any) -> bool:
    match field:
        case "types":
            return any(_type_matches(thing["type"], pattern) for pattern in wanted)
        case "type" if thing["object"] == "event":
            return _type_matches(thing["type"], wanted)
        case "customer_details":
            return bool((thing.get(field) or {}).get("email") == wanted["email"])
        case _:
            return bool(thing.get(field) == wanted)


def _type_matches(type_: str, pattern: str) -> bool:
    """`charge.*` asks for every event of charges."""
    return type_.startswith(pattern[:-1]) if pattern.endswith("*") else type_ == pattern


def _created_within(created: int, asked: Any) -> bool:
    if asked is None:
        return True
    if isinstance(asked, int):
        return created == asked
    return bool(
        asked.get("gt", created - 1) < created < asked.get("lt", created + 1)
        and asked.get("gte", created) <= created <= asked.get("lte", created)
    )  # fmt: skip
