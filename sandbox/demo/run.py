"""`./dev demo`: starts the world, tells the story, shows it, audits it; a finding makes the exit code 1."""

import argparse
import logging
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sandbox.aws import Aws
from sandbox.demo import audit, story
from sandbox.demo.story import Roaster, listed
from sandbox.demo.timeline import Timeline, dollars
from sandbox.stripe.server import StripeServer
from sandbox.world import World, environment

WIDTH = 110


def main(arguments: list[str]) -> int:
    """Tell the roaster's story on a world of its own."""
    argparse.ArgumentParser(prog="./dev demo", description=__doc__).parse_args(arguments)
    logging.disable(logging.CRITICAL)
    console = Console(width=max(Console().width, WIDTH))
    began = time.monotonic()
    console.print("Starting the local AWS (DynamoDB, SQS, SES) and the local Stripe …", style="dim")
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as world:
        console.print(
            f"They run after {time.monotonic() - began:.1f} s. The clock goes to 31 January 2026.\n",
            style="dim",
        )
        _, sound = tell(world, console)
    console.print(f"\n{time.monotonic() - began:.0f} s in all.", style="dim")
    return 0 if sound else 1


@contextmanager
def running(folder: Path) -> Iterator[World]:
    """A world that lives as long as the block, in a folder of its own."""
    clock = folder / "clock"
    clock.write_text(story.BEGINS.isoformat())
    with Aws() as aws, StripeServer() as stripe:
        env = environment(aws.environment(), stripe.url, clock, PERENNIAL_STRIPE_SECONDS="1.5")
        with World(env, stripe.url) as world:
            yield world


def tell(world: World, console: Console) -> tuple[Roaster, bool]:
    """The story with its timeline, closing table and audit; whether all holds."""
    timeline = Timeline(world, console)
    roaster = story.tell(world, timeline.look)
    console.print(closing(world, roaster))
    sound = True
    for what, holds, figures in audit.checks(world, roaster, timeline.letters):
        sound = sound and holds
        console.print(
            f"{'[green]✓[/]' if holds else '[bold red]✗[/]'} {what} [dim]({figures})[/]", highlight=False
        )
    verdict = (
        "[green]Every sentence holds.[/]" if sound else "[bold red]Something does not hold: see ✗ above.[/]"
    )
    console.print(f"\n{verdict}")
    return roaster, sound


def closing(world: World, roaster: Roaster) -> Table:
    """One row an invoice, by customer."""
    who = {id_: name for name, id_ in roaster.subscriptions.items()}
    table = Table(title="\nFour months of the roaster's", title_justify="left")
    for name in ("customer", "invoice", "due", "amount", "asked", "status", "paid with"):
        table.add_column(name, justify="right" if name in ("amount", "asked") else "left")
    rows = sorted(
        listed(world, roaster, "/v1/invoices"), key=lambda row: (who[row["subscription"]], row["number"])
    )
    paid_with = {payment["id"]: payment["method_label"] for payment in listed(world, roaster, "/v1/payments")}
    for row in rows:
        table.add_row(
            who[row["subscription"]],
            row["number"],
            row["period_start_on"],
            dollars(row["total"]),
            str(row["attempts"]),
            row["status"],
            paid_with.get(row["paid_by"] or "", ""),
        )
    return table
