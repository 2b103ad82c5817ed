"""Every way money is collected, told over months with every message delivered twice."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chalicelib.billing.errors import WrongState
from tests.stories.buyer import Buyer, pays
from tests.stories.diary import Diary, each_day
from tests.stories.told import every_fact

SENT = {"collection_method": "send_invoice", "payment_method": None}
FIRST = {"collection_method": "charge_after_first_invoice", "payment_method": None}


def facts(diary: Diary, who: str, *kinds: str) -> list[tuple[str, str]]:
    """What happened to a customer's subscription and its invoices, of some kinds, oldest first."""
    rows = [
        row
        for row in every_fact(diary)
        if row["about"].get("subscription") == diary.subscriptions[who] and row["type"] in kinds
    ]
    return sorted((row["created_at"][:10], row["type"]) for row in rows)


def due(diary: Diary, who: str) -> list[tuple[str, str | None, str]]:
    """A customer's invoices: begin of the period, the day they are due, status."""
    found = diary.every(f"/v1/invoices?subscription={diary.subscriptions[who]}")
    return sorted((row["period_start_on"], row["due_on"], row["status"]) for row in found)


def kinds(diary: Diary, who: str) -> list[str]:
    """The kinds of letters a customer got since they subscribed, oldest first."""
    rows = diary.every(f"/v1/deliveries?contact={diary.contacts[who]}")
    rows = [row for row in rows if row["letter"] != "subscribed"]
    return [row["letter"] for row in sorted(rows, key=lambda row: row["created_at"])]


def paid_by_buyer(diary: Diary, who: str, *invoices: str) -> None:
    """A customer pays on Stripe's page, all that is open or some of it, and is led back."""
    buyer = Buyer(diary, who)
    pays(buyer.opens(*invoices))
    buyer.comes_back(buyer.payment().id)
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


def test_charged_with_what_the_first_invoice_was_paid_with(diary: Diary):
    """The first invoice has its terms and leaves its method; from the second on each is charged on its day."""
    diary.saves_a_card("ada")
    diary.subscribes("ada", "coffee-1kg", on="2026-01-10", days_until_due=7, **FIRST)
    diary.it_is("2026-01-15")
    assert diary.subscription("ada")["payment_method"] is None
    paid_by_buyer(diary, "ada")
    assert diary.subscription("ada")["payment_method"]["label"] == "Visa •••• 4242"
    diary.it_is("2026-03-11")
    assert due(diary, "ada") == [
        ("2026-01-10", "2026-01-17", "paid"),
        ("2026-02-10", None, "paid"),
        ("2026-03-10", None, "paid"),
    ]
    assert facts(diary, "ada", "subscription.past_due") == []
    assert kinds(diary, "ada")[:3] == ["invoice", "first_payment", "upcoming_payment"]
    assert diary.taken() == 7500
    diary.sound()


def test_a_first_invoice_that_stays_unpaid_is_followed_by_another_that_is_sent(diary: Diary):
    """Unpaid when the second cycle comes, that is sent too; one page pays both, and the third is charged."""
    diary.saves_a_card("ada")
    diary.subscribes("ada", "coffee-1kg", on="2026-01-10", days_until_due=10, **FIRST)
    diary.it_is("2026-02-11")
    assert due(diary, "ada") == [("2026-01-10", "2026-01-20", "open"), ("2026-02-10", "2026-02-20", "open")]
    assert diary.subscription("ada")["status"] == "past_due"
    paid_by_buyer(diary, "ada")
    assert diary.subscription("ada")["status"] == "active"
    assert diary.payments("ada") == [("succeeded", 5000)]
    diary.it_is("2026-03-11")
    assert due(diary, "ada")[-1] == ("2026-03-10", None, "paid")
    assert diary.taken() == 7500
    diary.sound()


def test_a_method_saved_later_is_used_only_once_it_is_switched(diary: Diary):
    """Another saved card changes nothing; switched by hand, it pays what is overdue at once and what comes on its day."""
    diary.saves_a_card("ada")
    sold = diary.subscribes("ada", "coffee-1kg", on="2026-01-10", **SENT)
    later = diary.saves_a_card("ada", "pm_card_mastercard")["id"]
    diary.it_is("2026-01-20")
    assert diary.subscription("ada")["payment_method"] is None
    assert (diary.subscription("ada")["status"], diary.taken()) == ("past_due", 0)
    refused = diary.world.call(
        "POST", f"/v1/subscriptions/{sold}/payment_method", {"payment_method": later}, diary.key
    )
    assert (refused.status, refused.body["code"]) == (409, "not_charged")
    way = {"collection_method": "charge_automatically", "payment_method": later}
    after = diary.post(f"/v1/subscriptions/{sold}/collection", **way)
    diary.world.settle()
    assert (after["collection_method"], after["payment_method"]["id"]) == ("charge_automatically", later)
    assert diary.payments("ada") == [("succeeded", 2500)]
    diary.it_is("2026-02-11")
    assert [row[2] for row in due(diary, "ada")] == ["paid", "paid"]
    assert diary.subscription("ada")["status"] == "active"
    diary.sound()


def test_a_card_given_to_a_person_is_not_used_by_what_was_sold_before(diary: Diary):
    """A card saved for the contact leaves an automatic subscription on the card it was sold with."""
    diary.saves_a_card("ada")
    diary.subscribes("ada", "coffee-1kg", on="2026-01-10")
    diary.card("ada", "insufficient_funds")
    before = diary.methods["ada"]["id"]
    diary.saves_a_card("ada", "pm_card_mastercard")
    diary.it_is("2026-01-12")
    assert diary.subscription("ada")["payment_method"]["id"] == before
    assert [status for status, _ in diary.payments("ada")] == ["declined", "succeeded"]


def test_not_paid_online(diary: Diary):
    """With online payment off no page opens; written down by hand it is paid, and the subscription recovers."""
    diary.saves_a_card("ada")
    diary.subscribes("ada", "coffee-1kg", on="2026-01-10", accept_online=False, **SENT)
    diary.it_is("2026-01-12")
    assert diary.subscription("ada")["status"] == "past_due"
    with pytest.raises(WrongState, match="online_payment_off"):
        Buyer(diary, "ada").opens()
    usd = {"amount": 1000, "currency": "usd"}
    came = {"contact": diary.contacts["ada"], "amount": usd, "type": "bank_transfer"}
    diary.post("/v1/payments", received_on="2026-01-12", **came)
    assert diary.subscription("ada")["status"] == "past_due"
    usd["amount"] = 1500
    diary.post("/v1/payments", received_on="2026-01-12", **came)
    assert diary.subscription("ada")["status"] == "active"
    assert [row[2] for row in due(diary, "ada")] == ["paid"]
    assert diary.taken() == 0


def test_switched_to_invoices_what_comes_is_sent(diary: Diary):
    """From automatic to invoices: the next one is sent with its terms, and the card is asked for nothing more."""
    diary.saves_a_card("ada")
    sold = diary.subscribes("ada", "coffee-1kg", on="2026-01-10")
    diary.it_is("2026-01-20")
    diary.post(f"/v1/subscriptions/{sold}/collection", collection_method="send_invoice", days_until_due=3)
    diary.it_is("2026-02-14")
    assert due(diary, "ada") == [("2026-01-10", None, "paid"), ("2026-02-10", "2026-02-13", "open")]
    assert diary.subscription("ada")["status"] == "past_due"
    invoice = diary.every(f"/v1/invoices?subscription={sold}")[0]["id"]
    diary.post("/v1/credit_notes", invoice=invoice)
    assert diary.subscription("ada")["status"] == "active"
    assert diary.taken() == 2500
    diary.sound()


def scheduled(diary: Diary, who: str, *parts: dict[str, Any]) -> dict[str, Any]:
    """A customer's newest invoice, split over days."""
    invoice = diary.every(f"/v1/invoices?subscription={diary.subscriptions[who]}")[0]["id"]
    answer: dict[str, Any] = diary.post(f"/v1/invoices/{invoice}/payment_schedule", instalments=list(parts))
    return answer


def test_parts_of_a_canceled_subscription_are_owed_on_their_days_and_not_asked_for(diary: Diary):
    """Given up and split in two: each part is in arrears from its day on, where another card finds it, and no more than it."""
    diary.post("/v1/account", retries={"days": [1], "at_end": "cancel"})
    diary.saves_a_card("ada")
    diary.card("ada", *["insufficient_funds"] * 2)
    diary.subscribes("ada", "coffee-1kg", on="2026-01-10")
    diary.it_is("2026-01-12")
    owed = diary.subscription("ada")["arrears"]
    parts = [{"due_on": day, "percent": "50"} for day in ("2026-02-01", "2026-03-01")]
    diary.post(f"/v1/invoices/{owed[0]}/payment_schedule", instalments=parts)
    seen = each_day(diary, ["2026-01-31", "2026-02-01"], lambda: diary.subscription("ada")["arrears"])
    assert seen == [[], owed]
    diary.gives_another_card("ada")
    assert diary.payments("ada")[2:] == [("succeeded", 1250)]
    diary.sound()
    seen = each_day(diary, ["2026-02-28", "2026-03-01"], lambda: diary.subscription("ada")["arrears"])
    assert seen == [[], owed]
    assert diary.taken() == 1250
    diary.sound()


def test_an_invoice_is_charged_in_instalments(diary: Diary):
    """A declined charge split in three: each part on its day, the second after a retry of its own; a credit shortens the last."""
    diary.saves_a_card("ada")
    diary.subscribes("ada", "coffee-1kg", on="2026-01-10", frequency="quarterly")
    diary.card("ada", "insufficient_funds")
    diary.it_is("2026-01-10")
    days = ("2026-01-15", "2026-02-15", "2026-03-15")
    percents = ("33.3", "33.3", "33.4")
    made = scheduled(
        diary, "ada", *({"due_on": day, "percent": part} for day, part in zip(days, percents, strict=True))
    )
    assert [part["amount"]["amount"] for part in made["instalments"]] == [833, 832, 835]
    diary.world.settle()
    assert (diary.subscription("ada")["status"], diary.taken()) == ("active", 0)
    diary.it_is("2026-01-15")
    assert diary.taken() == 833
    told = diary.get(f"/v1/invoices/{made['id']}")
    assert (told["amount_due_now"]["amount"], told["next_due_on"]) == (0, "2026-02-15")
    assert [part["amount_left"]["amount"] for part in told["instalments"]] == [0, 832, 835]
    diary.card("ada", "insufficient_funds")
    diary.it_is("2026-02-15")
    assert (diary.subscription("ada")["status"], diary.taken()) == ("past_due", 833)
    diary.it_is("2026-02-17")
    assert (diary.subscription("ada")["status"], diary.taken()) == ("active", 1665)
    usd = {"amount": 135, "currency": "usd"}
    diary.post("/v1/credit_notes", invoice=made["id"], lines=[{"line": 0, "amount": usd}])
    diary.it_is("2026-03-16")
    assert diary.payments("ada") == [
        ("declined", 2500),
        ("succeeded", 833),
        ("declined", 832),
        ("succeeded", 832),
        ("succeeded", 700),
    ]
    assert diary.get(f"/v1/invoices/{made['id']}")["status"] == "paid"
    diary.sound()


def test_what_is_due_at_checkout_is_paid_in_parts(diary: Diary):
    """Sold with a schedule, the first invoice is charged in its parts, by largest remainder; the second at once."""
    diary.saves_a_card("ada")
    days = (("2026-01-10", "33.3"), ("2026-02-01", "33.3"), ("2026-03-01", "33.4"))
    parts = [{"due_on": day, "percent": percent} for day, percent in days]
    diary.subscribes("ada", "coffee-1kg", on="2026-01-10", frequency="quarterly", payment_schedule=parts)
    diary.it_is("2026-01-11")
    assert (diary.taken(), diary.subscription("ada")["payment_schedule"]) == (833, [])
    diary.it_is("2026-04-11")
    assert [amount for _, amount in diary.payments("ada")] == [833, 832, 835, 2500]
    assert facts(diary, "ada", "subscription.past_due") == []
    diary.sound()


def test_a_sent_invoice_is_overdue_part_by_part(diary: Diary):
    """Of three parts the first is paid late and the second on its day: past due and recovered; the third is overdue again."""
    diary.saves_a_card("ada")
    diary.subscribes("ada", "coffee-1kg", on="2026-01-10", frequency="quarterly", days_until_due=20, **SENT)
    diary.it_is("2026-01-11")
    scheduled(
        diary,
        "ada",
        {"due_on": "2026-01-15", "amount": 1000},
        {"due_on": "2026-02-15", "amount": 1000},
        {"due_on": "2026-03-15", "amount": 500},
    )
    diary.it_is("2026-01-15")
    assert diary.subscription("ada")["status"] == "active"
    diary.it_is("2026-01-16")
    assert diary.subscription("ada")["status"] == "past_due"
    paid_by_buyer(diary, "ada")
    assert (diary.subscription("ada")["status"], diary.taken()) == ("active", 1000)
    diary.it_is("2026-02-15")
    paid_by_buyer(diary, "ada")
    diary.it_is("2026-03-16")
    assert (diary.subscription("ada")["status"], diary.taken()) == ("past_due", 2000)
    assert facts(diary, "ada", "invoice.overdue") == [
        ("2026-01-16", "invoice.overdue"),
        ("2026-03-16", "invoice.overdue"),
    ]
    paid_by_buyer(diary, "ada")
    assert (diary.subscription("ada")["status"], diary.taken()) == ("active", 2500)
    diary.sound()


def test_a_record_is_never_billed_and_can_be_deleted(diary: Diary):
    """Without invoices nothing is billed, charged or written to its buyer, its lines change at once, and by hand it is deleted from every list."""
    diary.saves_a_card("ada")
    diary.post("/v1/account", invoicing_can_be_off=True)
    sold = diary.subscribes("ada", "coffee-1kg", on="2026-01-10", invoicing=False, payment_method=None)
    assert diary.subscription("ada")["status"] == "active"
    diary.it_is("2026-03-20")
    assert diary.invoices("ada") == []
    assert diary.subscription("ada")["next_billing_at"] is None
    changed = diary.post(f"/v1/subscriptions/{sold}/change", quantities={"li_1": 3})
    assert (changed["lines"][0]["quantity"], changed["change"]) == ("3", None)
    diary.world.settle()
    letters = {(one["letter"], one["status"]) for one in diary.every("/v1/deliveries")}
    assert letters == {("subscribed", "skipped"), ("changed", "skipped")}
    diary.sound()
    assert diary.post(f"/v1/subscriptions/{sold}/delete") == {"id": sold, "deleted": True}
    assert diary.world.call("GET", f"/v1/subscriptions/{sold}", None, diary.key).status == 404
    assert diary.every("/v1/subscriptions") == []
    assert diary.every(f"/v1/subscriptions?contact={diary.contacts['ada']}") == []
    assert diary.every("/v1/subscriptions?status=active") == []
    assert diary.post(f"/v1/subscriptions/{sold}/delete")["deleted"]


def test_the_last_invoice_of_one_that_is_paid_by_invoice_is_sent(diary: Diary):
    """More cups in the middle of a month, then canceled: the rest is invoiced as it ends, sent, and overdue like any other."""
    diary.saves_a_card("ada")
    sold = diary.subscribes("ada", "coffee-1kg", on="2026-01-10", days_until_due=5, **SENT)
    diary.it_is("2026-01-12")
    paid_by_buyer(diary, "ada")
    diary.post(
        f"/v1/subscriptions/{sold}/change", quantities={"li_1": 2}, proration="next_invoice", force=True
    )
    diary.it_is("2026-02-08")
    diary.post(f"/v1/subscriptions/{sold}/cancel")
    assert due(diary, "ada")[-1] == ("2026-01-12", "2026-02-13", "open")
    diary.it_is("2026-02-14")
    assert facts(diary, "ada", "invoice.overdue") == [("2026-02-14", "invoice.overdue")]
    paid_by_buyer(diary, "ada")
    assert diary.subscription("ada")["status"] == "canceled"
    diary.sound()


def test_paused_changed_and_credited_while_it_is_paid_by_invoice(diary: Diary):
    """A change billed at once is sent too; paused nothing is; resumed it goes on; credited, what was overdue is not."""
    diary.saves_a_card("ada")
    sold = diary.subscribes("ada", "coffee-1kg", on="2026-01-10", days_until_due=5, **SENT)
    diary.it_is("2026-01-12")
    diary.post(
        f"/v1/subscriptions/{sold}/change", quantities={"li_1": 3}, proration="invoice_now", force=True
    )
    assert [row[1] for row in due(diary, "ada")] == ["2026-01-15", "2026-01-17"]
    diary.post(f"/v1/subscriptions/{sold}/pause")
    diary.it_is("2026-01-20")
    overdue = [("2026-01-16", "invoice.overdue"), ("2026-01-18", "invoice.overdue")]
    assert facts(diary, "ada", "invoice.overdue") == overdue
    assert diary.subscription("ada")["status"] == "paused"
    diary.it_is("2026-02-20")
    diary.post(f"/v1/subscriptions/{sold}/resume", shifts=False)
    assert (diary.subscription("ada")["status"], len(due(diary, "ada"))) == ("past_due", 2)
    for row in diary.every(f"/v1/invoices?subscription={sold}"):
        diary.post("/v1/credit_notes", invoice=row["id"])
    assert diary.subscription("ada")["status"] == "active"
    diary.it_is("2026-03-11")
    assert due(diary, "ada")[-1][:2] == ("2026-03-10", "2026-03-15")
    diary.sound()


def test_switched_by_many_at_once_what_is_overdue_is_charged_once(diary: Diary):
    """Five people switch it to the card at the same moment: one payment of all that is overdue, and no other."""
    card = diary.saves_a_card("ada")["id"]
    sold = diary.subscribes("ada", "coffee-1kg", on="2026-01-10", **SENT)
    diary.it_is("2026-02-12")
    way = {"collection_method": "charge_automatically", "payment_method": card}
    path = f"/v1/subscriptions/{sold}/collection"
    with ThreadPoolExecutor(5) as pool:
        asked = [pool.submit(diary.world.call, "POST", path, way, diary.key) for _ in range(5)]
    assert {one.result().status for one in asked} <= {200, 409, 503}
    diary.world.settle()
    assert diary.payments("ada") == [("succeeded", 5000)]
    assert diary.subscription("ada")["status"] == "active"
    diary.sound()
