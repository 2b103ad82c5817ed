"""The page of a subscription: all that is owed for it, and the method it is paid with."""

from chalicelib.billing.invoices import Invoice
from chalicelib.billing.periods import Period
from chalicelib.billing.statuses import Status
from chalicelib.views import cases, dues, formats, pages
from chalicelib.views.cases import Case
from chalicelib.views.links import Purpose
from chalicelib.views.pages import Door, Listing, Note, Page, Row, Tone
from chalicelib.views.reading import AMERICAN


def owed(case: Case, note: Note | None = None) -> Page:
    """What is owed for a subscription, invoice by invoice, and how to pay it."""
    total = case.total
    change = cases.changing(case) if case.waiting is None else None
    listing = Listing(
        heading="Invoice" if len(case.owed) == 1 else "Invoices",
        rows=tuple(_row(case, invoice) for invoice in case.owed),
    )
    return pages.of(
        case.account,
        title="To be paid" if total else "Nothing is owed",
        amount=AMERICAN.money(total),
        under=f"for {dues.sold(case.subscription)}",
        note=note or _note(case),
        acts=(*cases.paying(case), *([change] if change else [])),
        listings=pages.filled(listing),
        facts=_facts(case),
    )


def method(case: Case, note: Note | None = None) -> Page:
    """With what a subscription is paid, and how to change it."""
    subscription, change = case.subscription, cases.changing(case)
    kept = subscription.method
    door = Door(
        purpose=Purpose.OWED, id=subscription.id, label=f"See what is owed: {AMERICAN.money(case.total)}"
    )
    return pages.of(
        case.account,
        title="Payment method",
        amount=formats.name(kept.label) if kept else "None yet",
        under=f"for {dues.sold(subscription)}",
        note=note or (_refused(case) if change else _nothing_to_change(subscription.status)),
        acts=(change,) if change else (),
        facts=_facts(case, told=False),
        doors=(door,) if case.total else (),
    )


def _nothing_to_change(status: Status) -> Note:
    if status in (Status.CANCELED, Status.EXPIRED):
        return Note(
            tone=Tone.WAIT, title="This subscription has ended", text="No payment method is needed for it."
        )
    return Note(tone=Tone.GOOD, title="No payment method is needed", text="You get an invoice and pay that.")


def _note(case: Case) -> Note | None:
    """What the whole of it comes to, where that needs saying."""
    if not case.total:
        return _refused(case)
    if case.waiting is not None:
        return Note(
            tone=Tone.WAIT,
            title="Your bank wants you to confirm a payment",
            text="Nothing has been taken yet.",
        )
    if not case.free:
        return Note(
            tone=Tone.WAIT, title="A payment is under way", text="There is nothing you need to do now."
        )
    if not case.subscription.collects.online:
        return offline(case)
    return _late(case)


def _refused(case: Case) -> Note | None:
    """Nothing is owed, but the next payment would not go through."""
    method = case.subscription.method
    if method is None or not method.refused or cases.changing(case) is None:
        return None
    text = "Please give another one, so that the payments to come go through."
    return Note(tone=Tone.BAD, title="Your payment method was refused", text=text)


def _late(case: Case) -> Note | None:
    match case.subscription.status:
        case Status.CANCELED:
            text = "What was invoiced before is still owed."
            return Note(tone=Tone.WAIT, title="Your subscription has been canceled", text=text)
        case Status.PAST_DUE | Status.UNPAID:
            late = any(invoice.due_on for invoice in case.owed)
            said = "An invoice is overdue" if late else "A payment did not go through"
            return Note(tone=Tone.BAD, title=said, text="Pay now, and your subscription goes on as before.")
        case _:
            return None


def offline(case: Case) -> Note:
    """It is paid another way than on Stripe's page."""
    business = formats.name(case.account.name)
    return Note(
        tone=Tone.WAIT, title="This is not paid online", text=f"Pay {business} the way you have agreed."
    )


def _row(case: Case, invoice: Invoice) -> Row:
    period = AMERICAN.period(Period(invoice.period_start_on, invoice.period_end_on))
    told = (
        f"Issued on {AMERICAN.day_of(invoice.issued_at, case.account.zone)} for {period}",
        cases.last_try(case, invoice),
        cases.next_step(case, invoice),
    )
    return Row(
        name=formats.name(invoice.number),
        amount=AMERICAN.money(invoice.amount_due),
        told=tuple(line for line in told if line),
        door=Door(purpose=Purpose.INVOICE, id=invoice.id, label="See the invoice"),
        because=pages.because(invoice),
    )


def _facts(case: Case, *, told: bool = True) -> tuple[tuple[str, str], ...]:
    subscription = case.subscription
    method = formats.name(subscription.method.label) if subscription.method else "none"
    refused = " (refused)" if subscription.method and subscription.method.refused else ""
    goes_on = subscription.billable and subscription.paused_on is None and not subscription.ends_first
    next_on = AMERICAN.day(subscription.next_on) if goes_on and not subscription.at_its_end else ""
    return pages.known(
        [
            ("Paid to", formats.name(case.account.name)),
            ("Subscription", dues.sold(subscription)),
            ("Payment method", f"{method}{refused}" if told else ""),
            ("Next invoice", "" if subscription.record_only else next_on),
        ]
    )
