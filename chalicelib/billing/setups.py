"""A buyer is on Stripe's page to leave a payment method for a subscription, without paying there."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.billing.collection import MethodType
from chalicelib.billing.gateway import SetupPage
from chalicelib.billing.payments import PAUSES
from chalicelib.billing.wake import Topic, Wake

# Where nobody has got the page's address by then, nobody ever will.
ANSWERED_WITHIN = timedelta(minutes=5)


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
    types: tuple[MethodType, ...] = ()
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

    @property
    def open(self) -> bool:
        """Whether a method may still be left."""
        return self.status is SetupStatus.OPEN

    def woken(self, at: datetime) -> "Setup":
        """It is looked at now, or when it may be asked about again (real time)."""
        return replace(self, look_at=at)

    def told(self, page: SetupPage, now: datetime) -> "Setup":
        """The gateway has spoken; an open page is looked at again, at the latest once it has expired (real time)."""
        if page.method is not None:
            left = replace(self, session=page.session, method=page.method.id, look_at=None)
            return replace(left, status=SetupStatus.COMPLETE)
        if page.url is None:
            return replace(self, session=page.session, status=SetupStatus.EXPIRED, look_at=None)
        look_at = now + PAUSES[min(self.looks, len(PAUSES) - 1)]
        if self.expires_at > now:
            look_at = min(look_at, self.expires_at)
        return replace(self, session=page.session, look_at=look_at, looks=self.looks + 1)

    def never_opened(self) -> "Setup":
        """No page was opened for it, or none whose address anybody has."""
        return replace(self, status=SetupStatus.EXPIRED, look_at=None)
