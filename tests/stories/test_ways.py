"""Every way money is collected, told over months with every message delivered twice."""

from typing import Any

from tests.stories.buyer import Buyer, pays
from tests.stories.diary import Diary

SENT = {"collection_method": "send_invoice", "payment_method": None}
FIRST = {"collection_method": "charge_after_first_invoice", "payment_method": None}


def facts(diary: Diary, who: str, *kinds: str) -> list[tuple[str, str]]:
    """What happened to a customer's subscription and its invoices, of some kinds, oldest first."""
    rows = [
        row
        for row in diary.every("/v1/events")
        if row["about"].get("subscription") == diary.subscriptions[who] and row["type"] in kinds
    ]
    return sorted((row["created_at"][:10], row["type"]) for row in rows)


def due(diary: Diary, who: str) -> list[tuple[str, str | None, str]]:
    """A customer's invoices: begin of the period, the day they are due, status."""
    found = diary.every(f"/v1/invoices?subscription={diary.subscriptions[who]}")
    return sorted((row["period_start_on"], row["due_on"], row["status"]) for row in found)


def kinds(diary: Diary, who: str) -> list[str]:
    """The kinds of letters a customer got, oldest first."""
    rows = [row for row in diary.every("/v1/deliveries") if row["contact"] == diary.contacts[who]]
    return [row["letter"] for row in sorted(rows, key=lambda row: row["created_at"])]


def paid_by_buyer(diary: Diary, who: str, *invoices: str) -> None:
    """A customer pays on Stripe's page, all that is open or some of it."""
    pays(Buyer(diary, who).opens(*invoices))
    diary.world.settle()


def test_sent_each_month_and_overdue_until_it_is_paid(diary: Diary):
    """Net 14: sent on the day, overdue on the fifteenth, paid on the page it recovers; nothing is ever charged by itself."""
    diary.saves_a_card("ada")
    diary.subscribes("ada", "coffee-1kg", on="2026-01-10", days_until_due=14, **SENT)
    diary.it_is("2026-01-24")
    assert due(diary, "ada") == [("2026-01-10", "2026-01-24", "open")]
    assert diary.subscription("ada")["status"] == "active"
    diary.it_is("2026-01-25")
    assert diary.subscription("ada")["status"] == "past_due"
    assert kinds(diary, "ada") == ["invoice", "overdue"]
    diary.it_is("2026-02-12")
    assert [status for _, _, status in due(diary, "ada")] == ["open", "open"]
    paid_by_buyer(diary, "ada")
    assert diary.subscription("ada")["status"] == "active"
    diary.it_is("2026-03-09")
    assert [row[2] for row in due(diary, "ada")] == ["paid", "paid"]
    assert facts(diary, "ada", "invoice.overdue", "subscription.past_due", "subscription.recovered") == [
        ("2026-01-25", "invoice.overdue"),
        ("2026-01-25", "subscription.past_due"),
        ("2026-02-12", "subscription.recovered"),
    ]
    assert "invoice.upcoming" not in {row["type"] for row in diary.every("/v1/events")}
    assert (diary.taken(), diary.parked()) == (5000, [])
    diary.sound()
