"""The server: one thread that owns all state and answers everyone, with webhooks sent from threads beside it."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sandbox.stripe import pages, settlement, webhooks
from sandbox.stripe.api import Api
from sandbox.stripe.clock import Clock
from sandbox.stripe.controls import PREFIX, Controls
from sandbox.stripe.errors import broken
from sandbox.stripe.faults import Faults
from sandbox.stripe.outage import Outage
from sandbox.stripe.rate import Rate
from sandbox.stripe.replies import Answer, Reply, Request, dumped
from sandbox.stripe.state import World
from sandbox.stripe.storage import Storage
from sandbox.stripe.wire import Connection

TICK = 0.5
"""Seconds of real time between looks at what is due, and between saves."""


class StripeServer:
    """`with StripeServer() as stripe: StripeClient(key, base_addresses={"api": stripe.url})`.

    Without `keys`, every `sk_test_…` and `rk_test_…` is good. Port 0 takes a free one.
    """

    def __init__(
        self, port: int = 0, *, state: Path | None = None, keys: frozenset[str] | None = None
    ) -> None:
        self._wanted_port = port
        self._path = state
        clock = Clock()
        self.hooks = webhooks.Webhooks(clock)
        self.world = World(clock, self.hooks.tell)
        self._outage = Outage(clock)
        faults = Faults()
        rate = Rate()
        self._api = Api(self.world, faults, rate, keys)
        self._controls = Controls(
            self.world,
            self.hooks,
            faults_=faults,
            rate=rate,
            outage=self._outage,
            forget_saved=self._forget_saved,
        )
        self._open: set[Connection] = set()
        self._storage: Storage | None = None
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> Self:
        """On a thread of its own; returns when it listens."""
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self.serve()), daemon=True, name="sandbox stripe"
        )
        self._thread.start()
        self._ready.wait(30)
        if not self.port:
            raise RuntimeError(f"The sandbox's Stripe cannot listen on port {self._wanted_port}.")
        return self

    def stop(self) -> None:
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._stopped.set)
            self._thread.join(30)
            self._thread = None

    async def serve(self, *, announce: bool = False) -> None:
        """Until `stop_soon`, on the running loop."""
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        self._load()
        try:
            listening = await self._loop.create_server(
                lambda: Connection(self.answer, self._open), "127.0.0.1", self._wanted_port, backlog=512
            )
            self.port = listening.sockets[0].getsockname()[1]
            self.world.home = self.url
            pages.move_in(self.world)
        finally:
            self._ready.set()
        if announce:
            print(f"ready {self.url}", flush=True)
        ticking = asyncio.create_task(self._tick())
        await self._stopped.wait()
        ticking.cancel()
        listening.close()
        self._end()

    def stop_soon(self) -> None:
        """From a signal handler of the running loop."""
        self._stopped.set()

    def answer(self, request: Request) -> Answer:
        if request.path.startswith(PREFIX):
            return self._controls.answer(request)
        if request.path.startswith(pages.OURS):
            return pages.answer(self.world, request)
        try:
            return self._outage.answer() or self._api.answer(request)
        except UnicodeDecodeError:
            return Reply(400, dumped({"error": {**broken().error, "message": "The request is not UTF-8."}}))

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            settlement.settle(self.world, self.world.clock.now())
            self.hooks.retry_due()
            for account in self.world.accounts.values():
                account.forget_old(self.world.clock.now())
            self._save()

    def _load(self) -> None:
        if self._path is None:
            return
        self._storage = Storage(self._path)
        own = self._storage.load(self.world)
        self.world.clock.moment = own.get("clock")
        self.world.requests = Counter(own.get("requests", {}))
        for kept in own.get("endpoints", []):
            self._restore(kept)
        settlement.reschedule(self.world)

    def _restore(self, kept: dict[str, Any]) -> None:
        endpoint = webhooks.endpoint(kept)
        self.hooks.add(endpoint)
        for account, event, attempts, retry_at in kept["held"]:
            found = self.world.account(account).find(event)
            if found is not None:
                endpoint.held.append(webhooks.Delivery(account, found, attempts, retry_at))

    def _save(self) -> None:
        if self._storage is not None:
            own = {
                "clock": self.world.clock.moment,
                "requests": self.world.requests,
                "endpoints": self.hooks.kept(),
            }
            self._storage.save(self.world, own)

    def _forget_saved(self) -> None:
        if self._storage is not None:
            self._storage.forget()

    def _end(self) -> None:
        for connection in list(self._open):
            connection.close()
        self._save()
        self.hooks.clear()
        if self._storage is not None:
            self._storage.close()
