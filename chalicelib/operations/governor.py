"""Keep all workers together within their part of the gateway's rate; buyers, who wait for their answers, are not held back.

One shared item holds the moment up to which slots are taken (virtual scheduling). A worker takes a block of them in one
request, a slot for each call it foresees, and begins its calls side by side, none before its slot. A worker that dies
loses its block, nothing else. A worker whose clock is fast leaves slots unused, one whose clock is slow begins late: the
part that is kept free bears what then overlaps.
"""

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from chalicelib.crm.accounts import HOUSE
from chalicelib.service import Service

LAST_BEGIN_SECONDS: Final = 60
"""No call is begun later than this after it was foreseen: with the longest answer it stays below lease and function."""
MOST_STOOD_SECONDS: Final = 1
"""A rehearsal's clock stands still: what is to begin later by it than this is left until it has been moved."""
FRESH_SECONDS: Final = 5
"""A slot that was not used by then is lost: others have theirs at that time."""
WORTH_GIVING_BACK: Final = timedelta(seconds=1)
ITEM: Final = f"{HOUSE}/governor/stripe"
SECOND: Final = 1_000_000
"""Moments of the shared item are whole microseconds of real time since 1970."""


class Pace:
    """Keeps calls begun side by side apart: what was held up does not come in a rush."""

    def __init__(self, service: Service, calls_each: int) -> None:
        self._apart = calls_each / service.settings.workers_rate
        self._last = float("-inf")
        self._lock = Lock()

    def next(self, slot: float) -> float:
        """When a call with a slot may begin, by this process's steady clock."""
        with self._lock:
            self._last = max(slot, self._last + self._apart)
            return self._last


class Turns:
    """The slots one worker has taken and not used, as moments of its own steady clock; `foreseen` are the calls still to come."""

    def __init__(self, service: Service, foreseen: int) -> None:
        self._service = service
        self._foreseen = foreseen
        self._each = SECOND // service.settings.workers_rate or 1
        self._slots: deque[float] = deque()
        self._end = 0

    def take(self, calls: int) -> list[float | None]:
        """When each of so many calls may begin; None for those that must be left to the next worker."""
        if calls <= 1 >= self._foreseen:
            return [time.monotonic()] * calls  # one call a worker is no rush, and worth no request
        if self._slots and self._slots[0] < time.monotonic() - FRESH_SECONDS:
            self._slots.clear()
        if len(self._slots) < calls:
            self._take_block(max(calls, self._foreseen) - len(self._slots))
        self._foreseen = max(0, self._foreseen - calls)
        return [self._slots.popleft() if self._slots else None for _ in range(calls)]

    def _take_block(self, wanted: int) -> None:
        now, waits = _microseconds(self._service.real()), LAST_BEGIN_SECONDS * SECOND
        count = min(wanted, waits // self._each // 2 or 1)
        stands = self._service.settings.clock_file is not None
        latest = now + (MOST_STOOD_SECONDS * SECOND if stands else waits - count * self._each)
        start = self._service.store.rate.reserve(ITEM, now, count * self._each, latest)
        if start is None:
            return
        self._end = start + count * self._each
        begins = time.monotonic() + (start - now) / SECOND
        self._slots.extend(begins + n * self._each / SECOND for n in range(count))

    def give_back(self) -> None:
        """Leave slots that nobody used to others, where nobody has taken later ones yet."""
        now = time.monotonic()
        left = sum(slot > now for slot in self._slots) * self._each
        self._slots.clear()
        if left >= WORTH_GIVING_BACK // timedelta(microseconds=1):
            self._service.store.rate.give_back(ITEM, self._end, left)


_current: ContextVar[Turns | None] = ContextVar("turns", default=None)


@contextmanager
def foreseeing(service: Service, calls: int) -> Iterator[None]:
    """Take slots for so many calls together, when the first of them comes."""
    turns = Turns(service, calls)
    token = _current.set(turns)
    try:
        yield
    finally:
        _current.reset(token)
        turns.give_back()


def turns(service: Service, calls: int) -> list[float | None]:
    """When each of so many calls may begin, by this process's steady clock; None for the next worker's."""
    return (_current.get() or Turns(service, 0)).take(calls)


def hold(service: Service, until: datetime) -> None:
    """Nobody takes a slot before a moment (real time): the gateway asked for a pause."""
    service.store.rate.hold(ITEM, _microseconds(until))


def _microseconds(at: datetime) -> int:
    return int(at.timestamp() * SECOND)
