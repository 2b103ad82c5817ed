"""A day of renewals: all that it causes is worked as AWS would have it worked, and metered by step."""

import json
import time
from datetime import datetime
from typing import Any

from chalicelib import wiring
from sandbox.bench.meter import Cost, Meter, counted
from sandbox.gateway import Context, sqs_event, tick_event
from sandbox.world import QUEUES, SCHEDULES, World

STEPS = {
    "subscription": "billing",
    "invoice": "charging",
    "event": "fan-out",
    "delivery": "receipts",
    "payment": "reconciliation",
    "stripe_event": "inbox",
    "webhook_delivery": "endpoints",
}
MOST_ROUNDS = 100


def renew(world: World, meter: Meter, due: datetime, profile: str | None = None) -> float:
    """All that a day of renewals causes, until nothing moves; returns the wall-clock seconds."""
    world.set_clock(due)
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
        profiler.dump_stats(str(profile))
    world.gateway.use(world.app.app)
    return seconds


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


def per_renewal(meter: Meter, count: int, seconds: float, stripe_calls: int) -> dict[str, Any]:
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
