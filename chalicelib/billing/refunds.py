"""Money of a payment given back: asked for under its own name, and followed until the bank has it."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from chalicelib.billing.gateway import RefundTold
from chalicelib.billing.money import Money
from chalicelib.billing.payments import KEY_LIVES, LEASE, PAUSES
from chalicelib.billing.wake import Topic, Wake

NEVER_ARRIVED: Final = "never_arrived"
"""Why a refund failed of which Stripe has no trace when its key can no longer be trusted."""


class RefundStatus(StrEnum):
    """Stripe's, but `canceled` which is a failure too."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


_STATUS: Final = {
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}
"""What Stripe's other two statuses come to is pending: the bank, or the buyer, has not answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """`amount` was taken from the customer's balance as the refund was written, and goes back there if it fails.

    Where it is `to_balance` it stays there: only credit notes were issued. `credit_notes` gave what was taken, as far as
    the payment's invoices had it to give. `reference` is Stripe's refund, None until it is known, and of one given back by
    hand; one that was made at Stripe is named by it. `fee` and `net` come from its balance transaction, what left the
    balance below zero. `created_at` and `settled_at` are on the account's clock; `sent_at`, `leased_until` and `look_at`
    are real time.
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
    credit_notes: tuple[str, ...] = ()
    reference: str | None = None
    reason: str = ""
    failure: str | None = None
    by_hand: bool = False
    to_balance: bool = False
    fee: Money | None = None
    net: Money | None = None
    looks: int = 0
    look_at: datetime | None = None
    settled_at: datetime | None = None
    version: int = 0

    @property
    def wake(self) -> Wake | None:
        """The end of the lease, then the next look at the gateway, until it is settled."""
        at = self.leased_until or self.look_at
        return Wake(at, Topic.RECONCILIATION) if self.status is RefundStatus.PENDING and at else None

    def leased(self, now: datetime) -> bool:
        """Whether a worker may be waiting for the gateway's answer at this moment (real time)."""
        return self.leased_until is not None and now < self.leased_until

    def repeatable(self, now: datetime) -> bool:
        """Whether the same request under the same key is still sure to be the same refund (real time)."""
        return now - self.sent_at < KEY_LIVES

    def taken_up(self, now: datetime) -> "Refund":
        """A worker asks about it now, and is waited for (real time)."""
        return replace(self, leased_until=now + LEASE)

    def postponed(self, now: datetime, why: str | None = None) -> "Refund":
        """The gateway could not be asked, or the bank has not answered: it is looked at later (real time)."""
        pause = PAUSES[min(self.looks, len(PAUSES) - 1)]
        return replace(self, leased_until=None, look_at=now + pause, looks=self.looks + 1, failure=why)

    def told(self, told: RefundTold, now: datetime, real: datetime) -> "Refund":
        """Stripe has spoken: `now` on the account's clock, `real` time for what is still pending.

        One that succeeded may yet fail, days later; one that failed stays so.
        """
        status = _STATUS.get(told.status, RefundStatus.PENDING)
        if self.status is RefundStatus.FAILED or status is self.status is RefundStatus.SUCCEEDED:
            return self
        match status:
            case RefundStatus.FAILED:
                after = self.failed(told.failure or told.status, now)
            case RefundStatus.SUCCEEDED:
                after = replace(self._settled(status, now), fee=told.fee, net=told.net, failure=None)
            case _:
                after = self.postponed(real) if self.status is RefundStatus.PENDING else self
        return replace(after, reference=told.reference)

    def failed(self, why: str, now: datetime) -> "Refund":
        """It came to nothing: the money is its customer's balance again."""
        return replace(self._settled(RefundStatus.FAILED, now), failure=why)

    def _settled(self, status: RefundStatus, now: datetime) -> "Refund":
        return replace(self, status=status, settled_at=now, leased_until=None, look_at=None)


def name_of(payment: str, ordinal: int) -> str:
    """The name of a payment's refund by its ordinal, 1 the first; Stripe's idempotency key too."""
    return f"ref_{payment.removeprefix('pay_')}_{ordinal}"
