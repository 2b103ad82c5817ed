"""What a renewal costs: requests, units, calls and CPU of all that it causes, by step."""

import argparse
import json
import logging
import sys
import tempfile
from pathlib import Path
from typing import Any

from sandbox.aws import Aws
from sandbox.bench import audit, day, pace, papers, sales, show, single, told
from sandbox.bench.meter import Meter
from sandbox.world import World, environment


def main(arguments: list[str]) -> int:
    """`./dev bench [N] [--latency MS] [--audit] [--json]`."""
    asked = _parser().parse_args(arguments)
    logging.disable(logging.WARNING)
    if asked.latency is not None:
        return pace.main(asked.count, asked.latency, as_json=asked.json)
    if asked.audit:
        return audit.main(asked.count, as_json=asked.json)
    meter = Meter()
    with tempfile.TemporaryDirectory() as folder, Aws() as aws, sales.local_stripe() as stripe:
        clock = Path(folder) / "clock"
        clock.write_text(sales.STARTED.isoformat())
        env = environment(aws.environment(), stripe, clock)
        with World(env, stripe) as world:
            result = _measured(world, meter, asked)
    print(json.dumps(result)) if asked.json else show.all_of(meter, asked.count, result)
    return 0


def _parser() -> argparse.ArgumentParser:
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
    return parser


def _measured(world: World, meter: Meter, asked: argparse.Namespace) -> dict[str, Any]:
    def say(text: str) -> None:
        print(text, file=sys.stderr if asked.json else sys.stdout, flush=True)

    world.set_clock(sales.STARTED)
    world.connect_stripe("hold")
    say(f"Selling {asked.count} subscriptions of three lines, over ten accounts …")
    accounts = sales.sell(world, asked.count, say)
    say("Billing their first month, uncounted: the process is warm then, and a first month is no renewal …")
    world.set_clock(sales.FIRST_DUE)
    world.settle()
    before = sales.stripe_calls(world)
    say("Their day comes again …")
    seconds = day.renew(world, meter, sales.DUE, asked.profile)
    renewal = day.per_renewal(meter, asked.count, seconds, sales.stripe_calls(world) - before)
    sales.check_charged(world, 2 * asked.count)
    say("And once more, with an endpoint that hears everything and letters in another language …")
    return {
        "renewal": renewal,
        "told": told.measured(world, accounts, asked.count, renewal),
        "papers": papers.measured(),
        "invoice_us": single.invoice_us(world.service(), accounts[-1]),
        "api_read_us": single.api_read_us(world, accounts[-1]),
        "first_event": single.first_event(world.env),
    }
