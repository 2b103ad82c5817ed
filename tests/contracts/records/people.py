"""Who sells and who buys, as records: accounts and their people, customers and how mail reaches them."""

from decimal import Decimal

from chalicelib.billing.collection import MethodType
from chalicelib.billing.deliveries import Letter
from chalicelib.billing.dunning import AtEnd, RetryPolicy
from chalicelib.billing.money import Money
from chalicelib.billing.rating import Fee
from chalicelib.billing.tax import Exemption
from chalicelib.crm.account_changes import AccountChange, FieldChange
from chalicelib.crm.accounts import Account, ApiKey, Rezoning, TestClock
from chalicelib.crm.companies import Company
from chalicelib.crm.contacts import Contact, PaymentMethod
from chalicelib.crm.formers import Former
from chalicelib.crm.profiles import Bank, Profile, Snippet
from chalicelib.crm.suppressions import Suppression, SuppressionReason, name_of
from chalicelib.crm.tax_ids import TaxId
from chalicelib.crm.users import User
from chalicelib.crm.wordings import Wording
from chalicelib.store.keys import Record
from tests.contracts.records.values import AT, DOCK, HOME, LATER, usd

CONTACT = Contact(
    account="acct_1",
    id="con_1",
    name="Ada Lovelace",
    email="ada@example.com",
    created_at=AT,
    customer="cus_1",
    address=HOME,
    tax_exempt=Exemption.REVERSE,
    balances=(usd(500), Money(900, "eur")),
    company="com_1",
    phone="+1 212 555 0100",
    shipping_address=DOCK,
    tax_ids=(TaxId(type="us_ein", value="12-3456789"),),
    language="en",
    locale="en-US",
    revision=3,
    version=2,
)
COMPANY = Company(
    account="acct_1",
    id="com_1",
    name="Analytical Engines Ltd",
    created_at=AT,
    email="bills@engines.example",
    phone="+44 20 7946 0000",
    website="https://engines.example",
    address=HOME,
    shipping_address=DOCK,
    registration="12345678",
    tax_ids=(TaxId(type="gb_vat", value="GB980780684"),),
    language="en",
    locale="en-GB",
    revision=4,
    version=6,
)
PROFILE = Profile(
    account="acct_1",
    id="acct_1",
    created_at=AT,
    revision=5,
    legal_name="Rösterei am Markt GmbH",
    address=DOCK,
    email="rechnung@roaster.example",
    phone="+49 40 555 0100",
    website="https://roaster.example",
    registration="HRB 1234, Amtsgericht Hamburg",
    tax_ids=(TaxId(type="eu_vat", value="DE136695976"),),
    bank=Bank(
        iban="DE89370400440532013000",
        bic="COBADEFFXXX",
        holder="Rösterei am Markt GmbH",
        bank="Commerzbank",
        lines="Routing 021000021",
    ),
    color="#0a5c36",
    logo="9f86d081.png",
    language="de",
    locale="de-DE",
    comments="Danke!",
    footer="Geschäftsführerin: Grace Hopper",
    zone="Europe/Berlin",
    snippets=(Snippet(name="thanks", text="wir freuen uns"),),
    version=7,
)
RECORDS: dict[tuple[str, int], Record] = {
    ("account", 1): Account(
        account="acct_clock_1",
        id="acct_clock_1",
        name="Rösterei am Markt",
        email="hello@roaster.example",
        currency="usd",
        zone="America/New_York",
        livemode=True,
        created_at=AT,
        billing_hour=9,
        reminder_days=7,
        retries=RetryPolicy(
            days=(2, 4, 60), at_end=AtEnd.CANCEL, debit_days=(3,), hard_declines=("do_not_honor",)
        ),
        invoice_prefix="R-",
        clock=TestClock(now_at=AT, target_at=LATER),
        rezoning=Rezoning(walk_at=AT, after="sub_1", second=True, missed=True),
        accept_online=False,
        method_types=(MethodType.SEPA, MethodType.CARD),
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
        email_invoices=False,
        invoicing_can_be_off=True,
        numbers_by_year=True,
        credit_note_prefix="G-",
        letters_off=(Letter.RECEIPT, Letter.CHANGED),
        attach_pdf=False,
        overdue_days=(3, 14),
        issuer=5,
        listeners=("payment.succeeded", "*"),
        staff_letters=(Letter.STAFF_DISPUTE,),
        wordings=("receipt_de",),
        version=3,
    ),
    ("api_key", 1): ApiKey(
        account="acct_1",
        id="key_9f86d081884c7d65",
        name="Shop",
        hint="4f2a",
        created_at=AT,
        revoked_at=LATER,
        version=2,
    ),
    ("account_change", 1): AccountChange(
        account="acct_1",
        id="achg_000000004",
        key="key_1",
        key_name="laptop",
        fields=(FieldChange(field="billing_hour", before="6", after="7"),),
        created_at=AT,
        version=1,
    ),
    ("profile", 1): PROFILE,
    ("former", 1): Former(
        account="acct_1",
        id="was_con_1_000003",
        subject="con_1",
        created_at=AT,
        key="key_1",
        profile=PROFILE,
        contact=CONTACT,
        company=COMPANY,
        version=1,
    ),
    ("wording", 1): Wording(
        account="acct_1",
        id="receipt_de",
        letter=Letter.RECEIPT,
        language="de",
        created_at=AT,
        subject="Danke für {amount}",
        title="Danke",
        body="{business} dankt für {amount} am {day}.",
        button="Ansehen",
    ),
    ("user", 1): User(
        account="acct_1",
        id="user_1",
        name="Grace Hopper",
        email="grace@roaster.example",
        created_at=AT,
        language="de",
        locale="de-CH",
        letters=(Letter.STAFF_PAYMENT_FAILED, Letter.STAFF_DISPUTE),
        deleted_at=LATER,
        version=3,
    ),
    ("contact", 1): CONTACT,
    ("company", 1): COMPANY,
    ("payment_method", 1): PaymentMethod(
        account="acct_1",
        id="pm_1",
        contact="con_1",
        customer="cus_1",
        type="card",
        label="Visa •••• 4242",
        created_at=AT,
        exp_month=12,
        exp_year=2030,
        look_at=LATER,
        version=1,
    ),
    ("suppression", 1): Suppression(
        account="acct_1",
        id=name_of("ada@example.com"),
        address="ada@example.com",
        reason=SuppressionReason.COMPLAINT,
        since=AT,
        delivery="dlv_1",
        contact="con_1",
        detail="abuse",
        lifted_at=LATER,
        version=2,
    ),
}
