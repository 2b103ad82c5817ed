"""The field's cases on billing dates, answered with boundaries counted from an anchor."""

import re
from datetime import UTC, date, datetime, timedelta

from chalicelib.billing import periods
from chalicelib.billing.periods import Frequency, Period
from tests.cases import field
from tests.cases.field import Case, Values

DAY = timedelta(days=1)
MONTHS = {"monthly": 1, "quarterly": 3, "semiannual": 6, "biannual": 6, "yearly": 12, "annual": 12}
DAYS = {"weekly": 7, "biweekly": 14}


@field.cases("billing_dates")
def test_billing_dates(case: Case):
    """Boundaries are counted from an anchor, clamped to a short month's last day, and never drift.

    Where the sources disagree on a day that a month lacks, ours is the clamp: the day is neither skipped (RFC 5545)
    nor lost for good (drift). A billing day other than the start's, or the calendar's own months and weeks, is an anchor
    elsewhere: the periods are those of that anchor, cut at the start and the end of the subscription.
    """
    field.check(case, {
        "sequence": sequence,
        "sequence_drift": sequence,
        "sequence_rfc5545": sequence_of_rule,
        "align_then_sequence": aligned_sequence,
        "align_to_day": aligned_day,
        "next_week_cycle": next_week,
        "whole_periods": whole_periods,
        "local_day": local_day,
        "segments": segments,
        "cycle_alignment": cycles,
        "billed_period": billed_period,
        "usage_period": billed_period,
        "next_period_end": current_period,
        "period_start": current_period,
        "full_period_days": current_period,
        "sequence_periods": sequence_of_periods,
        "advance_period": period_in_advance,
        "arrear_period": period_in_arrears,
        "elapsed_cycles": elapsed,
        "period_containing": period_containing,
        "calendar_anchor": next_of_calendar,
        "next_billing_date": next_instant,
        "first_invoice_date": first_invoice,
        "month_end_cycles": months_of_calendar,
    })  # fmt: skip


# Plain sequences.


def sequence(given: Values) -> Values:
    back = -1 if given.get("direction", "advance") != "advance" else 1
    return dates(on(given["anchor"]), every(given), [back * n for n in given["n"]])


def sequence_of_rule(given: Values) -> Values:
    rule = dict(part.split("=") for part in given["rule"].split(";"))
    if not rule.keys() <= {"FREQ", "COUNT", "INTERVAL"}:
        field.left_out("a rule by day, week or set of dates")
    each = frequency(rule["FREQ"].lower(), int(rule.get("INTERVAL", "1")))
    return dates(on(given["anchor"]), each, list(range(int(rule["COUNT"]))))


def aligned_sequence(given: Values) -> Values:
    return dates(aligned(on(given["start"]), given["billing_cycle_day"]), every(given), given["n"])


def dates(anchor: date, each: Frequency | int, ns: list[int]) -> Values:
    return {"dates": [text(step(anchor, each, n)) for n in ns]}


def aligned_day(given: Values) -> Values:
    day, wanted = on(given["date"]), given["billing_cycle_day"]
    if given["mode"] == "next":
        return {"date": text(aligned(day, wanted))}
    return {"date": text(periods.boundary(january(day, wanted), Frequency.MONTHLY, 12 + day.month - 1))}


def next_week(given: Values) -> Values:
    each = frequency("weekly", given["every_days"] // 7) if given["every_days"] % 7 == 0 else unsold()
    return {"date": text(first_from(on(given["anchor"]), each, on(given["on_or_after"])))}


def whole_periods(given: Values) -> Values:
    return {"whole_periods": periods.index_at(on(given["start"]), ours(given), on(given["end"]))}


def local_day(given: Values) -> Values:
    return {"day_of_month": periods.local_date(at(given["instant"]), given["timezone"]).day}


# Kill Bill: a billing-cycle day of the account, in advance, in arrear, or greedy.


def segments(given: Values) -> Values:
    start, end, target = on(given["start"]), on_or_never(given["end"]), on(given["target"])
    cut = within(aligned(start, given["billing_cycle_day"]), ours(given), Period(start, end), target)
    due = cut if given["billing_mode"] == "in_advance" else [part for part in cut if part.end_on <= target]
    return {"periods": [[text(part.start_on), text(part.end_on)] for part in due]}


def cycles(given: Values) -> Values:
    start, end, each = on(given["start"]), on_or_never(given["end"]), ours(given)
    first = aligned(start, given["billing_cycle_day"])
    answer = {"first_cycle_date": text(first)}
    if "target" not in given:
        return answer
    target = on(given["target"])
    cut = within(first, each, Period(start, end), target)
    greedy = given["billing_mode"] != "in_arrear"
    billed = max((part.end_on for part in cut if greedy or part.end_on <= target), default=None)
    last = periods.index_at(first, each, min(end, first_from(first, each, target + DAY)))
    return answer | {
        "billed_through": billed and text(billed),
        "next_cycle_date": text(first_from(first, each, max(billed or target, target) + DAY)),
        "last_cycle_date": text(periods.boundary(first, each, last)),
    }


# Lago: the anniversary of the subscription or the calendar, in the customer's zone; what it tells are instants.


def billed_period(given: Values) -> Values:
    zone, run = given["timezone"], local(given, "run_at")
    each, anchor, started = ours(given), anchor_of(given), local(given, "started_at")
    n = periods.index_at(anchor, each, run)
    if "terminated_at" in given:
        n = periods.index_at(anchor, each, local(given, "terminated_at") - DAY)
    elif given["billing"] == "arrears" or "component" in given:
        n -= 1
    whole = periods.period(anchor, each, n)
    return {
        "from": instant(max(whole.start_on, started), zone),
        "to_exclusive": instant(whole.end_on, zone),
        "days_in_full_period": whole.days,
    }


def current_period(given: Values) -> Values:
    zone, anchor, each = given["timezone"], anchor_of(given), ours(given)
    n = periods.index_at(anchor, each, local(given, "run_at" if "run_at" in given else "on"))
    whole = periods.period(anchor, each, n)
    return {
        "previous_from": instant(periods.boundary(anchor, each, n - 1), zone),
        "current_from": instant(whole.start_on, zone),
        "to_exclusive": instant(whole.end_on, zone),
        "days_in_full_period": whole.days,
    }


def sequence_of_periods(given: Values) -> Values:
    anchor, each = anchor_of(given), ours(given)
    parts = [periods.period(anchor, each, n) for n in range(given["count"])]
    return {"periods": [[text(max(part.start_on, on(given["anchor"]))), text(part.end_on)] for part in parts]}


def anchor_of(given: Values) -> date:
    """The subscription's own day, or the first day of the week, month, quarter, half or year it falls in."""
    day = local(given, "anchor")
    return day if given["alignment"] == "anniversary" else calendar(day, given["frequency"])


# Meteroid: a billing day; the first, partial cycle counts as one.


def period_in_advance(given: Values) -> Values:
    day, each = on(given["invoice_date"]), ours(given)
    first = aligned(day, given["billing_day"])
    if not given["first_period"] and first != day:
        field.left_out("advance_period: an invoice that is not on its billing day")
    return half_open(Period(day, first) if first > day else periods.period(day, each, 0))


def period_in_arrears(given: Values) -> Values:
    day = on(given["invoice_date"])
    if aligned(day, given["billing_day"]) != day:
        field.left_out("arrear_period: an invoice that is not on its billing day")
    before = periods.period(day, ours(given), -1)
    return half_open(Period(max(before.start_on, on(given["start"])), before.end_on))


def elapsed(given: Values) -> Values:
    start, day = on(given["start"]), on(given["on"])
    first = aligned(start, given["billing_day"])
    return {"elapsed_cycles": max(0, periods.index_at(first, ours(given), day) + (first > start))}


def period_containing(given: Values) -> Values:
    start, each = on(given["start"]), ours(given)
    day = max(on(given["on"]), start)
    first = aligned(start, given["billing_day"])
    if day < first:
        return half_open(Period(start, first))
    return half_open(periods.period(first, each, periods.index_at(first, each, day)))


# Flexprice: instants; OCA: months that end with the calendar's.


def next_of_calendar(given: Values) -> Values:
    start, each = at(given["start"]).date(), ours(given)
    return {
        "next_boundary": instant(first_from(calendar(start, given["frequency"]), each, start + DAY), "UTC")
    }


def next_instant(given: Values) -> Values:
    anchor, start, each = at(given["anchor"]), at(given["period_start"]), ours(given)
    if anchor.minute or anchor.second:
        field.left_out("next_billing_date: an anchor with minutes; ours bills at a whole hour")
    n = periods.index_at(anchor.date(), each, start.date())
    near = [
        periods.moment(periods.boundary(anchor.date(), each, n + k), anchor.hour, "UTC") for k in (0, 1, 2)
    ]
    if each.months > 1 and (start.year, start.month) not in {(moment.year, moment.month) for moment in near}:
        field.left_out(
            "next_billing_date: a start within the interval snaps to the anchor's day of its own month"
        )
    following = next(moment for moment in near if moment > start)
    end = given["subscription_end"]
    return {"next": stamp(min(following, at(end)) if end else following)}


def first_invoice(given: Values) -> Values:
    return {"invoice_on": text(step(on(given["start"]), every(given), int(given["billing"] == "post-paid")))}


def months_of_calendar(given: Values) -> Values:
    if given["frequency"] != "monthly last day":
        unsold()
    start, end = on(given["start"]), on(given["end_inclusive"]) + DAY
    parts = within(start.replace(day=1), Frequency.MONTHLY, Period(start, end), end - DAY)
    return {"periods_inclusive": [[text(part.start_on), text(part.end_on - DAY)] for part in parts]}


# An anchor elsewhere, and the periods from it.


def aligned(start: date, day_of_month: int) -> date:
    """The first day from the start on that is that day of its month, or the last of a shorter one."""
    return first_from(january(start, day_of_month), Frequency.MONTHLY, start)


def january(near: date, day_of_month: int) -> date:
    return date(near.year - 1, 1, day_of_month)


def calendar(day: date, name: str) -> date:
    """The first day of the week (Monday), month, quarter, half or year that the day is in."""
    if name in DAYS:
        return day - day.weekday() * DAY
    months = MONTHS.get(name) or unsold()
    return date(day.year, (day.month - 1) // months * months + 1, 1)


def first_from(anchor: date, each: Frequency, day: date) -> date:
    """The first boundary on or after the day."""
    return periods.boundary(anchor, each, periods.index_at(anchor, each, day - DAY) + 1)


def within(anchor: date, each: Frequency, whole: Period, target: date) -> list[Period]:
    """The anchor's periods that begin up to the target, cut at the start and the end of the whole."""
    first, last = (periods.index_at(anchor, each, day) for day in (whole.start_on, target))
    parts = [periods.period(anchor, each, n) for n in range(first, last + 1)]
    cut = [(max(part.start_on, whole.start_on), min(part.end_on, whole.end_on)) for part in parts]
    return [Period(start, end) for start, end in cut if start < end]


def step(anchor: date, each: Frequency | int, n: int) -> date:
    """A boundary of ours, or of a number of months that is not sold, counted by the same rule."""
    if isinstance(each, int):
        return periods.add_months(anchor, each * n)
    return periods.boundary(anchor, each, n)


# Words.


def ours(given: Values) -> Frequency:
    each = every(given)
    return each if isinstance(each, Frequency) else unsold()


def every(given: Values) -> Frequency | int:
    return frequency(given["frequency"], given.get("interval_count", 1))


def frequency(name: str, count: int) -> Frequency | int:
    """The frequency of so many weeks, months or years; a number of months where none is sold."""
    if name not in MONTHS and name not in DAYS:
        unsold()
    wanted = (MONTHS.get(name, 0) * count, DAYS.get(name, 0) * count)
    found = [each for each in Frequency if (each.months, each.days) == wanted]
    return found[0] if found else wanted[0] or unsold()


def unsold():
    field.left_out("an interval that is not sold here")


def on(day: str) -> date:
    return date.fromisoformat(day)


def on_or_never(day: str | None) -> date:
    return on(day) if day else date.max


def at(written: str) -> datetime:
    return datetime.fromisoformat(written)


def local(given: Values, word: str) -> date:
    if re.fullmatch(r"\d{4}-\d\d-\d\d", given[word]):
        return on(given[word])
    return periods.local_date(at(given[word]), given["timezone"])


def text(day: date) -> str:
    return day.isoformat()


def instant(day: date, zone: str) -> str:
    return stamp(periods.moment(day, 0, zone))


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def half_open(part: Period) -> Values:
    return {"from": text(part.start_on), "to_exclusive": text(part.end_on)}
