"""A calendar that only knows how to go one day on, and a clock that is only looked at: nothing here is the core's.

Dates come from one walk, day after day, with a leap rule of its own; instants from looking at a zone's clock four times
a day, and hour by hour, minute by minute, second by second where it has changed in between. No arithmetic of months,
no fold, no search.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

HOUR = 3600
Segment = tuple[int, int, int]
"""A stretch of UTC in which a zone's clock keeps one offset: from, to (seconds since 1970), offset (seconds)."""


def days(first: int, last: int) -> Iterator[tuple[int, int, int]]:
    """Every day from 1 January of the first year to 31 December of the last, one after another."""
    lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    year, month, day = first, 1, 1
    while year <= last:
        yield year, month, day
        leap = (year % 400 == 0) or (year % 4 == 0 and year % 100 != 0)
        day += 1
        if day > lengths[month - 1] + (1 if month == 2 and leap else 0):
            month, day = month + 1, 1
        if month > 12:
            year, month = year + 1, 1


def by_day_of_month(first: int, last: int) -> dict[int, list[date]]:
    """For each day of the month, 1 to 31, its date in every month from the first year on: the month's last where it has none."""
    found: dict[int, list[date]] = {wanted: [] for wanted in range(1, 32)}
    last_of_month: date | None = None
    for year, month, day in days(first, last):
        if day == 1 and last_of_month is not None:
            _fill(found, last_of_month)
        last_of_month = date(year, month, day)
        found[day].append(last_of_month)
    assert last_of_month is not None
    _fill(found, last_of_month)
    return found


def _fill(found: dict[int, list[date]], last_of_month: date) -> None:
    for wanted in range(last_of_month.day + 1, 32):
        found[wanted].append(last_of_month)


def segments(zone: str, first: int, last: int) -> list[Segment]:
    """A zone's offsets from the first year to the last, found by looking at its clock."""
    clock = ZoneInfo(zone)

    def offset(at: int) -> int:
        told = datetime.fromtimestamp(at, UTC).astimezone(clock).utcoffset()
        assert told is not None
        return told.days * 86400 + told.seconds

    begin = _midnight(first, 1, 1) - 48 * HOUR
    end = _midnight(last + 1, 1, 1) + 48 * HOUR
    found, since, kept = [], begin, offset(begin)
    for at in range(begin, end, 6 * HOUR):
        while offset(at) != kept:
            change = at - 6 * HOUR
            for step in (HOUR, 60, 1):
                change = next(look for look in range(change, at + 1, step) if offset(look) != kept)
                change -= step if step > 1 else 0
            found.append((since, change, kept))
            since, kept = change, offset(change)
    return [*found, (since, end, kept)]


def _midnight(year: int, month: int, day: int) -> int:
    return int(datetime(year, month, day, tzinfo=UTC).timestamp())


def first_reading(walked: list[Segment], on: date, hour: int) -> int:
    """The first second at which a clock on a wall there shows that hour of that day, or is past it."""
    wall = _midnight(on.year, on.month, on.day) + hour * HOUR
    for since, until, offset in walked:
        if wall < until + offset:
            return max(since, wall - offset)
    raise AssertionError(f"{on} is beyond what was walked")
