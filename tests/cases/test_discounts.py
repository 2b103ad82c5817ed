"""The field's cases on coupons and on sharing what they take."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from chalicelib.billing import money, rating
from chalicelib.billing.discounts import Discount
from chalicelib.billing.lines import Line
from chalicelib.billing.money import Money
from chalicelib.billing.rating import Rated
from tests.billing.sold import START
from tests.cases import field
from tests.cases.field import Case, Values
from tests.cases.partial_credits import partial_credit_tax


@field.cases("discounts")
def test_discounts(case: Case):
    """Coupons are taken in the order given, each of what those before it left, never more than there is.

    A source that takes percentages of the first price, or sorts its coupons, runs where that comes to the same. A
    percentage is rounded once on the sum; a source that rounds it per line runs where the lines need no rounding.
    """
    field.check(case, {
        "coupon_amount": amount,
        "coupon_sequence": sequence,
        "coupon_limits": limits,
        "spread_over_lines": spread,
        "percent_per_line": percent_per_line,
        "partial_credit_tax": partial_credit_tax,
    })  # fmt: skip


def amount(given: Values) -> Values:
    if given["already_used_minor"] and given["coupon"].get("frequency") != "recurring":
        field.left_out("an amount that several invoices use up: a coupon here is of each invoice, or of one")
    return {"discount_minor": taken(rated([given["base_minor"]], [given["coupon"]]))}


def sequence(given: Values) -> Values:
    made = rated([given["base_minor"]], in_order(given))
    return told(made) | {"coupons_used": sum(bool(one.amount) for one in made.discounts)}


def limits(given: Values) -> Values:
    lines = given["lines"]
    made = rated([line["minor"] for line in lines], in_order(given), [line.get("plan") for line in lines])
    return told(made) | {"coupons_used": sum(bool(one.amount) for one in made.discounts)}


def in_order(given: Values) -> list[Values]:
    """The order is the giver's: a source that has one of its own gives its coupons in that."""
    coupons = given.get("coupons_in_creation_order") or given["coupons"]
    if "percentages before fixed" in given.get("convention", ""):
        return sorted(coupons, key=lambda one: "fixed_minor" in one)
    return list(coupons)


def spread(given: Values) -> Values:
    made = rated(given["lines_minor"], [{"fixed_minor": given["discount_minor"]}])
    return of_lines(made)


def percent_per_line(given: Values) -> Values:
    made = rated(given["lines_minor"], [{"percent": given["percent"]}])
    rate = Fraction(given["percent"]) / 100
    if [money.round_half_up(rate * one) for one in given["lines_minor"]] != [
        one.off[0].amount for one in made.lines
    ]:
        field.left_out("a percentage rounded on each line, and not once on their sum")
    return of_lines(made) | {"discount_of_sum_minor": taken(made)}


def rated(amounts: list[int], coupons: list[Values], products: list[Any] | None = None) -> Rated:
    products = products or [None] * len(amounts)
    lines = [
        Line(id=f"li_{n}", name="Plan", unit_amount=Decimal(one), product=product)
        for n, (one, product) in enumerate(zip(amounts, products, strict=True))
    ]
    return rating.rated(lines, "usd", START, discounts=[coupon(one) for one in coupons])


def coupon(given: Values) -> Discount:
    products = tuple(given.get("plans", ()))
    if "percent" in given:
        return Discount(coupon="c", name="Off", percent=Decimal(given["percent"]), products=products)
    return Discount(coupon="c", name="Off", amount=Money(given["fixed_minor"], "usd"), products=products)


def told(made: Rated) -> Values:
    return {"discount_minor": taken(made), "subtotal_minor": made.total.amount}


def taken(made: Rated) -> int:
    return sum(one.amount.amount for one in made.discounts)


def of_lines(made: Rated) -> Values:
    return {
        "lines_after_minor": [line.charged.amount for line in made.lines],
        "line_discounts_minor": [line.off[0].amount for line in made.lines],
    }
