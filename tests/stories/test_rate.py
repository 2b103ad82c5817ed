"""Stripe's rate, and an hour without Stripe: the run waits, goes on where it stopped, and nobody storms the door."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.billing.gateway import Limited, Locked, NotAsked, Refused, Unavailable
from chalicelib.billing.lines import Line
from chalicelib.billing.orders import Start, Wish
from chalicelib.billing.payments import Payment
from chalicelib.billing.periods import Frequency
from chalicelib.operations import ask, governor, subscribe
from chalicelib.operations.order import Order
from chalicelib.service import Breaker
from chalicelib.settings import SIDE_BY_SIDE
from sandbox.world import World, environment
from tests.stories.buyer import MASTERCARD, Buyer, pays, says
from tests.stories.diary import Diary

LIMIT = 25
RATE = 20  # what the workers of a story on a busy machine are told of it; they use four fifths
MOST_REFUSED = 5
NEIGHBORS = 40
"""So far from its place may one be that was on its way side by side with others: what is begun in two seconds or so."""


def limited_world(aws: dict[str, str], stripe: Any, folder: Path) -> World:
    """A world that keeps to Stripe's limit of a sandbox."""
    clock = folder / "clock"
    clock.write_text("2026-01-01T12:00:00+00:00")
    env = environment(
        aws,
        stripe.url,
        clock,
        PERENNIAL_STRIPE_SECONDS="5",
        PERENNIAL_WAKE_SHARDS="1",
        PERENNIAL_STRIPE_RATE=str(RATE),
    )
    made = World(env, stripe.url)
    made.set_clock(made.now)
    made.connect_stripe("hold")
    return made


def sells(diary: Diary, count: int, on: date) -> list[str]:
    """Subscriptions of one customer, all due on a day, in the order of their ids."""
    method = diary.saves_a_card("ada")
    line = Wish(line=Line(id="", name="Coffee", unit_amount=Decimal(1250)))
    order = Order(
        contact=diary.contacts["ada"],
        payment_method=method["id"],
        lines=[line],
        frequency=Frequency.MONTHLY,
        start=Start(on=on),
    )
    service = diary.world.service()
    return [subscribe.contact(service, diary.account, order).id for _ in range(count)]


def test_an_hour_without_stripe_and_then_its_limit(real_aws: dict[str, str], stripe: Any, tmp_path: Path):
    """Three hundred are due as Stripe goes away; an hour later it takes 25 requests a second: all are charged once, what was
    begun before as what was not in its order (only who knocked in vain waits longer), nobody storms the door, nothing is parked."""
    with limited_world(real_aws, stripe, tmp_path) as world:
        diary = Diary(world)
        sold = sells(diary, 300, date(2026, 1, 15))
        diary.it_is("2026-01-15", hour=5)
        world.stripe("POST", "outage", {"answer": "reset"})
        asked = _requests(world)
        world.until(datetime(2026, 1, 15, 12, 1, tzinfo=UTC))  # seven in New York
        assert diary.taken() == 0
        assert _requests(world) == asked, "what does not arrive is not counted at Stripe"
        world.stripe("POST", "rate", {"per_second": LIMIT, "retry_after": 3})
        world.stripe("DELETE", "outage")
        world.until(datetime(2026, 1, 15, 13, tzinfo=UTC))
        assert diary.taken() == 300 * 1250
        # A machine that stands still for a second lets calls arrive together that were begun apart.
        assert sum(world.stripe("GET", "rate")["refused"].values()) <= MOST_REFUSED
        assert diary.parked() == []
        world.stripe("POST", "rate", {"per_second": None})
        payments = {row["reference"]: row for row in diary.every("/v1/payments")}
        assert {row["status"] for row in payments.values()} == {"succeeded"}
        order = [payments[one.reference]["subscription"] for one in _charges(world)]
        made = {one.subscription: one for one in _payments(diary)}
        before = {
            name for name, one in made.items() if one.created_at < datetime(2026, 1, 15, 12, tzinfo=UTC)
        }
        assert 0 < len(before) < len(sold), "some were reserved as Stripe went away, others left as they were"
        in_vain = {name for name, one in made.items() if one.looks}
        assert 0 < len(in_vain) <= LIMIT, "few knocked while nobody was there"
        for group in (before - in_vain, made.keys() - before - in_vain):
            _in_order([one for one in order if one in group], [one for one in sold if one in group])
        diary.sound()


def _in_order(order: list[str], sold: list[str]) -> None:
    """As they were due and sold, but for neighbors that were on their way side by side."""
    place = {one: n for n, one in enumerate(sold)}
    assert sorted(order) == sorted(sold)
    assert max(abs(place[one] - n) for n, one in enumerate(order)) <= NEIGHBORS, [place[one] for one in order]


def _payments(diary: Diary) -> list[Payment]:
    """All of the account's, with what people are not shown."""
    look = diary.world.service().store.look(f"{diary.account}/payment", limit=1000)
    return [one for one in look.reading.records.values() if isinstance(one, Payment)]


def _requests(world: World) -> int:
    return sum(world.stripe("GET", "summary")["requests"].values())


def _charges(world: World) -> list[Any]:
    """All of Stripe's, the oldest first."""
    rows, after = [], None
    while True:
        page, after = world.service().gateway.charges(after)
        rows += page
        if after is None:
            return rows[::-1]


def test_side_by_side_keeps_to_the_rate_and_to_the_order(
    real_aws: dict[str, str], stripe: Any, tmp_path: Path
):
    """Calls of two workers together begin no faster than the workers' part of the limit, each worker's in its order."""
    with limited_world(real_aws, stripe, tmp_path) as world:
        steady, began = _on_real_time(world), []

        def worker(name: str) -> None:
            def note(n: int) -> Callable[[], None]:
                return lambda: began.append((time.monotonic(), name, n))

            ask.side_by_side(steady, {f"{name}{n}": note(n) for n in range(15)})

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(worker, ["one", "two"]))
    moments = sorted(began)
    assert moments[-1][0] - moments[0][0] >= 29 / steady.settings.workers_rate - 0.1
    for name in ("one", "two"):
        mine = [n for _, who, n in moments if who == name]
        assert mine == sorted(mine)


def _on_real_time(world: World) -> Any:
    """The world's service under a clock that runs."""
    settings = replace(world.app.settings, clock_file=None)
    return replace(wiring.wired(settings), real=lambda: datetime.now(UTC))


def test_what_would_begin_too_late_is_left_to_the_next_worker(
    real_aws: dict[str, str], stripe: Any, tmp_path: Path
):
    """With slots taken for a minute, a worker asks nothing and waits for nothing; what it was to ask is asked later."""
    with limited_world(real_aws, stripe, tmp_path) as world:
        steady = _on_real_time(world)
        governor.hold(steady, steady.real() + timedelta(seconds=70))
        began = time.monotonic()
        answers = ask.side_by_side(steady, {str(n): lambda: "asked" for n in range(5)})
        assert time.monotonic() - began < 2
        assert all(isinstance(one, Unavailable) and one.again_in for one in answers.values())
        assert not steady.breaker.doubtful


def test_who_waits_on_a_page_is_not_held_back(diary: Diary):
    """The workers' part is taken for a minute: they ask nothing, and pages open, are paid and looked at; another card is charged at once."""
    people = {who: Buyer(diary, who) for who in ("ada", "bea", "cy", "dan")}
    for who in people:
        diary.saves_a_card(who, "pm_card_authenticationRequired" if who == "cy" else "pm_card_visa")
        diary.card(who, *(["insufficient_funds"] * 9 if who != "cy" else []))
        diary.subscribes(who, "coffee-250g", on="2026-01-15")
    diary.it_is("2026-01-15", hour=9)
    service = diary.world.service()
    governor.hold(service, service.real() + timedelta(seconds=70))
    asked = _requests(diary.world)
    refused = ask.side_by_side(service, {str(n): service.gateway.balance for n in range(3)})
    assert {type(one) for one in refused.values()} == {NotAsked}
    assert _requests(diary.world) == asked

    pays(people["ada"].opens())
    pays(people["bea"].opens_for_a_method(), MASTERCARD)
    says(people["cy"].confirms(people["cy"].payment().id) or "")
    for who in ("ada", "cy"):
        assert people[who].comes_back(people[who].payment().id).status == "succeeded"
    diary.gives_another_card("dan")
    assert diary.payments("dan")[-1] == ("succeeded", 1250)
    assert diary.taken() == 3 * 1250
    diary.world.until(diary.world.now + timedelta(minutes=2))
    assert diary.taken() == 4 * 1250
    diary.sound()


def test_one_worker_takes_slots_for_all_its_messages_at_once(
    real_aws: dict[str, str], stripe: Any, tmp_path: Path
):
    """Foreseen calls share one block; a single call takes none, and what is left over is given back."""
    with limited_world(real_aws, stripe, tmp_path) as world:
        steady = _on_real_time(world)
        store, end = steady.store, lambda: steady.store.rate.reserve(governor.ITEM, 0, 0, 2**60)
        assert ask.side_by_side(steady, {"one": lambda: 1}) == {"one": 1}
        assert store.rate.reserve(governor.ITEM, 1, 1, 2**60) == 1, "nobody has taken a slot yet"
        now = int(steady.real().timestamp() * governor.SECOND)
        with governor.foreseeing(steady, 200):
            ask.side_by_side(steady, {"one": lambda: 1, "two": lambda: 2})
            assert end() >= now + 200 * governor.SECOND // steady.settings.workers_rate
        assert end() < now + 100 * governor.SECOND // steady.settings.workers_rate


def test_a_pause_stripe_asks_for_is_kept_by_every_worker(diary: Diary):
    """429 with Retry-After: nobody asks before, and then everyone is charged; it is no error of anybody's."""
    for who in ("ada", "bo", "eve"):
        diary.subscribes(who, "coffee-250g", on="2026-01-15")
    diary.world.stripe("POST", "rate", {"per_second": 0.001, "retry_after": 40})
    diary.world.set_clock(datetime(2026, 1, 15, 11, tzinfo=UTC))
    diary.world.settle()
    paid, refused = diary.taken(), diary.world.stripe("GET", "rate")["refused"]
    breaker = diary.world.service().breaker
    assert timedelta(seconds=38) < breaker.left(diary.world.now) <= timedelta(seconds=40)
    diary.world.set_clock(diary.world.now + timedelta(seconds=30))
    diary.world.settle()
    assert (diary.taken(), diary.world.stripe("GET", "rate")["refused"]) == (paid, refused)
    diary.world.stripe("POST", "rate", {"per_second": None})
    diary.it_is("2026-01-15", hour=7)
    assert diary.taken() == 3 * 1250
    assert diary.parked() == []
    diary.sound()


def test_a_lock_concerns_one_payment_alone(diary: Diary):
    """lock_timeout: the others of the batch are charged at once, this one within a minute, and no breaker is tripped."""
    for who in ("ada", "bo", "eve"):
        diary.subscribes(who, "coffee-250g", on="2026-01-15")
    diary.stripe_fails("bo", "lock_timeout")
    diary.world.set_clock(datetime(2026, 1, 15, 11, tzinfo=UTC))
    diary.world.settle()
    assert diary.taken() == 2 * 1250
    assert not diary.world.service().breaker.doubtful
    diary.world.until(diary.world.now + timedelta(minutes=1))
    assert diary.taken() == 3 * 1250
    diary.sound()


def test_a_breaker_waits_longer_each_time_and_a_few_lost_answers_are_an_outage():
    """Thirty seconds, a minute, two, five; five answers in a row that cannot be trusted trip it, then each single one does."""
    now, breaker = datetime(2026, 1, 1, tzinfo=UTC), Breaker()
    waits = []
    for _ in range(5):
        breaker.trip(now)
        waits.append(breaker.left(now).total_seconds())
        now += breaker.left(now)
    assert waits == [30, 60, 120, 300, 300]
    breaker.answered()
    for _ in range(4):
        breaker.unsure(now)
        assert not breaker.tripped(now)
    breaker.unsure(now)
    assert breaker.tripped(now)
    now += breaker.left(now)
    breaker.unsure(now)
    assert breaker.tripped(now)


def test_stripes_words_are_told_apart(diary: Diary):
    """Over the rate everybody waits for as long as it says; a locked object is asked for again by itself."""
    gateway = diary.world.service().gateway
    diary.world.stripe("POST", "rate", {"per_second": 0.001, "retry_after": 7})
    with suppress(Refused):  # the first of a second is taken
        gateway.fetch("pi_none")
    with pytest.raises(Limited) as told:
        gateway.fetch("pi_none")
    assert told.value.pause == timedelta(seconds=7)
    diary.world.stripe("POST", "rate", {"per_second": None})
    diary.world.stripe("POST", "faults", {"fault": "lock_timeout"})
    with pytest.raises(Locked):
        gateway.fetch("pi_none")


def test_connections_are_as_many_as_may_ask_at_once():
    """A thread that asks finds a connection kept for it."""
    from chalicelib.adapters.stripe_http import Pooled

    assert ask.pool()._max_workers == SIDE_BY_SIDE
    assert Pooled(1)._pool.connection_pool_kw["maxsize"] == SIDE_BY_SIDE
