"""HTTP/1.1 as far as a client of Stripe needs it: keep-alive connections, one request after the other."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from http import HTTPStatus
from typing import cast

from sandbox.stripe.replies import Answer, Busy, Cut, Held, Reply, Request

_REASONS = {status.value: status.phrase for status in HTTPStatus}
_RESET_AT_CLOSE = struct.pack("ii", 1, 0)


class Connection(asyncio.Protocol):
    """One client. While an answer is awaited, what it sends next stays in the buffer."""

    def __init__(self, answer: Callable[[Request], Answer], open_: set[Connection]) -> None:
        self._answer = answer
        self._open = open_
        self._buffer = bytearray()
        self._waiting = False
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._open.add(self)

    def connection_lost(self, _: Exception | None) -> None:
        self._transport = None
        self._open.discard(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._work()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.abort()

    def _work(self) -> None:
        while not self._waiting and self._transport is not None:
            request = self._next()
            if request is None:
                return
            self._send(self._answer(request))

    def _next(self) -> Request | None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        head, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        size = int(headers.get("content-length", 0))
        if len(self._buffer) < end + 4 + size:
            self._let_come(headers)
            return None
        body = bytes(self._buffer[end + 4 : end + 4 + size])
        del self._buffer[: end + 4 + size]
        method, target, _ = head.split(" ", 2)
        path, _, query = target.partition("?")
        return Request(method, path, query, headers, body)

    def _let_come(self, headers: dict[str, str]) -> None:
        """curl asks before it sends a large body; asking again does no harm, so the answer is given each time."""
        if headers.get("expect", "").lower() == "100-continue" and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _send(self, answer: Answer) -> None:
        loop = asyncio.get_running_loop()
        match answer:
            case Reply():
                self._write(answer)
            case Cut(how):
                self._cut(how)
            case Held(seconds, resume):
                self._waiting = True
                self._timer = loop.call_later(seconds, lambda: self._resume(resume()))
            case Busy(work):
                self._waiting = True
                done = loop.run_in_executor(None, work)
                done.add_done_callback(lambda future: self._resume(future.result()))

    def _resume(self, answer: Answer) -> None:
        self._waiting = False
        self._timer = None
        self._send(answer)
        self._work()

    def _write(self, reply: Reply) -> None:
        if self._transport is None:
            return
        head = [f"HTTP/1.1 {reply.status} {_REASONS[reply.status]}", f"Content-Type: {reply.type}"]
        head += [f"{name}: {value}" for name, value in reply.headers]
        head.append(f"Content-Length: {len(reply.body)}\r\n\r\n")
        self._transport.write("\r\n".join(head).encode("latin-1") + reply.body)

    def _cut(self, how: str) -> None:
        if self._transport is None:
            return
        if how == "reset":
            raw = self._transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
        self._transport.abort()
