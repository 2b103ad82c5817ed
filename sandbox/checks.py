"""Everything that must hold before a commit: format, lint, types, imports, and the tests on each Python there is."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from sandbox import browser
from sandbox.environment import ROOT, ministack, ready

STEPS = {
    "format": ["ruff", "format", "--check", "--output-format", "concise", "."],
    "lint": ["ruff", "check", "."],
    "types": ["mypy"],
    "imports": ["lint-imports", "--no-logo"],
}
MENDED_BY = {"format": ".venv/bin/ruff format .", "lint": ".venv/bin/ruff check --fix ."}
SUPPORTED = ("3.11", "3.12", "3.13")
WORKERS = ["-n", "2", "--dist", "worksteal"]
# On the further Pythons the language is in question, not the machine: what takes long or starts servers ran once.
QUICK = ["-m", "not slow and not live and not deploy"]


def main(arguments: Sequence[str]) -> int:
    """Every check and test, up to the first that fails; with arguments only pytest with those, on .venv's Python."""
    if arguments:
        return _run(sys.executable, ["pytest", *arguments])
    if failed := check([]):
        return failed
    _step("local AWS", lambda: bool(ministack()))
    _step("browser", browser.prepare)
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    if not _step(f"tests on Python {own}", partial(_good, ["pytest", *WORKERS])):
        return 1
    found = {version: interpreter(version) for version in SUPPORTED if version != own}
    for version, python in found.items():
        if python and not _step(
            f"quick tests on Python {version}", partial(_passes_quickly, version, python)
        ):
            return 1
    _report(own, found)
    return 0


def check(arguments: Sequence[str]) -> int:  # noqa: ARG001  # every verb takes its arguments
    """The steps that need no test, up to the first that fails."""
    for name, command in STEPS.items():
        if not _step(name, partial(_good, command)):
            return 1
    return 0


def interpreter(version: str) -> Path | None:
    """A Python of this version that really runs: on the PATH, of pyenv, or the system's."""
    name = f"python{version}"
    pyenv = Path(os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv"))
    homes = sorted(pyenv.glob(f"versions/{version}.*/bin"), reverse=True)
    places = [
        *os.environ.get("PATH", "").split(os.pathsep),
        *map(str, homes),
        "/usr/bin",
        "/usr/local/bin",
    ]
    for place in places:
        candidate = shutil.which(name, path=place)
        if candidate and (real := _real(candidate, version)):
            return real
    return None


def _real(candidate: str, version: str) -> Path | None:
    """The interpreter behind a name that may be a shim, which fails or answers as another version."""
    asked = [candidate, "-c", "import sys; print(*sys.version_info[:2], sep='.'); print(sys.executable)"]
    answer = subprocess.run(asked, capture_output=True, text=True).stdout.split("\n")
    return Path(answer[1]) if answer[0] == version else None


def _step(name: str, runs: Callable[[], bool]) -> bool:
    """Run a step under its name, and say how it went and how long it took."""
    began = time.monotonic()
    print(f"── {name}", flush=True)
    good = runs()
    print(f"── {name}: {'good' if good else 'FAILED'} in {time.monotonic() - began:.1f} s", flush=True)
    if not good and name in MENDED_BY:
        print(f"   Much of it is mended by: {MENDED_BY[name]}", flush=True)
    return good


def _good(command: list[str], python: str | Path = sys.executable) -> bool:
    return _run(python, command) == 0


def _passes_quickly(version: str, python: Path) -> bool:
    venv = ready(f".venv-{version}", "requirements-dev.txt", python)
    return _good(["pytest", *WORKERS, *QUICK], venv)


def _run(python: str | Path, command: list[str]) -> int:
    """A tool of the venv that `python` is of; its exit code."""
    tool = Path(python).parent / command[0]
    return subprocess.run([tool, *command[1:]], cwd=ROOT).returncode


def _report(own: str, found: dict[str, Path | None]) -> None:
    print(f"── Python {own}: every test")
    for version, python in found.items():
        print(
            f"── Python {version}: {'the quick tests' if python else 'not found on this machine, not tested'}"
        )
