"""How many charges a second one worker keeps up while Stripe takes its time, and how much memory that takes.

They are one account's, as after a morning's billing: those of a batch go side by side. Of several accounts in a batch, each
account's go together, one account after the other.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sandbox.aws import Aws
from sandbox.bench import day, sales
from sandbox.gateway import Context, sqs_event, tick_event
from sandbox.world import QUEUES, World, environment

QUEUE, FUNCTION, BATCH = QUEUES["PERENNIAL_MONEY_QUEUE"]
# A worker in a process of its own: idle is after its first event, and its batches come one after the other, as from SQS.
WORKER = """
import json, re, sys, time
def mib(what): return int(re.search(rf"{what}:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024
import app
from sandbox.gateway import Context, tick_event
app.run_billing(tick_event("run_billing"), Context())
idle, events = mib("VmRSS"), json.load(open(sys.argv[1]))
cpu, began = time.process_time(), time.monotonic()
for event in events:
    app.work_money(event, Context())
seconds = time.monotonic() - began
print(json.dumps({"seconds": seconds, "cpu": time.process_time() - cpu, "idle": idle, "more": mib("VmHWM") - idle}))
"""


def main(count: int, latency_ms: int, *, as_json: bool) -> int:
    """`./dev bench [N] --latency MS`."""

    def say(text: str) -> None:
        print(text, file=sys.stderr if as_json else sys.stdout, flush=True)

    with tempfile.TemporaryDirectory() as folder, Aws() as aws, sales.local_stripe() as stripe:
        clock = Path(folder) / "clock"
        clock.write_text(sales.STARTED.isoformat())
        with World(environment(aws.environment(), stripe, clock), stripe) as world:
            result = _measured(world, count, latency_ms, Path(folder) / "events", say)
    if as_json:
        print(json.dumps(result))
        return 0
    print(
        f"One worker, {count} charges, Stripe taking {latency_ms} ms each: {result['charges_per_second']} a second, "
        f"{result['cpu_ms']} CPU ms each, {result['mib_above_idle']} MiB more than its {result['idle_mib']} idle."
    )
    return 0


def _measured(
    world: World, count: int, latency_ms: int, file: Path, say: Callable[[str], None]
) -> dict[str, float]:
    world.set_clock(sales.STARTED)
    say(f"Selling {count} subscriptions of three lines, of one account, and billing them …")
    sales.sell(world, count, say, accounts=1)
    world.set_clock(sales.FIRST_DUE)
    events = _invoiced(world)
    file.write_text(json.dumps(events))
    world.stripe("POST", "latency", {"seconds": latency_ms / 1000})
    say("One worker charges them …")
    done = subprocess.run(
        [sys.executable, "-c", WORKER, str(file)],
        env=os.environ | world.env,
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout.splitlines()[-1])
    sales.check_charged(world, count)
    return {
        "charges_per_second": round(count / told["seconds"], 1),
        "cpu_ms": round(1000 * told["cpu"] / count, 2),
        "idle_mib": round(told["idle"], 1),
        "mib_above_idle": round(told["more"], 1),
    }


def _invoiced(world: World) -> list[dict[str, Any]]:
    """Everything due is billed; what is then to be charged is left, as the events a worker gets."""
    world.invoke("run_billing", tick_event("run_billing"))
    left: list[dict[str, Any]] = []
    while messages := world.batch(QUEUE, BATCH):
        billing = [one for one in messages if day.step_of(one) == "billing"]
        left += [one for one in messages if day.step_of(one) == "charging"]
        if billing:
            getattr(world.app, FUNCTION)(sqs_event(billing, QUEUE), Context())
        world.delete(QUEUE, messages)
    return [sqs_event(left[start : start + BATCH], QUEUE) for start in range(0, len(left), BATCH)]
