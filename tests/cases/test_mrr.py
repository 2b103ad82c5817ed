"""The field's cases on monthly recurring revenue."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

from chalicelib.billing import money
from chalicelib.billing.discounts import Discount
from chalicelib.billing.lines import Line
from chalicelib.billing.money import Money
from chalicelib.billing.mrr import mrr
from chalicelib.billing.periods import Frequency
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.tax import Tax
from tests.cases import field
from tests.cases.field import Case, Values

KNOWN = {
    "amount", "quantity", "currency", "interval", "interval_count", "periods_per_month", "convention",
    "coupon_percent", "coupon_duration", "tax", "delinquent_days", "status",
}  # fmt: skip
STATUSES = {
    "active": Status.ACTIVE,
    "past_due": Status.PAST_DUE,
    "unpaid": Status.UNPAID,
    "canceled": Status.CANCELED,
}
SOLD = {(each.months, each.days): each for each in Frequency if each.recurring}


@field.cases("mrr")
def test_mrr(case: Case):
    """A price per month after its lasting discounts and without tax; a week counts 52/12, HubSpot's convention.

    Where a source has other weeks and tells what 52/12 would give, that is what is compared.
    """
    if told := re.search(r"([0-9.]+) with 52/12", case.alternative):
        case = replace(case, expected={"mrr": told[1]}, input=case.input | {"periods_per_month": "52/12"})
    field.check(case, {
        "normalise": one,
        "discount_or_status": one,
        "excluded": one,
        "mrr_sum": several,
        "mrr_by_currency": by_currency,
    })  # fmt: skip


def one(given: Values) -> Values:
    if "metered_usage" in given:
        field.left_out("usage: nothing here is metered")
    return {"mrr": written(mrr(sold(given)))}


def several(given: Values) -> Values:
    rows = [row | {"convention": given.get("convention", "")} for row in given["subscriptions"]]
    return {"mrr": written(money.total([mrr(sold(row)) for row in rows], "usd"))}


def by_currency(given: Values) -> Values:
    return {row["currency"]: written(mrr(sold(row))) for row in given["subscriptions"]}


def sold(given: Values) -> Subscription:
    if more := sorted(given.keys() - KNOWN):
        field.left_out(f"{', '.join(more)}: not a fact of a subscription here")
    if given.get("status", "active") not in STATUSES:
        field.left_out(f"{given['status']}: no status of ours")
    currency = given.get("currency", "USD").lower()
    exact = Decimal(money.parse_major(given["amount"], currency).amount)
    line = Line(id="li_1", name="Plan", unit_amount=exact, quantity=Decimal(given.get("quantity", 1)))
    late = "delinquent_days" in given
    status = Status.PAST_DUE if late else STATUSES[given.get("status", "active")]
    created_at = datetime(2026, 1, 1, tzinfo=UTC)
    return Subscription(
        account="acct_1",
        id="sub_1",
        contact="con_1",
        currency=currency,
        frequency=frequency(given),
        lines=(taxed(line) if "tax" in given else line,),
        taxes=(Tax(id="vat", name="VAT", percent=Decimal(20)),) if "tax" in given else (),
        discounts=coupons(given),
        anchor_on=date(2026, 1, 1),
        zone="UTC",
        hour=6,
        status=status,
        arrears=("inv_1_0001",) if late else (),
        created_at=created_at,
        ended_at=created_at if status is Status.CANCELED else None,
    )


def coupons(given: Values) -> tuple[Discount, ...]:
    if "coupon_percent" not in given:
        return ()
    once = given.get("coupon_duration", "forever") == "once"
    until = date(2026, 7, 1) if given.get("coupon_duration") == "repeating" else None
    percent = Decimal(given["coupon_percent"])
    return (Discount(coupon="cpn_1", name="Off", percent=percent, once=once, until_on=until),)


def taxed(line: Line) -> Line:
    return replace(line, taxes=("vat",))


def frequency(given: Values) -> Frequency:
    count = given.get("interval_count", 1)
    lengths = {"month": (count, 0), "year": (12 * count, 0), "week": (0, 7 * count), "day": (0, count)}
    length = lengths[given["interval"]]
    if length not in SOLD:
        field.left_out(f"{count} {given['interval']}: no frequency of HubSpot's")
    if given["interval"] == "week" and not of_52_weeks(given):
        field.left_out("another number of weeks to the month than 52/12")
    return SOLD[length]


def of_52_weeks(given: Values) -> bool:
    weeks = given.get("periods_per_month", "52/12")
    if "weeks" in given.get("convention", ""):
        weeks = re.findall(r"([0-9./]+) weeks", given["convention"])[0]
    over, _, under = weeks.partition("/")
    return Fraction(over) / Fraction(under or 1) == Fraction(52, 12)


def written(amount: Money) -> str:
    return str(amount.major())
