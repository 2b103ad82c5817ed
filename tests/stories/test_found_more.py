"""What a review found about blame: whose error it is, who is parked for it, and that neighbors go on."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.aws import AwsRefused
from chalicelib.billing.payments import Payment
from chalicelib.billing.wake import Topic
from chalicelib.operations import agenda
from chalicelib.service import Service
from chalicelib.store.changes import Changeset
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.store import Store
from sandbox.world import Killed, World
from tests.stories.diary import Diary
from tests.stories.test_found import bent, later

BILLING = datetime(2026, 1, 15, 12, tzinfo=UTC)


def quarters(diary: Diary, steps: int) -> None:
    """A quarter of an hour passes, several times over, each with one tick: what stays due is not waited for."""
    for _ in range(steps):
        diary.world.set_clock(diary.world.now + timedelta(minutes=16))
        diary.world.tick()
        diary.world.drain()


def item(world: World, key: str) -> dict[str, Any]:
    """A record as DynamoDB has it."""
    request = {"TableName": world.app.settings.table, "Key": {"key": {"S": key}}, "ConsistentRead": True}
    found: dict[str, Any] = Dynamo(world.app.settings).dispatch("GetItem", request)["Item"]
    return found


def rewrite(world: World, key: str, **values: dict[str, str]) -> None:
    """Change attributes of a record behind everybody's back."""
    request = {
        "TableName": world.app.settings.table,
        "Key": {"key": {"S": key}},
        "UpdateExpression": "SET " + ", ".join(f"{name} = :{name}" for name in values),
        "ExpressionAttributeValues": {f":{name}": value for name, value in values.items()},
    }
    Dynamo(world.app.settings).dispatch("UpdateItem", request)


def failures(world: World, key: str) -> int:
    """The errors counted against a record."""
    return int(item(world, key).get("failures", {"N": "0"})["N"])


def parked(diary: Diary) -> list[str]:
    """The keys of what is parked, asked of the store: the API needs an account that can be read."""
    found, _ = diary.world.service().store.schedules.parked(diary.account, limit=50)
    return [row.key for row in found]


def held(diary: Diary, who: str) -> str:
    """The key of a payment whose answer was lost and whose end is not known."""
    diary.saves_a_card(who)
    diary.stripe_fails(who, "500_before")
    diary.subscribes(who, "coffee-250g")
    diary.world.drain()
    assert diary.payments(who) == [("held", 1250)]
    return f"{diary.account}/payment/{diary.every('/v1/payments')[0]['id']}"


@pytest.mark.parametrize(("currency", "price"), [("kwd", "12345"), ("btn", "1000")])
def test_an_amount_stripe_cannot_take_is_refused_when_it_is_sold(diary: Diary, currency: str, price: str):
    """Fils that are no tens, or a currency Stripe does not know: said to who sells, not found at the first charge."""
    diary.saves_a_card("kw")
    body = {
        "contact": diary.contacts["kw"],
        "payment_method": diary.methods["kw"]["id"],
        "currency": currency,
        "frequency": "monthly",
        "lines": [{"name": "beans", "unit_amount": price}],
    }
    assert diary.world.call("POST", "/v1/subscriptions", body, diary.key).status == 400
    assert diary.every("/v1/subscriptions") == []


def test_an_exception_of_one_charge_is_that_payments_own(diary: Diary):
    """One charge raises: its neighbors' answers are written at once, and after five tries only it is parked."""
    for who in ("ada", "bo", "eve"):
        diary.subscribes(who, "coffee-250g", on="2026-01-15")
    customer = diary.methods["bo"]["customer"]

    def charge(true: Any, key: str, request: Any) -> Any:
        if request.customer == customer:
            raise ValueError("a defect of ours")
        return true(key, request)

    diary.world.restart(bent(charge=charge))
    diary.world.set_clock(BILLING)
    diary.world.settle()
    assert diary.payments("ada") == diary.payments("eve") == [("succeeded", 1250)]
    later(diary, 8)
    assert [key.split("/")[1] for key in parked(diary)] == ["payment"]
    assert diary.payments("bo") == [("pending", 1250)]
    assert diary.taken() == 2 * 1250


def test_a_payment_that_cannot_be_asked_about_is_parked_with_the_fifth_error(diary: Diary):
    """Taking it up for the next question does not wipe what was counted before."""
    key = held(diary, "dee")

    def find(_true: Any, *_: Any) -> Any:
        raise ValueError("a defect of ours")

    diary.world.restart(bent(find=find))
    later(diary, 8)
    assert parked(diary) == [key]


def test_a_payment_that_ends_the_process_is_parked(diary: Diary):
    """Handed out again each time its worker died, it is counted before the work, and set aside."""
    key = held(diary, "dee")

    def find(_true: Any, *_: Any) -> Any:
        raise Killed

    diary.world.restart(bent(find=find))
    for _ in range(8):
        diary.world.set_clock(diary.world.now + timedelta(minutes=16))
        message = agenda.Message(account=diary.account, names=(key,), received=2)
        try:
            agenda.perform(diary.world.service(), [message])
        except Killed:
            continue
    assert parked(diary) == [key]


def test_a_broken_record_handed_out_again_is_not_forgiven(diary: Diary):
    """The queue hands a message out a second time: the record that cannot be read stays counted, and is parked."""
    sold = diary.subscribes("bo", "coffee-250g", on="2026-01-15")
    key = f"{diary.account}/subscription/{sold}"
    whole = item(diary.world, key)["body"]["S"]
    rewrite(diary.world, key, body={"S": whole.replace('"monthly"', '"moonly"')})
    diary.world.set_clock(BILLING)
    message = agenda.Message(account=diary.account, names=(key,), received=2)
    for _ in range(5):
        agenda.perform(diary.world.service(), [message])
    assert parked(diary) == [key]


def test_a_backlog_older_than_15_minutes_is_enqueued_once(diary: Diary):
    """The 15th minute looks it through again; the minutes after it do not."""
    world, service = diary.world, diary.world.service()
    for n in range(5):
        diary.subscribes(f"buyer{n}", "coffee-250g", on="2026-01-15")
    seen = []
    for minute in (0, 15, 16, 17, 18, 29, 30, 31):
        world.set_clock(BILLING + timedelta(minutes=minute))
        seen.append(agenda.sweep(service, Topic.BILLING))
    assert seen == [5, 5, 0, 0, 0, 0, 5, 0]


def _two_due_beside(diary: Diary) -> tuple[str, str]:
    """Two subscriptions before their first billing; the keys of their account and of its numbers."""
    diary.subscribes("zoe", "coffee-250g")
    for who in ("ada", "bo"):
        diary.subscribes(who, "coffee-250g", on="2026-01-15")
    diary.world.settle()
    return f"{diary.account}/account/{diary.account}", f"{diary.account}/series/invoice"


@pytest.mark.parametrize("which", [0, 1])
def test_a_record_of_a_newer_shape_parks_nobody(diary: Diary, which: int):
    """A newer release has written the account, or its numbers: this one waits, and bills when it can read them."""
    key = _two_due_beside(diary)[which]
    rewrite(diary.world, key, shape={"N": "2"})
    diary.world.set_clock(BILLING)
    quarters(diary, 7)
    assert parked(diary) == []
    rewrite(diary.world, key, shape={"N": "1"})
    later(diary, 2, minutes=16)
    assert diary.taken() == 3 * 1250
    diary.sound()


@pytest.mark.parametrize("which", [0, 1])
def test_a_broken_record_beside_others_parks_only_itself(diary: Diary, which: int):
    """The account, or its numbers, cannot be read: that is shown, and once mended and released all are billed."""
    key = _two_due_beside(diary)[which]
    whole = item(diary.world, key)["body"]
    rewrite(diary.world, key, body={"S": "{"})
    diary.world.set_clock(BILLING)
    quarters(diary, 7)
    assert parked(diary) == [key]
    rewrite(diary.world, key, body=whole)
    diary.world.service().store.schedules.release(key)
    later(diary, 2, minutes=16)
    assert diary.taken() == 3 * 1250
    diary.sound()


class Denied:
    """A connection whose role may read, and may write nothing but counts."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def dispatch(self, operation: str, request: dict[str, Any]) -> Any:
        if operation in ("PutItem", "TransactWriteItems"):
            raise AwsRefused(400, "AccessDeniedException", f"not authorized to perform: dynamodb:{operation}")
        return self._inner.dispatch(operation, request)


def test_a_missing_permission_is_nobodys_fault(diary: Diary):
    """Every write is denied by IAM: nothing is counted against anybody, and all is billed once it is given."""
    sold = diary.subscribes("ada", "coffee-250g", on="2026-01-15")
    key = f"{diary.account}/subscription/{sold}"

    def denied(service: Service) -> Service:
        connection: Any = Denied(Dynamo(service.settings))
        settings = service.settings
        return replace(service, store=Store(connection, settings.table, settings.wake_shards))

    diary.world.restart(denied)
    diary.world.set_clock(BILLING)
    for _ in range(6):
        agenda.perform(diary.world.service(), [agenda.Message(account=diary.account, names=(key,))])
    assert failures(diary.world, key) == 0
    assert parked(diary) == []
    diary.world.restart()
    later(diary, 1)
    assert diary.taken() == 1250


def test_a_payment_stripe_does_not_know_stops_nobody_else(diary: Diary):
    """Its PaymentIntent is gone: the breaker stays as it is, neighbors pay, and after five tries it is parked."""
    diary.saves_a_card("bo", "pm_usBankAccount_processing")
    diary.subscribes("bo", "coffee-250g")
    diary.world.settle()
    name, store = diary.every("/v1/payments")[0]["id"], diary.world.service().store
    changes = Changeset(diary.account)
    changes.put(replace(store.get(Payment, diary.account, name), reference="pi_gone"))
    store.commit(changes)
    diary.world.set_clock(diary.world.now + timedelta(minutes=20))
    diary.world.tick()
    diary.world.drain()
    assert failures(diary.world, f"{diary.account}/payment/{name}")
    assert not diary.world.service().breaker.tripped(diary.world.now)
    diary.subscribes("ada", "coffee-250g")
    later(diary, 8)
    assert diary.payments("ada") == [("succeeded", 1250)]
    assert diary.parked() == [name]


def test_a_sale_under_a_test_clock_while_stripe_is_away_is_charged_once_it_is_back(diary: Diary):
    """Nobody moves the clock, but what is due at its moment is charged as soon as Stripe answers again."""
    clock = {"now_at": "2030-01-31T12:00:00Z"}
    email = "rehearsal@perennial.example"
    body = {"name": "Rehearsal", "email": email, "currency": "usd", "zone": "Europe/Paris"}
    made = diary.post("/v1/accounts", **body, test_clock=clock)
    other = Diary.__new__(Diary)
    other.world, other.contacts, other.methods, other.subscriptions = diary.world, {}, {}, {}
    other.account, text = made["id"], json.dumps(made)
    other.key = text[text.index("prn_test_") :].split('"')[0]
    other.saves_a_card("ada")
    service = diary.world.service()
    service.breaker.trip(diary.world.now)
    other.subscribes("ada", "coffee-1kg")
    later(diary, 2)
    assert other.invoices("ada") == [("2030-01-31", "paid", 1)]
    assert other.get("/v1/test_clock")["now_at"].startswith("2030-01-31T12:00:00")


def test_an_invoice_that_cannot_be_read_stops_its_payments_questions(diary: Diary):
    """A payment is found at Stripe, but its invoice is broken: that is parked, and Stripe is asked ever more seldom."""
    key = held(diary, "dee")
    asked: list[str] = []

    def find(true: Any, *given: Any) -> Any:
        asked.append(key)
        return true(*given)

    invoice = f"{diary.account}/invoice/{diary.every('/v1/invoices')[0]['id']}"
    whole = item(diary.world, invoice)["body"]["S"]
    rewrite(diary.world, invoice, body={"S": whole.replace('"open"', '"opn"')})
    diary.world.restart(bent(find=find))
    diary.it_is("2026-01-05")
    assert invoice in parked(diary)
    assert len(asked) <= 14, "six looks on the first day, then two a day"
