"""The PDF of an invoice or of a credit note: made once after it was issued, kept, and the same for ever.

It shows the invoice as it was issued, to parties as they were then: what is paid, credited, agreed on, renamed or voided
later is not on it, whenever it is first asked for. The first to keep one wins, and everybody gets that one.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from chalicelib.billing import events
from chalicelib.billing.credits import CreditNote
from chalicelib.billing.errors import Invalid, WrongState
from chalicelib.billing.events import Event, EventType
from chalicelib.billing.invoices import Invoice, InvoiceStatus
from chalicelib.billing.ledger import Book
from chalicelib.billing.money import Money
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm import formers
from chalicelib.crm.accounts import Account
from chalicelib.crm.parties import Parties
from chalicelib.operations import logo, parties
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Reading

if TYPE_CHECKING:
    from chalicelib.views.documents import Document

PDF: Final = "application/pdf"
CREDIT_NOTE: Final = "cn_"


def pdf(service: Service, account: str, id_: str) -> bytes:
    """The document of an invoice or a credit note. Raises NotFound, WrongState on a draft, FilesAway where it cannot be kept."""
    return named(service, account, id_)[1]


def named(service: Service, account: str, id_: str) -> tuple[str, bytes]:
    """The same, with its number."""
    note = service.store.get(CreditNote, account, id_) if id_.startswith(CREDIT_NOTE) else None
    invoice = service.store.get(Invoice, account, note.invoice if note else id_)
    return (note or invoice).number, of(service, invoice, note)


def of(
    service: Service, invoice: Invoice, note: CreditNote | None = None, found: Reading | None = None
) -> bytes:
    """The same of records at hand; `found` saves the reading where it holds what is `wanted` beside the invoice."""
    check_issued(invoice)
    name = name_of(invoice.account, (note or invoice).id)
    return service.files.read(name) or service.files.keep(name, _made(service, invoice, note, found), PDF)


def wanted(invoice: Invoice) -> list[str]:
    """The keys of what a document is made from besides the invoice."""
    opened = keys.key(Event, invoice.account, _opened(invoice))
    sold = keys.key(Subscription, invoice.account, invoice.subscription)
    return [opened, sold, *parties.wanted_of(invoice)]


def _opened(invoice: Invoice) -> str:
    return events.name_of(EventType.INVOICE_OPENED, invoice.id, 1)


def check_issued(invoice: Invoice) -> None:
    """Refuse a draft: what is not issued may still change, and has no number."""
    if invoice.status is InvoiceStatus.DRAFT:
        detail = f"{invoice.id} is a draft; it has a document once it is issued."
        raise WrongState("invoice_not_issued", detail)


def name_of(account: str, id_: str) -> str:
    """Where a document is kept."""
    return f"{account}/documents/{id_}.pdf"


def _made(service: Service, invoice: Invoice, note: CreditNote | None, found: Reading | None = None) -> bytes:
    from chalicelib.views import documents
    from chalicelib.views.documents import Document

    issued, subscription = as_issued(service, invoice, found)
    told = _parties(service, invoice, found)
    link = "" if note else _link(service, issued, subscription)
    document = Document(invoice=issued, parties=told, note=note, link=link)
    return documents.pdf(document, logo=_logo(service, told), einvoice=_einvoice(document))


def _parties(service: Service, invoice: Invoice, found: Reading | None) -> Parties:
    """As they were; read here where they are not at hand, or were changed as they were read."""
    business = found.find(Account, invoice.account, invoice.account) if found else None
    if found is None or business is None:
        return parties.of_invoice(service, invoice.account, invoice)
    try:
        return parties.issued(found, business, invoice)
    except formers.Gone:
        return parties.of_invoice(service, business, invoice)


def as_issued(
    service: Service, invoice: Invoice, found: Reading | None = None
) -> tuple[Invoice, Subscription | None]:
    """An invoice before anything happened to it, and its subscription as it is.

    What the customer's balance paid at once stands in the entry by which it came into the books.
    """
    account, opened = invoice.account, _opened(invoice)
    if found is None:
        sold = keys.key(Subscription, account, invoice.subscription)
        found = service.store.load(account, [keys.key(Event, account, opened), sold])
    event = found.find(Event, account, opened)
    applied = invoice.amount_applied
    if event and event.entry:
        applied = Money(event.entry.postings.get(Book.CREDITS, 0), invoice.currency) or None
    terms = invoice.terms or invoice
    issued = replace(
        invoice,
        due_on=terms.due_on,
        instalments=terms.instalments,
        status=InvoiceStatus.OPEN,
        amount_paid=Money.zero(invoice.currency),
        amount_applied=applied,
        amount_credited=None,
        paid_at=None,
        paid_by=None,
        voided_on=None,
    )
    return issued, found.find(Subscription, account, invoice.subscription)


def _link(service: Service, issued: Invoice, subscription: Subscription | None) -> str:
    """The address of its page, where it is paid online."""
    from chalicelib.views import links

    if not service.settings.base_url or not (subscription and subscription.collects.online):
        return ""
    return links.printed(service.settings, issued, service.real())


def _logo(service: Service, told: Parties) -> bytes:
    name = told.profile.logo
    return (service.files.read(logo.name_of(told.profile.account, name)) or b"") if name else b""


def _einvoice(document: "Document") -> bytes:
    """The e-invoice in it, where what it was issued with makes a valid one."""
    from chalicelib.views.einvoice import xml

    try:
        return xml.cii(document.invoice, document.note, document.parties)
    except Invalid:
        return b""
