"""Bank debits that come back after they had succeeded: what they paid is owed again, told with a moving clock and every message twice."""

from concurrent.futures import ThreadPoolExecutor

from tests.stories.buyer import BANK, Buyer, pays
from tests.stories.diary import Diary
from tests.stories.test_credits import balance, entries, newest, usd
from tests.stories.test_disputes import books, facts
from tests.stories.test_refunds import last_payment, refused
from tests.stories.test_retrying import asks, told

ACH = "pm_usBankAccount_success"


def debits(diary: Diary, who: str = "ada") -> str:
    """Somebody's first 25.00 come from a bank account, days after they were asked for; the payment's id."""
    diary.saves_a_card(who, ACH)
    diary.subscribes(who, "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-25")
    paid = last_payment(diary, who)
    assert paid["status"] == "succeeded"
    return str(paid["id"])


def comes_back(diary: Diary, payment: str, reason: str = "insufficient_funds") -> None:
    """Its bank takes a payment back."""
    intent = diary.get(f"/v1/payments/{payment}")["reference"]
    diary.world.stripe("POST", "returns", {"payment_intent": intent, "reason": reason})
    diary.world.settle()


def test_a_debit_that_comes_back_is_owed_again_and_asked_for_by_the_policy(diary: Diary):
    """The payment is returned, the invoice open, the subscription past due, a letter says so; the next attempt pays."""
    paid = debits(diary)
    comes_back(diary, paid)
    assert diary.get(f"/v1/payments/{paid}")["status"] == "returned"
    assert newest(diary, "ada")["amount_due"] == usd(2500)
    assert diary.subscription("ada")["status"] == "past_due"
    assert books(diary)["receivable"] == 2500
    assert "payment.returned" in facts(diary, paid)
    assert diary.letters("ada")[-1] == "failed"
    assert refused(diary, "/v1/refunds", payment=paid)[1] == "payment_not_refundable"
    diary.sound()
    diary.it_is("2026-02-14")
    assert [status for _, status, _ in diary.invoices("ada")] == ["paid"]
    assert diary.subscription("ada")["status"] == "active"
    assert "disputed" not in books(diary)
    diary.sound()


def test_what_comes_back_is_asked_of_the_method_charged_by_now_though_nothing_is_retried(diary: Diary):
    """The policy asks once only; meanwhile the subscription has another card: that is asked for it, and where it fails too, it is given up."""
    diary.post("/v1/account", retries={"days": [], "debit_days": [], "at_end": "unpaid"})
    diary.saves_a_card("bea", ACH)
    diary.subscribes("bea", "coffee-1kg", on="2026-01-15")
    paid = {"ada": debits(diary), "bea": last_payment(diary, "bea")["id"]}
    for who in paid:
        diary.gives_another_card(who)
    diary.card("bea", "insufficient_funds")
    for payment in paid.values():
        comes_back(diary, payment)
    assert diary.payments("ada") == [("returned", 2500), ("succeeded", 2500)]
    assert diary.payments("bea") == [("returned", 2500), ("declined", 2500)]
    assert [diary.subscription(who)["status"] for who in paid] == ["active", "unpaid"]
    diary.sound()


def test_an_account_that_never_allowed_it_is_not_asked_again(diary: Diary):
    """A return for want of an authorization closes the method: another one pays the arrears."""
    paid = debits(diary)
    comes_back(diary, paid, "debit_not_authorized")
    diary.it_is("2026-02-05")
    assert diary.payments("ada") == [("returned", 2500)]
    diary.gives_another_card("ada")
    diary.world.settle()
    assert diary.payments("ada") == [("returned", 2500), ("succeeded", 2500)]
    assert diary.subscription("ada")["status"] == "active"
    diary.sound()


def test_a_debit_from_a_page_that_comes_back_closes_what_it_was_of_alone(diary: Diary):
    """Ada's card is asked for it on the next of the card's days; Bea's account, kept with her first invoice, is asked for nothing more."""
    types = {"accepted_types": ["card", "us_bank_account"]}
    diary.saves_a_card("ada")
    diary.card("ada", "insufficient_funds")
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15", **types)
    first = {"collection_method": "charge_after_first_invoice", "payment_method": None, **types}
    diary.subscribes("bea", "coffee-1kg", on="2026-01-15", **first)
    diary.it_is("2026-01-15")
    for who in ("ada", "bea"):
        pays(Buyer(diary, who).opens(), BANK)
    diary.it_is("2026-01-25")
    for who in ("ada", "bea"):
        paid = last_payment(diary, who)
        assert (paid["status"], paid["method_type"]) == ("succeeded", "us_bank_account")
        comes_back(diary, paid["id"], "debit_not_authorized")
        assert diary.subscription(who)["status"] == "past_due"
    closed = [diary.subscription(who)["payment_method"]["refused"] for who in ("ada", "bea")]
    assert closed == [False, True]
    diary.it_is("2026-01-26")
    assert diary.payments("ada")[1:] == [("returned", 2500), ("succeeded", 2500)]
    diary.it_is("2026-02-16")
    assert diary.payments("bea") == [("returned", 2500)]
    diary.gives_another_card("bea")
    assert diary.payments("bea")[1:] == [("succeeded", 5000)]
    assert diary.subscription("bea")["status"] == "active"
    diary.sound()


def test_a_debit_from_a_page_is_the_first_of_three_presentations(diary: Diary):
    """The account that was kept there is presented twice more; a person who asks for a fourth time is refused."""
    diary.saves_a_card("ada")
    diary.card("ada", "insufficient_funds")
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15", accepted_types=["card", "us_bank_account"])
    diary.it_is("2026-01-15")
    pays(Buyer(diary, "ada").opens(save=True), BANK)
    diary.it_is("2026-01-25")
    comes_back(diary, last_payment(diary, "ada")["id"])
    kept = diary.subscription("ada")["payment_method"]["id"]
    twice = {"payment_method": kept, "outcomes": ["insufficient_funds"] * 2}
    diary.world.stripe("POST", "script", twice)
    diary.it_is("2026-02-14")
    assert [status for status, _ in diary.payments("ada")] == ["declined", "returned", "declined", "declined"]
    assert diary.subscription("ada")["status"] == "unpaid"
    assert told(asks(diary, "ada")) == (409, "network_ceiling")
    diary.sound()


def test_what_comes_back_to_a_canceled_subscription_is_merely_open(diary: Diary):
    """Nobody is asked for it, it is owed; given up, it is bad debt."""
    paid = debits(diary)
    diary.post(f"/v1/subscriptions/{diary.subscriptions['ada']}/cancel")
    comes_back(diary, paid)
    assert diary.subscription("ada")["status"] == "canceled"
    assert newest(diary, "ada")["amount_due"] == usd(2500)
    diary.it_is("2026-02-20")
    assert diary.payments("ada") == [("returned", 2500)]
    diary.post(f"/v1/invoices/{newest(diary, 'ada')['id']}/mark_uncollectible")
    assert books(diary)["bad_debt"] == 2500
    diary.sound()


def test_what_was_given_back_of_a_debit_stays_given_back(diary: Diary):
    """10.00 of 25.00 had been refunded when the bank took the rest back: 15.00 are owed again, and no more."""
    paid = debits(diary)
    diary.post("/v1/refunds", payment=paid, amount=usd(1000))
    diary.world.settle()
    comes_back(diary, paid)
    assert diary.get(f"/v1/payments/{paid}")["amount_returned"] == usd(1500)
    assert newest(diary, "ada")["amount_due"] == usd(1500)
    assert balance(diary, "ada") == 0
    assert "disputed" not in {book for book, amount in entries(diary).items() if amount}
    diary.sound()


def test_what_was_given_up_may_be_paid_after_all(diary: Diary):
    """Written off and reopened: no bad debt any more, past due; another card pays it, and the books are as if nothing had been."""
    diary.saves_a_card("ada")
    diary.card("ada", *["insufficient_funds"] * 9)
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-25")
    name = newest(diary, "ada")["id"]
    diary.post(f"/v1/invoices/{name}/mark_uncollectible")
    assert books(diary)["bad_debt"] == 2500
    assert diary.post(f"/v1/invoices/{name}/reopen")["amount_due"] == usd(2500)
    assert diary.subscription("ada")["status"] == "past_due"
    assert "bad_debt" not in books(diary)
    assert refused(diary, f"/v1/invoices/{name}/reopen")[1] == "invoice_not_uncollectible"
    diary.sound()
    diary.gives_another_card("ada")
    diary.world.settle()
    assert newest(diary, "ada")["status"] == "paid"
    assert diary.subscription("ada")["status"] == "active"
    diary.sound()


def test_refunds_that_race_a_dispute_and_a_return_lose_no_cent(diary: Diary):
    """While staff give money back a card's buyer disputes and a debit's bank takes it back: whichever is first, all adds up."""
    for who, method in (("ada", "pm_card_visa"), ("bea", ACH)):
        diary.saves_a_card(who, method)
        diary.subscribes(who, "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-25")
    paid = {who: last_payment(diary, who) for who in ("ada", "bea")}

    def gives_back(who: str) -> int:
        body = {"payment": paid[who]["id"], "amount": usd(1000)}
        return diary.world.call("POST", "/v1/refunds", body, diary.key).status

    def takes_back(route: str, who: str) -> int:
        diary.world.stripe("POST", route, {"payment_intent": paid[who]["reference"]})
        diary.world.drain()
        return 201

    with ThreadPoolExecutor(6) as people:
        acts = [people.submit(gives_back, who) for who in ("ada", "bea", "ada", "bea")]
        acts += [
            people.submit(takes_back, "disputes", "ada"),
            people.submit(takes_back, "returns", "bea"),
        ]
        told = [act.result() for act in acts]
    assert set(told) <= {201, 400, 409}
    diary.it_is("2026-01-26")
    assert diary.parked() == []
    assert diary.get(f"/v1/payments/{paid['bea']['id']}")["status"] == "returned"
    diary.sound()


def test_what_was_credited_while_a_debit_was_under_way_makes_good_its_failure(diary: Diary):
    """All of it, on the balance until the bank refuses: that pays, nobody is canceled or told; a part of it does not do. An account that is closed stays refused."""
    diary.post("/v1/account", retries={"days": [], "debit_days": [], "at_end": "cancel"})
    for who, why in (("ada", "insufficientFunds"), ("bea", "insufficientFunds"), ("cy", "accountClosed")):
        diary.saves_a_card(who, f"pm_usBankAccount_{why}")
        diary.subscribes(who, "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-15", hour=7)
    for who in ("ada", "cy"):
        diary.post("/v1/credit_notes", invoice=newest(diary, who)["id"])
    half = [{"line": 0, "amount": usd(1200)}]
    diary.post("/v1/credit_notes", invoice=newest(diary, "bea")["id"], lines=half)
    assert (balance(diary, "ada"), balance(diary, "bea")) == (2500, 1200)
    diary.it_is("2026-01-29")
    assert diary.payments("ada") == diary.payments("bea") == [("declined", 2500)]
    assert (diary.subscription("ada")["status"], balance(diary, "ada")) == ("active", 0)
    assert newest(diary, "ada")["status"] == "paid"
    assert "failed" not in diary.letters("ada")
    assert (diary.subscription("bea")["status"], balance(diary, "bea")) == ("canceled", 1200)
    assert [newest(diary, "cy")["status"], diary.subscription("cy")["status"]] == ["paid", "active"]
    assert [diary.subscription(who)["payment_method"]["refused"] for who in ("ada", "cy")] == [False, True]
    diary.sound()
