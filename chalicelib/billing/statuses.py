"""In what state a subscription is."""

from enum import StrEnum
from typing import Final


class Status(StrEnum):
    """HubSpot's `hs_status`, told by Stripe's meanings of past_due and unpaid."""

    SCHEDULED = "scheduled"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    UNPAID = "unpaid"
    PAUSED = "paused"
    CANCELED = "canceled"
    EXPIRED = "expired"


ENDED: Final = frozenset({Status.CANCELED, Status.EXPIRED})
