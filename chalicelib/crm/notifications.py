"""Who is told of an event: the letter its buyer gets, and the one that people of the business may want.

All of it is decided from the account and from the event itself, so that who writes a fact reads nothing for it.
"""

from collections.abc import Mapping
from typing import Final

from chalicelib.billing.deliveries import Letter
from chalicelib.billing.events import EventType
from chalicelib.crm.accounts import Account

FIRST: Final = "first"
"""Said in what a payment's event is about, where nothing was paid of its subscription before."""
LETTERS: Final = {
    EventType.PAYMENT_SUCCEEDED: Letter.RECEIPT,
    EventType.PAYMENT_RECORDED: Letter.RECEIPT,
    EventType.PAYMENT_DECLINED: Letter.PAYMENT_FAILED,
    EventType.PAYMENT_RETURNED: Letter.PAYMENT_FAILED,
    EventType.PAYMENT_ACTION_REQUIRED: Letter.ACTION_REQUIRED,
    EventType.INVOICE_UPCOMING: Letter.UPCOMING_PAYMENT,
    EventType.INVOICE_OPENED: Letter.INVOICE,
    EventType.INVOICE_OVERDUE: Letter.OVERDUE,
    EventType.INVOICE_STILL_OVERDUE: Letter.OVERDUE,
    EventType.CREDIT_NOTE_ISSUED: Letter.CREDIT_NOTE,
    EventType.PAYMENT_METHOD_EXPIRING: Letter.CARD_EXPIRING,
    EventType.SUBSCRIPTION_CREATED: Letter.SUBSCRIBED,
    EventType.SUBSCRIPTION_SENT: Letter.SUBSCRIPTION_SENT,
    EventType.SUBSCRIPTION_CHANGED: Letter.CHANGED,
    EventType.SUBSCRIPTION_CANCELING: Letter.CANCELED,
    EventType.SUBSCRIPTION_CANCELED: Letter.CANCELED,
    EventType.SUBSCRIPTION_EXPIRED: Letter.CANCELED,
    EventType.SUBSCRIPTION_METHOD_ASKED: Letter.PAYMENT_METHOD,
    EventType.SUBSCRIPTION_METHOD_CHANGED: Letter.METHOD_UPDATED,
    EventType.QUOTE_EXPIRING: Letter.QUOTE_EXPIRING,
}
STAFF_LETTERS: Final = {
    EventType.PAYMENT_SUCCEEDED: Letter.STAFF_PAYMENT,
    EventType.PAYMENT_RECORDED: Letter.STAFF_PAYMENT,
    EventType.PAYMENT_DECLINED: Letter.STAFF_PAYMENT_FAILED,
    EventType.PAYMENT_RETURNED: Letter.STAFF_PAYMENT_FAILED,
    EventType.DISPUTE_OPENED: Letter.STAFF_DISPUTE,
    EventType.DISPUTE_CLOSED: Letter.STAFF_DISPUTE,
    EventType.WEBHOOK_ENDPOINT_DISABLED: Letter.STAFF_ENDPOINT_DISABLED,
}


def letter_of(type_: EventType, about: Mapping[str, str]) -> Letter | None:
    """The letter a buyer gets of an event, if any."""
    letter = LETTERS.get(type_)
    if letter is Letter.RECEIPT:
        # What was written down by hand and pays nothing has no receipt: there is nothing to show.
        paid = Letter.FIRST_PAYMENT if FIRST in about else letter
        return paid if about.get("invoice") else None
    return letter


def buyers(account: Account, type_: EventType, about: Mapping[str, str]) -> Letter | None:
    """The letter a buyer gets of an event, unless the account has switched it off."""
    letter = letter_of(type_, about)
    return None if letter in account.letters_off else letter


def staffs(account: Account, type_: EventType) -> Letter | None:
    """The letter that people of the business get of an event, where any of them wants it and the account has not switched it off."""
    letter = STAFF_LETTERS.get(type_)
    return letter if letter in account.staff_letters and letter not in account.letters_off else None


def written_to(account: Account, type_: EventType, about: Mapping[str, str]) -> bool:
    """Whether anybody gets a letter of an event."""
    return buyers(account, type_, about) is not None or staffs(account, type_) is not None
