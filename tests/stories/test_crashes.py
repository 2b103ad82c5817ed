"""The worker dies at every point in turn, every message comes twice: Stripe takes what is due, once."""

import os

import pytest

from chalicelib.operations import attach
from sandbox.aws import Aws
from sandbox.crashes import Crashes
from sandbox.stripe.server import StripeServer
from sandbox.world import Killed
from tests.conftest import new_world
from tests.stories.diary import Diary

PARTS = 6


def tell(diary: Diary) -> None:
    """Ada pays; Bo is declined once and pays a day later; Dee's money is taken and the answer lost."""
    for who in ("ada", "bo", "dee"):
        diary.saves_a_card(who)
    diary.card("bo", "insufficient_funds")
    diary.stripe_fails("dee", "connection_reset_after")
    for who in ("ada", "bo", "dee"):
        diary.subscribes(who, "coffee-250g")
    diary.it_is("2026-01-02")


def holds(diary: Diary, where: str) -> None:
    """One invoice each, each paid once, nothing parked, no number lost, no letter twice."""
    assert diary.taken() == 3 * 1250, where
    for who, attempts in (("ada", 1), ("bo", 2), ("dee", 1)):
        assert diary.invoices(who) == [("2026-01-01", "paid", attempts)], where
        receipts = diary.letters(who).count("receipt")
        kept = [
            row["status"] for row in diary.every("/v1/deliveries") if row["contact"] == diary.contacts[who]
        ]
        maybe = kept.count("sending")
        assert receipts <= 1, where
        assert receipts + maybe >= 1, where
        assert diary.letters(who).count("failed") <= (who == "bo"), where
    assert diary.parked() == [], where
    diary.sound()


def run(ministack: Aws, number: int, folder, at: int) -> Crashes:
    """The story in a world of its own, with the process ending at a point."""
    env = ministack.environment(account=f"9{os.getpid() % 10**5:05d}{number:06d}")
    crashes = Crashes(at)
    with StripeServer() as stripe, new_world(env, stripe, folder, twice=True) as world:
        diary = Diary(world)
        world.restart(crashes.around)
        tell(diary)
        holds(diary, f"point {at}: {crashes.struck}")
        assert crashes.keys
        assert all(key == payment for key, payment in crashes.keys), "a charge goes under its payment's name"
    return crashes


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_a_worker_may_die_at_any_point(ministack: Aws, tmp_path, part: int):
    """At each of the story's points the process ends once: all that holds without a crash holds."""
    counted = run(ministack, part * 1000, tmp_path, 0)
    points = counted.passed
    assert len(points) > 30, "the story passes too few points to prove anything"
    assert {"before gateway.charge", "after gateway.charge", "before TransactWriteItems"} <= set(points)
    for at in range(1 + part, len(points) + 1, PARTS):
        crashes = run(ministack, part * 1000 + at, tmp_path, at)
        assert crashes.struck is not None, f"point {at} of {len(points)} was never passed"


def arrears(ministack: Aws, number: int, folder, at: int) -> Crashes:
    """Cy owes two months; the process that takes another card ends at a point, and the request is made again."""
    env = ministack.environment(account=f"8{os.getpid() % 10**5:05d}{number:06d}")
    crashes = Crashes(at)
    with StripeServer() as stripe, new_world(env, stripe, folder, twice=True) as world:
        diary = Diary(world)
        diary.saves_a_card("cy")
        diary.card("cy", "stolen_card")
        diary.subscribes("cy", "coffee-1kg")
        diary.it_is("2026-02-10")
        other = diary.saves_a_card("cy", "pm_card_mastercard")["id"]
        world.restart(crashes.around)
        for _ in range(2):
            try:
                attach.to_subscription(world.service(), diary.account, diary.subscriptions["cy"], other)
            except Killed:
                world.restart(crashes.around)
        diary.it_is("2026-02-12")
        where = f"point {at}: {crashes.struck}"
        assert diary.taken() == 2 * 2500, where
        assert [status for _, status, _ in diary.invoices("cy")] == ["paid", "paid"], where
        assert diary.subscription("cy")["status"] == "active", where
        assert diary.letters("cy").count("receipt") <= 1, where
        diary.sound()
    return crashes


@pytest.mark.slow
def test_who_takes_another_card_may_die_at_any_point(ministack: Aws, tmp_path):
    """The arrears are taken once, whichever write or charge the request's process ended at."""
    points = arrears(ministack, 0, tmp_path, 0).passed
    assert {"before gateway.charge", "after gateway.charge", "before TransactWriteItems"} <= set(points)
    for at in range(1, len(points) + 1):
        crashes = arrears(ministack, at, tmp_path, at)
        assert crashes.struck is not None, f"point {at} of {len(points)} was never passed"
