"""When each record is to be worked, and what is kept out of that: records parked for errors of their own."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from chalicelib.billing.errors import NotFound
from chalicelib.store import keys
from chalicelib.store.calls import Calls, Item

MAX_FAILURES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """A record taken out of the schedules, and why."""

    key: str
    failures: int
    error: str
    parked_at: datetime


class Schedules:
    """The table's index of wakes."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def awake(
        self, shard: str, until: datetime, limit: int, after: tuple[str, str] | None = None
    ) -> list[tuple[str, str]]:
        """The (stamp, key) of what is awake in a shard at a moment, oldest first, beyond a (stamp, key) seen before."""
        values = {":shard": {"S": shard}, ":until": {"S": keys.stamp(until)}}
        names = {"#shard": "wake_shard", "#at": "wake_at"}
        start = None
        if after is not None:
            start = {"wake_shard": {"S": shard}, "wake_at": {"S": after[0]}, "key": {"S": after[1]}}
        condition = "#shard = :shard AND #at <= :until"
        answer = self._calls.query("ByWake", condition, names, values, limit=limit, forward=True, start=start)
        return [(item["wake_at"]["S"], item["key"]["S"]) for item in answer["Items"]]

    def blame(self, key: str, error: str, now: datetime) -> int:
        """Count an error of the record's own, and park it with the fifth; returns the count, 0 for no such record.

        Version and body stay as they are.
        """
        item = self._update(key, "ADD failures :one", {":one": {"N": "1"}}) or {}
        failures = int(item.get("failures", {"N": "0"})["N"])
        if failures >= MAX_FAILURES and "parked" not in item:
            self._park(key, item, error, now)
        return failures

    def _park(self, key: str, item: Item, error: str, now: datetime) -> None:
        stood = {"shard": item["wake_shard"]["S"], "at": item["wake_at"]["S"]} if "wake_shard" in item else {}
        why = json.dumps(stood | {"error": error[:500], "parked_at": keys.stamp(now)})
        values = {
            ":shard": {"S": keys.parked_shard(keys.account_of(key))},
            ":at": {"S": keys.stamp(now)},
            ":parked": {"S": why},
        }
        self._update(key, "SET wake_shard = :shard, wake_at = :at, parked = :parked", values)

    def forgive(self, key: str, failures: int) -> None:
        """The record was worked without an error: its count starts over, unless another was counted meanwhile."""
        self._update(key, "REMOVE failures", {":count": {"N": str(failures)}}, " AND failures = :count")

    def parked(
        self, account: str, *, limit: int, after: str | None = None
    ) -> tuple[list[Parked], str | None]:
        """What is parked in an account, oldest first."""
        seen = tuple(after.split("|", 1)) if after else None
        end = datetime.fromisoformat("9999-01-01T00:00:00+00:00")
        found = self.awake(keys.parked_shard(account), end, limit + 1, cast(tuple[str, str] | None, seen))
        shown = found[:limit]
        items = (
            {item["key"]["S"]: item for item in self._calls.read([key for _, key in shown])} if shown else {}
        )
        rows = [_parked(items[key]) for _, key in shown if key in items and "parked" in items[key]]
        return rows, "|".join(shown[-1]) if len(found) > limit else None

    def release(self, key: str) -> None:
        """Put a parked record back where it stood in the schedules. Raises NotFound where it is not parked."""
        items = list(self._calls.read([key]))
        if not items or "parked" not in items[0]:
            raise NotFound("not_parked", f"{key.partition('/')[2]!r} is not parked.", "id")
        stood = json.loads(items[0]["parked"]["S"])
        if "shard" not in stood:
            self._update(key, "REMOVE wake_shard, wake_at, parked, failures", {})
            return
        values = {":shard": {"S": stood["shard"]}, ":at": {"S": stood["at"]}}
        self._update(key, "SET wake_shard = :shard, wake_at = :at REMOVE parked, failures", values)

    def _update(self, key: str, expression: str, values: Item, only_if: str = "") -> Item | None:
        """A record's attributes after an update; None where there is no such record, or it is not as it should be."""
        condition = "attribute_exists(#key)" + only_if
        return self._calls.update(key, expression, values, names={"#key": "key"}, condition=condition)


def _parked(item: Item) -> Parked:
    why = json.loads(item["parked"]["S"])
    return Parked(
        key=item["key"]["S"],
        failures=int(item.get("failures", {"N": "0"})["N"]),
        error=why["error"],
        parked_at=datetime.fromisoformat(why["parked_at"]),
    )
