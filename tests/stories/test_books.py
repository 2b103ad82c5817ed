"""The books through months of ordinary trouble: at every quiet moment they are the records, and beancount accepts them."""

from decimal import Decimal
from pathlib import Path
from typing import Any

from beancount.core import data

from tests.bean import accepted, sums
from tests.stories.diary import Diary


def read(diary: Diary, days: str, folder: Path) -> list[Any]:
    """What beancount reads of the books of some days."""
    return accepted(diary.get(f"/v1/ledger/export?{days}"), folder)


def major(cents: int) -> Decimal:
    return Decimal(cents) / 100


def test_a_quarter_of_everything_is_in_the_books(diary: Diary, tmp_path: Path):
    """Tax, a decline, credit notes, a balance, a void and a loss: the export adds up to what the records and Stripe say."""
    rate = diary.post("/v1/tax_rates", name="Sales tax", percentage="8.875")["id"]
    taxed = [{"name": 'Coffee "Joe\'s" \\ 1 kg', "unit_amount": "2500", "taxes": [rate]}]
    diary.subscribes("ada", "coffee-1kg", on="2026-01-31", lines=taxed)
    diary.subscribes("bo", "coffee-500g", on="2026-01-05")
    diary.it_is("2026-01-20")
    diary.card("bo", *["insufficient_funds"] * 20)
    diary.it_is("2026-02-10")
    diary.sound()

    of_ada = diary.every(f"/v1/invoices?subscription={diary.subscriptions['ada']}")[0]
    stale = [{"line": 0, "amount": {"amount": 900, "currency": "usd"}}]
    note = diary.post("/v1/credit_notes", invoice=of_ada["id"], lines=stale, reason="Stale beans")
    # 9.00 with its 8.875 % of tax goes to her balance, and the next invoice is paid from it first.
    assert (note["to_invoice"]["amount"], note["to_balance"]["amount"]) == (0, 980)
    diary.post(f"/v1/contacts/{diary.contacts['ada']}/balance", amount={"amount": 500, "currency": "usd"})
    diary.sound()
    diary.post(f"/v1/invoices/{open_of(diary, 'bo')}/void")
    diary.sound()
    diary.it_is("2026-03-31")
    diary.sound()
    diary.post(f"/v1/invoices/{open_of(diary, 'bo')}/mark_uncollectible")
    diary.sound()

    found = sums(read(diary, "from=2026-01-01&to=2026-03-31", tmp_path))
    assert found["Expenses:BadDebt USD"] == major(1800)
    assert found["Expenses:Goodwill USD"] == major(500)
    check(diary, found)
    first, second = (
        read(diary, days, tmp_path)
        for days in ("from=2026-01-01&to=2026-02-12", "from=2026-02-13&to=2026-03-31")
    )
    assert added(sums(first), sums(second)) == found


def open_of(diary: Diary, who: str) -> str:
    """The newest invoice that somebody owes."""
    every = diary.every(f"/v1/invoices?subscription={diary.subscriptions[who]}")
    return next(one["id"] for one in every if one["status"] == "open")


def check(diary: Diary, found: dict[str, Decimal]) -> None:
    """What was taken, is owed, is to somebody's credit and is tax: the same in the books, at Stripe and in the records."""
    invoices = diary.every("/v1/invoices")
    owed = sum(one["amount_due"]["amount"] for one in invoices)
    balances = [money["amount"] for one in diary.every("/v1/contacts") for money in one["balances"]]
    charged = [tax for one in invoices if one["status"] != "void" for tax in one["taxes"]]
    taxes = sum(tax["amount"]["amount"] for tax in charged)
    credited = 80  # of the credit note
    assert found["Assets:Stripe USD"] + found["Expenses:Fees USD"] == major(diary.taken())
    assert found.get("Assets:Receivable USD", Decimal(0)) == major(owed)
    assert found.get("Liabilities:Credits USD", Decimal(0)) == -major(sum(balances))
    assert found["Liabilities:Tax USD"] == -major(taxes - credited)


def added(*parts: dict[str, Decimal]) -> dict[str, Decimal]:
    names = {name for part in parts for name in part}
    whole = {name: sum((part.get(name, Decimal(0)) for part in parts), Decimal(0)) for name in names}
    return {name: amount for name, amount in whole.items() if amount}


def test_a_year_paid_at_once_is_earned_by_the_day(diary: Diary, tmp_path: Path):
    """365.00 for a year from 15 January: the books of June, half a year on, have its 30 days and no other fact."""
    diary.subscribes(
        "ada",
        "coffee-1kg",
        on="2026-01-15",
        frequency="annually",
        lines=[{"name": "Club", "unit_amount": "36500"}],
    )
    diary.it_is("2026-07-01")
    june = read(diary, "from=2026-06-01&to=2026-06-30", tmp_path)
    assert sums(june) == {
        "Income:Revenue USD": Decimal("-30.00"),
        "Liabilities:Deferred USD": Decimal("30.00"),
    }
    assert [one.narration for one in june if isinstance(one, data.Transaction)] == [
        "Revenue earned in 2026-06"
    ]
    diary.sound()
