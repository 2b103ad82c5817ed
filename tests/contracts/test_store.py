"""What the store promises, on each engine; races only where the engine is real."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from chalicelib.billing.errors import NotFound
from chalicelib.billing.lines import Line
from chalicelib.billing.numbering import Series
from chalicelib.billing.periods import Frequency
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.wake import Topic
from chalicelib.crm.contacts import Contact
from chalicelib.settings import Settings, read
from chalicelib.store import keys, table
from chalicelib.store.bookkeeping import Alias
from chalicelib.store.changes import Changeset, Conflict, Foreign, Unwritable
from chalicelib.store.dynamo import Connection, Dynamo
from chalicelib.store.keys import key, key_of
from chalicelib.store.store import Store
from sandbox.world import environment
from tests.moto import Moto

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
ACCOUNT = "acct_1"


@pytest.fixture
def store(settings: Settings) -> Store:
    table.create(settings)
    return Store(connection(settings), settings.table, shards=2)


def connection(settings: Settings) -> Connection:
    """moto answers inside botocore; the real engine is spoken to as in production."""
    return Dynamo(settings) if settings.aws_endpoint else Moto(settings)


def contact(n: int = 1, account: str = ACCOUNT) -> Contact:
    return Contact(account=account, id=f"con_{n:04d}", name="Ada", email="ada@example.com", created_at=AT)


def subscription(n: int = 1, status: Status = Status.ACTIVE, account: str = ACCOUNT) -> Subscription:
    return Subscription(
        account=account,
        id=f"sub_{n:04d}",
        contact="con_0001",
        currency="usd",
        frequency=Frequency.MONTHLY,
        lines=(Line(id="li_1", name="Coffee", unit_amount=Decimal("2500.5"), quantity=Decimal("1.25")),),
        anchor_on=AT.date(),
        zone="America/New_York",
        hour=6,
        status=status,
        created_at=AT,
    )


def put(store: Store, *records: keys.Record, account: str = ACCOUNT) -> Changeset:
    changes = Changeset(account, store.load(account, [key_of(record) for record in records]))
    changes.put(*records)
    store.commit(changes)
    return changes


def test_a_record_comes_back_as_it_went(store: Store):
    """What is read equals what was written, exact decimals and moments included, one version on."""
    put(store, subscription())
    assert store.get(Subscription, ACCOUNT, "sub_0001") == replace(subscription(), version=1)


def test_a_commit_is_all_or_nothing(store: Store):
    """One record that was written meanwhile keeps every other of the changeset from being written."""
    put(store, contact(1))
    changes = Changeset(ACCOUNT)
    changes.put(contact(1), contact(2))
    with pytest.raises(Conflict) as refused:
        store.commit(changes)
    assert refused.value.keys == (key(Contact, ACCOUNT, "con_0001"),)
    assert store.find(Contact, ACCOUNT, "con_0002") is None


def test_a_stale_version_is_refused(store: Store):
    """Who read before another wrote cannot write over it."""
    put(store, contact())
    stale = store.get(Contact, ACCOUNT, "con_0001")
    put(store, stale.known_as("cus_1"))
    with pytest.raises(Conflict):
        put(store, stale.known_as("cus_2"))
    assert store.get(Contact, ACCOUNT, "con_0001").customer == "cus_1"


def test_a_hundred_records_fit_one_commit_and_one_more_does_not(store: Store):
    """DynamoDB's limit is the store's: 100 items written together, 101 refused before anything is sent."""
    put(store, *(contact(n) for n in range(100)))
    assert (
        len(store.load(ACCOUNT, [key(Contact, ACCOUNT, f"con_{n:04d}") for n in range(100)]).records) == 100
    )
    with pytest.raises(Unwritable):
        put(store, *(contact(n) for n in range(200, 301)))


def test_many_records_are_read_together(store: Store):
    """More keys than a request takes are read in several; doubles once, missing ones not at all."""
    put(store, *(contact(n) for n in range(60)))
    put(store, *(contact(n) for n in range(60, 120)))
    wanted = [key(Contact, ACCOUNT, f"con_{n:04d}") for n in (*range(120), 5, 999)]
    assert len(store.load(ACCOUNT, wanted).records) == 120


def test_an_account_is_fenced(store: Store):
    """A key or a record of another account is refused before anything is read or written."""
    put(store, contact(account="acct_2"), account="acct_2")
    with pytest.raises(Foreign):
        store.load(ACCOUNT, [key(Contact, "acct_2", "con_0001")])
    with pytest.raises(Foreign):
        Changeset(ACCOUNT).put(contact(account="acct_2"))
    with pytest.raises(NotFound):
        store.get(Contact, ACCOUNT, "con_0001")


def test_a_name_is_taken_once(store: Store):
    """An alias put with a record makes a second record under the same name impossible."""
    first = Alias(account=ACCOUNT, id="ada@example.com", target="con_0001")
    put(store, contact(1), first)
    changes = Changeset(ACCOUNT)
    changes.put(contact(2), replace(first, target="con_0002"))
    with pytest.raises(Conflict):
        store.commit(changes)
    assert store.find(Contact, ACCOUNT, "con_0002") is None


def test_owners_list_their_records_in_pages(store: Store):
    """An owner's records come newest first, each once, page by page."""
    put(store, *(contact(n) for n in range(7)))
    seen, after = [], None
    while True:
        page = store.owned(f"{ACCOUNT}/contact", limit=3, after=after)
        seen += [record.id for record in page.records]
        after = page.next
        if after is None:
            break
    assert seen == [f"con_{n:04d}" for n in reversed(range(7))]


def test_a_subscription_is_listed_by_contact_and_by_its_status_alone(store: Store):
    """A change of status moves it from one list to the other; the contact's list keeps it."""
    put(store, subscription())
    put(store, replace(store.get(Subscription, ACCOUNT, "sub_0001"), status=Status.PAST_DUE))
    listed = {
        owner: [record.id for record in store.owned(f"{ACCOUNT}/{owner}", limit=5).records]
        for owner in ("subscription/active", "subscription/past_due", "con_0001/subscription", "subscription")
    }
    assert listed == {
        "subscription/active": [],
        "subscription/past_due": ["sub_0001"],
        "con_0001/subscription": ["sub_0001"],
        "subscription": ["sub_0001"],
    }


def test_a_deleted_record_is_in_no_list_and_keeps_its_name(store: Store):
    """Its own list, its contact's and its status's forget it in the commit that deletes it; by its name it is read."""
    put(store, subscription())
    gone = replace(store.get(Subscription, ACCOUNT, "sub_0001"), deleted_at=AT, ended_at=AT)
    put(store, gone)
    for owner in ("subscription", "subscription/active", "con_0001/subscription"):
        assert store.owned(f"{ACCOUNT}/{owner}", limit=5).records == []
    assert store.get(Subscription, ACCOUNT, "sub_0001").deleted_at == AT
    assert awake(store, AT + timedelta(days=999)) == []


def awake(store: Store, at: datetime, topic: Topic = Topic.BILLING) -> list[str]:
    return [
        name for shard in keys.topic_shards(topic, 2) for _, name in store.schedules.awake(shard, at, 100)
    ]


def test_what_is_awake_is_found_by_topic_and_moment(store: Store):
    """A record is in its topic's shard from its moment on, and leaves it when it has nothing to wait for."""
    due = subscription()
    assert due.wake is not None
    put(store, due)
    assert awake(store, due.wake.at - timedelta(seconds=1)) == []
    assert awake(store, due.wake.at) == [key_of(due)]
    put(store, store.get(Subscription, ACCOUNT, "sub_0001").canceled(AT))
    assert awake(store, AT + timedelta(days=999)) == []


def test_an_account_with_a_clock_waits_apart(store: Store):
    """What runs on an account's own clock is in a partition of its own, where no sweep looks."""
    put(store, subscription(account="acct_clock_1"), account="acct_clock_1")
    assert awake(store, AT + timedelta(days=1)) == []
    assert len(store.schedules.awake("clock/acct_clock_1", AT + timedelta(days=1), 10)) == 1


def test_five_errors_of_its_own_park_a_record_until_it_is_released(store: Store):
    """The fifth error takes it out of its topic and lists it with the reason; release puts it back where it stood."""
    due = subscription()
    put(store, due)
    counted = [store.schedules.blame(key_of(due), "ValueError: no such tier", AT) for _ in range(5)]
    assert counted == [1, 2, 3, 4, 5]
    assert awake(store, AT + timedelta(days=1)) == []
    rows, more = store.schedules.parked(ACCOUNT, limit=10)
    assert [(row.key, row.failures, row.error) for row in rows] == [
        (key_of(due), 5, "ValueError: no such tier")
    ]
    assert more is None
    store.schedules.release(key_of(due))
    assert awake(store, AT + timedelta(days=1)) == [key_of(due)]
    assert store.schedules.parked(ACCOUNT, limit=10) == ([], None)
    with pytest.raises(NotFound):
        store.schedules.release(key_of(due))


def test_a_record_that_cannot_be_read_is_named_and_hides_no_other(store: Store, settings: Settings):
    """A broken body is reported beside the healthy records read with it."""
    put(store, contact(1), contact(2))
    spoil(settings, key(Contact, ACCOUNT, "con_0001"), "body", {"S": '{"account": 7'})
    reading = store.load(ACCOUNT, [key(Contact, ACCOUNT, "con_0001"), key(Contact, ACCOUNT, "con_0002")])
    assert list(reading.broken) == [key(Contact, ACCOUNT, "con_0001")]
    assert list(reading.records) == [key(Contact, ACCOUNT, "con_0002")]


def test_a_newer_shape_is_left_untouched(store: Store, settings: Settings):
    """A record written by a newer release is neither read nor counted as broken."""
    put(store, contact())
    spoil(settings, key(Contact, ACCOUNT, "con_0001"), "shape", {"N": "9"})
    reading = store.load(ACCOUNT, [key(Contact, ACCOUNT, "con_0001")])
    assert (reading.records, reading.broken) == ({}, {})


def spoil(settings: Settings, name: str, attribute: str, value: dict[str, str]) -> None:
    """Change one attribute of a stored item behind the store's back."""
    connection(settings).dispatch(
        "UpdateItem",
        {
            "TableName": settings.table,
            "Key": {"key": {"S": name}},
            "UpdateExpression": "SET #a = :v",
            "ExpressionAttributeNames": {"#a": attribute},
            "ExpressionAttributeValues": {":v": value},
        },
    )


@pytest.fixture
def real_store(real_aws: dict[str, str]) -> Store:
    settings = read(environment(real_aws, "http://127.0.0.1:9", None))
    table.create(settings)
    return Store(Dynamo(settings), settings.table, shards=2)


@pytest.mark.parametrize(("clock", "status"), [(None, "ENABLED"), (Path("clock"), "DISABLED")])
def test_a_table_forgets_where_the_clock_on_the_wall_counts(
    real_aws: dict[str, str], clock: Path | None, status: str
):
    """What is kept for some days goes by itself; where another clock counts as now, nothing does."""
    settings = read(environment(real_aws, "http://127.0.0.1:9", clock, PERENNIAL_TABLE=f"ttl-{status}"))
    table.create(settings)
    told = Dynamo(settings).dispatch("DescribeTimeToLive", {"TableName": settings.table})
    assert told["TimeToLiveDescription"]["TimeToLiveStatus"] == status


def test_of_many_writers_at_once_one_wins(real_store: Store):
    """Twenty writers with the same version in hand: one commit, nineteen conflicts, every time."""
    for n in range(10):
        put(real_store, contact(n))
        stale = real_store.get(Contact, ACCOUNT, f"con_{n:04d}")

        def write(who: int, stale: Contact = stale) -> bool:
            changes = Changeset(ACCOUNT)
            changes.put(stale.known_as(f"cus_{who}"))
            try:
                real_store.commit(changes)
            except Conflict:
                return False
            return True

        with ThreadPoolExecutor(20) as pool:
            assert sum(pool.map(write, range(20))) == 1
        assert real_store.get(Contact, ACCOUNT, stale.id).version == 2


def test_a_counter_moved_by_many_gives_each_number_once(real_store: Store):
    """Eight writers that take numbers with their records, retrying on conflict, leave no gap and no double."""
    put(real_store, Series(account=ACCOUNT, id="invoice", prefix="INV-"))

    def take(who: int) -> list[int]:
        taken = []
        while len(taken) < 5:
            series = real_store.get(Series, ACCOUNT, "invoice")
            changes = Changeset(ACCOUNT)
            changes.put(series.advanced(), contact(who * 100 + len(taken)))
            try:
                real_store.commit(changes)
            except Conflict:
                continue
            taken.append(series.next)
        return taken

    with ThreadPoolExecutor(8) as pool:
        numbers = [number for taken in pool.map(take, range(8)) for number in taken]
    assert sorted(numbers) == list(range(1, 41))
