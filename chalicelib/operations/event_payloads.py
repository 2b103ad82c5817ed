"""What is told of an event, over HTTP and in webhooks alike: the fact, and its subject as lists show it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, cast

from chalicelib.billing.credits import CreditNote
from chalicelib.billing.disputes import Dispute
from chalicelib.billing.events import Event, EventType
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.ledger import Entry
from chalicelib.billing.payments import Payment
from chalicelib.billing.refunds import Refund
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.webhooks import WebhookEndpoint
from chalicelib.crm.accounts import Account
from chalicelib.crm.companies import Company
from chalicelib.crm.contacts import Contact, PaymentMethod
from chalicelib.crm.profiles import Profile
from chalicelib.crm.suppressions import Suppression
from chalicelib.store import keys
from chalicelib.store.changes import Reading
from chalicelib.store.keys import Record
from chalicelib.views.shown import shown

VERSION: Final = "2026-11-22"
"""The payloads' shape; a later one changes only with what a reader must be changed for: fields may be added at any time."""
OF: Final[dict[str, type]] = {
    "account": Account,
    "contact": Contact,
    "company": Company,
    "profile": Profile,
    "subscription": Subscription,
    "invoice": Invoice,
    "credit_note": CreditNote,
    "payment": Payment,
    "refund": Refund,
    "dispute": Dispute,
    "payment_method": PaymentMethod,
    "webhook_endpoint": WebhookEndpoint,
}
"""The kind of record an event is about, by the first word of its type."""
BUT: Final[dict[EventType, type]] = {
    EventType.INVOICE_UPCOMING: Subscription,
    EventType.MAIL_STOPPED: Suppression,
    EventType.MAIL_RESUMED: Suppression,
    EventType.QUOTE_EXPIRING: Subscription,
}
"""Where it is another: there is no invoice yet, and what stops mail is a record of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventData:
    """`object` is what the event is about as it is now, which may be later than the event; null where it is deleted."""

    object: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPayload:
    """What happened to `subject`; `about` names the records a reader may want beside it, by kind.

    `created_at` is on the account's clock; `entry` is what it posted to the books; `version` is the shape of all of this.
    The same event always has the same `id`: who has seen it need not look again.
    """

    id: str
    object: Literal["event"] = "event"
    type: EventType
    version: str = VERSION
    created_at: datetime
    account: str
    livemode: bool
    subject: str
    about: dict[str, str]
    entry: Entry | None
    data: EventData


def payload(event: Event, subject: Record | None, account: Account) -> dict[str, Any]:
    """An event as JSON's values; `subject` is the record it is about as last read, None where there is none any more."""
    return cast(dict[str, Any], shown(told(event, subject, account)))


def told(event: Event, subject: Record | None, account: Account) -> EventPayload:
    """The same, before it is JSON."""
    deleted = getattr(subject, "deleted_at", None) is not None and not isinstance(subject, Suppression)
    return EventPayload(
        id=event.id,
        type=event.type,
        created_at=event.created_at,
        account=event.account,
        livemode=account.livemode,
        subject=event.subject,
        about=event.about,
        entry=event.entry,
        data=EventData(object=None if subject is None or deleted else shown(subject)),
    )


def about_them(events: Iterable[Event], reading: Reading, account: Account) -> list[EventPayload]:
    """Events with their subjects, which were read by `subject_key`; one that cannot be read is told as gone."""
    return [told(event, reading.records.get(subject_key(event)), account) for event in events]


def subject_key(event: Event) -> str:
    """The key of the record an event is about."""
    return keys.key(subject_type(event.type), event.account, event.subject)


def subject_type(type_: EventType) -> type:
    """The kind of record that events of a type are about."""
    return BUT.get(type_) or OF[type_.value.partition(".")[0]]
