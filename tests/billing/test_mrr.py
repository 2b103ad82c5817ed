"""What a subscription brings in a month counts what recurs, exact until one rounding."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given

from chalicelib.billing.discounts import Discount, UnitDiscount
from chalicelib.billing.lines import Kind, Line
from chalicelib.billing.money import Money
from chalicelib.billing.mrr import months_share, mrr
from chalicelib.billing.periods import Frequency
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.tax import Tax
from tests.billing.sold import subscription, subscriptions

D = Decimal


def plan(unit_amount: str = "10000", quantity: str = "1", **more) -> Line:
    return Line(id="li_1", name="Plan", unit_amount=D(unit_amount), quantity=D(quantity), **more)


@pytest.mark.parametrize(
    ("frequency", "amount"),
    [
        (Frequency.WEEKLY, 43333),
        (Frequency.BIWEEKLY, 21667),
        (Frequency.MONTHLY, 10000),
        (Frequency.QUARTERLY, 3333),
        (Frequency.PER_SIX_MONTHS, 1667),
        (Frequency.ANNUALLY, 833),
        (Frequency.PER_FIVE_YEARS, 167),
        (Frequency.ONE_TIME, 0),
    ],
)
def test_a_month_has_its_part_of_every_interval(frequency: Frequency, amount: int):
    """A week counts 52/12 to the month, as in HubSpot; what is billed once brings nothing."""
    assert mrr(replace(subscription(plan()), frequency=frequency)) == Money(amount, "usd")


def test_only_what_recurs_counts():
    """A line's own discount counts, a coupon that ends does not; one-time lines and taxes are left out."""
    sold = subscription(
        plan(quantity="3", discounts=(UnitDiscount(percent=D(10)),), taxes=("vat", "city")),
        plan("5000", kind=Kind.ONE_TIME),
        taxes=(
            Tax(id="vat", name="VAT", percent=D(8), inclusive=True),
            Tax(id="city", name="City", percent=D(3)),
        ),
        discounts=(
            Discount(coupon="a", name="Once", percent=D(50), once=True),
            Discount(coupon="b", name="Year", percent=D(50), until_on=date(2027, 3, 5)),
        ),
    )
    assert mrr(sold) == Money(25000, "usd")


def test_a_coupon_that_holds_forever_is_taken_off():
    """Of the lines it is for: a percentage or an amount, which never makes less than nothing."""
    sold = subscription(plan(product="prod_1"), plan("4000"))
    half = Discount(coupon="a", name="Half", percent=D(50), products=("prod_1",))
    ten = Discount(coupon="b", name="Ten", amount=Money(1000, "usd"))
    lots = Discount(coupon="c", name="Lots", amount=Money(99999, "usd"), products=("prod_1",))
    nobodys = Discount(coupon="d", name="Other", percent=D(100), products=("prod_9",))
    assert mrr(replace(sold, discounts=(half, ten))) == Money(8000, "usd")
    assert mrr(replace(sold, discounts=(lots, half, nobodys))) == Money(4000, "usd")


def test_what_is_not_billed_brings_nothing():
    """Neither an ended nor a paused subscription counts; one that is behind with its payments does."""
    sold = subscription(plan())
    now = datetime(2026, 4, 1, tzinfo=UTC)
    assert mrr(replace(sold, status=Status.PAST_DUE, arrears=("inv_1_0001",))) == Money(10000, "usd")
    assert mrr(sold.canceled(now)) == Money.zero("usd")
    assert mrr(replace(sold, status=Status.PAUSED, paused_on=date(2026, 4, 1))) == Money.zero("usd")


@given(subscriptions())
def test_a_year_of_months_is_a_year(sold: Subscription):
    """The same lines billed by the year bring a twelfth a month, but for the rounding."""
    yearly = mrr(replace(sold, frequency=Frequency.ANNUALLY)).amount
    assert abs(Fraction(mrr(sold).amount, 12) - yearly) <= Fraction(1, 2) + Fraction(1, 24)
    assert mrr(sold).amount >= 0


def test_every_frequency_has_its_share():
    """A share x the interval's length in months is one; in weeks, 52 to the year."""
    assert {each: months_share(each) * each.months for each in Frequency if each.months} == {
        each: 1 for each in Frequency if each.months
    }
    assert months_share(Frequency.WEEKLY) * 12 == 52
