"""Whether there is still something to tell: a letter whose matter is settled when it is to be sent is not sent.

What a letter presumes is checked as its sending is recorded: whoever changes it meanwhile is seen to first.
"""

from collections.abc import Iterator
from datetime import timedelta

from chalicelib.billing.deliveries import Delivery, Letter
from chalicelib.billing.invoices import Invoice, InvoiceStatus
from chalicelib.billing.payments import Payment, PaymentStatus
from chalicelib.billing.statuses import ENDED
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import MOST_REMINDER_DAYS, Moment
from chalicelib.crm.contacts import PaymentMethod
from chalicelib.store.changes import Changeset
from chalicelib.store.keys import Record

SPARE = timedelta(days=2)
DUNNING = frozenset({Letter.PAYMENT_FAILED, Letter.ACTION_REQUIRED, Letter.OVERDUE, Letter.INVOICE})
OF_SUBSCRIPTION = frozenset(
    {
        *(Letter.UPCOMING_PAYMENT, Letter.PAYMENT_METHOD, Letter.METHOD_UPDATED, Letter.CARD_EXPIRING),
        *(Letter.SUBSCRIBED, Letter.SUBSCRIPTION_SENT, Letter.CHANGED, Letter.CANCELED),
    }
)


def why(found: Changeset, delivery: Delivery, at: Moment) -> str | None:
    """Why a letter has nothing to tell any more, in words for the business; None where it has. Raises NotFound."""
    match delivery.letter:
        case Letter.RECEIPT | Letter.FIRST_PAYMENT:
            return _taken_back(found.get(Payment, delivery.about["payment"]))
        case letter if letter in DUNNING:
            return _settled(found, delivery, at)
        case letter if letter in OF_SUBSCRIPTION:
            return _past(found, delivery, found.get(Subscription, delivery.about["subscription"]), at)
        case _:
            return None


def presumed(found: Changeset, delivery: Delivery) -> Iterator[Record]:
    """What `why` was decided by, where it may change at any moment: nothing, of a letter that stays true."""
    if delivery.letter in DUNNING:
        if "payment" in delivery.about:
            payment = found.get(Payment, delivery.about["payment"])
            yield payment
            yield from (found.get(Invoice, part.invoice) for part in payment.allocations)
        else:
            yield found.get(Invoice, delivery.about["invoice"])
    elif delivery.letter in OF_SUBSCRIPTION:
        yield found.get(Subscription, delivery.about["subscription"])


def _taken_back(payment: Payment) -> str | None:
    if payment.status is PaymentStatus.SUCCEEDED:
        return None
    return f"The payment is {payment.status} by now."


def _settled(found: Changeset, delivery: Delivery, at: Moment) -> str | None:
    about = delivery.about
    if delivery.letter in (Letter.PAYMENT_FAILED, Letter.ACTION_REQUIRED):
        payment = found.get(Payment, about["payment"])
        waits = payment.status is PaymentStatus.ACTION_REQUIRED
        if waits is not (delivery.letter is Letter.ACTION_REQUIRED):
            return f"The payment is {payment.status} by now."
        owed = [found.get(Invoice, part.invoice) for part in payment.allocations]
        return None if any(one.amount_due for one in owed) else "Nothing of it is owed any more."
    invoice = found.get(Invoice, about["invoice"])
    if delivery.letter is Letter.INVOICE:
        return "The invoice is void by now." if invoice.status is InvoiceStatus.VOID else None
    return None if invoice.lacking(at.day) else "It is not overdue any more."


def _past(found: Changeset, delivery: Delivery, of: Subscription, at: Moment) -> str | None:
    """Whether what is told of a subscription has been overtaken by what became of it since."""
    if of.deleted_at is not None or of.record_only:
        return _not_ours(of)
    match delivery.letter:
        case Letter.UPCOMING_PAYMENT:
            return _not_coming(delivery, of, at)
        case Letter.CARD_EXPIRING:
            return _replaced(found, delivery, of)
        case Letter.PAYMENT_METHOD if of.status in ENDED and not of.arrears:
            return f"The subscription is {of.status} by now."
        case Letter.METHOD_UPDATED if of.method and of.method.id != delivery.about.get("payment_method"):
            return "Another payment method has taken its place."
        case Letter.CANCELED if of.ended_at is None and of.ends_at is None:
            return "The cancellation was called off."
        case Letter.CHANGED | Letter.SUBSCRIBED:
            return _not_so(delivery, of)
        case _:
            return None


def _not_ours(of: Subscription) -> str:
    if of.deleted_at is not None:
        return "The subscription was deleted."
    return "It is only a record: nothing of it is billed here."


def _not_so(delivery: Delivery, of: Subscription) -> str | None:
    if of.status in ENDED:
        return f"The subscription is {of.status} by now."
    if delivery.letter is Letter.CHANGED and "was" not in delivery.about and of.change is None:
        return "The change that was to come has taken effect, or was called off."
    return None


def _not_coming(delivery: Delivery, of: Subscription, at: Moment) -> str | None:
    if delivery.about.get("cycle", str(of.cycle)) != str(of.cycle):
        return "The payment has been asked for by now."
    if not of.billable or of.paused_on is not None or of.ends_first or of.at_its_end or of.sends:
        return "The payment is not to come any more."
    notice = timedelta(days=of.reminder_days or MOST_REMINDER_DAYS) + SPARE
    return "The payment was put off; it is told of again." if of.next_at - at.now > notice else None


def _replaced(found: Changeset, delivery: Delivery, of: Subscription) -> str | None:
    method = found.get(PaymentMethod, delivery.about["payment_method"])
    if of.status in ENDED or of.method is None or of.method.id != method.id:
        return "No subscription uses the card any more."
    return None if method.expires == delivery.about.get("expires") else "The card was renewed."
