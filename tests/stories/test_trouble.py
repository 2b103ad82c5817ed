"""What goes wrong around Perennial: outages, conflicts, throttles, broken records, races, odd webhooks."""

import json
import os
import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any

import pytest

from chalicelib.aws import AwsRefused
from chalicelib.billing.wake import Topic
from chalicelib.operations import agenda
from chalicelib.service import Service
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.store import Store
from sandbox.gateway import Context, sqs_event
from sandbox.world import QUEUES, World
from tests.conftest import new_world
from tests.stories.diary import Diary


def test_an_hour_without_stripe_parks_nothing_and_charges_everyone_afterwards(diary: Diary):
    """Nobody answers at Stripe from the billing hour on: the runs stop at once, and go on when it is back."""
    for who in ("ada", "bo", "eve"):
        diary.subscribes(who, "coffee-250g" if who != "eve" else "coffee-500g", on="2026-01-15")
    diary.world.stripe("POST", "outage", {"answer": "503"})
    diary.it_is("2026-01-15", hour=7)
    assert diary.taken() == 0
    diary.world.stripe("DELETE", "outage")
    diary.it_is("2026-01-15", hour=12)
    assert diary.taken() == 2 * 1250 + 1800
    assert diary.parked() == []
    assert all(diary.subscription(who)["status"] == "active" for who in ("ada", "bo", "eve"))
    diary.sound()


def test_stripe_that_cannot_be_reached_is_not_asked_by_the_whole_batch(diary: Diary):
    """Connections refused at Stripe trip a breaker: what was not sent is sent once it is back, under the same key."""
    port = int(diary.world.stripe_url.rsplit(":", 1)[1])
    for n in range(20):
        diary.subscribes(f"buyer{n}", "coffee-250g", on="2026-01-15")
    far = replace(diary.world.app.settings, stripe_api="http://127.0.0.1:9")
    assert port != 9
    asked: Counter[str] = Counter()
    diary.world.restart(lambda service: replace(service, gateway=_counted(far, asked)))
    diary.it_is("2026-01-15", hour=7)
    assert diary.taken() == 0
    assert asked["charge"] < 20 + 20, (
        "after the first batch one asks, at first after half a minute, then every five"
    )
    diary.world.restart()
    diary.it_is("2026-01-15", hour=9)
    assert diary.taken() == 20 * 1250
    assert diary.parked() == []
    diary.sound()


def _counted(settings: Any, asked: Counter[str]) -> Any:
    from chalicelib.wiring import stripe

    gateway = stripe(settings)

    class Counted:
        def __getattr__(self, name: str) -> Any:
            asked[name] += 1
            return getattr(gateway, name)

    return Counted()


def test_a_record_that_cannot_be_read_is_parked_and_its_neighbors_are_billed(diary: Diary):
    """Five times it is found broken, then it is set aside and shown; released after the mend, it is billed."""
    for who in ("ada", "bo", "cy"):
        diary.subscribes(who, "coffee-250g", on="2026-01-15")
    key = f"{diary.account}/subscription/{diary.subscriptions['bo']}"
    whole = _body(diary.world, key)
    _write(diary.world, key, whole.replace('"monthly"', '"moonly"'))
    diary.it_is("2026-01-15")
    for _ in range(5):
        diary.world.set_clock(diary.world.now + timedelta(minutes=16))
        diary.world.settle()
    assert diary.taken() == 2 * 1250
    assert diary.parked() == [diary.subscriptions["bo"]]
    _write(diary.world, key, whole)
    diary.post(f"/v1/parked/subscription/{diary.subscriptions['bo']}/release")
    diary.it_is("2026-01-16")
    assert diary.taken() == 3 * 1250
    assert diary.parked() == []


def _body(world: World, key: str) -> str:
    found = Dynamo(world.app.settings).dispatch(
        "GetItem", {"TableName": world.app.settings.table, "Key": {"key": {"S": key}}}
    )
    return str(found["Item"]["body"]["S"])


def _write(world: World, key: str, body: str) -> None:
    request = {
        "TableName": world.app.settings.table,
        "Key": {"key": {"S": key}},
        "UpdateExpression": "SET body = :body",
        "ExpressionAttributeValues": {":body": {"S": body}},
    }
    Dynamo(world.app.settings).dispatch("UpdateItem", request)


class Flaky:
    """A connection on which every third write meets a conflict or a throttle, as DynamoDB names them."""

    def __init__(self, inner: Any, seed: int) -> None:
        self._inner, self._chance, self.struck = inner, random.Random(seed), Counter[str]()
        self._troubles = cycle(["TransactionConflict", "Throttled", "ThrottlingError"])

    def dispatch(self, operation: str, request: dict[str, Any]) -> Any:
        if operation in ("TransactWriteItems", "PutItem") and self._chance.random() < 0.4:
            trouble = next(self._troubles)
            self.struck[trouble] += 1
            raise self._error(operation, request, trouble)
        return self._inner.dispatch(operation, request)

    def _error(self, operation: str, request: dict[str, Any], trouble: str) -> AwsRefused:
        if operation == "PutItem" or trouble == "Throttled":
            return AwsRefused(400, "ThrottlingException", "slow down")
        reasons = (trouble, *[None] * (len(request["TransactItems"]) - 1))
        return AwsRefused(400, "TransactionCanceledException", trouble, reasons)


def test_conflicts_and_throttles_are_nobodys_fault(diary: Diary):
    """A third of all writes is refused as busy: all is billed all the same, once, and nothing is parked."""
    for who in ("ada", "bo", "cy", "dee"):
        diary.subscribes(who, "coffee-250g", on="2026-01-15")
    flaky: list[Flaky] = []

    def troubled(service: Service) -> Service:
        settings = service.settings
        flaky.append(Flaky(Dynamo(settings), seed=7))
        connection: Any = flaky[-1]
        return replace(service, store=Store(connection, settings.table, settings.wake_shards))

    diary.world.restart(troubled)
    diary.it_is("2026-01-16")
    diary.world.restart()
    assert set(flaky[0].struck) == {"TransactionConflict", "ThrottlingError", "Throttled"}
    assert diary.taken() == 4 * 1250
    assert diary.parked() == []
    diary.sound()


@pytest.mark.parametrize("seed", range(3))
def test_two_workers_at_the_same_work_do_it_once(
    real_aws: dict[str, str], stripe: Any, tmp_path: Any, seed: int
):
    """Every message is worked by three threads at once, each a worker of its own: charges, numbers and letters are as with one."""
    with new_world(real_aws, stripe, tmp_path, twice=False) as world:
        diary = Diary(world)
        for n in range(8):
            diary.subscribes(f"buyer{n}", "coffee-250g")
        diary.saves_a_card("bo")
        diary.card("bo", "insufficient_funds")
        diary.subscribes("bo", "coffee-250g")
        _raced(world, rounds=12)
        diary.it_is("2026-01-03")
        assert diary.taken() == 9 * 1250
        assert all(diary.letters(f"buyer{n}") == ["receipt"] for n in range(8))
        assert diary.parked() == []
        diary.sound()


def _raced(world: World, rounds: int) -> None:
    """Hand every waiting message to three workers at the same moment."""
    gate = threading.Barrier(3)

    def work(function: str, event: dict[str, Any]) -> None:
        gate.wait()
        getattr(world.app, function)(event, Context())

    with ThreadPoolExecutor(3) as pool:
        for _ in range(rounds):
            for queue, function, size in QUEUES.values():
                if messages := world.batch(queue, size):
                    event = sqs_event(messages, queue)
                    list(pool.map(lambda _, f=function, e=event: work(f, e), range(3)))
                    world.delete(queue, messages)


def test_a_backlog_is_enqueued_once(diary: Diary):
    """A second sweep over what is waiting in the queue sends nothing; a lost message is found after 15 minutes."""
    world, service = diary.world, diary.world.service()
    for n in range(5):
        diary.subscribes(f"buyer{n}", "coffee-250g", on="2026-01-15")
    world.set_clock(datetime(2026, 1, 15, 12, tzinfo=UTC))
    assert [agenda.sweep(service, Topic.BILLING) for _ in range(4)] == [5, 0, 0, 0]
    world.set_clock(world.now + timedelta(minutes=15))
    assert agenda.sweep(service, Topic.BILLING) == 5
    world.settle()
    assert diary.taken() == 5 * 1250


@pytest.mark.parametrize("order", ["reverse", "shuffle"])
def test_webhooks_in_any_order_and_number_change_nothing(diary: Diary, order: str):
    """Stripe's events come late, out of order and three times: what is known stays, and nothing is done twice."""
    diary.saves_a_card("bo")
    diary.card("bo", "insufficient_funds", "insufficient_funds")
    diary.subscribes("bo", "coffee-250g")
    world = diary.world
    world.webhooks = lambda *_, **__: None  # type: ignore[method-assign]
    diary.it_is("2026-01-05")
    before = (diary.invoices("bo"), diary.payments("bo"), diary.letters("bo"))
    del world.webhooks
    for seed in range(3):
        World.webhooks(world, order=order, times=3, seed=seed)
        world.settle()
    assert (diary.invoices("bo"), diary.payments("bo"), diary.letters("bo")) == before
    assert [status for status, _ in diary.payments("bo")] == ["declined", "declined", "succeeded"]
    diary.sound()


def test_a_webhook_tells_of_a_lost_answer_before_anyone_asks(diary: Diary):
    """The answer to a charge was lost: Stripe's own event settles it, without waiting for the reconciliation."""
    diary.saves_a_card("dee")
    diary.stripe_fails("dee", "connection_reset_after")
    diary.subscribes("dee", "coffee-250g")
    world = diary.world
    world.drain()
    assert diary.payments("dee") == [("held", 1250)]
    world.webhooks()
    while world.drain():
        pass
    assert diary.payments("dee") == [("succeeded", 1250)]


def test_what_stripe_never_heard_of_is_closed_and_asked_anew(diary: Diary):
    """No trace at Stripe and the key too old to be trusted: the payment is closed as never arrived, and another opens."""
    diary.saves_a_card("dee")
    diary.world.stripe(
        "POST", "faults", {"match": {"path": "/v1/payment_intents"}, "fault": "500_before", "times": 400}
    )
    diary.subscribes("dee", "coffee-250g")
    diary.world.drain()
    assert diary.payments("dee") == [("held", 1250)]
    diary.world.set_clock(diary.world.now + timedelta(hours=21))
    diary.world.stripe("DELETE", "faults")
    diary.world.settle()
    assert diary.payments("dee") == [("canceled", 1250), ("succeeded", 1250)]
    assert diary.taken() == 1250
    diary.sound()


def test_an_account_with_a_clock_is_moved_by_the_api(diary: Diary):
    """A test account made with a clock stands still until it is advanced; then all its months happen, in order."""
    made = diary.post(
        "/v1/accounts",
        name="Rehearsal",
        email="rehearsal@perennial.example",
        currency="usd",
        zone="Europe/Paris",
        test_clock={"now_at": "2030-01-31T12:00:00Z"},
    )
    other = Diary.__new__(Diary)
    other.world, other.contacts, other.methods, other.subscriptions = diary.world, {}, {}, {}
    other.account, other.key = made["id"], _secret(made)
    other.subscribes("ada", "coffee-1kg")
    diary.world.settle()
    other.post("/v1/test_clock/advance", to="2030-05-01T12:00:00Z")
    diary.world.settle()
    assert [row[0] for row in other.invoices("ada")] == [
        "2030-01-31",
        "2030-02-28",
        "2030-03-31",
        "2030-04-30",
    ]
    assert {row[1:] for row in other.invoices("ada")} == {("paid", 1)}
    assert other.get("/v1/test_clock")["now_at"].startswith("2030-05-01T12:00:00")
    issued = [row["issued_at"][:10] for row in other.every("/v1/invoices")]
    assert sorted(issued) == ["2030-01-31", "2030-02-28", "2030-03-31", "2030-04-30"]


def _secret(made: dict[str, Any]) -> str:
    text = json.dumps(made)
    return text[text.index("prn_test_") :].split('"')[0]


def test_the_environment_of_a_live_key_refuses_a_moved_clock():
    """A rehearsal's clock beside a live key would bill real money for days that have not come."""
    from chalicelib import wiring
    from chalicelib.settings import Misconfigured, read
    from sandbox.world import environment

    env = environment(
        {}, "http://127.0.0.1:9", None, PERENNIAL_CLOCK_FILE=os.devnull, STRIPE_API_KEY="sk_live_x"
    )
    with pytest.raises(Misconfigured):
        wiring.clock(read(env))
