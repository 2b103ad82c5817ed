"""One document of every kind there is, by what is special about it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal

from chalicelib.billing.addresses import Address
from chalicelib.billing.credits import Wanted
from chalicelib.billing.discounts import UnitDiscount
from chalicelib.billing.instalments import Part
from chalicelib.billing.lines import Kind
from chalicelib.billing.money import Money
from chalicelib.billing.papers import CustomField, Papers
from chalicelib.billing.pricing import Model
from chalicelib.billing.rating import Fee
from chalicelib.billing.tax import Exemption
from chalicelib.crm.profiles import Bank
from chalicelib.crm.tax_ids import TaxId
from tests.einvoice.shelf import (
    AE,
    BOTH,
    BUSINESS,
    COMPANY,
    CONTACT,
    FLATS,
    INSIDE,
    INSIDE_7,
    ODD,
    PERSON,
    PROFILE,
    REDUCED,
    RICH,
    SENT,
    THIRD,
    TIERS,
    VAT,
    E,
    G,
    Issued,
    K,
    O,
    Z,
    automatic,
    changed,
    invoice,
    line,
    living,
    many,
    note,
    of_amount,
    off,
    papers,
    unbanked,
)

NASTY = (
    "é\u0301 \u0000\u0007\ufffe<&>\"' ]]> \ud83d 日本語 \U0001f600",
    "\u202eمرحب \u0645\u062d\u0645\u062f\u2069 שלום",
    "\u202a",
    "x" * 250,
)

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
