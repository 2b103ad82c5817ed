"""Letters about invoices that are sent: here is one, one was not paid by its day, and something of one was given back."""

from datetime import date
from typing import Final

from chalicelib.billing.collection import CollectionMethod
from chalicelib.billing.credits import CreditNote
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.subscriptions import Subscription
from chalicelib.views import bills, formats, transfers
from chalicelib.views.letter_cases import Case
from chalicelib.views.letter_sheets import Fact, Told, business, facts, method_of, period, sold

BY_HAND: Final = ("invoice.transfer", "overdue.offline")


def invoice(case: Case, subscription: Subscription, sent: Invoice) -> Told:
    """An invoice as it was issued: what is in it, by when it is to be paid, and where."""
    amount = case.reader.money(sent.amount_due)
    told = _values(case, subscription, sent, amount, sent.due_on)
    return _told(case, sent, _asked(case, subscription, sent), told)


def _asked(case: Case, subscription: Subscription, sent: Invoice) -> str:
    if not sent.amount_due:
        return "invoice.settled"
    if sent.due_on is None:
        asked = sent.payment is not None or subscription.asks(last=sent.last)
        return "invoice.charged" if asked else "invoice.uncharged"
    first = subscription.collects.way is CollectionMethod.CHARGE_AFTER_FIRST_INVOICE
    if first and subscription.method is None:
        return "invoice.kept"
    if subscription.collects.online:
        return "invoice"
    return "invoice.transfer" if case.parties.profile.bank else "invoice.offline"


def overdue(case: Case, subscription: Subscription, sent: Invoice) -> Told:
    """An invoice was not paid by its day: how much of it is late, and where it is paid."""
    late = sent.lacking(case.today)
    day = next((part.on for part in sent.instalments if sent.due_now(part.on)), sent.due_on)
    told = _values(case, subscription, sent, case.reader.money(late or sent.total), day)
    waits = "overdue" if subscription.collects.online else "overdue.offline"
    return _told(case, sent, waits if late else "overdue.settled", told)


def credit_note(case: Case, sent: Invoice, note: CreditNote) -> Told:
    """What was given back of an invoice, as the document beside it says it."""
    amount = case.reader.money(note.total)
    number, of = formats.name(note.number), formats.name(sent.number)
    values = {"business": business(case), "amount": amount, "credit_note": number, "invoice": of}
    subscription, days = sold(case), case.reader.period(period(sent))
    return Told(
        texts="credit_note" if note.to_balance else "credit_note.owed",
        values=values,
        amount=amount,
        facts=facts(case, subscription=subscription, period=days, invoice=of, credit_note=number),
        link=case.link,
    )


def _values(
    case: Case, subscription: Subscription, sent: Invoice, amount: str, day: date | None
) -> dict[str, str]:
    return {
        "business": business(case),
        "amount": amount,
        "invoice": formats.name(sent.number),
        "day": case.reader.day(day) if day else "",
        "method": method_of(subscription, case),
        "subscription": sold(case),
    }


def _told(case: Case, sent: Invoice, texts: str, values: dict[str, str]) -> Told:
    reader = case.reader
    parts = tuple((reader.day(part.on), reader.money(part.amount)) for part in sent.instalments)
    by_hand = transfers.facts(reader, case.parties, sent.number) if texts in BY_HAND else ()
    due: tuple[Fact, ...] = facts(case, due_on=reader.day(sent.due_on)) if sent.due_on else ()
    return Told(
        texts=texts,
        values=values,
        amount=values["amount"],
        bills=(bills.bill(sent, reader=reader),),
        facts=(
            *facts(
                case,
                to_be_paid_to=values["business"],
                subscription=values["subscription"],
                period=reader.period(period(sent)),
                invoice=values["invoice"],
            ),
            *(parts or due),
            *((label, reader.isolated(value)) for label, value in by_hand),
        ),
        link="" if texts == "overdue.settled" else case.link,
    )
