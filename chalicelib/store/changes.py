"""Records read together, and what is to be written of them: all or nothing, each guarded by its version.

What a commit may meet is told apart, because it is answered differently: `Conflict` (somebody wrote first:
read again and decide again), `Unwritable` (DynamoDB will never take it: the record's own fault), `Outage`
(DynamoDB cannot, or may not, just now: leave everything as it is and stop).
"""

from dataclasses import replace
from typing import Any, TypeVar, cast

from chalicelib.billing.errors import NotFound, PerennialError
from chalicelib.store import keys
from chalicelib.store.keys import Record
from chalicelib.store.shapes import NewerShape, Undecodable

T = TypeVar("T")


class Conflict(PerennialError):
    """A record was written by somebody else since it was read; `keys` names which."""

    def __init__(self, keys_: tuple[str, ...]) -> None:
        super().__init__("conflict", f"Written meanwhile: {', '.join(keys_)}")
        self.keys = keys_


class Unwritable(PerennialError):
    """DynamoDB refuses what is to be written, and always will."""

    def __init__(self, detail: str, code: str = "unwritable") -> None:
        super().__init__(code, detail)


class Oversized(Unwritable):
    """A record would be larger than its kind may be: a caller can ask for less."""

    def __init__(self, key: str, size: int, largest: int) -> None:
        super().__init__(f"{key} would have {size} bytes; it may have {largest}.", "record_too_large")


class Outage(PerennialError):
    """DynamoDB does not answer, or has no capacity left, after several tries."""

    def __init__(self, detail: str) -> None:
        super().__init__("outage", detail)


class Foreign(PerennialError):
    """A record of one account met a change of another: a defect, stopped before anything is read or written."""

    def __init__(self, detail: str) -> None:
        super().__init__("foreign_record", detail)


class Reading:
    """Records read together, by key; what could not be read is in `broken` or `newer`, what was written since in `written`.

    `failures` are the counted errors of records that have some, `parked` what the store keeps of those taken out of the schedules,
    `stood` the shard and stamp of those that wait for something, as the index has them.
    """

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.broken: dict[str, Undecodable] = {}
        self.newer: dict[str, NewerShape] = {}
        self.failures: dict[str, str] = {}
        self.parked: dict[str, str] = {}
        self.stood: dict[str, tuple[str, str]] = {}
        self.written: set[str] = set()

    def add(self, other: "Reading") -> None:
        """Take over what another reading knows: it is the newer."""
        self.parked = {key: why for key, why in self.parked.items() if key not in other.records}
        self.parked |= other.parked
        self.broken = {key: why for key, why in self.broken.items() if key not in other.records}
        self.newer = {key: why for key, why in self.newer.items() if key not in other.records}
        self.records |= other.records
        self.broken |= other.broken
        self.newer |= other.newer
        self.failures |= other.failures
        self.stood |= other.stood
        self.written |= other.written

    def unparked(self) -> list[Record]:
        """The records that are in the schedules, or wait for nothing."""
        return [record for key, record in self.records.items() if key not in self.parked]

    def has(self, key: str) -> bool:
        """Whether there is a record of a key, though it may be one that cannot be read."""
        return key in self.records or key in self.broken or key in self.newer

    def find(self, type_: type[T], account: str, id_: str) -> T | None:
        """A record, or None where there is none. Raises Undecodable or NewerShape on one that cannot be read."""
        key = keys.key(type_, account, id_)
        if trouble := self.broken.get(key) or self.newer.get(key):
            raise trouble
        return cast(T | None, self.records.get(key))

    def get(self, type_: type[T], account: str, id_: str) -> T:
        """A record. Raises NotFound, Undecodable or NewerShape."""
        found = self.find(type_, account, id_)
        if found is None:
            raise not_found(type_, id_)
        return found


class Changeset:
    """What is to be written together, keyed by record: a second change of one record replaces the first."""

    def __init__(self, account: str, reading: Reading | None = None) -> None:
        self.account = account
        self.before = reading or Reading()
        self.changed: dict[str, Record] = {}
        self.begun: set[str] = set()
        self.checked: dict[str, Record] = {}

    def __len__(self) -> int:
        return len(self.changed)

    def put(self, *records: Record) -> None:
        """Add or replace records. Raises Foreign on one of another account."""
        for record in records:
            if record.account != self.account:
                raise Foreign(f"{record.id} is not of {self.account}.")
            self.changed[keys.key_of(record)] = record

    def begin(self, *records: Record) -> None:
        """Add records whose work only begins with this write: errors counted against them stay counted."""
        self.put(*records)
        self.begun |= {keys.key_of(record) for record in records}

    def check(self, record: Record) -> None:
        """Commit only if nobody wrote this record since it was read, though it is not changed."""
        self.checked[keys.key_of(record)] = record

    def rehearsed(self) -> Reading:
        """What a commit would answer, without one: the records in their new versions. Nothing is written."""
        written = Reading()
        written.records = {key: versioned(record) for key, record in self.changed.items()}
        written.written = set(self.changed)
        return written

    def at(self, key: str) -> Record | None:
        """A record by key as it is with the changes so far."""
        return self.changed.get(key) or self.before.records.get(key)

    def find(self, type_: type[T], id_: str) -> T | None:
        """A record as it is with the changes so far, or None. Raises Undecodable or NewerShape."""
        changed = self.changed.get(keys.key(type_, self.account, id_))
        return cast(T, changed) if changed is not None else self.before.find(type_, self.account, id_)

    def get(self, type_: type[T], id_: str) -> T:
        """A record as it is with the changes so far. Raises NotFound, Undecodable or NewerShape."""
        found = self.find(type_, id_)
        if found is None:
            raise not_found(type_, id_)
        return found


def versioned(record: Record) -> Record:
    """The record as it is once it has been written."""
    return cast(Record, replace(cast(Any, record), version=record.version + 1))


def not_found(type_: type, id_: str) -> NotFound:
    """The error of a record that this account does not have."""
    name = keys.BY_TYPE[type_].name
    return NotFound(f"{name}_not_found", f"There is no {name.replace('_', ' ')} {id_!r} in this account.")
