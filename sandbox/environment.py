"""The project's own Pythons: uv, and the venvs it makes from the locks.

Standard library only, since `./dev` runs it with whatever Python the machine has, before anything is installed.
Nothing outside the project's folder is written, but the caches of pip and uv.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from ast import literal_eval
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
UV = TOOLS / "uv" / "bin" / "uv"

# Each lock and what it is made from, in this order: a later one keeps to the versions of an earlier one.
LOCKS = {
    "requirements.txt": ["pyproject.toml"],
    "requirements-dev.txt": ["pyproject.toml", "--group", "dev", "--constraints", "requirements.txt"],
    "requirements-ministack.txt": ["--group", "ministack"],
    "requirements-setup.txt": ["--group", "setup"],
}


class SetUpError(Exception):
    """What keeps an environment from being made, in words a person can act on."""


def main(arguments: Sequence[str]) -> NoReturn:
    """Run `./dev`: make .venv where it is not as locked, then become its Python running the verb."""
    try:
        if arguments and arguments[0] == "lock":
            lock(arguments[1:])
            raise SystemExit(0)
        python = ready(".venv", "requirements-dev.txt", existing_python(".venv") or sys.executable)
    except SetUpError as problem:
        raise SystemExit(f"./dev: {problem}") from None
    os.execv(python, [str(python), "-m", "sandbox.cli", *arguments])  # noqa: S606  # no shell is wanted


def lock(arguments: Sequence[str]) -> None:
    """Recompile every lock from pyproject.toml, keeping versions that still fit (`--upgrade` takes newer ones)."""
    for name, sources in LOCKS.items():
        _say(f"Locking {name}")
        # `--universal`: one lock for every Python from 3.11 on and every platform. No index address may enter it.
        style = ["--universal", "--python-version", "3.11", "--generate-hashes"]
        quiet = ["--quiet", "--no-emit-index-url", "--no-annotate", "--no-header"]
        _run_uv("pip", "compile", *style, *quiet, *sources, "--output-file", name, *arguments)


def ministack(python: str | Path = sys.executable) -> Path:
    """The local AWS's Python, in a venv of its own because it pins its botocore; same version as ours, as it runs our handlers."""
    return ready(".ministack", "requirements-ministack.txt", python)


def ready(name: str, requirements: str, base: str | Path) -> Path:
    """The Python of the venv `name`, made from `base` and holding exactly what the lock `requirements` says."""
    python = ROOT / name / "bin" / "python"
    stamp = ROOT / name / ".perennial"
    with _alone(name):
        wanted = f"{ROOT}\n{_version(base)}\n{_digest(requirements)}\n"
        found = stamp.read_text() if stamp.exists() and python.exists() else ""
        if found == wanted:
            return python
        began = time.monotonic()
        _say(f"Setting up {name} from {requirements} (the first time it downloads, which takes a minute)")
        if (ROOT / name).is_symlink():  # another tree's: it stays as it is, and this one gets its own
            (ROOT / name).unlink()
            found = ""
        stamp.unlink(missing_ok=True)
        if found.splitlines()[:2] != wanted.splitlines()[:2]:  # moved, or of another Python: made anew
            _run_uv("venv", "--clear", "--no-project", "--quiet", "--python", str(base), name)
        _run_uv("pip", "sync", *_loudness(), "--require-hashes", "--python", str(python), requirements)
        stamp.write_text(wanted)
        _say(f"Set up {name} in {time.monotonic() - began:.0f} s")
    return python


def existing_python(name: str) -> Path | None:
    """The Python of a venv that is there and complete: it is kept, whichever Python `./dev` was started with."""
    python = ROOT / name / "bin" / "python"
    own = python.exists() and not (ROOT / name).is_symlink()
    return python if own and (ROOT / name / ".perennial").exists() else None


def unpack(requirements: str, into: Path, *, python: str, platform: str) -> None:
    """Unpack what a lock holds into a folder: wheels for a Python (`3.12`) and a platform that need not be ours."""
    target = ["--target", str(into), "--python-version", python, "--python-platform", platform]
    only = ["--only-binary", ":all:", "--no-deps", "--require-hashes"]
    _run_uv("pip", "install", "--quiet", *only, *target, "--python", sys.executable, "-r", requirements)


def uv() -> Path:
    """The project's own uv, of the locked version."""
    stamp = TOOLS / "uv" / ".perennial"
    with _alone("uv"):
        wanted = _digest("requirements-setup.txt")
        if not (UV.exists() and stamp.exists() and stamp.read_text() == wanted):
            _say("Setting up uv in .tools")
            shutil.rmtree(TOOLS / "uv", ignore_errors=True)
            # With `--target` pip leaves the system's Python alone, so it isn't refused where that is externally managed.
            options = ["-qq", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
            command = [
                *_pip(),
                "install",
                *options,
                "--target",
                str(TOOLS / "uv"),
                "-r",
                "requirements-setup.txt",
            ]
            if subprocess.run(command, cwd=ROOT, env=_pip_environment()).returncode:
                raise SetUpError("pip could not install uv; what it says above tells why.")
            stamp.write_text(wanted)
    return UV


def _pip() -> list[str]:
    """A pip: this Python's, one of a venv in .tools, or Debian's installed for the purpose."""
    own = [sys.executable, "-m", "pip"]
    if _works([*own, "--version"]):
        return own
    _say("This Python has no pip: making one in .tools/pip")
    venv = TOOLS / "pip"
    if _works([sys.executable, "-m", "venv", "--clear", str(venv)]):
        return [str(venv / "bin" / "python"), "-m", "pip"]
    shutil.rmtree(venv, ignore_errors=True)
    if os.geteuid() == 0 and shutil.which("apt-get"):
        _say("Nor can it make one: installing Debian's python3-pip")
        install = ["apt-get", "install", "--yes", "--no-install-recommends", "python3-pip"]
        if _works(install) or (_works(["apt-get", "update"]) and _works(install)):
            debian = ["/usr/bin/python3", "-m", "pip"]
            return own if _works([*own, "--version"]) else debian
    raise SetUpError(
        f"{sys.executable} has neither pip nor venv. Install one of them and start again, "
        "as by: sudo apt-get install python3-pip (Debian, Ubuntu); dnf install python3-pip (Fedora)."
    )


def _run_uv(*arguments: str) -> None:
    """uv, which must succeed."""
    if subprocess.run([str(uv()), *arguments], cwd=ROOT, env=_uv_environment()).returncode:
        raise SetUpError(f"uv {' '.join(arguments[:2])} failed; what it says above tells why.")


def _uv_environment() -> dict[str, str]:
    """The machine's pip configuration said in uv's words, so that one set-up of a machine serves both."""
    configured = _pip_configuration()
    said = {
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_SYSTEM_CERTS": "true",
        "UV_DEFAULT_INDEX": configured.get("index-url"),
        "UV_INSECURE_HOST": configured.get("trusted-host"),
        "UV_HTTP_TIMEOUT": configured.get("default-timeout") or configured.get("timeout"),
        "SSL_CERT_FILE": configured.get("cert"),
        "HTTPS_PROXY": configured.get("proxy"),
    }
    environment = {**{name: value for name, value in said.items() if value}, **_pip_environment()}
    environment.pop("VIRTUAL_ENV", None)  # someone's activated venv isn't ours
    return environment


def _pip_configuration() -> dict[str, str]:
    """pip's settings of every section by their bare names; the environment's, which pip lists first, win."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        capture_output=True,
        text=True,
        env=_pip_environment(),
    )
    settings = {
        name.removeprefix("PIP_").lower().replace("_", "-"): value
        for name, value in os.environ.items()
        if name.startswith("PIP_")
    }
    for line in listed.stdout.splitlines() if listed.returncode == 0 else []:
        key, _, value = line.partition("=")
        settings.setdefault(key.rpartition(".")[2], str(literal_eval(value)))
    return settings


def _pip_environment() -> dict[str, str]:
    """This environment, less what would divert pip, and with caches in the project where there is no home for them."""
    environment = {
        **os.environ,
        "PIP_USER": "0",
        "PIP_REQUIRE_VIRTUALENV": "0",
        "PIP_ROOT_USER_ACTION": "ignore",
    }
    home = os.environ.get("HOME", "")
    if not (home and os.path.isdir(home) and os.access(home, os.W_OK)):
        environment.setdefault("UV_CACHE_DIR", str(TOOLS / "cache" / "uv"))
        environment.setdefault("PIP_CACHE_DIR", str(TOOLS / "cache" / "pip"))
        environment["HOME"] = str(TOOLS / "cache")
    return environment


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """Hold the making of `name` to one process at a time; others wait, then find it made."""
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / f"{name.lstrip('.')}.held").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _version(python: str | Path) -> str:
    """`3.12.1` of a Python, without starting it where it is this one or a venv's."""
    if Path(python) == Path(sys.executable):
        return sys.version.split()[0]
    configuration = Path(python).parent.parent / "pyvenv.cfg"
    for line in configuration.read_text().splitlines() if configuration.exists() else []:
        if line.startswith("version_info = "):
            return line.removeprefix("version_info = ")
    command = [str(python), "-c", "import sys; print(sys.version.split()[0])"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


def _digest(requirements: str) -> str:
    return hashlib.sha256((ROOT / requirements).read_bytes()).hexdigest()


def _works(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, env=_pip_environment()).returncode == 0


def _loudness() -> list[str]:
    """uv's progress bars for a person; for a log only our own lines."""
    return [] if sys.stderr.isatty() else ["--quiet"]


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
