"""The e-invoice of an invoice or of a credit note in either syntax: what is in the kept PDF, or kept beside it.

CII is what the PDF carries, to the byte. UBL is made when it is first asked for, from the invoice as it was issued, and kept.
"""

from typing import Final

from chalicelib.billing.credits import CreditNote
from chalicelib.billing.invoices import Invoice
from chalicelib.crm.parties import Parties
from chalicelib.operations import documents, parties
from chalicelib.service import Service

XML: Final = "application/xml"


def cii(service: Service, invoice: Invoice, note: CreditNote | None = None) -> bytes:
    """As the document's PDF carries it. Raises Invalid `einvoice_incomplete`, WrongState on a draft, FilesAway."""
    from facturx import get_facturx_xml_from_pdf

    from chalicelib.views.einvoice import xml

    pdf = documents.of(service, invoice, note)
    _, embedded = get_facturx_xml_from_pdf(pdf, check_xsd=False, check_schematron=False)
    if embedded:
        return bytes(embedded)
    return xml.cii(documents.as_issued(service, invoice)[0], note, _parties(service, invoice))


def ubl(service: Service, invoice: Invoice, note: CreditNote | None = None) -> bytes:
    """Made once, and kept. Raises Invalid `einvoice_incomplete`, WrongState on a draft, FilesAway."""
    from chalicelib.views.einvoice import xml

    documents.check_issued(invoice)
    name = name_of(invoice.account, (note or invoice).id)
    if kept := service.files.read(name):
        return kept
    issued, _ = documents.as_issued(service, invoice)
    return service.files.keep(name, xml.ubl(issued, note, _parties(service, invoice)), XML)


def name_of(account: str, id_: str) -> str:
    """Where UBL is kept."""
    return f"{account}/documents/{id_}.ubl.xml"


def _parties(service: Service, invoice: Invoice) -> Parties:
    return parties.of_invoice(service, invoice.account, invoice)
