"""Two at one subscription, invoice, coupon or balance at the same moment: one comes after the other, and nothing is lost or doubled.

Both have read before either writes; each of the two is let write first in turn.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.billing.edits import Edit, Wanted
from chalicelib.billing.errors import Invalid, PerennialError, WrongState
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.lines import Line
from chalicelib.billing.orders import Wish
from chalicelib.billing.periods import Frequency
from chalicelib.billing.proration import Proration
from chalicelib.billing.subscriptions import Subscription
from chalicelib.operations import cancel, change, collect, credit, move, pause, renew, rezone, subscribe, void
from chalicelib.operations.order import Order, Reduction
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.store import Store
from tests.stories.diary import Diary

WRITES = ("TransactWriteItems", "PutItem", "UpdateItem")
BILLING = datetime(2026, 2, 15, 11, tzinfo=UTC)  # six in the morning in New York
Act = Callable[[Service, Diary], Any]


class Race:
    """Two threads over one table: neither writes before both have read, and then the `first` does before the other.

    With `whole` it does all it does, else one write of it.
    """

    def __init__(self, diary: Diary, first: int, *, whole: bool = False) -> None:
        self.diary, self.first, self.whole = diary, first, whole
        self._read, self._written = threading.Barrier(2), threading.Event()
        self.met = 0

    def run(self, *acts: tuple[Act, datetime]) -> list[Any]:
        """What each act answered, or was refused with, at its own time."""
        with ThreadPoolExecutor(2) as pool:
            told = [pool.submit(self._one, n, act, at) for n, (act, at) in enumerate(acts)]
        assert self.met == 2, "they never met"
        return [one.result() for one in told]

    def _one(self, n: int, act: Act, at: datetime) -> Any:
        service = self.diary.world.service()
        gated: Any = _Gated(self, n, Dynamo(service.settings))
        store = Store(gated, service.settings.table, service.settings.wake_shards)
        try:
            return act(replace(service, store=store, real=lambda: at), self.diary)
        except PerennialError as refused:
            return refused
        finally:
            self._written.set()

    def at_the_first_write(self, n: int) -> None:
        self._read.wait(20)
        self.met += 1
        if n != self.first:
            assert self._written.wait(20)

    def wrote(self, n: int) -> None:
        if n == self.first and not self.whole:
            self._written.set()


class _Gated:
    def __init__(self, race: Race, n: int, inner: Dynamo) -> None:
        self._race, self._n, self._inner, self._came = race, n, inner, False

    def dispatch(self, operation: str, request: dict[str, Any]) -> Any:
        if operation not in WRITES:
            return self._inner.dispatch(operation, request)
        if not self._came:
            self._came = True
            self._race.at_the_first_write(self._n)
        try:
            return self._inner.dispatch(operation, request)
        finally:
            self._race.wrote(self._n)


# -- what is done --------------------------------------------------------------------------------


def renews(service: Service, diary: Diary, who: str = "ada") -> None:
    name = keys.key(Subscription, diary.account, diary.subscriptions[who])
    renew.subscriptions(service, diary.account, [name])


def collects(service: Service, diary: Diary) -> None:
    collect.invoices(service, diary.account, [keys.key(Invoice, diary.account, newest(diary)["id"])])


def changes(price: int, how: Proration = Proration.INVOICE_NOW) -> Act:
    edit = Edit(id="li_1", values={"unit_amount": Decimal(price)})
    wanted = Wanted(lines=(edit,), proration=how, force=True)
    return lambda service, diary: change.subscription(
        service, diary.account, diary.subscriptions["ada"], wanted
    )


def cancels(service: Service, diary: Diary) -> Any:
    return cancel.with_credit(service, diary.account, diary.subscriptions["ada"])


def pauses(service: Service, diary: Diary) -> Any:
    return pause.subscription(service, diary.account, diary.subscriptions["ada"], resume_on=date(2026, 2, 20))


def moves(service: Service, diary: Diary) -> Any:
    return move.subscription(
        service, diary.account, diary.subscriptions["ada"], date(2026, 2, 18), force=True
    )


def moves_to_chicago(diary: Diary) -> None:
    diary.post("/v1/account", zone="America/Chicago")


def follows(service: Service, diary: Diary) -> None:
    rezone.subscriptions(
        service, diary.account, [keys.key(Subscription, diary.account, diary.subscriptions["ada"])]
    )


def credits_all(service: Service, diary: Diary) -> Any:
    return credit.invoice(service, diary.account, newest(diary)["id"], ())


def voids(service: Service, diary: Diary) -> Any:
    return void.invoice(service, diary.account, newest(diary)["id"])


# -- what is seen --------------------------------------------------------------------------------


def newest(diary: Diary, who: str = "ada") -> dict[str, Any]:
    return diary.every(f"/v1/invoices?subscription={diary.subscriptions[who]}")[0]


def balance(diary: Diary, who: str = "ada") -> int:
    return sum(one["amount"] for one in diary.get(f"/v1/contacts/{diary.contacts[who]}")["balances"])


def before_the_boundary(diary: Diary) -> None:
    """A month has been paid; it is the very moment the next is due, and nobody has woken yet."""
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-02-14")
    diary.world.set_clock(BILLING)


def lives_on(diary: Diary, until: str = "2026-02-22") -> None:
    """All is quiet, paid for, and in order."""
    diary.it_is(until)
    assert diary.parked() == []
    assert all(row["status"] in ("paid", "void") for row in diary.every("/v1/invoices"))
    diary.sound()


ACTS = {
    "change now": (changes(5000), {2500, 5000}),
    "change with the next": (changes(1250, Proration.NEXT_INVOICE), {2500, 1250}),
    "cancel": (cancels, {2500}),
    "pause": (pauses, {2500}),
    "move": (moves, {2500}),
    "zone": (follows, {2500}),
}


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("name", ACTS)
def test_a_renewal_and_an_act_at_the_boundary_come_one_after_the_other(diary: Diary, name: str, first: int):
    """Asked for a moment before the boundary, written at the same time as the renewal: February is billed once, or not due."""
    act, prices = ACTS[name]
    before_the_boundary(diary)
    if name == "zone":
        moves_to_chicago(diary)
    _, told = Race(diary, first).run((renews, BILLING), (act, BILLING - timedelta(minutes=1)))
    assert told is None or isinstance(told, Subscription | WrongState | Invalid)
    lives_on(diary)
    rows = diary.every(f"/v1/invoices?subscription={diary.subscriptions['ada']}")
    cycles = [row for row in rows if not row["besides"]]
    ended = diary.subscription("ada")["status"] == "canceled"
    assert len(cycles) == (1 if ended and first == 1 else 2)
    assert {row["lines"][0]["unit_amount"] for row in cycles} <= {str(price) for price in prices}
    given = sum(note["total"]["amount"] for note in diary.every("/v1/credit_notes"))
    charged = sum(row["total"]["amount"] for row in rows)
    assert diary.taken() == charged - given + balance(diary)


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize(("act", "name"), [(credits_all, "credit"), (voids, "void"), (cancels, "cancel")])
def test_a_charge_and_what_takes_its_invoice_back_come_one_after_the_other(
    diary: Diary, act: Act, name: str, first: int
):
    """Either nothing is asked for any more, or what was taken is the customer's, or it is said that a payment is open."""
    diary.subscribes("ada", "coffee-1kg")
    renews(diary.world.service(), diary)
    _, told = Race(diary, first).run((collects, diary.world.now), (act, diary.world.now))
    diary.world.settle()
    row = newest(diary)
    if first == 1:
        assert diary.taken() == 0
        assert row["status"] == ("void" if name == "void" else "paid")
    elif name == "void":
        assert isinstance(told, WrongState)
        assert told.code in ("payment_open", "invoice_not_open")
        assert diary.taken() == 2500
    else:
        assert (diary.taken(), balance(diary)) == (2500, 2500)
    assert diary.parked() == []
    diary.sound()


@pytest.mark.parametrize("first", [0, 1])
def test_two_changes_at_once_are_settled_one_after_the_other(diary: Diary, first: int):
    """Whoever is second changes what the first left: the last price holds, and each change gives back what it replaces."""
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-20")
    prices = (4000, 6000)
    told = Race(diary, first).run(*((changes(price), diary.world.now) for price in prices))
    assert all(isinstance(one, Subscription) for one in told)
    lives_on(diary)
    assert newest(diary)["lines"][0]["unit_amount"] == str(prices[1 - first])
    assert len(diary.every("/v1/credit_notes")) == 2
    days = 26 / 31
    expected = (
        2500 + sum(round(price * days) for price in prices) - round(2500 * days) - round(prices[first] * days)
    )
    february = prices[1 - first]
    assert abs(diary.taken() - (expected + february)) <= 2


@pytest.mark.parametrize("first", [0, 1])
def test_the_last_redemption_is_taken_once(diary: Diary, first: int):
    """Two orders with a coupon that has one redemption left: the second is told that it is used up, and sells nothing."""
    coupon = diary.post("/v1/coupons", name="One", percent=50, max_redemptions=1)["id"]
    for who in ("ada", "bo"):
        diary.saves_a_card(who)

    def orders(who: str) -> Act:
        line = Line(id="", name="Plan", unit_amount=Decimal(1000), quantity=Decimal(1))
        order = Order(
            contact=diary.contacts[who],
            payment_method=diary.methods[who]["id"],
            lines=[Wish(line=line)],
            frequency=Frequency.MONTHLY,
            discounts=(Reduction(coupon=coupon),),
        )
        return lambda service, diary: subscribe.all_of(service, diary.account, order)

    told = Race(diary, first).run((orders("ada"), diary.world.now), (orders("bo"), diary.world.now))
    assert isinstance(told[first], list)
    assert isinstance(told[1 - first], Invalid)
    assert told[1 - first].code == "coupon_used_up"
    diary.world.settle()
    assert diary.taken() == 500
    assert diary.get(f"/v1/coupons/{coupon}")["redeemed"] == 1
    diary.sound()


@pytest.mark.parametrize("first", [0, 1])
def test_a_balance_is_spent_once_by_two_batches(diary: Diary, first: int):
    """30.00 to somebody's credit, two invoices of 25.00 issued by two workers at once: 20.00 are taken, and no cent twice."""
    diary.saves_a_card("ada")
    for which in ("one", "two"):
        diary.contacts[which], diary.methods[which] = diary.contacts["ada"], diary.methods["ada"]
        diary.subscribes(which, "coffee-1kg")
    usd = {"amount": 3000, "currency": "usd"}
    diary.post(f"/v1/contacts/{diary.contacts['ada']}/balance", amount=usd)

    def batch(which: str) -> Act:
        return lambda service, diary: renews(service, diary, which)

    Race(diary, first).run((batch("one"), diary.world.now), (batch("two"), diary.world.now))
    diary.world.settle()
    assert (diary.taken(), balance(diary)) == (2000, 0)
    assert all(row["status"] == "paid" for row in diary.every("/v1/invoices"))
    diary.sound()


# -- parked --------------------------------------------------------------------------------------


def test_a_parked_subscription_follows_its_account_and_stays_parked(diary: Diary):
    """The zone changes while a subscription is parked: it is billed when a person has released it, by the new zone."""
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-20")
    parks(diary, keys.key(Subscription, diary.account, diary.subscriptions["ada"]))
    diary.post("/v1/account", zone="America/Chicago")
    diary.it_is("2026-02-17")
    assert diary.subscription("ada")["zone"] == "America/Chicago"
    assert diary.parked() == [diary.subscriptions["ada"]]
    assert len(diary.invoices("ada")) == 1
    diary.post(f"/v1/parked/subscription/{diary.subscriptions['ada']}/release")
    diary.it_is("2026-02-18")
    assert diary.parked() == []
    assert [row[0] for row in diary.invoices("ada")] == ["2026-01-15", "2026-02-15"]
    diary.sound()


def test_what_is_parked_while_somebody_decides_stays_parked(diary: Diary):
    """It is parked after the zone's worker has read it: the write is refused, and decided again on what it is now."""
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-20")
    name = keys.key(Subscription, diary.account, diary.subscriptions["ada"])
    moves_to_chicago(diary)
    Race(diary, 1, whole=True).run(
        (follows, diary.world.now), (lambda service, diary: parks(diary, name, service), diary.world.now)
    )
    assert diary.parked() == [diary.subscriptions["ada"]]
    assert diary.subscription("ada")["zone"] == "America/Chicago"


def parks(diary: Diary, key: str, service: Service | None = None) -> None:
    """A record errs five times."""
    store = (service or diary.world.service()).store
    for _ in range(5):
        store.schedules.blame(key, "Nobody knows why.", diary.world.now)
