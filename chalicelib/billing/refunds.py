"""Money of a payment given back: asked for under its own name, and followed until the bank has it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.billing.money import Money
from chalicelib.billing.wake import Topic, Wake


class RefundStatus(StrEnum):
    """Stripe's, but `canceled` which is a failure too."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """`amount` was taken from the customer's balance as the refund was written, and goes back there if it fails.

    `reference` is Stripe's refund, None until it is known, and of one given back by hand. `created_at` and
    `settled_at` are on the account's clock; `sent_at`, `leased_until` and `look_at` are real time.
    """

    account: str
    id: str
    payment: str
    contact: str
    subscription: str
    amount: Money
    created_at: datetime
    sent_at: datetime
    leased_until: datetime | None = None
    status: RefundStatus = RefundStatus.PENDING
    credit_note: str | None = None
    reference: str | None = None
    reason: str = ""
    failure: str | None = None
    looks: int = 0
    look_at: datetime | None = None
    settled_at: datetime | None = None
    version: int = 0

    @property
    def wake(self) -> Wake | None:
        """The end of the lease, then the next look at the gateway, until it is settled."""
        at = self.leased_until or self.look_at
        return Wake(at, Topic.RECONCILIATION) if self.status is RefundStatus.PENDING and at else None


def name_of(payment: str, ordinal: int) -> str:
    """The name of a payment's refund by its ordinal, 1 the first; Stripe's idempotency key too."""
    return f"ref_{payment.removeprefix('pay_')}_{ordinal}"
