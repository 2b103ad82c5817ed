"""The calendar against a walk day by day and a clock that is looked at: `calendar_oracle`, which shares nothing with the core."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from chalicelib.billing import periods
from chalicelib.billing.periods import Frequency
from tests.billing import calendar_oracle as oracle

FIRST, LAST = 1970, 2100
DAY = timedelta(days=1)
# What a frequency is, in words of the oracle's: months, or days.
MONTHS = {
    "monthly": 1, "quarterly": 3, "per_six_months": 6, "annually": 12, "per_two_years": 24, "per_three_years": 36,
    "per_four_years": 48, "per_five_years": 60,
}  # fmt: skip
WEEKS = {"weekly": 7, "biweekly": 14}
# Half an hour of summer time; Ramadan; rules that change every year, at midnight; the day that never was; half hours;
# winter time that is below zero; quarters; two hours; midnights that never were; the date line; changes of the
# standard; whole days either side of it; the United States' on Sundays; the old names of the backward list; none.
ZONES = [
    "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Gaza", "Pacific/Apia", "America/St_Johns", "Europe/Dublin",
    "Asia/Kathmandu", "Antarctica/Troll", "America/Sao_Paulo", "Pacific/Kiritimati", "Asia/Pyongyang", "America/Caracas",
    "Pacific/Kwajalein", "America/New_York", "Europe/Paris", "Asia/Tehran", "Africa/Cairo", "Asia/Beirut",
    "America/Scoresbysund", "Pacific/Chatham", "US/Pacific", "Asia/Calcutta", "GB-Eire", "UTC",
]  # fmt: skip


def boundaries(anchor: date, frequency: str, months: dict[int, list[date]], walk: list[date]) -> list[date]:
    """By the oracle, the anchor and every boundary after it up to the end of what was walked."""
    if step := WEEKS.get(frequency):
        return walk[walk.index(anchor) :: step]
    return months[anchor.day][(anchor.year - FIRST) * 12 + anchor.month - 1 :: MONTHS[frequency]]


def compared(
    anchors: list[date], frequencies: list[str], months: dict[int, list[date]], walk: list[date]
) -> int:
    """Compare every boundary from the anchors on, and that each is found again by its day; returns how many there were."""
    count = 0
    for anchor in anchors:
        for name in frequencies:
            frequency, expected = Frequency(name), boundaries(anchor, name, months, walk)
            assert [periods.boundary(anchor, frequency, n) for n in range(len(expected))] == expected
            count += len(expected)
            if anchor.year == anchors[0].year:
                indexes = range(1, len(expected))
                assert [periods.index_at(anchor, frequency, day) for day in expected[1:]] == list(indexes)
                assert [periods.index_at(anchor, frequency, day - DAY) for day in expected[1:]] == [
                    n - 1 for n in indexes
                ]
    return count


@pytest.fixture(scope="module")
def walk() -> list[date]:
    """Every day of the years."""
    return [date(*day) for day in oracle.days(FIRST, LAST)]


@pytest.fixture(scope="module")
def months() -> dict[int, list[date]]:
    """Each day of the month, in every month of the years."""
    return oracle.by_day_of_month(FIRST, LAST)


def of(walk: list[date], *years: int) -> list[date]:
    return [day for day in walk if day.year in years]


def test_every_boundary_from_some_anchors_is_the_walks(walk: list[date], months: dict[int, list[date]]):
    """From the last week of every month of a leap year each boundary to 2100 is where the walk comes to: 250,977 of them."""
    ends = [day for day in of(walk, 1972) if day.day >= 28]
    weeks = of(walk, 1972)[:14]
    counted = compared(ends, list(MONTHS), months, walk) + compared(weeks, list(WEEKS), months, walk)
    assert counted == 250_977


@pytest.mark.slow
def test_every_boundary_is_the_walks(walk: list[date], months: dict[int, list[date]]):
    """From every day of four years, each boundary of every frequency to the end of 2100 is where the walk comes to.

    It was cut there: a boundary follows from the anchor's day of the month and the month it is counted to, or from the
    day of a fortnight, so later anchors have only boundaries that these have too. Compared: 3,910,703.
    """
    years = of(walk, 1972, 1973, 1974, 1975)
    counted = compared(years, list(MONTHS), months, walk)
    counted += compared(of(walk, 1972)[:14], list(WEEKS), months, walk)
    assert counted == 3_910_703


@pytest.mark.slow
def test_every_anchor_has_its_next_boundaries_and_its_last(walk: list[date], months: dict[int, list[date]]):
    """From every day of 1970 to 2100, in every frequency, the next four boundaries and the last of 2100 are the walk's.

    Compared: 2,311,101.
    """
    count, places = 0, {day: n for n, day in enumerate(walk)}
    for anchor in walk:
        for name in (*MONTHS, *WEEKS):
            column, start, step = walk, places[anchor], WEEKS.get(name, 0)
            if not step:
                column, start, step = (
                    months[anchor.day],
                    (anchor.year - FIRST) * 12 + anchor.month - 1,
                    MONTHS[name],
                )
            last = (len(column) - 1 - start) // step
            for n in {*range(1, min(4, last) + 1), last}:
                assert periods.boundary(anchor, Frequency(name), n) == column[start + n * step], (
                    anchor,
                    name,
                    n,
                )
                count += 1
    assert count == 2_311_101


def instants(zone: str, walk: list[date], every: int) -> Iterator[tuple[date, int, int]]:
    """Days and hours, with the second of each by the oracle: all hours of five days around each change, and else one of a day."""
    walked = oracle.segments(zone, FIRST, LAST)
    around = {
        datetime.fromtimestamp(since, UTC).date() + beside * DAY
        for since, _, _ in walked[1:]
        for beside in range(-2, 3)
    }
    for n, day in enumerate(walk):
        hours = range(24) if day in around else range(n % 24, 24, 24) if n % every == 0 else ()
        for hour in hours:
            yield day, hour, oracle.first_reading(walked, day, hour)


def agreed(zone: str, walk: list[date], every: int) -> int:
    """Compare a zone's instants; returns how many there were."""
    count = 0
    for day, hour, second in instants(zone, walk, every):
        assert periods.moment(day, hour, zone) == datetime.fromtimestamp(second, UTC), (zone, day, hour)
        count += 1
    return count


@pytest.mark.parametrize("zone", ["Australia/Lord_Howe", "Pacific/Apia"])
def test_the_oddest_clocks_are_read_as_they_show(zone: str, walk: list[date]):
    """Half an hour of summer time, and a day that never was: around every change every hour is when the clock gets there."""
    assert agreed(zone, walk, every=97) > 3_000


@pytest.mark.slow
@pytest.mark.parametrize("zone", ZONES)
def test_every_day_is_billed_when_the_clock_gets_there(zone: str, walk: list[date]):
    """On every day of 1970 to 2100 the billing hour is the first moment the zone's clock shows it or is past it.

    It was cut to all 24 hours of the five days around each change of the clock, and to one hour, another each day, of
    all other days: between two changes hours are only added. Compared: 1,565,433 with the zones' rules of 2026.
    """
    assert agreed(zone, walk, every=1) >= len(walk)
