"""Change the rules of money one by one in a scratch copy, and see whether a test objects to each (mutmut).

A mutant that no test kills is listed with its change, and has to be judged in `tests/survivors.toml`: by its
function and the line it makes, since mutmut's numbers move whenever a function is edited. So has one whose tests came
to no end: it counts as killed, but a busy machine may have been the reason. mutmut leaves alone what
runs as a module is imported (constants, tables, patterns), defaults of fields, and functions under a decorator other
than @classmethod and @staticmethod: properties and what is cached.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.environment import ROOT, SetUpError

# Each module with the tests that know its rules best: a mutant is run against these alone, or it would take a night.
RULES: Mapping[str, tuple[str, ...]] = {
    "money": ("test_money.py", "test_refusals.py"),
    "periods": ("test_periods.py", "test_refusals.py"),
    "pricing": ("test_pricing.py", "test_refusals.py"),
    "tax": ("test_tax.py", "test_refusals.py"),
    "discounts": ("test_discounts.py", "test_refusals.py"),
    "rating": ("test_rating.py", "test_invoices.py", "test_discounts.py"),
    "automatic_tax": ("test_tax.py",),
    "recognition": ("test_recognition.py", "test_laws.py", "test_ledger.py"),
}
LEAST_KILLED = 90
PATIENCE = 4  # times as long as its tests take without it: then a mutant is taken to loop for ever
# What differs is not told: large records' differences take longer than the tests.
PYTEST = ["-p", "no:cacheprovider", "-p", "no:xdist", "--assert=plain", "--hypothesis-profile=mutants"]
SURVIVORS = ROOT / "tests" / "survivors.toml"
# Exit codes of a mutant's tests, as mutmut reads them. Any other (0 survived, 33 no test ran it, -9 out of memory, none
# as it was not run) shows no test that objected.
FAILED = {1, 3}
ENDLESS = {24, -24, 36, 152, 255}


@dataclass(frozen=True, slots=True, kw_only=True)
class Survivor:
    """A change no test objected to: mutmut's name of it, the function, and the line it made, or left out."""

    name: str
    function: str
    line: str

    @property
    def key(self) -> str:
        """How a judgment names it."""
        return f"{self.function}: {self.line}"


def main(arguments: Sequence[str]) -> int:
    """Mutate the modules that are named, or all; 1 where too few are killed or a survivor is not judged."""
    parser = argparse.ArgumentParser(prog="./dev mutants", description=__doc__)
    parser.add_argument("module", nargs="*", help=f"some of {', '.join(RULES)} (all)")
    wanted = parser.parse_args(arguments).module or list(RULES)
    if unknown := [name for name in wanted if name not in RULES]:
        raise SetUpError(f"No rules to mutate in {', '.join(unknown)}; there are {', '.join(RULES)}.")
    judged = tomllib.loads(SURVIVORS.read_text())
    print(f"{'module':<16}{'mutants':>8}{'killed':>8}{'endless':>8}{'survived':>9}{'seconds':>8}", flush=True)
    return max(_mutate(module, judged.get(module, {})) for module in wanted)


def _mutate(module: str, judged: Mapping[str, str]) -> int:
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = Path(folder) / "copy"
        _copied(copy, module)
        started = time.monotonic()
        log = _run(copy)
        seconds = time.monotonic() - started
        meta = copy / "mutants" / "chalicelib" / "billing" / f"{module}.py.meta"
        if not meta.exists():
            raise SetUpError(f"mutmut did not get as far as {module}: {log[-1500:]}")
        codes: dict[str, int | None] = json.loads(meta.read_text())["exit_code_by_key"]
        if not any(code in FAILED for code in codes.values()):
            raise SetUpError(f"mutmut killed nothing of {module}: {log[-1500:]}")
        endless = list(_survivors(copy, [name for name in codes if codes[name] in ENDLESS]))
        alive = list(_survivors(copy, [name for name in codes if codes[name] not in FAILED | ENDLESS]))
    killed = len(codes) - len(alive)
    share = 100 * killed / len(codes)
    counts = f"{len(codes):8}{killed:8}{len(endless):8}{len(alive):9}{seconds:8.0f}"
    print(f"{module:<16}{counts}   {share:.1f} % killed", flush=True)
    return int(_told([*alive, *endless], judged) > 0 or share < LEAST_KILLED)


def _told(survivors: Sequence[Survivor], judged: Mapping[str, str]) -> int:
    """How many are not judged. What was judged and is killed is printed too: a loop may be, or have no end, by chance."""
    unjudged = 0
    for one in survivors:
        reason = judged.get(one.key)
        unjudged += reason is None
        sign, why = ("=", reason) if reason else ("?", f"not judged: {one.name}")
        print(f"  {sign} {one.key}\n      {why}", flush=True)
    for key in sorted(set(judged) - {one.key for one in survivors}):
        print(f"  ! {key}\n      killed, yet judged: {judged[key]}", flush=True)
    return unjudged


def _copied(copy: Path, module: str) -> None:
    """The tree as git has it here, with mutmut told what to do."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=True
    )
    for name in listed.stdout.decode().split("\0"):
        source = ROOT / name
        if name and source.is_file():
            target = copy / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    tests = [f"tests/billing/{name}" for name in RULES[module]]
    told = {
        "source_paths": ["chalicelib"],
        "only_mutate": [f"chalicelib/billing/{module}.py"],
        "pytest_add_cli_args_test_selection": tests,
        "pytest_add_cli_args": PYTEST,
        "also_copy": ["sandbox", "app.py", ".chalice"],
        "timeout_multiplier": PATIENCE,
        "timeout_constant": 3.0,  # seconds that a test may take to begin on a busy machine
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in told.items()]
    with (copy / "pyproject.toml").open("a") as file:
        file.write("\n[tool.mutmut]\n" + "\n".join(lines) + "\n")


def _run(copy: Path) -> str:
    children = str(len(os.sched_getaffinity(0)))
    run = subprocess.run(
        [Path(sys.executable).parent / "mutmut", "run", "--max-children", children],
        cwd=copy,
        capture_output=True,
        text=True,
    )
    return run.stdout + run.stderr


def _survivors(copy: Path, names: Sequence[str]) -> Iterator[Survivor]:
    for name in names:
        shown = subprocess.run(
            [Path(sys.executable).parent / "mutmut", "show", name], cwd=copy, capture_output=True, text=True
        )
        lines = [line for line in shown.stdout.splitlines() if line[:3] not in ("+++", "---")]
        made = " ".join(line[1:].strip() for line in lines if line.startswith("+"))
        gone = " ".join(line[1:].strip() for line in lines if line.startswith("-"))
        function = (
            name.rpartition(".")[2]
            .partition("__mutmut_")[0]
            .removeprefix("x_")
            .replace("xǁ", "")
            .replace("ǁ", ".")
        )
        yield Survivor(name=name, function=function, line=made or f"without {gone}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
