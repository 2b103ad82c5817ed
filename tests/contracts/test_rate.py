"""What the store promises of a shared rate, on each engine; races only where the engine is real."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.settings import Settings
from chalicelib.store import table
from chalicelib.store.store import Store
from tests.contracts.test_store import connection

NOW, SECOND = 1_800_000_000_000_000, 1_000_000
KEY = "house/governor/stripe"
EVER = NOW * 2


class Counting:
    """A connection that counts its requests."""

    def __init__(self, settings: Settings) -> None:
        self._inner, self.requests = connection(settings), 0

    def dispatch(self, operation: str, request: dict[str, object]) -> dict[str, object]:
        self.requests += 1
        answer: dict[str, object] = self._inner.dispatch(operation, request)
        return answer


@pytest.fixture
def counting(settings: Settings) -> Counting:
    table.create(settings)
    return Counting(settings)


@pytest.fixture
def store(settings: Settings, counting: Counting) -> Store:
    return Store(counting, settings.table, shards=1)


def test_blocks_follow_one_another_and_an_idle_rate_begins_now(store: Store):
    """The first block begins at once, the next where it ends; what has passed unused is not owed."""
    assert store.rate.reserve(KEY, NOW, SECOND, EVER) == NOW
    assert store.rate.reserve(KEY, NOW, 2 * SECOND, EVER) == NOW + SECOND
    assert store.rate.reserve(KEY, NOW + SECOND, SECOND, EVER) == NOW + 3 * SECOND
    later = NOW + 60 * SECOND
    assert store.rate.reserve(KEY, later, SECOND, EVER) == later


def test_a_block_costs_one_request_whether_others_wait_or_not(store: Store, counting: Counting):
    """A worker guesses by what it saw last; only a wrong guess costs a second request."""
    store.rate.reserve(KEY, NOW, SECOND, EVER)
    store.rate.reserve(KEY, NOW, SECOND, EVER)
    store.rate.reserve(KEY, NOW + 60 * SECOND, SECOND, EVER)
    assert counting.requests == 3


def test_a_block_that_would_begin_too_late_is_not_taken(store: Store):
    """Nothing is reserved by it: the next one that begins in time begins where the last one taken ends."""
    store.rate.reserve(KEY, NOW, 50 * SECOND, EVER)
    assert store.rate.reserve(KEY, NOW, 20 * SECOND, NOW + 40 * SECOND) is None
    assert store.rate.reserve(KEY, NOW, 5 * SECOND, NOW + 50 * SECOND) == NOW + 50 * SECOND


def test_what_is_given_back_is_taken_by_the_next_unless_somebody_was_faster(store: Store):
    """The end of a block may be given back as long as it is the end of all."""
    first = store.rate.reserve(KEY, NOW, 10 * SECOND, EVER)
    assert first == NOW
    store.rate.give_back(KEY, NOW + 10 * SECOND, 4 * SECOND)
    assert store.rate.reserve(KEY, NOW, SECOND, EVER) == NOW + 6 * SECOND
    store.rate.give_back(KEY, NOW + 6 * SECOND, 3 * SECOND)
    assert store.rate.reserve(KEY, NOW, SECOND, EVER) == NOW + 7 * SECOND


def test_a_pause_is_everybodys_and_never_shortened(store: Store):
    """Nothing begins before it ends; a shorter one changes nothing."""
    store.rate.hold(KEY, NOW + 30 * SECOND)
    store.rate.hold(KEY, NOW + 10 * SECOND)
    assert store.rate.reserve(KEY, NOW, SECOND, EVER) == NOW + 30 * SECOND


def test_a_fast_clock_wastes_and_a_slow_one_waits(store: Store):
    """Workers whose clocks differ by two seconds still get blocks that do not overlap in the shared item's time."""
    assert store.rate.reserve(KEY, NOW + 2 * SECOND, SECOND, EVER) == NOW + 2 * SECOND
    assert store.rate.reserve(KEY, NOW, SECOND, EVER) == NOW + 3 * SECOND


@pytest.mark.parametrize("engine", ["ministack"], indirect=True)
def test_workers_at_the_same_moment_get_blocks_of_their_own(store: Store):
    """Of forty blocks taken by eight threads none overlaps another, and none is lost."""
    with ThreadPoolExecutor(8) as pool:
        starts = list(pool.map(lambda _: store.rate.reserve(KEY, NOW, SECOND, EVER), range(40)))
    assert sorted(start for start in starts if start is not None) == [NOW + n * SECOND for n in range(40)]
