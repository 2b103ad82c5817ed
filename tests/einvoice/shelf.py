"""Invoices and credit notes, as our own issuing, changing and crediting makes them, and who they are from and to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from chalicelib.billing import automatic_tax, issuing, parts, proration
from chalicelib.billing.addresses import Address
from chalicelib.billing.automatic_tax import LineTax, TaxAnswer
from chalicelib.billing.collection import Collection, CollectionMethod
from chalicelib.billing.credits import CreditNote, Wanted, credited, noted, whole
from chalicelib.billing.discounts import Discount, UnitDiscount
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.lines import Line, Share
from chalicelib.billing.money import Money, rounded
from chalicelib.billing.papers import Papers
from chalicelib.billing.periods import Period
from chalicelib.billing.pricing import Model, Tier
from chalicelib.billing.proration import Standing
from chalicelib.billing.tax import Category, Exemption, Levy, Tax
from chalicelib.crm.accounts import Account
from chalicelib.crm.companies import Company
from chalicelib.crm.contacts import Contact
from chalicelib.crm.parties import Parties
from chalicelib.crm.profiles import Bank, Profile, Snippet
from chalicelib.crm.tax_ids import TaxId
from tests.billing.sold import subscription

NOW = datetime(2026, 3, 5, 5, 30, tzinfo=UTC)
TODAY = date(2026, 3, 5)
LATER = datetime(2026, 3, 20, 9, tzinfo=UTC)

# -- who -------------------------------------------------------------------------------------------

ACCOUNT = Account(
    account="acct_1",
    id="acct_1",
    name="Rösterei",
    email="billing@roaster.example",
    currency="eur",
    zone="Europe/Berlin",
    livemode=False,
    created_at=NOW,
)
PROFILE = Profile(
    account="acct_1",
    id="acct_1",
    created_at=NOW,
    legal_name="Rösterei & Söhne GmbH",
    address=Address(country="DE", line1="Am Kai 1", line2="Hof 2", city="Hamburg", postal_code="20457"),
    phone="+49 40 123456",
    registration="HRB 1234, Amtsgericht Hamburg",
    tax_ids=(TaxId(type="eu_vat", value="DE 123456789"), TaxId(type="de_stn", value="12/345/67890")),
    bank=Bank(iban="DE89 3704 0044 0532 0130 00", bic="COBADEFFXXX", holder="Rösterei & Söhne"),
    comments="**Danke!** {{hours}}",
    footer="Geschäftsführerin: *Jule*",
    snippets=(Snippet(name="hours", text="Mo–Fr 9–17"),),
)
CONTACT = Contact(
    account="acct_1",
    id="con_1",
    name="Ada Lovelace",
    email="ada@buyer.example",
    created_at=NOW,
    address=Address(country="US", line1="1 Main St", city="Springfield", state="IL", postal_code="62701"),
)
COMPANY = Company(
    account="acct_1",
    id="com_1",
    name="Moulin SARL",
    created_at=NOW,
    address=Address(country="FR", line1="1 rue du Four", city="Paris", postal_code="75006"),
    registration="RCS Paris 123 456 789",
    tax_ids=(TaxId(type="eu_vat", value="FR40303265045"),),
)
PERSON = Parties(account=ACCOUNT, profile=PROFILE, contact=CONTACT)
BUSINESS = replace(PERSON, company=COMPANY)

# -- what ------------------------------------------------------------------------------------------

VAT = Tax(id="vat", name="MwSt.", percent=Decimal(19))
REDUCED = Tax(id="reduced", name="MwSt.", percent=Decimal(7))
INSIDE = Tax(id="inside", name="MwSt.", percent=Decimal(19), inclusive=True)
INSIDE_7 = Tax(id="inside_7", name="MwSt.", percent=Decimal(7), inclusive=True)
ODD = Tax(id="odd", name="Sales", percent=Decimal("8.875"))


def free(category: Category, name: str = "VAT") -> Tax:
    return Tax(id=category.value, name=name, percent=Decimal(0), category=category)


TIERS = (
    Tier(up_to=Decimal(10), unit_amount=Decimal("100.5")),
    Tier(unit_amount=Decimal("80.25"), flat_amount=Decimal("500.5")),
)
FLATS = (Tier(up_to=Decimal(3), flat_amount=Decimal(999)), Tier(flat_amount=Decimal("2501.5")))


def line(unit_amount: Any = 1250, tax: Tax | None = VAT, quantity: Any = 1, **more: Any) -> Line:
    named = {"id": "li_1", "name": "Coffee, 1 kg"} | more
    return Line(
        unit_amount=Decimal(unit_amount),
        quantity=Decimal(quantity),
        taxes=(tax.id,) if tax else (),
        **named,
    )


def invoice(
    *lines: Line,
    taxes: Sequence[Tax] = (VAT,),
    currency: str = "eur",
    balance: int = 0,
    exemption: Exemption | None = None,
    **more: Any,
) -> Invoice:
    """The first cycle's invoice of a subscription of these lines."""
    sold = subscription(*lines, taxes=tuple(taxes), currency=currency, **more)
    return issuing.invoice_of(sold, "INV-000042", NOW, balance=balance, exemption=exemption)


def automatic(*lines: Line, tax: Tax = VAT) -> Invoice:
    """Taxed as Stripe answers: each line's tax rounded by itself, and nothing said of what costs nothing."""

    def levy(asked: Sequence[Line], left: Sequence[int]) -> tuple[Levy, ...]:
        found = automatic_tax.question(asked, left, "eur", Address(country="FR"), None)
        parts = tuple(
            LineTax(
                reference=one.reference,
                tax=tax,
                base=one.amount,
                amount=rounded(one.amount * tax.percent, 100),
            )
            for one in (found.lines if found else ())
        )
        return automatic_tax.levies(TaxAnswer(parts=parts), asked, left)

    return issuing.invoice_of(
        subscription(*lines, currency="eur", automatic_tax=True), "INV-000042", NOW, levy=levy
    )


def off(percent: Any = None, amount: int | None = None, currency: str = "eur", *products: str) -> Discount:
    return Discount(
        coupon="cou_1",
        name="Welcome",
        percent=None if percent is None else Decimal(percent),
        amount=None if amount is None else Money(amount, currency),
        products=products,
    )


def note(of: Invoice, *wanted: Wanted, before: Sequence[CreditNote] = (), reason: str = "") -> CreditNote:
    return credited(
        of,
        before,
        wanted or whole(of, before),
        number="CN-000007",
        now=LATER,
        day=LATER.date(),
        reason=reason,
    )


@dataclass(frozen=True)
class Issued:
    """A document and its parties."""

    invoice: Invoice
    note: CreditNote | None = None
    parties: Parties = PERSON


SENT = Collection(way=CollectionMethod.SEND_INVOICE, days_until_due=30)
RICH = (
    line(1999, VAT, "2.5", discounts=(UnitDiscount(percent=Decimal(10)),), product="prod_1"),
    line("0.25", REDUCED, 12345, id="li_2", name="Calls", product="prod_2"),
    line(0, VAT, 15, id="li_3", name="Seats", model=Model.GRADUATED, tiers=TIERS),
)
BOTH = (VAT, REDUCED)
THIRD = Share(days=10, of_days=31, start_on=date(2026, 3, 15), end_on=date(2026, 3, 25))


@cache
def changed() -> tuple[Invoice, CreditNote, Invoice]:
    """A line costs more from the 15th on: the cycle's invoice, what it gives back, and what is charged for the rest."""
    before = (line(3100, VAT, discounts=(UnitDiscount(percent=Decimal("33.3")),)),)
    after = (line(6300, VAT, 3),)
    first = invoice(*before)
    standing = Standing(invoices=(first,), next_on=date(2026, 4, 5))
    settled = proration.changed(standing, before, after, date(2026, 3, 15), currency="eur")
    [(of, wanted)] = settled.credits
    share = settled.debits[0].share
    assert share
    period = Period(share.start_on, share.end_on)
    sold = subscription(*after, taxes=(VAT,), currency="eur")
    besides = issuing.issued(sold, settled.debits, period, "INV-000043", LATER, besides=True)
    return first, note(of, *wanted), besides


def of_amount(of: Invoice, amount: int) -> CreditNote:
    """A credit note of a sum with its tax, shared over the lines."""
    lines = parts.of_amount(of, (), Money(amount, of.currency))
    return noted(of, lines, 1, number="CN-1", now=LATER, day=LATER.date())


def papers(**said: Any) -> Parties:
    return replace(BUSINESS, papers=Papers(**said))


def unbanked(bank: Bank | None) -> Parties:
    return replace(PERSON, profile=replace(PROFILE, bank=bank))


def living(country: str, **more: str) -> Parties:
    return replace(PERSON, contact=replace(CONTACT, address=Address(country=country, **more)))


def many(n: int, *taxes: Tax) -> list[Line]:
    return [
        line(
            f"{137 * k % 9973}.{k % 10}",
            taxes[k % len(taxes)],
            f"{1 + k % 7}",
            id=f"li_{k}",
            name=f"Item {k}",
        )
        for k in range(n)
    ]


E, AE, Z = free(Category.EXEMPT, "§ 19 UStG"), free(Category.REVERSE_CHARGE), free(Category.ZERO)
K, G, O = free(Category.INTRA_COMMUNITY), free(Category.EXPORT), free(Category.OUTSIDE)  # noqa: E741
