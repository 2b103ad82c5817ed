"""The record of a day's run, in a world where every message comes twice."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

from chalicelib.billing.billing_runs import BillingRun
from chalicelib.billing.wake import Topic
from chalicelib.operations import collect, renew
from chalicelib.service import Service
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.store import Store
from sandbox.world import World
from tests.stories.diary import Diary


def test_a_run_counts_each_invoice_once(diary: Diary, world: World):
    """Forty subscriptions billed on one day, each message twice: the run counts forty, and agrees with what was foretold."""
    diary.saves_a_card("ada")
    for n in range(40):
        diary.subscribes(
            "ada", "coffee-1kg", on="2026-01-05", lines=[{"name": "Coffee", "unit_amount": 1000 + n}]
        )
    told = diary.post("/v1/billing_runs/preview", at="2026-01-05")
    diary.it_is("2026-01-06")
    runs = diary.every("/v1/billing_runs")
    issued = diary.every("/v1/invoices")
    total = sum(invoice["total"]["amount"] for invoice in issued)
    assert [(run["on"], run["issued"]) for run in runs] == [("2026-01-05", 40)]
    assert runs[0]["totals"] == told["totals"] == [{"amount": total, "currency": "usd"}]
    assert (runs[0]["first_number"], runs[0]["last_number"]) == ("INV-000001", "INV-000040")
    found = diary.get(f"/v1/billing_runs/{runs[0]['id']}")
    assert [(one["fate"], one["count"]) for one in found["became"]] == [("charged", 40)]
    assert found["complete"]
    kept = world.service().store.get(BillingRun, diary.account, runs[0]["id"])
    assert kept.version < 40, "one write for each group, not for each invoice"
    diary.sound()


def test_a_run_caught_up_after_an_outage_is_the_day_it_ran(diary: Diary, world: World):
    """Billed days late, invoices belong to the day they were issued on, and a preview of now says so before."""
    diary.subscribes("ada", "coffee-1kg", on="2026-01-05")
    diary.subscribes("bob", "coffee-1kg", on="2026-01-06")
    world.set_clock(datetime(2026, 1, 9, 15, tzinfo=UTC))
    told = diary.post("/v1/billing_runs/preview", at="2026-01-09")
    world.settle()
    runs = diary.every("/v1/billing_runs")
    assert [(run["on"], run["issued"]) for run in runs] == [("2026-01-09", 2)]
    assert told["totals"] == runs[0]["totals"]
    names = {one["invoice"] for one in told["expected"]}
    assert names == {row["id"] for row in diary.every("/v1/invoices")}


class Counted(Dynamo):
    """Counts what is asked of the table; before its second transaction somebody else does something."""

    asked: Counter[str]
    meanwhile: Callable[[], object] | None = None

    def dispatch(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        self.asked[operation] += 1
        if operation == "TransactWriteItems" and self.asked[operation] == 2 and self.meanwhile:
            self.meanwhile()
        return super().dispatch(operation, request)


class Told:
    """A queue that notes what it is told of."""

    def __init__(self) -> None:
        self.sent = list[tuple[Topic, list[str]]]()

    def send_many(self, batches: list[tuple[Topic, str, list[str]]]) -> None:
        self.sent += [(topic, names) for topic, _, names in batches]


def counted(world: World, meanwhile: Callable[[], object] | None = None) -> tuple[Service, Counter[str]]:
    """A service, and what it asks of the table."""
    service = world.service()
    dynamo = Counted(service.settings)
    dynamo.asked, dynamo.meanwhile = Counter(), meanwhile
    store = Store(dynamo, service.settings.table, service.settings.wake_shards)
    return replace(service, store=store), dynamo.asked


def seventy_due(diary: Diary, world: World) -> list[str]:
    """The keys of seventy subscriptions whose day has come."""
    diary.saves_a_card("ada")
    sold = [diary.subscribes("ada", "coffee-1kg", on="2026-01-05") for _ in range(70)]
    world.set_clock(datetime(2026, 1, 5, 15, tzinfo=UTC))
    return [f"{diary.account}/subscription/{one}" for one in sold]


def numbers(diary: Diary) -> list[str]:
    return sorted(invoice["number"] for invoice in diary.every("/v1/invoices"))


def test_what_is_billed_together_is_read_together(diary: Diary, world: World):
    """Seventy of one account are billed and charged in several transactions, but read a hundred records to a request.

    In a first month each writes one item more, so that a transaction has room for half as many: that costs no look more.
    """
    names = seventy_due(diary, world)
    service, asked = counted(world)
    for month, transactions in enumerate((5, 3)):
        world.set_clock(datetime(2026, 1 + month, 5, 15, tzinfo=UTC))
        written = renew.subscriptions(service, diary.account, names).written
        assert asked == {"BatchGetItem": 2, "TransactWriteItems": transactions}
        asked.clear()
        collect.invoices(service, diary.account, [key for key in written if "/invoice/" in key])
        assert asked == {"BatchGetItem": 2, "TransactWriteItems": 3 + 3, "UpdateItem": 1}
        asked.clear()
    assert numbers(diary) == [f"INV-{n:06}" for n in range(1, 141)]
    assert {invoice["status"] for invoice in diary.every("/v1/invoices")} == {"paid"}
    world.settle()
    diary.sound()


def test_what_was_written_together_is_told_of_together(diary: Diary, world: World):
    """What three transactions leave to be done is sent to its queue in one go, and nothing of it is left out."""
    service, told = world.service(), Told()
    names, service = seventy_due(diary, world), replace(service, queue=cast(Any, told))
    written = renew.subscriptions(service, diary.account, names).written
    invoices = {key for key in written if "/invoice/" in key}
    assert [(topic, set(keys)) for topic, keys in told.sent] == [(Topic.RETRIES, invoices)]
    written = collect.invoices(service, diary.account, list(invoices)).written
    paid = {key for key in written if key.endswith("_payment_succeeded")}
    assert [(topic, set(keys)) for topic, keys in told.sent[1:]] == [(Topic.DELIVERIES, paid)]
    assert len(paid) == 70


def test_who_took_a_number_meanwhile_costs_one_more_look(diary: Diary, world: World):
    """Between two transactions of a run somebody else bills: the second is decided anew on what stands then, the others are right at once."""
    first, *names = seventy_due(diary, world)
    service, asked = counted(world, lambda: renew.subscriptions(world.service(), diary.account, [first]))
    renew.subscriptions(service, diary.account, names)
    assert asked == {"BatchGetItem": 2 + 2, "TransactWriteItems": 5 + 1}
    assert numbers(diary) == [f"INV-{n:06}" for n in range(1, 71)]
    world.settle()
    diary.sound()
