"""What a last look at the money found: what was owed, and would never have been asked for."""

from tests.stories.buyer import BACK, Buyer, pays
from tests.stories.diary import Diary
from tests.stories.test_credits import balance, usd
from tests.stories.test_refunds import refused
from tests.stories.test_retrying import POOR
from tests.stories.test_returns import ACH, comes_back, debits
from tests.stories.test_ways import scheduled


def test_a_later_part_is_asked_for_though_the_retries_of_the_first_are_over(diary: Diary):
    """A policy that ends past due goes on with the next cycle, and so with the next part of an invoice: that pays both."""
    diary.post("/v1/account", retries={"days": [1], "at_end": "past_due"})
    diary.saves_a_card("ada")
    diary.card("ada", *[POOR] * 3)
    diary.subscribes("ada", "coffee-1kg", on="2026-01-10", frequency="quarterly")
    diary.it_is("2026-01-10")
    parts = [{"due_on": day, "percent": "50"} for day in ("2026-01-12", "2026-02-12")]
    scheduled(diary, "ada", *parts)
    diary.it_is("2026-02-01")
    assert diary.subscription("ada")["status"] == "past_due"
    diary.sound()
    diary.it_is("2026-02-13")
    assert diary.payments("ada")[-1] == ("succeeded", 2500)
    assert diary.subscription("ada")["status"] == "active"
    diary.sound()


def test_what_was_just_issued_is_owed_though_the_retries_of_another_end_it(diary: Diary):
    """The last attempt falls on the next boundary and ends the subscription: both weeks are its arrears, and another card pays both."""
    diary.post("/v1/account", retries={"days": [7], "at_end": "cancel"})
    diary.saves_a_card("ada")
    diary.card("ada", *[POOR] * 2)
    diary.subscribes("ada", "coffee-1kg", on="2026-01-10", frequency="weekly")
    diary.it_is("2026-01-17")
    assert diary.payments("ada") == [("declined", 2500)] * 2
    assert diary.subscription("ada")["status"] == "canceled"
    assert diary.subscription("ada")["arrears"] == Buyer(diary, "ada").owed()
    diary.sound()
    diary.gives_another_card("ada")
    assert diary.payments("ada")[2:] == [("succeeded", 5000)]
    assert diary.subscription("ada")["status"] == "canceled"
    diary.sound()


def test_a_change_stripe_could_never_charge_is_refused(diary: Diary):
    """Days of a second bag come to fils that are no tens: said to who changes it, not to the customer whose card is fine."""
    diary.saves_a_card("ada")
    bag, milk = {"id": "li_1"}, {"name": "milk", "unit_amount": "10000"}
    lines = [{"name": "beans", "unit_amount": "10000"}]
    sold = diary.subscribes("ada", "coffee-1kg", on="2026-01-15", currency="kwd", lines=lines)
    diary.it_is("2026-01-22")
    path = f"/v1/subscriptions/{sold}/change"
    wrong = {"lines": [bag, milk], "proration": "next_invoice"}
    assert refused(diary, path, **wrong) == (400, "amount_not_chargeable", "proration")
    odd = {"lines": [bag | {"unit_amount": "12345"}], "proration": "none"}
    assert refused(diary, path, **odd) == (400, "amount_not_chargeable", "lines")
    diary.post(path, lines=[bag, milk], proration="none")
    diary.it_is("2026-02-16")
    assert diary.payments("ada") == [("succeeded", 10000), ("succeeded", 20000)]


def test_money_that_came_another_way_while_a_debit_was_under_way_pays_what_that_did_not(diary: Diary):
    """Written down for no invoice, as is said to who tries: when the bank refuses it pays all, and nobody is canceled or told of a failure."""
    diary.post("/v1/account", retries={"days": [], "debit_days": [], "at_end": "cancel"})
    diary.saves_a_card("ada", "pm_usBankAccount_insufficientFunds")
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-16")
    came = {"contact": diary.contacts["ada"], "amount": usd(2500), "type": "bank_transfer"}
    assert refused(diary, "/v1/payments", received_on="2026-01-16", **came)[1] == "payment_processing"
    diary.post("/v1/payments", received_on="2026-01-16", invoices=[], **came)
    diary.it_is("2026-01-24")
    assert diary.payments("ada") == [("declined", 2500)]
    assert [status for _, status, _ in diary.invoices("ada")] == ["paid"]
    assert (diary.subscription("ada")["status"], balance(diary, "ada")) == ("active", 0)
    assert diary.letters("ada") == []
    diary.sound()


def test_arrears_of_more_than_stripe_takes_at_once_are_paid_by_a_new_card(diary: Diary):
    """Two months of 600,000.00 are over a million: each is asked for, and the subscription recovers."""
    diary.post("/v1/account", retries={"days": [], "at_end": "unpaid"})
    diary.saves_a_card("ada")
    diary.card("ada", POOR)
    lines = [{"name": "a roastery", "unit_amount": "60000000"}]
    diary.subscribes("ada", "coffee-1kg", on="2026-01-10", lines=lines)
    diary.it_is("2026-02-12")
    diary.gives_another_card("ada")
    diary.world.settle()
    assert diary.payments("ada") == [("declined", 60000000), *[("succeeded", 60000000)] * 2]
    assert diary.subscription("ada")["status"] == "active"
    diary.sound()


def test_a_balance_pays_what_a_bank_took_back(diary: Diary):
    """A debit comes back to a policy without retries: 30.00 of the customer's are there, so nobody is canceled or told."""
    diary.post("/v1/account", retries={"days": [], "debit_days": [], "at_end": "cancel"})
    paid = debits(diary)
    diary.post(f"/v1/contacts/{diary.contacts['ada']}/balance", amount=usd(3000), reason="Sorry")
    comes_back(diary, paid)
    assert (diary.subscription("ada")["status"], balance(diary, "ada")) == ("active", 500)
    assert [status for _, status, _ in diary.invoices("ada")] == ["paid"]
    assert diary.letters("ada") == ["receipt"]
    diary.sound()


def test_a_card_that_was_refused_for_good_is_not_given_again(diary: Diary):
    """Sent once more it is refused before it is asked; the same card saved anew is another method, and pays."""
    card = diary.saves_a_card("ada")["id"]
    diary.card("ada", "stolen_card")
    sold = diary.subscribes("ada", "coffee-1kg", on="2026-01-10")
    diary.it_is("2026-01-11")
    path = f"/v1/subscriptions/{sold}/payment_method"
    assert refused(diary, path, payment_method=card) == (409, "method_refused", "payment_method")
    assert diary.payments("ada") == [("declined", 2500)]
    diary.gives_another_card("ada", "pm_card_visa")
    diary.world.settle()
    assert diary.payments("ada") == [("declined", 2500), ("succeeded", 2500)]
    diary.sound()


def test_of_a_debit_that_comes_back_what_was_refunded_is_not_owed_again(diary: Diary):
    """One debit paid two months, and one of them was given back: it is the other that is owed when the bank takes the rest."""
    diary.post("/v1/account", retries={"days": [], "debit_days": [], "at_end": "past_due"})
    diary.saves_a_card("ada")
    diary.card("ada", *[POOR] * 2)
    diary.subscribes("ada", "coffee-1kg", on="2026-01-10")
    diary.it_is("2026-02-12")
    first, second = Buyer(diary, "ada").owed()
    diary.gives_another_card("ada", ACH)
    diary.it_is("2026-02-25")
    paid = max(diary.every("/v1/payments"), key=lambda row: row["amount"]["amount"])["id"]
    diary.post("/v1/refunds", payment=paid, invoice=second)
    diary.world.settle()
    comes_back(diary, paid)
    assert Buyer(diary, "ada").owed() == diary.subscription("ada")["arrears"] == [first]
    assert diary.get(f"/v1/invoices/{first}")["amount_due"] == usd(2500)
    diary.sound()


def test_money_that_came_while_a_page_was_open_is_no_reason_to_refuse_who_asks_again(diary: Diary):
    """The page that held an invoice is called off and the balance pays it: the buyer is led back, staff are shown it paid, and a second month is still asked for."""
    for who in ("ada", "bea", "cy"):
        diary.saves_a_card(who)
        diary.card(who, *[POOR] * 20)
        diary.subscribes(who, "coffee-1kg", on="2026-01-10" if who == "cy" else "2026-02-10")
    diary.it_is("2026-02-11")
    ada, bea, cy = (Buyer(diary, who) for who in ("ada", "bea", "cy"))
    for one in (ada, bea, cy):
        one.opens()
        diary.post(f"/v1/contacts/{diary.contacts[one.who]}/balance", amount=usd(2500), reason="Sorry")
    assert ada.opens() == BACK + "{payment}"
    [owed] = bea.owed()
    told = diary.post(f"/v1/invoices/{owed}/pay")
    assert (told["id"], told["status"]) == (owed, "paid")
    pays(cy.opens())
    diary.world.settle()
    assert diary.payments("cy")[-1] == ("succeeded", 2500)
    for one in (ada, bea, cy):
        assert (one.owed(), balance(diary, one.who)) == ([], 0)
        assert diary.subscription(one.who)["status"] == "active"
    diary.sound()
