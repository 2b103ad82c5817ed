"""Somebody's endpoint, as a webhook is posted to it."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What an endpoint said: `status` is HTTP's, 0 where no answer came; `said` the begin of its body, or what went wrong."""

    status: int
    said: str = ""
    millis: int = 0


class Hooks(Protocol):
    """Posts to addresses that strangers named; thread-safe."""

    def post(self, url: str, body: bytes, headers: dict[str, str]) -> Answered:
        """Send once. Never raises for what is at the other end: that is the answer."""
