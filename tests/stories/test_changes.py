"""Changes within a period, told with a moving clock and every message delivered twice."""

from typing import Any

from tests.stories.diary import Diary


def changes(diary: Diary, who: str, **body: Any) -> dict[str, Any]:
    """A customer's subscription is changed; what is due by it is seen to."""
    told: dict[str, Any] = diary.post(f"/v1/subscriptions/{diary.subscriptions[who]}/change", **body)
    diary.world.settle()
    return told


def price(unit_amount: str, **more: Any) -> dict[str, Any]:
    """The only line at another price."""
    return {"lines": [{"id": "li_1", "unit_amount": unit_amount}], **more}


def totals(diary: Diary, who: str) -> list[tuple[int, int]]:
    """What each of a customer's invoices is about and what was paid of it, oldest first."""
    rows = diary.every(f"/v1/invoices?subscription={diary.subscriptions[who]}")
    found = sorted(rows, key=lambda row: str(row["number"]))
    return [(row["total"]["amount"], row["amount_paid"]["amount"]) for row in found]


def credited(diary: Diary) -> list[tuple[int, int]]:
    """What each credit note took off its invoice, and what it gave the customer, oldest first."""
    rows = sorted(diary.every("/v1/credit_notes"), key=lambda row: str(row["number"]))
    return [(row["to_invoice"]["amount"], row["to_balance"]["amount"]) for row in rows]


def balance(diary: Diary, who: str) -> int:
    """The cents a customer has to their credit."""
    return sum(one["amount"] for one in diary.get(f"/v1/contacts/{diary.contacts[who]}")["balances"])


def test_an_upgrade_is_charged_the_same_minute(diary: Diary):
    """On the sixteenth of 31 days: 12.90 come back, 25.81 are charged, of which the card pays 12.91; then 50.00 a month."""
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-30")
    changes(diary, "ada", **price("5000", proration="invoice_now"))
    assert totals(diary, "ada") == [(2500, 2500), (2581, 1291)]
    assert credited(diary) == [(0, 1290)]
    assert diary.letters("ada").count("receipt") == 2
    diary.it_is("2026-02-15")
    assert totals(diary, "ada")[2:] == [(5000, 5000)]
    assert diary.taken() == 2500 + 1291 + 5000
    diary.sound()


def test_a_downgrade_makes_the_next_invoice_cheaper(diary: Diary):
    """12.90 come back at once; February's invoice charges its 12.50 and 6.45 for January's days, and 6.05 are paid of it."""
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-30")
    changes(diary, "ada", **price("1250", proration="next_invoice"))
    assert (balance(diary, "ada"), diary.taken()) == (1290, 2500)
    diary.it_is("2026-02-15")
    assert totals(diary, "ada") == [(2500, 2500), (1250 + 645, 605)]
    assert balance(diary, "ada") == 0
    diary.sound()


def test_two_changes_in_one_period_charge_each_day_once(diary: Diary):
    """Ten days at 25.00, ten at 50.00, eleven at 75.00: 8.06, 16.13 and 26.61 of a month, to a cent."""
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-25")
    changes(diary, "ada", **price("5000", proration="invoice_now"))
    diary.it_is("2026-02-04")
    changes(diary, "ada", **price("7500", proration="invoice_now"))
    assert totals(diary, "ada") == [(2500, 2500), (3387, 1693), (2661, 887)]
    assert credited(diary) == [(0, 1694), (0, 1774)]
    assert diary.taken() == 806 + 1613 + 2661
    diary.sound()


def test_of_two_changes_without_proration_the_last_wins(diary: Diary):
    """Two are saved one after the other; the second begins with February, and nothing is given back or charged before."""
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-25")
    changes(diary, "ada", quantities={"li_1": 3})
    changes(diary, "ada", **price("1250"))
    diary.it_is("2026-02-15")
    assert totals(diary, "ada") == [(2500, 2500), (1250, 1250)]
    assert (credited(diary), diary.subscription("ada")["change"]) == ([], None)
    diary.sound()


def test_from_months_to_a_year_within_a_month(diary: Diary):
    """The rest of the month comes back, a year begins and is paid from that first, and is billed again a year later."""
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-30")
    changes(diary, "ada", **price("25000", frequency="annually", proration="invoice_now"))
    assert totals(diary, "ada") == [(2500, 2500), (25000, 23710)]
    assert diary.subscription("ada")["next_billing_on"] == "2027-01-30"
    diary.it_is("2027-01-30")
    assert totals(diary, "ada")[2:] == [(25000, 25000)]
    diary.sound()


def test_more_of_a_graduated_line(diary: Diary):
    """From five at 5.00 to eight, the three beyond at 4.00: 16/31 of 25.00 come back and of 37.00 are charged."""
    tiers = [{"up_to": 5, "unit_amount": "500"}, {"unit_amount": "400"}]
    line = {"name": "Capsules", "quantity": 5, "model": "graduated", "tiers": tiers}
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15", lines=[line])
    diary.it_is("2026-01-30")
    changes(diary, "ada", quantities={"li_1": 8}, proration="invoice_now")
    assert totals(diary, "ada") == [(2500, 2500), (1910, 620)]
    diary.it_is("2026-02-15")
    assert totals(diary, "ada")[2:] == [(3700, 3700)]
    diary.sound()


def test_within_two_days_of_billing_it_must_be_forced(diary: Diary):
    """Two days before the date a change is refused, and done when it is forced: two days come back and are charged."""
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-02-13")
    path = f"/v1/subscriptions/{diary.subscriptions['ada']}/change"
    refused = diary.world.call("POST", path, price("25000", proration="invoice_now"), diary.key)
    assert (refused.status, refused.body["code"]) == (409, "too_close_to_billing")
    changes(diary, "ada", **price("25000", proration="invoice_now", force=True))
    assert totals(diary, "ada") == [(2500, 2500), (1613, 1452)]
    diary.it_is("2026-02-15")
    assert totals(diary, "ada")[2:] == [(25000, 25000)]
    diary.sound()


def test_a_change_while_the_invoice_is_unpaid_lowers_what_is_owed(diary: Diary):
    """The card is empty in January; a downgrade five days later takes 20.97 off what is owed, and the retry pays the rest."""
    diary.saves_a_card("bo")
    diary.card("bo", "insufficient_funds", "insufficient_funds", "insufficient_funds")
    diary.subscribes("bo", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-20", hour=4)
    assert diary.subscription("bo")["status"] == "past_due"
    changes(diary, "bo", **price("1250", proration="next_invoice"))
    assert credited(diary) == [(2097, 0)]
    diary.it_is("2026-01-20")
    assert (diary.subscription("bo")["status"], totals(diary, "bo")) == ("active", [(2500, 403)])
    diary.it_is("2026-02-15")
    assert totals(diary, "bo")[1:] == [(1250 + 1048, 1250 + 1048)]
    assert diary.taken() == 403 + 2298
    diary.sound()


def test_an_upgrade_the_card_declines_is_asked_for_again(diary: Diary):
    """An invoice besides those of the cycles is collected as they are: declined it makes past due, and is retried."""
    diary.subscribes("bo", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-25")
    diary.card("bo", "insufficient_funds")
    changes(diary, "bo", **price("5000", proration="invoice_now"))
    assert diary.subscription("bo")["status"] == "past_due"
    diary.it_is("2026-01-27")
    assert diary.subscription("bo")["status"] == "active"
    assert totals(diary, "bo") == [(2500, 2500), (3387, 1693)]
    diary.it_is("2026-02-15")
    assert [number for number, _ in totals(diary, "bo")] == [2500, 3387, 5000]
    diary.sound()


def ends(diary: Diary, who: str, **body: Any) -> None:
    diary.post(f"/v1/subscriptions/{diary.subscriptions[who]}/cancel", **body)
    diary.world.settle()


def test_what_waits_for_the_end_is_collected_then(diary: Diary):
    """Upgraded with the next invoice and canceled in its place: the last invoice of 25.81 takes the 12.90 given back, and the card the rest."""
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-30")
    changes(diary, "ada", **price("5000", proration="next_invoice"))
    ends(diary, "ada", at_period_end=True)
    assert diary.taken() == 2500
    diary.it_is("2026-02-15")
    assert diary.subscription("ada")["status"] == "canceled"
    assert totals(diary, "ada") == [(2500, 2500), (2581, 1291)]
    assert (diary.taken(), balance(diary, "ada")) == (2500 + 1291, 0)
    diary.sound()


def test_canceled_now_what_waits_is_charged_up_to_today(diary: Diary):
    """Twelve of 31 days at 250.00 have been used when it is canceled without credit: 96.77, less 12.90 that the upgrade gave back."""
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-30")
    changes(diary, "ada", **price("25000", proration="next_invoice"))
    diary.it_is("2026-02-10")
    ends(diary, "ada")
    assert totals(diary, "ada") == [(2500, 2500), (9677, 9677 - 1290)]
    assert (diary.taken(), balance(diary, "ada")) == (2500 + 9677 - 1290, 0)
    diary.it_is("2026-03-20")
    assert diary.subscription("ada")["status"] == "canceled"
    assert diary.taken() == 2500 + 9677 - 1290
    diary.sound()


def test_the_last_invoice_is_asked_for_again_and_those_before_are_left_alone(diary: Diary):
    """Both charges fail; canceled with credit, the cycle's invoice is left alone, the days used are asked for on the schedule until they are paid."""
    diary.saves_a_card("bo")
    diary.subscribes("bo", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-15")
    diary.card("bo", *["insufficient_funds"] * 3)
    changes(diary, "bo", **price("25000", proration="next_invoice"))
    diary.it_is("2026-01-30")
    ends(diary, "bo", credit=True)
    diary.it_is("2026-02-20")
    (_, last) = sorted(diary.every("/v1/invoices"), key=lambda row: str(row["number"]))
    assert (last["last"], last["total"]["amount"], last["status"]) == (True, 12097, "paid")
    assert last["attempts"] == 4
    assert [status for status, _ in diary.payments("bo")] == ["succeeded", *["declined"] * 3, "succeeded"]
    assert diary.subscription("bo")["status"] == "canceled"
    assert diary.letters("bo").count("failed") == 3
    assert balance(diary, "bo") == 0
    diary.sound()
