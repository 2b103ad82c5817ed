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
from chalicelib.views.reading import AMERICAN

MOST_BILLS = 5
"""Of a payment of more invoices each one's lines stand on its own page alone."""


def payment(case: Case, one: Payment, *, back: bool = False) -> Page:
    """A payment of the case's invoices; `back` where its buyer comes from Stripe's page, or their bank's."""
    done = one.status is PaymentStatus.SUCCEEDED
    told = bool(case.invoices) and done and len(case.invoices) <= MOST_BILLS
    plain = told and len(case.invoices) == 1 and case.invoices[0].total == one.amount
    paid = Listing(heading="Invoice" if len(case.invoices) == 1 else "Invoices", rows=tuple(_paid(case, one)))
    given_back = Listing(
        heading="Given back", rows=tuple(_refund(case, one, refund) for refund in case.refunds)
    )
    return pages.of(
        case.account,
        title=_title(one),
        amount=AMERICAN.money(one.amount),
        under=_under(case, one),
        note=_note(case, one, back=back),
        acts=() if done else cases.paying(case),
        listings=pages.filled(given_back) if plain else pages.filled(given_back, paid),
        bills=tuple(bills.bill(invoice) for invoice in case.invoices) if told else (),
        facts=_facts(case, one),
        doors=(_invoice(case.invoices[0]),) if plain else (),
    )


def _title(one: Payment) -> str:
    match one.status:
        case PaymentStatus.SUCCEEDED:
            return "Payment received"
        case PaymentStatus.PROCESSING:
            return "Payment on its way"
        case PaymentStatus.ACTION_REQUIRED:
            return "Confirm your payment"
        case PaymentStatus.CHECKOUT | PaymentStatus.CANCELED:
            return "Payment not finished"
        case PaymentStatus.DECLINED:
            return "Payment did not go through"
        case PaymentStatus.RETURNED:
            return "Payment taken back" if one.origin is Origin.HAND else "Payment came back"
        case _:
            return "Payment under way"


def _under(case: Case, one: Payment) -> str:
    if one.status is not PaymentStatus.SUCCEEDED:
        return f"for {dues.sold(case.subscription)}"
    with_ = f" with {formats.name(one.method_label)}" if one.method_label else ""
    return f"on {_on(case, one)}{with_}"


def _on(case: Case, one: Payment) -> str:
    if one.received_on is not None:
        return AMERICAN.day(one.received_on)
    return AMERICAN.day_of(one.settled_at or one.created_at, case.account.zone)


def _note(case: Case, one: Payment, *, back: bool) -> Note | None:
    match one.status:
        case PaymentStatus.SUCCEEDED if back:
            business = formats.name(case.account.name)
            return Note(tone=Tone.GOOD, title="Thank you", text=f"{business} has received your payment.")
        case PaymentStatus.SUCCEEDED:
            return None
        case PaymentStatus.PROCESSING:
            text = "This takes some days. You will get a receipt when it has arrived; there is nothing you need to do."
            return Note(tone=Tone.WAIT, title="Your bank has been asked for it", text=text)
        case PaymentStatus.ACTION_REQUIRED:
            text = "Nothing has been taken yet."
            return Note(tone=Tone.WAIT, title=dues.CONFIRM, text=text)
        case PaymentStatus.PENDING | PaymentStatus.HELD:
            text = "Please do not pay again. Look at this page a little later."
            return Note(tone=Tone.WAIT, title="Your bank has not answered yet", text=text)
        case _:
            return _failed(case, one)


def _failed(case: Case, one: Payment) -> Note:
    """It came to nothing: why, and whether anything is still owed."""
    settled = "" if case.total else " Nothing is owed any more."
    match one.status:
        case PaymentStatus.DECLINED:
            text = "Nothing has been taken." + (" You can pay in another way." if case.free else settled)
            return Note(tone=Tone.BAD, title=dues.reason(one).rstrip("."), text=text)
        case PaymentStatus.RETURNED:
            text = f"What it paid is owed again.{settled}" if case.total else settled.strip()
            if one.origin is Origin.HAND:
                return Note(tone=Tone.BAD, title="It was written down by mistake", text=text)
            return Note(tone=Tone.BAD, title="Your bank took the payment back", text=text)
        case _:
            text = "You can go on where you stopped." if case.free else settled.strip()
            return Note(tone=Tone.WAIT, title="Nothing has been taken", text=text)


def _paid(case: Case, one: Payment) -> Iterator[Row]:
    """Each of its invoices, and the part of it that pays that one."""
    parts = {part.invoice: part.amount for part in one.allocations}
    for invoice in case.invoices:
        if invoice.id not in parts:
            continue
        period = AMERICAN.period(Period(invoice.period_start_on, invoice.period_end_on))
        yield Row(
            name=formats.name(invoice.number),
            amount=AMERICAN.money(parts[invoice.id]),
            told=(period, *_owed_by(invoice, one)),
            door=_invoice(invoice),
        )


def _invoice(invoice: Invoice) -> Door:
    return Door(purpose=Purpose.INVOICE, id=invoice.id, label="See the invoice")


def _owed_by(invoice: Invoice, one: Payment) -> Iterator[str]:
    """What is left of an invoice that was paid in part, or not at all."""
    if one.status is PaymentStatus.SUCCEEDED and invoice.amount_due:
        yield f"{AMERICAN.money(invoice.amount_due)} of it is still to be paid."


def _refund(case: Case, one: Payment, refund: Refund) -> Row:
    on = AMERICAN.day_of(refund.created_at, case.account.zone)
    label = formats.name(one.method_label)
    told = {
        RefundStatus.SUCCEEDED: f"Sent back to {label} on {on}",
        RefundStatus.PENDING: f"On its way back to {label} since {on}",
        RefundStatus.FAILED: f"Could not be sent back on {on}: it is on your balance",
    }[refund.status]
    reason = formats.name(refund.reason)
    return Row(
        name="Refund", amount=AMERICAN.money(-refund.amount), told=(told, reason) if reason else (told,)
    )


def _facts(case: Case, one: Payment) -> tuple[tuple[str, str], ...]:
    done = one.status is PaymentStatus.SUCCEEDED
    return pages.known(
        [
            ("Paid by" if done else "Customer", formats.name(case.contact.name) if case.contact else ""),
            ("Paid to" if done else "To be paid to", formats.name(case.account.name)),
            ("Subscription", dues.sold(case.subscription)),
            ("Date", _on(case, one) if done else ""),
            ("Payment method", formats.name(one.method_label) if done else ""),
            ("Reference", formats.name(one.payment_reference or one.reference or one.id) if done else ""),
        ]
    )
