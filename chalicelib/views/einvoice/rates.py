"""The VAT of an invoice's lines: EN 16931 knows one category and rate of each, and one breakdown of each of those."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from chalicelib.billing.invoices import Invoice
from chalicelib.billing.rating import InvoiceLine, InvoiceTax
from chalicelib.billing.tax import Category
from chalicelib.views.einvoice import texts
from chalicelib.views.einvoice.model import Vat
from chalicelib.views.reading import Reader

CODES: Final = {
    Category.REVERSE_CHARGE: "VATEX-EU-AE",
    Category.INTRA_COMMUNITY: "VATEX-EU-IC",
    Category.EXPORT: "VATEX-EU-G",
    Category.OUTSIDE: "VATEX-EU-O",
}
"""BT-121; of what is exempt the law that says so is only known in words."""
UNTAXED: Final = (Category.EXEMPT, *CODES)


def of(tax: InvoiceTax) -> Vat:
    """What a tax of an invoice is in EN 16931."""
    return Vat(category=tax.category or Category.STANDARD, percent=tax.percent.normalize())


def by_line(invoice: Invoice) -> list[Vat | None]:
    """The VAT of each line; None where it has none, or several. Of a line that costs nothing it is any of the invoice's."""
    taxes = {tax.tax: of(tax) for tax in invoice.taxes}
    any_ = next(iter(taxes.values()), None)
    return [_of_line(line, [taxes[share.tax] for share in line.taxes], any_) for line in invoice.lines]


def _of_line(line: InvoiceLine, having: Sequence[Vat], any_: Vat | None) -> Vat | None:
    if not having and not line.amount:
        return any_
    return having[0] if len(having) == 1 else None


def in_order(found: Iterable[Vat]) -> list[Vat]:
    """Each once, in the order in which it is first met."""
    return list(dict.fromkeys(found))


def reason(vat: Vat, invoice: Invoice, reader: Reader) -> str:
    """BT-120, of a category that has one: why there is no tax."""
    if vat.category not in UNTAXED:
        return ""
    said = reader.word(f"document.{vat.category.name.lower()}")
    if vat.category is not Category.EXEMPT:
        return said
    return ": ".join([*dict.fromkeys(_names(vat, invoice)), said])


def _names(vat: Vat, invoice: Invoice) -> Iterator[str]:
    return (name for tax in invoice.taxes if of(tax) == vat and (name := texts.line(tax.name)))
