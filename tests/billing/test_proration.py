"""A change within a period gives back days that were charged, and charges the same days anew, to a rounding each."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.billing import boundaries, gaps, issuing, lines, proration
from chalicelib.billing import credits as notes
from chalicelib.billing.discounts import Discount
from chalicelib.billing.invoices import InvoiceStatus
from chalicelib.billing.lines import Kind, Line, Share
from chalicelib.billing.money import Money
from chalicelib.billing.periods import Frequency
from chalicelib.billing.proration import Settlement
from chalicelib.billing.tax import Tax
from tests.billing.lived import (
    DAY,
    NOW,
    START,
    Lived,
    amounts,
    line,
    line_sets,
    settle,
    some_line,
    subscription,
)

HALF = Fraction(1, 2)
percents = st.lists(st.sampled_from([Decimal(10), Decimal("33.333"), Decimal(50)]), max_size=2)


def test_the_day_of_the_change_is_the_new_lines():
    """On 11 January 10 of 31 days are used: 21 are given back of the old line and charged of the new."""
    settled = proration.changed(
        Lived(subscription()).standing,
        (line(),),
        (line(unit_amount=6200),),
        date(2026, 1, 11),
        currency="usd",
    )
    assert amounts(settled) == ([2100], [4200])
    (debit,) = settled.debits
    assert (debit.kind, debit.share) == (
        Kind.PRORATION,
        Share(days=21, of_days=31, start_on=date(2026, 1, 11), end_on=date(2026, 2, 1)),
    )


@pytest.mark.parametrize(
    ("on", "back", "charged"),
    [
        (date(2026, 1, 1), [3100], [6200]),
        (date(2026, 1, 31), [100], [200]),
        (date(2026, 2, 1), [], []),
        (date(2026, 3, 1), [], []),
    ],
)
def test_from_the_whole_period_to_nothing_of_it(on: date, back: list[int], charged: list[int]):
    """On its first day a period is given back whole, on its last one day, and when it is over nothing."""
    assert settle(subscription(), [line(unit_amount=6200)], on) == (back, charged)


def test_lines_that_do_not_change_are_left_alone():
    """A line that is there before and after, whatever its text, is neither given back nor charged; one that goes, or comes, is."""
    before = subscription(line("li_1"), line("li_2", 6200), line("li_3", 3100))
    after = [
        replace(line("li_1"), name="Called otherwise", description="Whole beans", sku="A-1"),
        line("li_3", 9300),
        line("li_4", 31),
    ]
    settled = proration.changed(
        Lived(before).standing, before.lines, after, date(2026, 1, 31), currency="usd"
    )
    ((_, wanted),) = settled.credits
    assert [one.line for one in wanted] == [1, 2]
    assert [(one.id, lines.amount(one, "usd").amount) for one in settled.debits] == [
        ("li_3", 300),
        ("li_4", 1),
    ]


def test_another_tax_is_another_line():
    """A line whose tax changes is given back with the old tax and charged with the new."""
    old, new = (Tax(id="txr_1", name="VAT", percent=Decimal(percent)) for percent in (19, 7))
    taxed = (line(taxes=("txr_1",)),)
    assert proration.differing(taxed, taxed, ({"txr_1": old}, {"txr_1": old})) == (frozenset(), ())
    assert proration.differing(taxed, taxed, ({"txr_1": old}, {"txr_1": new})) == (frozenset({"li_1"}), taxed)


def test_what_is_sold_once_and_fees_have_no_days():
    """Lines sold once, and fees, are never given back for days."""
    sold = line("li_1"), line("li_2", kind=Kind.ONE_TIME), line("li_3", kind=Kind.FEE)
    period = Lived(subscription(*sold))
    ((_, wanted),) = proration.ended(period.standing, date(2026, 1, 16)).credits
    assert [one.line for one in wanted] == [0]


def test_percentages_are_given_again_and_amounts_are_not():
    """A charge has the percentages that were off the period's invoice, where they are for its product; an amount was given."""
    off = (
        Discount(coupon="all", name="All", percent=Decimal(10)),
        Discount(coupon="tea", name="Tea", percent=Decimal(50), products=("prod_tea",)),
        Discount(coupon="ten", name="Ten", amount=Money(1000, "usd")),
    )
    before = subscription(line(product="prod_tea"), discounts=off)
    period = Lived(before)
    assert period.invoices[0].total.amount == 3100 - 310 - 1395 - 1000
    after = [line("li_1", 6200, product="prod_tea"), line("li_2", 6200)]
    settled = proration.changed(period.standing, before.lines, after, START, currency="usd")
    assert amounts(settled) == ([395], [2790, 5580])


def test_discounts_that_are_changed_too_are_those_of_the_charge():
    """Where the discounts change with the lines, the charge has the new ones' percentages, and the credit is of what was paid."""
    before = subscription(discounts=(Discount(coupon="all", name="All", percent=Decimal(25)),))
    assert settle(before, [line(unit_amount=31000)], date(2026, 1, 17), discounts=[]) == ([1125], [15000])


def test_days_given_back_once_are_not_given_back_again():
    """A second change gives back what the first charged, not what it gave back."""
    period = Lived(subscription())
    period.changes([line(unit_amount=6200)], date(2026, 1, 11))
    second = period.changes([line(unit_amount=9300)], date(2026, 1, 21))
    assert [invoice.besides for invoice, _ in second.credits] == [True]
    assert period.charged == 10 * 100 + 10 * 200 + 11 * 300


def test_a_charge_that_waits_is_cut_in_place_of_being_given_back():
    """What has not been invoiced yet is charged up to the day of the next change; on its own day it is gone."""
    period = Lived(subscription())
    period.changes([line(unit_amount=6200)], date(2026, 1, 11), at_once=False)
    assert not period.changes([line(unit_amount=9300)], date(2026, 1, 21), at_once=False).credits
    assert [one.share.days for one in period.now.extras if one.share] == [10, 11]
    period.changes([line(unit_amount=3100)], date(2026, 1, 21), at_once=False)
    assert [one.share.days for one in period.now.extras if one.share] == [10, 11]
    assert period.charged == 10 * 100 + 10 * 200 + 11 * 100


def test_charges_of_a_period_that_is_over_are_not_given_back():
    """What the next invoice charges for the period before it stays charged when that is changed."""
    period = Lived(subscription())
    period.changes([line(unit_amount=6200)], date(2026, 1, 11), at_once=False)
    period.invoices = [issuing.invoice_of(period.now, "INV-2", NOW)]
    period.now, period.notes = period.now.renewed(), []
    assert [one.kind for one in period.invoices[0].lines] == [None, Kind.PRORATION]
    ((_, wanted),) = proration.ended(period.standing, date(2026, 2, 15)).credits
    assert [(one.line, one.share) for one in wanted] == [
        (0, Share(days=14, of_days=28, start_on=date(2026, 2, 15), end_on=date(2026, 3, 1)))
    ]
    longer = replace(period.standing, next_on=date(2026, 3, 11), shifted=10)
    ((_, wanted),) = proration.ended(longer, date(2026, 2, 15)).credits
    assert [(one.line, one.share.days) for one in wanted if one.share] == [(0, 24)]


def test_what_was_taken_back_or_given_up_is_not_given_back():
    """Nothing is given back of an invoice that is void or uncollectible, or of a line that was credited whole."""
    for status in (InvoiceStatus.VOID, InvoiceStatus.UNCOLLECTIBLE):
        period = Lived(subscription())
        period.invoices = [replace(period.invoices[0], status=status)]
        assert not proration.ended(period.standing, date(2026, 1, 11)).credits
    period = Lived(subscription())
    (invoice,) = period.invoices
    whole = notes.credited(invoice, [], notes.whole(invoice, []), number="CN-1", now=NOW, day=START)
    period.notes = [whole]
    assert not proration.ended(period.standing, date(2026, 1, 11)).credits


def test_days_a_pause_shifted_are_still_to_come():
    """Paused for ten days on the eleventh day, twenty-one are left when it goes on: they are given back, and charged."""
    period = Lived(subscription())
    paused = boundaries.paused(period.now, datetime(2026, 1, 11, 12, tzinfo=UTC))
    period.now = boundaries.resumed(paused, date(2026, 1, 21), shifts=True)
    assert period.now.next_on == date(2026, 2, 11)
    settled = proration.changed(
        period.standing, (line(),), (line(unit_amount=6200),), date(2026, 1, 21), currency="usd"
    )
    assert amounts(settled) == ([2100], [4200])
    later = proration.changed(
        period.standing, (line(),), (line(unit_amount=6200),), date(2026, 1, 31), currency="usd"
    )
    assert amounts(later) == ([1100], [2200])


def test_days_nobody_paid_for_are_not_charged_by_a_change():
    """Resumed without shifting after its period was over, what is left of the running one was never charged: a change is free till then."""
    period = Lived(subscription())
    paused = boundaries.paused(period.now, datetime(2026, 1, 11, 12, tzinfo=UTC))
    period.now = boundaries.resumed(paused, date(2026, 3, 10), shifts=False)
    assert period.now.next_on == date(2026, 4, 1)
    settled = proration.changed(
        period.standing, (line(),), (line(unit_amount=6200),), date(2026, 3, 15), currency="usd"
    )
    assert settled == Settlement(credits=(), debits=(), extras=())


def test_days_a_later_date_added_are_changed_with_the_rest():
    """Charged for ten days more, an upgrade gives back those invoiced, drops those that wait, and charges all of them anew."""
    period = Lived(subscription())
    added = Share(days=10, of_days=28, start_on=date(2026, 2, 1), end_on=date(2026, 2, 11))
    extra = replace(line(), kind=Kind.PRORATION, share=added)
    period.now = replace(boundaries.moved(period.now, date(2026, 2, 11)), extras=(extra,))
    settled = proration.changed(
        period.standing, (line(),), (line(unit_amount=6200),), date(2026, 1, 22), currency="usd"
    )
    assert [wanted[0].share.days for _, wanted in settled.credits if wanted[0].share] == [10]
    assert settled.extras == ()
    assert [one.share.days for one in settled.debits if one.share] == [20]


def test_days_given_for_nothing_are_neither_charged_nor_given_back():
    """Moved ten days on without a charge, 27 days are to come on the fifth day that anybody paid for; once they are over, none."""
    period = Lived(subscription())
    period.now = boundaries.moved(period.now, date(2026, 2, 11))
    settled = proration.changed(
        period.standing, (line(),), (line(unit_amount=6200),), date(2026, 1, 5), currency="usd"
    )
    assert amounts(settled) == ([2700], [5400])
    assert proration.ended(period.standing, date(2026, 2, 1)).credits == ()


def test_days_settled_while_the_date_was_earlier_are_not_charged_again():
    """Moved to the 20th, changed up to there, and moved back: days from the 20th on were paid for at the old price, and stay so."""
    period = Lived(subscription())
    period.now = boundaries.moved(period.now, date(2026, 1, 20))
    period.changes([line(unit_amount=6200)], date(2026, 1, 8))
    period.now = boundaries.moved(period.now, date(2026, 2, 1))
    period.changes([line(unit_amount=9300)], date(2026, 1, 15))
    assert period.charged == 7 * 100 + 7 * 200 + 5 * 300 + 12 * 100


days_apart = st.lists(
    st.tuples(st.sampled_from(["lives", "pauses", "moves"]), st.integers(1, 20)), max_size=8
)


@given(days_apart)
def test_what_is_given_back_is_the_days_that_were_paid_and_not_used(steps: list[tuple[str, int]]):
    """However often 31 days at 1.00 are put off by pauses, and days added for nothing: at the end the rest of the 31 comes back."""
    period, today, used = Lived(subscription()), START, 0
    for what, days in steps:
        if what == "lives":
            left = min(days, (period.now.next_on - today).days)
            today, used = today + left * DAY, used + left
        elif what == "moves":
            period.now = boundaries.moved(period.now, period.now.next_on + days * DAY)
        elif today < period.now.next_on:
            paused = boundaries.paused(
                period.now, datetime(today.year, today.month, today.day, 1, tzinfo=UTC)
            )
            today += days * DAY
            period.now = gaps.resumed(paused, today, shifts=True)
    back, _ = amounts(proration.ended(period.standing, today))
    assert sum(back) == 100 * max(0, 31 - used)


@given(st.integers(1, 30), st.integers(0, 30), st.integers(1, 40), st.integers(0, 45), st.booleans())
def test_a_pause_puts_off_what_waits_as_it_does_what_was_invoiced(
    up: int, pause: int, days: int, down: int, at_once: bool
):
    """An upgrade, a pause and a way back: each day used is charged once at its price, whether the charge waited or not."""
    period, pause = Lived(subscription()), max(up, pause)
    period.changes([line(unit_amount=6200)], START + up * DAY, at_once=at_once)
    paused = boundaries.paused(period.now, datetime(2026, 1, 1, 1, tzinfo=UTC) + pause * DAY)
    period.now = gaps.resumed(paused, START + (pause + days) * DAY, shifts=True)
    used = min(31, pause + down)
    period.changes([line()], START + (used + days) * DAY, at_once=at_once)
    assert period.charged == 100 * (31 + used - up)


def test_what_was_charged_on_going_on_is_of_its_own_period():
    """Resumed on 10 February, 19 of its 28 days wait to be charged; on the 15th five of them stay, and 14 are charged anew."""
    period = Lived(subscription())
    rest = Share(days=19, of_days=28, start_on=date(2026, 2, 10), end_on=date(2026, 3, 1))
    paused = boundaries.paused(period.now, datetime(2026, 1, 11, 12, tzinfo=UTC))
    extra = replace(line(), kind=Kind.PRORATION, share=rest)
    period.now = replace(boundaries.resumed(paused, date(2026, 2, 10), shifts=False), extras=(extra,))
    settled = proration.changed(
        period.standing, (line(),), (line(unit_amount=6200),), date(2026, 2, 15), currency="usd"
    )
    assert amounts(settled) == ([], [3100])
    assert [one.share.days for one in settled.extras if one.share] == [5]


def test_a_period_that_was_begun_anew_has_nothing_to_come():
    """Where the next one begins today, before its hour, nothing of the old one is given back or charged."""
    standing = replace(Lived(subscription()).standing, next_on=date(2026, 1, 11))
    settled = proration.changed(
        standing, (line(),), (line(unit_amount=6200),), date(2026, 1, 11), currency="usd"
    )
    assert settled == Settlement(credits=(), debits=(), extras=())


def test_what_rounds_to_nothing_is_not_charged():
    """A line whose days come to less than half a minor unit makes no charge of zero."""
    added = line("li_2", "0.9")
    settled = proration.changed(
        Lived(subscription()).standing, (line(),), (line(), added), date(2026, 1, 17), currency="usd"
    )
    assert settled.debits == ()


def test_a_first_period_cut_short_is_a_part_of_a_whole_one():
    """Where the invoice charged fourteen of 31 days, a change charges days of those 31."""
    short = subscription(cancel_on=date(2026, 1, 15))
    period = Lived(short)
    assert period.invoices[0].total.amount == 1400
    settled = proration.changed(
        period.standing, (line(),), (line(unit_amount=6200),), date(2026, 1, 11), currency="usd"
    )
    assert amounts(settled) == ([400], [800])


days_of = st.integers(1, 1900)


@given(some_line("li_1"), days_of, st.data())
def test_the_parts_of_a_period_sum_to_it(one: Line, days: int, data: st.DataObject):
    """However a period is cut into days, the exact parts sum to the exact price, and k rounded parts to within k halves of it."""
    cuts = sorted(data.draw(st.lists(st.integers(0, days), max_size=6)))
    parts = [end - start for start, end in zip([0, *cuts], [*cuts, days], strict=True)]
    shares = [Share(days=part, of_days=days, start_on=START, end_on=START + part * DAY) for part in parts]
    rounded = [lines.amount(replace(one, share=share), "usd").amount for share in shares]
    exact = Fraction(lines.exact(one))
    assert sum(exact * share.days / share.of_days for share in shares) == exact
    assert abs(sum(rounded) - exact) <= HALF * len(parts)
    assert all(
        abs(part - exact * share.days / days) <= HALF for part, share in zip(rounded, shares, strict=True)
    )


@given(line_sets())
def test_a_period_ended_on_its_first_day_is_given_back_whole(sold: tuple[Line, ...]):
    """All days unused is all that was charged, to the cent."""
    period = Lived(subscription(*sold))
    period.credits(proration.ended(period.standing, START))
    assert period.charged == 0


@given(
    st.lists(st.integers(0, 10**6), min_size=1, max_size=3), st.integers(0, 31), st.booleans(), st.booleans()
)
def test_a_change_and_back_on_one_day_is_none(units: list[int], after: int, first: bool, second: bool):
    """With prices in whole cents, what is changed and changed back on one day costs what it did."""
    sold = [line(f"li_{n}", unit) for n, unit in enumerate(units)]
    period = Lived(subscription(*sold))
    before, on = period.charged, START + after * DAY
    period.changes([replace(one, quantity=Decimal(7)) for one in sold], on, at_once=first)
    period.changes(sold, on, at_once=second)
    assert period.charged == before


changes = st.lists(st.tuples(st.integers(0, 12), line_sets(), st.booleans()), max_size=6)
frequencies = st.sampled_from([Frequency.WEEKLY, Frequency.MONTHLY, Frequency.ANNUALLY])


@given(line_sets(), percents, frequencies, changes)
@settings(max_examples=150)
def test_a_chain_of_changes_charges_each_day_at_its_price(
    sold: tuple[Line, ...], off: list[Decimal], frequency: Frequency, steps: list[Any]
):
    """Whatever is changed and when: charged less given back is each day's price, to one minor unit a rounded part.

    And no line is ever given back more than it was charged.
    """
    given_off = tuple(Discount(coupon=f"c{n}", name="Off", percent=percent) for n, percent in enumerate(off))
    period = Lived(subscription(*sold, frequency=frequency, discounts=given_off))
    whole, end = (period.now.next_on - START).days, period.now.next_on
    left = Fraction(1)
    for percent in off:
        left *= 1 - Fraction(percent) / 100
    exact, since, on = Fraction(0), START, START
    for skipped, after, at_once in steps:
        on = min(on + skipped * DAY, end)
        exact += _price(period.now.lines) * (on - since).days / whole
        since = on
        period.changes(after, on, at_once=at_once)
    exact += _price(period.now.lines) * (end - since).days / whole
    waiting = len(period.now.extras)
    assert abs(period.charged - exact * left) <= period.roundings + waiting
    for invoice in period.invoices:
        mine = [note for note in period.notes if note.invoice == invoice.id]
        assert all(one.amount.amount >= 0 for one in notes.left(invoice, mine))


def _price(sold: Sequence[Line]) -> Fraction:
    return sum((Fraction(lines.exact(one)) for one in sold), Fraction(0))
