"""What is taken off is never more than there is, and is shared to the minor unit."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.billing import discounts, lines
from chalicelib.billing.discounts import Coupon, Discount, Duration, PromotionCode, UnitDiscount
from chalicelib.billing.errors import Invalid
from chalicelib.billing.lines import Line
from chalicelib.billing.money import Money
from tests.billing.sold import amounts, percents, quantities, unit_discounts

D = Decimal
LINE = Line(id="li_1", name="Coffee", unit_amount=D(1000), quantity=D("2.5"))


def half(left: list[int], percent: str = "50") -> list[int]:
    return discounts.shares(Discount(coupon="c", name="Off", percent=D(percent)), left, "usd")


def off(left: list[int], amount: int) -> list[int]:
    return discounts.shares(Discount(coupon="c", name="Off", amount=Money(amount, "usd")), left, "usd")


@pytest.mark.parametrize(
    ("given_", "amount"),
    [
        ((), 2500),
        ((UnitDiscount(percent=D(10)),), 2250),
        ((UnitDiscount(percent=D(100)),), 0),
        ((UnitDiscount(amount=D(100)),), 2250),
        ((UnitDiscount(amount=D("0.1")),), 2500),  # 0.25 off is rounded with the price, and away
        ((UnitDiscount(amount=D(1001)),), 0),
        ((UnitDiscount(amount=D(1001)), UnitDiscount(percent=D(10))), 0),
        ((UnitDiscount(percent=D(10)), UnitDiscount(amount=D(100))), 2000),
        ((UnitDiscount(amount=D(100)), UnitDiscount(percent=D(10))), 2025),
        ((UnitDiscount(percent=D("33.333333333333")),), 1667),
    ],
)
def test_a_lines_own_discounts_are_inside_its_rounding(given_: tuple[UnitDiscount, ...], amount: int):
    """One after another on the exact price, an amount off each unit, and never below nothing."""
    assert lines.amount(replace(LINE, discounts=given_), "usd") == Money(amount, "usd")


@given(amounts, quantities, unit_discounts)
def test_a_discount_leaves_something_between_nothing_and_all(
    price: Decimal, quantity: Decimal, one: UnitDiscount
):
    """What it leaves is the exact complement of what it takes."""
    left = Fraction(one.taken(price, quantity))
    assert 0 <= left <= Fraction(price)
    if one.percent is not None:
        assert Fraction(price) - left == Fraction(price) * Fraction(one.percent) / 100
    else:
        assert left == max(0, Fraction(price) - Fraction(one.amount or 0) * Fraction(quantity))


def test_a_coupon_is_rounded_once_on_the_sum():
    """Half of three lines of one cent is two cents, not three, and the first lines have them."""
    assert half([1, 1, 1]) == [1, 1, 0]
    assert half([1, 0, 1]) == [1, 0, 0]
    assert half([333, 333, 334], "10") == [33, 33, 34]


def test_an_amount_takes_no_more_than_there_is():
    """A coupon larger than the invoice makes it free, and one for nothing takes nothing."""
    assert off([1000, 2000], 4000) == [1000, 2000]
    assert off([300, 1200], 750) == [150, 600]
    assert off([0, 0], 100) == [0, 0]
    assert off([], 100) == []
    assert discounts.shares(Discount(coupon="c", name="Nothing off"), [100, 200], "usd") == [0, 0]
    assert half([0, 0]) == [0, 0]


@given(
    st.lists(st.integers(0, 10**9), min_size=1, max_size=8),
    percents.map(lambda p: Discount(coupon="c", name="Off", percent=p))
    | st.integers(0, 10**10).map(lambda n: Discount(coupon="c", name="Off", amount=Money(n, "usd"))),
)
def test_parts_sum_to_the_discount_and_fit_their_lines(left: list[int], one: Discount):
    """The parts are the whole, rounded once and at most all; each is within a unit of its share and of its line."""
    parts = discounts.shares(one, left, "usd")
    whole, base = sum(parts), sum(left)
    if one.percent is not None:
        assert -Fraction(1, 2) < whole - Fraction(one.percent) * base / 100 <= Fraction(1, 2)
    else:
        assert whole == min(one.amount.amount, base)
    for part, most in zip(parts, left, strict=True):
        assert 0 <= part <= most
        assert base == 0 or abs(part - Fraction(whole * most, base)) < 1


def test_a_coupon_of_another_currency_is_refused():
    """An amount is off what is in its currency only; the refusal says which would be accepted."""
    with pytest.raises(Invalid, match="currency_mismatch") as refused:
        discounts.shares(Discount(coupon="c", name="Off", amount=Money(1, "eur")), [100], "usd")
    assert refused.value.param == "discounts"
    assert "give one in usd" in refused.value.detail


@pytest.mark.parametrize(
    ("percent", "code"),
    [
        ("0", "percent_out_of_range"),
        ("-1", "percent_out_of_range"),
        ("100.000000000001", "percent_out_of_range"),
        ("NaN", "percent_out_of_range"),
        ("Infinity", "percent_out_of_range"),
        ("0.0000000000001", "too_many_decimals"),
    ],
)
def test_a_percentage_out_of_bounds_is_refused(percent: str, code: str):
    """It is above 0 and at most 100, with at most 12 decimals; the bounds themselves are accepted."""
    with pytest.raises(Invalid) as refused:
        lines.check_line(replace(LINE, discounts=(UnitDiscount(percent=D(percent)),)), "lines[1]")
    assert (refused.value.code, refused.value.param) == (code, "lines[1].discounts[0].percent")
    discounts.check_percent(D(100), "percent")
    discounts.check_percent(D("1E-12"), "percent")


@pytest.mark.parametrize(
    "one", [UnitDiscount(), UnitDiscount(percent=D(1), amount=D(1))], ids=["neither", "both"]
)
def test_a_discount_is_a_percent_or_an_amount(one: UnitDiscount):
    """One of them, and the refusal says so."""
    with pytest.raises(Invalid) as refused:
        lines.check_line(replace(LINE, discounts=(UnitDiscount(percent=D(1)), one)), "lines[0]")
    assert (refused.value.code, refused.value.param) == ("discount_ambiguous", "lines[0].discounts[1]")


def test_a_negative_amount_off_is_refused():
    """A discount never makes a price higher."""
    with pytest.raises(Invalid) as refused:
        lines.check_line(replace(LINE, discounts=(UnitDiscount(amount=D(-1)),)), "lines[0]")
    assert (refused.value.code, refused.value.param) == (
        "number_out_of_range",
        "lines[0].discounts[0].amount",
    )


def test_how_long_a_coupon_holds():
    """Once is used up, months end on their local day, the last of a shorter month, and forever has no end."""
    coupon = Coupon(account="acct_1", id="cpn_1", name="Off", created_at=datetime(2026, 1, 1, tzinfo=UTC))
    starts_on = date(2026, 1, 31)
    once = coupon.discount(starts_on, "HELLO")
    month = replace(coupon, duration=Duration.REPEATING, months=1).discount(starts_on)
    forever = replace(coupon, duration=Duration.FOREVER).discount(starts_on)
    assert (once.once, once.until_on, once.code) == (True, None, "HELLO")
    assert (month.once, month.until_on) == (False, date(2026, 2, 28))
    assert (month.holds(date(2026, 2, 27)), month.holds(date(2026, 2, 28))) == (True, False)
    assert (forever.once, forever.until_on) == (False, None)
    assert forever.holds(date(2126, 1, 1))


def test_a_discount_has_its_coupons_terms():
    """Whatever it takes off, of what, and by which code: copied, so that the library may change."""
    coupon = Coupon(
        account="acct_1",
        id="cpn_1",
        name="Off",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        percent=D("12.5"),
        duration=Duration.FOREVER,
        products=("prod_1",),
    )
    percent = coupon.discount(date(2026, 1, 31), "HELLO")
    assert percent == Discount(
        coupon="cpn_1", name="Off", percent=D("12.5"), products=("prod_1",), code="HELLO"
    )
    amount = replace(coupon, percent=None, amount=Money(500, "usd")).discount(date(2026, 1, 31))
    assert amount == Discount(coupon="cpn_1", name="Off", amount=Money(500, "usd"), products=("prod_1",))


def test_each_sale_is_counted():
    """A coupon and a code of it count who took them, one by one, and stay what they are."""
    coupon = Coupon(
        account="acct_1", id="cpn_1", name="Off", created_at=datetime(2026, 1, 1, tzinfo=UTC), redeemed=4
    )
    code = PromotionCode(
        account="acct_1", id="promo_1", code="HELLO", coupon="cpn_1", created_at=coupon.created_at, redeemed=7
    )
    assert coupon.taken() == replace(coupon, redeemed=5)
    assert code.taken() == replace(code, redeemed=8)


def test_what_a_coupon_is_for():
    """Without products it is for every line; with some, for theirs only."""
    everything = Discount(coupon="c", name="Off", percent=D(1))
    some = replace(everything, products=("prod_1",))
    assert [everything.eligible(one) for one in ("prod_1", "prod_2", None)] == [True, True, True]
    assert [some.eligible(one) for one in ("prod_1", "prod_2", None)] == [True, False, False]
