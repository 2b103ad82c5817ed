"""Days that no cycle bills are charged where that is wished, by whole days, and never more than once."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from chalicelib.billing import boundaries, gaps, issuing, lines
from chalicelib.billing.discounts import Discount, UnitDiscount
from chalicelib.billing.errors import Invalid, WrongState
from chalicelib.billing.lines import Kind, Line
from chalicelib.billing.money import Money
from chalicelib.billing.periods import Frequency
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription

LINES = (
    Line(id="li_1", name="Coffee", unit_amount=Decimal(2800)),
    Line(id="li_2", name="Tea", unit_amount=Decimal(1000)),
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def day(text: str) -> date:
    return date.fromisoformat(text)


def running(**changed: object) -> Subscription:
    """Billed on 15 January for a month: the next boundary is 15 February, and the period after it has 28 days."""
    sold = Subscription(
        account="acct_1", id="sub_1", contact="con_1", currency="usd", frequency=Frequency.MONTHLY, lines=LINES,
        anchor_on=day("2026-01-15"), zone="UTC", hour=6, status=Status.SCHEDULED, created_at=at("2026-01-15"),
    )  # fmt: skip
    return replace(sold.renewed(), **changed)  # type: ignore[arg-type]


NOW = at("2026-01-20T12:00")


def charged(subscription: Subscription) -> list[tuple[str, int, int, date, date]]:
    """What waits for the next invoice: id, minor units, days, first day and the day after the last."""
    return [
        (line.id, lines.amount(line, "usd").amount, line.share.days, line.share.start_on, line.share.end_on)
        for line in subscription.extras
        if line.share is not None and line.kind is Kind.PRORATION
    ]


def test_extra_days_are_of_the_period_that_would_have_begun():
    """Seven days later: a quarter of 28 days, of each line."""
    after = gaps.moved(running(), NOW, day("2026-02-22"), prorates=True)
    assert charged(after) == [
        ("li_1", 700, 7, day("2026-02-15"), day("2026-02-22")),
        ("li_2", 250, 7, day("2026-02-15"), day("2026-02-22")),
    ]
    assert gaps.moved(running(), NOW, day("2026-02-22")).extras == ()


def test_extra_days_are_charged_with_the_next_invoice_and_only_there():
    """They stand beside the lines of the cycle that begins after them, and are used up by it."""
    after = gaps.moved(running(), NOW, day("2026-02-22"), prorates=True)
    invoice = issuing.invoice_of(after, "INV-2", at("2026-02-22T06:00"))
    assert [line.amount.amount for line in invoice.lines] == [2800, 1000, 700, 250]
    assert after.renewed().extras == ()


def test_percentages_off_come_off_extra_days_and_amounts_do_not():
    """A coupon of 10 % is 10 % off a part too; one for other products, or of an amount, touches it not."""
    coupons = (
        Discount(coupon="cou_1", name="Ten", percent=Decimal(10)),
        Discount(coupon="cou_2", name="Other", percent=Decimal(50), products=("prod_other",)),
        Discount(coupon="cou_3", name="Five", amount=Money(500, "usd")),
        Discount(coupon="cou_4", name="Over", percent=Decimal(50), until_on=day("2026-02-15")),
    )
    after = gaps.moved(running(discounts=coupons), NOW, day("2026-02-22"), prorates=True)
    assert [amount for _, amount, *_ in charged(after)] == [630, 225]
    assert after.extras[0].discounts == (UnitDiscount(percent=Decimal(10)),)


def test_a_date_moves_by_one_interval_and_never_to_what_is_billed():
    """From the day after the running period began (and not before today) to the boundary after the next."""
    for on, code in (
        ("2026-01-15", "date_already_billed"),
        ("2026-03-16", "date_too_late"),
    ):
        with pytest.raises(Invalid, match=code):
            gaps.moved(running(), at("2026-01-15T12:00"), day(on))
    with pytest.raises(Invalid, match="date_in_the_past"):
        gaps.moved(running(), NOW, day("2026-01-19"))
    for on in ("2026-01-20", "2026-03-15"):
        assert gaps.moved(running(), NOW, day(on)).next_on == day(on)


def test_moved_where_it_is_nothing_happens():
    """Even within the two days, and with prorate: there is nothing to do."""
    assert gaps.moved(running(), at("2026-02-14"), day("2026-02-15"), prorates=True) == running()


def test_an_earlier_date_cuts_what_was_to_be_charged_for_days_after_it():
    """Those days are in the cycle that begins there."""
    later = gaps.moved(running(), NOW, day("2026-02-22"), prorates=True)
    back = gaps.moved(later, NOW, day("2026-02-17"))
    assert [(days, end) for _, _, days, _, end in charged(back)] == [(2, day("2026-02-17"))] * 2
    assert gaps.moved(back, NOW, day("2026-02-01")).extras == ()


def test_moved_later_twice_each_day_is_charged_once():
    """The second move charges its own days, of the period that would have begun there."""
    once = gaps.moved(running(), NOW, day("2026-02-22"), prorates=True)
    twice = gaps.moved(once, NOW, day("2026-02-24"), prorates=True)
    spans = [(start, end) for id_, _, _, start, end in charged(twice) if id_ == "li_1"]
    assert spans == [(day("2026-02-15"), day("2026-02-22")), (day("2026-02-22"), day("2026-02-24"))]


def test_after_a_pause_only_days_nobody_paid_for_are_charged():
    """Before the paid period is over none; after it those from the day it is resumed to the next boundary."""
    paused = gaps.paused(running(), NOW, shifts=False)
    assert gaps.resumed(paused, day("2026-02-14"), shifts=False, prorates=True).extras == ()
    assert gaps.resumed(paused, day("2026-03-15"), shifts=False, prorates=True).extras == ()
    assert gaps.resumed(paused, day("2026-03-01"), shifts=False).extras == ()
    after = gaps.resumed(paused, day("2026-03-01"), shifts=False, prorates=True)
    assert charged(after)[0] == ("li_1", 1400, 14, day("2026-03-01"), day("2026-03-15"))


def test_called_off_after_a_short_cycle_the_rest_of_it_is_charged():
    """Billed for 7 of 28 days, the other 21 follow; before it was billed short, or billed whole, there is no rest."""
    leaving = boundaries.canceling(running(), day("2026-02-22"), today=day("2026-01-20"))
    assert gaps.reactivated(leaving) == running()
    after = gaps.reactivated(leaving.renewed())
    assert charged(after)[0] == ("li_1", 2100, 21, day("2026-02-22"), day("2026-03-15"))
    assert after.short is False
    late = boundaries.canceling(running(), day("2026-02-01"), today=day("2026-01-20"))
    assert gaps.reactivated(late) == running()


def test_what_is_due_is_billed_before_its_date_is_moved():
    """At the boundary it is too late."""
    with pytest.raises(WrongState, match="billing_due"):
        gaps.moved(running(), at("2026-02-15T06:00"), day("2026-02-20"), force=True)
