"""Everything an operation may reach."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from chalicelib.billing.gateway import Gateway
from chalicelib.billing.wake import Topic
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


class Breaker:
    """Remembers for this process that the gateway is not there, so that a batch stops asking."""

    def __init__(self, pause: timedelta = timedelta(seconds=30)) -> None:
        self._pause = pause
        self._until: datetime | None = None

    def trip(self, now: datetime) -> None:
        """The gateway did not take a request (real time)."""
        self._until = now + self._pause

    def tripped(self, now: datetime) -> bool:
        """Whether it is too early to ask again."""
        return self._until is not None and now < self._until


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """`real` is the time leases, links and retries of webhooks run on; an account's own time is `account.now(real)`."""

    settings: Settings
    store: Store
    gateway: Gateway
    mailer: Mailer
    queue: Queue
    real: Callable[[], datetime]
    new_id: Callable[[str], str]
    breaker: Breaker = field(default_factory=Breaker)
    tax_breaker: Breaker = field(default_factory=Breaker)

    def naming(self, new_id: Callable[[str], str]) -> "Service":
        """The same service, giving other ids: a repeated request creates what it created before."""
        return replace(self, new_id=new_id)
