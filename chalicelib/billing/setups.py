"""A buyer is on Stripe's page to leave a payment method for a subscription, without paying there."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.billing.wake import Topic, Wake


class SetupStatus(StrEnum):
    """Stripe's statuses of a Checkout Session."""

    OPEN = "open"
    COMPLETE = "complete"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """`session` is Stripe's Checkout Session, None until its answer is known; all moments but `created_at` are real time.

    Named before it is asked for, so that asking twice opens one page.
    """

    account: str
    id: str
    subscription: str
    contact: str
    customer: str
    back_url: str
    created_at: datetime
    sent_at: datetime
    expires_at: datetime
    session: str | None = None
    method: str | None = None
    status: SetupStatus = SetupStatus.OPEN
    looks: int = 0
    look_at: datetime | None = None
    version: int = 0

    @property
    def wake(self) -> Wake | None:
        """Until it is complete or expired, so that a webhook that is lost loses no method."""
        return Wake(self.look_at, Topic.RECONCILIATION) if self.look_at else None
