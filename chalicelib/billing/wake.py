"""When a record must be looked at again, and which schedule looks."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Topic(StrEnum):
    """What a record waits for; each topic is swept by one scheduled function."""

    BILLING = "billing"
    RETRIES = "retries"
    REMINDERS = "reminders"
    DELIVERIES = "deliveries"
    WEBHOOKS = "webhooks"
    RECONCILIATION = "reconciliation"


# These run on the account's clock, which a test account may move; the others on real time.
ACCOUNT_TOPICS = frozenset({Topic.BILLING, Topic.RETRIES, Topic.REMINDERS})


@dataclass(frozen=True, slots=True)
class Wake:
    """The next moment (UTC) of a record and its reason."""

    at: datetime
    topic: Topic
