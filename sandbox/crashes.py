"""Ends the worker's process before or after any write, charge, letter or message, at a point that can be named."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from chalicelib.service import Service
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.store import Store
from sandbox.world import Killed

READS = frozenset({"BatchGetItem", "GetItem", "Query", "DescribeTable"})


class Crashes:
    """Counts the points a service passes, and ends the process at the `at`-th (from 1; 0 for never), once or `every` so many.

    What has ended does nothing more until a new process is made of it. `struck` is the point of the last end, and
    `keys` are the idempotency keys charges were asked for under, each with the payment its request names.
    """

    def __init__(self, at: int = 0, every: int = 0) -> None:
        self.at, self.every = at, every
        self.ended = False
        self.passed: list[str] = []
        self.keys: list[tuple[str, str]] = []
        self.struck: str | None = None

    def around(self, service: Service) -> Service:
        """The same service, with a point before and after everything that others can see."""
        settings = service.settings
        self.ended = False
        connection: Any = _Connection(Dynamo(settings), self)
        store = Store(connection, settings.table, settings.wake_shards)
        watched: dict[str, Any] = {
            name: _Watched(getattr(service, name), name, self) for name in ("gateway", "mailer", "queue")
        }
        return replace(service, store=store, **watched)

    def point(self, name: str) -> None:
        """A point of the worker's way; here it may end. The API's threads are another process, and live on."""
        if not threading.current_thread().name.startswith(("MainThread", "ask")):
            return
        if self.ended:
            raise Killed(name)
        self.passed.append(name)
        beyond = len(self.passed) - self.at
        if self.at and (beyond == 0 or (self.every and beyond > 0 and beyond % self.every == 0)):
            self.struck, self.ended = name, True
            raise Killed(name)

    def run(self, name: str, step: Callable[[], Any]) -> Any:
        """A step with a point before and one after it."""
        self.point(f"before {name}")
        done = step()
        self.point(f"after {name}")
        return done


class _Connection:
    def __init__(self, inner: Any, crashes: Crashes) -> None:
        self._inner, self._crashes = inner, crashes

    def dispatch(self, operation: str, request: dict[str, Any]) -> Any:
        if operation in READS:
            return self._inner.dispatch(operation, request)
        return self._crashes.run(operation, lambda: self._inner.dispatch(operation, request))


class _Watched:
    def __init__(self, inner: Any, name: str, crashes: Crashes) -> None:
        self._inner, self._name, self._crashes = inner, name, crashes

    def __getattr__(self, method: str) -> Callable[..., Any]:
        call = getattr(self._inner, method)
        if method == "empty":
            return call  # type: ignore[no-any-return]

        def watched(*given: Any, **named: Any) -> Any:
            if method == "charge":
                self._crashes.keys.append((given[0], given[1].metadata["payment"]))
            return self._crashes.run(f"{self._name}.{method}", lambda: call(*given, **named))

        return watched
