"""A record that cannot be read, beside whatever is worked: it alone is set apart, all others go on, and nothing is lost.

Each kind of neighbor is spoiled in turn, in both ways: broken, which is counted and parked, and written by a newer release,
which is nobody's fault. Once it can be read again, what waited for it is done, once. All messages of a tick are worked
together, so that whatever would end one worker's run would be seen here as an error.
"""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from chalicelib.aws import AwsRefused
from chalicelib.billing.audits import Code
from chalicelib.billing.billing_runs import name_of
from chalicelib.billing.deliveries import Letter
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.wake import Topic
from chalicelib.crm.accounts import HOUSE
from chalicelib.crm.hooks import Answered
from chalicelib.crm.mail import Mail, MailRefused
from chalicelib.operations import agenda, audit
from chalicelib.service import Service
from chalicelib.store.bookkeeping import Sweep
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.store import Store
from sandbox.endpoint import Endpoint
from sandbox.world import World
from tests.stories.buyer import MASTERCARD, Buyer, pays
from tests.stories.diary import Diary
from tests.stories.test_found_more import item, parked, rewrite
from tests.stories.test_letters import expiring, rows, staff
from tests.stories.test_refunds import last_payment, refunds
from tests.stories.test_webhooks import listens

SIX_HOURS = 6 * 60 + 5
BROKEN = {"body": {"S": "{"}}
NEWER = {"shape": {"N": "99"}}
Values = dict[str, dict[str, str]]
UNREAD = pytest.mark.parametrize("how", [BROKEN, NEWER], ids=["broken", "newer"])


def spoiled(*cases: tuple[str, Values]) -> pytest.MarkDecorator:
    """Kinds of neighbors, each in one of the ways or in both."""
    names = [f"{kind}-{'broken' if how is BROKEN else 'newer'}" for kind, how in cases]
    return pytest.mark.parametrize(("kind", "how"), cases, ids=names)


def key(diary: Diary, kind: str, id_: str) -> str:
    """A record's key in the table."""
    return f"{diary.account}/{kind}/{id_}"


@contextmanager
def unread(diary: Diary, name: str, how: Values, steps: int = 2, minutes: int = 16) -> Iterator[None]:
    """A record cannot be read for a while; where it is broken it alone is parked and named in the end, and released once it is mended.

    What waited for it is done within some steps then.
    """
    world = diary.world
    whole = item(world, name)
    rewrite(world, name, **how)
    yield
    assert parked(diary) == ([name] if how is BROKEN else [])
    assert how is NEWER or name in _named(diary)
    rewrite(world, name, **{one: whole[one] for one in how})
    if how is BROKEN:
        world.service().store.schedules.release(name)
    passes(diary, steps, minutes)
    assert parked(diary) == []


def passes(diary: Diary, steps: int, minutes: int = 16) -> None:
    """Time passes, several times over, each with one tick: what stays due is not waited for."""
    for _ in range(steps):
        diary.world.set_clock(diary.world.now + timedelta(minutes=minutes))
        diary.world.tick()
        diary.world.drain()


def _named(diary: Diary) -> list[str]:
    """The keys that an audit finds parked; of an account that cannot be read there is none."""
    if diary.world.service().store.load(diary.account, [key(diary, "account", diary.account)]).broken:
        return parked(diary)
    found = audit.account(diary.world.service(), diary.account).findings
    ends = {one.subject for one in found if one.code is Code.PARKED}
    return [name for name in parked(diary) if name.split("/", 2)[2] in ends]


# -- billing and collecting ---------------------------------------------------------------------------


@spoiled(("contact", BROKEN), ("company", NEWER))
def test_what_is_due_is_billed_without_its_neighbor(diary: Diary, kind: str, how: Values):
    """Who is billed, or in whose name, cannot be read: the other subscription is billed, and that one afterwards."""
    company = diary.post("/v1/companies", name="Acme", email="acme@perennial.example")["id"]
    diary.subscribes("zoe", "coffee-250g", on="2026-01-15")
    diary.subscribes("ada", "coffee-250g", on="2026-01-15", company=company)
    names = {"contact": diary.contacts["ada"], "company": company}
    diary.world.set_clock(datetime(2026, 1, 15, 12, tzinfo=UTC))
    with unread(diary, key(diary, kind, names[kind]), how):
        passes(diary, 7)
        assert diary.payments("zoe") == [("succeeded", 1250)]
    assert diary.payments("ada") == [("succeeded", 1250)]
    diary.world.settle()
    diary.sound()


def test_a_days_run_that_cannot_be_read_is_billed_on_afterwards(diary: Diary):
    """The day's count of invoices is broken: what is due waits, and is counted with the others once it is mended."""
    diary.subscribes("zoe", "coffee-250g", on="2026-01-15")
    diary.it_is("2026-01-15", hour=7)
    with unread(diary, key(diary, "billing_run", name_of(date(2026, 1, 15))), BROKEN):
        diary.subscribes("ada", "coffee-1kg")
        passes(diary, 7)
        assert diary.payments("ada") == []
    assert diary.payments("ada") == [("succeeded", 2500)]
    assert [row["issued"] for row in diary.every("/v1/billing_runs")] == [2]
    diary.sound()


@spoiled(("subscription", BROKEN), ("contact", NEWER))
def test_what_is_owed_is_asked_for_without_its_neighbor(diary: Diary, kind: str, how: Values):
    """Two cards were declined, and the subscription or customer of one cannot be read: the other is asked again, and that one afterwards."""
    for who in ("ada", "bo"):
        diary.saves_a_card(who)
        diary.card(who, "insufficient_funds")
        diary.subscribes(who, "coffee-250g")
    diary.world.settle()
    names = {"subscription": diary.subscriptions["ada"], "contact": diary.contacts["ada"]}
    with unread(diary, key(diary, kind, names[kind]), how):
        diary.world.set_clock(diary.world.now + timedelta(days=2))
        passes(diary, 7)
        assert diary.payments("bo") == [("declined", 1250), ("succeeded", 1250)]
    assert diary.payments("ada") == [("declined", 1250), ("succeeded", 1250)]
    diary.world.settle()
    diary.sound()


# -- money that goes back, methods that are left ---------------------------------------------------------


@spoiled(("payment", BROKEN), ("payment", NEWER), ("contact", BROKEN))
def test_a_refund_is_followed_without_its_neighbor(diary: Diary, kind: str, how: Values):
    """Stripe answered neither of two refunds, and one's payment or customer cannot be read: the other is done, and that one afterwards, once."""
    for who in ("ada", "bo"):
        diary.subscribes(who, "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-20")
    paid = {who: last_payment(diary, who)["id"] for who in ("ada", "bo")}
    where = {"method": "POST", "path": "/v1/refunds"}
    diary.world.stripe("POST", "faults", {"match": where, "fault": "500_after", "times": 2})
    for who in ("ada", "bo"):
        diary.post("/v1/refunds", payment=paid[who], amount={"amount": 1000, "currency": "usd"})
        diary.world.set_clock(diary.world.now + timedelta(minutes=1))
    diary.world.stripe("DELETE", "webhooks")
    names = {"payment": paid["ada"], "contact": diary.contacts["ada"]}
    with unread(diary, key(diary, kind, names[kind]), how):
        passes(diary, 7)
        assert refunds(diary, paid["bo"]) == [("succeeded", 1000)]
    assert refunds(diary, paid["ada"]) == [("succeeded", 1000)]
    diary.sound()


@spoiled(("subscription", NEWER), ("setup", BROKEN), ("invoice", NEWER))
def test_a_method_is_taken_without_its_neighbor(diary: Diary, world: World, kind: str, how: Values):
    """Two buyers left a method, and one's page, subscription or what it owes cannot be read: the other's is charged at once, and that one's afterwards."""
    people = []
    for who in ("ada", "bo"):
        diary.saves_a_card(who)
        diary.card(who, *["insufficient_funds"] * 20)
        diary.subscribes(who, "coffee-1kg", on="2026-01-15")
        people.append(Buyer(diary, who))
    diary.it_is("2026-01-15")
    world.stripe("DELETE", "webhooks")
    left = {one.who: pays(one.opens_for_a_method(), MASTERCARD).location or "" for one in people}
    names = {
        "subscription": diary.subscriptions["ada"],
        "setup": left["ada"].rpartition("/")[2],
        "invoice": people[0].owed()[0],
    }
    with unread(diary, key(diary, kind, names[kind]), how, steps=8):
        passes(diary, 12)
        assert diary.payments("bo")[-1] == ("succeeded", 2500)
    assert diary.payments("ada")[-1] == ("succeeded", 2500)
    assert diary.subscription("ada")["status"] == "active"
    assert diary.taken() == 2 * 2500
    diary.sound()


@UNREAD
def test_what_a_page_held_is_asked_for_once_it_can_be_read(diary: Diary, world: World, how: Values):
    """A buyer who owes for what is not retried any more leaves a method, while the payment of another page cannot be read: when that has ended, it is charged."""
    diary.post("/v1/account", retries={"days": [], "at_end": "unpaid"})
    diary.saves_a_card("ada")
    diary.card("ada", "insufficient_funds")
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-15")
    assert diary.subscription("ada")["status"] == "unpaid"
    ada = Buyer(diary, "ada")
    ada.opens()
    page = ada.payment().id
    world.stripe("DELETE", "webhooks")
    pays(ada.opens_for_a_method(), MASTERCARD)
    with unread(diary, key(diary, "payment", page), how, steps=8):
        passes(diary, 7)
        sold = world.service().store.get(Subscription, diary.account, diary.subscriptions["ada"])
        assert sold.status is Status.PAST_DUE
    assert [status for status, _ in diary.payments("ada")] == ["declined", "canceled", "succeeded"]
    assert diary.subscription("ada")["status"] == "active"
    diary.sound()


@UNREAD
def test_a_card_is_not_asked_again_for_a_method_that_cannot_be_taken_yet(
    diary: Diary, world: World, how: Values
):
    """One of two months owed cannot be read as another method is left: the old card is left alone for the other, and the new one pays both."""
    diary.post("/v1/account", retries={"days": [], "at_end": "past_due"})
    diary.saves_a_card("ada")
    diary.card("ada", *["insufficient_funds"] * 20)
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-02-15")
    ada = Buyer(diary, "ada")
    world.stripe("DELETE", "webhooks")
    pays(ada.opens_for_a_method(), MASTERCARD)
    with unread(diary, key(diary, "invoice", ada.owed()[0]), how, steps=8):
        passes(diary, 7)
        assert diary.payments("ada") == [("declined", 2500)] * 2
    assert diary.payments("ada") == [("declined", 2500)] * 2 + [("succeeded", 5000)]
    diary.sound()


# -- accounts ------------------------------------------------------------------------------------------


@UNREAD
def test_an_account_that_waits_holds_up_no_other(diary: Diary, world: World, how: Values):
    """Two accounts move to another hour at once, and one cannot be read: the other's subscriptions follow, and its own afterwards."""
    other = Diary(world)
    with Endpoint() as endpoint:
        for one in (diary, other):
            listens(one, endpoint, "subscription.changed")
            one.subscribes("ada", "coffee-250g", on="2026-01-15")
            one.post("/v1/account", billing_hour=9)
        with unread(diary, key(diary, "account", diary.account), how):
            passes(diary, 7)
            assert other.subscription("ada")["billing_hour"] == 9
            assert {one["account"] for one in endpoint.accepted} == {other.account}
        passes(diary, 2)
        assert diary.subscription("ada")["billing_hour"] == 9
        assert Counter(one["account"] for one in endpoint.accepted) == {other.account: 1, diary.account: 1}
    diary.sound()


@UNREAD
def test_a_subscription_that_cannot_be_read_follows_its_account_later(diary: Diary, how: Values):
    """All subscriptions follow another hour but one, which is looked for every hour, and follows once it can be read."""
    for who in ("ada", "bo"):
        diary.subscribes(who, "coffee-250g", on="2026-03-15")
    with unread(diary, key(diary, "subscription", diary.subscriptions["ada"]), how, steps=8):
        diary.post("/v1/account", billing_hour=9)
        passes(diary, 24)
        assert diary.subscription("bo")["billing_hour"] == 9
    assert diary.subscription("ada")["billing_hour"] == 9
    passes(diary, 8)
    assert item(diary.world, key(diary, "account", diary.account)).get("wake_at") is None
    diary.sound()


# -- letters ---------------------------------------------------------------------------------------------


@UNREAD
def test_staff_who_cannot_be_read_are_written_to_later(diary: Diary, how: Values):
    """Of three people of the business one cannot be read: their colleague and the buyer are written to, and they themselves afterwards, as they wish."""
    staff(diary, "uwe", Letter.STAFF_PAYMENT)
    staff(diary, "vera", Letter.STAFF_PAYMENT)
    staff(diary, "wim", Letter.STAFF_PAYMENT_FAILED)
    diary.subscribes("ada", "coffee-1kg", on="2026-01-10")
    diary.it_is("2026-01-09")
    wim = key(diary, "user", "user_wim")
    whole = item(diary.world, wim)
    rewrite(diary.world, wim, **how)
    with unread(diary, key(diary, "user", "user_uwe"), how, minutes=SIX_HOURS):
        diary.world.set_clock(datetime(2026, 1, 10, 11, 5, tzinfo=UTC))
        passes(diary, 3, minutes=1)
        assert diary.every_letter("vera") == ["staff_payment"]
        assert "first_payment" in diary.every_letter("ada")
        rewrite(diary.world, wim, **{one: whole[one] for one in how})
        passes(diary, 5, minutes=SIX_HOURS)
    assert diary.every_letter("uwe") == ["staff_payment"]
    assert diary.every_letter("wim") == []
    assert Counter(row["status"] for row in rows(diary, letter="staff_payment")) == {"sent": 2, "skipped": 1}


@spoiled(("contact", BROKEN), ("invoice", NEWER))
def test_a_letter_waits_for_what_it_tells_of(diary: Diary, kind: str, how: Values):
    """What one of two receipts tells of cannot be read: the other goes, that one is counted, and goes afterwards."""

    class Away:
        def send(self, mail: Mail) -> str:
            raise MailRefused("The mail server is away.", busy=True)

    for who in ("ada", "bo"):
        diary.subscribes(who, "coffee-1kg", on="2026-01-10")
    diary.it_is("2026-01-09")
    diary.world.restart(lambda service: replace(service, mailer=Away()))
    diary.it_is("2026-01-10", hour=7)
    diary.world.restart()
    [row] = rows(diary, letter="first_payment", contact=diary.contacts["ada"])
    names = {"contact": diary.contacts["ada"], **row["about"]}
    with unread(diary, key(diary, kind, names[kind]), how, minutes=SIX_HOURS):
        passes(diary, 6, minutes=SIX_HOURS)
        assert "first_payment" in diary.every_letter("bo")
        assert "first_payment" not in diary.every_letter("ada")
    assert diary.every_letter("ada").count("first_payment") == 1


@UNREAD
def test_a_card_is_told_of_once_it_is_known_what_is_charged_on_it(diary: Diary, world: World, how: Values):
    """Two cards expire, and the subscription of one cannot be read: the other's owner is told, and that one afterwards, once."""
    for who in ("ada", "bo"):
        diary.subscribes(who, "coffee-1kg", on="2026-01-20", frequency="annually")
        expiring(diary, world, who, 4)
    diary.it_is("2026-02-01")
    [wake] = {
        item(world, key(diary, "payment_method", diary.methods[who]["id"]))["wake_at"]["S"]
        for who in ("ada", "bo")
    }
    with unread(diary, key(diary, "subscription", diary.subscriptions["ada"]), how):
        diary.world.set_clock(datetime.fromisoformat(wake))
        passes(diary, 7)
        assert diary.every_letter("bo").count("card_expiring") == 1
    assert diary.every_letter("ada").count("card_expiring") == 1


# -- webhooks ----------------------------------------------------------------------------------------------


@spoiled(("webhook_endpoint", BROKEN), ("event", NEWER), ("webhook_delivery", BROKEN))
def test_an_event_is_posted_without_its_neighbor(diary: Diary, kind: str, how: Values):
    """The endpoint of one event, the event or its delivery cannot be read: all else is heard by everybody, and that afterwards, once."""
    with Endpoint() as one, Endpoint() as two:
        made = [listens(diary, endpoint, "subscription.created") for endpoint in (one, two)]
        one.status = two.status = 503
        for who in ("ada", "bo"):
            diary.subscribes(who, "coffee-1kg", on="2026-03-10")
        diary.world.drain()
        one.status = two.status = 200
        told = [row["id"] for row in diary.every("/v1/events") if row["type"] == "subscription.created"]
        names = {
            "webhook_endpoint": made[0]["id"],
            "event": told[0],
            "webhook_delivery": diary.every(f"/v1/webhook_endpoints/{made[0]['id']}/deliveries")[0]["id"],
        }
        with unread(diary, key(diary, kind, names[kind]), how, steps=8, minutes=120):
            passes(diary, 10, minutes=60)
            heard = [len(endpoint.accepted) for endpoint in (one, two)]
            assert heard == {"webhook_endpoint": [0, 2], "event": [1, 1], "webhook_delivery": [1, 2]}[kind]
        for endpoint in (one, two):
            assert sorted(event["id"] for event in endpoint.accepted) == sorted(told)


def test_an_event_waits_for_a_release_that_reads_what_it_is_about(diary: Diary):
    """What it is about was written by a newer release: nobody is told that it is gone."""
    with Endpoint() as endpoint:
        listens(diary, endpoint, "subscription.created")
        sold = diary.subscribes("ada", "coffee-1kg", on="2026-03-10")
        with unread(diary, key(diary, "subscription", sold), NEWER):
            passes(diary, 2)
            assert endpoint.accepted == []
        assert [one["data"]["object"]["id"] for one in endpoint.accepted] == [sold]


def test_a_post_that_fails_as_nobody_foresaw_is_that_deliverys_own(diary: Diary):
    """One post raises what no endpoint can cause: the others are noted as sent, and that one is parked after five tries."""

    class Odd:
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def post(self, url: str, body: bytes, headers: dict[str, str]) -> Answered:
            if diary.subscriptions["ada"].encode() in body:
                raise ZeroDivisionError("a defect of ours")
            answer: Answered = self.inner.post(url, body, headers)
            return answer

    with Endpoint() as endpoint:
        made = listens(diary, endpoint, "subscription.created")
        diary.world.restart(lambda service: replace(service, hooks=Odd(service.hooks)))
        for who in ("ada", "bo", "cy"):
            diary.subscribes(who, "coffee-1kg", on="2026-03-10")
        passes(diary, 8)
        assert len(endpoint.accepted) == len(endpoint.came) == 2
        assert [name.split("/")[1] for name in parked(diary)] == ["webhook_delivery"]
        diary.world.restart()
        diary.world.service().store.schedules.release(parked(diary)[0])
        passes(diary, 2)
        assert len(endpoint.accepted) == 3
    path = f"/v1/webhook_endpoints/{made['id']}/deliveries"
    assert {row["status"] for row in diary.every(path)} == {"succeeded"}


@spoiled(
    ("webhook_endpoint", BROKEN),
    ("webhook_delivery", BROKEN),
    ("webhook_delivery", NEWER),
    ("account", NEWER),
)
def test_a_walk_goes_on_without_its_neighbor(diary: Diary, world: World, kind: str, how: Values):
    """Two endpoints are sent again what they missed, and of one something cannot be read: the other hears all, and that one afterwards."""
    other = Diary(world)
    with Endpoint() as one, Endpoint() as two:
        made = {}
        for each, endpoint in ((diary, one), (other, two)):
            made[each.account] = listens(each, endpoint, "subscription.created")
            endpoint.status = 400
            each.subscribes("ada", "coffee-1kg", on="2026-03-10")
            each.subscribes("bo", "coffee-1kg", on="2026-03-10")
            each.world.drain()
            endpoint.status = 200
        mine = made[diary.account]["id"]
        delivery = diary.every(f"/v1/webhook_endpoints/{mine}/deliveries")[0]["id"]
        names = {"webhook_endpoint": mine, "webhook_delivery": delivery, "account": diary.account}
        for each in (diary, other):
            path = f"/v1/webhook_endpoints/{made[each.account]['id']}/resend"
            each.post(path, since=world.now.replace(hour=0).isoformat())
        with unread(diary, key(diary, kind, names[kind]), how, steps=4):
            passes(diary, 7)
            assert len(two.accepted) == 2
        passes(diary, 10, minutes=60)
        assert len(one.accepted) == 2


# -- the schedules and the audit ---------------------------------------------------------------------------


@UNREAD
def test_a_sweep_whose_mark_cannot_be_read_goes_on(diary: Diary, how: Values):
    """How far the last sweep came is not known: all that is due is enqueued, each time, and billed once."""
    diary.subscribes("ada", "coffee-250g", on="2026-01-15")
    world, name = diary.world, f"{HOUSE}/sweep/{Topic.BILLING}"
    diary.subscribes("bo", "coffee-250g")
    world.settle()
    if not world.service().store.load(HOUSE, [name]).records:
        world.set_clock(datetime(2026, 1, 15, 12, tzinfo=UTC))
        agenda.sweep(world.service(), Topic.BILLING)
    assert world.service().store.find(Sweep, HOUSE, Topic.BILLING.value)
    rewrite(world, name, **how)
    diary.it_is("2026-01-16")
    assert diary.payments("ada") == diary.payments("bo") == [("succeeded", 1250)]
    diary.sound()


def test_a_kind_of_a_newer_release_is_left_to_it(diary: Diary):
    """A name of a kind that this release does not know holds up no other of its message, and is not counted."""
    sold = diary.subscribes("ada", "coffee-250g", on="2026-01-15")
    diary.world.set_clock(datetime(2026, 1, 15, 12, tzinfo=UTC))
    names = (key(diary, "quote", "quo_1"), key(diary, "subscription", sold))
    for received in (1, 2):
        message = agenda.Message(account=diary.account, names=names, received=received)
        agenda.perform(diary.world.service(), [message])
    assert len(diary.invoices("ada")) == 1
    assert parked(diary) == []


@UNREAD
def test_an_audit_goes_on_without_its_neighbor(diary: Diary, world: World, how: Values):
    """An account's last audit cannot be read: the others are audited all the same. Its numbers cannot be: that is what it finds. Without its first customer the books hold."""
    other = Diary(world)
    for one in (diary, other):
        one.subscribes("ada", "coffee-250g")
    diary.it_is("2026-01-02")
    audits = [key(one, "audit", audit.LAST) for one in (diary, other)]
    world.audit()
    world.drain()
    first = item(world, audits[1])["version"]["N"]
    with unread(diary, audits[0], how):
        for _ in range(6):
            world.set_clock(world.now + timedelta(hours=21))
            world.audit()
            world.drain()
        assert int(item(world, audits[1])["version"]["N"]) > int(first) + 5
    series = key(diary, "series", "invoice")
    whole = item(world, series)
    rewrite(world, series, **how)
    found = audit.account(world.service(), diary.account).findings
    assert [(one.code, one.subject) for one in found] == [(Code.UNREADABLE, "invoice")]
    rewrite(world, series, **{one: whole[one] for one in how})
    rewrite(world, key(diary, "contact", diary.contacts["ada"]), **how)
    told = audit.account(world.service(), diary.account)
    assert (told.findings, told.looked["entries"]) == ((), len(diary.every("/v1/events")))


# -- who is always too late -----------------------------------------------------------------------------------


class Overtaken:
    """A table in which somebody else is always faster: whatever is written by itself is refused so often."""

    def __init__(self, inner: Dynamo, times: int) -> None:
        self._inner, self._times, self.refused = inner, times, Counter[str]()

    def dispatch(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        names = _written(operation, request)
        late = [name for name in names if self.refused[name] < self._times]
        if late:
            self.refused.update(names)
            if operation == "PutItem":
                raise AwsRefused(400, "ConditionalCheckFailedException", "overtaken")
            reasons = tuple("ConditionalCheckFailed" if name in late else "None" for name in names)
            raise AwsRefused(400, "TransactionCanceledException", "overtaken", reasons)
        return self._inner.dispatch(operation, request)


def _written(operation: str, request: dict[str, Any]) -> list[str]:
    """What is written, by name; an event is another with each version of what it is about, and counts as one here."""
    puts = [request] if operation == "PutItem" else []
    if operation == "TransactWriteItems":
        puts = [one["Put"] for one in request["TransactItems"] if "Put" in one]
    return [re.sub(r"_[0-9]+(?=_)", "", one["Item"]["key"]["S"]) for one in puts]


def test_what_loses_every_race_is_worked_by_the_next_sweep(diary: Diary):
    """Every record's first writes are refused until its worker gives it up: it stays awake, and in the end all is done, once."""
    with Endpoint() as endpoint:
        listens(diary, endpoint)
        for who in ("ada", "bo"):
            diary.subscribes(who, "coffee-1kg", on="2026-01-10")
        diary.card("bo", "insufficient_funds")
        diary.it_is("2026-01-09")
        tables = []

        def overtaken(service: Service) -> Service:
            tables.append(Overtaken(Dynamo(service.settings), 4))
            connection: Any = tables[-1]
            settings = service.settings
            return replace(service, store=Store(connection, settings.table, settings.wake_shards))

        diary.world.restart(overtaken)
        for day in (10, 11):
            diary.world.set_clock(datetime(2026, 1, day, 11, 30, tzinfo=UTC))
            passes(diary, 10)
        diary.world.restart()
        kinds = {name.split("/")[1] for name in tables[0].refused}
        wanted = {"subscription", "invoice", "payment", "event", "delivery", "webhook_delivery"}
        assert kinds >= wanted
        assert diary.payments("ada") == [("succeeded", 2500)]
        assert diary.payments("bo") == [("declined", 2500), ("succeeded", 2500)]
        told = Counter(event["id"] for event in endpoint.accepted)
        assert set(told) == {row["id"] for row in diary.every("/v1/events")}
        assert diary.every_letter("ada") == ["subscribed", "first_payment"]
        assert parked(diary) == []
    diary.sound()
