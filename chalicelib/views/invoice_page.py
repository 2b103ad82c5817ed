"""The page of an invoice: what it is for, what has been paid and credited, and how to pay the rest."""

from collections.abc import Iterator
from dataclasses import replace

from chalicelib.billing.invoices import Invoice, InvoiceStatus
from chalicelib.billing.periods import Period
from chalicelib.views import bills, cases, dues, formats, owed_page, pages
from chalicelib.views.bills import Bill
from chalicelib.views.cases import Case
from chalicelib.views.links import Purpose
from chalicelib.views.pages import Door, Listing, Note, Page, Row, Tone
from chalicelib.views.reading import AMERICAN


def invoice(case: Case, note: Note | None = None) -> Page:
    """The case's one invoice."""
    one = case.invoices[0]
    schedule = Listing(heading="Instalments", rows=tuple(_instalments(case, one)))
    credited = Listing(heading="Credited", rows=tuple(_credited(case)))
    return pages.of(
        case.account,
        title=f"Invoice {formats.name(one.number)}",
        amount=AMERICAN.money(one.amount_due if one.status is InvoiceStatus.OPEN else one.total),
        under=_under(case, one),
        note=note or _note(case, one),
        acts=cases.paying(case),
        listings=pages.filled(schedule),
        later=pages.filled(credited),
        bills=(_bill(one),),
        because=pages.because(one),
        facts=_facts(case, one),
        doors=tuple(_doors(one)),
    )


def _under(case: Case, one: Invoice) -> str:
    match one.status:
        case InvoiceStatus.PAID:
            return f"Paid on {AMERICAN.day_of(one.paid_at or one.issued_at, case.account.zone)}"
        case InvoiceStatus.OPEN if one.instalments:
            return "To be paid in instalments"
        case InvoiceStatus.OPEN if one.due_on is not None:
            return cases.due(case, one).rstrip(".")
        case InvoiceStatus.OPEN:
            return "To be paid"
        case _:
            return ""


def _note(case: Case, one: Invoice) -> Note | None:
    match one.status:
        case InvoiceStatus.PAID:
            return Note(tone=Tone.GOOD, title="This invoice is paid", text="There is nothing you need to do.")
        case InvoiceStatus.VOID:
            text = "It was issued in error: nothing of it is owed."
            return Note(tone=Tone.WAIT, title="This invoice has been canceled", text=text)
        case InvoiceStatus.UNCOLLECTIBLE:
            text = f"To settle it, write to {formats.name(case.account.email)}."
            return Note(tone=Tone.WAIT, title="This invoice is closed", text=text)
        case _:
            return _standing(case, one)


def _standing(case: Case, one: Invoice) -> Note | None:
    """How the payment of an open invoice stands."""
    next_ = cases.next_step(case, one)
    if one.payment is not None:
        waits = case.waiting is not None
        title = "Your bank wants you to confirm the payment" if waits else "A payment is under way"
        held = case.open_payment(one)
        if held is not None and held.status not in cases.BUSY and not waits:
            return Note(tone=Tone.WAIT, title="The payment is not finished", text="Nothing has been taken.")
        return Note(tone=Tone.WAIT, title=title, text="Nothing has been taken yet." if waits else next_)
    if not case.subscription.collects.online:
        return owed_page.offline(case)
    if one.due_on is not None:
        late = bool(one.lacking(case.today))
        return (
            Note(tone=Tone.BAD, title="This invoice is overdue", text="Please pay it now.") if late else None
        )
    if tried := cases.last_try(case, one):
        return Note(tone=Tone.BAD, title="The payment did not go through", text=f"{tried} {next_}")
    return Note(tone=Tone.WAIT, title=next_)


def _bill(one: Invoice) -> Bill:
    """With what has been paid of it."""
    bill = bills.bill(one, "What it is for")
    if not one.amount_paid:
        return bill
    paid = ("Paid", AMERICAN.money(-one.amount_paid))
    return replace(bill, settled=(*bill.settled, paid), due=AMERICAN.money(one.amount_open))


def _instalments(case: Case, one: Invoice) -> Iterator[Row]:
    """Each part with its day; what has been settled covers the first ones."""
    settled = max(0, sum(part.amount.amount for part in one.instalments) - one.amount_due.amount)
    for n, part in enumerate(one.instalments, 1):
        covered = min(part.amount.amount, settled)
        settled -= covered
        due = f"{'Was due' if part.on < case.today else 'Due'} on {AMERICAN.day(part.on)}"
        told = "Paid" if covered == part.amount.amount else f"{due}, partly paid" if covered else due
        yield Row(
            name=f"Part {n} of {len(one.instalments)}", amount=AMERICAN.money(part.amount), told=(told,)
        )


def _credited(case: Case) -> Iterator[Row]:
    for note in case.notes:
        told = [f"On {AMERICAN.day(note.issued_on)}", formats.name(note.reason)]
        if note.to_balance:
            told.append(f"{AMERICAN.money(note.to_balance)} of it went to your balance.")
        yield Row(
            name=f"Credit note {formats.name(note.number)}",
            amount=AMERICAN.money(-note.total),
            told=tuple(line for line in told if line),
            door=_document(note.id, "Download the credit note (PDF)"),
        )


def _facts(case: Case, one: Invoice) -> tuple[tuple[str, str], ...]:
    zone = case.account.zone
    paid = case.payments.get(one.paid_by) if one.paid_by else None
    return pages.known(
        [
            ("Billed to", formats.name(case.contact.name) if case.contact else ""),
            ("Paid to", formats.name(case.account.name)),
            ("Subscription", dues.sold(case.subscription)),
            ("Period", AMERICAN.period(Period(one.period_start_on, one.period_end_on))),
            ("Issued on", AMERICAN.day_of(one.issued_at, zone)),
            ("Due on", AMERICAN.day(one.due_on) if one.due_on else ""),
            ("Paid on", AMERICAN.day_of(one.paid_at, zone) if one.paid_at else ""),
            ("Paid with", formats.name(paid.method_label) if paid else ""),
        ]
    )


def _document(id_: str, label: str) -> Door:
    return Door(purpose=Purpose.INVOICE, id=id_, label=label, end="/pdf")


def _doors(one: Invoice) -> Iterator[Door]:
    yield _document(one.id, "Download the invoice (PDF)")
    if one.paid_by is not None:
        yield Door(purpose=Purpose.PAYMENT, id=one.paid_by, label="See the receipt")
