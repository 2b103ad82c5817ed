"""Facts: what happened to a record, written in the transaction that made it happen."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.billing.ledger import Entry
from chalicelib.billing.wake import Topic, Wake

KEPT_FOR = timedelta(days=30)
CREDIT_NOTES = "credit_notes"
"""Said in what a change or an end is about: the credit notes that gave something back with it, a comma between them."""


class EventType(StrEnum):
    """The names of the facts, object first as in Stripe's event types."""

    SUBSCRIPTION_CREATED = "subscription.created"
    SUBSCRIPTION_PAST_DUE = "subscription.past_due"
    SUBSCRIPTION_UNPAID = "subscription.unpaid"
    SUBSCRIPTION_RECOVERED = "subscription.recovered"
    SUBSCRIPTION_METHOD_CHANGED = "subscription.payment_method_changed"
    SUBSCRIPTION_METHOD_ASKED = "subscription.payment_method_asked"
    SUBSCRIPTION_CANCELING = "subscription.cancel_scheduled"
    SUBSCRIPTION_CANCELED = "subscription.canceled"
    SUBSCRIPTION_EXPIRED = "subscription.expired"
    INVOICE_UPCOMING = "invoice.upcoming"
    SUBSCRIPTION_CHANGED = "subscription.changed"
    SUBSCRIPTION_PAUSED = "subscription.paused"
    SUBSCRIPTION_RESUMED = "subscription.resumed"
    SUBSCRIPTION_REACTIVATED = "subscription.reactivated"
    INVOICE_OPENED = "invoice.opened"
    INVOICE_BALANCE_APPLIED = "invoice.balance_applied"
    INVOICE_VOIDED = "invoice.voided"
    INVOICE_UNCOLLECTIBLE = "invoice.marked_uncollectible"
    CREDIT_NOTE_ISSUED = "credit_note.issued"
    BALANCE_ADJUSTED = "contact.balance_adjusted"
    PAYMENT_SUCCEEDED = "payment.succeeded"
    PAYMENT_DECLINED = "payment.declined"
    PAYMENT_ACTION_REQUIRED = "payment.action_required"
    PAYMENT_PROCESSING = "payment.processing"
    PAYMENT_HELD = "payment.held"
    PAYMENT_CANCELED = "payment.canceled"
    PAYMENT_CHECKOUT = "payment.checkout_opened"
    PAYMENT_RECORDED = "payment.recorded"
    PAYMENT_TAKEN = "payment.taken_after_all"
    PAYMENT_RETURNED = "payment.returned"
    PAYMENT_FEE_KNOWN = "payment.fee_known"
    INVOICE_REOPENED = "invoice.reopened"
    INVOICE_OVERDUE = "invoice.overdue"
    INVOICE_STILL_OVERDUE = "invoice.still_overdue"
    INVOICE_SCHEDULED = "invoice.payment_schedule_set"
    REFUND_CREATED = "refund.created"
    REFUND_SUCCEEDED = "refund.succeeded"
    REFUND_FAILED = "refund.failed"
    DISPUTE_OPENED = "dispute.opened"
    DISPUTE_UPDATED = "dispute.updated"
    DISPUTE_CLOSED = "dispute.closed"
    SUBSCRIPTION_DELETED = "subscription.deleted"
    SUBSCRIPTION_SENT = "subscription.sent"
    PAYMENT_METHOD_EXPIRING = "payment_method.expiring"
    QUOTE_EXPIRING = "quote.expiring"
    SUBSCRIPTION_PAPERS = "subscription.invoice_settings_changed"
    CONTACT_CHANGED = "contact.changed"
    COMPANY_CHANGED = "company.changed"
    PROFILE_CHANGED = "profile.changed"
    ACCOUNT_CHANGED = "account.changed"
    WEBHOOK_ENDPOINT_TESTED = "webhook_endpoint.tested"
    WEBHOOK_ENDPOINT_DISABLED = "webhook_endpoint.disabled"
    MAIL_STOPPED = "contact.mail_stopped"
    MAIL_RESUMED = "contact.mail_resumed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A fact about `subject`; `about` names the records a reader may want beside it, by kind.

    `created_at` is on the account's clock; `fan_out_at` is real time, None where nobody is told or all have been;
    `entry` is what the fact posts to the books. Of one that is `silent` nobody gets a letter, though an endpoint may hear of it.
    One that posts nothing is kept until `kept_until`, in real time, or longer while somebody is still to be told.
    """

    account: str
    id: str
    type: EventType
    subject: str
    about: dict[str, str]
    created_at: datetime
    fan_out_at: datetime | None = None
    entry: Entry | None = None
    silent: bool = False
    kept_until: datetime | None = None
    version: int = 0

    @property
    def wake(self) -> Wake | None:
        """Until its deliveries have been made."""
        return Wake(self.fan_out_at, Topic.DELIVERIES) if self.fan_out_at else None

    @property
    def expires_at(self) -> datetime | None:
        """When the table may forget it."""
        return None if self.fan_out_at else self.kept_until

    def fanned_out(self) -> "Event":
        """A delivery exists for everyone who is told."""
        return replace(self, fan_out_at=None)


def name_of(type_: EventType, subject: str, version: int) -> str:
    """The name of the fact that took a record to a version: the same fact twice is the same name."""
    return f"evt_{subject}_{version}_{type_.value.replace('.', '_')}"
