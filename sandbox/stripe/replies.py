"""What goes back over the connection: an answer, nothing at all, or an answer after a while."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

_encode = json.JSONEncoder(separators=(",", ":")).encode


def dumped(value: Any) -> bytes:
    return _encode(value).encode()


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: str
    headers: dict[str, str]
    """By name in lower case."""
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection ends without an answer: closed, or reset."""

    how: Literal["close", "reset"]


@dataclass(frozen=True, slots=True)
class Held:
    """Answered after a while, without keeping anyone else waiting."""

    seconds: float
    resume: Callable[[], Answer]


@dataclass(frozen=True, slots=True)
class Busy:
    """Answered by work that waits for others (webhooks to be delivered), so it is done on a thread."""

    work: Callable[[], Reply]


Answer = Reply | Cut | Held | Busy
