"""The server's clock: real time, until it is set; then it stands at that moment until it is moved."""

from __future__ import annotations

import time


class Clock:
    def __init__(self) -> None:
        self.moment: float | None = None

    def now(self) -> int:
        """Seconds since 1970."""
        return int(time.time() if self.moment is None else self.moment)
