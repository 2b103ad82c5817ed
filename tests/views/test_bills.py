"""What a bill says of an invoice with tiers, discounts, taxes and what a balance has paid."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from chalicelib.billing import issuing
from chalicelib.billing.discounts import Discount, UnitDiscount
from chalicelib.billing.lines import Kind, Line, Share
from chalicelib.billing.money import Money
from chalicelib.billing.periods import Period
from chalicelib.billing.pricing import Model, Tier
from chalicelib.billing.rating import Fee
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.tax import Tax
from chalicelib.crm.contacts import Contact
from chalicelib.views import bills
from tests.views.conftest import NOW

TIERS = (
    Tier(up_to=Decimal(10), unit_amount=Decimal(100)),
    Tier(unit_amount=Decimal("80.5"), flat_amount=Decimal(500)),
)


@pytest.fixture
def rich(subscription: Subscription) -> Subscription:
    """Graduated seats with a discount, a coupon, a tax on top, a fee on cards."""
    seats = Line(
        id="li_1",
        name="Seats",
        unit_amount=Decimal(0),
        quantity=Decimal(15),
        model=Model.GRADUATED,
        tiers=TIERS,
        discounts=(UnitDiscount(percent=Decimal(10)),),
        taxes=("txr_1",),
    )
    return replace(
        subscription,
        lines=(seats,),
        taxes=(Tax(id="txr_1", name="VAT", percent=Decimal("8.5")),),
        discounts=(Discount(coupon="cou_1", name="Welcome", percent=Decimal(5)),),
        fees=(Fee(name="Card fee", types=("card",), percent=Decimal("1.5")),),
    )


def test_a_bill_leads_from_its_rows_to_what_is_due(rich: Subscription):
    """Rows, discounts, taxes, total, balance: each sum can be checked by hand."""
    invoice = issuing.invoice_of(rich, "INV-000001", NOW, balance=500)
    bill = bills.bill(invoice)
    assert [(row.name, row.sum, row.amount) for row in bill.rows] == [
        ("Seats", "10 × $1.00 + 5 × $0.805 + $5.00, less 10%", "$17.12"),
        ("Card fee", "1.5% of $16.26", "$0.24"),
    ]
    assert bill.sums == (
        ("Subtotal", "$17.36"),
        ("Welcome (5%)", "-$0.86"),
        ("VAT 8.5% of $16.26", "$1.38"),
    )
    assert bill.total == "$17.88"
    assert bill.settled == (("From your balance", "-$5.00"),)
    assert bill.due == "$12.88"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (Line(id="a", name="A", unit_amount=Decimal("12.5"), quantity=Decimal(40)), "40 × $0.125"),
        (Line(id="a", name="A", unit_amount=Decimal(900), discounts=(UnitDiscount(amount=Decimal("50.5")),)),
         "1 × $9.00, less $0.505 each"),
        (Line(id="a", name="A", unit_amount=Decimal(0), quantity=Decimal(15), model=Model.VOLUME, tiers=TIERS),
         "15: 15 × $0.805 + $5.00"),
        (Line(id="a", name="A", unit_amount=Decimal(0), quantity=Decimal(15), model=Model.STAIRSTEP,
              tiers=(Tier(flat_amount=Decimal(8000)),)), "15: $80.00"),
        (Line(id="a", name="A", unit_amount=Decimal(3100), kind=Kind.PRORATION,
              share=Share(days=20, of_days=31, start_on=date(2026, 3, 5), end_on=date(2026, 3, 25))),
         "1 × $31.00, 20 of 31 days (March 5 – 24, 2026)"),
    ],
)  # fmt: skip
def test_a_row_says_how_its_amount_came_to_be(subscription: Subscription, line: Line, told: str):
    """A price, tiers, a discount of each unit, or days of a period."""
    made = issuing.issued(subscription, (line,), Period(NOW.date(), NOW.date()), "INV-1", NOW)
    assert bills.bill(made).rows[0].sum == told


def test_a_tax_inside_the_price_is_told_and_not_added(subscription: Subscription):
    """An inclusive tax stands beside the total; there is no subtotal where nothing leads from it to the total."""
    vat = Tax(id="t", name="VAT", percent=Decimal(20), inclusive=True)
    line = Line(id="a", name="A", unit_amount=Decimal(1200), taxes=("t",))
    invoice = issuing.invoice_of(replace(subscription, lines=(line,), taxes=(vat,)), "INV-1", NOW)
    bill = bills.bill(invoice)
    assert (bill.sums, bill.total, bill.due) == ((("VAT 20%, included", "$2.00"),), "$12.00", "")


def test_the_next_invoice_is_what_the_change_saved_for_it_makes_of_it(
    subscription: Subscription, contact: Contact
):
    """It is computed as it will be issued: paid from the customer's balance first."""
    invoice = bills.next_invoice(subscription, contact.credited(Money(5_00, "usd")), NOW)
    assert (invoice.total, invoice.amount_due) == (Money(125500, "usd"), Money(125000, "usd"))
