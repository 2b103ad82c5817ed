"""The audit, told by breaking what it looks after: the table by hand, and Stripe."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from stripe import StripeClient

from chalicelib.billing.audits import DO, Audit, Code
from chalicelib.crm.accounts import HOUSE
from chalicelib.operations import audit
from chalicelib.store.dynamo import Dynamo
from sandbox.world import STRIPE_KEY, World
from tests.stories.diary import Diary

Item = dict[str, Any]


def audited(diary: Diary) -> Audit:
    return audit.account(diary.world.service(), diary.account)


def found(diary: Diary) -> set[tuple[Code, str]]:
    return {(one.code, one.subject) for one in audited(diary).findings}


class Hand:
    """Somebody at the table itself."""

    def __init__(self, diary: Diary) -> None:
        settings = diary.world.app.settings
        self._dispatch, self._table, self._account = Dynamo(settings).dispatch, settings.table, diary.account

    def item(self, kind: str, id_: str) -> Item:
        key = {"key": {"S": f"{self._account}/{kind}/{id_}"}}
        found: Item = self._dispatch("GetItem", {"TableName": self._table, "Key": key})["Item"]
        return found

    def put(self, item: Item) -> None:
        self._dispatch("PutItem", {"TableName": self._table, "Item": item})

    def delete(self, item: Item) -> None:
        self._dispatch("DeleteItem", {"TableName": self._table, "Key": {"key": item["key"]}})

    @contextmanager
    def without(self, kind: str, id_: str) -> Iterator[None]:
        """As if it had never been written."""
        item = self.item(kind, id_)
        self.delete(item)
        yield
        self.put(item)

    @contextmanager
    def changed(self, kind: str, id_: str, change: Callable[[Item], None]) -> Iterator[None]:
        """Some of its attributes are others."""
        item = self.item(kind, id_)
        other = dict(item)
        change(other)
        self.put(other)
        yield
        self.put(item)

    def told(self, kind: str, id_: str, **fields: Any) -> Any:
        """Some fields of the record are others."""

        def change(item: Item) -> None:
            item["body"] = {"S": json.dumps(json.loads(item["body"]["S"]) | fields)}

        return self.changed(kind, id_, change)


@pytest.fixture
def shop(diary: Diary) -> Diary:
    """Three customers two months on: ada and eve pay, the bank refuses cy's second month."""
    for who in ("ada", "eve", "cy"):
        diary.subscribes(who, "coffee-250g")
    diary.it_is("2026-01-02")
    diary.card("cy", *["insufficient_funds"] * 9)
    diary.it_is("2026-02-03")
    return diary


def invoice_of(diary: Diary, who: str, nth: int = 0) -> Any:
    """The newest of a customer's invoices, or one before."""
    rows = diary.every(f"/v1/invoices?subscription={diary.subscriptions[who]}")
    return sorted(rows, key=lambda row: row["number"], reverse=True)[nth]


def test_a_life_with_everything_in_it_is_found_whole(shop: Diary):
    """Renewals, declines, arrears, a pause, a cancellation, a credit: nothing is found, and all was looked at."""
    shop.post(f"/v1/subscriptions/{shop.subscriptions['ada']}/pause")
    shop.post("/v1/credit_notes", invoice=invoice_of(shop, "eve")["id"])
    shop.post(f"/v1/subscriptions/{shop.subscriptions['eve']}/cancel")
    shop.it_is("2026-03-20")
    told = audited(shop)
    assert told.findings == ()
    assert told.holds
    assert told.looked["subscriptions"] == 3
    assert told.looked["charges"] >= 6
    assert told.looked["events"] == told.looked["entries"] > 20


def test_what_is_broken_by_hand_is_named(shop: Diary):
    """Each thing taken from the table or changed in it is found where it is; put back, nothing is found any more."""
    hand, ada = Hand(shop), shop.subscriptions["ada"]
    invoice = invoice_of(shop, "ada")
    paid = invoice["paid_by"]
    event = next(row for row in shop.every("/v1/events") if row["type"] == "payment.succeeded")["id"]

    def sleeps(item: Item) -> None:
        del item["wake_shard"], item["wake_at"]

    def elsewhere(item: Item) -> None:
        item["wake_shard"] = {"S": "billing#7"}

    def stirs(item: Item) -> None:
        item.update(wake_shard={"S": "retries#0"}, wake_at={"S": "2026-02-01T00:00:00.000000Z"})

    def garbled(item: Item) -> None:
        item["body"] = {"S": item["body"]["S"][:-5]}

    cases: list[tuple[Any, Code, str]] = [
        (hand.changed("subscription", ada, sleeps), Code.NOT_IN_SCHEDULE, ada),
        (hand.changed("subscription", ada, elsewhere), Code.WRONG_SHARD, ada),
        (hand.changed("invoice", invoice["id"], stirs), Code.WRONG_SHARD, invoice["id"]),
        (hand.changed("subscription", ada, garbled), Code.UNREADABLE, ada),
        (hand.without("subscription", f"{ada}@status"), Code.LINK_ASTRAY, ada),
        (hand.told("subscription", ada, status="past_due"), Code.ARREARS_WRONG, ada),
        (hand.told("subscription", shop.subscriptions["cy"], status="active"), Code.ARREARS_WRONG, shop.subscriptions["cy"]),
        (hand.without("invoice", invoice["id"]), Code.INVOICE_MISSING, ada),
        (hand.without("invoice", invoice_of(shop, "eve", 1)["id"]), Code.NUMBER_GAP, "INV-000003"),
        (hand.told("invoice", invoice["id"], status="open", amount_paid={"amount": 0, "currency": "usd"}), Code.INVOICE_FORGOTTEN, invoice["id"]),
        (hand.told("invoice", invoice["id"], payment="pay_lost_1"), Code.PAYMENT_ASTRAY, invoice["id"]),
        (hand.told("payment", paid, status="held"), Code.FORGOTTEN, paid),
        (hand.told("payment", paid, status="held"), Code.PAYMENT_ASTRAY, paid),
        (hand.without("payment", paid), Code.CHARGE_WITHOUT_PAYMENT, ""),
        (hand.told("payment", paid, status="declined"), Code.CHARGE_DIFFERS, ""),
        (hand.told("payment", paid, amount={"amount": 1, "currency": "usd"}), Code.CHARGE_DIFFERS, ""),
        (hand.told("payment", paid, reference="pi_elsewhere"), Code.PAYMENT_WITHOUT_CHARGE, paid),
        (hand.told("payment", paid, reference="pi_elsewhere"), Code.CHARGED_TWICE, ""),
        (hand.without("event", event), Code.BOOKS_BROKEN, ""),
        (hand.without("event", event), Code.BALANCE_DIFFERS, "usd"),
    ]  # fmt: skip
    for broken, code, subject in cases:
        with broken:
            named = found(shop)
            assert (code, subject) in named or (not subject and code in {one for one, _ in named}), (
                code,
                named,
            )
    assert audited(shop).holds


def test_what_a_finding_says_to_do_puts_it_right(shop: Diary):
    """Without any hand at the table: by the API for what is astray here, and by Stripe's own word for a payment."""
    shop.saves_a_card("dan", "pm_usBankAccount_success")
    shop.subscribes("dan", "coffee-250g")
    shop.it_is("2026-02-04")
    hand, debit = Hand(shop), invoice_of(shop, "dan")["payment"]
    ada, eve, cy = (shop.subscriptions[who] for who in ("ada", "eve", "cy"))

    def resumes(sold: str) -> None:
        shop.post(f"/v1/subscriptions/{sold}/pause")
        shop.post(f"/v1/subscriptions/{sold}/resume", shifts=False)

    def sleeps(item: Item) -> None:
        del item["wake_shard"], item["wake_at"]

    def is_left(item: Item) -> None:
        sleeps(item)
        body = json.loads(item["body"]["S"])
        item["body"] = {"S": json.dumps({name: body[name] for name in body if name != "look_at"})}

    cases: list[tuple[Any, Code, str, Callable[[], Any]]] = [
        (hand.told("subscription", ada, status="past_due"), Code.ARREARS_WRONG, ada, lambda: resumes(ada)),
        (hand.told("subscription", cy, status="active"), Code.ARREARS_WRONG, cy, lambda: resumes(cy)),
        (hand.changed("subscription", ada, sleeps), Code.NOT_IN_SCHEDULE, ada, lambda: resumes(ada)),
        (hand.without("subscription", f"{eve}@status"), Code.LINK_ASTRAY, eve, lambda: resumes(eve)),
        (hand.changed("payment", debit, is_left), Code.FORGOTTEN, debit, lambda: shop.it_is("2026-02-12")),
    ]
    for broken, code, subject, done in cases:
        broken.__enter__()  # and nobody puts it back
        assert (code, subject) in found(shop)
        done()
        assert found(shop) == set(), code
    assert shop.payments("dan") == [("succeeded", 1250)]


def test_what_stripe_took_besides_is_named(shop: Diary):
    """Charges in our name that nobody here asked for, money given back or asked back there alone, until it is heard of."""
    client = StripeClient(STRIPE_KEY, base_addresses={"api": shop.world.stripe_url})
    paid = next(row for row in shop.every("/v1/payments") if row["status"] == "succeeded")
    refused = next(row for row in shop.every("/v1/payments") if row["status"] == "declined")
    method = shop.methods["ada"]

    def taken(payment: str, card: str = method["id"]) -> str:
        made = client.v1.payment_intents.create(
            {
                "amount": 1250,
                "currency": "usd",
                "customer": method["customer"],
                "payment_method": card,
                "confirm": True,
                "off_session": True,
                "metadata": {"account": shop.account, "payment": payment},
            }
        )
        return made.id

    known = {
        (Code.CHARGE_WITHOUT_PAYMENT, taken("pay_nobody_1")),
        (Code.CHARGED_TWICE, taken(paid["id"])),
        (Code.CHARGE_DIFFERS, taken(refused["id"])),
        (Code.BALANCE_DIFFERS, "usd"),
    }
    assert found(shop) == known
    back = client.v1.refunds.create({"payment_intent": paid["reference"], "amount": 300})
    known.add((Code.REFUND_DIFFERS, back.id))
    assert found(shop) == known
    disputed = client.v1.payment_methods.attach("pm_card_createDispute", {"customer": method["customer"]}).id
    known.add((Code.CHARGED_TWICE, taken(paid["id"], disputed)))
    known.add((Code.DISPUTE_DIFFERS, client.v1.disputes.list().data[0].id))
    assert found(shop) == known


def test_what_waits_too_long_and_what_is_parked_is_named(shop: Diary):
    """Nobody works what is due for hours; a record is taken out of the schedules: both are named, with the error."""
    ada, world = shop.subscriptions["ada"], shop.world
    world.set_clock(world.now + timedelta(days=40))
    assert (Code.LATE, ada) in found(shop)
    for _ in range(5):
        world.service().store.schedules.blame(
            f"{shop.account}/subscription/{ada}", "It is broken.", world.now
        )
    told = [one for one in audited(shop).findings if one.subject == ada]
    assert [(one.code, one.detail) for one in told] == [(Code.PARKED, "After 5 errors: It is broken.")]
    assert "release" in told[0].do


def test_every_kind_of_finding_says_what_to_do():
    """There is no code without a sentence for a person."""
    assert set(DO) == set(Code)
    assert all(text.endswith(".") for text in DO.values())


def test_the_schedule_audits_every_account_once_a_day(shop: Diary, caplog: pytest.LogCaptureFixture):
    """The result is kept and shown; what is found goes to the log as an error, which an alarm counts."""
    world = shop.world
    assert world.call("GET", "/v1/audit", None, shop.key).body["last"] is None
    invoice = invoice_of(shop, "ada")["id"]
    with Hand(shop).told("invoice", invoice, payment="pay_lost_1"):
        with caplog.at_level(logging.INFO, "perennial"):
            _day_of(world)
        kept = world.call("GET", "/v1/audit", None, shop.key).body["last"]
    assert [(one["code"], one["subject"]) for one in kept["findings"]] == [("payment_astray", invoice)]
    assert [record.levelname for record in caplog.records if record.message == audit.FOUND] == ["ERROR"]
    began = kept["started_at"]
    _day_of(world)
    assert world.call("GET", "/v1/audit", None, shop.key).body["last"]["started_at"] == began
    world.until(world.now + timedelta(days=1))
    _day_of(world)
    again = world.call("GET", "/v1/audit", None, shop.key).body["last"]
    assert again["found"] == 0
    assert again["completed_at"] >= again["started_at"] > began
    assert not world.service().store.schedules.awake(f"parked/{HOUSE}", world.now, 1)


def _day_of(world: World) -> None:
    """EventBridge wakes the daily schedule, and its work is done."""
    world.audit()
    world.drain()


def test_an_audit_that_stripe_keeps_waiting_goes_on_where_it_was(shop: Diary):
    """Stripe is away: what was looked at is kept, and the rest is looked at once it is back."""
    world = shop.world
    world.stripe("POST", "outage", {"answer": "reset"})
    _day_of(world)
    kept = world.service().store.get(Audit, shop.account, audit.LAST)
    assert kept.completed_at is None
    assert kept.looked["subscriptions"] == 3
    world.stripe("DELETE", "outage")
    world.until(world.now + timedelta(minutes=6))
    kept = world.service().store.get(Audit, shop.account, audit.LAST)
    assert kept.holds
    assert kept.looked["subscriptions"] == 3
