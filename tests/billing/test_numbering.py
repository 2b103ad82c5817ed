"""Numbers count without a gap, under any prefix, over the years or anew in each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.billing.audits import gaps
from chalicelib.billing.errors import Invalid
from chalicelib.billing.numbering import Series, check_prefix, counted, position, position_of

PREFIXES = ("INV-", "R-", "", "A/")
FRESH = Series(account="acct_1", id="invoice", prefix="INV-")


def given_away(steps: list[tuple[str, int]], series: Series = FRESH) -> tuple[Series, list[str]]:
    """The numbers of invoices, each issued under a prefix and in a year (0: numbers go on)."""
    numbers = []
    for prefix, year in steps:
        series = series.standing(prefix, year)
        numbers.append(series.number)
        series = series.advanced()
    return series, numbers


def test_they_go_on_under_another_prefix():
    """A changed prefix begins nothing anew."""
    _, numbers = given_away([("INV-", 0), ("INV-", 0), ("R-", 0), ("INV-", 0)])
    assert numbers == ["INV-000001", "INV-000002", "R-000003", "INV-000004"]


def test_they_begin_anew_each_year():
    """With the year behind the prefix, from one; those that went on before are where they were."""
    steps = [("INV-", 0), ("INV-", 2026), ("INV-", 2026), ("R-", 2026), ("R-", 2027), ("R-", 0), ("R-", 2027)]
    assert given_away(steps)[1] == [
        *("INV-000001", "INV-2026-000001", "INV-2026-000002", "R-2026-000003"),
        *("R-2027-000001", "R-000002", "R-2027-000002"),
    ]


def test_a_year_that_has_begun_is_not_gone_back_from():
    """The zone is moved west in the night of New Year: the old year's numbers are over, and none comes twice."""
    assert given_away([("", 2027), ("", 2026), ("", 2027)])[1] == [
        "2027-000001",
        "2027-000002",
        "2027-000003",
    ]


@given(st.lists(st.tuples(st.sampled_from(PREFIXES), st.sampled_from((0, 2026, 2027, 2028))), max_size=40))
def test_no_number_comes_twice_and_none_is_missing(steps: list[tuple[str, int]]):
    """Whatever the settings are when, an audit in the order of the list finds nothing, and misses any one that is taken out."""
    series, numbers = given_away(steps)
    assert len(set(numbers)) == len(numbers)
    listed = sorted(numbers, key=position)
    assert list(gaps(listed, None, series.last, over=True)) == []
    for cut in range(len(listed) + 1):
        before = position(listed[cut - 1]) if cut else None
        assert list(gaps(listed[:cut], None, series.last, over=False)) == []
        assert list(gaps(listed[cut:], before, series.last, over=True)) == []
    for n in range(len(listed)):
        assert list(gaps(listed[:n] + listed[n + 1 :], None, series.last, over=True)) != []


@pytest.mark.parametrize(
    ("prefix", "code"),
    [("R1", "prefix_ends_in_digit"), ("2026", "prefix_ends_in_digit"), ("R-2026-", "prefix_ends_in_year")],
)
def test_a_prefix_that_could_be_a_part_of_the_number_is_refused(prefix: str, code: str):
    """R1 and 000001 would be R and 1000001, and a year of its own another series' number."""
    with pytest.raises(Invalid) as refused:
        check_prefix(prefix, "invoice_prefix")
    assert (refused.value.code, refused.value.param) == (code, "invoice_prefix")
    for fine in ("", "INV-", "26-R-", "R/2026/", "R-026-"):
        check_prefix(fine, "invoice_prefix")


def test_numbers_sort_as_they_count():
    """Six digits are the fewest, not the most; a number's place says its year and count."""
    numbers = ["INV-000009", "R-999999", "INV-1000000", "R-2026-000001", "R-2026-1000000", "INV-2027-000001"]
    assert sorted(numbers, key=position) == numbers
    assert [position_of(position(one)) for one in numbers] == [counted(one) for one in numbers]
