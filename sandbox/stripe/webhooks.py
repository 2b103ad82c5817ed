"""Signed webhooks: each endpoint hears of its events from a thread of its own, again later when it fails.

https://docs.stripe.com/webhooks: `Stripe-Signature: t=…,v1=…` is an HMAC over the time and the raw body; events come
at least once and in no particular order, so a test may hold them and deliver them late, twice or shuffled.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import queue
import random
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from sandbox.stripe import ids
from sandbox.stripe.clock import Clock
from sandbox.stripe.errors import invalid
from sandbox.stripe.replies import dumped
from sandbox.stripe.shelves import Thing
from sandbox.stripe.state import PLATFORM

RETRIED_AFTER = (5, 60, 3_600, 3 * 3_600, 12 * 3_600, 24 * 3_600, 24 * 3_600)
"""Seconds of the server's clock between attempts: three days in all, as in live mode."""
PATIENCE = 20.0


@dataclass(slots=True, eq=False)
class Delivery:
    account: str
    event: Thing
    attempts: int = 0
    retry_at: int | None = None


@dataclass(slots=True, kw_only=True)
class Endpoint:
    id: str
    url: str
    secret: str
    enabled_events: list[str]
    mode: str = "auto"
    connect: bool | None = None
    """None: events of every account; False: of the platform; True: of connected accounts."""
    held: list[Delivery] = field(default_factory=list)
    sending: deque[Delivery] = field(default_factory=deque)
    """On auto: queued or under way, oldest first."""

    def hears(self, account: str, type_: str) -> bool:
        whose = self.connect is None or self.connect == (account != PLATFORM)
        return whose and any(pattern in ("*", type_) for pattern in self.enabled_events)


def endpoint(given: dict[str, Any]) -> Endpoint:
    for needed in ("url", "secret"):
        if not given.get(needed):
            raise invalid(f"Missing required param: {needed}.", code="parameter_missing", param=needed)
    mode = given.get("mode", "auto")
    if mode not in ("auto", "hold"):
        raise invalid("Invalid mode: must be one of auto, hold", param="mode")
    return Endpoint(
        id=given.get("id") or ids.new("we"),
        url=given["url"],
        secret=given["secret"],
        enabled_events=list(given.get("enabled_events") or ["*"]),
        mode=mode,
        connect=given.get("connect"),
    )


def signature(secret: str, body: bytes, at: int) -> str:
    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256)
    return f"t={at},v1={mac.hexdigest()}"


class Sender:
    """Posts to one endpoint over one connection that it keeps."""

    def __init__(self, endpoint_: Endpoint, clock: Clock) -> None:
        self._endpoint = endpoint_
        self._clock = clock
        self._connection: http.client.HTTPConnection | None = None

    def post(self, event: Thing) -> bool:
        """Whether the endpoint took it."""
        body = dumped(event)
        for _ in range(2):
            fresh = self._connection is None
            try:
                return self._post(body)
            except (OSError, http.client.HTTPException):
                self.close()
                if fresh:
                    return False
        return False

    def _post(self, body: bytes) -> bool:
        connection = self._connection or self._connect()
        parts = urlsplit(self._endpoint.url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "Stripe-Signature": signature(self._endpoint.secret, body, self._clock.now()),
        }
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        response.read()
        return 200 <= response.status < 300

    def _connect(self) -> http.client.HTTPConnection:
        parts = urlsplit(self._endpoint.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.netloc, timeout=PATIENCE)
        return self._connection

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Webhooks:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._queues: dict[str, queue.SimpleQueue[Delivery | None]] = {}
        self.endpoints: dict[str, Endpoint] = {}

    def add(self, added: Endpoint) -> None:
        self.remove(added.id)
        self.endpoints[added.id] = added
        waiting: queue.SimpleQueue[Delivery | None] = queue.SimpleQueue()
        self._queues[added.id] = waiting
        threading.Thread(
            target=self._run, args=(added, waiting), daemon=True, name=f"webhooks {added.url}"
        ).start()

    def remove(self, name: str) -> None:
        self.endpoints.pop(name, None)
        waiting = self._queues.pop(name, None)
        if waiting is not None:
            waiting.put(None)

    def clear(self) -> None:
        for name in list(self.endpoints):
            self.remove(name)

    def tell(self, account: str, event: Thing) -> None:
        hearing = [
            endpoint_ for endpoint_ in self.endpoints.values() if endpoint_.hears(account, event["type"])
        ]
        event["pending_webhooks"] = len(hearing)
        for endpoint_ in hearing:
            delivery = Delivery(account, event)
            if endpoint_.mode == "hold":
                with self._lock:
                    endpoint_.held.append(delivery)
            else:
                self._enqueue(endpoint_, delivery)

    def retry_due(self) -> None:
        """Send again what failed, once its moment has come."""
        now = self._clock.now()
        for endpoint_ in list(self.endpoints.values()):
            with self._lock:
                due = [
                    delivery
                    for delivery in endpoint_.held
                    if delivery.retry_at is not None and delivery.retry_at <= now
                ]
                endpoint_.held = [delivery for delivery in endpoint_.held if delivery not in due]
            for delivery in due:
                self._enqueue(endpoint_, delivery)

    def deliver(self, order: str, seed: int | None, times: int, only: str | None = None) -> dict[str, int]:
        """Deliver what is held and what failed, now; on the calling thread."""
        counts = {"events": 0, "delivered": 0, "failed": 0}
        for endpoint_ in [each for each in self.endpoints.values() if only in (None, each.id)]:
            self._await_idle(endpoint_)
            with self._lock:
                taken, endpoint_.held = endpoint_.held, []
            counts["events"] += len(taken)
            self._deliver(endpoint_, arranged(taken * times, order, seed), counts)
        return counts

    def _deliver(self, endpoint_: Endpoint, deliveries: list[Delivery], counts: dict[str, int]) -> None:
        sender = Sender(endpoint_, self._clock)
        for delivery in deliveries:
            taken = sender.post(delivery.event)
            counts["delivered" if taken else "failed"] += 1
            if not taken:
                self._put_back(endpoint_, delivery)
        sender.close()

    def kept(self) -> list[dict[str, Any]]:
        """What a restart must find again."""
        return [
            {
                "id": each.id, "url": each.url, "secret": each.secret, "enabled_events": each.enabled_events,
                "mode": each.mode, "connect": each.connect,
                "held": [(held.account, held.event["id"], held.attempts, held.retry_at) for held in list(each.held)]
                + [(sent.account, sent.event["id"], sent.attempts, 0) for sent in list(each.sending)],
            }
            for each in self.endpoints.values()
        ]  # fmt: skip

    def _await_idle(self, endpoint_: Endpoint) -> None:
        until = time.monotonic() + PATIENCE
        while endpoint_.sending and time.monotonic() < until:
            time.sleep(0.002)

    def _enqueue(self, endpoint_: Endpoint, delivery: Delivery) -> None:
        with self._lock:
            endpoint_.sending.append(delivery)
        self._queues[endpoint_.id].put(delivery)

    def _run(self, endpoint_: Endpoint, waiting: queue.SimpleQueue[Delivery | None]) -> None:
        sender = Sender(endpoint_, self._clock)
        while (delivery := waiting.get()) is not None:
            if not sender.post(delivery.event):
                self._put_back(endpoint_, delivery)
            with self._lock:
                endpoint_.sending.popleft()
        sender.close()

    def _put_back(self, endpoint_: Endpoint, delivery: Delivery) -> None:
        with self._lock:
            delivery.attempts += 1
            late = delivery.attempts > len(RETRIED_AFTER) or endpoint_.mode == "hold"
            delivery.retry_at = None if late else self._clock.now() + RETRIED_AFTER[delivery.attempts - 1]
            if delivery not in endpoint_.held:
                endpoint_.held.append(delivery)


def arranged(deliveries: list[Delivery], order: str, seed: int | None) -> list[Delivery]:
    if order == "reverse":
        return deliveries[::-1]
    if order == "shuffle":
        return random.Random(seed).sample(deliveries, len(deliveries))
    return deliveries
