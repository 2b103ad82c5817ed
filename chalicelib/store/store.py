"""Reads records and commits them, each guarded by its version; nothing else touches the table."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from chalicelib.aws import AwsRefused
from chalicelib.billing.wake import Wake
from chalicelib.store import keys
from chalicelib.store.calls import Calls, Item
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
from chalicelib.store.rate import Rate
from chalicelib.store.schedules import Schedules
from chalicelib.store.shapes import NewerShape, Shapes, Undecodable

MAX_ITEMS = 100
T = TypeVar("T")
TOO_LARGE = frozenset({"ValidationError", "ItemCollectionSizeLimitExceeded"})


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


class Store:
    """The table: its records here, when they are worked in `schedules`, the rate workers share in `rate`. Thread-safe."""

    def __init__(self, connection: Connection, table: str, shards: int, shapes: Shapes | None = None) -> None:
        self._calls = Calls(connection, table)
        self._shards = shards
        self._shapes = shapes or Shapes()
        self.schedules = Schedules(self._calls)
        self.rate = Rate(self._calls)

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
            for item in self._calls.read(todo[start : start + MAX_ITEMS]):
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
            "TableName": self._calls.table,
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
        put: dict[str, Any] = {"TableName": self._calls.table, "Item": self._item(kind, key, next_)}
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
            yield {"TableName": self._calls.table, "Item": item}

    def _write(self, operation: str, request: dict[str, Any], items: list[Item]) -> None:
        try:
            self._calls.call(operation, request)
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

    def places(
        self, owner: str, *, limit: int, after: str | None = None, newest_first: bool = True
    ) -> list[tuple[str, str]]:
        """The positions and keys alone, in order, behind a position; fewer than `limit` are the last."""
        items = self._owned_items(owner, limit, after, newest_first)
        return [(item["position"]["S"], item["key"]["S"].partition("@")[0]) for item in items]

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
            for item in self._calls.read(names[start : start + MAX_ITEMS]):
                if "owner" in item:
                    found[item["key"]["S"]] = (item["owner"]["S"], item["position"]["S"])
        return [name for name, place in wanted.items() if found.get(name) != place]

    def _owned_keys(
        self, owner: str, limit: int, after: str | None, newest_first: bool
    ) -> tuple[list[str], str | None]:
        items = self._owned_items(owner, limit + 1, after, newest_first)
        found = [item["key"]["S"].partition("@")[0] for item in items[:limit]]
        return found, items[limit - 1]["position"]["S"] if len(items) > limit else None

    def _owned_items(self, owner: str, limit: int, after: str | None, newest_first: bool) -> list[Item]:
        condition, values = "#owner = :owner", {":owner": {"S": owner}}
        names = {"#owner": "owner"}
        if after is not None:
            condition += f" AND #position {'<' if newest_first else '>'} :after"
            values[":after"] = {"S": after}
            names["#position"] = "position"
        answer = self._calls.query("ByOwner", condition, names, values, limit=limit, forward=not newest_first)
        items: list[Item] = answer["Items"]
        return items


def _as_read(before: Reading, key: str) -> str:
    """The condition that a record is parked as it was when it was read: parking it does not change its version."""
    if key not in before.records:
        return ""
    return f" AND attribute_{'exists' if key in before.parked else 'not_exists'}(parked)"


def _unlisted(record: Record) -> bool:
    """Whether it has been deleted."""
    return getattr(record, "deleted_at", None) is not None
