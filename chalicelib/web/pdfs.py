"""The documents of invoices and credit notes, as files."""

from typing import Final

from chalicelib.billing.credits import CreditNote
from chalicelib.billing.invoices import Invoice
from chalicelib.operations import documents
from chalicelib.web.endpoint import Call
from chalicelib.web.http import PDF, Pdf

_HEADERS: Final = {
    "Content-Type": PDF,
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-store",
}


def invoice(call: Call, id_: str) -> Pdf:
    """The PDF of an invoice as it was issued: PDF/A-3, tagged, and where its data make a valid one with its e-invoice in it (Factur-X).

    Made once and then kept: what was sent is what is shown for ever. Payments, credits and changes of names come later
    and are not on it; a draft has none.
    """
    one = call.service.store.get(Invoice, call.account.id, id_)
    return pdf(one.number, documents.of(call.service, one))


def credit_note(call: Call, id_: str) -> Pdf:
    """The PDF of a credit note, which says which invoice it corrects; kept as an invoice's is."""
    note = call.service.store.get(CreditNote, call.account.id, id_)
    one = call.service.store.get(Invoice, call.account.id, note.invoice)
    return pdf(note.number, documents.of(call.service, one, note))


def pdf(number: str, data: bytes) -> Pdf:
    """A document under the name of its number."""
    from chalicelib.views.documents import file_name

    shown = {"Content-Disposition": f'inline; filename="{file_name(number)}"'}
    return Pdf(status=200, data=data, headers={**_HEADERS, **shown})
