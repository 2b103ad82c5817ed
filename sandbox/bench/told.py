"""What it adds to a renewal that somebody hears all of it: an endpoint that wants every event, and letters in German."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chalicelib.billing.webhooks import ALL
from chalicelib.crm.accounts import Account
from chalicelib.operations import create, listen, profile
from sandbox.bench import day, sales
from sandbox.bench.meter import Meter
from sandbox.world import World

# A process of its own, whose CPU is not ours: it says where it listens, and when its input ends, what it heard.
LISTENER = """
import sys
from sandbox.endpoint import Endpoint
with Endpoint() as heard:
    print(heard.url, flush=True)
    sys.stdin.read()
    ids = [came.headers["webhook-id"] for came in heard.came]
print(len(ids), len(set(ids)), flush=True)
"""
FIGURES = ("dynamodb_requests", "write_units", "cpu_ms")


def measured(world: World, accounts: list[str], count: int, plain: dict[str, Any]) -> dict[str, float]:
    """The day after next month's, and what it took more than a `plain` renewal."""
    meter = Meter()
    with _listener() as (url, heard):
        for account in accounts:
            _tells(world, account, url)
        before = sales.stripe_calls(world)
        seconds = day.renew(world, meter, sales.TOLD_DUE)
    calls = sales.stripe_calls(world) - before
    sales.check_charged(world, 3 * count)
    told = day.per_renewal(meter, count, seconds, calls)
    events, twice = heard
    if not events or twice:
        raise SystemExit(
            f"The endpoint heard {events} events, {twice} of them again: nothing is worth measuring."
        )
    return {
        "events": round(events / count, 2),
        **{figure: told[figure] for figure in FIGURES},
        **{f"{figure}_added": round(told[figure] - plain[figure], 4) for figure in FIGURES},
    }


def _tells(world: World, account: str, url: str) -> None:
    service = world.service()
    business = service.store.get(Account, account, account)
    key, _ = create.api_key(service, business, "bench")
    profile.change(service, account, {"language": "de", "locale": "de-DE"}, by=key)
    listen.endpoint(service, account, url=url, types=(ALL,), description="bench")


@contextmanager
def _listener() -> Iterator[tuple[str, list[int]]]:
    """Where it listens; when it has ended, how many events it heard, and how many of them again."""
    command, pipe = [sys.executable, "-c", LISTENER], subprocess.PIPE
    heard: list[int] = []
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        if process.stdout is None or process.stdin is None:
            raise AssertionError("they are pipes")
        yield process.stdout.readline().strip(), heard
        process.stdin.close()
        events, known = (int(number) for number in process.stdout.readline().split())
        heard += [known, events - known]
