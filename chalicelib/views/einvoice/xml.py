"""A document of EN 16931 in XML, to the byte the same each time: CII as Factur-X embeds it, and UBL 2.1.

The `factur-x` library knows where each term stands in both syntaxes; what it is told is checked before, by `gaps`.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from chalicelib.billing.addresses import Address
from chalicelib.billing.credits import CreditNote
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.money import Money
from chalicelib.billing.tax import Category
from chalicelib.crm.parties import Parties
from chalicelib.views.einvoice import documents, rates
from chalicelib.views.einvoice.model import Allowance, Breakdown, Document, Item, Payment, Side, Vat

LEVEL: Final = "en16931"
INVOICE, CREDIT_NOTE = "380", "381"
ONE: Final = "C62"
"""UN/ECE recommendation 20: one of whatever it is."""
DISCOUNT: Final = "95"
"""UNTDID 5189."""
EMAIL: Final = "EM"
"""CEF's list of electronic addresses."""

Terms = dict[str, Any]


def cii(invoice: Invoice, note: CreditNote | None, parties: Parties) -> bytes:
    """An invoice, or its credit note, as Cross Industry Invoice of Factur-X's profile EN 16931. Raises Invalid `einvoice_incomplete`."""
    from facturx import generate_xml

    told = _terms(documents.of(invoice, note, parties))
    made: bytes = generate_xml(told, flavor="factur-x", level=LEVEL, check_xsd=False, check_schematron=False)
    return made


def ubl(invoice: Invoice, note: CreditNote | None, parties: Parties) -> bytes:
    """An invoice as UBL 2.1 Invoice, its credit note as CreditNote. Raises Invalid `einvoice_incomplete`."""
    from facturx import generate_xml

    told = _terms(documents.of(invoice, note, parties))
    made: bytes = generate_xml(told, flavor="ubl-2.1", level=LEVEL, check_xsd=False, check_schematron=False)
    return made


def _terms(document: Document) -> Terms:
    """By the names of EN 16931's terms; what is empty is not said."""
    currency = document.currency.lower()
    start_on, end_on = document.days
    return _said({
        "BT-1": document.number,
        "BT-2": document.issued_on,
        "BT-3": CREDIT_NOTE if document.credits else INVOICE,
        "BT-5": document.currency,
        "BT-9": None if document.credits else document.due_on,
        "BT-10": document.buyer_reference,
        "BT-13": document.order,
        "BT-20": document.terms,
        "BG-1": [{"BT-22": note} for note in document.notes],
        "BG-3": _preceding(document),
        "BG-4": _side(document.seller),
        "BG-7": _side(document.buyer),
        "BG-13": _place(document),
        "BT-72": start_on,
        "BT-73": start_on,
        "BT-74": end_on,
        **(_payment(document.payment, document.number) if document.payment else {}),
        "BG-20": [_allowance(one, currency) for one in document.allowances],
        "BT-106": _amount(document.lines_total, currency),
        "BT-107": _amount(document.allowances_total, currency) if document.allowances else None,
        "BT-109": _amount(document.without_tax, currency),
        "BT-110": _amount(document.tax, currency),
        "BT-112": _amount(document.with_tax, currency),
        "BT-113": _amount(document.prepaid, currency) if document.prepaid else None,
        "BT-115": _amount(document.due, currency),
        "BG-23": [_breakdown(one, currency) for one in document.breakdowns],
        "BG-25": [_item(item, n, currency) for n, item in enumerate(document.items, 1)],
    })  # fmt: skip


def _preceding(document: Document) -> list[Terms]:
    if document.preceding is None:
        return []
    number, issued_on = document.preceding
    return [{"BT-25": number, "BT-26": issued_on}]


def _side(side: Side) -> Terms:
    contact = _said({"name": side.person, "phone": side.phone, "email": side.email})
    return _said({
        "name": side.name,
        "identifiers": {None: side.id} if side.id else None,
        "legal_identifier": side.register,
        "vat_identifier": side.vat,
        "tax_identifier": side.tax,
        "legal_info": side.legal,
        "einvoicing_addr": side.email,
        "einvoicing_addr_schemeid": EMAIL if side.email else None,
        "contacts": [contact] if contact else None,
        **_address(side.address),
    })  # fmt: skip


def _place(document: Document) -> Terms | None:
    if document.ship_to is None:
        return None
    return {"name": document.buyer.name, **_address(document.ship_to)}


def _address(address: Address) -> Terms:
    return _said({
        "addr_l1": address.line1,
        "addr_l2": address.line2,
        "city": address.city,
        "postcode": address.postal_code,
        "country_subdivision": address.state,
        "country_code": address.country,
    })  # fmt: skip


def _payment(payment: Payment, number: str) -> Terms:
    """BG-16; who transfers names the document (BT-83)."""
    return _said({
        "BT-81": payment.code,
        "BT-82": payment.text,
        "BT-83": number if payment.account else None,
        "BT-84": payment.account,
        "BT-85": payment.holder,
        "BT-86": payment.bic,
    })  # fmt: skip


def _allowance(one: Allowance, currency: str) -> Terms:
    terms = {"amount": _amount(one.amount, currency), "reason": one.reason, "reason_code": DISCOUNT}
    if one.vat is not None:
        terms |= _rate(one.vat, "vat_category_code", "vat_rate")
    return _said(terms)


def _breakdown(one: Breakdown, currency: str) -> Terms:
    return _said({
        "BT-116": _amount(one.base, currency),
        "BT-117": _amount(one.amount, currency),
        **_rate(one.vat, "BT-118", "BT-119"),
        "BT-120": one.reason,
        "BT-121": rates.CODES.get(one.vat.category),
    })  # fmt: skip


def _item(item: Item, n: int, currency: str) -> Terms:
    start_on, end_on = item.days or (None, None)
    return _said({
        "BT-126": str(n),
        "BT-127-00": [{"BT-127": item.note}] if item.note else None,
        "BT-129": _number(item.quantity),
        "BT-130": ONE,
        "BT-131": _amount(item.amount, currency),
        "BT-134": start_on,
        "BT-135": end_on,
        "BG-27": [_allowance(one, currency) for one in item.allowances],
        "BT-146": _number(item.price),
        "BT-149": _number(item.per) if item.per != 1 else None,
        **_rate(item.vat, "BT-151", "BT-152"),
        "BT-153": item.name,
        "BT-154": item.description,
        "BT-155": item.product,
    })  # fmt: skip


def _rate(vat: Vat, category: str, rate: str) -> Terms:
    """What is not subject to VAT has no rate (BR-O-05)."""
    return {
        category: vat.category.value,
        rate: None if vat.category is Category.OUTSIDE else _number(vat.percent),
    }


def _amount(minor: int, currency: str) -> str:
    return f"{Money(minor, currency).major():f}"


def _number(value: Decimal) -> str:
    """With the decimals that say something."""
    whole, _, decimals = f"{value:f}".partition(".")
    decimals = decimals.rstrip("0")
    return f"{whole}.{decimals}" if decimals else whole


def _said(terms: Terms) -> Terms:
    return dict(_said_of(terms))


def _said_of(terms: Terms) -> Iterator[tuple[str, Any]]:
    return ((name, value) for name, value in terms.items() if value not in (None, "", [], {}))
