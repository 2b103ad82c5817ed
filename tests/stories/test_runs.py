"""The record of a day's run, in a world where every message comes twice."""

from datetime import UTC, datetime

from chalicelib.billing.billing_runs import BillingRun
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
