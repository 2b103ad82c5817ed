"""Random worlds: whatever happens to them, Stripe takes what is due, once; a seed is lived again exactly as it was."""

import gc
import logging
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.aws import Aws
from sandbox.worlds import broken, run, seen
from sandbox.worlds.earth import Earth
from sandbox.worlds.steady import pinned

WORLDS = int(os.environ.get("PERENNIAL_WORLDS", "300"))
PARTS = 20
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def earth(ministack: Aws) -> Iterator[Earth]:
    """A local Stripe and the app, for all worlds of a process."""
    before = dict(os.environ)
    made = Earth(ministack)
    gc.set_threshold(5_000, 10, 10)  # worlds come and go: app.py collects seldom
    logging.disable(logging.CRITICAL)
    yield made
    logging.disable(logging.NOTSET)
    made.stop()
    os.environ.clear()
    os.environ.update(before)


def lived(earth: Earth, seed: int) -> run.Lived:
    with pinned():
        return run.live(earth, seed)


@pytest.mark.parametrize("part", range(PARTS))
def test_a_world_comes_out_well_whatever_happens_in_it(earth: Earth, part: int, tmp_path_factory):
    """After 90 days of faults and a quiet tail the audit holds, and Stripe took what was due, once."""
    total: Counter[str] = Counter()
    wrong: dict[int, tuple[str, ...]] = {}
    for seed in range(part + 1, WORLDS + 1, PARTS):
        one = lived(earth, seed)
        total.update(one.seen)
        if one.wrong:
            wrong[seed] = one.wrong
    _keep(tmp_path_factory.getbasetemp(), part, total)
    assert not wrong, f"replay with ./dev worlds --seed {next(iter(wrong))}: {wrong}"


def test_a_seed_is_lived_again_exactly_as_it_was(earth: Earth):
    """The same seed gives the same diary, line by line; another gives another."""
    first, again, other = lived(earth, 4), lived(earth, 4), lived(earth, 5)
    assert first.diary == again.diary
    assert first.diary != other.diary


def test_every_law_can_be_broken_for_a_rehearsal():
    """What ./dev worlds --broken changes stands in the code as it is now, once: a law that is not broken proves nothing."""
    assert len(broken.LAWS) >= 10
    for law in broken.LAWS:
        before = (broken.ROOT / law.file).read_text()
        assert before.count(law.text) == 1, law.name
        assert _undefined(before.replace(law.text, law.instead)) == "All checks passed!", law.name


def _undefined(code: str) -> str:
    """Names that nothing defines: code that only raises breaks no law."""
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F821", "-"]
    return subprocess.run(command, input=code, capture_output=True, text=True, check=False).stdout.strip()


def _keep(folder: Path, part: int, total: Counter[str]) -> None:
    """What a part has seen, where the parts of all processes meet; the last of them looks whether anything is missing."""
    met = folder.parent / "worlds" if os.environ.get("PYTEST_XDIST_WORKER") else folder / "worlds"
    met.mkdir(exist_ok=True)
    text = "\n".join(f"{count}\t{name}" for name, count in total.items())
    beside = met / f"{part}.new"
    beside.write_text(text)
    beside.replace(met / f"{part}.txt")
    parts = list(met.glob("*.txt"))
    if len(parts) < PARTS or WORLDS < seen.ENOUGH:
        return
    whole: Counter[str] = Counter()
    for one in parts:
        for line in one.read_text().splitlines():
            count, _, name = line.partition("\t")
            whole[name] += int(count)
    assert seen.missing(whole) == [], "never seen in all worlds"
