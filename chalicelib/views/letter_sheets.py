"""What letters have in common: what one of them tells, and everything it says once it is in words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from chalicelib.billing.invoices import Invoice
from chalicelib.billing.payments import Payment
from chalicelib.billing.periods import Period
from chalicelib.billing.subscriptions import Subscription
from chalicelib.views import dues, formats
from chalicelib.views.bills import Bill
from chalicelib.views.letter_cases import Case

Fact = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a letter tells: `texts` names its words in the catalogs, from `letter.` on; a part that is not there is the
    letter's own. `values` are what those have room for; `amount` stands large under the title."""

    texts: str
    values: Mapping[str, str]
    amount: str = ""
    bills: tuple[Bill, ...] = ()
    facts: tuple[Fact, ...] = ()
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Color:
    """A button's `ground` and the `ink` on it, as #rrggbb; `dark_…` where the mail client is dark."""

    ground: str
    ink: str
    dark_ground: str
    dark_ink: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Everything a letter says, already in words. `link` is where its button leads, if it has one.

    `direction` is HTML's (ltr, rtl), `preview` what a list of mails shows, `legal` who the sender is by law,
    `logo` the address of their picture.
    """

    language: str
    direction: str
    business: str
    preview: str
    greeting: str
    title: str
    amount: str
    paragraphs: tuple[str, ...]
    bills: tuple[Bill, ...]
    facts: tuple[Fact, ...]
    link: str
    asks: str
    closing: str
    legal: tuple[str, ...]
    logo: str
    color: Color
    total: str
    to_pay: str


def business(case: Case) -> str:
    """The account as its letters call it."""
    return formats.name(case.parties.account.name)


def sold(case: Case) -> str:
    """What the subscription is called."""
    return dues.sold(case.subscription) if case.subscription else ""


def fact(case: Case, label: str, value: str) -> tuple[Fact, ...]:
    """A fact under its label; none where there is nothing to say."""
    return ((case.reader.word(f"letter.fact.{label}"), case.reader.isolated(value)),) if value else ()


def facts(case: Case, **said: str) -> tuple[Fact, ...]:
    """Facts by the names of their labels, in order."""
    return tuple(one for label, value in said.items() for one in fact(case, label, value))


def method_of(subscription: Subscription, case: Case) -> str:
    """The method that is charged, or that there is none yet."""
    kept = subscription.method
    return formats.name(kept.label) if kept else case.reader.word("letter.no_method")


def paid_with(case: Case, payment: Payment) -> str:
    """The method a payment was asked of, or how the money came."""
    return dues.paid_with(payment, case.reader)


def day_of(case: Case, payment: Payment) -> str:
    """The local day a payment was settled, or made."""
    return case.reader.day_of(payment.settled_at or payment.created_at, case.zone)


def period(invoice: Invoice) -> Period:
    """The days an invoice is for."""
    return Period(invoice.period_start_on, invoice.period_end_on)


def numbers(invoices: Iterable[Invoice]) -> str:
    """The numbers of invoices in a row."""
    return ", ".join(formats.name(invoice.number) for invoice in invoices)


def invoices_paid(case: Case, invoices: Sequence[Invoice], payment: Payment) -> tuple[Fact, ...]:
    """Number and period; of each, with its part of the payment, where there are several."""
    reader = case.reader
    if len(invoices) == 1:
        return facts(
            case, period=reader.period(period(invoices[0])), invoice=formats.name(invoices[0].number)
        )
    parts = {part.invoice: reader.money(part.amount) for part in payment.allocations}
    return tuple(
        (
            formats.name(one.number),
            reader.word("letter.part", amount=parts[one.id], period=reader.period(period(one))),
        )
        for one in invoices
        if one.id in parts
    )


def owed(invoices: Iterable[Invoice]) -> bool:
    """Whether anything of them is still to be paid."""
    return any(invoice.amount_due for invoice in invoices)
