"""How much this Stripe takes: a limit of requests a second, and how long each takes, both off until they are set.

https://docs.stripe.com/rate-limits: 25 requests a second in a sandbox, 100 in live mode, for each account. A second is
one of real time, whatever the server's clock says.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sandbox.stripe.errors import StripeError, invalid, rate_limited


@dataclass(slots=True)
class Bucket:
    """Fills by what is allowed in a second, and holds as much as one second's."""

    left: float
    at: float


@dataclass(slots=True)
class Rate:
    per_second: float | None = None
    retry_after: str | None = None
    seconds: float = 0.0
    """What every request takes."""
    refused: Counter[str] = field(default_factory=Counter)
    _buckets: dict[str, Bucket] = field(default_factory=dict)

    def limit(self, given: dict[str, Any]) -> None:
        wanted = given.get("per_second")
        if wanted is not None and float(wanted) <= 0:
            raise invalid("Invalid per_second: more than 0, or null for no limit.", param="per_second")
        after = given.get("retry_after")
        self.per_second = None if wanted is None else float(wanted)
        self.retry_after = None if after is None else str(after)
        self._buckets.clear()

    def take(self, seconds: Any) -> None:
        """Every request takes so long from now on."""
        if float(seconds) < 0:
            raise invalid("Invalid seconds: 0 or more.", param="seconds")
        self.seconds = float(seconds)

    def refusal(self, account: str) -> StripeError | None:
        """The 429 of a request that is one too many."""
        if self.per_second is None:
            return None
        now = time.monotonic()
        most = max(self.per_second, 1.0)
        bucket = self._buckets.setdefault(account, Bucket(most, now))
        bucket.left = min(most, bucket.left + (now - bucket.at) * self.per_second)
        bucket.at = now
        if bucket.left >= 1:
            bucket.left -= 1
            return None
        self.refused[account] += 1
        return rate_limited("rate_limit", self.retry_after)

    def forget(self) -> None:
        self.per_second, self.retry_after, self.seconds = None, None, 0.0
        self.refused.clear()
        self._buckets.clear()

    def shown(self) -> dict[str, Any]:
        return {
            "per_second": self.per_second,
            "retry_after": self.retry_after,
            "seconds": self.seconds,
            "refused": self.refused,
        }
