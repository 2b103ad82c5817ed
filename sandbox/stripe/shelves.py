"""Objects of one kind in the order they were made, found by id or by what they belong to.

An object is a dict that is never changed in place: an update puts a new dict under the same id. So an event can keep
the object as it was without copying it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

Thing = dict[str, Any]

BELONGS_TO = {
    "charge": ("customer", "payment_intent"),
    "checkout.session": ("customer", "payment_intent"),
    "dispute": ("charge", "payment_intent"),
    "payment_intent": ("customer",),
    "payment_method": ("customer",),
    "refund": ("charge", "payment_intent"),
    "setup_intent": ("customer",),
}
"""Fields by which a kind is listed often enough to keep an index."""


class Shelf:
    def __init__(self, kind: str) -> None:
        self._owners = BELONGS_TO.get(kind, ())
        self._things: dict[str, Thing] = {}
        self._order: list[str] = []
        self._position: dict[str, int] = {}
        self._forgotten = 0
        """How many of the oldest are no longer kept."""
        self._owned: dict[tuple[str, str], list[int]] = defaultdict(list)

    def __contains__(self, name: str) -> bool:
        return name in self._things

    def __iter__(self) -> Iterator[Thing]:
        return iter(self._things.values())

    def get(self, name: str) -> Thing | None:
        return self._things.get(name)

    def put(self, thing: Thing) -> None:
        name = thing["id"]
        before = self._things.get(name)
        if before is None:
            self._position[name] = len(self._order)
            self._order.append(name)
        for field in self._owners:
            self._own(field, before[field] if before else None, thing[field], self._position[name])
        self._things[name] = thing

    def newest_first(
        self, owner: tuple[str, str] | None = None, after: str | None = None, before: str | None = None
    ) -> Iterator[Thing]:
        """Those of `owner` that come after (older) or before (newer, nearest first) the named object."""
        positions: Sequence[int] = (
            range(self._forgotten, len(self._order)) if owner is None else self._owned.get(owner, ())
        )
        if before is not None:
            found: Iterator[int] = iter(positions[bisect_right(positions, self._position[before]) :])
        else:
            end = len(positions) if after is None else bisect_left(positions, self._position[after])
            found = reversed(positions[:end])
        return (self._things[self._order[position]] for position in found)

    def forget_before(self, moment: int) -> list[str]:
        """Drops the oldest, up to the first that was made since; for kinds that nothing else owns."""
        dropped = []
        for name in islice(self._order, self._forgotten, None):
            if self._things[name]["created"] >= moment:
                break
            del self._things[name], self._position[name]
            dropped.append(name)
        self._forgotten += len(dropped)
        return dropped

    def indexed(self, field: str) -> bool:
        return field in self._owners

    def _own(self, field: str, before: str | None, now: str | None, position: int) -> None:
        if before == now:
            return
        if before is not None:
            self._owned[field, before].remove(position)
        if now is not None:
            insort(self._owned[field, now], position)
