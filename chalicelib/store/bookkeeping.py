"""The records the machinery keeps for itself: names taken, answers given, how far a sweep has come."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """A name that may be taken once; it stands for the record that took it."""

    account: str
    id: str
    target: str
    version: int = 0

    wake = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The first answer to a request with an idempotency key; `status` is 0 while it is being worked on.

    `seed` makes the ids of what the request creates, so that a repetition after a crash creates the same.
    All moments are real time.
    """

    account: str
    id: str
    fingerprint: str
    seed: str
    created_at: datetime
    leased_until: datetime
    expires_at: datetime
    status: int = 0
    body: str = ""
    version: int = 0

    wake = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """How far the sweep of a topic has come: per shard the last stamp and key enqueued (real time)."""

    account: str
    id: str
    started_at: datetime
    reached: dict[str, tuple[str, str]] = field(default_factory=dict)
    version: int = 0

    wake = None
