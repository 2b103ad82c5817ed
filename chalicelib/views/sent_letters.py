"""Letters about invoices that are sent: here is one, and one was not paid by its day."""

from datetime import date

from chalicelib.billing.collection import CollectionMethod
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account
from chalicelib.crm.contacts import Contact
from chalicelib.views import bills, dues, formats
from chalicelib.views.letters import Sheet, Words, closing, greeting, period, set_, short


def invoice(
    account: Account, contact: Contact, subscription: Subscription, sent: Invoice, *, link: str
) -> Words:
    """An invoice as it was issued: what is in it, by when it is to be paid, and where."""
    business, amount = formats.name(account.name), formats.money(sent.amount_due)
    by = formats.day(sent.due_on) if sent.due_on else ""
    return set_(
        f"Invoice {short(sent.number)} from {short(account.name)}: {amount}",
        _sheet(
            account,
            contact,
            subscription,
            sent,
            title=f"Invoice {formats.name(sent.number)}",
            amount=amount,
            paragraphs=(_asked(subscription, sent, business, amount, by),),
            link=link,
        ),
    )


def _asked(subscription: Subscription, sent: Invoice, business: str, amount: str, by: str) -> str:
    if not sent.amount_due:
        return "Nothing of it is owed any more: there is nothing you need to do."
    said = f"{business} asks you to pay {amount} by {by}."
    if (
        subscription.collects.way is CollectionMethod.CHARGE_AFTER_FIRST_INVOICE
        and subscription.method is None
    ):
        return f"{said} What you pay it with is kept for the payments after it."
    return said if subscription.collects.online else f"{said} {business} will tell you how to pay it."


def overdue(
    account: Account, contact: Contact, subscription: Subscription, sent: Invoice, today: date, *, link: str
) -> Words:
    """An invoice was not paid by its day: how much of it is late, and where it is paid."""
    business = formats.name(account.name)
    late = sent.lacking(today)
    amount = formats.money(late)
    paragraphs: tuple[str, ...] = ("It has been paid meanwhile: there is nothing you need to do.",)
    if late:
        day = next((part.on for part in sent.instalments if sent.due_now(part.on)), sent.due_on)
        since = f" by {formats.day(day)}" if day else ""
        paragraphs = (
            f"{business} asked you to pay {amount}{since}, and has not received it.",
            "If you have paid it in the last days, you can ignore this letter.",
        )
    return set_(
        f"Invoice {short(sent.number)} from {short(account.name)} is overdue",
        _sheet(
            account,
            contact,
            subscription,
            sent,
            title="Invoice overdue" if late else "Invoice paid",
            amount=amount if late else formats.money(sent.total),
            paragraphs=paragraphs,
            link=link if late else "",
        ),
    )


def _sheet(
    account: Account,
    contact: Contact,
    subscription: Subscription,
    sent: Invoice,
    *,
    title: str,
    amount: str,
    paragraphs: tuple[str, ...],
    link: str,
) -> Sheet:
    business = formats.name(account.name)
    due = (("To be paid by", formats.day(sent.due_on)),) if sent.due_on else ()
    parts = tuple((formats.day(part.on), formats.money(part.amount)) for part in sent.instalments)
    return Sheet(
        business=business,
        greeting=greeting(contact),
        title=title,
        amount=amount,
        paragraphs=paragraphs,
        bills=(bills.bill(sent),),
        facts=(
            ("To be paid to", business),
            ("Subscription", dues.sold(subscription)),
            ("Period", formats.period(period(sent))),
            ("Invoice", formats.name(sent.number)),
            *(parts or due),
        ),
        link=link,
        asks="See the invoice and pay it" if subscription.collects.online else "See the invoice",
        closing=closing(account, business),
    )
