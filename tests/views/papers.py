"""A roaster's documents in every language: what the tests look at, and a gallery shows."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

from chalicelib.billing import credits as credit_notes
from chalicelib.billing import instalments, rating
from chalicelib.billing.addresses import Address
from chalicelib.billing.credits import Wanted
from chalicelib.billing.discounts import Discount, UnitDiscount
from chalicelib.billing.instalments import Part
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.lines import Kind, Line, Share
from chalicelib.billing.money import Money
from chalicelib.billing.papers import CustomField, Papers
from chalicelib.billing.pricing import Model, Tier
from chalicelib.billing.tax import Category, Tax
from chalicelib.crm.accounts import Account
from chalicelib.crm.companies import Company
from chalicelib.crm.contacts import Contact
from chalicelib.crm.parties import Parties
from chalicelib.crm.profiles import Bank, Profile, Snippet
from chalicelib.crm.tax_ids import TaxId
from chalicelib.views.documents import Document

AT = datetime(2026, 2, 3, 9, 15, tzinfo=UTC)
ACCOUNT = Account(
    account="acct_1",
    id="acct_1",
    name="Hafenrösterei",
    email="rechnung@hafenroesterei.example",
    currency="eur",
    zone="Europe/Berlin",
    livemode=False,
    created_at=AT,
)
PROFILE = Profile(
    account="acct_1",
    id="acct_1",
    created_at=AT,
    legal_name="Hafenrösterei Nordlicht GmbH",
    address=Address(country="DE", line1="Speicherstraße 12", city="Hamburg", postal_code="20457"),
    phone="+49 40 5550100",
    website="https://hafenroesterei.example",
    registration="HRB 123456, Amtsgericht Hamburg",
    tax_ids=(TaxId(type="eu_vat", value="DE136695976"),),
    bank=Bank(iban="DE89370400440532013000", bic="COBADEFFXXX", holder="", bank="Commerzbank Hamburg"),
    color="#0b6e4f",
    footer="Geschäftsführerin: Jule Petersen",
    snippets=(Snippet(name="thanks", text="**Thank you** for your order."),),
)
BUYERS = {
    "en": ("Northwind Traders, Inc.", "Ada Lovelace", Address(country="US", line1="1 Market St, Suite 300", city="San Francisco", state="CA", postal_code="94105"), "us_ein", "12-3456789", "en-US", "usd"),
    "de": ("Bäckerei Grünwald & Söhne OHG", "Jörg Grünwald", Address(country="DE", line1="Königsallee 1", city="Düsseldorf", postal_code="40212"), "eu_vat", "DE811569869", "de-DE", "eur"),
    "fr": ("Brûlerie de l’Étoile SARL", "Zoé Lefèvre", Address(country="FR", line1="8 rue de l’Œuvre", city="Paris", postal_code="75008"), "eu_vat", "FR40303265045", "fr-FR", "eur"),
    "da": ("Kaffebaren Ærø ApS", "Søren Østergård", Address(country="DK", line1="Strandgade 7", city="Marstal", postal_code="5960"), "eu_vat", "DK13585628", "da-DK", "dkk"),
    "es": ("Cafés del Ñandú, S.L.", "Begoña Íñiguez", Address(country="ES", line1="Calle de Alcalá, 45", city="Madrid", state="M", postal_code="28014"), "eu_vat", "ESB58378431", "es-ES", "eur"),
    "ja": ("株式会社山田珈琲", "山田 花子", Address(country="JP", line1="神宮前1-2-3 サクラビル4階", city="渋谷区", state="東京都", postal_code="150-0001"), "jp_trn", "T1234567890123", "ja-JP", "jpy"),
    "ar": ("شركة القهوة العربية ذ.م.م", "ليلى الحداد", Address(country="AE", line1="شارع الشيخ زايد، برج 5", city="دبي", state="دبي"), "ae_trn", "100123456700003", "ar-AE", "aed"),
}  # fmt: skip
"""By language: company, person, address, tax id, locale, currency."""

COMMENTS = (
    "{{thanks}} Questions? Write to [our team](mailto:help@hafenroesterei.example) or see "
    "[the terms](https://hafenroesterei.example/terms).\n\n- Beans are roasted *each Monday*.\n- Sacks are taken back."
)


def parties(language: str = "en", **papers: object) -> Parties:
    """The roaster, and a buyer who reads a language."""
    company, person, address, type_, value, locale, _ = BUYERS[language]
    buyer = Contact(
        account="acct_1", id="con_1", name=person, email="buyer@example.com", created_at=AT, company="com_1"
    )
    told = Company(
        account="acct_1",
        id="com_1",
        name=company,
        created_at=AT,
        address=address,
        tax_ids=(TaxId(type=type_, value=value),),
    )
    fields = (CustomField(label="Kostenstelle", value="4711"),)
    said = Papers(
        language=language, locale=locale, comments=COMMENTS, custom_fields=fields, reference="PO-2026-118"
    )
    return Parties(
        account=ACCOUNT, profile=PROFILE, contact=buyer, company=told, papers=replace(said, **papers)
    )


def lines(factor: int = 1) -> list[Line]:
    """Flat, prorated, tiered, and once."""
    return [
        Line(
            id="li_1",
            name="Espresso Nordlicht 1 kg",
            description="Dark roast, whole beans",
            unit_amount=Decimal(2450 * factor),
            quantity=Decimal(12),
            taxes=("txr_1",),
            discounts=(UnitDiscount(percent=Decimal(10)),),
        ),
        Line(
            id="li_2",
            name="Grinder rental",
            unit_amount=Decimal(3100 * factor),
            taxes=("txr_2",),
            share=Share(days=20, of_days=28, start_on=date(2026, 2, 9), end_on=date(2026, 3, 1)),
        ),
        Line(
            id="li_3",
            name="Tasting portal, seats",
            unit_amount=Decimal(0),
            quantity=Decimal(25),
            model=Model.GRADUATED,
            tiers=(
                Tier(up_to=Decimal(10), unit_amount=Decimal(500 * factor)),
                Tier(unit_amount=Decimal("420.5") * factor),
            ),
            taxes=("txr_2",),
        ),
        Line(
            id="li_4",
            name="Barista workshop",
            unit_amount=Decimal(18000 * factor),
            kind=Kind.ONE_TIME,
            taxes=("txr_2",),
        ),
    ]


TAXES = (
    Tax(id="txr_1", name="VAT", percent=Decimal(7)),
    Tax(id="txr_2", name="VAT", percent=Decimal(19)),
)
REVERSE = (
    Tax(id="txr_1", name="VAT", percent=Decimal(0), category=Category.REVERSE_CHARGE),
    Tax(id="txr_2", name="VAT", percent=Decimal(0), category=Category.INTRA_COMMUNITY),
)


def invoice(
    currency: str = "eur",
    sold: list[Line] | None = None,
    taxes: tuple[Tax, ...] = TAXES,
    number: str = "INV-2026-000042",
    **fields: object,
) -> Invoice:
    """A sent invoice of February, with a coupon."""
    coupon = Discount(coupon="cou_1", name="Winter", percent=Decimal(5))
    rated = rating.rated(
        lines() if sold is None else sold, currency, date(2026, 2, 1), discounts=(coupon,), taxes=taxes
    )
    made = Invoice(
        account="acct_1",
        id="inv_1_0001",
        subscription="sub_1",
        contact="con_1",
        cycle=0,
        number=number,
        currency=currency,
        lines=rated.lines,
        period_start_on=date(2026, 2, 1),
        period_end_on=date(2026, 3, 1),
        issued_at=AT,
        total=rated.total,
        amount_paid=Money.zero(currency),
        discounts=rated.discounts,
        taxes=rated.taxes,
        due_on=date(2026, 2, 17),
        company="com_1",
    )
    return replace(made, **fields)


def document(language: str = "en", **papers: object) -> Document:
    """An invoice in a language, in its buyer's currency, partly paid from their balance."""
    currency = BUYERS[language][6]
    one = invoice(currency, amount_applied=Money(1500, currency))
    return Document(
        invoice=one,
        parties=parties(language, **papers),
        link="https://billing.example/b/token",
    )


def in_instalments(document: Document) -> Document:
    """The same, due in three parts."""
    parts = [
        Part(due_on=date(2026, month, 17), percent=Decimal(percent))
        for month, percent in ((2, 50), (3, 25), (4, 25))
    ]
    split = instalments.planned(document.due, parts, date(2026, 2, 3))
    return replace(document, invoice=replace(document.invoice, instalments=split, due_on=split[-1].on))


def credit(document: Document) -> Document:
    """A credit note of its first line, and of some days of the second."""
    share = Share(days=7, of_days=20, start_on=date(2026, 2, 22), end_on=date(2026, 3, 1))
    note = credit_notes.credited(
        document.invoice,
        (),
        (Wanted(line=0), Wanted(line=1, share=share)),
        number="CN-2026-000007",
        now=AT.replace(month=3),
        day=date(2026, 3, 3),
        reason="One sack was wet.",
    )
    return replace(document, note=note)
