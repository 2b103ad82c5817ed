"""Every refusal of money, periods, prices, taxes and discounts: its code, its param, its sentence, and what it accepts."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from chalicelib.billing import discounts, money, periods, pricing, tax
from chalicelib.billing.discounts import Discount
from chalicelib.billing.errors import Invalid
from chalicelib.billing.money import Money
from chalicelib.billing.periods import Frequency, Period
from chalicelib.billing.pricing import Model, Tier
from chalicelib.billing.tax import Category

D = Decimal
JANUARY = date(2026, 1, 31)
OPEN = Tier(unit_amount=D(50))
TEN = Tier(up_to=D(10), unit_amount=D(100))
TWELVE = Tier(up_to=D("12.5"), unit_amount=D(90))


@dataclass(frozen=True)
class Refusal:
    """`ask` refuses `wrong` in this sentence and takes `right`, which is what the sentence tells to send."""

    ask: Callable[[Any], object]
    wrong: Any
    right: Any
    code: str
    param: str | None
    detail: str


def usd(amount: Any) -> Money:
    return Money(amount, "usd")


def volume(*tiers: Tier) -> None:
    pricing.check_tiers(Model.VOLUME, tiers, "lines[3]")


def stairstep(*tiers: Tier) -> None:
    pricing.check_tiers(Model.STAIRSTEP, tiers, "lines[3]")


def flat(*tiers: Tier) -> None:
    pricing.check_tiers(Model.FLAT, tiers, "lines[3]")


def decimal(text: str) -> None:
    pricing.check_decimal(D(text), "quantity")


def standard(text: str) -> None:
    tax.check_percentage(D(text), Category.STANDARD, "percentage")


def zero_rated(text: str) -> None:
    tax.check_percentage(D(text), Category.ZERO, "percentage")


def percent(text: str) -> None:
    discounts.check_percent(D(text), "percent")


def five_off(currency: str) -> list[int]:
    return discounts.shares(Discount(coupon="cpn_1", name="Off", amount=Money(5, currency)), [100], "usd")


ONE_CURRENCY = "usd and eur cannot be added or compared; both must be in one currency."
MONEY = [
    Refusal(
        lambda currency: Money(1250, currency),
        "USD",
        "usd",
        "unknown_currency",
        "currency",
        "'USD' is not a currency here; send a lower-case ISO 4217 code, such as 'usd'.",
    ),
    Refusal(usd, 12.5, 1250, "invalid_amount", "amount", "Send a whole number of minor units, such as 1250."),
    Refusal(
        lambda other: usd(1) + other, Money(1, "eur"), usd(1), "currency_mismatch", "currency", ONE_CURRENCY
    ),
    Refusal(
        lambda other: usd(1) - other, Money(1, "eur"), usd(1), "currency_mismatch", "currency", ONE_CURRENCY
    ),
    Refusal(
        lambda other: usd(1) < other, Money(1, "eur"), usd(1), "currency_mismatch", "currency", ONE_CURRENCY
    ),
    Refusal(
        lambda other: money.total([usd(2), other], "usd"),
        Money(1, "eur"),
        usd(1),
        "currency_mismatch",
        "currency",
        ONE_CURRENCY,
    ),
    Refusal(
        lambda text: money.parse_major(text, "usd"),
        "12,50",
        "12.50",
        "invalid_amount",
        "amount",
        "Write an amount in digits and a point, such as 12.50.",
    ),
    Refusal(
        lambda text: money.parse_major(text, "kwd"),
        "12.5005",
        "12.500",
        "invalid_amount",
        "amount",
        "An amount in kwd has at most 3 decimals.",
    ),
    Refusal(
        lambda amount: money.to_stripe(Money(amount, "kwd")),
        5124,
        5120,
        "amount_not_chargeable",
        "amount",
        "Stripe takes kwd in multiples of 10 minor units, not 5124.",
    ),
    Refusal(
        lambda amount: money.from_stripe(amount, "isk"),
        550,
        500,
        "invalid_amount",
        "amount",
        "Stripe's isk comes in multiples of 100.",
    ),
    Refusal(
        lambda value: money.from_major(value, "jpy"),
        D("1E+100"),
        D("1E+99"),
        "invalid_amount",
        "amount",
        "An amount is a finite number of less than 100 digits.",
    ),
    *(
        Refusal(
            lambda weights: money.split(usd(100), weights),
            wrong,
            [0, Fraction(1, 3)],
            "invalid_weights",
            "weights",
            "Shares need at least one weight, none negative and one above zero.",
        )
        for wrong in ([], [0, 0], [2, -1])
    ),
]
PERIODS = [
    Refusal(
        lambda on: Period(JANUARY, on),
        date(2026, 1, 30),
        JANUARY,
        "invalid_period",
        "end_on",
        "A period ends no earlier than 2026-01-31.",
    ),
    *(
        Refusal(
            lambda hour: periods.moment(JANUARY, hour, "UTC"),
            wrong,
            right,
            "invalid_hour",
            "hour",
            "A billing hour is a whole hour from 0 to 23.",
        )
        for wrong, right in ((-1, 0), (24, 23))
    ),
    Refusal(
        lambda at: periods.local_date(at, "UTC"),
        datetime(2026, 1, 31, 6),  # noqa: DTZ001 - the point
        datetime.fromisoformat("2026-01-31T06:00:00Z"),
        "naive_datetime",
        "at",
        "Send an instant with its offset, as 2026-01-31T06:00:00Z.",
    ),
    Refusal(
        lambda on: periods.check_near(on, JANUARY, "resume_on"),
        date(2036, 2, 1),
        date(2036, 1, 31),
        "too_far_ahead",
        "resume_on",
        "Choose a day up to 2036-01-31: 10 years from today.",
    ),
    Refusal(
        periods.check_zone,
        "Mars/Phobos",
        "Europe/Paris",
        "unknown_zone",
        "zone",
        "'Mars/Phobos' is not an IANA time zone such as 'Europe/Paris'.",
    ),
    *(
        Refusal(
            ask,
            Frequency.ONE_TIME,
            Frequency.WEEKLY,
            "not_recurring",
            "frequency",
            "What is billed once has no periods; send another.",
        )
        for ask in (
            lambda frequency: periods.boundary(JANUARY, frequency, 1),
            lambda frequency: periods.index_at(JANUARY, frequency, JANUARY),
        )
    ),
    *(
        Refusal(
            ask,
            wrong,
            right,
            "date_out_of_range",
            None,
            "Dates lie between the years 1 and 9999.",
        )
        for ask, wrong, right in (
            (lambda on: periods.add_months(on, 1), date(9999, 12, 1), date(9999, 11, 1)),
            (lambda on: periods.boundary(on, Frequency.WEEKLY, 1), date(9999, 12, 25), date(9999, 12, 24)),
            (lambda on: periods.moment(on, 0, "Asia/Tokyo"), date(1, 1, 1), date(1, 1, 2)),
            (
                lambda at: periods.local_date(at, "Asia/Tokyo"),
                datetime(9999, 12, 31, 15, tzinfo=UTC),
                datetime(9999, 12, 31, 14, tzinfo=UTC),
            ),
        )
    ),
]
PRICES = [
    Refusal(
        lambda tiers: flat(*tiers),
        (OPEN,),
        (),
        "tiers_of_flat_price",
        "lines[3].tiers",
        "A flat price has no tiers; send a unit_amount.",
    ),
    *(
        Refusal(
            lambda count: volume(*(Tier(up_to=D(n + 1)) for n in range(count - 1)), *(OPEN,) * min(count, 1)),
            wrong,
            right,
            "tiers_out_of_range",
            "lines[3].tiers",
            "Give from 1 to 100 tiers.",
        )
        for wrong, right in ((0, 1), (101, 100))
    ),
    Refusal(
        lambda amount: stairstep(TEN if amount else Tier(up_to=D(10)), Tier(flat_amount=D(1))),
        100,
        0,
        "tier_unit_amount",
        "lines[3].tiers[0].unit_amount",
        "A stairstep has one flat_amount for all units; leave unit_amount out.",
    ),
    Refusal(
        lambda up_to: volume(TEN, Tier(up_to=up_to)),
        D(20),
        None,
        "last_tier_closed",
        "lines[3].tiers[1].up_to",
        "The last tier has no up_to: it holds all that is above.",
    ),
    Refusal(
        lambda up_to: volume(TEN, Tier(up_to=up_to), OPEN),
        None,
        D(20),
        "tier_open",
        "lines[3].tiers[1].up_to",
        "Only the last tier is open; tier 2 ends above 10 with an up_to of its own.",
    ),
    *(
        Refusal(
            lambda up_to: volume(TEN, TWELVE, Tier(up_to=up_to), OPEN),
            wrong,
            D("12.6"),
            "tier_overlap",
            "lines[3].tiers[2].up_to",
            "Tier 3 begins above 12.5, where the one before ends; its up_to must be greater.",
        )
        for wrong in (D(11), D("12.5"))
    ),
    *(
        Refusal(
            decimal,
            wrong,
            right,
            "number_out_of_range",
            "quantity",
            "The number must be from 0 to below 10^12.",
        )
        for wrong, right in (("-1", "0"), ("1E+12", "999999999999.999999999999"), ("NaN", "1"))
    ),
    Refusal(decimal, "1E-13", "1E-12", "too_many_decimals", "quantity", "At most 12 decimals are kept."),
    *(
        Refusal(
            lambda amount, field=field: volume(Tier(**{field: amount})),  # type: ignore[misc]
            D(-1),
            D(0),
            "number_out_of_range",
            f"lines[3].tiers[0].{field}",
            "The number must be from 0 to below 10^12.",
        )
        for field in ("unit_amount", "flat_amount")
    ),
    Refusal(
        lambda up_to: volume(Tier(up_to=up_to), OPEN),
        D("1E-13"),
        D("1E-12"),
        "too_many_decimals",
        "lines[3].tiers[0].up_to",
        "At most 12 decimals are kept.",
    ),
]
TAXES = [
    *(
        Refusal(
            standard,
            wrong,
            right,
            "percentage_out_of_range",
            "percentage",
            "A tax rate is from 0 to 100 percent.",
        )
        for wrong, right in (("100.01", "100"), ("-1", "1"), ("NaN", "19"))
    ),
    Refusal(
        standard,
        "19.0000001",
        "19.000001",
        "too_many_decimals",
        "percentage",
        "A tax rate has at most 6 decimals.",
    ),
    Refusal(zero_rated, "7", "0", "percentage_of_category", "percentage", "Category Z has 0 percent."),
    Refusal(
        standard,
        "0",
        "0.1",
        "percentage_of_category",
        "percentage",
        "The standard category is above 0 percent; Z is zero-rated.",
    ),
]
DISCOUNTS = [
    Refusal(
        five_off,
        "eur",
        "usd",
        "currency_mismatch",
        "discounts",
        "Coupon cpn_1 takes eur off; give one in usd.",
    ),
    *(
        Refusal(
            percent,
            wrong,
            right,
            "percent_out_of_range",
            "percent",
            "A percentage is above 0 and at most 100.",
        )
        for wrong, right in (("0", "0.1"), ("100.1", "100"), ("Infinity", "100"))
    ),
    Refusal(percent, "1E-13", "1E-12", "too_many_decimals", "percent", "At most 12 decimals are kept."),
]


@pytest.mark.parametrize(
    "one",
    [*MONEY, *PERIODS, *PRICES, *TAXES, *DISCOUNTS],
    ids=lambda one: f"{one.code}-{one.wrong}".replace(" ", "")[:60],
)
def test_a_refusal_says_what_is_accepted_and_that_is(one: Refusal):
    """Programs read the code and the param, people the sentence; who does what it says is not refused."""
    with pytest.raises(Invalid) as refused:
        one.ask(one.wrong)
    assert (refused.value.code, refused.value.param, refused.value.detail) == (
        one.code,
        one.param,
        one.detail,
    )
    one.ask(one.right)
