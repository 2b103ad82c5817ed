"""A thousand are billed in one run while Stripe fails in every way the sandbox knows: afterwards everything agrees."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from chalicelib.billing.lines import Line
from chalicelib.billing.orders import Start, Wish
from chalicelib.billing.periods import Frequency
from chalicelib.billing.subscriptions import Subscription
from chalicelib.operations import audit, subscribe
from chalicelib.operations.order import Order
from chalicelib.store.changes import Changeset
from sandbox.stripe import declines, faults
from sandbox.world import WEBHOOK_SECRET, World
from tests.conftest import new_world
from tests.stories.diary import Diary

COUNT, CENTS = 1000, 1250
KINDS = sorted(faults.KINDS)
CODES = sorted(declines.CARD)
DUE = datetime(2026, 1, 15, 11, tzinfo=UTC)  # six in New York
# One customer meets each fault, one every decline of a card; the most just pay.
BUYERS = [who for each in KINDS for who in ("calm", "declines", each, "calm", "calm")]
TIMES = 3


def test_a_thousand_are_billed_while_stripe_fails_in_every_way(
    real_aws: dict[str, str], stripe: Any, tmp_path: Path
):
    """Timeouts, resets, 500s before and after the work, 409, 429, locks, slowness, two outages, a limit on the rate, every
    decline code, webhooks late, shuffled and doubled: charges, invoices, ledger and Stripe's balance agree, nobody is charged
    twice, nobody is forgotten, nothing is parked."""
    with new_world(real_aws, stripe, tmp_path, twice=False) as world:
        diary = Diary(world)
        _sold(diary)
        _hold_webhooks(world)
        _break_stripe(diary)
        assert _outages(world) == 0, "nobody pays while nobody answers"
        limited = _limited(world)
        world.until(datetime(2026, 1, 20, tzinfo=UTC))
        met = {one["fault"]: one["met"] for one in world.stripe("GET", "faults")["data"]}
        assert met == dict.fromkeys(KINDS, TIMES)
        assert limited > 0, "the limit was never reached"
        _late_webhooks(world)
        world.until(datetime(2026, 2, 14, tzinfo=UTC))
        _agree(diary)


def _sold(diary: Diary) -> None:
    """A thousand subscriptions of a few customers, all due on a day: one of each is sold, and copied by hand."""
    service, account = diary.world.service(), diary.account
    line = Wish(line=Line(id="", name="Coffee", unit_amount=Decimal(CENTS)))
    sold = {}
    for who in dict.fromkeys(BUYERS):
        method = diary.saves_a_card(who)
        order = Order(
            contact=diary.contacts[who],
            payment_method=method["id"],
            lines=[line],
            frequency=Frequency.MONTHLY,
            start=Start(on=date(2026, 1, 15)),
        )
        sold[who] = subscribe.contact(service, account, order)
    copies = [_copy(sold[BUYERS[n % len(BUYERS)]], n) for n in range(len(sold), COUNT)]
    for start in range(0, len(copies), 33):
        changes = Changeset(account)
        changes.put(*copies[start : start + 33])
        service.store.commit(changes)


def _copy(one: Subscription, n: int) -> Subscription:
    return replace(one, id=f"{one.id[:-4]}{n:04d}", version=0)


def _hold_webhooks(world: World) -> None:
    """What Stripe tells of charges is kept back until it is asked for."""
    world.stripe("DELETE", "webhooks")
    world.stripe(
        "POST",
        "webhooks",
        {
            "url": world.gateway.url + "/stripe/webhook",
            "secret": WEBHOOK_SECRET,
            "enabled_events": ["payment_intent.succeeded", "payment_intent.payment_failed"],
            "mode": "hold",
        },
    )
    world.webhooks = lambda *_, **__: None  # type: ignore[method-assign]


def _break_stripe(diary: Diary) -> None:
    for kind in KINDS:
        diary.stripe_fails(kind, kind, times=TIMES)
    diary.card("declines", *CODES)


def _outages(world: World) -> int:
    """Stripe is away from the billing hour on, first refusing and then silent; what it has taken at its end."""
    world.set_clock(DUE)
    for answer, until in (("503", DUE.replace(minute=1)), ("reset", DUE.replace(minute=2))):
        world.stripe("POST", "outage", {"answer": answer})
        world.until(until)
    taken = world.stripe("GET", "summary")["charges"].get("succeeded", 0)
    world.stripe("DELETE", "outage")
    return int(taken)


def _limited(world: World) -> int:
    """For a while Stripe takes fewer requests than are sent; how many it turned away."""
    world.stripe("POST", "rate", {"per_second": 50, "retry_after": 2})
    world.until(world.now + world.service().breaker.left(world.now))
    for _ in range(20):
        world.until(world.now + timedelta(seconds=3))
        if refused := world.stripe("GET", "rate")["refused"]:
            break
    world.stripe("POST", "rate", {"per_second": None})
    return sum(refused.values())


def _late_webhooks(world: World) -> None:
    """Five days late, in no order, each twice."""
    pending = world.stripe("GET", "webhooks/pending")["count"]
    assert pending >= COUNT
    World.webhooks(world, order="shuffle", times=2, seed=4)
    world.settle()


def _agree(diary: Diary) -> None:
    service = diary.world.service()
    told = audit.account(service, diary.account)
    assert told.findings == ()
    assert told.holds
    assert diary.parked() == []
    invoices = diary.every("/v1/invoices")
    assert len(invoices) == COUNT
    charged = Counter(one.metadata["invoice"] for one in _succeeded(service))
    assert set(charged.values()) == {1}
    paid = {row["id"] for row in invoices if row["status"] == "paid"}
    assert paid == set(charged)
    assert diary.taken() == len(paid) * CENTS
    _rest_is_known(diary, [row for row in invoices if row["id"] not in paid])
    told = {row["decline_code"] for row in diary.every("/v1/payments")}
    assert set(CODES) - told == {"authentication_required"}, "every code was met; this one asks for its buyer"
    assert diary.every("/v1/events?type=payment.action_required")


def _rest_is_known(diary: Diary, owed: list[Any]) -> None:
    """Who has not paid was refused for good: known as such, or still to be asked."""
    refused = {row["id"] for row in diary.every("/v1/subscriptions") if row["arrears"]}
    assert {row["subscription"] for row in owed} == refused
    assert len(owed) <= len(declines.NEVER_AGAIN) + len(CODES)


def _succeeded(service: Any) -> list[Any]:
    rows, after = [], None
    while True:
        page, after = service.gateway.charges(after)
        rows += [one for one in page if type(one.outcome).__name__ == "Succeeded"]
        if after is None:
            return rows
