"""Letters about money that came, or did not: first payment, receipt, payment failed, confirmation, next payment."""

from chalicelib.billing.payments import Payment, PaymentStatus
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription
from chalicelib.views import bills, dues, formats
from chalicelib.views.letter_cases import Case
from chalicelib.views.letter_sheets import (
    Told,
    business,
    day_of,
    facts,
    invoices_paid,
    method_of,
    numbers,
    owed,
    paid_with,
    period,
    sold,
)


def receipt(case: Case, subscription: Subscription, payment: Payment) -> Told:
    """A payment was received: for which invoices, what is in them, how and when it was paid; the first one welcomes too."""
    reader, first = case.reader, case.letter.value == "first_payment"
    values = {**_paid(case, payment), "invoices": numbers(case.invoices)}
    if first:
        values["next"] = what_is_next(case, subscription)
    reference = formats.name(payment.payment_reference or payment.reference or payment.id)
    return Told(
        texts="first_payment" if first else "receipt",
        values=values,
        amount=values["amount"],
        bills=tuple(bills.bill(invoice, reader=reader) for invoice in case.invoices),
        facts=(
            *facts(case, paid_to=business(case), subscription=sold(case)),
            *invoices_paid(case, case.invoices, payment),
            *facts(
                case,
                amount_paid=values["amount"],
                date=values["day"],
                method=paid_with(case, payment),
                reference=reference,
            ),
        ),
        link=case.link,
    )


def not_paid(case: Case, subscription: Subscription, payment: Payment) -> Told:
    """A payment did not go through, or came back, or waits for the buyer: why, and what happens next."""
    values = {
        **_paid(case, payment),
        "reason": dues.reason(payment, case.reader),
        "next": _tried_next(case, subscription),
    }
    return Told(
        texts=_not_paid(case, payment),
        values=values,
        amount=values["amount"],
        facts=(
            *facts(case, to_be_paid_to=business(case), subscription=sold(case)),
            *invoices_paid(case, case.invoices, payment),
            *facts(case, amount=values["amount"], tried_on=values["day"], method=paid_with(case, payment)),
        ),
        link=case.link if owed(case.invoices) else "",
    )


def _not_paid(case: Case, payment: Payment) -> str:
    waits, returned = (
        payment.status is one for one in (PaymentStatus.ACTION_REQUIRED, PaymentStatus.RETURNED)
    )
    if waits or (case.letter.value == "action_required" and not owed(case.invoices)):
        return "action_required" if owed(case.invoices) else "action_required.settled"
    if returned:
        return "payment_failed.returned" if owed(case.invoices) else "payment_failed.returned_settled"
    return "payment_failed" if owed(case.invoices) else "payment_failed.settled"


def upcoming(case: Case, subscription: Subscription) -> Told:
    """A payment will be asked for: how much, when, and with which method; where that is missing, the link asks for one."""
    reader = case.reader
    invoice = bills.next_invoice(subscription, case.parties.contact, case.now)
    amount = reader.money(invoice.amount_due)
    if subscription.automatic_tax:
        amount = reader.word("letter.before_tax", amount=amount)
    method = method_of(subscription, case)
    values = {
        "business": business(case),
        "amount": amount,
        "day": reader.day(subscription.next_on),
        "method": method,
        "subscription": sold(case),
    }
    texts = _upcoming(subscription, nothing=not invoice.amount_due and bool(invoice.total))
    return Told(
        texts=texts,
        values=values,
        amount=amount,
        bills=(bills.bill(invoice, reader.word("bill.what_for"), reader),),
        facts=facts(
            case,
            to_be_paid_to=values["business"],
            subscription=values["subscription"],
            period=reader.period(period(invoice)),
            amount=amount,
            date=values["day"],
            method="" if subscription.sends else method,
        ),
        link=case.link if texts.endswith(("without_method", "refused")) else "",
    )


def _upcoming(subscription: Subscription, *, nothing: bool) -> str:
    if nothing:
        return "upcoming_payment.covered"
    if subscription.sends:
        return "upcoming_payment.invoiced"
    if subscription.method is None:
        return "upcoming_payment.without_method"
    return "upcoming_payment.refused" if subscription.method.refused else "upcoming_payment"


def what_is_next(case: Case, subscription: Subscription) -> str:
    """When the next payment is, and with what, in a sentence."""
    reader = case.reader
    if not goes_on(subscription):
        rests = subscription.billable and not subscription.at_its_end and not subscription.ends_first
        return reader.word("letter.next.paused" if rests else "letter.next.nothing")
    day = reader.day(subscription.next_on)
    if subscription.sends:
        return reader.word("letter.next.invoiced", day=day)
    if subscription.method is None:
        return reader.word("letter.next.without_method", day=day)
    if subscription.method.refused:
        return reader.word("letter.next.refused", day=day)
    return reader.word("letter.next.charged", day=day, method=formats.name(subscription.method.label))


def goes_on(subscription: Subscription) -> bool:
    """Whether it is billed on its next date: it neither rests nor ends before, nor has it ended."""
    over = subscription.at_its_end or subscription.ends_first
    return subscription.billable and subscription.paused_on is None and not over


def _tried_next(case: Case, subscription: Subscription) -> str:
    reader = case.reader
    again_at = dues.asked_again_at(subscription, case.invoices)
    if again_at is not None and subscription.method is not None:
        day, label = reader.day_of(again_at, case.zone), formats.name(subscription.method.label)
        return reader.word("letter.next.again", day=day, method=label)
    ended = subscription.status is Status.CANCELED
    return reader.word("letter.next.canceled" if ended else "letter.next.never")


def _paid(case: Case, payment: Payment) -> dict[str, str]:
    return {
        "business": business(case),
        "amount": case.reader.money(payment.amount),
        "day": day_of(case, payment),
        "method": paid_with(case, payment),
        "subscription": sold(case),
    }
