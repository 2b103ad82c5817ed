"""E-invoices of EN 16931, as files."""

from enum import StrEnum
from typing import Final

from chalicelib.billing.credits import CreditNote
from chalicelib.billing.invoices import Invoice
from chalicelib.operations import einvoices
from chalicelib.web.bodies import Body
from chalicelib.web.endpoint import Call
from chalicelib.web.http import XML, Xml

_HEADERS: Final = {
    "Content-Type": XML,
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-store",
}


class Syntax(StrEnum):
    """How it is written: Cross Industry Invoice as Factur-X has it, or UBL 2.1."""

    CII = "cii"
    UBL = "ubl"


class Wanted(Body, frozen=True):
    """In which syntax; CII where nothing is said."""

    format: Syntax = Syntax.CII


def invoice(call: Call, id_: str, query: Wanted) -> Xml:
    """An invoice as EN 16931 has it, as it was issued, valid by the official rules: CII as its PDF carries it, or UBL.

    Where what it was issued with makes no valid one, `einvoice_incomplete` names each term (BT, BG) that lacks and where it
    is set: on invoices issued from then on. A draft has none.
    """
    return _file(call, call.service.store.get(Invoice, call.account.id, id_), None, query.format)


def credit_note(call: Call, id_: str, query: Wanted) -> Xml:
    """A credit note as EN 16931 has it, with the number of the invoice it corrects; as for an invoice."""
    note = call.service.store.get(CreditNote, call.account.id, id_)
    return _file(call, call.service.store.get(Invoice, call.account.id, note.invoice), note, query.format)


def _file(call: Call, one: Invoice, note: CreditNote | None, syntax: Syntax) -> Xml:
    """Under the name of its number."""
    from chalicelib.views.documents import file_name

    made = einvoices.cii if syntax is Syntax.CII else einvoices.ubl
    told = made(call.service, one, note).decode()
    name = f"{file_name((note or one).number).removesuffix('.pdf')}.{syntax}.xml"
    return Xml(
        status=200, body=told, headers=_HEADERS | {"Content-Disposition": f'attachment; filename="{name}"'}
    )
