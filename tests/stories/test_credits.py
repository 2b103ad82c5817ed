"""What is given back, told with a moving clock and every message delivered twice: credits, balances, voids, write-offs."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.stories.diary import ZONE, Diary


def usd(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "usd"}


def newest(diary: Diary, who: str) -> dict[str, Any]:
    """A customer's newest invoice."""
    return diary.every(f"/v1/invoices?subscription={diary.subscriptions[who]}")[0]


def credited(diary: Diary, who: str, amount: int | None = None) -> dict[str, Any]:
    """Credit part of the only line of a customer's newest invoice, or all of it."""
    lines = {} if amount is None else {"lines": [{"line": 0, "amount": usd(amount)}]}
    return diary.post("/v1/credit_notes", invoice=newest(diary, who)["id"], **lines)


def balance(diary: Diary, who: str) -> int:
    """The cents a customer has to their credit."""
    return sum(one["amount"] for one in diary.get(f"/v1/contacts/{diary.contacts[who]}")["balances"])


def entries(diary: Diary) -> dict[str, int]:
    """The sum of each book over all that was posted."""
    books: dict[str, int] = {}
    today = diary.world.now.astimezone(ZONE).date()
    for event in diary.every(f"/v1/ledger/entries?from={today.year}-01-01&to={today}"):
        for book, amount in ((event["entry"] or {}).get("postings") or {}).items():
            books[book] = books.get(book, 0) + amount
    return books


def reconciled(diary: Diary) -> None:
    """Each invoice, its credit notes and what was paid agree to the cent, and so do the books."""
    diary.sound()
    invoices = diary.every("/v1/invoices")
    notes = diary.every("/v1/credit_notes")
    assert sorted(note["number"] for note in notes) == [f"CN-{n:06d}" for n in range(1, len(notes) + 1)]
    for row in invoices:
        of_it = [note for note in notes if note["invoice"] == row["id"]]
        put_in = row["amount_paid"]["amount"] + (row["amount_applied"] or usd(0))["amount"]
        went_out = sum(note["to_balance"]["amount"] for note in of_it)
        charged = row["total"]["amount"] - sum(note["total"]["amount"] for note in of_it)
        still_open = charged - put_in + went_out
        assert row["amount_due"]["amount"] == (still_open if row["status"] == "open" else 0)
        assert still_open == 0 or row["status"] in ("open", "void", "uncollectible")
    books = entries(diary)
    assert sum(books.values()) == 0
    assert books.get("receivable", 0) == sum(row["amount_due"]["amount"] for row in invoices)
    everyone = diary.every("/v1/contacts")
    assert -books.get("credits", 0) == sum(one["amount"] for who in everyone for one in who["balances"])


def test_what_is_credited_of_a_paid_invoice_pays_the_next_one_first(diary: Diary):
    """10.00 of January's 25.00 come back as a balance; February takes them first and charges 15.00; March 25.00."""
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-20")
    note = credited(diary, "ada", 1000)
    assert (note["to_invoice"], note["to_balance"]) == (usd(0), usd(1000))
    assert balance(diary, "ada") == 1000
    diary.it_is("2026-03-20")
    assert diary.payments("ada") == [("succeeded", 2500), ("succeeded", 1500), ("succeeded", 2500)]
    assert balance(diary, "ada") == 0
    reconciled(diary)


def test_a_balance_that_is_enough_pays_without_a_charge(diary: Diary):
    """January's whole 25.00 come back; February is paid from them as it is issued, and no card is asked."""
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-20")
    credited(diary, "ada")
    diary.it_is("2026-02-20")
    assert diary.invoices("ada") == [("2026-01-15", "paid", 1), ("2026-02-15", "paid", 0)]
    assert diary.taken() == 2500
    reconciled(diary)


def test_an_open_invoice_credited_whole_is_asked_for_no_more(diary: Diary):
    """Past due, then credited: recovered at once, and none of the retries that were to come is made."""
    diary.saves_a_card("bo")
    diary.card("bo", *["insufficient_funds"] * 9)
    diary.subscribes("bo", "coffee-250g", on="2026-01-15")
    diary.it_is("2026-01-17")
    assert (diary.subscription("bo")["status"], diary.invoices("bo")) == (
        "past_due",
        [("2026-01-15", "open", 2)],
    )
    credited(diary, "bo")
    assert diary.subscription("bo")["status"] == "active"
    diary.it_is("2026-02-01")
    assert diary.invoices("bo") == [("2026-01-15", "paid", 2)]
    assert (diary.taken(), balance(diary, "bo")) == (0, 0)
    reconciled(diary)


def test_a_retry_asks_for_what_a_credit_left(diary: Diary):
    """A note of 5.00 on an open invoice of 12.50: the next attempt asks for 7.50."""
    diary.saves_a_card("bo")
    diary.card("bo", "insufficient_funds")
    diary.subscribes("bo", "coffee-250g", on="2026-01-15")
    diary.it_is("2026-01-15")
    credited(diary, "bo", 500)
    diary.it_is("2026-01-17")
    assert diary.payments("bo") == [("declined", 1250), ("succeeded", 750)]
    assert diary.subscription("bo")["status"] == "active"
    reconciled(diary)


def test_what_is_credited_while_a_debit_is_on_its_way_is_not_asked_for_again(diary: Diary):
    """The note goes to the balance; when the bank says no, the retry takes the balance first and asks for the rest."""
    diary.saves_a_card("ada", "pm_usBankAccount")
    diary.card("ada", "insufficient_funds")
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-16")
    assert diary.payments("ada") == [("processing", 2500)]
    note = credited(diary, "ada", 1000)
    assert (note["to_invoice"], note["to_balance"]) == (usd(0), usd(1000))
    diary.it_is("2026-02-01")
    assert diary.payments("ada") == [("declined", 2500), ("succeeded", 1500)]
    assert diary.invoices("ada")[0][1] == "paid"
    assert balance(diary, "ada") == 0
    reconciled(diary)


def test_another_card_is_asked_for_what_the_balance_left_of_the_arrears(diary: Diary):
    """Two months owed, 30.00 given out of goodwill: the oldest is paid from them, the new card pays the 20.00 left."""
    diary.saves_a_card("cy")
    diary.card("cy", "stolen_card")
    diary.subscribes("cy", "coffee-1kg", on="2026-01-31")
    diary.it_is("2026-03-10")
    diary.post(f"/v1/contacts/{diary.contacts['cy']}/balance", amount=usd(3000), reason="Sorry")
    diary.gives_another_card("cy")
    assert diary.payments("cy") == [("declined", 2500), ("succeeded", 2000)]
    assert [status for _, status, _ in diary.invoices("cy")] == ["paid", "paid"]
    assert (diary.subscription("cy")["status"], balance(diary, "cy")) == ("active", 0)
    reconciled(diary)


def test_a_voided_invoice_gives_its_balance_back_and_the_next_takes_it(diary: Diary):
    """5.00 were applied to January; it is declined and voided: recovered, and February has the 5.00."""
    diary.saves_a_card("bo")
    diary.post(f"/v1/contacts/{diary.contacts['bo']}/balance", amount=usd(500))
    diary.card("bo", "insufficient_funds")
    diary.subscribes("bo", "coffee-250g", on="2026-01-15")
    diary.it_is("2026-01-15")
    assert (diary.payments("bo"), balance(diary, "bo")) == ([("declined", 750)], 0)
    assert diary.post(f"/v1/invoices/{newest(diary, 'bo')['id']}/void")["status"] == "void"
    assert (diary.subscription("bo")["status"], balance(diary, "bo")) == ("active", 500)
    diary.it_is("2026-02-20")
    assert diary.payments("bo") == [("declined", 750), ("succeeded", 750)]
    reconciled(diary)


def test_an_uncollectible_invoice_is_left_alone_and_the_next_is_billed(diary: Diary):
    """After the last retry the debt is written off: lost in the books, and February is charged as ever."""
    diary.saves_a_card("bo")
    diary.card("bo", *["insufficient_funds"] * 5)
    diary.subscribes("bo", "coffee-250g", on="2026-01-15")
    diary.it_is("2026-01-25")
    assert diary.subscription("bo")["status"] == "unpaid"
    diary.post(f"/v1/invoices/{newest(diary, 'bo')['id']}/mark_uncollectible")
    assert diary.subscription("bo")["status"] == "active"
    diary.it_is("2026-02-20")
    assert diary.invoices("bo") == [("2026-01-15", "uncollectible", 5), ("2026-02-15", "paid", 1)]
    assert entries(diary)["bad_debt"] == 1250
    reconciled(diary)


def test_canceled_with_credit_the_days_to_come_are_given_back(diary: Diary):
    """On 25 January 21 of the 31 days from the 15th on are to come, today among them: 16.94 of 25.00 are the customer's."""
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-25")
    diary.post(f"/v1/subscriptions/{diary.subscriptions['ada']}/cancel", credit=True)
    (note,) = diary.every("/v1/credit_notes")
    assert (note["total"], note["to_balance"], note["reason"]) == (usd(1694), usd(1694), "Canceled")
    assert note["lines"][0]["share"] == {
        "days": 21,
        "of_days": 31,
        "start_on": "2026-01-25",
        "end_on": "2026-02-15",
    }
    diary.it_is("2026-03-20")
    assert diary.subscription("ada")["status"] == "canceled"
    assert (diary.taken(), balance(diary, "ada")) == (2500, 1694)
    reconciled(diary)


def test_canceled_with_credit_while_past_due_less_is_owed(diary: Diary):
    """The unpaid invoice is credited for the days to come; what is left stays owed and is not asked for."""
    diary.saves_a_card("bo")
    diary.card("bo", *["insufficient_funds"] * 9)
    diary.subscribes("bo", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-16")
    diary.post(f"/v1/subscriptions/{diary.subscriptions['bo']}/cancel", credit=True)
    diary.it_is("2026-02-20")
    left = newest(diary, "bo")
    assert (left["status"], left["amount_due"], left["attempts"]) == ("open", usd(2500 - 2419), 2)
    assert diary.subscription("bo")["status"] == "canceled"
    assert (diary.taken(), balance(diary, "bo")) == (0, 0)
    reconciled(diary)


def test_many_credits_at_once_never_exceed_the_line(diary: Diary):
    """Eight people credit 5.00 of the same 25.00 at the same moment: five at most get through, with numbers without a gap."""
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-20")
    body = {"invoice": newest(diary, "ada")["id"], "lines": [{"line": 0, "amount": usd(500)}]}
    with ThreadPoolExecutor(8) as people:
        asked = [
            people.submit(diary.world.call, "POST", "/v1/credit_notes", body, diary.key) for _ in range(8)
        ]
    told = [one.result() for one in asked]
    notes = diary.every("/v1/credit_notes")
    assert len(notes) == sum(one.status == 201 for one in told) >= 1
    assert {one.body["code"] for one in told if one.status != 201} <= {"credit_out_of_range", "conflict"}
    assert balance(diary, "ada") == 500 * len(notes) <= 2500
    reconciled(diary)
