"""Letters to people of the business: payments made and failed, disputes, a webhook endpoint that was switched off."""

from datetime import date

from chalicelib.billing.disputes import CLOSED, Dispute, DisputeStatus
from chalicelib.billing.payments import Payment, PaymentStatus
from chalicelib.billing.subscriptions import Subscription
from chalicelib.views import dues, formats
from chalicelib.views.catalogs import catalog
from chalicelib.views.letter_cases import Case
from chalicelib.views.letter_sheets import (
    Told,
    business,
    day_of,
    facts,
    invoices_paid,
    owed,
    paid_with,
    sold,
)


def paid(case: Case, payment: Payment) -> Told:
    """A customer has paid: who, how much, for what; what pays no invoice is theirs to be used up."""
    values = _paid(case, payment)
    reference = formats.name(payment.payment_reference or payment.reference or payment.id)
    return Told(
        texts="staff_payment" if case.subscription else "staff_payment.balance",
        values=values,
        amount=values["amount"],
        facts=(
            *facts(
                case, customer=values["customer"], email=_email(case), subscription=values["subscription"]
            ),
            *invoices_paid(case, case.invoices, payment),
            *facts(case, date=values["day"], method=paid_with(case, payment), reference=reference),
        ),
    )


def not_paid(case: Case, subscription: Subscription, payment: Payment) -> Told:
    """A payment of a customer failed, or came back: why, by the bank's own code too, and whether it is tried again."""
    values = {**_paid(case, payment), "next": _next(case, subscription, payment)}
    returned = payment.status is PaymentStatus.RETURNED
    return Told(
        texts="staff_payment_failed.returned" if returned else "staff_payment_failed",
        values=values,
        amount=values["amount"],
        facts=(
            *facts(
                case, customer=values["customer"], email=_email(case), subscription=values["subscription"]
            ),
            *invoices_paid(case, case.invoices, payment),
            *facts(
                case,
                tried_on=values["day"],
                method=paid_with(case, payment),
                reason="" if returned else case.reader.word(f"letter.staff_reason.{dues.cause(payment)}"),
                code=formats.name(payment.decline_code or ""),
                reference=formats.name(payment.reference or payment.id),
            ),
        ),
    )


def _next(case: Case, subscription: Subscription, payment: Payment) -> str:
    reader = case.reader
    if not owed(case.invoices):
        return reader.word("letter.staff_next.settled")
    if payment.status is PaymentStatus.ACTION_REQUIRED:
        return reader.word("letter.staff_next.confirm")
    again_at = dues.asked_again_at(subscription, case.invoices)
    if again_at is None:
        return reader.word("letter.staff_next.never")
    return reader.word("letter.staff_next.again", day=reader.day_of(again_at, case.zone))


def disputed(case: Case, dispute: Dispute) -> Told:
    """A customer asked their bank for a payment back, or that has been decided."""
    reader = case.reader
    by = reader.day_of(dispute.evidence_due_at, case.zone) if dispute.evidence_due_at else ""
    amount, customer = reader.money(dispute.amount), _customer(case)
    withdrawn = reader.money(dispute.withdrawn) if dispute.withdrawn else ""
    answerable = dispute.status not in CLOSED
    return Told(
        texts=_disputed(dispute),
        values={"business": business(case), "customer": customer, "amount": amount, "day": by},
        amount=amount,
        facts=facts(
            case,
            customer=customer,
            email=_email(case),
            subscription=sold(case),
            reason=_why(case, dispute),
            withdrawn=withdrawn,
            fee=reader.money(dispute.fee) if dispute.fee else "",
            answer_by=by if answerable else "",
            dispute=formats.name(dispute.id),
        ),
    )


def _why(case: Case, dispute: Dispute) -> str:
    """Stripe's reason in words; one that is not known here as Stripe calls it."""
    if f"letter.dispute_reason.{dispute.reason}" in catalog(case.reader.language):
        return case.reader.word(f"letter.dispute_reason.{dispute.reason}")
    return formats.name(dispute.reason.replace("_", " "))


def _disputed(dispute: Dispute) -> str:
    match dispute.status:
        case DisputeStatus.WON:
            return "staff_dispute.won"
        case DisputeStatus.LOST:
            return "staff_dispute.lost"
        case DisputeStatus.WARNING_CLOSED | DisputeStatus.PREVENTED:
            return "staff_dispute.closed"
        case _:
            return "staff_dispute" if dispute.evidence_due_at else "staff_dispute.unanswerable"


def endpoint_disabled(case: Case) -> Told:
    """A webhook endpoint failed for so long that it gets nothing any more."""
    said = case.more.get("since_on")
    day = case.reader.day(date.fromisoformat(said) if said else case.today)
    endpoint = formats.name(case.more.get("endpoint", ""))
    return Told(
        texts="staff_endpoint_disabled",
        values={"business": business(case), "endpoint": endpoint, "day": day},
        facts=facts(case, endpoint=endpoint, failing_since=day),
    )


def _paid(case: Case, payment: Payment) -> dict[str, str]:
    return {
        "business": business(case),
        "customer": _customer(case),
        "amount": case.reader.money(payment.amount),
        "subscription": sold(case),
        "day": day_of(case, payment),
    }


def _customer(case: Case) -> str:
    return formats.name(case.parties.buyer_name) or _email(case)


def _email(case: Case) -> str:
    return formats.name(case.parties.contact.email)
