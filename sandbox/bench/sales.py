"""What is billed in a bench: subscriptions of three lines, and the moments at which they are due."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal

from chalicelib.billing.lines import Line
from chalicelib.billing.orders import Start, Wish
from chalicelib.billing.periods import Frequency
from chalicelib.operations import attach, buyers, create, subscribe
from chalicelib.operations.order import Order
from sandbox.world import World

STARTED = datetime(2026, 1, 30, 12, tzinfo=UTC)
FIRST_DUE = datetime(2026, 1, 31, 12, tzinfo=UTC)
DUE = datetime(2026, 2, 28, 12, tzinfo=UTC)
TOLD_DUE = datetime(2026, 3, 31, 12, tzinfo=UTC)
LINES = (("Single origin – 250 g", "1250"), ("Filter papers", "399.5"), ("Delivery", "490"))


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


def check_charged(world: World, wanted: int) -> None:
    """Ends the process where Stripe took not just what was due."""
    charged = world.stripe("GET", "summary")["charges"]["succeeded"]
    if charged != wanted:
        raise SystemExit(f"{charged} charges for {wanted} invoices: nothing here is worth measuring.")


def sell(world: World, count: int, say: Callable[[str], None], accounts: int = 10) -> list[str]:
    """Subscriptions of three lines; the ids of their accounts."""
    service, made = world.service(), []
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
        made.append(account)
        say(f"  account {n + 1} of {accounts}")
    return made
