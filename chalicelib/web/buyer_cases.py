"""What a buyer's link opens, read from the table: a case, and the page that shows it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from chalicelib.billing import credits as credit_notes
from chalicelib.billing import numbering, refunds
from chalicelib.billing.collection import CollectionMethod
from chalicelib.billing.credits import CreditNote
from chalicelib.billing.invoices import Invoice, InvoiceStatus
from chalicelib.billing.payments import Payment
from chalicelib.billing.refunds import Refund
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account
from chalicelib.crm.contacts import Contact
from chalicelib.operations import parties
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Reading
from chalicelib.views import invoice_page, owed_page, payment_page, transfers
from chalicelib.views.cases import Case
from chalicelib.views.links import Link, LinkInvalid, Purpose
from chalicelib.views.pages import Note, Page
from chalicelib.views.reading import AMERICAN
from chalicelib.views.reading import of as reader_of

LAST_SENT: Final = 54
"""Invoices that are sent may wait for a year, and come once a week."""


def read(service: Service, link: Link) -> Case:
    """The case of a link. Raises NotFound where what it names is not there, or nobody should see it."""
    account = link.account
    reading = service.store.load(account, [keys.key(Account, account, account), *_first(link)])
    reading.get(Account, account, account)
    match link.purpose:
        case Purpose.INVOICE:
            return _of_invoice(service, reading, reading.get(Invoice, account, link.id))
        case Purpose.PAYMENT:
            return _of_payment(service, reading, reading.get(Payment, account, link.id))
        case Purpose.OWED | Purpose.METHOD:
            return _of_subscription(service, reading, reading.get(Subscription, account, link.id))


def page(link: Link, case: Case, note: Note | None = None) -> Page:
    """What a link shows of its case."""
    match link.purpose:
        case Purpose.INVOICE:
            return invoice_page.invoice(case, note)
        case Purpose.PAYMENT:
            shown = payment_page.payment(case, case.payments[link.id])
            return replace(shown, note=note or shown.note)
        case Purpose.OWED:
            return owed_page.owed(case, note)
        case Purpose.METHOD:
            return owed_page.method(case, note)


def _first(link: Link) -> tuple[str, ...]:
    types = {Purpose.INVOICE: Invoice, Purpose.PAYMENT: Payment}
    return (keys.key(types.get(link.purpose, Subscription), link.account, link.id),)


def _of_subscription(service: Service, reading: Reading, one: Subscription) -> Case:
    names = list(dict.fromkeys([*one.arrears, *_latest(one)]))
    _add(service, reading, one, names)
    return _case(service, reading, one, names)


def _latest(one: Subscription) -> Iterator[str]:
    """The names of the invoices that may be owed though nothing failed: the last one, the first one that was sent, or all sent lately."""
    if not one.ordinal:
        return
    sent = one.collects.way is CollectionMethod.SEND_INVOICE
    first = max(0, one.ordinal - LAST_SENT) if sent else one.ordinal - 1
    if one.collects.way is CollectionMethod.CHARGE_AFTER_FIRST_INVOICE:
        yield numbering.name_of(one.id, 0)
    for ordinal in range(first, one.ordinal):
        yield numbering.name_of(one.id, ordinal)


def _of_invoice(service: Service, reading: Reading, one: Invoice) -> Case:
    if one.status is InvoiceStatus.DRAFT:
        raise LinkInvalid
    notes = [credit_notes.name_of(one.id, n) for n in range(1, one.notes + 1)]
    keys_ = [keys.key(CreditNote, one.account, name) for name in notes]
    reading.add(
        service.store.load(one.account, [keys.key(Subscription, one.account, one.subscription), *keys_])
    )
    subscription = reading.get(Subscription, one.account, one.subscription)
    _add(service, reading, subscription, [one.id])
    case = _case(service, reading, subscription, [one.id])
    found = (reading.find(CreditNote, one.account, name) for name in notes)
    of = parties.of_invoice(service, case.account, one)
    return replace(
        case,
        notes=tuple(note for note in found if note),
        billed_to=of.buyer_name,
        transfer=transfers.facts(case.reader, of, one.number),
    )


def _of_payment(service: Service, reading: Reading, one: Payment) -> Case:
    given_back = [refunds.name_of(one.id, n) for n in range(1, one.refunds + 1)]
    names = [part.invoice for part in one.allocations]
    wanted = [
        keys.key(Subscription, one.account, one.subscription),
        *(keys.key(Refund, one.account, name) for name in given_back),
        *(keys.key(Invoice, one.account, name) for name in names),
    ]
    reading.add(service.store.load(one.account, wanted))
    subscription = reading.get(Subscription, one.account, one.subscription)
    _add(service, reading, subscription, names)
    case = _case(service, reading, subscription, names)
    found = (reading.find(Refund, one.account, name) for name in given_back)
    return replace(case, refunds=tuple(refund for refund in found if refund))


def _add(service: Service, reading: Reading, one: Subscription, names: list[str]) -> None:
    """Read a subscription's parties and invoices, then the payments that hold, paid, or last tried these."""
    wanted = [
        keys.key(Contact, one.account, one.contact),
        *parties.wanted(one),
        *(keys.key(Invoice, one.account, name) for name in names),
    ]
    reading.add(service.store.load(one.account, [key for key in wanted if key not in reading.records]))
    found = [reading.find(Invoice, one.account, name) for name in names]
    tried = {name for invoice in found if invoice for name in _payments(invoice)}
    paid = [keys.key(Payment, one.account, name) for name in sorted(tried)]
    reading.add(service.store.load(one.account, [key for key in paid if key not in reading.records]))


def _payments(one: Invoice) -> tuple[str, ...]:
    named = (one.payment, one.paid_by, *one.payments_so_far(1))
    return tuple(name for name in named if name)


def _case(service: Service, reading: Reading, one: Subscription, names: list[str]) -> Case:
    account = reading.get(Account, one.account, one.account)
    found = (reading.find(Invoice, one.account, name) for name in names)
    payments: Mapping[str, Payment] = {
        record.id: record for record in reading.records.values() if isinstance(record, Payment)
    }
    contact = reading.find(Contact, one.account, one.contact)
    return Case(
        account=account,
        subscription=one,
        today=one.day(account.now(service.real())),
        contact=contact,
        reader=reader_of(parties.assembled(reading, account, contact, one)) if contact else AMERICAN,
        invoices=tuple(
            sorted((invoice for invoice in found if invoice), key=lambda invoice: invoice.position)
        ),
        payments=payments,
    )


def belonging(case: Case, link: Link, payment: Payment | None) -> Payment | None:
    """A payment, where it is one a link's holder may see."""
    if payment is None or payment.subscription != case.subscription.id:
        return None
    if link.purpose in (Purpose.OWED, Purpose.METHOD):
        return payment
    paid = {part.invoice for part in payment.allocations}
    return payment if paid & {invoice.id for invoice in case.invoices} else None
