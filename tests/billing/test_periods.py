"""Periods meet, boundaries never drift, and every local day has its instant."""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.billing import periods as p
from chalicelib.billing.errors import Invalid
from chalicelib.billing.periods import Frequency, Period

RECURRING = [frequency for frequency in Frequency if frequency.recurring]
# Half an hour of summer time; a day that never was; a clock that goes back for Ramadan; midnights that never were;
# two hours of summer time; the common ones; none.
ZONES = ["Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "America/Sao_Paulo", "Antarctica/Troll",
         "Europe/Paris", "America/New_York", "Asia/Kolkata", "UTC"]  # fmt: skip

frequencies = st.sampled_from(RECURRING)
anchors = st.dates(date(1900, 1, 1), date(2200, 12, 31))
hours = st.integers(0, 23)


def day(text: str) -> date:
    return date.fromisoformat(text)


def test_the_frequencies_are_hubspots():
    """The values are those of `recurringbillingfrequency`, and `one_time` for its blank."""
    assert [str(frequency) for frequency in Frequency] == [
        "one_time", "weekly", "biweekly", "monthly", "quarterly", "per_six_months", "annually", "per_two_years",
        "per_three_years", "per_four_years", "per_five_years",
    ]  # fmt: skip
    assert Frequency("biweekly") is Frequency.BIWEEKLY
    assert [(f.months, f.days) for f in Frequency] == [
        (0, 0), (0, 7), (0, 14), (1, 0), (3, 0), (6, 0), (12, 0), (24, 0), (36, 0), (48, 0), (60, 0),
    ]  # fmt: skip
    assert [f for f in Frequency if not f.recurring] == [Frequency.ONE_TIME]


@pytest.mark.parametrize(
    ("frequency", "next_day"),
    [
        ("weekly", "2024-02-07"),
        ("biweekly", "2024-02-14"),
        ("monthly", "2024-02-29"),
        ("quarterly", "2024-04-30"),
        ("per_six_months", "2024-07-31"),
        ("annually", "2025-01-31"),
        ("per_two_years", "2026-01-31"),
        ("per_three_years", "2027-01-31"),
        ("per_four_years", "2028-01-31"),
        ("per_five_years", "2029-01-31"),
    ],
)
def test_each_frequency_has_its_step(frequency: str, next_day: str):
    """One interval on from 31 January 2024."""
    assert p.boundary(day("2024-01-31"), Frequency(frequency), 1) == day(next_day)


@pytest.mark.parametrize(
    ("anchor", "frequency", "boundaries"),
    [
        ("2025-01-31", "monthly", ["2025-01-31", "2025-02-28", "2025-03-31", "2025-04-30", "2025-05-31"]),
        ("2024-01-30", "monthly", ["2024-01-30", "2024-02-29", "2024-03-30"]),
        ("2025-01-29", "monthly", ["2025-01-29", "2025-02-28", "2025-03-29"]),
        ("2024-11-30", "quarterly", ["2024-11-30", "2025-02-28", "2025-05-30", "2025-08-30"]),
        ("2024-08-31", "per_six_months", ["2024-08-31", "2025-02-28", "2025-08-31"]),
        ("2024-02-29", "annually", ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]),
        ("2096-02-29", "per_four_years", ["2096-02-29", "2100-02-28", "2104-02-29"]),
        ("2024-12-25", "biweekly", ["2024-12-25", "2025-01-08", "2025-01-22"]),
    ],
)
def test_a_short_month_never_moves_later_ones(anchor: str, frequency: str, boundaries: list[str]):
    """Each boundary is counted from the anchor, and only the short month's own is clamped."""
    days = [p.boundary(day(anchor), Frequency(frequency), n) for n in range(len(boundaries))]
    assert days == [day(text) for text in boundaries]


def test_boundaries_reach_back_before_the_anchor():
    """A negative n counts back, clamped alike."""
    assert p.boundary(day("2024-03-31"), Frequency.MONTHLY, -1) == day("2024-02-29")
    assert p.boundary(day("2024-03-31"), Frequency.WEEKLY, -1) == day("2024-03-24")
    assert p.index_at(day("2024-03-31"), Frequency.MONTHLY, day("2024-02-28")) == -2
    assert p.index_at(day("2024-03-31"), Frequency.WEEKLY, day("2024-03-30")) == -1


def test_a_period_is_half_open():
    """A period contains its start and not its end, and counts its days."""
    march = p.period(day("2025-01-31"), Frequency.MONTHLY, 1)
    assert march == Period(day("2025-02-28"), day("2025-03-31"))
    assert march.days == 31
    assert march.contains(day("2025-02-28"))
    assert march.contains(day("2025-03-30"))
    assert not march.contains(day("2025-03-31"))
    assert not march.contains(day("2025-02-27"))


def test_a_period_may_be_empty_but_never_ends_before_it_starts():
    """An empty period has no days and contains none."""
    nothing = Period(day("2025-01-01"), day("2025-01-01"))
    assert nothing.days == 0
    assert not nothing.contains(day("2025-01-01"))
    with pytest.raises(Invalid) as refused:
        Period(start_on=day("2025-01-02"), end_on=day("2025-01-01"))
    assert (refused.value.code, refused.value.param) == ("invalid_period", "end_on")


@pytest.mark.parametrize("frequency", RECURRING)
def test_periods_meet_for_sixty_years_from_every_anchor_day(frequency: Frequency):
    """From every day of a leap year, 60 years of periods leave no gap and no overlap, and index_at finds each again."""
    count = 60 * 12 // frequency.months if frequency.months else 60 * 366 // frequency.days
    phases = 366 if frequency.months else frequency.days
    for anchor in (date(2024, 1, 1) + timedelta(days=n) for n in range(phases)):
        days = [p.boundary(anchor, frequency, n) for n in range(count + 1)]
        assert days[0] == anchor
        assert all(one < other for one, other in pairwise(days))
        for n, (start, end) in enumerate(pairwise(days)):
            assert (
                p.index_at(anchor, frequency, start)
                == p.index_at(anchor, frequency, end - timedelta(days=1))
                == n
            )


@pytest.mark.parametrize("frequency", [f for f in RECURRING if f.months])
def test_a_boundary_is_the_anchors_day_or_the_months_last(frequency: Frequency):
    """In every month of every interval the boundary is the anchor's day of month, or the last if there is none."""
    for anchor in (date(2024, 1, 1) + timedelta(days=n) for n in range(366)):
        for n in range(-8, 60 * 12 // frequency.months):
            months = anchor.year * 12 + anchor.month - 1 + n * frequency.months
            year, month = months // 12, months % 12 + 1
            last = monthrange(year, month)[1]
            assert p.boundary(anchor, frequency, n) == date(year, month, min(anchor.day, last))


@given(anchors, frequencies, st.dates(date(1800, 1, 1), date(2300, 12, 31)))
def test_every_day_lies_in_exactly_the_period_index_at_names(anchor: date, frequency: Frequency, on: date):
    """Any day, before the anchor or after, lies in the period of its index."""
    assert p.period(anchor, frequency, p.index_at(anchor, frequency, on)).contains(on)


@given(anchors, frequencies, st.integers(-300, 500))
def test_periods_meet_at_any_distance(anchor: date, frequency: Frequency, n: int):
    """Each period ends on the day the next begins, and the index of its start is its own."""
    this = p.period(anchor, frequency, n)
    assert this.end_on == p.period(anchor, frequency, n + 1).start_on
    assert this.days >= 7
    assert p.index_at(anchor, frequency, this.start_on) == n


@pytest.mark.parametrize("zone", ZONES)
@settings(max_examples=60, deadline=None)
@given(anchor=st.dates(date(1980, 1, 1), date(2030, 12, 31)), frequency=frequencies, hour=hours)
def test_sixty_years_of_boundaries_rise_as_instants(zone: str, anchor: date, frequency: Frequency, hour: int):
    """Through every change of the clock each billing moment is later than the one before, on its own local day."""
    count = 60 * 12 // frequency.months if frequency.months else 60 * 366 // frequency.days
    days = [p.boundary(anchor, frequency, n) for n in range(count + 1)]
    moments = [p.moment(on, hour, zone) for on in days]
    assert all(one < other for one, other in pairwise(moments))
    late = {
        on: p.local_date(at, zone)
        for on, at in zip(days, moments, strict=True)
        if p.local_date(at, zone) != on
    }
    assert all(shown == on + timedelta(days=1) and not exists(on, hour, zone) for on, shown in late.items())


def exists(on: date, hour: int, zone: str) -> bool:
    """Whether the clocks there ever showed that hour of that day."""
    local = datetime(on.year, on.month, on.day, hour, tzinfo=ZoneInfo(zone))
    return local.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) == local.replace(tzinfo=None)


@pytest.mark.parametrize(
    ("on", "hour", "zone", "instant"),
    [
        ("2026-01-31", 6, "UTC", "2026-01-31T06:00"),
        ("2026-01-31", 6, "Europe/Paris", "2026-01-31T05:00"),
        ("2026-07-31", 6, "Europe/Paris", "2026-07-31T04:00"),
        ("2026-01-01", 0, "Pacific/Kiritimati", "2025-12-31T10:00"),
        ("2026-01-31", 23, "Asia/Kolkata", "2026-01-31T17:30"),
        # 02:00 is skipped: the clock jumps at 07:00 UTC.
        ("2026-03-08", 2, "America/New_York", "2026-03-08T07:00"),
        # 01:00 comes twice: the first.
        ("2026-11-01", 1, "America/New_York", "2026-11-01T05:00"),
        # Midnight is skipped.
        ("2018-11-04", 0, "America/Sao_Paulo", "2018-11-04T03:00"),
        # Half an hour is skipped, 02:00 to 02:30.
        ("2026-10-04", 2, "Australia/Lord_Howe", "2026-10-03T15:30"),
        # Two hours are skipped, 01:00 to 03:00: both jump at once.
        ("2026-03-29", 1, "Antarctica/Troll", "2026-03-29T01:00"),
        ("2026-03-29", 2, "Antarctica/Troll", "2026-03-29T01:00"),
        ("2026-03-29", 3, "Antarctica/Troll", "2026-03-29T01:00"),
        # Newfoundland's clock jumped at a minute past midnight, 00:01 to 01:01; Casey's three hours, 00:01 to 03:01.
        ("2011-03-13", 0, "America/St_Johns", "2011-03-13T03:30"),
        ("2011-03-13", 1, "America/St_Johns", "2011-03-13T03:31"),
        ("2022-10-02", 1, "Antarctica/Casey", "2022-10-01T16:01"),
        ("2022-10-02", 3, "Antarctica/Casey", "2022-10-01T16:01"),
        # The whole day is skipped: every hour of it is the midnight after.
        ("2011-12-30", 0, "Pacific/Apia", "2011-12-30T10:00"),
        ("2011-12-30", 23, "Pacific/Apia", "2011-12-30T10:00"),
        ("2011-12-31", 0, "Pacific/Apia", "2011-12-30T10:00"),
        ("2011-12-29", 23, "Pacific/Apia", "2011-12-30T09:00"),
        # Summer time ends for Ramadan, 03:00 back to 02:00, and begins again after it.
        ("2026-02-15", 2, "Africa/Casablanca", "2026-02-15T01:00"),
        ("2026-03-22", 2, "Africa/Casablanca", "2026-03-22T02:00"),
    ],
)
def test_a_billing_hour_has_its_instant(on: str, hour: int, zone: str, instant: str):
    """A local day and hour is one UTC instant: the first of two, or the jump where there is none."""
    moment = p.moment(day(on), hour, zone)
    assert moment == datetime.fromisoformat(instant).replace(tzinfo=UTC)
    assert moment.tzinfo is UTC


@pytest.mark.parametrize("zone", ZONES)
def test_a_moment_is_the_first_at_which_the_clock_has_got_there(zone: str):
    """Around every change of the clock since 2005, a moment is where a walk by quarter hours first reads that hour."""
    for on in changes(zone, range(2005, 2030)):
        midnight = datetime(on.year, on.month, on.day, tzinfo=UTC)
        walk = [midnight + timedelta(minutes=15 * n) for n in range(-28 * 4, 40 * 4)]
        clock = [at.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for at in walk]
        for hour in range(24):
            wanted = datetime(on.year, on.month, on.day, hour)  # noqa: DTZ001 - a wall clock
            reached = next(at for at, shown in zip(walk, clock, strict=True) if shown >= wanted)
            assert p.moment(on, hour, zone) == reached


def changes(zone: str, years: range) -> list[date]:
    """The days around which the offset changes."""
    noons = [datetime(years.start, 1, 1, 12, tzinfo=UTC) + timedelta(days=n) for n in range(366 * len(years))]
    offsets = [noon.astimezone(ZoneInfo(zone)).utcoffset() for noon in noons]
    changed = [noons[n].date() for n in range(1, len(noons)) if offsets[n] != offsets[n - 1]]
    return [on + timedelta(days=beside) for on in changed for beside in (-1, 0, 1)]


@given(st.dates(date(1, 1, 3), date(9999, 12, 28)), hours, st.sampled_from(ZONES))
def test_a_local_day_comes_back_from_its_moment(on: date, hour: int, zone: str):
    """Unless the clock skipped it, the moment of a day falls on that day, at that hour."""
    moment = p.moment(on, hour, zone)
    if exists(on, hour, zone):
        assert p.local_date(moment, zone) == on
        assert moment.astimezone(ZoneInfo(zone)).hour == hour


def test_the_local_day_is_the_zones():
    """One instant is two days, east and west."""
    at = datetime(2026, 1, 31, 21, 17, 3, tzinfo=UTC)
    assert p.local_date(at, "Asia/Tokyo") == day("2026-02-01")
    assert p.local_date(at, "America/New_York") == day("2026-01-31")
    assert p.local_date(at.astimezone(timezone(timedelta(hours=14))), "America/New_York") == day("2026-01-31")


def test_an_instant_needs_its_offset():
    """A time without an offset is no instant."""
    with pytest.raises(Invalid, match="naive_datetime"):
        p.local_date(datetime(2026, 1, 31), "UTC")  # noqa: DTZ001 - the point


@pytest.mark.parametrize("hour", [-1, 24, 100])
def test_an_hour_lies_in_the_day(hour: int):
    """A billing hour is 0 to 23."""
    with pytest.raises(Invalid) as refused:
        p.moment(day("2026-01-31"), hour, "UTC")
    assert (refused.value.code, refused.value.param) == ("invalid_hour", "hour")


@pytest.mark.parametrize(
    "zone", [*ZONES, "America/Argentina/Buenos_Aires", "Etc/GMT+12", "America/Port-au-Prince"]
)
def test_an_iana_zone_is_accepted(zone: str):
    """What the time zone database names is a zone."""
    p.check_zone(zone)


@pytest.mark.parametrize(
    "zone",
    ["", " ", "Mars/Phobos", "America", "Europe/", "/etc/localtime", "../../etc/passwd", "Europe/../UTC", "Europe//Paris",
     "Europe/Paris\0", "Europe/Paris\n", "posix/Europe/Paris", "right/UTC", "localtime", "posixrules", "zone.tab",
     "+01:00", "Ünited/Kingdom", "A" * 10_000],
)  # fmt: skip
def test_what_is_no_iana_zone_is_refused(zone: str):
    """An unknown name, a path, or a name of the system's own, is refused."""
    with pytest.raises(Invalid) as refused:
        p.check_zone(zone)
    assert (refused.value.code, refused.value.param) == ("unknown_zone", "zone")


def test_what_is_billed_once_has_no_periods():
    """A one-time line has no boundary, no period and no index."""
    for ask in (p.boundary, p.period):
        with pytest.raises(Invalid, match="not_recurring"):
            ask(day("2026-01-31"), Frequency.ONE_TIME, 1)
    with pytest.raises(Invalid, match="not_recurring"):
        p.index_at(day("2026-01-31"), Frequency.ONE_TIME, day("2026-01-31"))


@pytest.mark.parametrize(
    "ask",
    [
        lambda: p.boundary(day("2026-01-31"), Frequency.PER_FIVE_YEARS, 2000),
        lambda: p.boundary(day("2026-01-31"), Frequency.WEEKLY, 10**6),
        lambda: p.boundary(day("2026-01-31"), Frequency.WEEKLY, 10**30),
        lambda: p.boundary(day("2026-01-31"), Frequency.MONTHLY, -30_000),
        lambda: p.period(day("9999-12-31"), Frequency.WEEKLY, 0),
        lambda: p.add_months(day("9999-12-01"), 1),
        lambda: p.add_months(day("0001-01-01"), -1),
        lambda: p.moment(day("0001-01-01"), 0, "Asia/Tokyo"),
        lambda: p.moment(day("9999-12-31"), 23, "America/New_York"),
        lambda: p.local_date(datetime(9999, 12, 31, 23, tzinfo=UTC), "Asia/Tokyo"),
    ],
)
def test_dates_end_with_the_year_9999(ask):
    """Whatever would lie outside the years 1 to 9999 is refused, not wrapped."""
    with pytest.raises(Invalid, match="date_out_of_range"):
        ask()


def test_the_first_and_the_last_year_are_within():
    """Dates reach from the first day of the year 1 to the last of 9999."""
    assert p.add_months(day("0001-02-01"), -1) == day("0001-01-01")
    assert p.add_months(day("9999-11-30"), 1) == day("9999-12-30")
    assert p.boundary(day("9999-12-24"), Frequency.WEEKLY, 1) == day("9999-12-31")


@pytest.mark.parametrize(
    ("from_", "months", "to"),
    [("2024-01-31", 1, "2024-02-29"), ("2024-03-31", -1, "2024-02-29"), ("2023-12-31", 2, "2024-02-29"), ("2024-02-29", 12, "2025-02-28"),
     ("2024-02-29", 0, "2024-02-29"), ("2024-01-15", -13, "2022-12-15"), ("1900-01-31", 1, "1900-02-28"), ("2000-01-31", 1, "2000-02-29")],
)  # fmt: skip
def test_months_are_added_to_a_day(from_: str, months: int, to: str):
    """The same day of another month, or its last."""
    assert p.add_months(day(from_), months) == day(to)


def test_every_zone_of_the_database_is_accepted_its_old_names_too():
    """What IANA lists, the backward list included, is a zone; an old name is billed as the new one is."""
    names = available_timezones() - {"localtime"}
    assert len(names) > 500
    for name in names:
        p.check_zone(name)
    for old, new in (
        ("US/Pacific", "America/Los_Angeles"),
        ("Asia/Calcutta", "Asia/Kolkata"),
        ("Europe/Kiev", "Europe/Kyiv"),
        ("America/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("GB", "Europe/London"),
        ("NZ-CHAT", "Pacific/Chatham"),
    ):
        days = [day("2026-01-01") + timedelta(days=n) for n in range(366)]
        assert [p.moment(on, 2, old) for on in days] == [p.moment(on, 2, new) for on in days]


def test_a_day_is_chosen_up_to_ten_years_ahead():
    """The same day ten years on is the last, of 29 February the 28th; the sentence says which."""
    p.check_near(day("2036-01-31"), day("2026-01-31"), "on")
    p.check_near(day("2034-02-28"), day("2024-02-29"), "on")
    for on, today in (
        ("2036-02-01", "2026-01-31"),
        ("2034-03-01", "2024-02-29"),
        ("9999-12-31", "2026-01-31"),
    ):
        with pytest.raises(Invalid, match="too_far_ahead") as refused:
            p.check_near(day(on), day(today), "on")
        assert refused.value.param == "on"
    with pytest.raises(Invalid, match="2036-01-31"):
        p.check_near(day("2036-02-01"), day("2026-01-31"), "on")
