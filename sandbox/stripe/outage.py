"""An outage: every request of /v1 fails alike until it is lifted, or until the clock has passed its end."""

from __future__ import annotations

from typing import Any

from sandbox.stripe.clock import Clock
from sandbox.stripe.errors import invalid
from sandbox.stripe.replies import Answer, Cut, Reply, dumped

_BODY = dumped({"error": {"type": "api_error", "message": "Stripe is temporarily unavailable."}})


class Outage:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._answer: str | None = None
        self._until: float | None = None

    def begin(self, answer: str, until: float | None) -> None:
        if answer not in ("503", "reset"):
            raise invalid("Invalid answer: must be one of 503, reset", param="answer")
        self._answer, self._until = answer, until

    def lift(self) -> None:
        self._answer = self._until = None

    def answer(self) -> Answer | None:
        """What everyone gets, while it lasts."""
        if self._answer is None:
            return None
        if self._until is not None and self._clock.now() >= self._until:
            self.lift()
            return None
        return Cut("reset") if self._answer == "reset" else Reply(503, _BODY)

    def shown(self) -> dict[str, Any]:
        return {"answer": self._answer, "until": self._until}
