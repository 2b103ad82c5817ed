"""The HTTP room alone: its routes on a Chalice app, woken by the events API Gateway sends, over moto and a local Stripe."""

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from chalice import Chalice

from chalicelib import wiring
from chalicelib.billing.wake import Topic
from chalicelib.crm.accounts import Account
from chalicelib.operations import create
from chalicelib.service import Service
from chalicelib.settings import read
from chalicelib.store import table
from chalicelib.store.store import Store
from chalicelib.web import routes
from sandbox.gateway import Gateway
from sandbox.stripe.server import StripeServer
from sandbox.world import environment
from tests.moto import Moto

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
JANUARY = datetime(2026, 1, 15, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Told:
    """An answer: `body` is its JSON."""

    status: int
    body: Any
    headers: dict[str, str]
    text: str

    def __getitem__(self, name: str) -> Any:
        return self.body[name]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Queues nobody works: names of records, and what Stripe told."""

    names: list[str] = field(default_factory=list)
    events: list[Any] = field(default_factory=list)

    def send(self, topic: Topic, account: str, names: list[str]) -> None:
        self.names.extend(names)

    def send_many(self, batches: list[tuple[Topic, str, list[str]]]) -> None:
        for topic, account, names in batches:
            self.send(topic, account, names)

    def receive(self, event: str) -> None:
        self.events.append(json.loads(event))

    def empty(self, topic: Topic) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class Shelf:
    """Files of this process, each written once; moto does not hear the adapter's own HTTP."""

    kept: dict[str, bytes] = field(default_factory=dict)

    def keep(self, name: str, data: bytes, media_type: str) -> bytes:
        return self.kept.setdefault(name, data)

    def read(self, name: str) -> bytes | None:
        return self.kept.get(name)


class Writes(Moto):
    """A connection that counts the writes it made; a condition that did not hold is none."""

    count = 0

    def dispatch(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        answer = super().dispatch(operation, request)
        self.count += operation not in ("GetItem", "BatchGetItem", "TransactGetItems", "Query", "Scan")
        return answer


@dataclass
class Api:
    """A deployment of the HTTP room with one account; `now` is the real time it believes in."""

    service: Service
    writes: Writes
    account: Account = field(init=False)
    key: str = field(init=False)
    queue: Waiting = field(init=False)
    now: datetime = NOW

    def __post_init__(self) -> None:
        self.queue = Waiting()
        self.service = replace(self.service, real=lambda: self.now, queue=self.queue, files=Shelf())
        app = Chalice("web", configure_logs=False)
        routes.mount(app, lambda: self.service)
        self._dynamodb = boto3.client("dynamodb")
        self._gateway = Gateway(app, list(app.routes))
        self.account, self.key = self.open("Roaster")

    def open(self, name: str, clock_at: datetime | None = None) -> tuple[Account, str]:
        """A further account and its key."""
        business = create.account(
            self.service,
            name=name,
            email="owner@example.com",
            currency="usd",
            zone="UTC",
            livemode=False,
            clock_at=clock_at,
        )
        return business, create.api_key(self.service, business, "first")[1]

    def send(self, method: str, path: str, body: bytes = b"", key: str | None = None, **headers: str) -> Told:
        """A request as bytes; header names are written with underscores."""
        sent = {"Content-Type": "application/json"} if body else {}
        if key is None or key:
            sent["Authorization"] = f"Bearer {key or self.key}"
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        status, answered, content = self._gateway.answer(method, path, sent, body)
        if answered["Content-Type"] not in ("application/json", "application/problem+json"):
            text = content.decode(errors="replace")
            return Told(status, content if "\ufffd" in text else text, answered, text)
        return Told(status, json.loads(content), answered, content.decode())

    def sells(self, key: str | None = None, **more: Any) -> Any:
        """A subscription, with the contact, card and product it takes; returns its JSON."""
        contact = self.post("/v1/contacts", {"name": "Ada", "email": "ada@example.com"}, key=key)["id"]
        card = {"contact": contact, "payment_method": more.pop("card", "pm_card_visa")}
        method = self.post("/v1/payment_methods", card, key=key)["id"]
        product = {"name": "Coffee", "unit_amount": 2500, "frequency": "monthly"}
        line = {"product": self.post("/v1/products", product, key=key)["id"]}
        body = {"contact": contact, "payment_method": method, "lines": [line], **more}
        told = self.post("/v1/subscriptions", body, key=key)
        assert told.status == 201, told.text
        return told.body

    def get(self, path: str, **more: Any) -> Told:
        return self.send("GET", path, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> Told:
        return self.send("POST", path, json.dumps(body).encode() if body is not None else b"", **more)

    def written(self) -> list[Any]:
        """Everything in the table, to see that nothing was added or changed."""
        items = self._dynamodb.scan(TableName="perennial")["Items"]
        return sorted(items, key=lambda item: item["key"]["S"])

    def marks(self) -> int:
        """How often anything was written to the table so far: the same after what wrote nothing."""
        return self.writes.count

    def wait(self, **duration: int) -> None:
        self.now += timedelta(**duration)


@pytest.fixture
def api(quick_aws: dict[str, str], stripe: StripeServer) -> Api:
    """A deployment with one account, whose Stripe answers."""
    return deployed(quick_aws, stripe)


def deployed(aws: dict[str, str], stripe: StripeServer) -> Api:
    settings = read(environment(aws, stripe.url, None))
    table.create(settings)
    writes = Writes(settings)
    store = Store(writes, settings.table, settings.wake_shards)
    return Api(replace(wiring.wired(settings), store=store), writes)
