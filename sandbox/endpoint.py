"""Somebody's endpoint on this machine: it hears webhooks, remembers each, and answers as it is told to."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOO_LONG = 60


@dataclass(frozen=True, slots=True)
class Came:
    """One request: its raw body, its headers in lower case, and what it was answered."""

    body: bytes
    headers: dict[str, str]
    status: int

    @property
    def event(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.body)
        return told

    @property
    def accepted(self) -> bool:
        return 200 <= self.status <= 299


@dataclass
class Endpoint:
    """`status` is what it answers, or a function of the event it is told; while it `hangs`, it answers nothing."""

    status: int | Callable[[dict[str, Any]], int] = 200
    said: str = "ok"
    came: list[Came] = field(default_factory=list)
    held: int = 0
    port: int = 0

    def __post_init__(self) -> None:
        self._lock, self._free = threading.Lock(), threading.Event()
        self._free.set()
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self) -> "Endpoint":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._free.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/hooks"

    @property
    def accepted(self) -> list[dict[str, Any]]:
        """The events it took, in the order they came."""
        return [one.event for one in self.came if one.accepted]

    def hangs(self) -> None:
        """From now on nobody is answered, until it is let go."""
        self._free.clear()

    def lets_go(self) -> None:
        """Whoever waits is answered."""
        self._free.set()

    def _answer(self, body: bytes, headers: dict[str, str]) -> int:
        with self._lock:
            self.held += 1
        self._free.wait(TOO_LONG)
        with self._lock:
            self.held -= 1
            status = self.status if isinstance(self.status, int) else self.status(json.loads(body))
            self.came.append(Came(body, headers, status))
        return status

    def _handler(endpoint) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - `self` is the handler's
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = endpoint._answer(body, {name.lower(): value for name, value in self.headers.items()})
                said = endpoint.said.encode()
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(said)))
                    self.end_headers()
                    self.wfile.write(said)
                except OSError:
                    return  # nobody waits any more

            def log_message(self, *_: object) -> None:
                pass

        return Handler
