"""A transaction of beancount's for every kind of entry: what beancount reads from it is what was posted."""

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from beancount import loader
from beancount.core import data
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.billing.events import Event, EventType
from chalicelib.billing.ledger import Book, Entry, Settled
from chalicelib.billing.money import Money
from chalicelib.crm.accounts import Account
from chalicelib.views import ledger_csv
from chalicelib.views.beancount import ACCOUNTS, Journal
from tests.bean import accepted, sums

AT = datetime(2026, 2, 1, 12, tzinfo=UTC)
DAY = date(2026, 2, 1)


def account(name: str = "Roaster") -> Account:
    return Account(
        account="acct_1",
        id="acct_1",
        name=name,
        email="a@example.com",
        currency="usd",
        zone="UTC",
        livemode=False,
        created_at=AT,
    )


def event(entry: Entry | None) -> Event:
    return Event(
        account="acct_1",
        id="evt_pay_1",
        type=EventType.PAYMENT_SUCCEEDED,
        subject="pay_1",
        about={"contact": "con_1", "payment": "pay_1", "reason": 'Not "a" link'},
        created_at=AT,
        entry=entry,
    )


def written(*entries: Entry, name: str = "Roaster", payee: str = "Ada") -> str:
    journal = Journal()
    body = "".join(journal.fact(DAY, event(entry), payee) for entry in entries)
    return journal.opening(account(name), DAY, DAY) + body


def test_every_book_has_an_account(tmp_path: Path):
    """An entry over all books is read as it was posted, and each account is opened once, in all its currencies."""
    amounts = {book: n for n, book in enumerate(Book, 1)} | {Book.CASH: 0}
    amounts[Book.CASH] = -sum(amounts.values())
    read = accepted(
        written(Entry(currency="usd", postings=amounts), Entry(currency="jpy", postings=amounts)), tmp_path
    )
    opened = {one.account: sorted(one.currencies) for one in read if isinstance(one, data.Open)}
    assert opened == {key: ["JPY", "USD"] for key in ACCOUNTS.values()}
    found = sums(read)
    for book, amount in amounts.items():
        assert found[f"{ACCOUNTS[book]} USD"] == Decimal(amount) / 100
        assert found[f"{ACCOUNTS[book]} JPY"] == amount


def test_cash_that_stripe_changed_is_read_in_the_currency_of_the_payout(tmp_path: Path):
    """25.00 usd paid out as 19.20 eur after a fee of 0.80: the cash is euros, the receivable was dollars, and it balances."""
    entry = Entry(
        currency="usd",
        postings={Book.CASH: 2500, Book.RECEIVABLE: -2500},
        settled=Settled(cash=Money(1920, "eur"), fees=Money(80, "eur")),
    )
    assert sums(accepted(written(entry), tmp_path)) == {
        "Assets:Receivable USD": Decimal("-25.00"),
        "Assets:Stripe EUR": Decimal("19.20"),
        "Expenses:Fees EUR": Decimal("0.80"),
    }


def test_what_goes_back_in_the_currency_of_the_payout_is_read_so(tmp_path: Path):
    """A refund, a lost dispute with its fee, and a fee that was told late, in euros of dollar payments: bean-check takes them."""
    refund = Entry(
        currency="usd",
        postings={Book.REFUNDS: 1000, Book.CASH: -1000},
        settled=Settled(cash=Money(-800, "eur"), fees=Money(0, "eur")),
    )
    lost = Entry(
        currency="usd",
        postings={Book.BAD_DEBT: 2500, Book.CASH: -2500},
        settled=Settled(cash=Money(-3500, "eur"), fees=Money(1500, "eur")),
    )
    late = Entry(
        currency="usd",
        postings={},
        settled=Settled(cash=Money(1920, "eur"), fees=Money(80, "eur"), taken=Money(2500, "usd")),
    )
    assert sums(accepted(written(refund, lost, late), tmp_path)) == {
        "Liabilities:Refunds USD": Decimal("10.00"),
        "Expenses:BadDebt USD": Decimal("25.00"),
        "Assets:Stripe USD": Decimal("-25.00"),
        "Assets:Stripe EUR": Decimal("-23.80"),
        "Expenses:Fees EUR": Decimal("15.80"),
    }


def test_a_line_of_csv_is_a_posting():
    """A fact has a line a posting in major units; a name that begins like a formula is only a name; nothing has no line."""
    entry = Entry(
        currency="usd",
        postings={Book.CASH: 2500, Book.RECEIVABLE: -2500},
        settled=Settled(cash=Money(1920, "eur"), fees=Money(80, "eur")),
    )
    rows = list(
        csv.DictReader(io.StringIO(ledger_csv.heading() + ledger_csv.fact(DAY, event(entry), '=1+"1"')))
    )
    assert [(row["book"], row["amount"], row["currency"]) for row in rows] == [
        ("cash", "25.00", "USD"),
        ("receivable", "-25.00", "USD"),
        ("cash", "-25.00", "USD"),
        ("cash", "19.20", "EUR"),
        ("fees", "0.80", "EUR"),
    ]
    assert {(row["date"], row["payment"], row["customer"]) for row in rows} == {
        ("2026-02-01", "pay_1", '\'=1+"1"')
    }
    assert ledger_csv.fact(DAY, event(None), "Ada") == ledger_csv.earned(DAY, 0, "usd") == ""
    assert ledger_csv.earned(DAY, 100, "usd").splitlines() == [
        "2026-02-01,,revenue.earned,,,,deferred,1.00,USD",
        "2026-02-01,,revenue.earned,,,,revenue,-1.00,USD",
    ]


@settings(max_examples=200, deadline=None)
@given(name=st.text(max_size=60), payee=st.text(max_size=60))
def test_any_name_is_only_a_name(name: str, payee: str):
    """Whatever a business or a buyer is called, it is read as text: one transaction, the name in it but for control characters."""
    entry = Entry(currency="kwd", postings={Book.CASH: 1001, Book.RECEIVABLE: -1001})
    read, errors, options = loader.load_string(written(entry, name=name, payee=payee))
    assert errors == []
    (one,) = [entry for entry in read if isinstance(entry, data.Transaction)]
    assert [str(posting.units) for posting in one.postings] == ["1.001 KWD", "-1.001 KWD"]
    if name.isprintable() and payee.isprintable():
        assert options["title"] == f"{name}, 2026-02-01 to 2026-02-01"
        assert (one.payee or "") == payee


def test_what_moves_nothing_is_not_written():
    """A fact without an entry, and a month that earned nothing, are no transactions."""
    assert Journal().fact(DAY, event(None), "Ada") == ""
    assert Journal().earned(DAY, 0, "usd") == ""
