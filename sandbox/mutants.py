"""Change the rules of money one by one in a scratch copy, and see whether a test objects to each (mutmut).

A mutant that no test kills is listed with its change, and has to be judged in `tests/survivors.toml`: by its
function and the line it makes, since mutmut's numbers move whenever a function is edited.
"""

import json
import os
import subprocess
import sys
import tempfile
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
}
LEAST_KILLED = 90
SURVIVORS = ROOT / "tests" / "survivors.toml"
# mutmut's exit codes: pytest's own for killed; 0 survived; 33 no test ran it; the others are timeouts and signals.
SURVIVED, UNTESTED = 0, 33


@dataclass(frozen=True, slots=True, kw_only=True)
class Survivor:
    """A change no test objected to: mutmut's name of it, the function, and the line it made."""

    name: str
    function: str
    line: str

    @property
    def key(self) -> str:
        """How a judgment names it."""
        return f"{self.function}: {self.line}"


def main(arguments: Sequence[str]) -> int:
    """Mutate the modules that are named, or all; 1 where too few are killed or a survivor is not judged."""
    wanted = list(arguments) or list(RULES)
    if unknown := [name for name in wanted if name not in RULES]:
        raise SetUpError(f"No rules to mutate in {', '.join(unknown)}; there are {', '.join(RULES)}.")
    judged = tomllib.loads(SURVIVORS.read_text()) if SURVIVORS.exists() else {}
    print(f"{'module':12} {'mutants':>8} {'killed':>8} {'survived':>9}", flush=True)
    return max(_mutate(module, judged.get(module, {})) for module in wanted)


def _mutate(module: str, judged: Mapping[str, str]) -> int:
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = Path(folder) / "copy"
        _copied(copy, module)
        log = _run(copy)
        meta = copy / "mutants" / "chalicelib" / "billing" / f"{module}.py.meta"
        if not meta.exists():
            raise SetUpError(f"mutmut did not get as far as {module}: {log[-1500:]}")
        codes: dict[str, int | None] = json.loads(meta.read_text())["exit_code_by_key"]
        alive = sorted(name for name, code in codes.items() if code in (SURVIVED, UNTESTED, None))
        return _told(module, len(codes), list(_survivors(copy, alive)), judged)


def _told(module: str, count: int, survivors: Sequence[Survivor], judged: Mapping[str, str]) -> int:
    killed = count - len(survivors)
    share = 100 * killed // count
    print(f"{module:12} {count:8} {killed:8} {len(survivors):9}   {share} % killed", flush=True)
    unjudged = 0
    for one in survivors:
        reason = judged.get(one.key)
        unjudged += reason is None
        print(
            f"  {'=' if reason else '?'} {one.key}\n      {reason or 'not judged: ' + one.name}", flush=True
        )
    return int(share < LEAST_KILLED or unjudged > 0)


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
    tests = [f"tests/billing/{name}" for name in RULES[module] if (ROOT / "tests/billing" / name).exists()]
    told = {
        "source_paths": ["chalicelib"],
        "only_mutate": [f"chalicelib/billing/{module}.py"],
        "pytest_add_cli_args_test_selection": tests,
        "pytest_add_cli_args": ["-p", "no:cacheprovider", "-p", "no:xdist"],
        "also_copy": ["sandbox", "app.py", ".chalice"],
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in told.items()]
    with (copy / "pyproject.toml").open("a") as file:
        file.write("\n[tool.mutmut]\n" + "\n".join(lines) + "\n")


def _run(copy: Path) -> str:
    children = str(len(os.sched_getaffinity(0)))
    run = subprocess.run(
        [Path(sys.executable).parent / "mutmut", "run", "--max-children", children],
        cwd=copy,
        env=os.environ | {"HYPOTHESIS_STORAGE_DIRECTORY": str(copy / ".hypothesis")},
        capture_output=True,
        text=True,
    )
    return run.stdout + run.stderr


def _survivors(copy: Path, names: Sequence[str]) -> Iterator[Survivor]:
    for name in names:
        shown = subprocess.run(
            [Path(sys.executable).parent / "mutmut", "show", name], cwd=copy, capture_output=True, text=True
        )
        made = [
            line[1:].strip()
            for line in shown.stdout.splitlines()
            if line.startswith("+") and line[:3] != "+++"
        ]
        function = (
            name.rpartition(".")[2]
            .partition("__mutmut_")[0]
            .removeprefix("x_")
            .replace("xǁ", "")
            .replace("ǁ", ".")
        )
        yield Survivor(name=name, function=function, line=" ".join(made))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
