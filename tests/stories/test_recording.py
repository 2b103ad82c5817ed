"""Money comes another way: it pays what is owed, in part or in whole, what is beyond is the customer's, and a mistake is taken back."""

from typing import Any

from sandbox.demo.timeline import inbox
from sandbox.exchange import Answer
from tests.contracts.browser import visit
from tests.stories.buyer import Buyer
from tests.stories.diary import Diary
from tests.stories.test_retrying import POOR, asks, invoice, told


def came(diary: Diary, who: str, cents: int, **body: Any) -> Answer:
    """A transfer of a customer's is written down."""
    day = diary.world.now.date().isoformat()
    sent = {
        "contact": diary.contacts[who],
        "amount": {"amount": cents, "currency": "usd"},
        "received_on": day,
        "type": "bank_transfer",
    }
    return diary.world.call("POST", "/v1/payments", sent | body, diary.key)


def recorded(diary: Diary, who: str, cents: int, **body: Any) -> dict[str, Any]:
    answer = came(diary, who, cents, **body)
    assert answer.status == 201, answer.body
    assert answer.body["origin"] == "hand"
    return answer.body


def balance(diary: Diary, who: str) -> int:
    balances = diary.get(f"/v1/contacts/{diary.contacts[who]}")["balances"]
    return sum(one["amount"] for one in balances)


def past_due(diary: Diary, *people: str) -> None:
    """Their cards are empty on the 15th of January, and for some days."""
    for who in people:
        diary.saves_a_card(who)
        diary.card(who, *[POOR] * 3)
        diary.subscribes(who, "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-16")


def test_a_part_and_then_the_rest(diary: Diary):
    """A transfer pays a part, the schedule goes on for the rest; the second recovers the subscription, and a receipt is sent."""
    past_due(diary, "ada")
    first = recorded(diary, "ada", 1000, reference="RF18", note="On account")
    assert (first["payment_reference"], first["note"], first["method_label"]) == (
        "RF18",
        "On account",
        "Bank transfer",
    )
    row = invoice(diary, "ada")
    assert (row["amount_due"]["amount"], row["amount_paid"]["amount"], row["status"]) == (1500, 1000, "open")
    assert diary.subscription("ada")["status"] == "past_due"
    diary.it_is("2026-01-18")
    assert diary.payments("ada")[-1] == ("declined", 1500)
    second = recorded(diary, "ada", 1500, type="check", invoices=[row["id"]])
    assert (invoice(diary, "ada")["status"], diary.subscription("ada")["status"]) == ("paid", "active")
    shown = [one["id"] for one in diary.every(f"/v1/payments?invoice={row['id']}")]
    assert {first["id"], second["id"]} <= set(shown)
    diary.it_is("2026-01-19")
    letters = [one for one in inbox(diary.world) if one["subject"].startswith("Receipt")]
    assert len(letters) == 2
    diary.sound()


def test_what_is_too_much_pays_the_next_invoice(diary: Diary):
    """An overpayment is the customer's balance, from which February is paid before the card is asked; and money for nothing is all theirs."""
    past_due(diary, "ada")
    paid = recorded(diary, "ada", 4000)
    assert [one["amount"]["amount"] for one in paid["allocations"]] == [2500]
    assert balance(diary, "ada") == 1500
    spare = recorded(diary, "ada", 500, type="cash")
    assert (spare["allocations"], spare["subscription"], balance(diary, "ada")) == ([], "", 2000)
    diary.it_is("2026-02-16")
    february = invoice(diary, "ada")
    assert (february["status"], february["amount_applied"]["amount"], balance(diary, "ada")) == (
        "paid",
        2000,
        0,
    )
    assert diary.payments("ada")[-1] == ("succeeded", 500)
    diary.sound()


def test_the_oldest_are_paid_first_and_a_rest_too_small_to_charge_is_kept(diary: Diary):
    """Over several subscriptions what was due first is paid first; of a card's invoice so much stays open as can be charged."""
    diary.post("/v1/account", retries={"days": [60], "at_end": "past_due"})
    diary.saves_a_card("ada")
    diary.card("ada", *[POOR] * 9)
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15")
    first = diary.subscriptions["ada"]
    diary.subscribes("ada", "coffee-250g", on="2026-01-17")
    diary.it_is("2026-01-18")
    paid = recorded(diary, "ada", 3730)
    rows = {row["subscription"]: row for row in diary.every("/v1/invoices")}
    assert (rows[first]["status"], rows[diary.subscriptions["ada"]]["amount_due"]["amount"]) == ("paid", 50)
    assert ([part["amount"]["amount"] for part in paid["allocations"]], balance(diary, "ada")) == (
        [2500, 1200],
        30,
    )
    last = recorded(diary, "ada", 20)
    assert (last["allocations"], balance(diary, "ada")) == ([], 50)
    diary.it_is("2026-03-20")
    assert [row["status"] for row in diary.every(f"/v1/invoices?subscription={first}")][-1] == "paid"
    diary.sound()


def test_a_page_that_is_open_is_closed_first(diary: Diary):
    """The buyer's page for an invoice expires at Stripe as the transfer for it is written down: nobody pays twice."""
    past_due(diary, "ada")
    buyer = Buyer(diary, "ada")
    page = buyer.opens()
    assert diary.payments("ada")[-1] == ("checkout", 2500)
    recorded(diary, "ada", 2500)
    assert "pay" not in visit(page).text.lower() or visit(page).status >= 400
    assert [row[0] for row in diary.payments("ada")] == ["declined", "declined", "canceled", "succeeded"]
    assert diary.subscription("ada")["status"] == "active"
    diary.it_is("2026-01-25")
    diary.sound()


def test_the_same_transfer_is_written_down_once(diary: Diary):
    """The same reference, amount and day of a contact is refused, unless it is forced; without a reference it is taken at its word."""
    past_due(diary, "ada", "bea")
    recorded(diary, "ada", 2500, reference="RF18")
    again = came(diary, "ada", 2500, reference="RF18")
    assert (again.status, again.body["code"], again.body["param"]) == (409, "already_recorded", "reference")
    recorded(diary, "bea", 2500, reference="RF18")
    recorded(diary, "ada", 2500, reference="RF18", force=True)
    assert balance(diary, "ada") == 2500
    for _ in range(2):
        recorded(diary, "bea", 100)
    assert balance(diary, "bea") == 200
    diary.sound()


def test_what_comes_for_a_written_off_invoice_is_paid_to_it_once_it_is_reopened(diary: Diary):
    """A transfer for bad debt is no gift to its customer: it is refused with the way, and then nothing is lost any more."""
    past_due(diary, "ada")
    given_up = invoice(diary, "ada")["id"]
    diary.post(f"/v1/invoices/{given_up}/mark_uncollectible")
    refused = came(diary, "ada", 2500, invoices=[given_up])
    assert (refused.status, refused.body["param"]) == (409, "invoices[0]")
    assert "reopen it first" in refused.body["detail"]
    assert "reopen it first" in asks(diary, "ada").body["detail"]
    diary.post(f"/v1/invoices/{given_up}/reopen")
    recorded(diary, "ada", 2500, invoices=[given_up])
    assert (invoice(diary, "ada")["status"], balance(diary, "ada")) == ("paid", 0)
    assert diary.subscription("ada")["status"] == "active"
    diary.sound()


def test_a_mistake_is_taken_back(diary: Diary):
    """Undone, the invoice is owed and asked for again; its reference is free; what the balance has spent meanwhile is not taken back."""
    past_due(diary, "ada", "bea")
    wrong = recorded(diary, "ada", 3000, reference="RF18")
    assert (diary.subscription("ada")["status"], balance(diary, "ada")) == ("active", 500)
    diary.card("ada", *[POOR] * 2)
    path = f"/v1/payments/{wrong['id']}/undo"
    assert diary.post(path)["status"] == "returned"
    assert balance(diary, "ada") == 0
    twice = diary.world.call("POST", path, None, diary.key)
    assert (twice.status, twice.body["code"]) == (409, "payment_returned")
    diary.it_is("2026-01-17")
    assert invoice(diary, "ada")["amount_due"]["amount"] == 2500
    assert diary.payments("ada")[-1][0] == "declined"
    assert diary.subscription("ada")["status"] == "past_due"
    assert not any("returned" in row["event"] for row in diary.every("/v1/deliveries"))
    recorded(diary, "ada", 2500, reference="RF18", received_on="2026-01-16")
    assert diary.subscription("ada")["status"] == "active"
    much = recorded(diary, "bea", 5000)
    diary.it_is("2026-02-16")
    assert balance(diary, "bea") == 0
    spent = diary.world.call("POST", f"/v1/payments/{much['id']}/undo", None, diary.key)
    assert (spent.status, spent.body["code"]) == (409, "balance_spent")
    charged = next(row for row in diary.every("/v1/payments") if row["origin"] == "schedule")
    other = diary.world.call("POST", f"/v1/payments/{charged['id']}/undo", None, diary.key)
    assert (other.status, other.body["code"]) == (409, "not_by_hand")
    diary.sound()


def test_a_mistake_about_what_was_given_up_leaves_it_in_arrears(diary: Diary):
    """Canceled with its retries used up, paid and undone: it owes that as before, and another card pays it."""
    diary.post("/v1/account", retries={"days": [1], "at_end": "cancel"})
    past_due(diary, "ada")
    before = diary.subscription("ada")
    assert before["status"] == "canceled"
    paid = recorded(diary, "ada", 2500)
    assert diary.subscription("ada")["arrears"] == []
    diary.post(f"/v1/payments/{paid['id']}/undo")
    diary.it_is("2026-01-20")
    assert diary.subscription("ada")["arrears"] == before["arrears"]
    assert [row[0] for row in diary.payments("ada")] == ["declined", "declined", "returned"]
    diary.sound()
    diary.gives_another_card("ada")
    diary.world.settle()
    assert diary.payments("ada")[-1] == ("succeeded", 2500)
    diary.sound()


def test_a_sent_invoice_is_paid_by_transfer_or_a_card_that_is_named(diary: Diary):
    """A sent invoice waits for its customer: a person may have it charged on a card they name, and none else; undone it is overdue on its day."""
    for who in ("ada", "bea"):
        diary.saves_a_card(who)
        body = {"payment_method": None, "collection_method": "send_invoice", "days_until_due": 5}
        diary.subscribes(who, "coffee-1kg", on="2026-01-15", **body)
    diary.it_is("2026-01-16")
    assert told(asks(diary, "ada")) == (409, "payment_method_needed")
    diary.card("ada", POOR)
    assert told(asks(diary, "ada", payment_method=diary.methods["ada"]["id"])) == (200, "declined")
    assert diary.subscription("ada")["status"] == "active"
    assert told(asks(diary, "ada", payment_method=diary.methods["ada"]["id"])) == (200, "succeeded")
    paid = recorded(diary, "bea", 2500)
    assert invoice(diary, "bea")["status"] == "paid"
    diary.post(f"/v1/payments/{paid['id']}/undo")
    diary.it_is("2026-01-20")
    assert diary.subscription("bea")["status"] == "active"
    diary.it_is("2026-01-22")
    assert diary.subscription("bea")["status"] == "past_due"
    recorded(diary, "bea", 1250)
    assert diary.subscription("bea")["status"] == "past_due"
    recorded(diary, "bea", 1250)
    assert diary.subscription("bea")["status"] == "active"
    diary.sound()
