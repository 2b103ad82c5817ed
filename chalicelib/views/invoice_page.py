"""The page of an invoice: what it is for, what has been paid and credited, and how to pay the rest."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from chalicelib.billing.invoices import Invoice, InvoiceStatus
from chalicelib.billing.periods import Period
from chalicelib.views import bills, cases, dues, formats, owed_page, pages
from chalicelib.views.bills import Bill
from chalicelib.views.cases import Case
from chalicelib.views.links import Purpose
from chalicelib.views.pages import Door, Listing, Note, Page, Row, Tone
from chalicelib.views.reading import Reader


def invoice(case: Case, note: Note | None = None) -> Page:
    """The case's one invoice."""
    one, reader = case.invoices[0], case.reader
    schedule = Listing(heading=reader.word("page.invoice.instalments"), rows=tuple(_instalments(case, one)))
    credited = Listing(heading=reader.word("page.invoice.credited"), rows=tuple(_credited(case)))
    return pages.of(
        case.account,
        reader,
        title=reader.word("bill.invoice", number=formats.name(one.number)),
        amount=reader.money(one.amount_due if one.status is InvoiceStatus.OPEN else one.total),
        under=_under(case, one),
        note=note or _note(case, one),
        acts=cases.paying(case),
        listings=pages.filled(schedule),
        later=pages.filled(credited),
        bills=(_bill(one, reader),),
        because=pages.because(one, reader),
        facts=_facts(case, one),
        doors=tuple(_doors(one, reader)),
    )


def _under(case: Case, one: Invoice) -> str:
    reader = case.reader
    match one.status:
        case InvoiceStatus.PAID:
            day = reader.day_of(one.paid_at or one.issued_at, case.account.zone)
            return reader.word("page.invoice.paid_on", day=day)
        case InvoiceStatus.OPEN if one.instalments:
            return reader.word("page.invoice.in_parts")
        case InvoiceStatus.OPEN if one.due_on is not None:
            return cases.due(case, one)
        case InvoiceStatus.OPEN:
            return reader.word("page.to_be_paid")
        case _:
            return ""


def _note(case: Case, one: Invoice) -> Note | None:
    word = case.reader.word
    match one.status:
        case InvoiceStatus.PAID:
            return Note(tone=Tone.GOOD, title=word("page.invoice.paid"), text=word("page.nothing_to_do"))
        case InvoiceStatus.VOID:
            text = word("page.invoice.void_told")
            return Note(tone=Tone.WAIT, title=word("page.invoice.void"), text=text)
        case InvoiceStatus.UNCOLLECTIBLE:
            text = word("page.invoice.closed_told", email=formats.name(case.account.email))
            return Note(tone=Tone.WAIT, title=word("page.invoice.closed"), text=text)
        case _:
            return _standing(case, one)


def _standing(case: Case, one: Invoice) -> Note | None:
    """How the payment of an open invoice stands."""
    reader, next_ = case.reader, cases.next_step(case, one)
    if one.payment is not None:
        return _held(case, one)
    if not case.subscription.collects.online:
        return owed_page.offline(case)
    if one.due_on is not None:
        if not one.lacking(case.today):
            return None
        text = reader.word("page.invoice.overdue_told")
        return Note(tone=Tone.BAD, title=reader.word("page.invoice.overdue"), text=text)
    if tried := cases.last_try(case, one):
        text = reader.sentences(tried, next_)
        return Note(tone=Tone.BAD, title=reader.word("page.invoice.failed"), text=text)
    return Note(tone=Tone.WAIT, title=next_)


def _held(case: Case, one: Invoice) -> Note:
    """How the payment that holds an invoice stands."""
    word, held = case.reader.word, case.open_payment(one)
    if case.waiting is not None:
        return Note(tone=Tone.WAIT, title=word("page.bank_confirms"), text=word("page.not_taken_yet"))
    if held is not None and held.status not in cases.BUSY:
        return Note(tone=Tone.WAIT, title=word("page.invoice.unfinished"), text=word("page.nothing_taken"))
    return Note(tone=Tone.WAIT, title=word("page.under_way"), text=cases.next_step(case, one))


def _bill(one: Invoice, reader: Reader) -> Bill:
    """With what has been paid of it."""
    bill = bills.bill(one, reader.word("bill.what_for"), reader)
    if not one.amount_paid:
        return bill
    paid = (reader.word("page.invoice.amount_paid"), reader.money(-one.amount_paid))
    return replace(bill, settled=(*bill.settled, paid), due=reader.money(one.amount_open))


def _instalments(case: Case, one: Invoice) -> Iterator[Row]:
    """Each part with its day; what has been settled covers the first ones."""
    reader, of = case.reader, case.reader.quantity(Decimal(len(one.instalments)))
    settled = max(0, sum(part.amount.amount for part in one.instalments) - one.amount_due.amount)
    for n, part in enumerate(one.instalments, 1):
        covered = min(part.amount.amount, settled)
        settled -= covered
        told = cases.due_on(case, part.on)
        if covered:
            whole = covered == part.amount.amount
            told = (
                reader.word("page.invoice.amount_paid") if whole else reader.word("page.due.partly", due=told)
            )
        name = reader.word("page.invoice.part", n=reader.quantity(Decimal(n)), of=of)
        yield Row(name=name, amount=reader.money(part.amount), told=(told,))


def _credited(case: Case) -> Iterator[Row]:
    reader = case.reader
    for note in case.notes:
        told = [reader.word("page.invoice.on", day=reader.day(note.issued_on)), formats.name(note.reason)]
        if note.to_balance:
            told.append(reader.word("page.invoice.to_balance", amount=reader.money(note.to_balance)))
        yield Row(
            name=reader.word("page.invoice.credit_note", number=formats.name(note.number)),
            amount=reader.money(-note.total),
            told=tuple(line for line in told if line),
            door=_document(note.id, reader.word("page.invoice.credit_pdf")),
        )


def _facts(case: Case, one: Invoice) -> tuple[tuple[str, str], ...]:
    zone, reader, word = case.account.zone, case.reader, case.reader.word
    paid = case.payments.get(one.paid_by) if one.paid_by else None
    buyer = case.contact.name if case.contact else ""
    to = "paid_to" if one.status is InvoiceStatus.PAID else "to_be_paid_to"
    return pages.known(
        [
            (word("page.fact.billed_to"), formats.name(case.billed_to or buyer)),
            (word(f"letter.fact.{to}"), formats.name(case.account.name)),
            (word("letter.fact.subscription"), dues.sold(case.subscription)),
            (word("letter.fact.period"), reader.period(Period(one.period_start_on, one.period_end_on))),
            (word("page.fact.issued_on"), reader.day_of(one.issued_at, zone)),
            (word("page.fact.due_on"), reader.day(one.due_on) if one.due_on else ""),
            (word("page.fact.paid_on"), reader.day_of(one.paid_at, zone) if one.paid_at else ""),
            (word("page.fact.paid_with"), dues.paid_with(paid, reader) if paid else ""),
            *_transfer(case, one),
        ]
    )


def _transfer(case: Case, one: Invoice) -> tuple[tuple[str, str], ...]:
    """Where to send what is owed, where it is not paid on Stripe's page."""
    by_hand = one.due_on is not None and bool(one.amount_due) and not case.subscription.collects.online
    return case.transfer if by_hand else ()


def _document(id_: str, label: str) -> Door:
    return Door(purpose=Purpose.INVOICE, id=id_, label=label, end="/pdf")


def _doors(one: Invoice, reader: Reader) -> Iterator[Door]:
    yield _document(one.id, reader.word("page.invoice.pdf"))
    if one.paid_by is not None:
        yield Door(purpose=Purpose.PAYMENT, id=one.paid_by, label=reader.word("letter.receipt.button"))
