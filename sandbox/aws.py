"""The local AWS: ministack as a child process on loopback, its state in .local, gone when we are."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

from sandbox.environment import ROOT, ministack

LOCAL = ROOT / ".local"
STARTER = Path(__file__).parent / "local_aws.py"
OURS = ("AWS_", "PYTHON", "PERENNIAL_", "STRIPE_")
HEALTHY_WITHIN = 60  # seconds; it takes 0.3 on an idle machine
STOPPED_WITHIN = 30  # seconds, for it to save its state

# Asks Linux to end ministack when we die without saying so (a killed test run), then becomes it.
LEASH = """
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
os.execv(sys.argv[1], sys.argv[1:])
"""


class AwsError(Exception):
    """The local AWS did not start or stop as it should."""


class Aws:
    """A running local AWS. Start it from the main thread: Linux ends it with the thread that started it."""

    def __init__(self, *, port: int | None = None, state: Path | None = None, policies: bool = False) -> None:
        """Start on `port` (a free one by default) and wait until it answers; with `state`, what it holds survives a stop.

        With `policies`, a Lambda function may do what its role's IAM policy allows and nothing else.
        """
        self.port = free_port(port or 0)
        self.endpoint = f"http://127.0.0.1:{self.port}"
        # Its log and its Lambda folders, which pile up: they go with it, or with the next one where we were killed.
        self._scratch = LOCAL / f"aws-{os.getpid()}-{self.port}"
        self.log = self._scratch / "log"
        self._process = self._start(state, policies)
        self._wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.stop()

    def environment(self, account: str = "000000000000") -> dict[str, str]:
        """What makes boto3, pynamodb and Chalice speak to this AWS; each 12-digit `account` is a world of its own."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": account,
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def reset(self) -> None:
        """Forget everything in every account; 4–5 ms."""
        request = urllib.request.Request(f"{self.endpoint}/_ministack/reset", method="POST")
        urllib.request.urlopen(request, timeout=30).close()

    def stop(self) -> None:
        """End it gracefully, since only then is its state saved; harmless when it has ended."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOPPED_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AwsError(
                f"The local AWS did not stop in {STOPPED_WITHIN} s; its state may be lost."
            ) from None
        finally:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def _start(self, state: Path | None, policies: bool) -> subprocess.Popen[bytes]:
        python = ministack()
        _sweep()
        self._scratch.mkdir(parents=True)
        command = [sys.executable, "-c", LEASH, str(python), str(STARTER)]
        with self.log.open("wb") as log:
            # A session of its own: Ctrl-C reaches us alone, and we stop it gracefully.
            return subprocess.Popen(
                command,
                env=self._settings(state) | ({"AUTH": "true"} if policies else {}),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def _settings(self, state: Path | None) -> dict[str, str]:
        """Its environment, which its Lambda functions inherit: none of ours that speaks of AWS, Python or a deployment."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        settings = {
            "BIND_HOST": "127.0.0.1",  # it would listen on every interface
            "GATEWAY_PORT": str(self.port),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "LOG_LEVEL": "WARNING",
            "TMPDIR": str(self._scratch),
            "PERSIST_STATE": "1" if state else "0",
            "STATE_DIR": str(state or self._scratch / "state"),
        }
        if state:
            state.mkdir(parents=True, exist_ok=True)
        return inherited | settings | {"AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}

    def _wait(self) -> None:
        patience = time.monotonic() + HEALTHY_WITHIN
        while self._process.poll() is None and time.monotonic() < patience:
            try:
                urllib.request.urlopen(f"{self.endpoint}/_ministack/health", timeout=5).close()
                return
            except OSError:
                time.sleep(0.05)
        self._process.kill()
        self._process.wait()
        told = self.log.read_text(errors="replace")[-2000:]
        shutil.rmtree(self._scratch, ignore_errors=True)
        raise AwsError(f"The local AWS did not answer at {self.endpoint}. Its log ends:\n{told}")


def _sweep() -> None:
    """Remove what killed processes left."""
    for left in LOCAL.glob("aws-*-*"):
        if not _alive(int(left.name.split("-")[1])):
            shutil.rmtree(left, ignore_errors=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # someone else's
        return True
    return True


def free_port(port: int = 0) -> int:
    """This loopback port, if nothing listens on it (or else AwsError); with 0 one that is free now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as problem:
            raise AwsError(
                f"Port {port} of 127.0.0.1 cannot be used: {problem.strerror}. Is another ./dev up running?"
            ) from None
        found: int = probe.getsockname()[1]
        return found
