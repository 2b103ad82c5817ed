"""`./dev up`: the demo's world, kept serving on loopback; its state survives a restart."""

import argparse
import json
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, timedelta
from pathlib import Path

from rich.console import Console

from sandbox import inbox, mailbox
from sandbox.aws import LOCAL, Aws, free_port
from sandbox.demo import run, story
from sandbox.endpoint import Endpoint
from sandbox.environment import SetUpError
from sandbox.stripe.server import StripeServer
from sandbox.world import STRIPE_KEY, World, environment

TICK_SECONDS = 5
AWS_PORT = 4566
STRIPE_PORT = 12111
MAX_PORT = 65534


def main(arguments: list[str]) -> int:
    """Serve until Ctrl-C. With STRIPE_API_KEY set, Stripe's own test mode in place of the local one."""
    parser = argparse.ArgumentParser(prog="./dev up", description=__doc__)
    parser.add_argument("--port", type=int, default=8000, help="where the API listens (default 8000)")
    asked = parser.parse_args(arguments)
    if not 1 <= asked.port <= MAX_PORT:
        parser.error(f"--port is a number from 1 to {MAX_PORT}: the port after it is the webhook endpoint's")
    for port in (AWS_PORT, asked.port, asked.port + 1, *(() if _stripes_own() else (STRIPE_PORT,))):
        free_port(port)
    console = Console()
    _tell_what_is_logged()
    with ExitStack() as stack:
        aws = stack.enter_context(Aws(port=AWS_PORT, state=_state() / "aws"))
        world = stack.enter_context(_world(aws, asked.port))
        key = _key(world, console)
        hears = stack.enter_context(Endpoint(port=asked.port + 1))
        world.gateway.pages["/mailbox"] = lambda: mailbox.page(aws.endpoint)
        world.gateway.pages["/hooks"] = lambda: inbox.page(hears.came, hears.url)
        _say_what_to_try(console, world, key, hears.url)
        _live(world)
    return 0


def _tell_what_is_logged() -> None:
    """A line each, with what it is about: Lambda writes that beside the message by itself."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Line())
    logging.getLogger("perennial").addHandler(handler)


class _Line(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        usual = logging.makeLogRecord({}).__dict__
        about = " ".join(f"{name}={value}" for name, value in vars(record).items() if name not in usual)
        said, line, trace = super().format(record).partition("\n")
        return f"{record.levelname.lower()}: {said} {about}".rstrip() + line + trace


@contextmanager
def _world(aws: Aws, port: int) -> Iterator[World]:
    """On the local Stripe, or on Stripe's test mode where the environment has a key of it."""
    base = {"PERENNIAL_BASE_URL": f"http://127.0.0.1:{port}"}
    if _stripes_own():
        env = environment(aws.environment(), "", None, **base, **_stripes_own())
        del env["STRIPE_API_BASE"], env["PERENNIAL_STRIPE_RATE"]
        with World(env, "", port=port) as world:
            yield world
        return
    _state().mkdir(parents=True, exist_ok=True)
    clock = _state() / "clock"
    if not clock.exists():
        clock.write_text(story.BEGINS.isoformat())
    with StripeServer(port=STRIPE_PORT, state=_state() / "stripe.sqlite") as stripe:
        env = environment(aws.environment(), stripe.url, clock, **base)
        with World(env, stripe.url, port=port) as world:
            yield world


def _stripes_own() -> dict[str, str]:
    """The key and webhook secret of Stripe's own test mode, where the environment has them."""
    key = os.environ.get("STRIPE_API_KEY", "")
    if not key or key == STRIPE_KEY:
        return {}
    if not key.startswith(("sk_test_", "rk_test_")):
        raise SetUpError(
            "STRIPE_API_KEY is no key of Stripe's test mode (sk_test_…): ./dev up moves no real money."
        )
    if not os.environ.get("STRIPE_WEBHOOK_SECRET"):
        raise SetUpError(
            "Set STRIPE_WEBHOOK_SECRET too: `stripe listen` prints it (README, Stripe's own test mode)."
        )
    return {name: os.environ[name] for name in ("STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET")}


def _state() -> Path:
    """Where the world is kept; the one on Stripe's own test mode apart from the demo's."""
    return LOCAL / ("up-stripe" if _stripes_own() else "up")


def _key(world: World, console: Console) -> str:
    """The business's API key: from the state; at the first start of a new account, or, locally, of the story's roaster."""
    kept = _state() / "business.json"
    if not kept.exists():
        if world.stripe_url:
            console.print("First the roaster's four months, as in ./dev demo …\n", style="dim")
            key = run.tell(world, console)[0].key
        else:
            key = story.opens(world).key
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps({"key": key}))
    return str(json.loads(kept.read_text())["key"])


def _live(world: World) -> None:
    """Let time run at its own pace from where it stood: the schedules tick and the queues are worked."""
    if world.stripe_url:
        world.stripe("DELETE", "webhooks")
        world.connect_stripe("auto")
    began, stood = time.monotonic(), world.now
    while True:
        if world.stripe_url:
            world.set_clock(stood + timedelta(seconds=time.monotonic() - began))
        world.tick()
        world.drain()
        threading.Event().wait(TICK_SECONDS)


def _say_what_to_try(console: Console, world: World, key: str, hears: str) -> None:
    url, now = world.gateway.url, world.now.astimezone(UTC)
    console.print(
        f"""
[bold]Perennial serves at {url}[/]   letters: {url}/mailbox   webhooks: {url}/hooks   Stripe: {world.stripe_url or "Stripe's test mode"}
It is {now:%d %B %Y %H:%M} UTC in there. Ctrl-C stops it; the next ./dev up goes on from here.

Try:
  KEY={key}
  curl -s {url}/v1/subscriptions -H "Authorization: Bearer $KEY"
  curl -s "{url}/v1/invoices?limit=3" -H "Authorization: Bearer $KEY"
  curl -s {url}/v1/contacts -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' \\
       -d '{{"name": "Fay", "email": "fay@perennial.example"}}'

What people receive: an invoice as PDF and as e-invoice (its answer names what this one lacks), a letter in another language, every event at an endpoint
(signed in this world's time, which a library that verifies on your own clock takes for too old or too new):
  INVOICE=$(curl -s "{url}/v1/invoices?limit=1" -H "Authorization: Bearer $KEY" | sed 's/.*"id":"\\(inv_[^"]*\\)".*/\\1/')
  curl -s {url}/v1/invoices/$INVOICE/pdf -H "Authorization: Bearer $KEY" -o invoice.pdf
  curl -s "{url}/v1/invoices/$INVOICE/einvoice?format=ubl" -H "Authorization: Bearer $KEY"
  curl -s "{url}/v1/letters/receipt/preview?language=de&format=text" -H "Authorization: Bearer $KEY"
  curl -s {url}/v1/webhook_endpoints -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' \\
       -d '{{"url": "{hears}", "events": ["*"]}}'
  curl -s "{url}/v1/events?type=invoice.*&limit=3" -H "Authorization: Bearer $KEY"

A year in seconds, on a test account with a clock of its own; the answer's `secret` is its key:
  ITS_KEY=$(curl -s {url}/v1/accounts -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' \\
       -d '{{"name": "Rehearsal", "email": "you@perennial.example", "currency": "eur", "zone": "Europe/Paris", "test_clock": {{"now_at": "2030-01-31T12:00:00Z"}}}}' \\
       | sed 's/.*"secret":"\\([^"]*\\)".*/\\1/')
  curl -s {url}/v1/test_clock/advance -H "Authorization: Bearer $ITS_KEY" -H 'Content-Type: application/json' \\
       -d '{{"to": "2031-01-31T12:00:00Z"}}'
""",
        highlight=False,
        soft_wrap=True,
    )
