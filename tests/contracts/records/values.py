"""What the records share: moments, amounts, addresses, and the parts that stand in more than one of them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from chalicelib.billing.addresses import Address
from chalicelib.billing.discounts import Discount
from chalicelib.billing.lines import Base, Kind, Line, Share
from chalicelib.billing.money import Money
from chalicelib.billing.papers import CustomField, Papers
from chalicelib.billing.pricing import Tier
from chalicelib.billing.tax import Category, Tax

AT = datetime(2026, 1, 31, 12, 0, 0, 250_000, tzinfo=UTC)
LATER = AT + timedelta(minutes=5)


def usd(amount: int) -> Money:
    return Money(amount, "usd")


TIERS = (
    Tier(up_to=Decimal(10), unit_amount=Decimal("2.5"), flat_amount=Decimal(100)),
    Tier(up_to=Decimal(99), unit_amount=Decimal(2), flat_amount=Decimal(50)),
)
SHARE = Share(days=10, of_days=31, start_on=date(2026, 3, 5), end_on=date(2026, 3, 15))
PRORATED = Line(
    id="li_2",
    name="Coffee",
    unit_amount=Decimal(3),
    quantity=Decimal(2),
    taxes=("txr_1",),
    tax_inclusive=True,
    kind=Kind.PRORATION,
    share=SHARE,
    percent_of=Base(percent=Decimal("1.5"), amount=usd(2000)),
)
TAX = Tax(
    id="txr_1", name="VAT", percent=Decimal(19), inclusive=True, category=Category.REVERSE_CHARGE, once=True
)
DISCOUNT = Discount(
    coupon="cou_1",
    name="Welcome",
    percent=Decimal(5),
    amount=usd(100),
    products=("prod_1",),
    once=True,
    until_on=date(2026, 9, 1),
    code="WELCOME",
)
HOME = Address(
    country="US", line1="1 Main St", line2="Fl. 2", city="New York", postal_code="10001", state="NY"
)
DOCK = Address(country="DE", line1="Kai 7", line2="Tor 2", city="Hamburg", postal_code="20457", state="HH")
PAPERS = Papers(
    language="de",
    locale="de-AT",
    comments="Vielen Dank, {{thanks}}",
    tax_ids=("DE136695976",),
    custom_fields=(CustomField(label="Kostenstelle", value="4711"),),
    reference="PO-77",
    buyer_reference="04011000-12345-03",
    billing_address=HOME,
    shipping_address=DOCK,
    emailed=False,
)
