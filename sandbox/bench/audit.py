"""What it costs to audit an account: requests to DynamoDB and to Stripe, by how many subscriptions it has."""

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from chalicelib.billing.audits import Audit
from chalicelib.operations import audit
from sandbox.aws import Aws
from sandbox.bench import sales
from sandbox.bench.meter import Meter, counted
from sandbox.world import World, environment


def main(count: int, *, as_json: bool) -> int:
    """`./dev bench [N] --audit`."""
    with tempfile.TemporaryDirectory() as folder, Aws() as aws, sales.local_stripe() as stripe:
        clock = Path(folder) / "clock"
        clock.write_text(sales.STARTED.isoformat())
        with World(environment(aws.environment(), stripe, clock), stripe) as world:
            result = _measured(world, count)
    if as_json:
        print(json.dumps(result))
        return 0
    print(
        f"An audit of {count} subscriptions, each billed and paid once: for 1,000 of them "
        f"{result['dynamodb_requests']} DynamoDB requests, {result['read_units']} read units, "
        f"{result['stripe_calls']} Stripe calls, one at a time, {result['stripe_calls_a_second']} a second; "
        f"{result['cpu_ms']} CPU ms."
    )
    return 0


def _measured(world: World, count: int) -> dict[str, float]:
    world.set_clock(sales.STARTED)
    print(f"Selling {count} subscriptions of one account, and billing them …", file=sys.stderr, flush=True)
    [account] = sales.sell(world, count, lambda _: None, accounts=1)
    world.set_clock(sales.FIRST_DUE)
    world.settle()
    meter = Meter()
    service: Any = counted(world.service(), world, meter)
    before, began = sales.stripe_calls(world), time.perf_counter()
    with meter.during("audit"):
        told = audit.account(service, account)
    seconds, calls = time.perf_counter() - began, sales.stripe_calls(world) - before
    _is_whole(told, count)
    cost = meter.steps["audit"]
    return {
        "dynamodb_requests": round(1000 * cost.dynamodb.total() / count, 1),
        "read_units": round(1000 * cost.read_units / count, 1),
        "stripe_calls": round(1000 * calls / count, 1),
        "stripe_calls_a_second": round(calls / seconds, 1),
        "cpu_ms": round(1e6 * cost.cpu / count, 1),
    }


def _is_whole(told: Audit, count: int) -> None:
    if told.found or told.looked.get("charges") != count or told.looked.get("subscriptions") != count:
        raise SystemExit(f"{told.looked}, {told.findings[:3]}: nothing here is worth measuring.")
