"""What Stripe's webhook told, kept under Stripe's own id."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.billing.wake import Topic, Wake

KEPT_FOR = timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeEvent:
    """An event as far as it is used: which object changed; its state now is fetched, not believed.

    `payment` is our payment's name from the object's metadata, `setup` our setup's; `intent` is the PaymentIntent the
    object names. `created_at` is Stripe's; `received_at` and
    `look_at` are real time, `look_at` None once it can add nothing.
    """

    account: str
    id: str
    type: str
    object: str
    payment: str | None
    livemode: bool
    created_at: datetime
    received_at: datetime
    look_at: datetime | None = None
    intent: str | None = None
    setup: str | None = None
    version: int = 0

    @property
    def wake(self) -> Wake | None:
        """Until what it tells is known here."""
        return Wake(self.look_at, Topic.RECONCILIATION) if self.look_at else None

    @property
    def expires_at(self) -> datetime:
        """When it may be forgotten (real time)."""
        return self.received_at + KEPT_FOR

    def noted(self) -> "StripeEvent":
        """It can add nothing, or what it told has been fetched."""
        return replace(self, look_at=None)

    def later(self, at: datetime) -> "StripeEvent":
        """Somebody is asking already: look again when they must have ended."""
        return replace(self, look_at=at)
