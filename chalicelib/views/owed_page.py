"""The page of a subscription: all that is owed for it, and the method it is paid with."""

from chalicelib.billing.collection import CollectionMethod
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.periods import Period
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription
from chalicelib.views import cases, dues, formats, pages
from chalicelib.views.cases import Case
from chalicelib.views.links import Purpose
from chalicelib.views.pages import Door, Listing, Note, Page, Row, Tone
from chalicelib.views.reading import Reader


def owed(case: Case, note: Note | None = None) -> Page:
    """What is owed for a subscription, invoice by invoice, and how to pay it."""
    total, reader = case.total, case.reader
    change = cases.changing(case) if case.waiting is None else None
    listing = Listing(
        heading=reader.count("page.owed.invoices", len(case.owed)),
        rows=tuple(_row(case, invoice) for invoice in case.owed),
    )
    return pages.of(
        case.account,
        reader,
        title=reader.word("page.to_be_paid" if total else "page.owed.none"),
        amount=reader.money(total),
        under=reader.word("page.sold", subscription=dues.sold(case.subscription)),
        note=note or _note(case),
        acts=(*cases.paying(case), *([change] if change else [])),
        listings=pages.filled(listing),
        facts=_facts(case),
    )


def method(case: Case, note: Note | None = None) -> Page:
    """With what a subscription is paid, and how to change it."""
    reader, subscription, change = case.reader, case.subscription, cases.changing(case)
    kept = subscription.method
    see = reader.word("page.owed.see", amount=reader.money(case.total))
    door = Door(purpose=Purpose.OWED, id=subscription.id, label=see)
    return pages.of(
        case.account,
        reader,
        title=reader.word("letter.fact.method"),
        amount=formats.name(kept.label) if kept else reader.word("page.owed.no_method"),
        under=reader.word("page.sold", subscription=dues.sold(subscription)),
        note=note or (_refused(case) if change else _nothing_to_change(subscription.status, reader)),
        acts=(change,) if change else (),
        facts=_facts(case, told=False),
        doors=(door,) if case.total else (),
    )


def _nothing_to_change(status: Status, reader: Reader) -> Note:
    tone, said = Tone.GOOD, "unneeded"
    if status in (Status.CANCELED, Status.EXPIRED):
        tone, said = Tone.WAIT, "ended"
    return _said(reader, tone, said)


def _said(reader: Reader, tone: Tone, said: str) -> Note:
    return Note(tone=tone, title=reader.word(f"page.owed.{said}"), text=reader.word(f"page.owed.{said}_told"))


def _note(case: Case) -> Note | None:
    """What the whole of it comes to, where that needs saying."""
    if not case.total:
        return _refused(case)
    word = case.reader.word
    if case.waiting is not None:
        return Note(tone=Tone.WAIT, title=word("page.owed.confirm"), text=word("page.not_taken_yet"))
    if not case.free:
        return Note(tone=Tone.WAIT, title=word("page.under_way"), text=word("page.nothing_to_do_now"))
    if not case.subscription.collects.online:
        return offline(case)
    return _late(case)


def _refused(case: Case) -> Note | None:
    """Nothing is owed, but the next payment would not go through."""
    method = case.subscription.method
    if method is None or not method.refused or cases.changing(case) is None:
        return None
    return _said(case.reader, Tone.BAD, "refused")


def _late(case: Case) -> Note | None:
    match case.subscription.status:
        case Status.CANCELED:
            return _said(case.reader, Tone.WAIT, "canceled")
        case Status.PAST_DUE | Status.UNPAID:
            late = any(invoice.due_on for invoice in case.owed)
            said = case.reader.word("page.owed.overdue" if late else "page.owed.failed")
            return Note(tone=Tone.BAD, title=said, text=case.reader.word("page.owed.late_told"))
        case _:
            return None


def offline(case: Case) -> Note:
    """It is paid another way than on Stripe's page."""
    text = case.reader.word("page.offline_told", business=formats.name(case.account.name))
    return Note(tone=Tone.WAIT, title=case.reader.word("page.offline"), text=text)


def _row(case: Case, invoice: Invoice) -> Row:
    reader = case.reader
    period = reader.period(Period(invoice.period_start_on, invoice.period_end_on))
    issued_on = reader.day_of(invoice.issued_at, case.account.zone)
    told = (
        reader.word("page.owed.issued", day=issued_on, period=period),
        cases.last_try(case, invoice),
        cases.next_step(case, invoice),
    )
    return Row(
        name=formats.name(invoice.number),
        amount=reader.money(invoice.amount_due),
        told=tuple(line for line in told if line),
        door=Door(purpose=Purpose.INVOICE, id=invoice.id, label=reader.word("page.see_invoice")),
        because=pages.because(invoice, reader),
    )


def _facts(case: Case, *, told: bool = True) -> tuple[tuple[str, str], ...]:
    subscription, word = case.subscription, case.reader.word
    goes_on = subscription.billable and subscription.paused_on is None and not subscription.ends_first
    next_on = case.reader.day(subscription.next_on) if goes_on and not subscription.at_its_end else ""
    charged = subscription.collects.way is not CollectionMethod.SEND_INVOICE and not subscription.record_only
    return pages.known(
        [
            (word("letter.fact.to_be_paid_to"), formats.name(case.account.name)),
            (word("letter.fact.subscription"), dues.sold(subscription)),
            (word("letter.fact.method"), _kept(subscription, case.reader) if told and charged else ""),
            (word("page.fact.next_invoice"), "" if subscription.record_only else next_on),
        ]
    )


def _kept(subscription: Subscription, reader: Reader) -> str:
    if subscription.method is None:
        return reader.word("page.owed.without")
    label = formats.name(subscription.method.label)
    return reader.word("page.owed.method_refused", method=label) if subscription.method.refused else label
