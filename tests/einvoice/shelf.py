"""Invoices and credit notes of every kind, as our own issuing, changing and crediting makes them, and who they are from and to."""

from collections.abc import Callable, Sequence
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
from chalicelib.billing.instalments import Part
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.lines import Kind, Line, Share
from chalicelib.billing.money import Money, rounded
from chalicelib.billing.papers import CustomField, Papers
from chalicelib.billing.periods import Period
from chalicelib.billing.pricing import Model, Tier
from chalicelib.billing.proration import Standing
from chalicelib.billing.rating import Fee
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
        return automatic_tax.levies(TaxAnswer(calculation="taxcalc_1", parts=parts), asked, left)

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
NASTY = (
    "é\u0301 \u0000\u0007\ufffe<&>\"' ]]> \ud83d 日本語 \U0001f600",
    "\u202eمرحب \u0645\u062d\u0645\u062f\u2069 שלום",
    "\u202a",
    "x" * 250,
)


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

CASES: dict[str, Callable[[], Issued]] = {
    "standard": lambda: Issued(invoice(line())),
    "several rates": lambda: Issued(invoice(*RICH, taxes=BOTH)),
    "three decimals of a rate": lambda: Issued(invoice(line(999, ODD, 3), taxes=(ODD,), currency="usd")),
    "zero-rated": lambda: Issued(invoice(line(tax=Z), taxes=(Z,))),
    "exempt": lambda: Issued(invoice(line(tax=E), taxes=(E,))),
    "reverse charge": lambda: Issued(invoice(line(tax=AE), taxes=(AE,)), parties=BUSINESS),
    "reverse charge for one known by a register": lambda: Issued(
        invoice(line(tax=AE), taxes=(AE,)),
        parties=replace(BUSINESS, company=replace(COMPANY, tax_ids=())),
    ),
    "within the EU": lambda: Issued(invoice(line(tax=K), taxes=(K,)), parties=BUSINESS),
    "export": lambda: Issued(invoice(line(tax=G), taxes=(G,))),
    "not subject to VAT": lambda: Issued(invoice(line(tax=O), taxes=(O,))),
    "standard, zero and exempt": lambda: Issued(
        invoice(line(), line(tax=Z, id="li_2"), line(777, E, id="li_3"), taxes=(VAT, Z, E))
    ),
    "a customer who is exempt": lambda: Issued(
        invoice(line(), taxes=(VAT,), exemption=Exemption.EXEMPT)
    ),
    "a customer with reverse charge": lambda: Issued(
        invoice(*RICH, taxes=BOTH, exemption=Exemption.REVERSE), parties=BUSINESS
    ),
    "automatic tax": lambda: Issued(
        automatic(line(333, None), line(0, None), line(1, None), line(4999, None, 3, name="Tea"))
    ),
    "percent off a unit": lambda: Issued(invoice(line(discounts=(UnitDiscount(percent=Decimal("12.5")),)))),
    "an amount off each unit": lambda: Issued(
        invoice(line(quantity="7.5", discounts=(UnitDiscount(amount=Decimal("33.333")),)))
    ),
    "two discounts of a line": lambda: Issued(
        invoice(line(discounts=(UnitDiscount(percent=Decimal(33)), UnitDiscount(amount=Decimal("0.5")))))
    ),
    "a line given away": lambda: Issued(invoice(line(), line(discounts=(UnitDiscount(percent=Decimal(100)),)))),
    "a coupon in percent": lambda: Issued(invoice(*RICH, taxes=BOTH, discounts=(off("12.5"),))),
    "a coupon of an amount": lambda: Issued(invoice(*RICH, taxes=BOTH, discounts=(off(amount=1001),))),
    "a coupon for a product": lambda: Issued(
        invoice(*RICH, taxes=BOTH, discounts=(off(50, None, "eur", "prod_2"),))
    ),
    "two coupons": lambda: Issued(invoice(*RICH, taxes=BOTH, discounts=(off(10), off(amount=333)))),
    "a coupon of everything": lambda: Issued(invoice(*RICH, taxes=BOTH, discounts=(off(100),))),
    "tax inside": lambda: Issued(invoice(line(1190, INSIDE, 3), taxes=(INSIDE,))),
    "tax inside of two rates, discounts and coupons": lambda: Issued(
        invoice(
            line(999, INSIDE, 3, discounts=(UnitDiscount(percent=Decimal(15)),)),
            line(333, INSIDE_7, "0.5", id="li_2"),
            line(1, INSIDE, id="li_3"),
            taxes=(INSIDE, INSIDE_7),
            discounts=(off("7.5"), off(amount=99)),
        )
    ),
    "a few cents, tax inside, and discounts of nothing": lambda: Issued(
        invoice(
            *(line(4, INSIDE, id=f"li_{n}", discounts=(UnitDiscount(percent=Decimal(1)),)) for n in range(3)),
            taxes=(INSIDE,),
        )
    ),
    "the same rate inside and on top": lambda: Issued(
        invoice(line(1190, INSIDE), line(1001, VAT, id="li_2"), taxes=(INSIDE, VAT), discounts=(off(3),))
    ),
    "a fee in percent": lambda: Issued(
        invoice(line(999), fees=(Fee(name="Card", percent=Decimal("1.55"), taxes=("vat",)),))
    ),
    "a fee of an amount": lambda: Issued(
        invoice(line(999), fees=(Fee(name="Card", amount=Money(35, "eur"), taxes=("vat",)),), discounts=(off(10),))
    ),
    "volume tiers": lambda: Issued(invoice(line(0, VAT, 15, model=Model.VOLUME, tiers=TIERS))),
    "graduated tiers": lambda: Issued(invoice(line(0, VAT, "15.5", model=Model.GRADUATED, tiers=TIERS))),
    "stairsteps": lambda: Issued(invoice(line(0, VAT, 4, model=Model.STAIRSTEP, tiers=FLATS))),
    "tiers with a discount": lambda: Issued(
        invoice(line(0, VAT, 11, model=Model.GRADUATED, tiers=TIERS, discounts=(UnitDiscount(percent=Decimal(7)),)))
    ),
    "a part of a period": lambda: Issued(invoice(line(3100, share=THIRD, kind=Kind.PRORATION))),
    "a part of a period, tax inside": lambda: Issued(
        invoice(line(3100, INSIDE, share=THIRD, kind=Kind.PRORATION), taxes=(INSIDE,))
    ),
    "a cycle that is cut short": lambda: Issued(invoice(*RICH, taxes=BOTH, cancel_on=date(2026, 3, 17))),
    "before a change": lambda: Issued(changed()[0]),
    "credit of a change": lambda: Issued(changed()[0], changed()[1]),
    "charge of a change": lambda: Issued(changed()[2]),
    "yen": lambda: Issued(invoice(line(105, ODD, 3), line(99, ODD), taxes=(ODD,), currency="jpy")),
    "a fraction of a unit": lambda: Issued(invoice(line("333.3333", VAT, "0.123456"))),
    "twelve decimals": lambda: Issued(invoice(line("0.123456789012", VAT, 987654))),
    "a hundredth of a cent": lambda: Issued(invoice(line("0.01", VAT, 12345))),
    "trillions": lambda: Issued(invoice(line("999999999999", VAT, 999))),
    "500 lines": lambda: Issued(
        invoice(*many(500, VAT, REDUCED), taxes=BOTH, discounts=(off("3.333"), off(amount=12345)))
    ),
    "500 lines, tax inside": lambda: Issued(
        invoice(*many(500, INSIDE, INSIDE_7), taxes=(INSIDE, INSIDE_7), discounts=(off("3.333"),))
    ),
    "names of all kinds": lambda: Issued(
        invoice(*(line(id=f"li_{n}", name=name, description=f"{name}\n{name}") for n, name in enumerate(NASTY))),
        parties=replace(
            BUSINESS,
            company=replace(COMPANY, name=NASTY[0] * 3),
            contact=replace(CONTACT, name=NASTY[1]),
            papers=Papers(comments="\n\n".join(NASTY), reference=NASTY[0], buyer_reference=NASTY[1]),
        ),
    ),
    "to Japan": lambda: Issued(
        invoice(line()), parties=living("JP", line1="神宮前1-2-3", city="渋谷区", postal_code="150-0001", state="東京都")
    ),
    "to nowhere but a country": lambda: Issued(invoice(line()), parties=living("HK")),
    "to Greece and Northern Ireland": lambda: Issued(
        invoice(line(tax=AE), taxes=(AE,)),
        parties=replace(
            BUSINESS,
            profile=replace(PROFILE, tax_ids=(TaxId(type="eu_vat", value="EL123456789"),)),
            company=replace(COMPANY, tax_ids=(TaxId(type="eu_vat", value="XI123456789"),)),
        ),
    ),
    "from Norway, whose numbers have no country": lambda: Issued(
        invoice(line(), currency="nok"),
        parties=replace(PERSON, profile=replace(PROFILE, tax_ids=(TaxId(type="no_vat", value="123456789MVA"),))),
    ),
    "from somebody with a tax number alone": lambda: Issued(
        invoice(line(tax=E), taxes=(E,)),
        parties=replace(PERSON, profile=replace(PROFILE, registration="", tax_ids=(TaxId(type="de_stn", value="12/3"),))),
    ),
    "shipped elsewhere": lambda: Issued(
        invoice(line()),
        parties=papers(shipping_address=Address(country="BE", city="Gent", line1="Kaai 1", postal_code="9000")),
    ),
    "with references": lambda: Issued(
        invoice(line()),
        parties=papers(
            reference="PO-77",
            buyer_reference="04011000-12345-34",
            custom_fields=(CustomField(label="Cost center", value="4711"),),
        ),
    ),
    "paid in part from the balance": lambda: Issued(invoice(line(9999), balance=5000)),
    "paid by the balance": lambda: Issued(invoice(line(9999), balance=50_000)),
    "sent": lambda: Issued(invoice(line(), collection=SENT)),
    "sent, in dollars": lambda: Issued(invoice(line(), collection=SENT, currency="usd")),
    "sent, of a bank without IBAN": lambda: Issued(
        invoice(line(), collection=SENT, currency="usd"),
        parties=unbanked(Bank(bank="First", holder="Roaster", lines="Routing 021000021\nAccount 12345")),
    ),
    "sent, of no bank": lambda: Issued(invoice(line(), collection=SENT), parties=unbanked(None)),
    "in instalments": lambda: Issued(
        invoice(line(99_999), schedule=tuple(Part(due_on=date(2026, n, 1), percent=Decimal(p)) for n, p in ((4, 50), (5, 25), (6, 25))))
    ),
    "sent, in instalments": lambda: Issued(
        invoice(line(99_999), collection=SENT, schedule=(Part(due_on=date(2026, 4, 1), percent=Decimal(50)), Part(due_on=date(2026, 5, 1), percent=Decimal(50))))
    ),
    "of nothing": lambda: Issued(invoice(line(0))),
    "a free line without a tax": lambda: Issued(invoice(line(), line(0, None, id="li_2"))),
    "a whole credit": lambda: Issued(of := invoice(*RICH, taxes=BOTH, discounts=(off(10),)), note(of, reason="Spoilt")),
    "a part of a line": lambda: Issued(
        of := invoice(*RICH, taxes=BOTH), note(of, Wanted(line=1, amount=Money(1234, "eur")))
    ),
    "the rest of a line": lambda: Issued(
        of := invoice(*RICH, taxes=BOTH), note(of, before=[note(of, Wanted(line=1, amount=Money(1234, "eur")))])
    ),
    "unused days": lambda: Issued(of := invoice(*RICH, taxes=BOTH), note(of, Wanted(line=0, share=THIRD))),
    "a credit, tax inside": lambda: Issued(
        of := invoice(line(999, INSIDE, 3), line(333, INSIDE_7), taxes=(INSIDE, INSIDE_7), discounts=(off(5),)),
        note(of, Wanted(line=0, amount=Money(1000, "eur")), Wanted(line=1)),
    ),
    "a credit of a sum": lambda: Issued(of := invoice(*RICH, taxes=BOTH), of_amount(of, 1200)),
    "a credit of one cent": lambda: Issued(of := invoice(line(33, VAT)), of_amount(of, 1)),
    "a credit of 500 lines": lambda: Issued(
        of := invoice(*many(500, VAT, REDUCED), taxes=BOTH), note(of)
    ),
    "a credit of reverse charge": lambda: Issued(
        of := invoice(line(tax=AE), taxes=(AE,)), note(of), parties=BUSINESS
    ),
    "a credit of yen": lambda: Issued(
        of := invoice(line(105, ODD, 3), taxes=(ODD,), currency="jpy"), note(of, Wanted(line=0, amount=Money(100, "jpy")))
    ),
    **{
        f"read in {language}": lambda language=language: Issued(  # type: ignore[misc]
            invoice(*RICH, taxes=BOTH, exemption=Exemption.EXEMPT, collection=SENT),
            parties=papers(language=language, locale=language),
        )
        for language in ("de", "fr", "da", "es", "ja", "ar")
    },
}  # fmt: skip
