"""An invoice is the sum of what its lines say, to the minor unit, whatever is on them."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.billing import rating
from chalicelib.billing.discounts import Discount, UnitDiscount
from chalicelib.billing.errors import Invalid
from chalicelib.billing.lines import Base, Kind, Line, Share
from chalicelib.billing.money import Money
from chalicelib.billing.pricing import Model, Tier
from chalicelib.billing.rating import Fee, InvoiceDiscount, InvoiceLine, InvoiceTax, Rated, TaxShare
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.tax import Category, Exemption, Levy, Tax
from tests.billing.sold import START, percents, subscriptions

D = Decimal
VAT = Tax(id="vat", name="VAT", percent=D(19))


def line(n: int, unit_amount: str, **more: Any) -> Line:
    return Line(id=f"li_{n}", name="Coffee", unit_amount=D(unit_amount), **more)


def rated(sold: Subscription, **more: Any) -> Rated:
    with_ = {"discounts": sold.discounts, "taxes": sold.taxes, "fees": sold.fees} | more
    return rating.rated(sold.lines, sold.currency, START, **with_)


def usd(amount: int) -> Money:
    return Money(amount, "usd")


@given(subscriptions(), st.sampled_from([None, *Exemption]))
def test_lines_sum_to_the_invoice(sold: Subscription, exemption: Exemption | None):
    """The total is what is charged for the lines and the taxes on top of them."""
    made = rated(sold, exemption=exemption)
    on_top = sum(tax.amount.amount for tax in made.taxes if not tax.inclusive)
    assert made.total.amount == sum(line.charged.amount for line in made.lines) + on_top
    assert made.total.amount >= 0
    assert {one.currency for one in (made.total, *(line.amount for line in made.lines))} == {sold.currency}


@given(subscriptions())
def test_the_lines_parts_are_the_taxes(sold: Subscription):
    """The shares of a rate sum to its tax; inside a line there is never more tax than its price."""
    made = rated(sold)
    inside = {tax.tax for tax in made.taxes if tax.inclusive}
    for tax in made.taxes:
        parts = [share.amount.amount for line in made.lines for share in line.taxes if share.tax == tax.tax]
        assert sum(parts) == tax.amount.amount
        assert min(parts) >= 0
    for line in made.lines:
        own = sum(share.amount.amount for share in line.taxes if share.tax in inside)
        assert own <= line.charged.amount


@given(subscriptions())
def test_the_lines_parts_are_the_discounts(sold: Subscription):
    """The parts of a coupon sum to it, never take more than a line has, and are only of lines it is for."""
    made = rated(sold)
    for n, discount in enumerate(made.discounts):
        parts = [line.off[n].amount if line.off else 0 for line in made.lines]
        assert sum(parts) == discount.amount.amount
        assert not any(
            part
            for part, line in zip(parts, made.lines, strict=True)
            if not rating.touched(line, discount.products)
        )
    for line in made.lines:
        assert 0 <= line.charged.amount <= line.amount.amount


@given(subscriptions(), percents)
def test_a_further_coupon_never_makes_it_dearer(sold: Subscription, percent: Decimal):
    """What is charged before taxes does not rise with one more discount."""
    sold = replace(sold, taxes=(), lines=tuple(replace(one, taxes=()) for one in sold.lines))
    fees = tuple(replace(fee, taxes=()) for fee in sold.fees)
    more = (*sold.discounts, Discount(coupon="more", name="More", percent=percent))
    assert rated(sold, discounts=more, fees=fees).total <= rated(sold, fees=fees).total


@given(subscriptions())
def test_a_hundred_percent_off_leaves_only_what_coupons_do_not_touch(sold: Subscription):
    """Prorated lines have had their discounts; all else is free, and on nothing there is no fee."""
    free = (Discount(coupon="all", name="All", percent=D(100)),)
    made = rated(sold, discounts=free, taxes=())
    prorated = [line for line in made.lines if line.kind is Kind.PRORATION]
    fees = [line for line in made.lines if line.kind is Kind.FEE]
    assert made.total.amount == sum(line.amount.amount for line in (*prorated, *fees))
    assert bool(fees) == bool(sold.fees and any(line.amount for line in prorated))


def test_coupons_are_taken_in_the_order_given():
    """Each of what those before it left; another order may be another amount."""
    tenth = Discount(coupon="a", name="Tenth", percent=D(10))
    euro = Discount(coupon="b", name="One", amount=usd(100))
    sold = [line(1, "1000"), line(2, "500")]
    made = rating.rated(sold, "usd", START, discounts=(tenth, euro))
    assert [one.amount for one in made.discounts] == [usd(150), usd(100)]
    assert [tuple(part.amount for part in one.off) for one in made.lines] == [(100, 67), (50, 33)]
    made = rating.rated(sold, "usd", START, discounts=(euro, tenth))
    assert [one.amount for one in made.discounts] == [usd(100), usd(140)]


def test_coupons_touch_recurring_and_one_time_lines_of_their_products():
    """Neither a prorated line nor another product's; a coupon that finds no line takes nothing, and says so."""
    part = Share(days=1, of_days=2, start_on=START, end_on=date(2026, 3, 6))
    sold = [
        line(1, "1000", product="prod_1"),
        line(2, "1000", product="prod_1", kind=Kind.ONE_TIME),
        line(3, "1000", product="prod_1", kind=Kind.PRORATION, share=part),
        line(4, "1000", product="prod_2"),
    ]
    own = Discount(coupon="a", name="Own", percent=D(50), products=("prod_1",))
    nobodys = Discount(coupon="b", name="Other", amount=usd(500), products=("prod_9",))
    made = rating.rated(sold, "usd", START, discounts=(own, nobodys))
    assert [one.charged.amount for one in made.lines] == [500, 500, 500, 1000]
    assert [one.amount for one in made.discounts] == [usd(1000), usd(0)]
    assert (made.discounts[0].products, made.discounts[1].fixed) == (("prod_1",), usd(500))


def test_a_coupon_that_has_ended_is_not_there():
    """It holds for invoices whose period starts before its day."""
    until = Discount(coupon="a", name="Off", percent=D(50), until_on=START)
    assert rating.rated([line(1, "1000")], "usd", START, discounts=(until,)).discounts == ()
    before = rating.rated([line(1, "1000")], "usd", date(2026, 3, 4), discounts=(until,))
    assert before.total == usd(500)


def test_fees_come_after_coupons_and_before_tax():
    """A percentage of what is charged, rounded as a line; a fixed one; both may be taxed; none on nothing."""
    fees = (
        Fee(name="Card", types=("card",), percent=D("2.9"), taxes=("vat",)),
        Fee(name="Desk", types=("card",), amount=usd(30)),
    )
    half = Discount(coupon="a", name="Half", percent=D(50))
    made = rating.rated(
        [line(1, "1999", taxes=("vat",))], "usd", START, discounts=(half,), fees=fees, taxes=(VAT,)
    )
    assert [one.charged.amount for one in made.lines] == [999, 29, 30]
    assert [one.id for one in made.lines] == ["li_1", "fee_1", "fee_2"]
    assert made.lines[1].percent_of is not None
    assert made.lines[1].percent_of.amount == usd(999)
    assert [(tax.base.amount, tax.amount.amount) for tax in made.taxes] == [(1028, 195)]
    assert made.total == usd(999 + 29 + 30 + 195)
    assert len(rating.rated([line(1, "0")], "usd", START, fees=fees).lines) == 1


def test_a_fee_of_another_currency_is_refused():
    """A fixed fee is in the currency of what it is added to."""
    fee = Fee(name="Desk", types=("card",), amount=Money(30, "eur"))
    with pytest.raises(Invalid, match="currency_mismatch") as refused:
        rating.rated([line(1, "1000")], "usd", START, fees=(fee,))
    assert (refused.value.code, refused.value.param) == ("currency_mismatch", "fees")
    assert refused.value.detail == "The fee 'Desk' is in eur; give one in usd."


def test_a_coupon_of_another_currency_is_refused():
    """As is an amount off in a currency that the subscription is not in."""
    coupon = Discount(coupon="a", name="Off", amount=Money(30, "eur"))
    with pytest.raises(Invalid, match="currency_mismatch"):
        rating.rated([line(1, "1000")], "usd", START, discounts=(coupon,))


def test_a_one_off_tax_is_on_every_line():
    """Fees too, beside the taxes the lines have of their own."""
    once = Tax(id="once", name="Levy", percent=D(1), once=True)
    fee = Fee(name="Desk", types=("card",), amount=usd(1000))
    made = rating.rated(
        [line(1, "1000", taxes=("vat",)), line(2, "1000")], "usd", START, fees=(fee,), taxes=(VAT, once)
    )
    assert [(tax.tax, tax.base.amount, tax.amount.amount) for tax in made.taxes] == [
        ("vat", 1000, 190),
        ("once", 3000, 30),
    ]


def test_who_is_exempt_pays_no_tax():
    """The rates stay on the invoice with nothing to pay, in the category that says why."""
    sold = [line(1, "1000", taxes=("vat",))]
    for exemption, category in (
        (Exemption.EXEMPT, Category.EXEMPT),
        (Exemption.REVERSE, Category.REVERSE_CHARGE),
    ):
        made = rating.rated(sold, "usd", START, taxes=(VAT,), exemption=exemption)
        assert made.total == usd(1000)
        assert [(tax.percent, tax.category, tax.base) for tax in made.taxes] == [(0, category, usd(1000))]


def test_a_tax_service_answers_in_place_of_the_library():
    """It is asked with what is charged for each line, fees among them, and what it says is what is levied."""
    asked: list[Any] = []

    def levy(lines: Any, charged: Any) -> tuple[Levy, ...]:
        asked.append(([one.id for one in lines], list(charged)))
        return (Levy(tax=replace(VAT, id="svc"), base=530, amount=77, shares=(70, 7), on=(True, True)),)

    fee = Fee(name="Desk", types=("card",), amount=usd(30))
    half = Discount(coupon="a", name="Half", percent=D(50))
    made = rating.rated(
        [line(1, "1000", taxes=("vat",))],
        "usd",
        START,
        discounts=(half,),
        fees=(fee,),
        taxes=(VAT,),
        levy=levy,
    )
    assert asked == [(["li_1", "fee_1"], [500, 30])]
    assert made.total == usd(530 + 77)
    assert [(one.taxes[0].tax, one.taxes[0].amount) for one in made.lines] == [
        ("svc", usd(70)),
        ("svc", usd(7)),
    ]


def test_a_part_of_a_period_is_for_recurring_lines_only():
    """A line that is there once is charged whole."""
    part = Share(days=10, of_days=31, start_on=START, end_on=date(2026, 3, 15))
    scaled = rating.scaled([line(1, "3100"), line(2, "3100", kind=Kind.ONE_TIME)], part)
    made = rating.rated(scaled, "usd", START)
    assert [one.amount.amount for one in made.lines] == [1000, 3100]


def test_what_a_line_was_computed_from_is_kept():
    """Each field of a line that its amount depends on is on the invoice."""
    part = Share(days=10, of_days=31, start_on=START, end_on=date(2026, 3, 15))
    sold = line(1, "3100", quantity=D("1.5"), product="prod_1", description="Ground", share=part)
    kept = rating.rated([sold], "usd", START).lines[0]
    for name in (
        "id",
        "name",
        "unit_amount",
        "quantity",
        "product",
        "description",
        "share",
        "kind",
        "percent_of",
    ):
        assert getattr(kept, name) == getattr(sold, name)
    tiers = (Tier(up_to=D(10), unit_amount=D(100)), Tier(flat_amount=D(7)))
    tiered = line(2, "0", model=Model.GRADUATED, tiers=tiers, discounts=(UnitDiscount(percent=D(10)),))
    kept = rating.rated([tiered], "usd", START).lines[0]
    assert (kept.model, kept.tiers, kept.discounts) == (Model.GRADUATED, tiers, tiered.discounts)


def test_an_invoice_keeps_the_terms_it_was_computed_by():
    """Coupons, fees and taxes are told by their names and percentages, every amount in the invoice's currency."""
    half = Discount(coupon="cpn_1", name="Half", percent=D(50), code="HELLO")
    euro = Discount(coupon="cpn_2", name="A euro", amount=Money(100, "eur"), products=("prod_1",))
    inside = Tax(id="in", name="GST", percent=D(0), inclusive=True, category=Category.ZERO)
    fee = Fee(name="Card", percent=D(10), taxes=("vat",))
    sold = line(1, "2200", product="prod_1", taxes=("vat", "in"))
    made = rating.rated([sold], "eur", START, discounts=(half, euro), fees=(fee,), taxes=(VAT, inside))
    assert made.discounts == (
        InvoiceDiscount(coupon="cpn_1", name="Half", amount=Money(1100, "eur"), percent=D(50), code="HELLO"),
        InvoiceDiscount(
            coupon="cpn_2",
            name="A euro",
            amount=Money(100, "eur"),
            fixed=Money(100, "eur"),
            products=("prod_1",),
        ),
    )
    assert made.taxes == (
        InvoiceTax(tax="vat", name="VAT", percent=D(19), base=Money(1100, "eur"), amount=Money(209, "eur")),
        InvoiceTax(
            tax="in",
            name="GST",
            percent=D(0),
            base=Money(1000, "eur"),
            amount=Money(0, "eur"),
            inclusive=True,
            category=Category.ZERO,
        ),
    )
    assert made.lines[1] == InvoiceLine(
        id="fee_1",
        name="Card",
        unit_amount=D(100),
        quantity=D(1),
        amount=Money(100, "eur"),
        kind=Kind.FEE,
        percent_of=Base(percent=D(10), amount=Money(1000, "eur")),
        taxes=(TaxShare(tax="vat", amount=Money(19, "eur")),),
    )
    assert made.lines[0].off == (Money(1100, "eur"), Money(100, "eur"))
    assert made.lines[0].taxes == (
        TaxShare(tax="vat", amount=Money(190, "eur")),
        TaxShare(tax="in", amount=Money(0, "eur")),
    )


def test_a_fee_is_for_its_types_of_payment():
    """One without types is for any, known or not."""
    card, any_ = Fee(name="Card", types=("card", "link")), Fee(name="Desk")
    assert [card.touches(type_) for type_ in ("card", "link", "sepa_debit", None)] == [
        True,
        True,
        False,
        False,
    ]
    assert [any_.touches(type_) for type_ in ("card", None)] == [True, True]


def test_a_fee_of_nothing_adds_a_line_of_nothing():
    """Without a percentage and an amount it is zero in the invoice's currency."""
    made = rating.rated([line(1, "1000")], "jpy", START, fees=(Fee(name="Free"),))
    assert [one.amount for one in made.lines] == [Money(1000, "jpy"), Money(0, "jpy")]
