"""What is sold, on which terms, and to whom, as records."""

from datetime import date
from decimal import Decimal

from chalicelib.billing.collection import AddressType, Collection, CollectionMethod, Method, MethodType
from chalicelib.billing.discounts import Coupon, Duration, PromotionCode, UnitDiscount
from chalicelib.billing.instalments import Part
from chalicelib.billing.lines import Line
from chalicelib.billing.periods import Frequency
from chalicelib.billing.pricing import Model, Tier
from chalicelib.billing.products import Product
from chalicelib.billing.rating import Fee
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Change, Subscription
from chalicelib.billing.tax import Category, TaxRate
from chalicelib.store.keys import Record
from tests.contracts.records.values import AT, DISCOUNT, LATER, PAPERS, PRORATED, TAX, TIERS, usd

RECORDS: dict[tuple[str, int], Record] = {
    ("product", 1): Product(
        account="acct_1",
        id="prod_1",
        name="Just one more cup – 1 kg",
        currency="usd",
        unit_amount=Decimal("2500.000000000001"),
        frequency=Frequency.BIWEEKLY,
        created_at=AT,
        description="Whole beans",
        sku="JOM-1KG",
        model=Model.VOLUME,
        tiers=(
            Tier(up_to=Decimal("10.5"), unit_amount=Decimal("0.25"), flat_amount=Decimal(100)),
            Tier(unit_amount=Decimal("0.2"), flat_amount=Decimal(50)),
        ),
        taxes=("txr_1",),
        tax_code="txcd_10103001",
        tax_inclusive=True,
        payments=12,
        version=1,
    ),
    ("tax_rate", 1): TaxRate(
        account="acct_1",
        id="txr_1",
        name="Umsatzsteuer",
        percentage=Decimal(19),
        created_at=AT,
        label="USt.",
        inclusive=True,
        category=Category.ZERO,
        active=False,
        version=2,
    ),
    ("coupon", 1): Coupon(
        account="acct_1",
        id="cou_1",
        name="Welcome",
        created_at=AT,
        percent=Decimal("12.5"),
        amount=usd(500),
        duration=Duration.REPEATING,
        months=3,
        products=("prod_1",),
        max_redemptions=10,
        redeem_by=LATER,
        minimum=usd(2000),
        redeemed=4,
        active=False,
        version=5,
    ),
    ("promotion_code", 1): PromotionCode(
        account="acct_1",
        id="promo_welcome",
        code="WELCOME",
        coupon="cou_1",
        created_at=AT,
        contact="con_1",
        max_redemptions=1,
        expires_at=LATER,
        minimum=usd(100),
        redeemed=1,
        active=False,
        version=2,
    ),
    ("subscription", 1): Subscription(
        account="acct_1",
        id="sub_1",
        contact="con_1",
        currency="usd",
        frequency=Frequency.PER_SIX_MONTHS,
        lines=(
            Line(
                id="li_1",
                name="Just one more cup – 1 kg",
                unit_amount=Decimal("2500.50"),
                quantity=Decimal("1.25"),
                description="Whole beans",
                sku="JOM-1KG",
                product="prod_1",
                model=Model.GRADUATED,
                tiers=TIERS,
                discounts=(UnitDiscount(percent=Decimal(10), amount=Decimal("0.5")),),
                taxes=("txr_1",),
                tax_code="txcd_1",
            ),
        ),
        anchor_on=date(2026, 1, 31),
        zone="America/New_York",
        hour=6,
        status=Status.PAST_DUE,
        created_at=AT,
        name="Ada's coffee",
        reminder_days=14,
        payments=12,
        cycle=3,
        reminded=2,
        method=Method(id="pm_1", customer="cus_1", label="Visa •••• 4242", type="sepa_debit", refused=True),
        arrears=("inv_1_0002", "inv_1_0003"),
        cancel_at_period_end=True,
        ended_at=LATER,
        offset=-2,
        besides=1,
        taxes=(TAX,),
        automatic_tax=True,
        discounts=(DISCOUNT,),
        fees=(
            Fee(
                name="Card",
                types=("card",),
                percent=Decimal("1.5"),
                amount=usd(30),
                taxes=("txr_1",),
                once=True,
            ),
        ),
        extras=(PRORATED,),
        change=Change(lines=(PRORATED,), rates=(TAX,), coupons=(DISCOUNT,), frequency=Frequency.ANNUALLY),
        cancel_on=date(2026, 9, 1),
        paused_on=date(2026, 5, 1),
        resume_on=date(2026, 6, 1),
        shifts=True,
        prorates=True,
        since_on=date(2026, 4, 2),
        short=True,
        foretold=3126,
        collection=Collection(
            way=CollectionMethod.SEND_INVOICE,
            days_until_due=30,
            online=False,
            types=(MethodType.SEPA,),
            addresses=(AddressType.BILLING, AddressType.SHIPPING),
            save_method=True,
        ),
        record_only=True,
        deleted_at=AT,
        schedule=(Part(due_on=date(2026, 3, 2), percent=Decimal("33.4"), amount=7),),
        company="com_1",
        papers=PAPERS,
        unasked=1,
        version=7,
    ),
}
