"""Work many records of one account as one: read together, decide each, commit together.

All are read at first. The refusal of a group is answered by reading and deciding it again; one that goes on being refused is
halved, down to single records, so that one can hold up nobody else. Whatever a record's own decision raises
is counted against that record, or against the one beside it that cannot be read; five such errors park it.
"""

import logging
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from chalicelib.aws import AwsRefused, AwsSilent, AwsUnreachable
from chalicelib.billing.errors import Invalid, WrongState
from chalicelib.billing.wake import ACCOUNT_TOPICS, Topic
from chalicelib.crm.accounts import Account, Moment
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, Conflict, Outage, Reading, Unwritable
from chalicelib.store.keys import Record
from chalicelib.store.schedules import MAX_FAILURES
from chalicelib.store.shapes import NewerShape

log = logging.getLogger("perennial")

R = TypeVar("R")
MAX_TRIES = 4
Decide = Callable[[Changeset, str], None]
Beside = Callable[[str], Iterable[str]]
Beyond = Callable[[Reading], Iterable[str]]


def work(
    service: Service,
    account: str,
    names: list[str],
    decide: Decide,
    *,
    items_each: int,
    spare: int = 2,
    beside: Beside = lambda _: (),
    beyond: Beyond = lambda _: (),
    reading: Reading | None = None,
) -> Reading:
    """Decide each named record (key) and commit them in groups of at most 100 items.

    `items_each` is how many items one decision usually writes, `spare` how many all of them write besides; `beside` names what it reads besides the
    record and the account, `beyond` what only what was read can name; `reading` saves the first read. Returns all that was read, as it stands now, and
    which keys were written: the `reading` that was given, which knows of every group that was committed before an Outage too.
    Raises Outage; every other trouble is the record's.
    """
    size = max(1, (100 - spare) // items_each)
    groups = _Groups(service, account, decide, beside, beyond, reading or Reading())
    if names and reading is None:
        groups.known.add(groups.read(names))
    for start in range(0, len(names), size):
        groups.run(names[start : start + size], groups.known)
    groups.nudge()
    return groups.known


@dataclass(frozen=True, slots=True)
class _Groups:
    """The way of each group to its commit; what comes of each part of it is `known` at once, to the next ones too.

    What was `written` is told of together, at the end: the messages are full, and few.
    """

    service: Service
    account: str
    decide: Decide
    beside: Beside
    beyond: Beyond
    known: Reading
    written: Reading = field(default_factory=Reading)

    def run(self, names: list[str], reading: Reading | None) -> None:
        for tries in range(MAX_TRIES):
            reading = reading or self.read(names)
            changes = self._decided(names, reading)
            try:
                written = self.service.store.commit(changes)
            except Conflict:
                time.sleep(random.uniform(0, 0.01 * 2**tries))  # noqa: S311 - jitter, not a secret
                reading = None
                continue
            except Unwritable as error:
                self._apart(names, reading, error)
                return
            reading.add(written)
            if reading is not self.known:
                self.known.add(reading)
            self.written.add(written)
            return
        self._apart(names, None)

    def read(self, names: list[str]) -> Reading:
        wanted = [*names, *(key for name in names for key in self.beside(name))]
        found = self.service.store.load(
            self.account, [*wanted, keys.key(Account, self.account, self.account)]
        )
        if further := [key for key in self.beyond(found) if key not in found.records]:
            found.add(self.service.store.load(self.account, further))
        return found

    def _decided(self, names: list[str], reading: Reading) -> Changeset:
        changes = Changeset(self.account, reading)
        if trouble := reading.broken.get(keys.key(Account, self.account, self.account)):
            blame(self.service, keys.key(Account, self.account, self.account), trouble)
            return changes
        for name in names:
            before = dict(changes.changed)
            if not tried(self.service, name, reading, partial(self._decide, changes, name)):
                changes.changed = before
        return changes

    def _decide(self, changes: Changeset, name: str) -> None:
        if name in changes.before.broken:
            raise changes.before.broken[name]
        self.decide(changes, name)

    def _apart(self, names: list[str], reading: Reading | None, error: Unwritable | None = None) -> None:
        """In two halves; one that is refused by itself is at fault itself, or is left for the next sweep."""
        if len(names) == 1:
            if error is not None:
                blame(self.service, names[0], error)
            return
        self.run(names[: len(names) // 2], reading)
        self.run(names[len(names) // 2 :], reading)

    def nudge(self) -> None:
        account = self.known.records.get(keys.key(Account, self.account, self.account))
        if isinstance(account, Account):
            nudge(self.service, account, self.written.unparked())


def standing(service: Service, account: str) -> Account | None:
    """An account as it is now; None where it cannot be read, which is counted against it, as long as its own release can."""
    key, found = keys.key(Account, account, account), Reading()

    def read() -> None:
        found.add(service.store.load(account, [key]))
        found.find(Account, account, account)

    return found.find(Account, account, account) if tried(service, key, found, read) else None


def tried(service: Service, name: str, reading: Reading, act: Callable[[], object]) -> bool:
    """Do something for a record (key), so that it holds up no other: whether it went through.

    What it raises is counted against the record, or against the one of the reading that cannot be read. Raises Outage.
    """
    try:
        act()
    except Outage:
        raise
    except NewerShape:
        return False  # a newer release is at work beside this one: nobody's fault
    except Exception as error:  # noqa: BLE001 - the one place where a failing record is set apart from the others
        at_fault = (key for key, of in reading.broken.items() if of is error)
        blame(service, next(at_fault, name), error)
        return False
    return True


def nudge(service: Service, account: Account, written: Iterable[Record]) -> None:
    """Send what is awake already to its queue, so that nobody waits for the sweep; haste, not a guarantee."""
    at = Moment(account, service.real())
    advancing = account.clock is not None and account.clock.target_at is not None
    due: dict[Topic, list[str]] = {}
    for record in written:
        wake = record.wake
        if wake is None or not at.awake(wake):
            continue
        if advancing and wake.topic in ACCOUNT_TOPICS:
            continue  # whoever moves the clock works these, in order
        due.setdefault(wake.topic, []).append(keys.key_of(record))
    if due:
        _haste(service, [(topic, account.id, names) for topic, names in due.items()])


def _haste(service: Service, batches: list[tuple[Topic, str, list[str]]]) -> None:
    """What is committed is committed: a queue that does not answer makes it late, not wrong."""
    try:
        service.queue.send_many(batches)
    except (AwsRefused, AwsUnreachable, AwsSilent) as error:
        log.warning("not nudged: the sweep will find it", extra={"error": str(error)})


def blame(service: Service, name: str, error: Exception) -> None:
    """Count an error of a record's own, and say so once it is parked."""
    log.warning("record failed", extra={"record": name, "error": repr(error)}, exc_info=error)
    failures = service.store.schedules.blame(name, f"{type(error).__name__}: {error}", service.real())
    if failures == MAX_FAILURES:
        log.error("record parked", extra={"record": name, "error": repr(error)})


def retried(attempt: Callable[[], R]) -> R:
    """Read, decide and commit one thing a person waits for, anew as long as somebody else is faster.

    Who was faster may be an earlier try of it, whose answer did not come: what is refused then is looked at once more,
    since an attempt begins by asking whether it is done.
    """
    for tries in range(MAX_TRIES):
        try:
            return attempt()
        except Conflict:
            time.sleep(random.uniform(0, 0.01 * 2**tries))  # noqa: S311 - jitter, not a secret
        except (Invalid, WrongState):
            if not tries:
                raise
            return attempt()
    return attempt()
