"""The lines of a credit note in EN 16931's terms: each is one of what is given back, without the tax inside it."""

from collections.abc import Sequence
from decimal import Decimal

from chalicelib.billing.credits import CreditLine, CreditNote
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.money import Money
from chalicelib.views import document_rows
from chalicelib.views.einvoice import rates, texts
from chalicelib.views.einvoice.items import NAMELESS, included
from chalicelib.views.einvoice.model import Breakdown, Item, Vat
from chalicelib.views.reading import Reader


def items(invoice: Invoice, note: CreditNote, vats: Sequence[Vat], reader: Reader) -> tuple[Item, ...]:
    """BG-25; `vats` are the invoice's lines'."""
    inside = {tax.tax for tax in invoice.taxes if tax.inclusive}
    return tuple(_item(invoice, line, vats[line.line], inside, reader) for line in note.lines)


def _item(invoice: Invoice, line: CreditLine, vat: Vat, inside: set[str], reader: Reader) -> Item:
    amount = line.amount.amount - sum(one.amount.amount for one in line.taxes if one.tax in inside)
    share = line.share
    return Item(
        name=texts.line(line.name) or NAMELESS,
        quantity=Decimal(1),
        price=Money(amount, invoice.currency).major(),
        per=Decimal(1),
        amount=amount,
        vat=vat,
        note=document_rows.days_of(reader, share) if share else "",
        product=texts.line(invoice.lines[line.line].product or ""),
        days=included(share.start_on, share.end_on) if share and share.days else None,
    )


def breakdowns(
    invoice: Invoice, note: CreditNote, made: Sequence[Item], reader: Reader
) -> tuple[Breakdown, ...]:
    """BG-23: the sums of its lines and of the taxes that came back with them."""
    found: dict[Vat, tuple[int, int]] = {}
    for item, line in zip(made, note.lines, strict=True):
        base, amount = found.get(item.vat, (0, 0))
        found[item.vat] = base + item.amount, amount + sum(one.amount.amount for one in line.taxes)
    return tuple(
        Breakdown(vat=vat, base=base, amount=amount, reason=rates.reason(vat, invoice, reader))
        for vat, (base, amount) in found.items()
    )
