"""Who a document is from and to, in EN 16931's terms, and by which numbers they are known."""

from collections.abc import Collection, Sequence

from chalicelib.billing.addresses import Address
from chalicelib.billing.tax import Category
from chalicelib.crm.parties import Parties
from chalicelib.crm.tax_ids import TaxId
from chalicelib.views import comments
from chalicelib.views.einvoice import texts
from chalicelib.views.einvoice.model import Side

NOWHERE = Address(country="")
"""Where somebody is of whom that is not known."""


def seller(parties: Parties, categories: Collection[Category]) -> Side:
    """BG-4. What is not subject to VAT is sold without VAT identifiers (BR-O-02); BT-29 stands in where no other is left (BR-CO-26)."""
    outside = Category.OUTSIDE in categories
    register, tax = texts.line(parties.profile.registration), _other(parties.seller_tax_ids)
    vat = "" if outside else vat_of(parties.seller_tax_ids)
    return Side(
        name=texts.line(parties.seller_name),
        address=_address(parties.profile.address),
        id="" if register or vat else tax,
        register=register,
        vat=vat,
        tax=tax,
        legal=texts.lines(said(parties.profile.footer, parties)),
        person=texts.line(parties.seller_name),
        phone=texts.line(parties.profile.phone),
        email=texts.line(parties.seller_email),
    )


def buyer(parties: Parties, categories: Collection[Category]) -> Side:
    """BG-7."""
    company, contact = parties.company, parties.contact
    outside = Category.OUTSIDE in categories
    return Side(
        name=texts.line(parties.buyer_name),
        address=_address(parties.bill_to),
        id=_other(parties.buyer_tax_ids),
        register=texts.line(company.registration) if company else "",
        vat="" if outside else vat_of(parties.buyer_tax_ids),
        person=texts.line(contact.name) if company else "",
        phone=texts.line(contact.phone),
        email=texts.line(contact.email),
    )


def said(text: str, parties: Parties) -> str:
    """What the business wrote of its own, formatted or with snippets, as text."""
    snippets = {one.name: one.text for one in parties.profile.snippets}
    return comments.plain(comments.parsed(text, snippets))


def vat_of(ids: Sequence[TaxId]) -> str:
    """The first VAT identifier, with its country in front (BR-CO-09); empty where there is none."""
    return next((_prefixed(one) for one in ids if _is_vat(one)), "")


def _is_vat(one: TaxId) -> bool:
    # The number of the EU's one-stop shop is of no country.
    return one.type.endswith("_vat") and one.type != "eu_oss_vat"


def _prefixed(one: TaxId) -> str:
    value = texts.line(one.value).replace(" ", "").upper()
    country = one.type[:2].upper()
    return value if country == "EU" or value.startswith(country) else country + value


def _other(ids: Sequence[TaxId]) -> str:
    return next((texts.line(one.value) for one in ids if not _is_vat(one)), "")


def _address(found: Address | None) -> Address:
    if found is None:
        return NOWHERE
    return Address(
        country=found.country,
        line1=texts.line(found.line1),
        line2=texts.line(found.line2),
        city=texts.line(found.city),
        postal_code=texts.line(found.postal_code),
        state=texts.line(found.state),
    )


def ship_to(parties: Parties, categories: Collection[Category]) -> Address | None:
    """BG-15: of a supply to another country of the EU always (BR-IC-12), else where it differs from the bill's."""
    if parties.ship_to is not None:
        return _address(parties.ship_to)
    return _address(parties.bill_to) if Category.INTRA_COMMUNITY in categories else None
