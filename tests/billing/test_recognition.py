"""What is charged for days is earned by those days, to the cent, and in no day before or after."""

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.billing import issuing, recognition
from chalicelib.billing.credits import Wanted
from chalicelib.billing.periods import Period
from tests.billing.booked import FEBRUARY, START, crediting, issued, line, noon, subscription, unused, usd


def test_a_year_is_earned_by_the_days_of_its_months():
    """365.00 for a year from 15 January: 17.00 by the end of January, 28.00 in February, 14.00 in the last month."""
    year = Period(date(2026, 1, 15), date(2027, 1, 15))
    sold = subscription(line(36500))
    invoice = issuing.issued(sold, sold.lines, year, "INV-000001", noon(year.start_on))
    months = [
        (day.isoformat()[:7], amount)
        for day, amount in recognition.by_month(invoice, [], year.start_on, START, date(2030, 1, 1))
    ]
    assert months[:2] == [("2026-01", 1700), ("2026-02", 2800)]
    assert months[-1] == ("2027-01", 1400)
    assert sum(amount for _, amount in months) == 36500


def test_days_before_an_invoice_are_earned_on_its_day():
    """February billed on 10 March, after an outage: all of it is March's."""
    invoice = issued(line(2800))
    months = list(recognition.by_month(invoice, [], date(2026, 3, 10), START, date(2026, 12, 31)))
    assert months == [(date(2026, 3, 31), 2800)]
    assert list(recognition.by_month(invoice, [], date(2026, 3, 10), START, date(2026, 3, 9))) == []


def test_a_range_within_a_month_has_its_days_alone():
    """Of 28.00 for February, the 10th to the 14th earn 5.00, told on the 14th."""
    got = recognition.by_month(
        issued(line(2800)), [], FEBRUARY.start_on, date(2026, 2, 10), date(2026, 2, 14)
    )
    assert list(got) == [(date(2026, 2, 14), 500)]


def test_a_day_alone_is_a_range():
    """Of 28.00 for February each day earns 1.00, its last one too, and the one after nothing."""
    invoice = issued(line(2800))
    for on in (date(2026, 2, 10), date(2026, 2, 28)):
        assert list(recognition.by_month(invoice, [], FEBRUARY.start_on, on, on)) == [(on, 100)]
    after = FEBRUARY.end_on
    assert list(recognition.by_month(invoice, [], FEBRUARY.start_on, after, after)) == []


def test_a_voided_invoice_earns_nothing_from_the_day_after():
    """Voided on the 11th, February is over on the 12th: nothing is looked for in the days it would have had."""
    assert recognition.over_on(issued(line(2800)), []) == FEBRUARY.end_on
    assert recognition.over_on(replace(issued(line(2800)), voided_on=date(2026, 2, 11)), []) == date(
        2026, 2, 12
    )


def test_a_credit_before_the_first_day_leaves_the_rest_to_its_days():
    """28.00 for February, 14.00 of it given back in January: the other 14.00 is earned from the 1st on, half by the 14th."""
    invoice = issued(line(2800))
    note = crediting(invoice, Wanted(line=0, amount=usd(1400)), day=date(2026, 1, 20))
    by = [
        recognition.earned(invoice, [note], date(2026, month, day))
        for month, day in ((1, 31), (2, 14), (2, 28))
    ]
    assert by == [0, 700, 1400]


def test_what_unused_days_leave_is_earned_by_the_days_that_were_used():
    """10.00 for February less 6.43 for the days from the 11th: the 3.57 that are left are earned by the 10th, but for a cent."""
    invoice = issued(line(1000))
    day = date(2026, 2, 11)
    note = crediting(invoice, unused(invoice, 0, day), day=day)
    assert (note.total, recognition.earned(invoice, [note], date(2026, 2, 10))) == (usd(643), 357)
    sure = crediting(invoice, unused(invoice, 0, date(2026, 2, 21)), day=day)
    # 20 days are used: what is left on the 11th is earned by the 20th, not by the end of the month.
    assert recognition.earned(invoice, [sure], date(2026, 2, 20)) == 714
    assert recognition.over_on(invoice, [sure]) == date(2026, 2, 21)


days = st.dates(date(2025, 12, 1), date(2027, 6, 1))


@given(
    amount=st.integers(0, 10**6),
    start=st.dates(date(2026, 1, 1), date(2026, 6, 1)),
    length=st.integers(1, 400),
    seen=st.lists(days, min_size=1, max_size=8),
)
def test_what_is_earned_by_any_day_is_its_days_share_rounded_once(
    amount: int, start: date, length: int, seen: list[date]
):
    """No day is more than half a cent from the exact share of the days so far, and the months sum to the line."""
    period = Period(start, start + timedelta(days=length))
    sold = subscription(line(amount))
    invoice = issuing.issued(sold, sold.lines, period, "INV-000001", noon(start))
    for day in seen:
        gone = min(max((day - start).days + 1, 0), length)
        exact = Fraction(amount * gone, length)
        assert abs(recognition.earned(invoice, [], day) - exact) <= Fraction(1, 2)
    months = list(recognition.by_month(invoice, [], start, START, date(2030, 1, 1)))
    assert sum(part for _, part in months) == amount
    assert len({day.isoformat()[:7] for day, _ in months}) == len(months)
