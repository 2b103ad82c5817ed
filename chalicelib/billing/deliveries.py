"""A message to one receiver about one event, recorded before it is sent."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.billing.wake import Topic, Wake

RETRY_AFTER = timedelta(minutes=5)
MAX_REFUSALS = 5
BUSY_AFTER = timedelta(minutes=10)
MENDED_AFTER = timedelta(hours=6)  # a person has to see to what cannot be read


class DeliveryStatus(StrEnum):
    """`sending` that stays so was maybe sent: the worker stopped between the mail server and the record.

    What is `skipped` was not sent, for a reason that the delivery keeps: what it would have told of was settled by then,
    or nothing is sent to the address any more. One that was sent may come back for good, or its reader complain.
    """

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    SKIPPED = "skipped"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


CAME_BACK = frozenset({DeliveryStatus.BOUNCED, DeliveryStatus.COMPLAINED})


class Letter(StrEnum):
    """The kinds of letters; those that begin with `staff` go to users of the business, the others to who buys."""

    FIRST_PAYMENT = "first_payment"
    RECEIPT = "receipt"
    PAYMENT_FAILED = "payment_failed"
    ACTION_REQUIRED = "action_required"
    UPCOMING_PAYMENT = "upcoming_payment"
    INVOICE = "invoice"
    OVERDUE = "overdue"
    CREDIT_NOTE = "credit_note"
    PAYMENT_METHOD = "payment_method"
    METHOD_UPDATED = "method_updated"
    SUBSCRIPTION_SENT = "subscription_sent"
    SUBSCRIBED = "subscribed"
    CHANGED = "changed"
    CANCELED = "canceled"
    CARD_EXPIRING = "card_expiring"
    QUOTE_EXPIRING = "quote_expiring"
    STAFF_PAYMENT = "staff_payment"
    STAFF_PAYMENT_FAILED = "staff_payment_failed"
    STAFF_DISPUTE = "staff_dispute"
    STAFF_ENDPOINT_DISABLED = "staff_endpoint_disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A letter, named by its event: however often the event comes, it is one. `send_at` is real time.

    `contact` is who it is about, and written to where no `user` of the business is. `resends` is the delivery it repeats,
    because a person asked for it.
    """

    account: str
    id: str
    event: str
    letter: Letter
    contact: str
    about: dict[str, str]
    created_at: datetime
    send_at: datetime | None
    status: DeliveryStatus = DeliveryStatus.PENDING
    refusals: int = 0
    to: str | None = None
    message_id: str | None = None
    reason: str | None = None
    sent_at: datetime | None = None
    user: str | None = None
    resends: str | None = None
    version: int = 0

    @property
    def wake(self) -> Wake | None:
        """Until it is in the hands of the mail server."""
        return Wake(self.send_at, Topic.DELIVERIES) if self.send_at else None

    def sending(self) -> "Delivery":
        """From here on it counts as maybe sent: it is never sent again by itself."""
        return replace(self, status=DeliveryStatus.SENDING, send_at=None)

    def sent(self, to: str, message_id: str, now: datetime) -> "Delivery":
        """The mail server took it; that it came back may be known before."""
        status = self.status if self.status in CAME_BACK else DeliveryStatus.SENT
        return replace(self, status=status, to=to, message_id=message_id, sent_at=now)

    def came_back(self, status: DeliveryStatus | None, reason: str) -> "Delivery":
        """What is told of it later: a complaint outweighs a bounce, whichever comes first. Without a status it is only noted."""
        if status is self.status or self.status is DeliveryStatus.COMPLAINED:
            return self
        if status is None:
            return self if self.status in CAME_BACK else replace(self, reason=reason)
        return replace(self, status=status, send_at=None, reason=reason)

    def skipped(self, reason: str) -> "Delivery":
        """It is not sent: by now there is nothing to tell, or nobody to tell it to."""
        return replace(self, status=DeliveryStatus.SKIPPED, send_at=None, reason=reason)

    def put_off(self, reason: str, now: datetime, after: timedelta = BUSY_AFTER) -> "Delivery":
        """The mail server is away, or has too much to do: that is no fault of the letter's, which waits as long as it takes."""
        return replace(self, status=DeliveryStatus.PENDING, send_at=now + after, reason=reason)

    def refused(self, reason: str, now: datetime) -> "Delivery":
        """The mail server surely did not take it: it is tried again a few times."""
        refusals = self.refusals + 1
        if refusals >= MAX_REFUSALS:
            return replace(self, status=DeliveryStatus.FAILED, send_at=None, refusals=refusals, reason=reason)
        again = now + RETRY_AFTER * 2**self.refusals
        return replace(self, status=DeliveryStatus.PENDING, send_at=again, refusals=refusals, reason=reason)


def name_of(event: str, destination: str) -> str:
    """The name of an event's delivery to a destination."""
    return f"dlv_{event.removeprefix('evt_')}_{destination}"
