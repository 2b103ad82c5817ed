"""Whoever asks for a change, a credit, an order or a pause may die at any point, and asks again: it is done once."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from sandbox.aws import Aws
from sandbox.crashes import Crashes
from sandbox.stripe.server import StripeServer
from sandbox.world import Killed
from tests.conftest import new_world
from tests.stories.diary import Diary

APART = 25
BROKE = ("dee", "eve", "fay", "mia", "ned", "oto", "pia")
PAID = ("ada", "bea", "cy", "hal", "ida", "lou", "max")
Asks = Callable[[Diary], tuple[str, dict[str, Any]]]


def of(who: str, verb: str, **body: Any) -> Asks:
    """A POST to a customer's subscription."""
    return lambda diary: (f"/v1/subscriptions/{diary.subscriptions[who]}/{verb}", body)


def to_invoice(who: str, verb: str) -> Asks:
    """A POST to a customer's only invoice."""
    return lambda diary: (f"/v1/invoices/{only_invoice(diary, who)}/{verb}", {})


def transfer(diary: Diary, who: str, cents: int) -> dict[str, Any]:
    """A bank transfer of a customer's."""
    amount = {"amount": cents, "currency": "usd"}
    contact = diary.contacts[who]
    return {
        "contact": contact,
        "amount": amount,
        "received_on": "2026-01-16",
        "type": "bank_transfer",
        "reference": "RF18",
    }


def by_hand(diary: Diary, who: str) -> str:
    """What a customer is said to have transferred."""
    rows = diary.every(f"/v1/payments?subscription={diary.subscriptions[who]}")
    [made] = [row["id"] for row in rows if row["origin"] == "hand"]
    return str(made)


def only_invoice(diary: Diary, who: str) -> str:
    [row] = diary.every(f"/v1/invoices?subscription={diary.subscriptions[who]}")
    return str(row["id"])


def three_rhythms(diary: Diary) -> tuple[str, dict[str, Any]]:
    lines = [
        {"name": each, "unit_amount": 3000, "frequency": each} for each in ("weekly", "monthly", "annually")
    ]
    card = {"contact": diary.contacts["gil"], "payment_method": diary.methods["gil"]["id"]}
    return "/v1/orders", card | {"lines": lines, "discounts": [{"promotion_code": "once"}]}


def price(unit_amount: int, **more: Any) -> dict[str, Any]:
    return {"lines": [{"id": "li_1", "unit_amount": unit_amount}], **more}


ADDED = {"lines": [{"id": "li_1"}, {"name": "Filters", "unit_amount": 900}]}
ACTS: dict[str, Asks] = {
    "change now": of("ada", "change", **price(5000, proration="invoice_now")),
    "change with the next": of("bea", "change", **price(1250, proration="next_invoice")),
    "line added": of("lou", "change", **ADDED, proration="invoice_now"),
    "another rhythm": of("max", "change", frequency="annually", proration="next_invoice"),
    "taxed change": of("jon", "change", **price(5000, proration="invoice_now")),
    "cancel": of("cy", "cancel", credit=True),
    "cancel past due": of("dee", "cancel", credit=True),
    "credit": lambda diary: ("/v1/credit_notes", {"invoice": only_invoice(diary, "eve"), "reason": "Sorry"}),
    "void": to_invoice("fay", "void"),
    "write off": to_invoice("mia", "mark_uncollectible"),
    "order": three_rhythms,
    "pause": of("hal", "pause", resume_on="2026-02-05"),
    "move": of("ida", "next_billing_date", on="2026-02-20", prorate=True),
    "adjust": lambda diary: (
        f"/v1/contacts/{diary.contacts['bea']}/balance",
        {"amount": {"amount": 100, "currency": "usd"}},
    ),
    "pay": to_invoice("ned", "pay"),
    "record": lambda diary: ("/v1/payments", transfer(diary, "oto", 3000)),
    "undo": lambda diary: (f"/v1/payments/{by_hand(diary, 'pia')}/undo", {}),
    "zone": lambda _: ("/v1/account", {"zone": "America/Chicago", "billing_hour": 7}),
}  # fmt: skip


@dataclass
class Told:
    """What a run of the story came to: the points each act passed, where it ended, and what the books say."""

    passed: dict[str, list[str]] = field(default_factory=dict)
    struck: dict[str, str] = field(default_factory=dict)
    outcome: dict[str, Any] = field(default_factory=dict)


def begins(diary: Diary) -> None:
    """Everybody subscribes; on the 25th some have paid the month from the 15th, and some are past due."""
    for who in (*PAID, *BROKE):
        diary.saves_a_card(who)
        if who in BROKE:
            diary.card(who, *["insufficient_funds"] * 2)
        diary.subscribes(who, "coffee-1kg", on="2026-01-15")
    diary.saves_a_card("jon")
    diary.post(f"/v1/contacts/{diary.contacts['jon']}", address={"country": "DE", "city": "Berlin"})
    diary.subscribes("jon", "coffee-1kg", on="2026-01-15", automatic_tax=True)
    diary.saves_a_card("gil")
    coupon = diary.post("/v1/coupons", name="Ten", percent=10, max_redemptions=3)["id"]
    diary.post("/v1/promotion_codes", code="ONCE", coupon=coupon, max_redemptions=3)
    diary.it_is("2026-01-17", hour=3)
    diary.post("/v1/payments", **transfer(diary, "pia", 2600))


def asked(diary: Diary, name: str, at: int, told: Told) -> None:
    """One act under an Idempotency-Key, whose process ends at a point; it is asked for again when the lease is over."""
    world, (path, body) = diary.world, ACTS[name](diary)
    crashes = Crashes(at)
    world.restart(crashes.around)
    answers = []
    for _ in range(2):
        try:
            answers.append(posted(diary, path, body, name))
            break
        except Killed:
            world.restart()
            world.settle()
            world.set_clock(world.now + timedelta(seconds=61))
    world.restart()
    told.passed[name] = crashes.passed
    if crashes.struck:
        told.struck[name] = crashes.struck
    [(status, answer)] = answers
    assert status < 300, (name, crashes.struck, answer)


def posted(diary: Diary, path: str, body: dict[str, Any], key: str) -> tuple[int, str]:
    """A POST worked in this thread, which is the process that may end."""
    headers = {
        "Authorization": f"Bearer {diary.key}",
        "Content-Type": "application/json",
        "Idempotency-Key": key,
    }
    status, _, answer = diary.world.gateway.answer("POST", path, headers, json.dumps(body).encode())
    return status, answer.decode()


def outcome(diary: Diary) -> dict[str, Any]:
    """All that was charged, taken, given back and used up, told without the ids that each world makes anew."""
    contacts = {id_: who for who, id_ in diary.contacts.items()}
    invoices = diary.every("/v1/invoices")
    whose = {row["id"]: contacts[row["contact"]] for row in invoices}
    return {
        "invoices": sorted(
            (whose[row["id"]], row["period_start_on"], row["total"]["amount"], row["amount_paid"]["amount"], row["status"])
            for row in invoices
        ),
        "notes": sorted(
            (whose[row["invoice"]], row["total"]["amount"], row["to_balance"]["amount"])
            for row in diary.every("/v1/credit_notes")
        ),
        "subscriptions": sorted(
            (contacts[row["contact"]], row["status"], row["next_billing_on"], row["zone"])
            for row in diary.every("/v1/subscriptions")
        ),
        "balances": sorted((row["email"], *(one["amount"] for one in row["balances"])) for row in diary.every("/v1/contacts")),
        "redeemed": [row["redeemed"] for path in ("coupons", "promotion_codes") for row in diary.every(f"/v1/{path}")],
        "taken": diary.taken(),
        "payments": sorted((contacts[row["contact"]], row["origin"], row["status"], row["amount"]["amount"]) for row in diary.every("/v1/payments")),
        "settings": [one["field"] for row in diary.every("/v1/account/changes") for one in row["fields_changed"]],
    }  # fmt: skip


def lived(ministack: Aws, number: int, folder: Any, at: int) -> Told:
    """The story: the process of each act ends at its point `at`, and the act is asked for again."""
    env = ministack.environment(account=f"7{os.getpid() % 10**5:05d}{number:06d}")
    told = Told()
    with StripeServer() as stripe, new_world(env, stripe, folder, twice=True) as world:
        diary = Diary(world)
        begins(diary)
        for name in ACTS:
            asked(diary, name, at, told)
        world.until(world.now + timedelta(minutes=10))
        told.outcome = outcome(diary)
        assert diary.parked() == []
        diary.sound()
    return told


@pytest.mark.slow
def test_who_asks_for_an_act_may_die_at_any_point_and_ask_again(ministack: Aws, tmp_path: Any):
    """Each act's process ends at each of its writes and calls in turn: asked again, all is as if nothing had happened."""
    whole = lived(ministack, 0, tmp_path, 0)
    assert {"before gateway.tax", "after TransactWriteItems"} <= set(whole.passed["taxed change"])
    assert {"before gateway.charge", "after gateway.charge"} <= set(whole.passed["pay"])
    most = max(len(points) for points in whole.passed.values())
    for at in range(1, most + 1):
        told = lived(ministack, at, tmp_path, at)
        due = {name for name, points in whole.passed.items() if len(points) >= at}
        # A transaction that is repeated because its answer was late passes a point more than in the whole run.
        assert set(told.struck) >= due, f"point {at} was not passed by {due - set(told.struck)}"
        assert told.outcome == whole.outcome, f"point {at}: {told.struck}"


def worked(ministack: Aws, number: int, folder: Any, at: int, every: int) -> tuple[list[str], dict[str, Any]]:
    """Workers bill taxes that are asked for, what waits of a change, and who is resumed, and take all to another zone."""
    env = ministack.environment(account=f"6{os.getpid() % 10**5:05d}{number:06d}")
    workers = Crashes(at, every)
    with StripeServer() as stripe, new_world(env, stripe, folder, twice=True) as world:
        diary = Diary(world)
        for who in ("bea", "hal", "jon"):
            diary.saves_a_card(who)
        diary.post(f"/v1/contacts/{diary.contacts['jon']}", address={"country": "DE", "city": "Berlin"})
        for who in ("bea", "hal", "jon"):
            diary.subscribes(who, "coffee-1kg", on="2026-01-15", automatic_tax=who == "jon")
        diary.it_is("2026-01-17", hour=3)
        for name in ("change with the next", "pause"):
            path, body = ACTS[name](diary)
            diary.post(path, **body)
        world.restart(workers.around)
        diary.post("/v1/account", zone="America/Chicago", billing_hour=7)
        diary.it_is("2026-02-16")
        world.restart()
        assert diary.parked() == []
        diary.sound()
        return workers.passed, outcome(diary)


@pytest.mark.slow
def test_workers_of_taxes_zones_and_pauses_may_die_at_any_point(ministack: Aws, tmp_path: Any):
    """Every 25th point in turn ends the process, from each of the first 25 on: billed, taxed and moved as without."""
    points, whole = worked(ministack, 0, tmp_path, 0, 0)
    assert {"before gateway.tax", "after gateway.charge", "before TransactWriteItems"} <= set(points)
    for at in range(1, APART + 1):
        passed, told = worked(ministack, at, tmp_path, at, APART)
        assert len(passed) > at, f"point {at} was never passed"
        assert told == whole, f"ended at {passed[at - 1]} and every {APART} after it"
