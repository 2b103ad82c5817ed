"""`./dev gallery`: every letter, document and page in every language, as pictures to be looked at."""

import argparse
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from chalicelib.crm.parties import LANGUAGES
from sandbox.aws import Aws, free_port
from sandbox.gallery import camera, folder, pieces, scene
from sandbox.stripe.server import StripeServer
from sandbox.world import World, changed_environment, environment


def main(arguments: list[str]) -> int:
    """`./dev gallery [--language de] [--to FOLDER]`."""
    parser = argparse.ArgumentParser(prog="./dev gallery", description=__doc__)
    parser.add_argument(
        "--language",
        action="append",
        choices=LANGUAGES,
        help="in this language only; may be said several times",
    )
    default = Path(tempfile.gettempdir()) / "perennial-gallery"
    parser.add_argument("--to", type=Path, default=default, help=f"the folder they go to (default {default})")
    asked = parser.parse_args(arguments)
    logging.disable(logging.WARNING)
    languages = asked.language or list(LANGUAGES)
    file = made(asked.to, languages, Console())
    print(f"Look at {file}")
    return 0


def made(to: Path, languages: list[str], console: Console) -> Path:
    """Make the pictures of some languages, and show how far that is; the page that shows them."""
    columns = TextColumn("{task.description:<42}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console) as progress, camera.ready() as taking, running() as world:
        task = progress.add_task("A month passes …", total=pieces.count(len(languages)))
        shown = []
        for one in scene.lived(world, languages):
            for piece in pieces.of(world, one):
                progress.update(task, description=f"{piece.language} {piece.kind} {piece.name}")
                shown.append(folder.hung(to, piece, taking))
                progress.advance(task)
        progress.update(task, description="All are there.")
    return folder.index(to, shown)


@contextmanager
def running() -> Iterator[World]:
    """A world that answers at the address its letters name."""
    port = free_port()
    with tempfile.TemporaryDirectory() as at, Aws() as aws, StripeServer() as stripe:
        clock = Path(at) / "clock"
        clock.write_text(scene.BEGINS.isoformat())
        base = {"PERENNIAL_BASE_URL": f"http://127.0.0.1:{port}"}
        env = environment(aws.environment(), stripe.url, clock, **base)
        with changed_environment(env), World(env, stripe.url, port=port) as world:
            yield world
