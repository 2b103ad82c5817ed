"""What Stripe told is not lost where it cannot be followed up yet: it waits, is counted, and holds up no other event."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.aws import AwsRefused
from chalicelib.billing.stripe_events import StripeEvent
from chalicelib.operations import heed
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.store import Store
from tests.stories.diary import Diary
from tests.stories.test_found_more import item, parked, quarters, rewrite
from tests.stories.test_refunds import last_payment, pays, refunds

BROKEN = {"body": {"S": "{"}}
NEWER = {"shape": {"N": "99"}}
UNREAD = pytest.mark.parametrize(
    ("how", "counted"), [(BROKEN, True), (NEWER, False)], ids=["broken", "newer"]
)
Values = dict[str, dict[str, str]]


@contextmanager
def unread(diary: Diary, key: str, how: Values, *, counted: bool) -> Iterator[None]:
    """A record cannot be read for a while; where that is counted, it alone is parked in the end, and released once it is mended."""
    whole = item(diary.world, key)
    rewrite(diary.world, key, **how)
    yield
    assert parked(diary) == ([key] if counted else [])
    rewrite(diary.world, key, **{name: whole[name] for name in how})
    if counted:
        diary.world.service().store.schedules.release(key)
    quarters(diary, 2)
    assert parked(diary) == []


def refunded_at_stripe(diary: Diary, payment: dict[str, Any], cents: int) -> None:
    """Somebody gives money back in Stripe's dashboard, which tells so twice."""
    diary.world.stripe("POST", "refunds", {"payment_intent": payment["reference"], "amount": cents})
    diary.world.webhooks(times=2)


def event(diary: Diary, type_: str, payment: str) -> StripeEvent:
    """An event as the inbox has it."""
    now = diary.world.service().real()
    told = {"id": f"evt_{type_.replace('.', '_')}", "type": type_, "object": "pi_1", "livemode": False}
    return StripeEvent(account=diary.account, payment=payment, **told, created_at=now, received_at=now)


def awake(diary: Diary, told: StripeEvent) -> bool:
    """Whether an event is kept, and will be looked at."""
    kept = diary.world.service().store.find(StripeEvent, diary.account, told.id)
    return kept is not None and kept.wake is not None


@UNREAD
def test_a_payment_that_cannot_be_read_holds_up_no_other_refund(diary: Diary, how: Values, counted: bool):
    """Two are refunded in Stripe's dashboard: one is written down at once, the other as soon as its payment can be read."""
    diary.subscribes("bo", "coffee-1kg", on="2026-01-15")
    ada = diary.get(f"/v1/payments/{pays(diary)}")
    bo = last_payment(diary, "bo")
    with unread(diary, f"{diary.account}/payment/{ada['id']}", how, counted=counted):
        refunded_at_stripe(diary, ada, 500)
        refunded_at_stripe(diary, bo, 300)
        quarters(diary, 7)
        assert refunds(diary, bo["id"]) == [("succeeded", 300)]
    assert refunds(diary, ada["id"]) == [("succeeded", 500)]
    diary.sound()


@UNREAD
def test_an_account_that_cannot_be_read_loses_nothing_stripe_told(diary: Diary, how: Values, counted: bool):
    """A refund in Stripe's dashboard meanwhile, whose metadata name nobody: it is brought home and written down afterwards."""
    ada = diary.get(f"/v1/payments/{pays(diary)}")
    diary.world.settle()
    with unread(diary, f"{diary.account}/account/{diary.account}", how, counted=counted):
        refunded_at_stripe(diary, ada, 500)
        quarters(diary, 7)
    assert refunds(diary, ada["id"]) == [("succeeded", 500)]
    diary.sound()


@UNREAD
@pytest.mark.parametrize(
    "type_", ["payment_intent.succeeded", "charge.updated", "checkout.session.completed"]
)
def test_an_event_about_what_cannot_be_read_is_kept(diary: Diary, type_: str, how: Values, counted: bool):
    """It stays awake until its payment can be read, and adds nothing then that is known already."""
    paid = pays(diary)
    told = event(diary, type_, paid)
    with unread(diary, f"{diary.account}/payment/{paid}", how, counted=counted):
        heed.arrivals(diary.world.service(), [told, told])
        assert awake(diary, told)
        quarters(diary, 7)
        assert awake(diary, told)
    assert not awake(diary, told)
    assert diary.taken() == 2500
    diary.sound()


class Overtaken:
    """A connection where somebody else is always faster, as long as `times` is not used up."""

    def __init__(self, inner: Any, times: int) -> None:
        self._inner, self._times = inner, times

    def dispatch(self, operation: str, request: dict[str, Any]) -> Any:
        if operation == "PutItem" and self._times:
            self._times -= 1
            raise AwsRefused(400, "ConditionalCheckFailedException", "The conditional request failed")
        return self._inner.dispatch(operation, request)


def test_an_event_that_loses_every_race_is_kept(diary: Diary):
    """Whoever writes first is always somebody else: it is kept all the same, and looked at with the next sweep."""
    told = event(diary, "charge.updated", pays(diary))

    def overtaken(service: Service) -> Service:
        connection: Any = Overtaken(Dynamo(service.settings), 4)
        return replace(service, store=Store(connection, service.settings.table, service.settings.wake_shards))

    heed.arrivals(overtaken(diary.world.service()), [told])
    assert awake(diary, told)
    heed.stripe_events(diary.world.service(), diary.account, [keys.key_of(told)])
    assert not awake(diary, told)
