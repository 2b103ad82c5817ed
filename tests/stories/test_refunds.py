"""Money that goes back, told with a moving clock and every message delivered twice: in whole, in part, by line, from Stripe's dashboard."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from sandbox.crashes import Crashes
from sandbox.world import Killed
from tests.stories.diary import Diary
from tests.stories.test_crashes_of_acts import posted
from tests.stories.test_credits import balance, entries, newest, usd

POINTS = 16
"""At least as many as the writes and calls of a refund, each counted before and after."""


def last_payment(diary: Diary, who: str) -> dict[str, Any]:
    """A customer's newest payment."""
    return diary.every(f"/v1/payments?subscription={diary.subscriptions[who]}")[0]


def refunds(diary: Diary, payment: str) -> list[tuple[str, int]]:
    """A payment's refunds: status and cents, oldest first."""
    found = diary.every(f"/v1/refunds?payment={payment}")
    return [(row["status"], row["amount"]["amount"]) for row in reversed(found)]


def given_back(diary: Diary) -> int:
    """The cents Stripe gave back, less what failed."""
    return sum(amounts["refunded"] for amounts in diary.world.stripe("GET", "summary")["amounts"].values())


def refused(diary: Diary, path: str, **body: Any) -> tuple[int, str, str | None]:
    """Status, code and field of a POST that is refused."""
    answer = diary.world.call("POST", path, body, diary.key)
    return answer.status, answer.body["code"], answer.body.get("param")


def pays(diary: Diary, who: str = "ada", method: str = "pm_card_visa", **more: Any) -> str:
    """Somebody's first 25.00 are paid; the payment's id."""
    diary.saves_a_card(who, method)
    diary.subscribes(who, "coffee-1kg", on="2026-01-15", **more)
    diary.it_is("2026-01-20")
    return str(last_payment(diary, who)["id"])


def test_a_payment_is_given_back_in_part_and_then_whole(diary: Diary):
    """10.00 of 25.00 go back with a credit note of exactly that, then the rest; the payment says so, and no cent more goes."""
    paid = pays(diary)
    first = diary.post("/v1/refunds", payment=paid, amount=usd(1000), reason="Spilled")
    assert (first["status"], first["id"]) == ("succeeded", f"ref_{paid.removeprefix('pay_')}_1")
    [note] = diary.every("/v1/credit_notes")
    assert (note["total"], note["to_balance"], first["credit_notes"]) == (usd(1000), usd(1000), [note["id"]])
    assert last_payment(diary, "ada")["refund_status"] == "partially_refunded"
    assert refused(diary, "/v1/refunds", payment=paid, amount=usd(1501)) == (
        400,
        "refund_out_of_range",
        "amount",
    )
    diary.post("/v1/refunds", payment=paid)
    assert refused(diary, "/v1/refunds", payment=paid, amount=usd(1))[1] == "refund_out_of_range"
    assert refunds(diary, paid) == [("succeeded", 1000), ("succeeded", 1500)]
    assert last_payment(diary, "ada")["refund_status"] == "refunded"
    assert (given_back(diary), balance(diary, "ada")) == (2500, 0)
    diary.world.settle()
    diary.sound()


def test_a_refund_asked_for_twice_is_one_and_two_at_once_never_give_back_more_than_was_paid(diary: Diary):
    """The same Idempotency-Key is one refund; five people who each give 10.00 of 25.00 back at once give 20.00."""
    paid = pays(diary)
    body = {"payment": paid, "amount": usd(1000)}

    def ask(key: str) -> int:
        return diary.world.call("POST", "/v1/refunds", body, diary.key, **{"Idempotency-Key": key}).status

    assert (ask("one"), ask("one")) == (201, 201)
    with ThreadPoolExecutor(5) as people:
        told = list(people.map(ask, "abcde"))
    assert sorted(told) == [201, 400, 400, 400, 400]
    diary.world.settle()
    assert given_back(diary) == 2000
    diary.sound()


def test_a_line_with_its_tax_goes_back_to_the_payment_by_its_credit_note(diary: Diary):
    """A credit note with `refund` gives the line and the tax on top of it back to the card; its preview says as much."""
    vat = diary.post("/v1/tax_rates", name="VAT", percentage="19")["id"]
    lines = [{"name": "Coffee", "unit_amount": 2000}, {"name": "Filters", "unit_amount": 500}]
    pays(diary, lines=lines, taxes=[vat])
    body = {"invoice": newest(diary, "ada")["id"], "lines": [{"line": 1}], "refund": True}
    assert diary.post("/v1/credit_notes/preview", **body)["total"] == usd(595)
    note = diary.post("/v1/credit_notes", **body)
    assert (note["to_balance"], given_back(diary), balance(diary, "ada")) == (usd(595), 595, 0)
    rest = diary.post("/v1/refunds", invoice=body["invoice"], lines=[{"line": 0, "amount": usd(1000)}])
    assert (rest["amount"], given_back(diary)) == (usd(1190), 595 + 1190)
    diary.world.settle()
    diary.sound()


def test_any_amount_goes_back_to_the_cent_whatever_the_tax(diary: Diary):
    """Odd amounts of an invoice of three lines, one with its tax inside, are credited as they are, and the rest after them."""
    vat = diary.post("/v1/tax_rates", name="VAT", percentage="19")["id"]
    inside = diary.post("/v1/tax_rates", name="GST", percentage="7.25", inclusive=True)["id"]
    lines = [
        {"name": "Coffee", "unit_amount": 1999, "taxes": [vat]},
        {"name": "Filters", "unit_amount": 333, "taxes": [vat]},
        {"name": "Cup", "unit_amount": 1001, "taxes": [inside]},
    ]
    paid = pays(diary, lines=lines)
    whole = last_payment(diary, "ada")["amount"]["amount"]
    for amount in (1, 120, 997, 1):
        diary.post("/v1/refunds", payment=paid, amount=usd(amount))
    diary.post("/v1/refunds", payment=paid)
    notes = [note["total"]["amount"] for note in reversed(diary.every("/v1/credit_notes"))]
    assert notes == [1, 120, 997, 1, whole - 1119]
    assert given_back(diary) == whole
    diary.world.settle()
    diary.sound()


def test_a_payment_of_several_invoices_is_given_back_over_them(diary: Diary):
    """One payment of two months' arrears: 30.00 of its 50.00 credit the older month whole and 5.00 of the other."""
    diary.saves_a_card("ada")
    diary.card("ada", *["insufficient_funds"] * 12)
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-02-16")
    diary.gives_another_card("ada")
    arrears = next(row for row in diary.every("/v1/payments") if row["status"] == "succeeded")
    assert len(arrears["allocations"]) == 2
    diary.post("/v1/refunds", payment=arrears["id"], amount=usd(3000))
    credited = {note["invoice"]: note["total"]["amount"] for note in diary.every("/v1/credit_notes")}
    assert credited == {arrears["allocations"][0]["invoice"]: 2500, arrears["allocations"][1]["invoice"]: 500}
    older, newer = (part["invoice"] for part in arrears["allocations"])
    one = diary.post("/v1/refunds", payment=arrears["id"], invoice=newer)
    assert one["amount"] == usd(2000)
    assert [row["amount"] for row in diary.every(f"/v1/refunds?invoice={newer}")] == [usd(2000), usd(3000)]
    assert [row["amount"] for row in diary.every(f"/v1/refunds?invoice={older}")] == [usd(3000)]
    diary.world.settle()
    diary.sound()


def test_what_was_credited_before_goes_back_from_the_balance_and_no_further(diary: Diary):
    """A credit note gave 25.00 to the balance: a refund of 10.00 takes it from there; when it is spent nothing goes back."""
    paid = pays(diary)
    diary.post("/v1/credit_notes", invoice=newest(diary, "ada")["id"])
    refund = diary.post("/v1/refunds", payment=paid, amount=usd(1000))
    assert (refund["credit_notes"], balance(diary, "ada")) == ([], 1500)
    diary.it_is("2026-02-20")
    assert balance(diary, "ada") == 0
    assert refused(diary, "/v1/refunds", payment=paid, amount=usd(500))[1] == "refund_not_covered"
    diary.sound()


def test_to_the_balance_no_money_leaves(diary: Diary):
    """A refund to the balance credits the invoice, and the next month is paid from it."""
    paid = pays(diary)
    refund = diary.post("/v1/refunds", payment=paid, amount=usd(1000), to="balance")
    assert (refund["status"], refund["to_balance"], refund["reference"]) == ("succeeded", True, None)
    assert (balance(diary, "ada"), given_back(diary)) == (1000, 0)
    diary.it_is("2026-02-20")
    assert diary.payments("ada") == [("succeeded", 2500), ("succeeded", 1500)]
    diary.sound()


def test_a_refund_may_wait_for_its_bank_and_may_fail_days_later(diary: Diary):
    """One card's refund is pending for days; another's fails after it had succeeded: that money is on the balance, and staff see why."""
    for who, method in (("ada", "pm_card_pendingRefund"), ("bea", "pm_card_refundFail")):
        diary.saves_a_card(who, method)
        diary.subscribes(who, "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-20")
    slow, bad = (last_payment(diary, who)["id"] for who in ("ada", "bea"))
    assert diary.post("/v1/refunds", payment=slow, amount=usd(1000))["status"] == "pending"
    assert diary.post("/v1/refunds", payment=bad, amount=usd(1000))["status"] == "succeeded"
    diary.world.settle()
    diary.sound()
    diary.it_is("2026-01-30")
    assert refunds(diary, slow) == [("succeeded", 1000)]
    [failed] = diary.every(f"/v1/refunds?payment={bad}")
    assert (failed["status"], failed["failure"]) == ("failed", "expired_or_canceled_card")
    assert (balance(diary, "ada"), balance(diary, "bea")) == (0, 1000)
    assert last_payment(diary, "bea")["refund_status"] == "none"
    assert any(event["type"] == "refund.failed" for event in diary.every("/v1/events"))
    diary.sound()


@pytest.mark.parametrize("fault", ["timeout_after", "500_after", "429"])
def test_a_refund_stripe_did_not_answer_is_found_again_and_made_once(diary: Diary, fault: str):
    """Its answer is lost: the refund waits, and is what Stripe says of it by the next look."""
    paid = pays(diary)
    where = {"method": "POST", "path": "/v1/refunds"}
    diary.world.stripe("POST", "faults", {"match": where, "fault": fault, "times": 1, "seconds": 1})
    refund = diary.post("/v1/refunds", payment=paid, amount=usd(1000))
    assert refund["status"] == "pending"
    diary.it_is("2026-01-21")
    assert refunds(diary, paid) == [("succeeded", 1000)]
    assert given_back(diary) == 1000
    diary.sound()


def test_what_is_given_back_in_stripes_dashboard_is_in_the_books(diary: Diary):
    """Two refunds that carry nothing of ours are adopted with credit notes; what no invoice has to give is goodwill."""
    paid = pays(diary)
    intent = last_payment(diary, "ada")["reference"]
    diary.world.stripe("POST", "refunds", {"payment_intent": intent, "amount": 1000})
    diary.world.settle()
    assert refunds(diary, paid) == [("succeeded", 1000)]
    diary.post("/v1/credit_notes", invoice=newest(diary, "ada")["id"])
    diary.it_is("2026-02-20")
    diary.world.stripe("POST", "refunds", {"payment_intent": intent, "amount": 1500})
    diary.world.settle()
    assert refunds(diary, paid) == [("succeeded", 1000), ("succeeded", 1500)]
    assert entries(diary)["goodwill"] == 1500
    assert [row["to_balance"]["amount"] for row in diary.every("/v1/credit_notes")] == [1500, 1000]
    diary.sound()


def ended(diary: Diary, who: str, at: int, fault: str) -> Crashes:
    """10.00 of somebody's payment are given back by a process that ends at a point, and asked for again."""
    world, crashes = diary.world, Crashes(at)
    body = {"payment": last_payment(diary, who)["id"], "amount": usd(1000)}
    if fault:
        where = {"method": "POST", "path": "/v1/refunds"}
        world.stripe("POST", "faults", {"match": where, "fault": fault, "times": 1})
    world.restart(crashes.around)
    for _ in range(2):
        try:
            status, _ = posted(diary, "/v1/refunds", body, f"give {who} back")
            assert status == 201
            break
        except Killed:
            world.restart()
            world.set_clock(world.now + timedelta(seconds=61))
    world.restart()
    return crashes


def test_who_gives_money_back_may_die_at_any_point(diary: Diary):
    """The process ends at each write and call of a refund in turn, Stripe's answer lost or not: one refund each, of one amount."""
    everyone = [(fault, at) for fault in ("", "500_after") for at in range(POINTS + 1)]
    for fault, at in everyone:
        diary.saves_a_card(f"u{fault}{at}")
        diary.subscribes(f"u{fault}{at}", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-15", hour=7)
    passed = 0
    for fault, at in everyone:
        crashes = ended(diary, f"u{fault}{at}", at, fault)
        passed = passed if at else len(crashes.passed)
        assert bool(crashes.struck) is (0 < at <= passed), (fault, at)
        assert passed <= POINTS
    diary.it_is("2026-01-15", hour=9)
    assert diary.parked() == []
    for fault, at in everyone:
        assert refunds(diary, last_payment(diary, f"u{fault}{at}")["id"]) == [("succeeded", 1000)], (
            fault,
            at,
        )
        assert balance(diary, f"u{fault}{at}") == 0
    assert {row["total"]["amount"] for row in diary.every("/v1/credit_notes")} == {1000}
    assert given_back(diary) == 1000 * len(everyone)
    diary.sound()
