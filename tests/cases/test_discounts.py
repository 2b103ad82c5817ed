"""The field's cases on coupons and on sharing what they take."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from chalicelib.billing import money, rating
from chalicelib.billing.credits import Wanted, credited
from chalicelib.billing.discounts import Discount
from chalicelib.billing.invoices import Invoice, InvoiceStatus
from chalicelib.billing.lines import Line
from chalicelib.billing.money import Money
from chalicelib.billing.rating import Rated
from chalicelib.billing.tax import Tax
from tests.billing.sold import START
from tests.cases import field
from tests.cases.field import Case, Values


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
        "partial_credit_tax": credited,
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


def credited(given: Values) -> Values:
    field.left_out("partial_credit_tax: a credit note's, and among the cases of those")


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


def partial_credit_tax(given: Values) -> Values:
    """A paid invoice of one line with those taxes on top, of which a part is given back."""
    net = given["invoice_net_minor"]
    invoice = charged(net, given["tax_lines_minor"])
    wanted = Wanted(line=0, amount=Money(given["credited_net_minor"], "usd"))
    note = credited(invoice, [], [wanted], number="CN-000001", now=invoice.issued_at, day=START)
    taxes = {share.tax: share.amount.amount for share in note.lines[0].taxes}
    assert note.total.amount == given["credited_net_minor"] + sum(taxes.values())
    return {"tax_lines_minor": taxes, "tax_minor": sum(taxes.values())}


def charged(net: int, taxes: dict[str, int]) -> Invoice:
    """An invoice of one line whose taxes come to those amounts: such a percentage of it each, if one with 12 decimals does."""
    rates = [Tax(id=name, name=name, percent=percent_of(tax, net)) for name, tax in taxes.items()]
    line = Line(id="li_1", name="Plan", unit_amount=Decimal(net), taxes=tuple(taxes))
    made = rating.rated([line], "usd", START, taxes=rates)
    assert {share.tax: share.amount.amount for share in made.lines[0].taxes} == taxes
    now = datetime.combine(START, time(6), UTC)
    return Invoice(
        account="acct_1",
        id="inv_1_0001",
        subscription="sub_1",
        contact="con_1",
        cycle=0,
        number="INV-000001",
        currency="usd",
        lines=made.lines,
        period_start_on=START,
        period_end_on=START,
        issued_at=now,
        total=made.total,
        amount_paid=made.total,
        status=InvoiceStatus.PAID,
        taxes=made.taxes,
    )


def percent_of(tax: int, net: int) -> Decimal:
    """The percentage that a tax is of an amount, to six decimals: near enough to come to it again."""
    return Decimal(round(Fraction(tax * 100 * 10**6, net))).scaleb(-6)
