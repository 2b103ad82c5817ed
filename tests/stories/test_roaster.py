"""Ordinary months and ordinary trouble, told with a moving clock and every message delivered twice."""

from tests.stories.diary import Diary, each_day


def test_a_card_that_works_is_charged_on_each_date(diary: Diary):
    """Monthly from the 31st: the last day of shorter months, the 31st again after them, one receipt each."""
    diary.subscribes("ada", "coffee-1kg", on="2026-01-31")
    diary.it_is("2026-05-31")
    assert diary.invoices("ada") == [
        ("2026-01-31", "paid", 1),
        ("2026-02-28", "paid", 1),
        ("2026-03-31", "paid", 1),
        ("2026-04-30", "paid", 1),
        ("2026-05-31", "paid", 1),
    ]
    assert diary.taken() == 5 * 2500
    assert diary.letters("ada").count("receipt") == 5
    diary.sound()


def test_a_start_in_the_future_is_reminded_of_and_billed_on_its_day(diary: Diary):
    """Until its date a subscription is scheduled; the notice comes 14 days before."""
    diary.subscribes("ada", "coffee-1kg", on="2026-02-01")
    seen = each_day(
        diary,
        ["2026-01-17", "2026-01-18", "2026-02-01"],
        lambda: (diary.subscription("ada")["status"], diary.letters("ada")),
    )
    assert seen == [("scheduled", []), ("scheduled", ["upcoming"]), ("active", ["upcoming", "receipt"])]


def test_a_declined_card_is_asked_again_until_it_pays(diary: Diary):
    """A soft decline is retried on the schedule, and the subscription recovers when it succeeds."""
    diary.subscribes("bo", "coffee-250g", on="2026-01-15")
    diary.it_is("2026-01-16")
    diary.card("bo", "insufficient_funds", "insufficient_funds")
    diary.it_is("2026-02-15")
    assert diary.subscription("bo")["status"] == "past_due"
    diary.it_is("2026-02-19")
    assert diary.invoices("bo") == [("2026-01-15", "paid", 1), ("2026-02-15", "paid", 3)]
    assert diary.subscription("bo")["status"] == "active"
    assert diary.letters("bo") == ["receipt", "upcoming", "failed", "failed", "receipt"]
    diary.sound()


def test_after_the_last_retry_a_subscription_is_unpaid_and_goes_on_issuing(diary: Diary):
    """Asked on the day and 1, 3, 5 and 7 days later; then invoices are issued and nobody is asked."""
    diary.saves_a_card("bo")
    diary.card("bo", *["insufficient_funds"] * 9)
    diary.subscribes("bo", "coffee-250g", on="2026-01-15")
    seen = each_day(
        diary,
        ["2026-01-15", "2026-01-16", "2026-01-18", "2026-01-20", "2026-01-22", "2026-02-15"],
        lambda: (diary.subscription("bo")["status"], [attempts for _, _, attempts in diary.invoices("bo")]),
    )
    assert seen == [
        ("past_due", [1]),
        ("past_due", [2]),
        ("past_due", [3]),
        ("past_due", [4]),
        ("unpaid", [5]),
        ("unpaid", [5, 0]),
    ]
    assert diary.taken() == 0


def test_a_stolen_card_is_never_asked_again_and_another_pays_all_at_once(diary: Diary):
    """After a hard decline there is no attempt; the day the last retry would have been it is unpaid; a new card pays both months."""
    diary.saves_a_card("cy")
    diary.card("cy", "stolen_card")
    diary.subscribes("cy", "coffee-1kg", on="2026-01-31")
    diary.it_is("2026-02-06")
    assert diary.subscription("cy")["status"] == "past_due"
    diary.it_is("2026-02-08")
    assert diary.subscription("cy")["status"] == "unpaid"
    diary.it_is("2026-03-10")
    assert diary.invoices("cy") == [("2026-01-31", "open", 1), ("2026-02-28", "open", 0)]
    diary.gives_another_card("cy")
    assert diary.subscription("cy")["status"] == "active"
    assert diary.payments("cy") == [("declined", 2500), ("succeeded", 5000)]
    diary.it_is("2026-03-31")
    assert diary.taken() == 7500
    diary.sound()


def test_a_lost_answer_is_found_again_and_nobody_charged_twice(diary: Diary):
    """Stripe took the money and the answer never came: held, then found; one charge, one receipt."""
    diary.saves_a_card("dee")
    diary.stripe_fails("dee", "timeout_after")
    diary.subscribes("dee", "coffee-250g", on="2026-01-15")
    diary.it_is("2026-01-15")
    assert diary.payments("dee") == [("succeeded", 1250)]
    assert diary.taken() == 1250
    assert diary.letters("dee") == ["receipt"]


def test_a_request_that_never_arrived_is_made_once(diary: Diary):
    """No answer and no trace at Stripe: the same request is sent under the same key."""
    diary.saves_a_card("dee")
    diary.stripe_fails("dee", "timeout_before")
    diary.subscribes("dee", "coffee-250g", on="2026-01-15")
    diary.it_is("2026-01-15")
    assert diary.payments("dee") == [("succeeded", 1250)]
    assert diary.taken() == 1250


def test_a_two_week_plan_keeps_its_day_and_sends_no_notice(diary: Diary):
    """Every fourteen days; a notice of fourteen days would come with the last receipt, so there is none."""
    diary.subscribes("eve", "coffee-500g", on="2026-01-31")
    diary.it_is("2026-03-28")
    assert [day for day, _, _ in diary.invoices("eve")] == [
        "2026-01-31",
        "2026-02-14",
        "2026-02-28",
        "2026-03-14",
        "2026-03-28",
    ]
    assert diary.letters("eve") == ["upcoming", *["receipt"] * 5], (
        "the notice of the very first is 14 days ahead"
    )


def test_a_fixed_term_ends_by_itself(diary: Diary):
    """Three payments, then expired at the end of the third month, and nothing more."""
    diary.subscribes("ada", "coffee-1kg", on="2026-01-31", payments=3)
    diary.it_is("2026-04-29")
    assert diary.subscription("ada")["status"] == "active"
    diary.it_is("2026-07-01")
    assert diary.subscription("ada")["status"] == "expired"
    assert diary.taken() == 7500
    assert diary.letters("ada").count("upcoming") == 2 + 1
    diary.sound()


def test_canceled_now_it_is_never_billed_again(diary: Diary):
    """Cancelling at once is final."""
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-20")
    diary.post(f"/v1/subscriptions/{diary.subscriptions['ada']}/cancel")
    diary.it_is("2026-03-20")
    assert diary.subscription("ada")["status"] == "canceled"
    assert diary.taken() == 2500


def test_canceled_at_the_end_it_runs_until_then(diary: Diary):
    """It stays active until the boundary, and is canceled there in place of being billed."""
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-20")
    diary.post(f"/v1/subscriptions/{diary.subscriptions['ada']}/cancel", at_period_end=True)
    diary.it_is("2026-02-14")
    assert diary.subscription("ada")["status"] == "active"
    diary.it_is("2026-03-20")
    assert diary.subscription("ada")["status"] == "canceled"
    assert diary.taken() == 2500


def test_a_bank_debit_lives_while_the_bank_thinks(diary: Diary):
    """A debit is processing for days; the subscription is active meanwhile, and paid when the bank says so."""
    diary.saves_a_card("ada", "pm_usBankAccount")
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-16")
    assert (diary.subscription("ada")["status"], diary.payments("ada")) == ("active", [("processing", 2500)])
    diary.it_is("2026-01-22")
    assert diary.payments("ada") == [("succeeded", 2500)]
    diary.sound()


def test_months_missed_are_billed_in_order(diary: Diary):
    """After a standstill of three months each period has its invoice, oldest first, and each is charged once."""
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-16")
    from datetime import UTC, datetime

    diary.world.set_clock(datetime(2026, 4, 20, 12, tzinfo=UTC))
    diary.world.settle()
    assert diary.invoices("ada") == [(f"2026-0{month}-15", "paid", 1) for month in (1, 2, 3, 4)]
    diary.sound()
