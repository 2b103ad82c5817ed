"""What a renewal costs: requests, units, calls and CPU of all that it causes, by step."""

import argparse
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from chalicelib import wiring
from chalicelib.billing.discounts import Discount, UnitDiscount
from chalicelib.billing.issuing import invoice_of
from chalicelib.billing.lines import Line
from chalicelib.billing.orders import Start, Wish
from chalicelib.billing.periods import Frequency
from chalicelib.billing.pricing import Model, Tier
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.tax import Tax
from chalicelib.crm.accounts import Account
from chalicelib.operations import attach, buyers, create, subscribe
from chalicelib.operations.order import Order
from chalicelib.service import Service
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.store import Store
from sandbox.aws import Aws
from sandbox.gateway import Context, sqs_event, tick_event
from sandbox.world import QUEUES, SCHEDULES, World, environment

STARTED = datetime(2026, 1, 30, 12, tzinfo=UTC)
FIRST_DUE = datetime(2026, 1, 31, 12, tzinfo=UTC)
DUE = datetime(2026, 2, 28, 12, tzinfo=UTC)
STEPS = {
    "subscription": "billing",
    "invoice": "charging",
    "event": "fan-out",
    "delivery": "receipts",
    "payment": "reconciliation",
    "stripe_event": "inbox",
}
MOST_ROUNDS = 100
TIERS = (
    Tier(up_to=Decimal(10), unit_amount=Decimal(1250)),
    Tier(up_to=Decimal(50), unit_amount=Decimal("999.5")),
    Tier(unit_amount=Decimal("799.25"), flat_amount=Decimal(500)),
)
LINES = (("Single origin – 250 g", "1250"), ("Filter papers", "399.5"), ("Delivery", "490"))
PEERS = """Peers on the same work, CPU-seconds per 1,000 renewals (measured elsewhere): django-silver and bxb 45–49;
a plain pynamodb + stripe-python loop 8.6; a bare floor without them 0.3–0.5."""


@dataclass
class Cost:
    """What one step has cost so far."""

    cpu: float = 0.0
    seconds: float = 0.0
    dynamodb: Counter[str] = field(default_factory=Counter)
    write_units: float = 0.0
    read_units: float = 0.0
    sqs: Counter[str] = field(default_factory=Counter)


class Meter:
    """Attributes every request and CPU millisecond to the step at work."""

    def __init__(self) -> None:
        self.steps: dict[str, Cost] = {}
        self.sizes: dict[tuple[str, str], list[int]] = {}
        self.step: str | None = None

    @contextmanager
    def during(self, step: str) -> Iterator[None]:
        """Measure a Lambda invocation: the CPU of all this process's threads."""
        self.step, cost = step, self.steps.setdefault(step, Cost())
        cpu, began = time.process_time(), time.perf_counter()
        try:
            yield
        finally:
            cost.cpu += time.process_time() - cpu
            cost.seconds += time.perf_counter() - began
            self.step = None

    def items(self, request: dict[str, Any]) -> None:
        """Note the size of every item written, as DynamoDB counts it: names and values in UTF-8."""
        if self.step is None:
            return
        entries = request.get("TransactItems") or [{"Put": request}]
        puts = [entry["Put"] for entry in entries if "Put" in entry]
        for put in puts:
            item = put["Item"]
            size = sum(len(name) + len(str(*value.values()).encode()) for name, value in item.items())
            self.sizes.setdefault((self.step, item["kind"]["S"]), []).append(size)

    def dynamodb(self, operation: str, answer: dict[str, Any]) -> None:
        """Count a request and the units it consumed, as the engine says."""
        if self.step is None:
            return
        cost = self.steps[self.step]
        cost.dynamodb[operation] += 1
        consumed = answer.get("ConsumedCapacity") or []
        units = sum(
            float(part.get("CapacityUnits") or 0)
            for part in (consumed if isinstance(consumed, list) else [consumed])
        )
        if operation in ("BatchGetItem", "Query", "GetItem"):
            cost.read_units += units
        else:
            cost.write_units += units


class Counted:
    """A connection to DynamoDB that tells the meter."""

    def __init__(self, inner: Any, meter: Meter) -> None:
        self._dispatch, self._meter = inner.dispatch, meter

    def dispatch(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        if operation in ("TransactWriteItems", "PutItem"):
            self._meter.items(request)
        answer: dict[str, Any] = self._dispatch(operation, request)
        self._meter.dynamodb(operation, answer)
        return answer


def main(arguments: list[str]) -> int:
    """`./dev bench [N] [--latency MS] [--json]`."""
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument(
        "count", nargs="?", type=int, default=1000, help="due subscriptions, over ten accounts"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--latency",
        type=int,
        metavar="MS",
        help="measure charges a second of one worker instead, Stripe taking MS each",
    )
    parser.add_argument("--audit", action="store_true", help="measure an audit of one account instead")
    parser.add_argument("--profile", metavar="FILE", help="write a cProfile of the renewals")
    asked = parser.parse_args(arguments)
    logging.disable(logging.WARNING)
    if asked.latency is not None:
        from sandbox import bench_pace

        return bench_pace.main(asked.count, asked.latency, as_json=asked.json)
    if asked.audit:
        from sandbox import bench_audit

        return bench_audit.main(asked.count, as_json=asked.json)
    meter = Meter()
    with tempfile.TemporaryDirectory() as folder, Aws() as aws, local_stripe() as stripe:
        clock = Path(folder) / "clock"
        clock.write_text(STARTED.isoformat())
        env = environment(aws.environment(), stripe, clock)
        with World(env, stripe) as world:
            result = _measured(world, meter, asked)
    print(json.dumps(result)) if asked.json else _show(meter, asked.count, result)
    return 0


def _measured(world: World, meter: Meter, asked: argparse.Namespace) -> dict[str, Any]:
    def say(text: str) -> None:
        print(text, file=sys.stderr if asked.json else sys.stdout, flush=True)

    world.set_clock(STARTED)
    world.connect_stripe("hold")
    say(f"Selling {asked.count} subscriptions of three lines, over ten accounts …")
    account = sell(world, asked.count, say)
    say("Billing their first month, uncounted: the process is warm then, and a first month is no renewal …")
    world.set_clock(FIRST_DUE)
    world.settle()
    before = stripe_calls(world)
    say("Their day comes again …")
    seconds = _renew(world, meter, asked.profile)
    world.gateway.use(world.app.app)
    calls = stripe_calls(world) - before
    charged = world.stripe("GET", "summary")["charges"]["succeeded"]
    if charged != 2 * asked.count:
        raise SystemExit(
            f"{charged} charges for {2 * asked.count} invoices: nothing here is worth measuring."
        )
    return {
        "renewal": _per_renewal(meter, asked.count, seconds, calls),
        "invoice_us": _invoice_us(world.service(), account),
        "api_read_us": _api_read_us(world, account),
        "first_event": _first_event(world.env),
    }


@contextmanager
def local_stripe() -> Iterator[str]:
    """The local Stripe in a process of its own."""
    command = [sys.executable, "-m", "sandbox.stripe", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield (process.stdout.readline() if process.stdout else "").split()[-1]
    finally:
        process.terminate()
        process.wait(10)


def stripe_calls(world: World) -> int:
    """How many requests Stripe has had."""
    return sum(world.stripe("GET", "summary")["requests"].values())


def sell(world: World, count: int, say: Callable[[str], None], accounts: int = 10) -> str:
    """Subscriptions of three lines; the last account's id."""
    service, account = world.service(), ""
    for n in range(accounts):
        account = create.account(
            service,
            name=f"Roaster {n}",
            email=f"roaster{n}@perennial.example",
            currency="usd",
            zone="America/New_York",
            livemode=False,
            reminder_days=None,
        ).id
        for m in range(count // accounts + (n < count % accounts)):
            buyer = buyers.contact(service, account, {"name": f"Buyer {m}", "email": f"buyer{m}@example.com"})
            method = attach.payment_method(service, account, buyer.id, "pm_card_visa")
            lines = [Wish(line=Line(id="", name=name, unit_amount=Decimal(price))) for name, price in LINES]
            order = Order(
                contact=buyer.id,
                payment_method=method.id,
                lines=lines,
                frequency=Frequency.MONTHLY,
                start=Start(on=FIRST_DUE.date()),
            )
            subscribe.contact(service, account, order)
        say(f"  account {n + 1} of {accounts}")
    return account


def _renew(world: World, meter: Meter, profile: str | None) -> float:
    """All that a day of renewals causes, until nothing moves; returns the wall-clock seconds."""
    world.set_clock(DUE)
    wiring.use(counted(world.service(), world, meter))
    profiler = None
    if profile:
        import cProfile

        profiler = cProfile.Profile()
        profiler.enable()
    began = time.perf_counter()
    _pump(world, meter)
    seconds = time.perf_counter() - began
    if profiler:
        profiler.disable()
        profiler.dump_stats(profile)
    return seconds


def counted(service: Service, world: World, meter: Meter) -> Service:
    """The service, telling a meter of its requests."""
    settings = world.app.settings
    connection: Any = Counted(Dynamo(settings), meter)
    queue: Any = service.queue
    sends = queue._sqs.call_again  # noqa: SLF001 - the meter looks inside

    def counted(path: str, body: Any, target: str | None = None) -> dict[str, Any]:
        if meter.step:
            meter.steps[meter.step].sqs[str(target)] += 1
        answer: dict[str, Any] = sends(path, body, target)
        return answer

    queue._sqs.call_again = counted  # noqa: SLF001
    return replace(service, store=Store(connection, settings.table, settings.wake_shards))


def _pump(world: World, meter: Meter) -> None:
    for name in SCHEDULES:
        with meter.during("sweep"):
            getattr(world.app, name)(tick_event(name), Context())
    for _ in range(MOST_ROUNDS):
        if not _empty_queues(world, meter) and not _hear_webhooks(world, meter):
            return
    raise SystemExit(
        "The queues or Stripe's webhooks never come to rest: does the webhook's route answer 200?"
    )


def _empty_queues(world: World, meter: Meter) -> int:
    handled = 0
    for queue, function, size in QUEUES.values():
        while messages := world.batch(queue, size):
            by_step: dict[str, list[dict[str, Any]]] = {}
            for message in messages:
                by_step.setdefault(step_of(message), []).append(message)
            for step, part in by_step.items():
                with meter.during(step):
                    getattr(world.app, function)(sqs_event(part, queue), Context())
                polls = -(-len(part) // 10)
                meter.steps[step].sqs.update({"ReceiveMessage": polls, "DeleteMessageBatch": polls})
            world.delete(queue, messages)
            handled += len(messages)
    return handled


def step_of(message: dict[str, Any]) -> str:
    """What a message of a queue is part of."""
    names = json.loads(message["Body"]).get("names")
    return STEPS[names[0].split("/")[1]] if names else "inbox"


def _hear_webhooks(world: World, meter: Meter) -> int:
    """Stripe's webhooks, through the API's Lambda handler on the gateway's threads; the CPU is those threads'."""
    waiting = world.stripe("GET", "webhooks/pending")
    count = waiting if isinstance(waiting, int) else waiting.get("count", len(waiting.get("data", [])))
    if not count:
        return 0
    cost = meter.steps.setdefault("webhooks", Cost())
    handler = world.app.app
    meter.step = "webhooks"

    def metered(event: dict[str, Any], context: Any) -> dict[str, Any]:
        began = time.thread_time()
        try:
            answer: dict[str, Any] = handler(event, context)
            return answer
        finally:
            cost.cpu += time.thread_time() - began

    world.gateway.use(metered)
    began = time.perf_counter()
    world.webhooks()
    cost.seconds += time.perf_counter() - began
    meter.step = None
    return int(count)


def _per_renewal(meter: Meter, count: int, seconds: float, stripe_calls: int) -> dict[str, Any]:
    costs = meter.steps.values()
    return {
        "count": count,
        "dynamodb_requests": round(sum(cost.dynamodb.total() for cost in costs) / count, 4),
        "write_units": round(sum(cost.write_units for cost in costs) / count, 2),
        "read_units": round(sum(cost.read_units for cost in costs) / count, 2),
        "stripe_calls": round(stripe_calls / count, 4),
        "sqs_requests": round(sum(cost.sqs.total() for cost in costs) / count, 3),
        "cpu_ms": round(1000 * sum(cost.cpu for cost in costs) / count, 3),
        "per_second": round(count / seconds, 1),
    }


def _invoice_us(service: Service, account: str) -> dict[str, float]:
    """Computing an invoice of three lines: plain, and each with tiers, a discount, a coupon's part and tax."""
    plain = service.store.owned(f"{account}/subscription", limit=1).records[0]
    if not isinstance(plain, Subscription):
        raise TypeError(plain)
    lines = [
        replace(line, unit_amount=Decimal(0), quantity=Decimal(quantity), model=Model.GRADUATED, tiers=TIERS,
                discounts=(UnitDiscount(percent=Decimal(10)),), taxes=("vat",))
        for line, quantity in zip(plain.lines, ("12", "60.5", "7"), strict=True)
    ]  # fmt: skip
    coupon = Discount(coupon="cpn_1", name="Welcome", percent=Decimal(5))
    vat = Tax(id="vat", name="VAT", percent=Decimal(19))
    rich = replace(plain, lines=tuple(lines), discounts=(coupon,), taxes=(vat,))
    return {"plain": _best_us(plain), "tiered_discounted_taxed": _best_us(rich)}


def _best_us(subscription: Subscription) -> float:
    """The best of many short rounds: a longer one is sure to be interrupted."""
    rounds = []
    for _ in range(1000):
        began = time.perf_counter()
        for _ in range(20):
            invoice_of(subscription, "INV-000001", DUE)
        rounds.append((time.perf_counter() - began) / 20)
    return round(1e6 * min(rounds), 1)


def _api_read_us(world: World, account: str) -> float:
    """The best of several rounds of `GET /v1/subscriptions/{id}` through the Lambda handler, warm, engine's time left out."""
    service = world.service()
    business = service.store.get(Account, account, account)
    _, key = create.api_key(service, business, "bench")
    subscription = service.store.owned(f"{account}/subscription", limit=1).records[0].id
    target, headers = f"/v1/subscriptions/{subscription}", {"Authorization": f"Bearer {key}"}
    gateway, rounds = world.gateway, []
    for _ in range(10):
        began = time.process_time()
        for _ in range(50):
            status, _, body = gateway.answer("GET", target, headers, b"")
            if status != 200:
                raise SystemExit(f"GET {target}: {status} {body.decode()}")
        rounds.append((time.process_time() - began) / 50)
    return round(1e6 * min(rounds), 1)


FIRST = """
import json, resource, sys, time
began = time.process_time()
import app
from sandbox.gateway import Context, tick_event
app.run_billing(tick_event("run_billing"), Context())
cpu = time.process_time() - began
print(json.dumps({"cpu_ms": round(1000 * cpu, 1), "mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)}))
"""


def _first_event(env: dict[str, str]) -> dict[str, float]:
    """A fresh process, bytecode at hand, from import to the end of its first event; the median of five."""
    found = []
    for _ in range(6):
        done = subprocess.run(
            [sys.executable, "-c", FIRST], env=os.environ | env, capture_output=True, text=True, check=True
        )
        found.append(json.loads(done.stdout))
    found = sorted(found[1:], key=lambda run: run["cpu_ms"])
    middle: dict[str, float] = found[len(found) // 2]
    return middle


def _show(meter: Meter, count: int, result: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console, shown = Console(), Table(title=f"Per renewal, of {count}")
    for name in ("step", "CPU ms", "DynamoDB", "WCU", "RCU", "SQS", "wall ms"):
        shown.add_column(name, justify="left" if name == "step" else "right")
    for step, cost in meter.steps.items():
        row = (
            1000 * cost.cpu,
            cost.dynamodb.total(),
            cost.write_units,
            cost.read_units,
            cost.sqs.total(),
            1000 * cost.seconds,
        )
        shown.add_row(step, *(f"{value / count:.3f}" for value in row))
    console.print(shown)
    kinds = sum((cost.dynamodb for cost in meter.steps.values()), Counter[str]())
    requests = Table(title="DynamoDB requests")
    requests.add_column("kind")
    requests.add_column("requests", justify="right")
    requests.add_column("per renewal", justify="right")
    for kind, number in kinds.most_common():
        requests.add_row(kind, str(number), f"{number / count:.4f}")
    console.print(requests)
    written = Table(title="Items written")
    for name in ("step", "record", "per renewal", "bytes", "table units in a transaction"):
        written.add_column(name, justify="left" if name in ("step", "record") else "right")
    for (step, kind), sizes in meter.sizes.items():
        units = sum(2 * -(-size // 1024) for size in sizes) / count
        row = (f"{len(sizes) / count:.3f}", f"{sum(sizes) / len(sizes):.0f}", f"{units:.2f}")
        written.add_row(step, kind, *row)
    console.print(written)
    renewal = result["renewal"]
    console.print(
        f"A renewal: {renewal['dynamodb_requests']} DynamoDB requests, {renewal['write_units']} write units, "
        f"{renewal['stripe_calls']} Stripe calls, {renewal['sqs_requests']} SQS requests, {renewal['cpu_ms']} CPU ms; "
        f"{renewal['per_second']} a second."
    )
    first = result["first_event"]
    console.print(
        f"An invoice of three lines {result['invoice_us']['plain']} µs, of tiered, discounted and taxed ones "
        f"{result['invoice_us']['tiered_discounted_taxed']} µs; a warm API read {result['api_read_us']} µs CPU; "
        f"the first event of a fresh process {first['cpu_ms']} CPU ms, {first['mib']} MiB."
    )
    console.print(PEERS)
