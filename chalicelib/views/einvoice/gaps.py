"""What a valid document of EN 16931 lacks, each term by its name and with where to set it: none is ever almost valid.

An invoice keeps the data it was issued with, so that what is set now holds for those issued from now on.
"""

from collections.abc import Collection, Iterator, Sequence, Set
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from chalicelib.billing.credits import CreditNote
from chalicelib.billing.currencies import exponent
from chalicelib.billing.errors import Invalid
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.money import half_up
from chalicelib.billing.tax import Category
from chalicelib.crm.parties import Parties
from chalicelib.views.einvoice import rates, sides
from chalicelib.views.einvoice.model import Breakdown, Document, Side, Vat

MOST_TOLD: Final = 5


@dataclass(frozen=True, slots=True)
class Gap:
    """A term that lacks: `said` is what it is, and where it is set; `param` the field to blame."""

    term: str
    said: str
    param: str


def check(invoice: Invoice, note: CreditNote | None, parties: Parties) -> list[Vat]:
    """The VAT of each line of the invoice, where the document has all that is needed. Raises Invalid with all that lacks."""
    vats = rates.by_line(invoice)
    about = range(len(vats)) if note is None else [line.line for line in note.lines]
    told = [vat for n in about if (vat := vats[n])]
    categories = {vat.category for vat in told}
    gaps = [
        *_of_currency(invoice),
        *_of_seller(sides.seller(parties, categories), categories),
        *_of_buyer(sides.buyer(parties, categories), categories, parties),
        *_of_lines(invoice, vats, about),
        *_of_rates(told, categories),
    ]
    _refuse(gaps)
    return [vat or told[0] for vat in vats]


def check_sums(document: Document, total: int) -> None:
    """Refuse what does not add up as EN 16931 wants it. Raises Invalid: taxes that were computed elsewhere may not."""
    gaps = [gap for one in document.breakdowns for gap in _of_breakdown(document, one)]
    if not gaps and document.with_tax != total:
        said = "the invoice total with VAT is not what was asked for: credit the invoice and sell it anew"
        gaps.append(Gap("BT-112", said, "total"))
    _refuse(gaps)


def _refuse(gaps: Sequence[Gap]) -> None:
    if not gaps:
        return
    told = "; ".join(f"{gap.term} {gap.said}" for gap in gaps[:MOST_TOLD])
    more = f"; and {len(gaps) - MOST_TOLD} more" if len(gaps) > MOST_TOLD else ""
    detail = (
        f"This cannot be an e-invoice of EN 16931, as it was issued: {told}{more}."
        " An invoice keeps the data it was issued with; what is set now holds for those issued from now on."
    )
    raise Invalid("einvoice_incomplete", detail, gaps[0].param)


def _of_currency(invoice: Invoice) -> Iterator[Gap]:
    if exponent(invoice.currency) > 2:
        said = f"invoice currency {invoice.currency}: amounts have at most two decimals; bill in another currency"
        yield Gap("BT-5", said, "currency")


def _of_seller(seller: Side, categories: Set[Category]) -> Iterator[Gap]:
    if not seller.name:
        yield Gap("BT-27", "seller name: set legal_name at POST /v1/profile", "profile.legal_name")
    if not seller.address.country:
        said = "seller postal address with its country (BT-40): set address at POST /v1/profile"
        yield Gap("BG-5", said, "profile.address")
    if categories & {Category.INTRA_COMMUNITY, Category.EXPORT} and not seller.vat:
        yield Gap("BT-31", "seller VAT identifier: set tax_ids at POST /v1/profile", "profile.tax_ids")
    elif categories - {Category.OUTSIDE} and not seller.vat and not seller.tax:
        said = "seller VAT identifier (or BT-32, its tax number): set tax_ids at POST /v1/profile"
        yield Gap("BT-31", said, "profile.tax_ids")
    elif not (seller.vat or seller.register or seller.id):
        said = "seller legal registration identifier (or a tax number): set registration at POST /v1/profile"
        yield Gap("BT-30", said, "profile.registration")


def _of_buyer(buyer: Side, categories: Set[Category], parties: Parties) -> Iterator[Gap]:
    kind, at = (
        ("company", f"/v1/companies/{parties.company.id}")
        if parties.company
        else ("contact", f"/v1/contacts/{parties.contact.id}")
    )
    if not buyer.name:
        yield Gap("BT-44", f"buyer name: set name at POST {at}", f"{kind}.name")
    if not buyer.address.country:
        said = f"buyer postal address with its country (BT-55): set address at POST {at}"
        yield Gap("BG-8", said, f"{kind}.address")
    if Category.INTRA_COMMUNITY in categories and not buyer.vat:
        yield Gap("BT-48", f"buyer VAT identifier: set tax_ids at POST {at}", f"{kind}.tax_ids")
    elif Category.REVERSE_CHARGE in categories and not buyer.vat and not buyer.register:
        said = "buyer VAT identifier (or BT-47, its legal registration), which a reverse charge needs"
        yield Gap("BT-48", f"{said}: set tax_ids at POST {at}", f"{kind}.tax_ids")


def _of_lines(invoice: Invoice, vats: Sequence[Vat | None], about: Collection[int]) -> Iterator[Gap]:
    if not about:
        yield Gap("BG-25", "invoice line: there is none", "lines")
    for n in about:
        if vats[n] is None:
            has = len(invoice.lines[n].taxes)
            said = "has no tax: sell it with a tax rate, whose category says why where it is 0"
            if has:
                said = f"has {has} taxes, and EN 16931 knows one VAT category of a line: sell it with one tax rate"
            yield Gap("BT-151", f"VAT category of line {n + 1}, which {said}", f"lines[{n}].taxes")


def _of_rates(told: Sequence[Vat], categories: Set[Category]) -> Iterator[Gap]:
    if Category.OUTSIDE in categories and len(categories) > 1:
        said = "VAT category O: what is not subject to VAT is invoiced apart from what is (BR-O-11); sell it alone"
        yield Gap("BT-118", said, "taxes")
    if any((vat.category is Category.STANDARD) is (vat.percent == 0) for vat in told):
        said = "VAT rate: the standard category is above 0 percent, and no other is; use a rate of another category"
        yield Gap("BT-119", said, "taxes")


def _of_breakdown(document: Document, one: Breakdown) -> Iterator[Gap]:
    """BR-S-08 and its like, exactly; BR-CO-17 by what the official rules take, which is less than one whole unit of currency."""
    base = sum(item.amount for item in document.items if item.vat == one.vat)
    base -= sum(part.amount for part in document.allowances if part.vat == one.vat)
    if base != one.base:
        said = f"taxable amount at {one.vat.percent:f} %: only a part of its lines was taxed; sell them with a tax rate of their own"
        yield Gap("BT-116", said, "taxes")
    unit = 10 ** exponent(document.currency.lower())
    numerator, denominator = one.vat.percent.as_integer_ratio()
    should = half_up(one.base * numerator * 100, denominator * 100 * unit)  # rounded to two decimals
    differs = abs(one.amount * 100 - should * unit) >= 100 * unit
    # The official rules take any rate that rounds to 0 for one of 0.
    if differs or (one.vat.percent < Decimal("0.5") and 2 * one.amount >= unit):
        said = f"tax amount at {one.vat.percent:f} %: it is not that part of what is taxed, as it was rounded for each line"
        yield Gap("BT-117", said, "taxes")
