"""What Stripe tells comes in any order, twice, and before or after anything else: one state is reached.

Each course of events is lived at a Stripe that really runs, and recorded. Its events are delivered in every order after
it; and it is lived again with each event delivered at each point between the steps from the one that caused it on, and
with all of them at points that are drawn, our own request's answer known or lost. All that is kept is compared but
versions and moments.
"""

import itertools
import json
import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.adapters import stripe_events
from chalicelib.billing import laws
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.payments import Payment
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.wake import Topic
from chalicelib.crm.accounts import Account
from chalicelib.operations import agenda, books, checkout, collect, confirm, heed, renew
from chalicelib.settings import read
from chalicelib.store import keys, table
from sandbox.exchange import http
from sandbox.stripe.server import StripeServer
from sandbox.world import STRIPE_EVENTS, STRIPE_KEY, environment
from tests.web.conftest import Api, Writes

MOST_EVENTS = 5
"""Whose orders are 120: a course of more is told as two."""
INTERLEAVED = 6
KINDS = frozenset({"subscription", "invoice", "payment", "refund", "dispute", "credit_note", "contact"})
WORKED = frozenset({"payment", "refund", "stripe_event"})
SHARD = f"{Topic.RECONCILIATION}#0"
PASSING = frozenset({"version", "looks", "leased_until", "account", "name", "email"})
_IDS = re.compile(r"\b([a-z]+)_(?:test_)?[A-Za-z0-9]{12,}")

Step = Callable[["Life"], None]
State = dict[str, Any]


@dataclass
class Life:
    """One account with one customer, and what Stripe has told of them so far; `lost` loses the answer of the charge."""

    api: Api
    stripe: StripeServer
    account: str
    key: str
    told: set[str]
    lost: bool = True
    method: str = "pm_card_visa"
    events: list[dict[str, Any]] = field(default_factory=list)

    def control(self, path: str, **body: Any) -> Any:
        """A control of the local Stripe's."""
        data = json.dumps(body).encode()
        answer = http(
            "POST", f"{self.stripe.url}/_sandbox/{path}", data, {"Content-Type": "application/json"}
        )
        assert answer.status < 300, answer.body
        return answer.body

    def post(self, path: str, **body: Any) -> Any:
        told = self.api.post(path, body, key=self.key)
        assert told.status < 300, told.text
        return told.body

    def days(self, number: int) -> None:
        """Time passes, here and at Stripe."""
        self.api.now += timedelta(days=number)
        self.control("clock", at=self.api.now.isoformat().replace("+00:00", "Z"))

    def listen(self) -> list[dict[str, Any]]:
        """What Stripe has to tell since it was listened to last, oldest first."""
        answer = http(
            "GET", f"{self.stripe.url}/v1/events?limit=100", None, {"Authorization": f"Bearer {STRIPE_KEY}"}
        )
        fresh = [one for one in reversed(answer.body["data"]) if one["id"] not in self.told]
        self.told.update(one["id"] for one in fresh)
        heard = [one for one in fresh if one["type"] in STRIPE_EVENTS]
        self.events += heard
        return heard

    def deliver(self, events: list[dict[str, Any]]) -> None:
        """Stripe's events come in, and all that they wake is worked."""
        now = self.api.now
        heed.arrivals(self.api.service, [stripe_events.read(json.dumps(one).encode(), now) for one in events])
        self.work()

    def work(self) -> None:
        """Work what is awake, and what that wakes: what the sweep and the queues bring about."""
        queue, store = self.api.queue, self.api.service.store
        queue.names.clear()
        names = [name for _, name in store.schedules.awake(SHARD, self.api.now, 50)]
        for _ in range(30):
            for account in dict.fromkeys(map(keys.account_of, names)):
                mine = tuple(name for name in names if keys.account_of(name) == account)
                agenda.perform(self.api.service, [agenda.Message(account=account, names=mine)])
            names = [name for name in dict.fromkeys(queue.names) if keys.kind_of(name).name in WORKED]
            queue.names.clear()
            if not names:
                return
        raise AssertionError(f"It never rests: {names}")

    def rests(self, *, audited: bool = True) -> State:
        """Some hours pass, less than any retry takes; all that is kept then, but versions and moments."""
        for minutes in (2, 10, 120):
            self.api.now += timedelta(minutes=minutes)
            self.work()
        service = self.api.service
        if audited:
            business = service.store.get(Account, self.account, self.account)
            assert laws.broken(books.kept(service, business)) == []
        found: State = {"books": Counter()}
        for item in self.api.written():
            name = item["key"]["S"]
            if not name.startswith(f"{self.account}/") or "body" not in item:
                continue
            kind = item["kind"]["S"]
            assert "parked" not in item, name
            body = json.loads(item["body"]["S"])
            if kind == "event":
                found["books"].update((body.get("entry") or {}).get("postings", {}))
            elif kind in KINDS:
                found.setdefault(kind, []).append(_without(body))
        found["books"] = {book: amount for book, amount in found["books"].items() if amount}
        return {kind: sorted(rows, key=str) if kind != "books" else rows for kind, rows in found.items()}

    def find(self, type_: type) -> Any:
        """The only record of a type, or the first."""
        owner = f"{self.account}/{keys.BY_TYPE[type_].name}"
        return self.api.service.store.owned(owner, limit=1, newest_first=False).records[0]

    def intent(self) -> str:
        """Stripe's id of the only PaymentIntent."""
        path = f"{self.stripe.url}/v1/payment_intents?limit=1"
        answer = http("GET", path, None, {"Authorization": f"Bearer {STRIPE_KEY}"})
        return str(answer.body["data"][0]["id"])


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: _without(one)
            for name, one in value.items()
            if not (name in PASSING or name.endswith(("_at", "_on")))
        }
    if isinstance(value, list | tuple):
        return [_without(one) for one in value]
    return _IDS.sub(r"\1_", value) if isinstance(value, str) else value


# -- what may happen ------------------------------------------------------------------------------------


def bills(life: Life) -> None:
    """The first month is charged; where the answer is lost, nobody here knows what became of it."""
    if life.lost:
        where = {"method": "POST", "path": "/v1/payment_intents"}
        life.control("faults", match=where, fault="500_after", times=1)
    service, sold = life.api.service, life.find(Subscription)
    renew.subscriptions(service, life.account, [keys.key_of(sold)])
    collect.invoices(service, life.account, [keys.key_of(life.find(Invoice))])


def disputes(life: Life) -> None:
    life.control("disputes", payment_intent=life.intent())


def wins(life: Life) -> None:
    life.control("disputes/win", dispute=_dispute(life))


def loses(life: Life) -> None:
    life.control("disputes/lose", dispute=_dispute(life))


def _dispute(life: Life) -> str:
    answer = http(
        "GET", f"{life.stripe.url}/v1/disputes?limit=1", None, {"Authorization": f"Bearer {STRIPE_KEY}"}
    )
    return str(answer.body["data"][0]["id"])


def refunds_ten(life: Life) -> None:
    life.control("refunds", payment_intent=life.intent(), amount=1000)


def refunds_the_rest(life: Life) -> None:
    life.control("refunds", payment_intent=life.intent())


def asks_for_a_refund(life: Life) -> None:
    """Staff give 5.00 back; Stripe's answer is lost where the charge's was."""
    life.work()
    paid = life.find(Payment)
    if life.lost:
        life.control("faults", match={"method": "POST", "path": "/v1/refunds"}, fault="500_after", times=1)
    life.post("/v1/refunds", payment=paid.id, amount={"amount": 500, "currency": "usd"})


def bills_a_poor_card(life: Life) -> None:
    """There is no money on the card, today."""
    card = life.find(Subscription).method.id
    life.control("script", payment_method=card, outcomes=["insufficient_funds"])
    bills(life)


def asks_again(life: Life) -> None:
    """The schedule's next attempt; its answer is lost where the first one's was."""
    life.days(1)
    bills(life)


def is_known(life: Life) -> None:
    """Somebody here looks what became of the charge."""
    life.api.now += timedelta(minutes=2)
    life.work()


def four_days(life: Life) -> None:
    life.days(4)


def returns(life: Life) -> None:
    life.control("returns", payment_intent=life.intent(), reason="insufficient_funds")


def confirms(life: Life) -> None:
    """The buyer opens their bank's page, and does what it asks for."""
    confirm.payment(life.api.service, life.account, life.find(Payment).id, back_url="https://pay.example/b")
    life.control("authenticate", payment_intent=life.intent(), result="succeed")


def opens_a_page(life: Life) -> None:
    """The buyer, whose card was declined, opens Stripe's page for what they owe."""
    owed = life.find(Invoice).id
    checkout.pay(life.api.service, life.account, [owed], back_url="https://pay.example/b")


def is_declined_there(life: Life) -> None:
    life.control("checkout/pay", session=_page(life), payment_method="pm_card_visa_chargeDeclined")


def pays_there(life: Life) -> None:
    life.control("checkout/pay", session=_page(life), payment_method="pm_card_visa")


def _page(life: Life) -> str:
    page = life.api.service.store.owned(f"{life.account}/payment", limit=10)
    return next(one.session for one in page.records if isinstance(one, Payment) and one.session)


def fees_are_late(life: Life) -> None:
    """Stripe tells the fee of a charge an hour after it."""
    life.control("fees", seconds=3600)
    bills(life)
    life.control("fees", seconds=0)


def an_hour(life: Life) -> None:
    life.api.now += timedelta(hours=1)
    life.days(0)


@dataclass(frozen=True, slots=True)
class Course:
    """What happens at Stripe, step by step, to a customer of a method."""

    steps: tuple[Step, ...]
    method: str = "pm_card_visa"


COURSES: dict[str, Course] = {
    "success": Course((bills,)),
    "3-D Secure": Course((bills, is_known, confirms), "pm_card_authenticationRequired"),
    "declined, then paid on a page": Course(
        (bills, is_known, opens_a_page, is_declined_there, pays_there), "pm_card_chargeCustomerFail"
    ),
    "declined, then charged again": Course((bills_a_poor_card, is_known, asks_again)),
    "fee told late": Course((fees_are_late, an_hour)),
    "debit": Course((bills, four_days), "pm_usBankAccount_success"),
    "debit that fails": Course((bills, four_days), "pm_usBankAccount_insufficientFunds"),
    "dispute won": Course((bills, disputes, wins)),
    "dispute lost": Course((bills, disputes, loses)),
    "refunded at Stripe": Course((bills, refunds_ten, refunds_the_rest)),
    "refunded here and at Stripe": Course((bills, is_known, asks_for_a_refund, refunds_the_rest)),
    "debit returned": Course((bills, four_days, returns), "pm_usBankAccount_success"),
}


@pytest.fixture
def deployment(real_aws: dict[str, str], stripe: StripeServer) -> tuple[Api, StripeServer]:
    """A deployment whose queues nobody works but the story, and a Stripe."""
    settings = read(environment(real_aws, stripe.url, None, PERENNIAL_WAKE_SHARDS="1"))
    table.create(settings)
    at = datetime(2026, 1, 31, 12, tzinfo=UTC)
    return Api(wiring.wired(settings), Writes(settings), now=at), stripe


def begun(deployment: tuple[Api, StripeServer], course: Course, *, lost: bool) -> Life:
    """An account of its own, with a customer who has subscribed."""
    api, stripe = deployment
    account, key = api.open("Roaster")
    life = Life(api, stripe, account.id, key, set(), lost, course.method)
    api.now = (api.now + timedelta(days=1)).replace(hour=12, minute=0)
    life.days(0)
    contact = life.post("/v1/contacts", name="Ada", email="ada@example.com")["id"]
    card = {"contact": contact, "payment_method": course.method}
    method = life.post("/v1/payment_methods", **card)["id"]
    line = {"name": "Coffee", "unit_amount": 2500}
    buys = {"contact": contact, "payment_method": method}
    life.post("/v1/subscriptions", **buys, lines=[line], frequency="monthly")
    life.listen()
    life.events.clear()
    return life


def lived(deployment: tuple[Api, StripeServer], name: str, *, lost: bool, seed: int) -> State:
    """A course lived again, each event delivered at a point drawn after what caused it, some of them twice."""
    life, draw = begun(deployment, COURSES[name], lost=lost), random.Random(f"{name} {seed}")
    steps, waiting = list(COURSES[name].steps), []
    while steps or waiting:
        if steps and (not waiting or draw.random() < 0.4):
            steps.pop(0)(life)
            waiting += life.listen()
            continue
        one = waiting.pop(draw.randrange(len(waiting)))
        again = [draw.choice(life.events)] if draw.random() < 0.3 else []
        life.deliver([one, *(event for event in again if event not in waiting)])
    return life.rests()


def lived_with_one_late(
    deployment: tuple[Api, StripeServer], name: str, late: tuple[int, int], point: int
) -> State:
    """A course lived again, each event delivered after its cause; the nth of a step after a later step, and once more at the end."""
    life = begun(deployment, COURSES[name], lost=(sum(late) + point) % 2 == 0)
    kept: list[dict[str, Any]] = []
    for at, step in enumerate(COURSES[name].steps):
        step(life)
        for nth, one in enumerate(life.listen()):
            if (at, nth) == late:
                kept = [one]
            else:
                life.deliver([one])
        if at == point:
            life.deliver(kept)
    assert kept
    life.deliver(kept)
    return life.rests()


@pytest.mark.parametrize("name", COURSES)
def test_events_in_any_order_and_twice_reach_one_state(deployment: tuple[Api, StripeServer], name: str):
    """After a course whose charge nobody here knows of, Stripe tells all of it in any order, and then once more: one state."""
    life = begun(deployment, COURSES[name], lost=True)
    for step in COURSES[name].steps:
        step(life)
    events, before, now = life.listen() and life.events, saved(life), life.api.now
    reached: State | None = None
    assert 0 < len(events) <= MOST_EVENTS
    for order in itertools.permutations(events):
        put_back(life, before)
        life.api.now = now
        for one in order:
            life.deliver([one])
        life.deliver(list(reversed(order)))
        state = life.rests(audited=reached is None)
        reached = reached or state
        assert state == reached, [one["type"] for one in order]


@pytest.mark.parametrize("name", COURSES)
def test_each_event_at_each_point_from_its_cause_on_reaches_one_state(
    deployment: tuple[Api, StripeServer], name: str
):
    """One event comes behind the others of its step, or after any later step, and again at the end: one state."""
    whole = lived(deployment, name, lost=False, seed=0)
    life, told = begun(deployment, COURSES[name], lost=False), []
    for at, step in enumerate(COURSES[name].steps):
        step(life)
        fresh = life.listen()
        life.deliver(fresh)
        told += [(at, nth) for nth in range(len(fresh))]
    for late in told:
        for point in range(late[0], len(COURSES[name].steps)):
            assert lived_with_one_late(deployment, name, late, point) == whole, (late, point)


@pytest.mark.parametrize("name", COURSES)
def test_events_between_the_steps_that_cause_them_reach_one_state(
    deployment: tuple[Api, StripeServer], name: str
):
    """Told at any point from its cause on, twice or late, the answers of our own requests lost or not: one state."""
    whole = lived(deployment, name, lost=False, seed=0)
    for seed in range(1, INTERLEAVED + 1):
        assert lived(deployment, name, lost=bool(seed % 2), seed=seed) == whole, f"seed {seed}"


def saved(life: Life) -> list[dict[str, Any]]:
    """All items of the table."""
    return life.api.written()


def put_back(life: Life, items: list[dict[str, Any]]) -> None:
    """The table as it was."""
    dynamodb = life.api._dynamodb
    there = {item["key"]["S"]: item for item in life.api.written()}
    was = {item["key"]["S"]: item for item in items}
    wrong = [{"DeleteRequest": {"Key": {"key": {"S": key}}}} for key in there.keys() - was.keys()]
    wrong += [{"PutRequest": {"Item": item}} for key, item in was.items() if there.get(key) != item]
    for start in range(0, len(wrong), 25):
        dynamodb.batch_write_item(RequestItems={"perennial": wrong[start : start + 25]})
