"""What was issued as a document of EN 16931: from an invoice, or a credit note with its invoice, and their parties."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from chalicelib.billing import periods
from chalicelib.billing.credits import CreditNote
from chalicelib.billing.invoices import Invoice
from chalicelib.crm.parties import Parties
from chalicelib.views import reading
from chalicelib.views.einvoice import credited, gaps, items, paying, rates, sides, texts
from chalicelib.views.einvoice.model import Breakdown, Document, Vat
from chalicelib.views.reading import Reader


def of(invoice: Invoice, note: CreditNote | None, parties: Parties) -> Document:
    """The semantic model of an invoice, or of its credit note. Raises Invalid `einvoice_incomplete`, naming every term that lacks."""
    vats = gaps.check(invoice, note, parties)
    reader = reading.of(parties)
    made = (
        _credit_note(invoice, note, vats, parties, reader)
        if note
        else _invoice(invoice, vats, parties, reader)
    )
    gaps.check_sums(made, note.total.amount if note else invoice.total.amount)
    return made


def _invoice(invoice: Invoice, vats: Sequence[Vat], parties: Parties, reader: Reader) -> Document:
    lines, allowances = items.of_invoice(invoice, vats, reader)
    return Document(
        number=texts.line(invoice.number),
        credits=False,
        issued_on=_issued_on(invoice, parties),
        items=lines,
        allowances=allowances,
        breakdowns=tuple(_breakdowns(invoice, vats, reader)),
        prepaid=paying.prepaid(invoice),
        due_on=invoice.due_on,
        terms=paying.terms(invoice, reader),
        payment=paying.payment(invoice, parties),
        notes=_notes(parties, sides.said(parties.papers.comments or parties.profile.comments, parties)),
        **_both(invoice, vats, parties),
    )


def _credit_note(
    invoice: Invoice, note: CreditNote, vats: Sequence[Vat], parties: Parties, reader: Reader
) -> Document:
    made = credited.items(invoice, note, vats, reader)
    return Document(
        number=texts.line(note.number),
        credits=True,
        issued_on=note.issued_on,
        items=made,
        allowances=(),
        breakdowns=credited.breakdowns(invoice, note, made, reader),
        terms=paying.credited(note, reader),
        notes=_notes(parties, note.reason),
        preceding=(texts.line(invoice.number), _issued_on(invoice, parties)),
        **_both(invoice, [item.vat for item in made], parties),
    )


def _both(invoice: Invoice, vats: Sequence[Vat], parties: Parties) -> dict[str, Any]:
    """What an invoice and its credit notes say alike; `vats` are of the document's own lines."""
    categories = {vat.category for vat in vats}
    return {
        "currency": invoice.currency.upper(),
        "seller": sides.seller(parties, categories),
        "buyer": sides.buyer(parties, categories),
        "ship_to": sides.ship_to(parties, categories),
        "days": items.included(invoice.period_start_on, invoice.period_end_on),
        "order": texts.line(parties.papers.reference),
        "buyer_reference": texts.line(parties.papers.buyer_reference),
    }


def _breakdowns(invoice: Invoice, vats: Sequence[Vat], reader: Reader) -> list[Breakdown]:
    """BG-23: taxes of one category and rate together."""
    return [
        Breakdown(
            vat=vat,
            base=sum(tax.base.amount for tax in invoice.taxes if rates.of(tax) == vat),
            amount=sum(tax.amount.amount for tax in invoice.taxes if rates.of(tax) == vat),
            reason=rates.reason(vat, invoice, reader),
        )
        for vat in rates.in_order(vats)
    ]


def _issued_on(invoice: Invoice, parties: Parties) -> date:
    return periods.local_date(invoice.issued_at, parties.zone)


def _notes(parties: Parties, said: str) -> tuple[str, ...]:
    """BG-1: what is said, and each line of the head that a business chose itself."""
    custom = (f"{texts.line(one.label)}: {texts.line(one.value)}" for one in parties.papers.custom_fields)
    return tuple(filter(None, (texts.lines(said), *custom)))
