"""Reads records and commits them, each guarded by its version; nothing else touches the table."""

import json
import random
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar, cast

from chalicelib.aws import AwsRefused, AwsSilent, AwsUnreachable
from chalicelib.billing.errors import NotFound
from chalicelib.billing.wake import Wake
from chalicelib.store import keys
from chalicelib.store.changes import (
    Changeset,
    Conflict,
    Foreign,
    Outage,
    Oversized,
    Reading,
    Unwritable,
    not_found,
    versioned,
)
from chalicelib.store.dynamo import Connection
from chalicelib.store.keys import Record
from chalicelib.store.shapes import NewerShape, Shapes, Undecodable

MAX_ITEMS = 100
MAX_FAILURES = 5
MAX_TRIES = 8
BUSY = frozenset(
    {
        "TransactionConflict",
        "TransactionConflictException",
        "TransactionInProgressException",
        "ThrottlingError",
        "ThrottlingException",
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "InternalServerError",
        "ServiceUnavailable",
    }
)
T = TypeVar("T")
# What DynamoDB says of the items themselves; any other no, such as one of IAM's, is nobody's own fault.
ANSWERS = frozenset(
    {"ConditionalCheckFailedException", "TransactionCanceledException", "ValidationException"}
)
TOO_LARGE = frozenset({"ValidationError", "ItemCollectionSizeLimitExceeded"})
Item = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some of an owner's records in order; `next` continues, None at the end."""

    records: list[Record]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Some of an owner's records in order, by key, with all that was read of them; `next` as a page's."""

    keys: list[str]
    reading: Reading
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """A record taken out of the schedules, and why."""

    key: str
    failures: int
    error: str
    parked_at: datetime


class Store:
    """Thread-safe, as its connection is."""

    def __init__(self, connection: Connection, table: str, shards: int, shapes: Shapes | None = None) -> None:
        self._dispatch = connection.dispatch
        self._table = table
        self._shards = shards
        self._shapes = shapes or Shapes()
        self._seen: dict[str, int] = {}

    # -- which ------------------------------------------------------------------------------------

    def load(self, account: str, wanted: Iterable[str]) -> Reading:
        """Read an account's records by key, consistently, 100 to a request; what does not exist is left out.

        Raises Foreign on a key of another account.
        """
        reading = Reading()
        todo = list(dict.fromkeys(wanted))
        for key in todo:
            if not key.startswith(f"{account}/"):
                raise Foreign(f"{key} is not of {account}.")
        for start in range(0, len(todo), MAX_ITEMS):
            for item in self._batch_get(todo[start : start + MAX_ITEMS]):
                self._read_into(reading, item)
        return reading

    def find(self, type_: type[T], account: str, id_: str) -> T | None:
        """One record, or None."""
        key = keys.key(type_, account, id_)
        reading = self.load(account, [key])
        return reading.find(type_, account, id_)

    def get(self, type_: type[T], account: str, id_: str) -> T:
        """One record. Raises NotFound."""
        found = self.find(type_, account, id_)
        if found is None:
            raise not_found(type_, id_)
        return found

    def _batch_get(self, wanted: list[str]) -> Iterator[Item]:
        request: dict[str, Any] = {
            self._table: {"Keys": [{"key": {"S": key}} for key in wanted], "ConsistentRead": True}
        }
        tries = 0
        while request:
            answer = self._call("BatchGetItem", {"RequestItems": request})
            yield from answer["Responses"].get(self._table, ())
            request = answer.get("UnprocessedKeys") or {}
            if request:
                tries += 1
                _pause(tries, "BatchGetItem left keys unread")

    def _read_into(self, reading: Reading, item: Item) -> None:
        key = item["key"]["S"]
        if failures := item.get("failures"):
            reading.failures[key] = failures["N"]
        if parked := item.get("parked"):
            reading.parked[key] = parked["S"]
        if shard := item.get("wake_shard"):
            reading.stood[key] = (shard["S"], item["wake_at"]["S"])
        try:
            shape = int(item["shape"]["N"])
            reading.records[key] = self._shapes.decode(item["kind"]["S"], shape, item["body"]["S"])
        except NewerShape as newer:
            reading.newer[key] = newer
        except (Undecodable, KeyError) as error:
            reading.broken[key] = error if isinstance(error, Undecodable) else Undecodable(f"No {error}.")

    # -- commit -----------------------------------------------------------------------------------

    def commit(self, changes: Changeset) -> Reading:
        """Write all records or none, each only if nobody wrote it since; the answer has them in their new versions.

        What was read parked stays so, until a person releases it or it waits for nothing any more. Raises Conflict, Unwritable or Outage.
        """
        written = Reading()
        puts = [
            put
            for key, record in changes.changed.items()
            for put in self._puts(changes, key, record, written)
        ]
        if not puts:
            return written
        checks = [
            self._check(key, record) for key, record in changes.checked.items() if key not in changes.changed
        ]
        if len(puts) + len(checks) > MAX_ITEMS:
            raise Unwritable(f"{len(puts) + len(checks)} items; a transaction takes {MAX_ITEMS}.")
        if len(puts) == 1 and not checks:
            self._write("PutItem", puts[0], [puts[0]["Item"]])
        else:
            items: list[dict[str, Any]] = [{"Put": put} for put in puts]
            items += [{"ConditionCheck": check} for check in checks]
            named = [put["Item"] for put in puts] + [check["Key"] for check in checks]
            self._write("TransactWriteItems", {"TransactItems": items}, named)
        return written

    def _check(self, key: str, record: Record) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "Key": {"key": {"S": key}},
            "ConditionExpression": "version = :read",
            "ExpressionAttributeValues": {":read": {"N": str(record.version)}},
        }

    def _puts(
        self, changes: Changeset, key: str, record: Record, written: Reading
    ) -> Iterator[dict[str, Any]]:
        next_ = versioned(record)
        written.records[key] = next_
        written.written.add(key)
        kind = keys.BY_TYPE[type(record)]
        put: dict[str, Any] = {"TableName": self._table, "Item": self._item(kind, key, next_)}
        stays = changes.before.parked.get(key) if record.wake else None
        if (stays or key in changes.begun) and (failures := changes.before.failures.get(key)):
            put["Item"]["failures"] = {"N": failures}
        if stays:
            put["Item"] |= self._still_parked(key, put["Item"], stays)
            written.parked[key] = stays
        if record.version:
            put["ConditionExpression"] = "version = :read" + _as_read(changes.before, key)
            put["ExpressionAttributeValues"] = {":read": {"N": str(record.version)}}
        else:
            put["ConditionExpression"] = "attribute_not_exists(#key)"
            put["ExpressionAttributeNames"] = {"#key": "key"}
        yield put
        if kind.links:
            yield from self._links(kind, key, changes.before.records.get(key), next_)

    def _item(self, kind: keys.Kind, key: str, record: Record) -> Item:
        body = self._shapes.encode(kind.name, record)
        if (size := len(body) if body.isascii() else len(body.encode())) > kind.largest:
            raise Oversized(key, size, kind.largest)
        item: Item = {
            "key": {"S": key},
            "kind": {"S": kind.name},
            "shape": {"N": str(self._shapes.now(kind.name))},
            "version": {"N": str(record.version)},
            "body": {"S": body},
        }
        if kind.owner and not _unlisted(record):
            item["owner"] = {"S": keys.place(kind.owner, record)}
            item["position"] = {"S": keys.place(kind.position, record)}
        if wake := record.wake:
            item |= self._wake(key, wake)
        expires_at: datetime | None = getattr(record, "expires_at", None)
        if expires_at:
            item["ttl"] = {"N": str(int(expires_at.timestamp()))}
        return item

    def _wake(self, key: str, wake: Wake) -> Item:
        shard = keys.shard_of(key, wake, self._shards)
        return {"wake_shard": {"S": shard}, "wake_at": {"S": keys.stamp(wake.at)}}

    def _still_parked(self, key: str, item: Item, why: str) -> Item:
        """The attributes of a parked record that is written: released it will stand where it says now."""
        kept = json.loads(why)
        kept |= {"shard": item["wake_shard"]["S"], "at": item["wake_at"]["S"]}
        return {
            "wake_shard": {"S": keys.parked_shard(keys.account_of(key))},
            "wake_at": {"S": kept["parked_at"]},
            "parked": {"S": json.dumps(kept)},
        }

    def _links(
        self, kind: keys.Kind, key: str, before: Record | None, after: Record
    ) -> Iterator[dict[str, Any]]:
        for link in kind.links:
            # Listed no more, the item stays under its name, in no index: a write as any other.
            place = None if _unlisted(after) else keys.listed(link, after)
            if place == keys.listed(link, before):
                continue
            stands = {"owner": {"S": place[0]}, "position": {"S": place[1]}} if place else {}
            item: Item = {"key": {"S": f"{key}@{link[0]}"}, "kind": {"S": "link"}, **stands}
            yield {"TableName": self._table, "Item": item}

    def _write(self, operation: str, request: dict[str, Any], items: list[Item]) -> None:
        try:
            self._call(operation, request)
        except AwsRefused as error:
            if error.code == "ConditionalCheckFailedException":
                raise Conflict((items[0]["key"]["S"],)) from error
            lost = tuple(
                item["key"]["S"]
                for item, reason in zip(items, error.reasons, strict=False)
                if reason == "ConditionalCheckFailed"
            )
            if lost:
                raise Conflict(lost) from error
            if error.code == "ValidationException" or TOO_LARGE.intersection(error.reasons):
                raise Unwritable(str(error)) from error
            raise Outage(str(error)) from error

    # -- whose ------------------------------------------------------------------------------------

    def owned(self, owner: str, *, limit: int, after: str | None = None, newest_first: bool = True) -> Page:
        """An owner's records in order of position; `after` is the `next` of the page before."""
        look = self.look(owner, limit=limit, after=after, newest_first=newest_first)
        found = look.reading.records
        return Page(records=[found[name] for name in look.keys if name in found], next=look.next)

    def look(self, owner: str, *, limit: int, after: str | None = None, newest_first: bool = True) -> Look:
        """The same, with those that cannot be read, and where each waits in the schedules."""
        names, next_ = self._owned_keys(owner, limit, after, newest_first)
        return Look(keys=names, reading=self.load(keys.account_of(owner), names), next=next_)

    def listed(self, owner: str, *, limit: int, after: str | None = None) -> tuple[list[str], str | None]:
        """The keys alone, oldest first, and `next` as a page's: also of what is listed under the house and is an account's."""
        return self._owned_keys(owner, limit, after, newest_first=False)

    def astray(self, records: Iterable[Record]) -> list[str]:
        """The keys of link items that do not stand where the records say they are listed."""
        wanted = {
            f"{keys.key_of(record)}@{link[0]}": place
            for record in records
            for link in keys.BY_TYPE[type(record)].links
            if (place := keys.listed(link, record))
        }
        names, found = list(wanted), {}
        for start in range(0, len(names), MAX_ITEMS):
            for item in self._batch_get(names[start : start + MAX_ITEMS]):
                if "owner" in item:
                    found[item["key"]["S"]] = (item["owner"]["S"], item["position"]["S"])
        return [name for name, place in wanted.items() if found.get(name) != place]

    def _owned_keys(
        self, owner: str, limit: int, after: str | None, newest_first: bool
    ) -> tuple[list[str], str | None]:
        condition, values = "#owner = :owner", {":owner": {"S": owner}}
        names = {"#owner": "owner"}
        if after is not None:
            condition += f" AND #position {'<' if newest_first else '>'} :after"
            values[":after"] = {"S": after}
            names["#position"] = "position"
        answer = self._query("ByOwner", condition, names, values, limit=limit + 1, forward=not newest_first)
        items = answer["Items"]
        found = [item["key"]["S"].partition("@")[0] for item in items[:limit]]
        return found, items[limit - 1]["position"]["S"] if len(items) > limit else None

    # -- when -------------------------------------------------------------------------------------

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
        answer = self._query("ByWake", condition, names, values, limit=limit, forward=True, start=start)
        return [(item["wake_at"]["S"], item["key"]["S"]) for item in answer["Items"]]

    def _query(
        self,
        index: str,
        condition: str,
        names: dict[str, str],
        values: Item,
        *,
        limit: int,
        forward: bool,
        start: Item | None = None,
    ) -> dict[str, Any]:
        request: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": index,
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
            "Limit": limit,
            "ScanIndexForward": forward,
        }
        if start is not None:
            request["ExclusiveStartKey"] = start
        return self._call("Query", request)

    # -- blame and parking ------------------------------------------------------------------------

    def blame(self, key: str, error: str, now: datetime) -> int:
        """Count an error of the record's own, and park it with the fifth; returns the count, 0 for no such record.

        Version and body stay as they are.
        """
        answer = self._update(key, "ADD failures :one", {":one": {"N": "1"}})
        item: Item = answer.get("Attributes", {})
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
            {item["key"]["S"]: item for item in self._batch_get([key for _, key in shown])} if shown else {}
        )
        rows = [_parked(items[key]) for _, key in shown if key in items and "parked" in items[key]]
        return rows, "|".join(shown[-1]) if len(found) > limit else None

    def release(self, key: str) -> None:
        """Put a parked record back where it stood in the schedules. Raises NotFound where it is not parked."""
        items = list(self._batch_get([key]))
        if not items or "parked" not in items[0]:
            raise NotFound("not_parked", f"{key.partition('/')[2]!r} is not parked.", "id")
        stood = json.loads(items[0]["parked"]["S"])
        if "shard" not in stood:
            self._update(key, "REMOVE wake_shard, wake_at, parked, failures", {})
            return
        values = {":shard": {"S": stood["shard"]}, ":at": {"S": stood["at"]}}
        self._update(key, "SET wake_shard = :shard, wake_at = :at REMOVE parked, failures", values)

    def _update(self, key: str, expression: str, values: Item, only_if: str = "") -> dict[str, Any]:
        request: dict[str, Any] = {
            "TableName": self._table,
            "Key": {"key": {"S": key}},
            "UpdateExpression": expression,
            "ConditionExpression": "attribute_exists(#key)" + only_if,
            "ExpressionAttributeNames": {"#key": "key"},
            "ReturnValues": "ALL_NEW",
        }
        if values:
            request["ExpressionAttributeValues"] = values
        try:
            return self._call("UpdateItem", request)
        except AwsRefused as error:
            if error.code == "ConditionalCheckFailedException":
                return {}
            raise

    # -- a shared rate -----------------------------------------------------------------------------

    def reserve(self, key: str, now: int, length: int, latest: int) -> int | None:
        """From when on a length of time is the caller's alone; None where that would be after `latest`. Whole numbers.

        It begins where the last one taken ends, or now. One request where that is as it was when last seen.
        """
        later: Item = {":now": _number(now), ":length": _number(length), ":latest": _number(latest)}
        queued = ("SET #until = #until + :length", later, "#until > :now AND #until <= :latest")
        free: Item = {":now": _number(now), ":end": _number(now + length)}
        at_once = ("SET #until = :end", free, "attribute_not_exists(#until) OR #until <= :now")
        ways = [queued, at_once] if self._seen.get(key, 0) > now else [at_once, queued]
        for expression, values, condition in (*ways, ways[0]):
            end = self._moved(key, expression, values, condition)
            if end is not None:
                self._seen[key] = end
                return end - length
        return None

    def give_back(self, key: str, end: int, length: int) -> None:
        """The last part of what was reserved up to an end is not needed; nothing is done where more was taken since."""
        values = {":length": _number(length), ":end": _number(end)}
        self._moved(key, "SET #until = #until - :length", values, "#until = :end")

    def hold(self, key: str, until: int) -> None:
        """Nothing is reserved before a moment."""
        values = {":until": _number(until)}
        self._moved(key, "SET #until = :until", values, "attribute_not_exists(#until) OR #until < :until")

    def _moved(self, key: str, expression: str, values: Item, condition: str) -> int | None:
        """Up to when is taken then; None where the condition does not hold."""
        request = {
            "TableName": self._table,
            "Key": {"key": {"S": key}},
            "UpdateExpression": expression,
            "ConditionExpression": condition,
            "ExpressionAttributeNames": {"#until": "until"},
            "ExpressionAttributeValues": values,
            "ReturnValues": "UPDATED_NEW",
        }
        try:
            return int(self._call("UpdateItem", request)["Attributes"]["until"]["N"])
        except AwsRefused as error:
            if error.code == "ConditionalCheckFailedException":
                return None
            raise

    # -- calls ------------------------------------------------------------------------------------

    def _call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """One request; what is only busy is asked again with jitter, and is an outage if it stays so."""
        for tries in range(1, MAX_TRIES + 1):
            try:
                return self._dispatch(operation, request)
            except AwsRefused as error:
                if error.code in ANSWERS and not _busy(error):
                    raise
                if not _busy(error):
                    raise Outage(str(error)) from error
                _pause(tries, str(error))
            except (AwsUnreachable, AwsSilent) as error:
                raise Outage(str(error)) from error
        raise AssertionError("_pause raises on the last try")


def _number(value: int) -> dict[str, Any]:
    return {"N": str(value)}


def _as_read(before: Reading, key: str) -> str:
    """The condition that a record is parked as it was when it was read: parking it does not change its version."""
    if key not in before.records:
        return ""
    return f" AND attribute_{'exists' if key in before.parked else 'not_exists'}(parked)"


def _unlisted(record: Record) -> bool:
    """Whether it has been deleted."""
    return getattr(record, "deleted_at", None) is not None


def _busy(error: AwsRefused) -> bool:
    """Whether the same request may succeed in a moment: no capacity, a fault of DynamoDB's, a transaction in the way."""
    reasons = [reason for reason in error.reasons if reason]
    if not reasons:
        return error.code in BUSY or error.status >= 500
    return all(reason in BUSY for reason in reasons)


def _pause(tries: int, why: str) -> None:
    if tries >= MAX_TRIES:
        raise Outage(why)
    time.sleep(random.uniform(0, 0.02 * 2**tries))  # noqa: S311 - jitter, not a secret


def _parked(item: Item) -> Parked:
    why = json.loads(item["parked"]["S"])
    return Parked(
        key=item["key"]["S"],
        failures=int(item.get("failures", {"N": "0"})["N"]),
        error=why["error"],
        parked_at=datetime.fromisoformat(why["parked_at"]),
    )
