"""Who is told of an event."""

from chalicelib.billing.deliveries import Letter
from chalicelib.billing.events import EventType

LETTERS = {
    EventType.PAYMENT_SUCCEEDED: Letter.RECEIPT,
    EventType.PAYMENT_RECORDED: Letter.RECEIPT,
    EventType.PAYMENT_DECLINED: Letter.PAYMENT_FAILED,
    EventType.PAYMENT_ACTION_REQUIRED: Letter.PAYMENT_FAILED,
    EventType.PAYMENT_RETURNED: Letter.PAYMENT_FAILED,
    EventType.INVOICE_UPCOMING: Letter.UPCOMING_PAYMENT,
    EventType.INVOICE_OPENED: Letter.INVOICE,
    EventType.INVOICE_OVERDUE: Letter.OVERDUE,
    EventType.SUBSCRIPTION_METHOD_ASKED: Letter.PAYMENT_METHOD,
}


def letter_of(type_: EventType) -> Letter | None:
    """The letter a buyer gets of an event, if any."""
    return LETTERS.get(type_)
