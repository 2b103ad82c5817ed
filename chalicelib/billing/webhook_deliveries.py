"""What became of each event at each endpoint: when it is sent, again, and no more (standardwebhooks.com).

At least once: a delivery is recorded as being sent before it is sent, and sent again where nothing came back.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from zlib import crc32

from chalicelib.billing.wake import Topic, Wake

WAITS: Final = tuple(timedelta(seconds=s) for s in (0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400))
"""How long before each attempt, as Standard Webhooks suggests: ten in three days. A schedule of once a minute finds them."""
JITTER_PERCENT: Final = 10
LEASE: Final = timedelta(minutes=2)
"""How long a worker may be at a post, with what it does around it; after that another one sends it again."""
KEPT_FOR: Final = timedelta(days=30)
KEPT_ANSWERS: Final = 5
MOST_SAID: Final = 500


class Treatment(StrEnum):
    """What an answer's status means; `slow` asks for fewer requests, and fails."""

    ACCEPTED = "accepted"
    GONE = "gone"
    SLOW = "slow"
    FAILED = "failed"


SLOW: Final = frozenset({0, 429, 502, 503, 504})
"""Statuses after which nothing further is sent for a while; 0 is no answer at all."""


def treatment(status: int) -> Treatment:
    """What an answer means: 2xx took it, 410 wants nothing any more, and all else, redirects included, took nothing."""
    if 200 <= status <= 299:
        return Treatment.ACCEPTED
    if status == 410:
        return Treatment.GONE
    return Treatment.SLOW if status in SLOW else Treatment.FAILED


class WebhookStatus(StrEnum):
    """`failed` is sent again only when it is asked for, or when its endpoint, which took nothing meanwhile, is back."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookAnswer:
    """What an endpoint answered: `http_status` is 0 where nothing came; `said` the begin of it, or what went wrong."""

    at: datetime
    http_status: int
    millis: int
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDelivery:
    """One event for one endpoint, named by both. `created_at` is the event's, on the account's clock; all else is real time.

    `attempts` were made since it was last asked for; `again` says that it goes in order behind older ones. While it is
    being sent `leased_until` keeps other workers from it. The last five `answers` are kept, oldest first.
    """

    account: str
    id: str
    event: str
    endpoint: str
    type: str
    subject: str
    created_at: datetime
    expires_at: datetime
    send_at: datetime | None
    leased_until: datetime | None = None
    status: WebhookStatus = WebhookStatus.PENDING
    attempts: int = 0
    again: bool = False
    answers: tuple[WebhookAnswer, ...] = ()
    reason: str | None = None
    version: int = 0

    @property
    def wake(self) -> Wake | None:
        """Until it was accepted or given up; while it is being sent: when whoever sends it must have died."""
        at = self.leased_until or self.send_at
        return Wake(at, Topic.WEBHOOKS) if at else None

    def sending(self, real: datetime) -> "WebhookDelivery":
        """It is about to be sent: whoever finds it so waits, and sends it again if nothing came of it."""
        return replace(self, leased_until=real + LEASE, attempts=self.attempts + 1)

    def not_sent(self, until: datetime) -> "WebhookDelivery":
        """It was not sent after all: it is later, and no attempt was made."""
        attempts = self.attempts - 1 if self.leased_until else self.attempts
        return replace(self, leased_until=None, send_at=until, attempts=attempts, again=True)

    def answered(self, answer: WebhookAnswer) -> "WebhookDelivery":
        """The endpoint answered, or did not: it is done, waits for its next attempt, or has had its last."""
        answers = (*self.answers, answer)[-KEPT_ANSWERS:]
        said = replace(self, answers=answers, leased_until=None, send_at=None)
        if treatment(answer.http_status) is Treatment.ACCEPTED:
            return replace(said, status=WebhookStatus.SUCCEEDED, again=False)
        if self.attempts >= len(WAITS):
            return replace(said, status=WebhookStatus.FAILED)
        return replace(said, send_at=answer.at + self.next_wait, again=True)

    @property
    def next_wait(self) -> timedelta:
        """How long until the next attempt, a little more for each by chance, but the same chance for the same attempt."""
        chance = crc32(f"{self.id}/{self.attempts}".encode()) % 1000
        millis = WAITS[min(self.attempts, len(WAITS) - 1)] // timedelta(milliseconds=1)
        return timedelta(milliseconds=millis + millis * chance * JITTER_PERCENT // 100_000)

    def failed_since(self, at: datetime) -> bool:
        """Whether nothing is known against it but what its endpoint answered since a moment: it was never refused before."""
        return self.reason is None and all(one.at >= at for one in self.answers)

    def given_up(self, reason: str) -> "WebhookDelivery":
        """It is not sent, for a reason of ours."""
        return replace(self, status=WebhookStatus.FAILED, send_at=None, leased_until=None, reason=reason)

    def due(self, at: datetime, real: datetime, *, accepted_too: bool = False) -> "WebhookDelivery":
        """It is sent at a moment in place of later or never, in order. One that is being sent is left alone."""
        in_flight = self.leased_until is not None and real < self.leased_until
        if in_flight or (self.status is WebhookStatus.SUCCEEDED and not accepted_too):
            return self
        attempts = self.attempts if self.status is WebhookStatus.PENDING else 0
        return replace(
            self,
            status=WebhookStatus.PENDING,
            send_at=at,
            leased_until=None,
            attempts=attempts,
            again=True,
            reason=None,
            expires_at=real + KEPT_FOR,
        )


def name_of(event: str, endpoint: str) -> str:
    """The name of an event's delivery to an endpoint: however often the event comes, it is one."""
    return f"whd_{event.removeprefix('evt_')}_{endpoint}"


def named(delivery: str) -> tuple[str, str]:
    """The event and the endpoint of a delivery's name."""
    event, _, endpoint = delivery.removeprefix("whd_").rpartition("_we_")
    return f"evt_{event}", f"we_{endpoint}"
