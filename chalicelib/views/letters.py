"""Letters to buyers: the facts of each put in order once, then set as text and as HTML.

Both come from the same `Sheet`, so they cannot say different things. Facts are those of the records at the moment
of writing: a letter that comes late tells what is true by then.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from chalicelib.billing.invoices import Invoice
from chalicelib.billing.payments import Payment, PaymentStatus
from chalicelib.billing.periods import Period
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account
from chalicelib.crm.contacts import Contact
from chalicelib.views import bills, dues, formats
from chalicelib.views.bills import Bill
from chalicelib.views.render import fill

SUBJECT_NAME = 60


class Words(TypedDict):
    """A letter as it is sent: the subject is one line, `text` and `html` say the same."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Everything a letter says, already in words. `link` is where its button leads, if it has one."""

    business: str
    greeting: str
    title: str
    amount: str
    paragraphs: tuple[str, ...]
    bills: tuple[Bill, ...] = ()
    facts: tuple[tuple[str, str], ...]
    link: str = ""
    asks: str = "See what is owed"
    closing: str


def receipt(
    account: Account,
    contact: Contact,
    subscription: Subscription,
    invoices: Sequence[Invoice],
    payment: Payment,
    *,
    link: str = "",
) -> Words:
    """A payment was received: for which invoices, what is in them, how and when it was paid; `link` leads to its page."""
    business, amount = formats.name(account.name), formats.money(payment.amount)
    on = formats.day_of(payment.settled_at or payment.created_at, account.zone)
    numbers = _numbers(invoices)
    sheet = Sheet(
        business=business,
        greeting=greeting(contact),
        title="Payment received",
        amount=amount,
        paragraphs=(f"{business} received your payment of {amount} on {on}. Thank you.",),
        bills=tuple(bills.bill(invoice) for invoice in invoices),
        facts=(
            ("Paid to", business),
            ("Subscription", dues.sold(subscription)),
            *_invoices(invoices, payment),
            ("Amount paid", amount),
            ("Date", on),
            ("Payment method", formats.name(payment.method_label)),
            ("Reference", formats.name(payment.payment_reference or payment.reference or payment.id)),
        ),
        link=link,
        asks="See the receipt",
        closing=closing(account, business),
    )
    return set_(f"Receipt from {short(account.name)}: {amount}, {short(numbers)}", sheet)


def upcoming_payment(
    account: Account, contact: Contact, subscription: Subscription, now: datetime, *, link: str = ""
) -> Words:
    """A payment will be asked for: how much, when, and with which method; where that is missing, `link` asks for one."""
    business, on = formats.name(account.name), formats.day(subscription.next_on)
    invoice = bills.next_invoice(subscription, contact, now)
    bill = bills.bill(invoice, "What it is for")
    amount = formats.money(invoice.amount_due) + (" before tax" if subscription.automatic_tax else "")
    method = formats.name(subscription.method.label) if subscription.method else "none yet"
    sheet = Sheet(
        business=business,
        greeting=greeting(contact),
        title="Your next payment",
        amount=amount,
        paragraphs=_announced(subscription, business, amount, on),
        link="" if subscription.method and not subscription.method.refused else link,
        asks="Give a payment method",
        bills=(bill,),
        facts=(
            ("To be paid to", business),
            ("Subscription", dues.sold(subscription)),
            ("Period", formats.period(period(invoice))),
            ("Amount", amount),
            ("Date", on),
            ("Payment method", method),
        ),
        closing=closing(account, business),
    )
    return set_(f"Your next payment to {short(account.name)}: {amount} on {on}", sheet)


def payment_method(account: Account, contact: Contact, subscription: Subscription, *, link: str) -> Words:
    """The business asks for another payment method: for what, and what is paid with it."""
    business, kept = formats.name(account.name), subscription.method
    label = formats.name(kept.label) if kept else "none yet"
    rest = "Nothing is taken until then." if kept is None else "Until you do, it stays as it is."
    sheet = Sheet(
        business=business,
        greeting=greeting(contact),
        title="Your payment method",
        amount=label,
        paragraphs=(
            f"{business} asks you to give {'a' if kept is None else 'another'} payment method for your subscription.",
            f"The page below leads to Stripe, where you type it; {business} never sees its number. {rest}",
        ),
        link=link,
        asks="Add a payment method" if kept is None else "Update payment method",
        facts=(
            ("To be paid to", business),
            ("Subscription", dues.sold(subscription)),
            ("Payment method", label),
        ),
        closing=closing(account, business),
    )
    return set_(f"Your payment method for {short(account.name)}", sheet)


def payment_failed(
    account: Account,
    contact: Contact,
    subscription: Subscription,
    invoices: Sequence[Invoice],
    payment: Payment,
    *,
    link: str,
) -> Words:
    """A payment did not go through, or came back, or waits for the buyer: why, and what happens next."""
    business, amount = formats.name(account.name), formats.money(payment.amount)
    title, subject = _heading(payment, amount, short(account.name))
    sheet = Sheet(
        business=business,
        greeting=greeting(contact),
        title=title,
        amount=amount,
        paragraphs=_failed(account, subscription, invoices, payment),
        facts=(
            ("To be paid to", business),
            ("Subscription", dues.sold(subscription)),
            *_invoices(invoices, payment),
            ("Amount", amount),
            ("Tried on", formats.day_of(payment.settled_at or payment.created_at, account.zone)),
            ("Payment method", formats.name(payment.method_label)),
        ),
        link=link if _owed(invoices) else "",
        asks="Confirm the payment"
        if payment.status is PaymentStatus.ACTION_REQUIRED
        else "See what is owed, and pay",
        closing=closing(account, business),
    )
    return set_(subject, sheet)


def _heading(payment: Payment, amount: str, business: str) -> tuple[str, str]:
    """Title and subject of what did not go through."""
    match payment.status:
        case PaymentStatus.ACTION_REQUIRED:
            return "Your bank asks you to confirm", f"Your bank asks you to confirm {amount} to {business}"
        case PaymentStatus.RETURNED:
            return "Payment came back", f"Your payment of {amount} to {business} came back from your bank"
        case _:
            return "Payment did not go through", f"Your payment of {amount} to {business} did not go through"


def _announced(subscription: Subscription, business: str, amount: str, on: str) -> tuple[str, ...]:
    method = subscription.method
    if method is None or method.refused:
        why = "no payment method is kept for it" if method is None else "your payment method was refused"
        return (
            f"On {on}, {amount} will be due to {business}, but {why}.",
            "Please give another one on the page below.",
        )
    label = formats.name(method.label)
    return (f"On {on}, {business} will take {amount} from {label}.", "There is nothing you need to do.")


def _failed(
    account: Account, subscription: Subscription, invoices: Sequence[Invoice], payment: Payment
) -> tuple[str, ...]:
    business, amount = formats.name(account.name), formats.money(payment.amount)
    if not _owed(invoices):
        went = "came back" if payment.status is PaymentStatus.RETURNED else "did not go through"
        return (
            f"Your payment of {amount} to {business} {went} at first.",
            "Nothing of it is owed any more: there is nothing you need to do.",
        )
    label = formats.name(payment.method_label)
    first = f"{business} asked for {amount} from {label}. {dues.reason(payment)}"
    if payment.status is PaymentStatus.RETURNED:
        first = f"{business} had received your payment of {amount} from {label}, and your bank has taken it back: it is owed again."
    if payment.status is PaymentStatus.ACTION_REQUIRED:
        return (
            first,
            "Nothing has been paid yet. Please confirm it within a day, on the page below; it leads to your bank.",
        )
    help_ = "You can pay in another way, or give another card, on the page below."
    return (first, _next(account, subscription, invoices), help_)


def _owed(invoices: Iterable[Invoice]) -> bool:
    return any(invoice.amount_due for invoice in invoices)


def _next(account: Account, subscription: Subscription, invoices: Iterable[Invoice]) -> str:
    again_at = dues.asked_again_at(subscription, invoices)
    if again_at is not None and subscription.method is not None:
        on, label = formats.day_of(again_at, account.zone), formats.name(subscription.method.label)
        return f"It will be tried again on {on} with {label}."
    ended = "Your subscription has been canceled. " if subscription.status is Status.CANCELED else ""
    return f"{ended}It will not be tried again until you give another payment method."


def greeting(contact: Contact) -> str:
    """How a letter begins."""
    called = formats.name(contact.name)
    return f"Hello {called}," if called else "Hello,"


def _invoices(invoices: Sequence[Invoice], payment: Payment) -> tuple[tuple[str, str], ...]:
    """Number and period; of each, with its part of the payment, where there are several."""
    if len(invoices) == 1:
        number = formats.name(invoices[0].number)
        return (("Period", formats.period(period(invoices[0]))), ("Invoice", number))
    parts = {part.invoice: formats.money(part.amount) for part in payment.allocations}
    return tuple(
        (formats.name(invoice.number), f"{parts[invoice.id]} for {formats.period(period(invoice))}")
        for invoice in invoices
    )


def period(invoice: Invoice) -> Period:
    """The days an invoice is for."""
    return Period(invoice.period_start_on, invoice.period_end_on)


def _numbers(invoices: Iterable[Invoice]) -> str:
    return ", ".join(formats.name(invoice.number) for invoice in invoices)


def short(text: str) -> str:
    """A text that fits a subject."""
    return formats.shortened(text, SUBJECT_NAME)


def closing(account: Account, business: str) -> str:
    """How a letter ends."""
    return f"Questions? Reply to this letter: it reaches {business} at {formats.name(account.email)}."


def set_(subject: str, sheet: Sheet) -> Words:
    """A sheet as text and as HTML."""
    values = {"subject": subject, "sheet": sheet}
    return Words(subject=subject, text=fill("letter.txt", values), html=fill("letter.html", values))
