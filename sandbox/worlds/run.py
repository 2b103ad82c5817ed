"""`./dev worlds N`: live N random worlds, each the same whenever its seed is lived again, and say which came out wrong."""

from __future__ import annotations

import argparse
import hashlib
import logging
import re
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime
from multiprocessing import get_context

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sandbox.aws import Aws
from sandbox.worlds import broken, judge, plan, seen
from sandbox.worlds.earth import Earth
from sandbox.worlds.life import Life
from sandbox.worlds.steady import pinned

AT_ONCE = 5
"""Seeds a process lives before it tells of them."""
MOST_TOLD = 160
COLORS = {
    "BROKEN": "bold red",
    "trouble": "yellow",
    "point": "yellow",
    "act": "cyan",
    "buyer": "cyan",
    "page": "cyan",
    "stripe": "green",
}


@dataclass(frozen=True, slots=True)
class Lived:
    """A world that has been lived: what was wrong, what was seen, its diary, and a mark that two lives of a seed share."""

    seed: int
    wrong: tuple[str, ...]
    seen: Counter[str]
    diary: tuple[tuple[datetime, str, str], ...]
    seconds: float

    @property
    def mark(self) -> str:
        """The same for the same life."""
        return hashlib.sha256(repr(self.diary).encode()).hexdigest()[:12]


def main(arguments: Sequence[str]) -> int:
    """Live worlds; a wrong one, or a kind of thing never seen in 300, makes the exit code 1."""
    asked = _parser().parse_args(arguments)
    logging.disable(logging.CRITICAL)
    console = Console(width=max(Console().width, 140))
    if asked.broken:
        return broken.main(console, asked.only)
    if asked.seed is not None:
        return _replayed(console, asked.seed)
    return _range(console, range(asked.first, asked.first + asked.n), asked.processes)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./dev worlds", description=__doc__)
    parser.add_argument("n", nargs="?", type=int, default=20, help="how many worlds (20)")
    parser.add_argument("--from", dest="first", type=int, default=1, help="the first seed (1)")
    parser.add_argument("--seed", type=int, help="live one world, and tell its diary")
    parser.add_argument("--processes", type=int, default=2, help="worlds side by side (2)")
    parser.add_argument(
        "--broken", action="store_true", help="break laws in scratch copies, and see them caught"
    )
    names = [law.name for law in broken.LAWS]
    parser.add_argument("--only", choices=names, help="with --broken: only the law of this name")
    return parser


def lived(seeds: Iterable[int]) -> list[Lived]:
    """Worlds lived one after the other in this process, on a local AWS and a local Stripe of its own."""
    with Aws() as aws, pinned():
        earth = Earth(aws)
        try:
            return [live(earth, seed) for seed in seeds]
        finally:
            earth.stop()


def live(earth: Earth, seed: int) -> Lived:
    """One world, and how it came out; what breaks the world itself is wrong too."""
    began = time.perf_counter()
    life = Life(earth, plan.of(seed))
    try:
        life.live()
        judge.judge(life)
    except Exception as error:  # noqa: BLE001 - told with the seed, and the next world is lived
        life.watch.breach(
            f"{type(error).__name__}: {error}\n{''.join(traceback.format_exception(error)[-3:])}"
        )
    finally:
        life.close()
    wrong = tuple(dict.fromkeys(life.watch.broken))
    return Lived(seed, wrong, life.seen, tuple(life.diary), time.perf_counter() - began)


def _range(console: Console, seeds: range, processes: int) -> int:
    began, total, wrong, done = time.monotonic(), Counter[str](), 0, 0
    batches = [seeds[start : start + AT_ONCE] for start in range(0, len(seeds), AT_ONCE)]
    spawn = get_context("spawn")
    with ProcessPoolExecutor(processes, spawn, initializer=logging.disable) as pool:  # its default: all of it
        for future in as_completed(pool.submit(lived, batch) for batch in batches):
            for one in future.result():
                done += 1
                total.update(one.seen)
                wrong += bool(one.wrong)
                _told(console, one)
            pace = (time.monotonic() - began) / done
            console.print(f"{done} of {len(seeds)}, {pace:.1f} s each", style="dim", end="\r")
    console.print(f"{done} worlds in {time.monotonic() - began:.0f} s, {wrong} wrong.")
    missing = seen.missing(total) if len(seeds) >= seen.ENOUGH else []
    for name in missing:
        console.print(f"Never seen: {name}", style="red")
    return 1 if wrong or missing else 0


def _told(console: Console, one: Lived) -> None:
    for sentence in one.wrong:
        console.print(Text(f"seed {one.seed}: {sentence}", "red"))
    if one.wrong:
        console.print(f"   ./dev worlds --seed {one.seed}", style="dim")


def _replayed(console: Console, seed: int) -> int:
    """One world's diary, and what was wrong with it."""
    [one] = lived([seed])
    table = Table(box=None, show_header=False, padding=(0, 1), title=f"World {seed}", title_justify="left")
    for at, kind, text in one.diary:
        told = re.sub(r"w0{5,}(\d+)", r"w\1", text)  # ids are numbers, made long
        table.add_row(Text(f"{at:%d %b %H:%M}", "dim"), Text(kind, COLORS.get(kind, "")), told[:MOST_TOLD])
    console.print(table)
    _told(console, one)
    console.print(f"Lived in {one.seconds:.1f} s, mark {one.mark}: {len(one.wrong)} things wrong.")
    return 1 if one.wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
