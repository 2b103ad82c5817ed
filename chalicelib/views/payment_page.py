"""The page of a payment: its receipt once it has succeeded, and until then what it waits for.

A buyer who comes back from Stripe's or their bank's page is shown it, and so sees the truth at once.
"""

from collections.abc import Iterator

from chalicelib.billing.invoices import Invoice
from chalicelib.billing.payments import Origin, Payment, PaymentStatus
from chalicelib.billing.periods import Period
from chalicelib.billing.refunds import Refund, RefundStatus
from chalicelib.views import bills, cases, dues, formats, pages
from chalicelib.views.cases import Case
from chalicelib.views.links import Purpose
from chalicelib.views.pages import Door, Listing, Note, Page, Row, Tone
from chalicelib.views.reading import Reader

MOST_BILLS = 5
"""Of a payment of more invoices each one's lines stand on its own page alone."""


def payment(case: Case, one: Payment, *, back: bool = False) -> Page:
    """A payment of the case's invoices; `back` where its buyer comes from Stripe's page, or their bank's."""
    done = one.status is PaymentStatus.SUCCEEDED
    told = bool(case.invoices) and done and len(case.invoices) <= MOST_BILLS
    plain = told and len(case.invoices) == 1 and case.invoices[0].total == one.amount
    reader, rows = case.reader, tuple(_paid(case, one))
    paid = Listing(heading=reader.count("page.owed.invoices", len(rows)), rows=rows)
    given_back = Listing(
        heading=reader.word("page.payment.given_back"),
        rows=tuple(_refund(case, one, refund) for refund in case.refunds),
    )
    return pages.of(
        case.account,
        reader,
        title=reader.word(f"page.payment.{_title(one)}"),
        amount=reader.money(one.amount),
        under=_under(case, one),
        note=_note(case, one, back=back),
        acts=() if done else cases.paying(case),
        listings=pages.filled(given_back) if plain else pages.filled(given_back, paid),
        bills=tuple(bills.bill(invoice, reader=reader) for invoice in case.invoices) if told else (),
        facts=_facts(case, one),
        doors=(_invoice(case.invoices[0], reader),) if plain else (),
    )


def _title(one: Payment) -> str:
    """What the catalogs call it."""
    match one.status:
        case PaymentStatus.SUCCEEDED:
            return "received"
        case PaymentStatus.PROCESSING:
            return "processing"
        case PaymentStatus.ACTION_REQUIRED:
            return "confirm"
        case PaymentStatus.CHECKOUT | PaymentStatus.CANCELED:
            return "unfinished"
        case PaymentStatus.DECLINED:
            return "declined"
        case PaymentStatus.RETURNED:
            return "taken_back" if one.origin is Origin.HAND else "came_back"
        case _:
            return "under_way"


def _under(case: Case, one: Payment) -> str:
    if one.status is not PaymentStatus.SUCCEEDED:
        return case.reader.word("page.sold", subscription=dues.sold(case.subscription))
    day, method = _on(case, one), dues.paid_with(one, case.reader)
    if not method or one.origin is Origin.HAND:
        return case.reader.word("page.payment.on", day=day)
    return case.reader.word("page.payment.on_with", day=day, method=method)


def _on(case: Case, one: Payment) -> str:
    if one.received_on is not None:
        return case.reader.day(one.received_on)
    return case.reader.day_of(one.settled_at or one.created_at, case.account.zone)


def _note(case: Case, one: Payment, *, back: bool) -> Note | None:
    word = case.reader.word
    match one.status:
        case PaymentStatus.SUCCEEDED if back:
            text = word("page.payment.thanks_told", business=formats.name(case.account.name))
            return Note(tone=Tone.GOOD, title=word("page.payment.thanks"), text=text)
        case PaymentStatus.SUCCEEDED:
            return _disputed(case.reader, one)
        case PaymentStatus.PROCESSING:
            text = word("page.payment.asked_told")
            return Note(tone=Tone.WAIT, title=word("page.payment.asked"), text=text)
        case PaymentStatus.ACTION_REQUIRED:
            text = word("page.not_taken_yet")
            return Note(tone=Tone.WAIT, title=word("page.payment.bank_confirms"), text=text)
        case PaymentStatus.PENDING | PaymentStatus.HELD:
            text = word("page.payment.unanswered_told")
            return Note(tone=Tone.WAIT, title=word("page.payment.unanswered"), text=text)
        case _:
            return _failed(case, one)


def _disputed(reader: Reader, one: Payment) -> Note | None:
    """A buyer who asked their bank for the money back is told what there is of it elsewhere, while that is open and once it is lost."""
    if not one.amount_disputed:
        return None
    text = reader.word("page.payment.disputed_told", amount=reader.money(one.amount_disputed))
    return Note(tone=Tone.WAIT, title=reader.word("page.payment.disputed"), text=text)


def _failed(case: Case, one: Payment) -> Note:
    """It came to nothing: why, and whether anything is still owed."""
    reader, word = case.reader, case.reader.word
    settled = "" if case.total else word("page.owed.none_more")
    match one.status:
        case PaymentStatus.DECLINED:
            how = word("page.payment.other_way") if case.free else settled
            text = reader.sentences(word("page.nothing_taken"), how)
            return Note(tone=Tone.BAD, title=dues.reason(one, reader).rstrip(".。"), text=text)
        case PaymentStatus.RETURNED:
            why = "mistake" if one.origin is Origin.HAND else "bank_took"
            text = settled or word("page.payment.owed_again")
            return Note(tone=Tone.BAD, title=word(f"page.payment.{why}"), text=text)
        case _:
            text = word("page.payment.go_on") if case.free else settled
            return Note(tone=Tone.WAIT, title=word("page.payment.not_taken"), text=text)


def _paid(case: Case, one: Payment) -> Iterator[Row]:
    """Each of its invoices, and the part of it that pays that one."""
    reader = case.reader
    parts = {part.invoice: part.amount for part in one.allocations}
    for invoice in case.invoices:
        if invoice.id not in parts:
            continue
        period = reader.period(Period(invoice.period_start_on, invoice.period_end_on))
        yield Row(
            name=formats.name(invoice.number),
            amount=reader.money(parts[invoice.id]),
            told=(period, *_owed_by(invoice, one, reader)),
            door=_invoice(invoice, reader),
        )


def _invoice(invoice: Invoice, reader: Reader) -> Door:
    return Door(purpose=Purpose.INVOICE, id=invoice.id, label=reader.word("page.see_invoice"))


def _owed_by(invoice: Invoice, one: Payment, reader: Reader) -> Iterator[str]:
    """What is left of an invoice that was paid in part, or not at all."""
    if one.status is PaymentStatus.SUCCEEDED and invoice.amount_due:
        yield reader.word("page.payment.rest", amount=reader.money(invoice.amount_due))


def _refund(case: Case, one: Payment, refund: Refund) -> Row:
    reader = case.reader
    day = reader.day_of(refund.created_at, case.account.zone)
    told = _went_back(refund, day, dues.paid_with(one, reader), reader)
    reason = formats.name(refund.reason)
    return Row(
        name=reader.word("page.payment.refund"),
        amount=reader.money(-refund.amount),
        told=(told, reason) if reason else (told,),
    )


def _went_back(refund: Refund, day: str, method: str, reader: Reader) -> str:
    match refund.status:
        case RefundStatus.SUCCEEDED:
            return reader.word("page.payment.sent_back", day=day, method=method)
        case RefundStatus.PENDING:
            return reader.word("page.payment.on_its_way", day=day, method=method)
        case RefundStatus.FAILED:
            return reader.word("page.payment.not_sent_back", day=day)


def _facts(case: Case, one: Payment) -> tuple[tuple[str, str], ...]:
    done, word = one.status is PaymentStatus.SUCCEEDED, case.reader.word
    customer = formats.name(case.contact.name) if case.contact else ""
    return pages.known(
        [
            (word("page.fact.paid_by" if done else "letter.fact.customer"), customer),
            (
                word("letter.fact.paid_to" if done else "letter.fact.to_be_paid_to"),
                formats.name(case.account.name),
            ),
            (word("letter.fact.subscription"), dues.sold(case.subscription)),
            (word("letter.fact.date"), _on(case, one) if done else ""),
            (word("letter.fact.method"), dues.paid_with(one, case.reader) if done else ""),
            (
                word("letter.fact.reference"),
                formats.name(one.payment_reference or one.reference or one.id) if done else "",
            ),
        ]
    )
