"""Pages for buyers: plain HTML that needs no script."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from urllib.parse import quote

from chalicelib.billing import explain, money
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.payments import Payment, PaymentStatus
from chalicelib.billing.periods import Period
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account
from chalicelib.views import dues, formats
from chalicelib.views.render import fill

PAY = "To pay in another way or to give another card, reply to the letter that brought you here, or write to"
ASK = "Reply to the letter that brought you here, or write to"


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """An invoice that is owed, in words; `next` is what happens to it by itself, `because` how each amount came to be."""

    number: str
    date: str
    period: str
    amount: str
    next: str
    because: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a subscription owes, in words."""

    business: str
    email: str
    mailto: str
    title: str
    amount: str
    dues: tuple[Due, ...]
    facts: tuple[tuple[str, str], ...]
    advice_title: str
    advice: str


def owed(
    account: Account, subscription: Subscription, invoices: Sequence[Invoice], payments: Mapping[str, Payment]
) -> str:
    """What is owed for a subscription and how to pay it; `payments` holds the open ones of its invoices, by id."""
    business = formats.name(account.name)
    total = money.total((invoice.amount_due for invoice in invoices), subscription.currency)
    page = Page(
        business=business,
        email=formats.name(account.email),
        mailto=f"mailto:{quote(account.email, safe='@')}",
        title="To be paid" if total else "Nothing is owed",
        amount=formats.money(total),
        dues=tuple(_due(account, subscription, invoice, payments) for invoice in invoices),
        facts=_facts(subscription, business),
        advice_title="How to pay" if total else "Questions",
        advice=PAY if total else ASK,
    )
    return fill("owed.html", {"page": page})


def expired() -> str:
    """The link was ours, and is too old; whose it was is not told."""
    advice = "Links in letters work for 30 days. Reply to the letter it came with, and you will be helped."
    return fill("closed.html", {"title": "This link has expired", "advice": advice})


def unknown() -> str:
    """The link opens nothing; why is not told."""
    advice = "It may have been cut off on its way. Open it again from the letter it came with, in full."
    return fill("closed.html", {"title": "This link does not work", "advice": advice})


@cache
def style_source() -> str:
    """The pages' one style sheet as a Content-Security-Policy names it."""
    digest = hashlib.sha256(fill("page.css", {}).encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _due(
    account: Account, subscription: Subscription, invoice: Invoice, payments: Mapping[str, Payment]
) -> Due:
    return Due(
        number=formats.name(invoice.number),
        date=formats.day_of(invoice.issued_at, account.zone),
        period=formats.period(Period(invoice.period_start_on, invoice.period_end_on)),
        amount=formats.money(invoice.amount_due),
        next=_next(account, subscription, invoice, payments),
        because=_because(invoice),
    )


def _because(invoice: Invoice) -> tuple[tuple[str, str], ...]:
    """Each line, discount and tax of an invoice, then the whole: what it is, and a sentence on its amount."""
    told = explain.explained(invoice)
    sentences = [
        *((line.name, line.sentence) for line in told.lines),
        *((discount.name, discount.sentence) for discount in told.discounts),
        *((tax.name, tax.sentence) for tax in told.taxes),
        ("To pay", told.sentence),
    ]
    return tuple((formats.name(name), formats.name(sentence)) for name, sentence in sentences)


def _next(
    account: Account, subscription: Subscription, invoice: Invoice, payments: Mapping[str, Payment]
) -> str:
    if invoice.payment is not None:
        payment = payments.get(invoice.payment)
        if payment is not None and payment.status is PaymentStatus.ACTION_REQUIRED:
            return "Your bank wants you to confirm the payment."
        return "A payment is under way; your bank has not answered yet."
    again_at = dues.asked_again_at(subscription, (invoice,))
    if again_at is not None and subscription.method is not None:
        on, label = formats.day_of(again_at, account.zone), formats.name(subscription.method.label)
        return f"Will be asked for on {on} with {label}."
    return "Will not be asked for until you give another payment method."


def _facts(subscription: Subscription, business: str) -> tuple[tuple[str, str], ...]:
    method = formats.name(subscription.method.label) if subscription.method else "none"
    refused = " (refused)" if subscription.method and subscription.method.refused else ""
    return (
        ("To", business),
        ("Subscription", dues.sold(subscription)),
        ("Payment method", f"{method}{refused}"),
    )
