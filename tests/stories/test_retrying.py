"""What fails is asked for again: by a policy that is data, by a person at most three times, on the networks' terms."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.exchange import Answer
from sandbox.world import World
from tests.stories.diary import Diary, each_day

POOR, HARD = "insufficient_funds", "stolen_card"


def invoice(diary: Diary, who: str) -> dict[str, Any]:
    """A customer's latest invoice."""
    return max(
        diary.every(f"/v1/invoices?subscription={diary.subscriptions[who]}"), key=lambda row: row["number"]
    )


def asks(diary: Diary, who: str, **body: Any) -> Answer:
    """A person has a customer's latest invoice asked for once more."""
    return diary.world.call("POST", f"/v1/invoices/{invoice(diary, who)['id']}/pay", body, diary.key)


def told(answer: Answer) -> tuple[int, str]:
    """Its status, and how the payment went or why there was none."""
    last = answer.body.get("last_payment") or {}
    return answer.status, answer.body.get("code") or last.get("status", "")


def asked_on(diary: Diary, who: str) -> list[str]:
    """The days on which a customer's payments were asked for."""
    rows = [row for row in diary.every("/v1/payments") if row["subscription"] == diary.subscriptions[who]]
    return sorted(row["created_at"][:10] for row in rows)


def test_a_policy_is_followed_from_the_first_failure(diary: Diary):
    """By Stripe's preset a card is asked on days 2, 4, 5 until it pays; a code the policy calls hard is asked once, until another card pays all."""
    account = diary.post("/v1/account", retries="stripe_8_in_14d")
    assert account["retries"]["days"] == [2, 4, 5, 7, 9, 11, 12, 14]
    policy = {"days": [2, 4, 5, 7, 9, 11, 12, 14], "hard_declines": ["do_not_honor"]}
    diary.post("/v1/account", retries=policy)
    for who, outcomes in (("ada", [POOR] * 3), ("bea", ["do_not_honor"] * 3)):
        diary.saves_a_card(who)
        diary.card(who, *outcomes)
        diary.subscribes(who, "coffee-500g", on="2026-01-15")
    diary.it_is("2026-02-01")
    assert asked_on(diary, "ada")[:4] == ["2026-01-15", "2026-01-17", "2026-01-19", "2026-01-20"]
    assert diary.subscription("ada")["status"] == "active"
    assert asked_on(diary, "bea") == ["2026-01-15"]
    bea = diary.subscription("bea")
    assert (bea["status"], bea["payment_method"]["refused"], len(bea["arrears"])) == ("unpaid", True, 2)
    diary.gives_another_card("bea")
    assert diary.subscription("bea")["status"] == "active"
    assert diary.payments("bea") == [("declined", 1800), ("succeeded", 3600)]
    diary.sound()


def test_each_end_of_a_policy(world: World):
    """When no attempt is left the subscription is unpaid, canceled, or stays past due, as the account says; what is owed stays owed."""
    for at_end, status in (("unpaid", "unpaid"), ("cancel", "canceled"), ("past_due", "past_due")):
        diary = Diary(world)
        diary.post("/v1/account", retries={"days": [1, 3], "at_end": at_end})
        diary.saves_a_card("ada")
        diary.card("ada", *[POOR] * 5)
        diary.subscribes("ada", "coffee-1kg", on=world.now.date().isoformat())
        world.until(world.now + timedelta(days=2))
        assert diary.subscription("ada")["status"] == "past_due"
        world.until(world.now + timedelta(days=2))
        assert (diary.subscription("ada")["status"], invoice(diary, "ada")["status"]) == (status, "open")
        assert [row[0] for row in diary.payments("ada")] == ["declined"] * 3
        diary.sound()


def test_what_waited_for_the_next_invoice_is_charged_though_the_retries_end_it(diary: Diary):
    """Doubled while past due, then canceled by its policy: three days of two bags are invoiced as it ends, asked for, and foretold."""
    diary.post("/v1/account", retries={"days": [1, 3], "at_end": "cancel"})
    diary.saves_a_card("ada")
    diary.card("ada", *[POOR] * 3)
    sold = diary.subscribes("ada", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-16")
    doubled = {"quantities": {"li_1": 2}, "proration": "next_invoice", "force": True}
    diary.post(f"/v1/subscriptions/{sold}/change", **doubled)
    assume = [{"on": "2026-01-18", "declines": POOR, "times": 1}]
    foretold = diary.post(f"/v1/subscriptions/{sold}/simulate", until="2026-01-19", assume=assume)
    diary.it_is("2026-01-20")
    after = diary.subscription("ada")
    assert (after["status"], after["extras"]) == ("canceled", [])
    last = invoice(diary, "ada")
    assert (last["lines"][0]["share"]["days"], last["status"], last["last"]) == (3, "paid", True)
    assert diary.payments("ada")[-2:] == [("declined", 81), ("succeeded", 484)]
    [told] = foretold["invoices"]
    assert told["total"] == last["total"]
    diary.sound()


def test_a_bank_debit_is_presented_twice_more_and_only_for_want_of_money(diary: Diary):
    """Four days after each answer, two times; a closed account is not asked again, and its subscription rests on the last day."""
    for who, method in (
        ("ada", "pm_usBankAccount_insufficientFunds"),
        ("bea", "pm_usBankAccount_accountClosed"),
    ):
        diary.saves_a_card(who, method)
        diary.subscribes(who, "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-02-13")
    assert [row[0] for row in diary.payments("ada")] == ["declined"] * 3
    assert [row[0] for row in diary.payments("bea")] == ["declined"]
    days = asked_on(diary, "ada")
    assert days[0] == "2026-01-15"
    assert len(set(days)) == 3
    assert [diary.subscription(who)["status"] for who in ("ada", "bea")] == ["unpaid", "unpaid"]
    assert diary.subscription("bea")["payment_method"]["refused"] is True
    assert told(asks(diary, "ada")) == (409, "network_ceiling")
    assert told(asks(diary, "bea")) == (409, "method_refused")
    diary.sound()


def test_a_policy_that_is_changed_meets_what_is_failing(diary: Diary):
    """The next attempt stays where it was; from the next failure on, and for when to give up, the new policy holds."""
    diary.saves_a_card("ada")
    diary.card("ada", *[POOR] * 9)
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-17")
    assert invoice(diary, "ada")["attempt_at"][:10] == "2026-01-18"
    diary.post("/v1/account", retries={"days": [10, 20], "at_end": "cancel"})
    assert invoice(diary, "ada")["attempt_at"][:10] == "2026-01-18"
    diary.it_is("2026-02-10")
    assert asked_on(diary, "ada") == ["2026-01-15", "2026-01-16", "2026-01-18", "2026-01-25", "2026-02-04"]
    assert diary.subscription("ada")["status"] == "canceled"
    diary.sound()


def test_a_shorter_policy_gives_up_at_the_moment_that_was_planned(diary: Diary):
    """After a hard decline the invoice waits for the old last day: by a longer policy it waits on then, by a shorter one it is given up."""
    diary.saves_a_card("ada")
    diary.card("ada", HARD)
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-16")
    diary.post("/v1/account", retries={"days": [30]})
    diary.it_is("2026-01-25")
    assert invoice(diary, "ada")["attempt_at"][:10] == "2026-02-14"
    diary.post("/v1/account", retries={"days": [2]})
    seen = each_day(diary, ["2026-02-13", "2026-02-14"], lambda: diary.subscription("ada")["status"])
    assert seen == ["past_due", "unpaid"]
    assert [row[0] for row in diary.payments("ada")] == ["declined"]
    diary.sound()


def test_a_person_asks_three_times_and_the_schedule_goes_on(diary: Diary):
    """Declined by hand, the next scheduled attempt stays; a fourth time is refused; the schedule's own recovers it."""
    diary.saves_a_card("ada")
    diary.card("ada", *[POOR] * 5)
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-16")
    before = invoice(diary, "ada")["attempt_at"]
    for n in range(3):
        assert told(asks(diary, "ada")) == (200, "declined")
        now = invoice(diary, "ada")
        assert (now["attempt_at"], now["manual_retries"], now["payment"]) == (before, n + 1, None)
    assert told(asks(diary, "ada")) == (409, "manual_retries_used")
    assert diary.subscription("ada")["status"] == "past_due"
    diary.it_is("2026-01-18")
    assert diary.subscription("ada")["status"] == "active"
    assert told(asks(diary, "ada")) == (409, "invoice_not_open")
    assert [row["origin"] for row in reversed(diary.every("/v1/payments"))] == [
        *["schedule"] * 2,
        *["person"] * 3,
        "schedule",
    ]
    diary.sound()


def test_a_person_recovers_what_rests(diary: Diary):
    """An unpaid subscription is active again; a canceled one's last invoice is paid, and it stays canceled."""
    diary.post("/v1/account", retries={"days": [1], "at_end": "unpaid"})
    for who in ("ada", "bea"):
        diary.saves_a_card(who)
        diary.card(who, *[POOR] * 2)
        diary.subscribes(who, "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-17")
    diary.post(f"/v1/subscriptions/{diary.subscriptions['bea']}/cancel")
    assert [diary.subscription(who)["status"] for who in ("ada", "bea")] == ["unpaid", "canceled"]
    for who in ("ada", "bea"):
        assert told(asks(diary, who)) == (200, "succeeded")
        assert invoice(diary, who)["status"] == "paid"
    assert [diary.subscription(who)["status"] for who in ("ada", "bea")] == ["active", "canceled"]
    diary.sound()


def test_another_method_may_be_named_and_one_refused_for_good_may_not(diary: Diary):
    """After a hard decline another saved card pays this invoice; the subscription keeps its own. A foreign card, and none, are refused."""
    diary.saves_a_card("ada")
    diary.card("ada", HARD)
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15")
    diary.saves_a_card("bea")
    diary.it_is("2026-01-16")
    assert told(asks(diary, "ada")) == (409, "method_refused")
    assert told(asks(diary, "ada", payment_method=diary.methods["bea"]["id"])) == (400, "method_of_another")
    other = diary.saves_a_card("ada", "pm_card_mastercard")["id"]
    diary.card("ada", "lost_card")
    assert told(asks(diary, "ada", payment_method=other)) == (200, "declined")
    assert told(asks(diary, "ada", payment_method=other)) == (409, "method_refused")
    assert diary.subscription("ada")["payment_method"]["refused"] is True
    third = diary.saves_a_card("ada", "pm_card_amex")["id"]
    assert told(asks(diary, "ada", payment_method=third)) == (200, "succeeded")
    after = diary.subscription("ada")
    assert (after["status"], after["payment_method"]["refused"]) == ("active", True)
    assert after["payment_method"]["id"] not in (other, third)
    diary.sound()


def test_no_more_is_asked_of_a_card_in_a_day_than_the_networks_allow(diary: Diary):
    """The same card given again and again is asked ten times in 24 hours; then the schedule waits for its next day, and people are refused."""
    diary.post("/v1/account", retries={"days": [3, 5]})
    diary.saves_a_card("ada")
    diary.card("ada", *[POOR] * 10)
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-15")
    path, card = f"/v1/subscriptions/{diary.subscriptions['ada']}/payment_method", diary.methods["ada"]["id"]
    for _ in range(11):
        diary.post(path, payment_method=card)
        diary.world.settle()
    assert [row[0] for row in diary.payments("ada")] == ["declined"] * 10
    assert told(asks(diary, "ada")) == (409, "network_ceiling")
    assert invoice(diary, "ada")["attempt_at"][:10] == "2026-01-18"
    diary.it_is("2026-01-19")
    assert diary.subscription("ada")["status"] == "active"
    diary.sound()


def test_a_person_who_asks_for_3d_secure_or_a_debit_waits_for_its_end(diary: Diary):
    """What waits for its buyer is called off for another card; a debit under way is not, and holds the invoice."""
    diary.saves_a_card("ada", "pm_card_authenticationRequired")
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-15")
    assert diary.payments("ada") == [("action_required", 2500)]
    debit = diary.saves_a_card("ada", "pm_usBankAccount")["id"]
    assert told(asks(diary, "ada", payment_method=debit)) == (200, "processing")
    assert told(asks(diary, "ada", payment_method=debit)) == (409, "payment_processing")
    diary.it_is("2026-01-25")
    assert [row[0] for row in diary.payments("ada")] == ["canceled", "succeeded"]
    assert diary.subscription("ada")["status"] == "active"
    diary.sound()


def test_what_is_held_is_seen_and_only_stripe_ends_it(diary: Diary):
    """Charges without an answer are listed as held; who asks again hears of Stripe's word first; with it they leave the list."""
    world = diary.world
    for who, fault in (("ada", "500_after"), ("bea", "500_before")):
        diary.saves_a_card(who)
        diary.stripe_fails(who, fault)
        diary.subscribes(who, "coffee-1kg", on="2026-01-15")
    world.set_clock(datetime(2026, 1, 15, 11, tzinfo=UTC))
    world.tick()
    world.drain()
    held = diary.every("/v1/payments?status=held")
    assert {row["contact"] for row in held} == {diary.contacts["ada"], diary.contacts["bea"]}
    assert {row["status"] for row in held} == {"held"}
    assert told(asks(diary, "ada")) == (409, "invoice_not_open")
    assert told(asks(diary, "bea")) == (409, "payment_under_way")
    assert [row["contact"] for row in diary.every("/v1/payments?status=held")] == [diary.contacts["bea"]]
    diary.it_is("2026-01-16")
    assert diary.every("/v1/payments?status=held") == []
    assert diary.payments("ada") == diary.payments("bea") == [("succeeded", 2500)]
    diary.sound()


@pytest.mark.parametrize("name", ["contact", "subscription", "invoice"])
def test_held_is_no_filter_beside_another(diary: Diary, name: str):
    """By status or by what was paid, one of them."""
    answer = diary.world.call("GET", f"/v1/payments?status=held&{name}=x_1", None, diary.key)
    assert (answer.status, answer.body["code"]) == (400, "one_filter")


def test_a_simulation_lives_under_another_policy(diary: Diary):
    """What is foretold under a preset from a day on is what happens when the account takes it on that day."""
    diary.saves_a_card("ada")
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-20")
    assume = [
        {"on": "2026-02-01", "retries": "killbill_8_8_8"},
        {"on": "2026-02-10", "declines": POOR, "times": 4},
    ]
    path = f"/v1/subscriptions/{diary.subscriptions['ada']}/simulate"
    foretold = diary.post(path, until="2026-03-14", assume=assume)
    diary.post("/v1/account", retries="killbill_8_8_8")
    diary.card("ada", *[POOR] * 4)
    days = each_day(diary, ["2026-02-20", "2026-03-14"], lambda: diary.subscription("ada")["status"])
    assert days == ["past_due", "past_due"]
    assert [(row["status"], row["created_at"]) for row in foretold["payments"]] == [
        (row["status"], row["created_at"]) for row in reversed(diary.every("/v1/payments")[:-1])
    ]
    assert foretold["subscription"]["status"] == "past_due"
    before = diary.world.call("POST", path, {"until": "2026-04-01", "assume": [{"on": "2026-03-15", "retries": "weekly"}]}, diary.key)  # fmt: skip
    assert (before.status, before.body["param"]) == (400, "assume[0].retries")


def test_past_failures_are_lived_again_under_another_policy(diary: Diary):
    """The card that paid on day 3 would have paid on day 8, and not at all by a policy that ends before; a buyer's own act stands under any."""
    for who, outcomes in (("ada", [POOR] * 2), ("bea", [HARD]), ("cy", [POOR] * 5)):
        diary.saves_a_card(who)
        diary.card(who, *outcomes)
        diary.subscribes(who, "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-25")
    diary.gives_another_card("bea")
    path, days = "/v1/retry_policies/replay", {"start_on": "2026-01-01", "end_on": "2026-01-31"}

    def lived(retries: Any) -> dict[str, Any]:
        answer = diary.post(path, retries=retries, **days)
        names = {invoice(diary, who)["id"]: who for who in ("ada", "bea", "cy")}
        return answer | {"by": {names[row["invoice"]]: row for row in answer["invoices"]}}

    later = lived("killbill_8_8_8")
    actual = {who: (row["actual"]["verdict"], row["actual"]["days"]) for who, row in later["by"].items()}
    assert actual == {"ada": ("recovered", 3), "bea": ("recovered", 10), "cy": ("not_recovered", None)}
    then = {who: (row["replayed"]["verdict"], row["replayed"]["days"]) for who, row in later["by"].items()}
    assert then == {"ada": ("recovered", 8), "bea": ("recovered", 10), "cy": ("unknown", None)}
    assert [one["answer"] for one in later["by"]["cy"]["asked"]] == ["unknown"] * 3
    assert later["by"]["bea"]["replayed"]["by_buyer"] is True
    assert (later["replayed"]["recovered"], later["replayed"]["unknown"]) == (2, 1)
    assert later["actual"]["amounts"] == [{"amount": 5000, "currency": "usd"}]
    never = lived({"days": [1, 2]})
    assert never["by"]["ada"]["replayed"]["verdict"] == "not_recovered"
    assert never["by"]["cy"]["replayed"]["verdict"] == "not_recovered"
    assert len(never["notes"]) >= 4
    [first] = diary.post(path, retries="default", limit=1, **days)["invoices"]
    page = diary.post(path, retries="default", limit=1, **days)
    rest = diary.post(path, retries="default", limit=5, after=page["next"], **days)
    assert first["invoice"] not in {row["invoice"] for row in rest["invoices"]}
    assert len(rest["invoices"]) == 2
