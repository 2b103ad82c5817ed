"""Everything an operation may reach."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from chalicelib.billing.gateway import Gateway
from chalicelib.billing.wake import Topic
from chalicelib.crm.files import Files
from chalicelib.crm.hooks import Hooks
from chalicelib.crm.mail import Mailer
from chalicelib.settings import Settings
from chalicelib.store.store import Store


class Queue(Protocol):
    """Takes names of records to a worker."""

    def send_many(self, batches: list[tuple[Topic, str, list[str]]]) -> None:
        """Send names, each batch of one account: 25 to a message, ten messages to a request."""

    def receive(self, event: str) -> None:
        """Take what Stripe's webhook told to the worker that keeps it."""

    def empty(self, topic: Topic) -> bool:
        """Whether nothing is waiting or being worked in the topic's queue, as far as SQS knows."""


PAUSES = tuple(timedelta(seconds=s) for s in (30, 60, 120, 300))
MOST_UNSURE = 5


class Breaker:
    """Remembers for this process that the gateway is not there, so that a batch stops asking; each time in a row it waits longer."""

    def __init__(self, pauses: tuple[timedelta, ...] = PAUSES) -> None:
        self._pauses = pauses
        self._until: datetime | None = None
        self._trips = 0
        self._unsure = 0

    def trip(self, now: datetime, pause: timedelta | None = None) -> bool:
        """The gateway did not take a request (real time), `pause` is the one it asked for; whether that is news."""
        if self.tripped(now):
            return False
        pause = pause or self._pauses[min(self._trips, len(self._pauses) - 1)]
        self._trips += 1
        self._until = now + pause
        return True

    def unsure(self, now: datetime) -> None:
        """An answer came that cannot be trusted, or none: several in a row are as if nobody was there (real time)."""
        self._unsure += 1
        if self._unsure >= MOST_UNSURE:
            self.trip(now)

    def answered(self) -> None:
        """The gateway is there."""
        self._trips = self._unsure = 0

    @property
    def doubtful(self) -> bool:
        """Whether nobody has found the gateway there since it was away."""
        return self._trips > 0

    def tripped(self, now: datetime) -> bool:
        """Whether it is too early to ask again."""
        return self._until is not None and now < self._until

    def left(self, now: datetime) -> timedelta:
        """How long it is too early."""
        return max(timedelta(0), self._until - now) if self._until else timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """`real` is the time leases, links and retries of webhooks run on; an account's own time is `account.now(real)`."""

    settings: Settings
    store: Store
    gateway: Gateway
    mailer: Mailer
    files: Files
    hooks: Hooks
    queue: Queue
    real: Callable[[], datetime]
    new_id: Callable[[str], str]
    breaker: Breaker = field(default_factory=Breaker)
    tax_breaker: Breaker = field(default_factory=Breaker)

    def naming(self, new_id: Callable[[str], str]) -> "Service":
        """The same service, giving other ids: a repeated request creates what it created before."""
        return replace(self, new_id=new_id)
