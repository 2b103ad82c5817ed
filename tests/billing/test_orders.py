"""Orders: terms, starts, how lines fall into subscriptions, and which of them has what is given once."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.billing import orders, periods
from chalicelib.billing.discounts import Coupon, Discount, Duration
from chalicelib.billing.errors import Invalid
from chalicelib.billing.issuing import invoice_of
from chalicelib.billing.lines import Kind
from chalicelib.billing.orders import Backdate, Plan, Start
from chalicelib.billing.periods import Frequency
from chalicelib.billing.rating import Fee
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.tax import Tax
from tests.billing.ordered import NOW, TODAY, line, subscription, usd

RECURRING = [frequency for frequency in Frequency if frequency.recurring]


# -- terms ------------------------------------------------------------------------------------------

TERMS = [
    ("P12M", Frequency.MONTHLY, 12),
    ("P1Y", Frequency.MONTHLY, 12),
    ("P3Y", Frequency.ANNUALLY, 3),
    ("P36M", Frequency.ANNUALLY, 3),
    ("P6M", Frequency.QUARTERLY, 2),
    ("P10Y", Frequency.PER_FIVE_YEARS, 2),
    ("P24M", Frequency.PER_TWO_YEARS, 1),
    ("P8W", Frequency.WEEKLY, 8),
    ("P8W", Frequency.BIWEEKLY, 4),
    ("P018M", Frequency.PER_SIX_MONTHS, 3),
]


@pytest.mark.parametrize(("term", "frequency", "payments"), TERMS)
def test_a_term_is_a_number_of_payments(term: str, frequency: Frequency, payments: int):
    """HubSpot's ISO 8601 terms: weeks where weeks are billed, months and years otherwise."""
    assert orders.payments_of(None, term, frequency) == payments


REFUSED_TERMS = [
    ("P7W", Frequency.BIWEEKLY, "term_not_whole", "P6W or P8W"),
    ("P1W", Frequency.BIWEEKLY, "term_not_whole", "P2W"),
    ("P5M", Frequency.QUARTERLY, "term_not_whole", "P3M or P6M"),
    ("P18M", Frequency.ANNUALLY, "term_not_whole", "P12M or P24M"),
    ("P3Y", Frequency.PER_TWO_YEARS, "term_not_whole", "P2Y or P4Y"),
    ("P0M", Frequency.MONTHLY, "term_not_whole", "P1M"),
    ("P2M", Frequency.WEEKLY, "term_malformed", "weeks"),
    ("P8W", Frequency.MONTHLY, "term_malformed", "months or years"),
    ("P1Y6M", Frequency.MONTHLY, "term_malformed", "P12M"),
    ("12", Frequency.MONTHLY, "term_malformed", "P12M"),
    ("P9999M", Frequency.MONTHLY, "payments_out_of_range", "1200"),
]


@pytest.mark.parametrize(("term", "frequency", "code", "accepted"), REFUSED_TERMS)
def test_a_term_that_is_not_whole_is_refused_with_the_nearest(
    term: str, frequency: Frequency, code: str, accepted: str
):
    """A term that no number of payments fills is refused, and the sentence names those that would do."""
    with pytest.raises(Invalid) as refused:
        orders.payments_of(None, term, frequency, "lines[2].")
    assert (refused.value.code, refused.value.param) == (code, "lines[2].term")
    assert accepted in refused.value.detail


@given(frequency=st.sampled_from(RECURRING), count=st.integers(1, 80))
def test_the_nearest_terms_a_refusal_names_are_accepted(frequency: Frequency, count: int):
    """Whatever is refused as not whole, each term named instead is taken."""
    for unit in "W" if frequency.days else "MY":
        try:
            orders.payments_of(None, f"P{count}{unit}", frequency)
        except Invalid as refused:
            for near in refused.detail.rpartition(": ")[2].rstrip(".").split(" or "):
                assert (orders.payments_of(None, near, frequency) or 0) > 0


def test_a_number_of_payments_stands_for_itself_and_not_beside_a_term():
    """A number from 1 to 1200 is taken as it is; a term beside it is one too many."""
    assert orders.payments_of(None, None, Frequency.MONTHLY) is None
    assert orders.payments_of(7, None, Frequency.MONTHLY) == 7
    for payments in (0, 1201):
        with pytest.raises(Invalid, match="from 1 to 1200"):
            orders.payments_of(payments, None, Frequency.MONTHLY)
    with pytest.raises(Invalid, match="one of them") as refused:
        orders.payments_of(12, "P12M", Frequency.MONTHLY)
    assert refused.value.param == "term"


# -- starts -----------------------------------------------------------------------------------------

STARTS = [
    (Start(), TODAY),
    (Start(on=date(2026, 3, 1)), date(2026, 3, 1)),
    (Start(days=0), TODAY),
    (Start(days=30), date(2026, 3, 2)),
    (Start(months=1), date(2026, 2, 28)),
    (Start(months=13), date(2027, 2, 28)),
    (Start(on=date(2025, 12, 31), backdate=Backdate.BILL), date(2025, 12, 31)),
    (Start(on=date(2036, 1, 31)), date(2036, 1, 31)),
]


@pytest.mark.parametrize(("start", "day"), STARTS)
def test_a_start_is_a_local_day(start: Start, day: date):
    """Today, a date, or some days or months from today, the last of a month where it is shorter."""
    assert orders.begins_on(start, TODAY) == day


REFUSED_STARTS = [
    (Start(on=date(2026, 1, 30)), "start_in_the_past", "start_on", "2026-01-31 or later"),
    (Start(on=date(2036, 2, 1)), "start_too_far", "start_on", "2036-01-31"),
    (Start(days=3653), "start_too_far", "start_delay_days", "2036-01-31"),
    (Start(days=10**9), "start_delay_out_of_range", "start_delay_days", "3660"),
    (Start(days=-1), "start_delay_out_of_range", "start_delay_days", "from 0"),
    (Start(months=121), "start_delay_out_of_range", "start_delay_months", "120"),
    (Start(on=TODAY, days=1), "start_ambiguous", "start_delay_days", "one of them"),
    (Start(on=date(2015, 1, 1), backdate=Backdate.SKIP), "start_too_early", "start_on", "2016-01-31"),
]


@pytest.mark.parametrize(("start", "code", "param", "accepted"), REFUSED_STARTS)
def test_a_start_out_of_bounds_is_refused(start: Start, code: str, param: str, accepted: str):
    """A past start is refused unless it says what becomes of the periods before; ten years are the bound either way."""
    with pytest.raises(Invalid) as refused:
        orders.begins_on(start, TODAY, "lines[0].")
    assert (refused.value.code, refused.value.param) == (code, f"lines[0].{param}")
    assert accepted in refused.value.detail


@given(
    frequency=st.sampled_from(RECURRING),
    start=st.dates(date(2016, 2, 1), date(2026, 1, 30)),
    payments=st.none() | st.integers(1, 700),
)
def test_what_was_billed_elsewhere_is_not_billed_here(
    frequency: Frequency, start: date, payments: int | None
):
    """Skipped periods are the ones that began before today: what is left of the term begins with the first that did not."""
    before = subscription(line("a", 100), frequency=frequency, anchor_on=start, payments=payments)
    gone = sum(1 for n in range(600) if periods.boundary(start, frequency, n) < TODAY)
    if payments is not None and payments <= gone:
        with pytest.raises(Invalid, match="longer term"):
            orders.taken_over(before, TODAY)
        return
    after = orders.taken_over(before, TODAY)
    assert after.next_on == periods.boundary(start, frequency, gone)
    assert after.next_on >= TODAY
    assert (after.status, after.ordinal) == (Status.ACTIVE, 0)
    assert after.payments == (None if payments is None else payments - gone)
    assert after.ends_on == before.ends_on


# -- groups -----------------------------------------------------------------------------------------

PLANS = st.none() | st.builds(
    Plan,
    frequency=st.sampled_from([Frequency.MONTHLY, Frequency.ANNUALLY]),
    payments=st.sampled_from([None, 1, 12]),
    start_on=st.sampled_from([TODAY, TODAY + timedelta(days=1)]),
    skip=st.booleans(),
)


@given(st.lists(PLANS, max_size=18))
def test_lines_are_together_exactly_where_all_is_the_same(plans: list[Plan | None]):
    """Two recurring lines share a subscription if and only if frequency, payments, start and backdating are equal."""
    groups = orders.grouped(plans)
    placed = sorted(n for places in groups.values() for n in places)
    assert placed == [n for n, plan in enumerate(plans) if plan is not None]
    of = {n: plan for plan, places in groups.items() for n in places}
    assert all(of[n] == plans[n] for n in placed)
    assert [min(places) for places in groups.values()] == sorted(min(places) for places in groups.values())


def test_an_order_makes_at_most_twenty_subscriptions():
    """Twenty groups are taken, one more is refused."""
    plans = [Plan(frequency=Frequency.MONTHLY, payments=n, start_on=TODAY) for n in range(1, 22)]
    assert len(orders.grouped(plans[:20])) == 20
    with pytest.raises(Invalid, match="at most 20 subscriptions; here are 21"):
        orders.grouped(plans)


# -- what goes with which ---------------------------------------------------------------------------

MONTHLY = subscription(line("a", 3000, product="prod_a"), id="sub_1")
YEARLY = subscription(line("b", 10000, product="prod_b"), id="sub_2", frequency=Frequency.ANNUALLY)
LATER = subscription(line("c", 5000, product="prod_c"), id="sub_3", anchor_on=TODAY + timedelta(days=9))


def off(**more: Any) -> orders.Giving:
    given_ = Discount(**{"coupon": "", "name": "Off"} | more)
    return lambda _: given_


def taken(groups: list[Subscription]) -> list[int]:
    """What each first invoice takes off."""
    return [sum(one.amount.amount for one in invoice_of(group, "", NOW).discounts) for group in groups]


def test_a_one_off_amount_is_given_once_and_shared_by_what_is_due_now():
    """50.00 off of 30.00 and 100.00 due now: 11.54 and 38.46, and nothing of what comes later."""
    groups = orders.discounted([LATER, MONTHLY, YEARLY], [off(amount=usd(5000), once=True)], TODAY)
    assert taken(groups) == [0, 1154, 3846]


@given(
    amounts=st.lists(st.integers(0, 500_000), min_size=1, max_size=5),
    offs=st.lists(
        st.integers(1, 900_000).map(lambda n: {"amount": usd(n)}) | st.sampled_from([{"percent": Decimal(50)}]),
        min_size=1, max_size=4,
    ),
)  # fmt: skip
def test_a_one_off_amount_is_the_same_however_the_lines_are_grouped(
    amounts: list[int], offs: list[dict[str, Any]]
):
    """Off as many subscriptions as are due now comes what would come off one of all their lines, rounding of percents aside."""
    apart = [subscription(line(str(n), amount)) for n, amount in enumerate(amounts)]
    whole = [subscription(*(line(str(n), amount) for n, amount in enumerate(amounts)))]
    given_ = [off(once=True, **one) for one in offs]
    here, there = (
        sum(taken(orders.discounted(apart, given_, TODAY))),
        sum(taken(orders.discounted(whole, given_, TODAY))),
    )
    assert abs(here - there) <= len(amounts) * sum("percent" in one for one in offs)


def test_a_percentage_is_of_every_subscription_and_a_one_off_one_of_those_due_now():
    """10 % forever is on all three; 10 % once on the two that are due now."""
    groups = [LATER, MONTHLY, YEARLY]
    assert taken(orders.discounted(groups, [off(percent=Decimal(10))], TODAY)) == [500, 300, 1000]
    assert taken(orders.discounted(groups, [off(percent=Decimal(10), once=True)], TODAY)) == [0, 300, 1000]


def test_an_amount_that_recurs_is_given_to_one_subscription():
    """5.00 off each invoice is off those of the first that is due now and has a line it is for."""
    groups = [LATER, MONTHLY, YEARLY]
    assert taken(orders.discounted(groups, [off(amount=usd(500))], TODAY)) == [0, 500, 0]
    assert taken(orders.discounted(groups, [off(amount=usd(500), products=("prod_b",))], TODAY)) == [
        0,
        0,
        500,
    ]
    assert taken(orders.discounted(groups, [off(amount=usd(500), products=("prod_c",))], TODAY)) == [
        500,
        0,
        0,
    ]


def test_a_discount_that_lasts_stays_though_the_first_invoice_is_free():
    """All off once, and 10 % forever: the second invoice has the 10 %."""
    given_ = [off(percent=Decimal(100), once=True), off(percent=Decimal(10))]
    [one] = orders.discounted([MONTHLY], given_, TODAY)
    assert invoice_of(one, "", NOW).total == usd(0)
    assert invoice_of(one.renewed(), "", NOW).total == usd(2700)


def test_months_of_a_coupon_count_from_each_first_invoice():
    """A coupon of three months ends three months after the first billing of each subscription."""
    coupon = Coupon(account="acct_1", id="cou_1", name="Off", created_at=NOW, percent=Decimal(10),
                    duration=Duration.REPEATING, months=3)  # fmt: skip
    groups = orders.discounted([MONTHLY, LATER], [coupon.discount], TODAY)
    assert [one.discounts[0].until_on for one in groups] == [date(2026, 4, 30), date(2026, 5, 9)]


def test_what_is_once_goes_with_the_first_that_is_due_now():
    """One-time lines and one-off amounts go with one subscription, one-off percentages with all that are due now."""
    fees = [Fee(name="Card", percent=Decimal(1)), Fee(name="Setup", amount=usd(900), once=True),
            Fee(name="Rush", percent=Decimal(5), once=True)]  # fmt: skip
    groups = orders.with_extras([LATER, MONTHLY, YEARLY], [line("setup", 700)], TODAY)
    groups = orders.with_fees(groups, fees, TODAY)
    vat, levy = (Tax(id=id_, name=id_, percent=Decimal(10)) for id_ in ("vat", "levy"))
    groups = orders.with_taxes(groups, [vat, replace(levy, once=True)], TODAY)
    assert [[one.kind for one in group.extras] for group in groups] == [[], [Kind.ONE_TIME], []]
    assert [[fee.name for fee in group.fees] for group in groups] == [
        ["Card"],
        ["Card", "Setup", "Rush"],
        ["Card", "Rush"],
    ]
    assert [[tax.id for tax in group.taxes] for group in groups] == [[], ["levy"], ["levy"]]
