"""The calendar of a subscription: periods counted from an anchor, and the instant a local day is billed at.

A boundary is always computed from the anchor, n intervals on, so 31 January gives 28 February and then
31 March: a short month never moves the later ones. Periods are half-open, each beginning where one ends.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Final, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from chalicelib.billing.errors import Invalid

YEARS_AHEAD: Final = 10
"""How far ahead a day may be chosen."""


class Frequency(StrEnum):
    """How often a line is billed: HubSpot's `recurringbillingfrequency`, and `one_time` for its blank.

    `months` and `days` are the length of one interval; one of them is 0, both for `one_time`.
    """

    months: int
    days: int

    ONE_TIME = "one_time", 0, 0
    WEEKLY = "weekly", 0, 7
    BIWEEKLY = "biweekly", 0, 14
    MONTHLY = "monthly", 1, 0
    QUARTERLY = "quarterly", 3, 0
    PER_SIX_MONTHS = "per_six_months", 6, 0
    ANNUALLY = "annually", 12, 0
    PER_TWO_YEARS = "per_two_years", 24, 0
    PER_THREE_YEARS = "per_three_years", 36, 0
    PER_FOUR_YEARS = "per_four_years", 48, 0
    PER_FIVE_YEARS = "per_five_years", 60, 0

    def __new__(cls, value: str, months: int, days: int) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.months = months
        member.days = days
        return member

    @property
    def recurring(self) -> bool:
        return self is not Frequency.ONE_TIME


@dataclass(frozen=True, slots=True)
class Period:
    """The local days from `start_on` up to, not including, `end_on`; Invalid `invalid_period`."""

    start_on: date
    end_on: date

    def __post_init__(self) -> None:
        if self.end_on < self.start_on:
            raise Invalid(
                "invalid_period",
                f"A period ends no earlier than {self.start_on}.",
                "end_on",
            )

    @property
    def days(self) -> int:
        return (self.end_on - self.start_on).days

    def contains(self, day: date) -> bool:
        return self.start_on <= day < self.end_on


def period(anchor: date, frequency: Frequency, n: int) -> Period:
    """The n-th period from the anchor, the first being 0."""
    return Period(boundary(anchor, frequency, n), boundary(anchor, frequency, n + 1))


def boundary(anchor: date, frequency: Frequency, n: int) -> date:
    """The day n intervals on from the anchor, or the last of that month where it is shorter.

    A negative n goes back. Invalid `not_recurring` for `one_time`, `date_out_of_range` outside the years 1 to 9999.
    """
    if frequency.months:
        return add_months(anchor, frequency.months * n)
    try:
        return anchor + timedelta(days=_days(frequency) * n)
    except OverflowError:
        raise _out_of_range() from None


def index_at(anchor: date, frequency: Frequency, day: date) -> int:
    """The n whose period contains the day, negative before the anchor: the inverse of `period`."""
    if not frequency.months:
        return (day - anchor).days // _days(frequency)
    months = (day.year - anchor.year) * 12 + day.month - anchor.month
    n, beyond = divmod(months, frequency.months)
    starts_later = not beyond and day.day < min(anchor.day, _length(day.year, day.month))
    return n - starts_later


def add_months(day: date, n: int) -> date:
    """The same day n months on, or the last of a shorter month; Invalid `date_out_of_range`."""
    year, month = divmod(day.year * 12 + day.month - 1 + n, 12)
    if not 1 <= year <= 9999:
        raise _out_of_range()
    return date(year, month + 1, min(day.day, _length(year, month + 1)))


def moment(day: date, hour: int, zone: str) -> datetime:
    """The UTC instant of that local day at that hour, 0 to 23, in an IANA zone.

    An hour that comes twice as the clock goes back means the first; one that is skipped as the clock goes
    forward means the instant of the jump. Invalid `invalid_hour`, `unknown_zone`, `date_out_of_range`.
    """
    if not 0 <= hour <= 23:
        raise Invalid("invalid_hour", "A billing hour is a whole hour from 0 to 23.", "hour")
    where = _zone(zone)
    first = datetime(day.year, day.month, day.day, hour, tzinfo=where)
    second = datetime(day.year, day.month, day.day, hour, tzinfo=where, fold=1)
    try:
        if _offset(first) < _offset(second):
            return _jump(second.astimezone(UTC), first.astimezone(UTC), where)
        return first.astimezone(UTC)
    except OverflowError:
        raise _out_of_range() from None


def local_date(at: datetime, zone: str) -> date:
    """The day an instant falls on in an IANA zone; Invalid `naive_datetime` for one without an offset."""
    if at.tzinfo is None:
        raise Invalid(
            "naive_datetime",
            "Send an instant with its offset, as 2026-01-31T06:00:00Z.",
            "at",
        )
    try:
        return at.astimezone(_zone(zone)).date()
    except OverflowError:
        raise _out_of_range() from None


def check_near(day: date, today: date, param: str) -> None:
    """Refuse a day more than ten years from today: no calendar is planned so far ahead. Invalid `too_far_ahead`."""
    last = add_months(today, 12 * YEARS_AHEAD)
    if day > last:
        raise Invalid("too_far_ahead", f"Choose a day up to {last}: {YEARS_AHEAD} years from today.", param)


def check_zone(zone: str) -> None:
    """Refuse what is not the name of an IANA time zone; Invalid `unknown_zone`."""
    _zone(zone)


_NAME: Final = re.compile(r"(?!posix/|right/)[A-Z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}")
_LENGTHS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@cache
def _zone(name: str) -> ZoneInfo:
    if len(name) <= 40 and _NAME.fullmatch(name):
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            pass
    raise Invalid(
        "unknown_zone",
        f"{name!r} is not an IANA time zone such as 'Europe/Paris'.",
        "zone",
    )


def _jump(early: datetime, late: datetime, where: ZoneInfo) -> datetime:
    """The first second after `early` at which the clock shows the offset it has at `late`."""
    new = _offset(late.astimezone(where))
    below, above = 0, int((late - early).total_seconds())
    while above - below > 1:
        middle = (below + above) // 2
        if _offset((early + timedelta(seconds=middle)).astimezone(where)) == new:
            above = middle
        else:
            below = middle
    return early + timedelta(seconds=above)


def _offset(at: datetime) -> timedelta:
    return at.utcoffset() or timedelta()


def _days(frequency: Frequency) -> int:
    if not frequency.days:
        raise Invalid(
            "not_recurring",
            "What is billed once has no periods; send another.",
            "frequency",
        )
    return frequency.days


def _length(year: int, month: int) -> int:
    leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 29 if leap else _LENGTHS[month - 1]


def _out_of_range() -> Invalid:
    return Invalid("date_out_of_range", "Dates lie between the years 1 and 9999.")
