"""A Chromium of the machine's own: Debian's, installed where that can be done, for the tests of pages.

Playwright's driver comes with its package, its browsers do not: they would be downloaded from elsewhere.
"""

import fcntl
import os
import shutil
import subprocess
import sys

from sandbox.environment import TOOLS

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = "there is no Chromium on this machine; install one, as by: sudo apt-get install chromium"


def ready() -> str | None:
    """Where the browser is, installed now if it was not and root may; None where there is none."""
    return found() or _installed()


def found() -> str | None:
    """Where the browser is."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def prepare() -> bool:
    """Say which browser the tests of pages use, or that they are left out and why; never a failure."""
    path = ready()
    print(f"   {path}" if path else f"   tests/browser is left out: {MISSING}", flush=True)
    return True


def _installed() -> str | None:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return None
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / "browser.held").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # one process installs; others wait, then find it
        if already := found():
            return already
        print("Installing Debian's chromium (about a minute)", file=sys.stderr, flush=True)
        install = ["apt-get", "install", "--yes", "--no-install-recommends", "chromium"]
        if _runs(install) or (_runs(["apt-get", "update"]) and _runs(install)):
            return found()
    return None


def _runs(command: list[str]) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(command, env=environment, capture_output=True).returncode == 0
