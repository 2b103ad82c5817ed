"""Buyers who ask their bank for the money, told with a moving clock and every message twice: opened, won, lost, asked about."""

from typing import Any

from tests.stories.diary import Diary
from tests.stories.test_credits import balance, entries, usd
from tests.stories.test_refunds import given_back, last_payment, pays, refunds, refused
from tests.stories.told import every_fact


def disputes(diary: Diary, payment: str, **more: Any) -> str:
    """A buyer disputes a payment at their bank; Stripe's id of it."""
    intent = diary.get(f"/v1/payments/{payment}")["reference"]
    made = diary.world.stripe("POST", "disputes", {"payment_intent": intent, **more})
    diary.world.settle()
    return str(made["id"])


def books(diary: Diary) -> dict[str, int]:
    """The books that a dispute touches, those that hold nothing left out."""
    touched = ("cash", "fees", "disputed", "bad_debt", "receivable")
    return {book: amount for book, amount in entries(diary).items() if book in touched and amount}


def facts(diary: Diary, subject: str) -> list[str]:
    """What happened to a record, oldest first."""
    return [event["type"] for event in every_fact(diary) if event["subject"] == subject]


def test_a_dispute_takes_the_money_until_it_is_won(diary: Diary):
    """25.00 and a fee of 15.00 leave the cash; won, the 25.00 come back and the fee stays; no refund goes meanwhile."""
    paid = pays(diary)
    before = books(diary)
    name = disputes(diary, paid)
    told = diary.get(f"/v1/disputes/{name}")
    assert (told["status"], told["held"], told["fee"]) == ("needs_response", usd(2500), usd(1500))
    assert told["evidence_due_at"] == "2026-02-09T23:00:00Z"
    assert books(diary) == before | {
        "cash": before["cash"] - 4000,
        "fees": before["fees"] + 1500,
        "disputed": 2500,
    }
    assert refused(diary, "/v1/refunds", payment=paid)[1] == "payment_disputed"
    diary.sound()
    diary.world.stripe("POST", "disputes/win", {"dispute": name})
    diary.world.settle()
    assert books(diary) == before | {"cash": before["cash"] - 1500, "fees": before["fees"] + 1500}
    assert facts(diary, name)[0] == "dispute.opened"
    assert "dispute.closed" in facts(diary, name)
    diary.post("/v1/refunds", payment=paid)
    assert diary.get(f"/v1/disputes?payment={paid}")["data"][0]["status"] == "won"
    diary.world.settle()
    diary.sound()


def test_a_lost_dispute_is_bad_debt_and_the_invoice_stays_paid(diary: Diary):
    """10.00 of 25.00 are disputed and lost: bad debt; the subscription goes on, and no more than 15.00 could be given back."""
    paid = pays(diary)
    name = disputes(diary, paid, amount=1000)
    diary.world.stripe("POST", "disputes/lose", {"dispute": name})
    diary.it_is("2026-02-20")
    assert books(diary)["bad_debt"] == 1000
    assert "disputed" not in books(diary)
    assert [status for _, status, _ in diary.invoices("ada")] == ["paid", "paid"]
    assert diary.subscription("ada")["status"] == "active"
    assert refused(diary, "/v1/refunds", payment=paid, amount=usd(1501))[1] == "refund_out_of_range"
    diary.sound()


def test_an_inquiry_takes_nothing_and_is_answered_by_a_refund(diary: Diary):
    """A bank only asks: nothing moves, and the money may be given back; where it goes further instead, it is a dispute."""
    diary.saves_a_card("ada")
    diary.saves_a_card("bea")
    for who in ("ada", "bea"):
        diary.subscribes(who, "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-20")
    before = books(diary)
    asked, further = (disputes(diary, last_payment(diary, who)["id"], inquiry=True) for who in ("ada", "bea"))
    assert books(diary) == before
    diary.post("/v1/refunds", payment=last_payment(diary, "ada")["id"])
    diary.world.stripe("POST", "disputes/win", {"dispute": asked})
    diary.world.stripe("POST", "disputes/escalate", {"dispute": further})
    diary.world.settle()
    assert diary.get(f"/v1/disputes/{asked}")["status"] == "warning_closed"
    assert diary.get(f"/v1/disputes/{further}")["held"] == usd(2500)
    diary.sound()


def test_a_refund_that_meets_a_dispute_is_the_customers_balance(diary: Diary):
    """The bank was faster and nobody here knew: Stripe refuses the refund, and what was credited is on the balance."""
    paid = pays(diary)
    intent = diary.get(f"/v1/payments/{paid}")["reference"]
    diary.world.stripe("POST", "disputes", {"payment_intent": intent})
    refund = diary.post("/v1/refunds", payment=paid, amount=usd(1000))
    assert (refund["status"], refund["failure"]) == ("failed", "charge_disputed")
    diary.world.settle()
    assert refunds(diary, paid) == [("failed", 1000)]
    assert (balance(diary, "ada"), given_back(diary)) == (1000, 0)
    diary.sound()


def test_what_stripe_tells_late_of_its_fee_is_posted_when_it_is_known(diary: Diary):
    """For an hour all of a payment is cash; then its fee is known, by a webhook or, where none comes, by looking."""
    diary.world.stripe("POST", "fees", {"seconds": 3600})
    diary.saves_a_card("ada")
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-15", hour=6)
    assert (last_payment(diary, "ada")["fee"], books(diary)) == (None, {"cash": 2500})
    diary.sound()
    diary.it_is("2026-01-16")
    fee = last_payment(diary, "ada")["fee"]["amount"]
    assert books(diary) == {"cash": 2500 - fee, "fees": fee}
    assert facts(diary, last_payment(diary, "ada")["id"]) == ["payment.succeeded", "payment.fee_known"]
    diary.sound()
