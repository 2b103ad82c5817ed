"""A write whose answer is lost is repeated, and is neither done twice nor taken for somebody else's."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import urllib3

from chalicelib.billing.errors import WrongState
from chalicelib.crm.contacts import Contact
from chalicelib.operations.together import retried
from chalicelib.settings import Settings, read
from chalicelib.store import table
from chalicelib.store.changes import Changeset, Conflict
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.store import Store
from sandbox.world import environment

ACCOUNT = "acct_1"
AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Silent:
    """A pool of connections to the local AWS: the answers of the next `lost` requests do not come, and `meanwhile` is done."""

    def __init__(self, pool: urllib3.HTTPConnectionPool) -> None:
        self._pool, self.lost = pool, 0
        self.sent: list[str] = []
        self.meanwhile: Any = lambda: None

    def urlopen(self, method: str, url: str, **given: Any) -> urllib3.BaseHTTPResponse:
        answer = self._pool.urlopen(method, url, **given)
        self.sent.append(given["headers"]["x-amz-target"].rpartition(".")[2])
        if not self.lost:
            return answer
        self.lost -= 1
        self.meanwhile()
        raise urllib3.exceptions.ProtocolError("Connection aborted.")


@pytest.fixture
def settings(real_aws: dict[str, str]) -> Iterator[Settings]:
    found = read(environment(real_aws, "http://127.0.0.1:9", None))
    table.create(found)
    return found


@pytest.fixture
def silent(settings: Settings) -> tuple[Store, Silent]:
    dynamo = Dynamo(settings)
    pool = dynamo._aws._pool = Silent(dynamo._aws._pool)
    return Store(dynamo, settings.table, shards=1), pool


def contacts(*names: str) -> Changeset:
    changes = Changeset(ACCOUNT)
    changes.put(
        *(
            Contact(account=ACCOUNT, id=name, name="Ada", email="ada@example.com", created_at=AT)
            for name in names
        )
    )
    return changes


@pytest.mark.parametrize("names", [("con_1",), ("con_1", "con_2")])
def test_a_commit_whose_answer_is_lost_is_no_conflict(silent: tuple[Store, Silent], names: tuple[str, ...]):
    """One record or several: the repetition finds what it wrote, once."""
    store, pool = silent
    pool.lost = 2
    written = store.commit(contacts(*names))
    assert pool.sent == ["PutItem" if len(names) == 1 else "TransactWriteItems"] * 3
    assert [written.get(Contact, ACCOUNT, name).version for name in names] == [1] * len(names)
    assert [store.get(Contact, ACCOUNT, name).version for name in names] == [1] * len(names)


def test_what_another_wrote_meanwhile_is_a_conflict(silent: tuple[Store, Silent], settings: Settings):
    """A repetition that finds another version than its own was not the last to write."""
    store, pool = silent
    store.commit(contacts("con_1"))
    other = Store(Dynamo(settings), settings.table, shards=1)

    def renames() -> None:
        changes = Changeset(ACCOUNT)
        changes.put(other.get(Contact, ACCOUNT, "con_1").known_as("cus_1"))
        other.commit(changes)

    mine = Changeset(ACCOUNT)
    mine.put(store.get(Contact, ACCOUNT, "con_1").known_as("cus_2"))
    pool.lost, pool.meanwhile = 1, renames
    with pytest.raises(Conflict):
        store.commit(mine)
    assert store.get(Contact, ACCOUNT, "con_1").customer == "cus_1"


def test_a_put_that_was_answered_is_never_mistaken_for_a_repetition(
    silent: tuple[Store, Silent], settings: Settings
):
    """Two who write the very same at once: the second is told, for only one of them may go on."""
    Store(Dynamo(settings), settings.table, shards=1).commit(contacts("con_1"))
    with pytest.raises(Conflict):
        silent[0].commit(contacts("con_1"))


def test_a_refusal_by_what_an_earlier_try_wrote_is_no_refusal():
    """It asked whether it was done just before its own write came through: asked once more, it is done. Any other refusal is told at once."""
    ways: list[Any] = [Conflict(("a",)), WrongState("paused", "It is paused."), "done"]

    def attempt() -> str:
        way = ways.pop(0)
        if isinstance(way, Exception):
            raise way
        return str(way)

    assert retried(attempt) == "done"
    ways += [WrongState("paused", "It is paused."), "never asked"]
    with pytest.raises(WrongState):
        retried(attempt)
    assert ways == ["never asked"]
