"""The ledger over HTTP: facts with their entries by local days, and beancount text that beancount itself accepts."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from beancount.core import data

from chalicelib.billing import recognition
from chalicelib.billing.credits import CreditNote
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.money import Money
from chalicelib.crm.accounts import Account
from chalicelib.crm.contacts import Contact
from chalicelib.operations import advance, books
from chalicelib.store.changes import Changeset
from chalicelib.web import ledger
from tests.bean import accepted, sums
from tests.web.conftest import JANUARY, Api

HOSTILE = 'Zoë "Quote" \\ O\'Néill 🦊; * ^link #tag {} open'


def moved(api: Api, key: str, account: str, to: str) -> None:
    assert api.post("/v1/test_clock/advance", {"to": to}, key=key).status == 202
    advance.clocks(api.service, account, [])


def exported(api: Api, key: str, query: str = "") -> str:
    told = api.get(f"/v1/ledger/export{query}", key=key)
    assert (told.status, told.headers["Content-Type"]) == (200, "text/plain; charset=utf-8"), told.text
    return told.text


@pytest.fixture
def sold(api: Api) -> tuple[str, str, dict[str, Any]]:
    """A monthly subscription of 25.00 from 15 January to the end of March, in an account with a clock."""
    account, key = api.open('Rösterei "Am Markt" \\', clock_at=JANUARY)
    subscription = api.sells(key)
    moved(api, key, account.id, "2026-03-31T12:00:00Z")
    assert books.audit(api.service, api.service.store.get(Account, account.id, account.id)) == []
    return account.id, key, subscription


def test_entries_are_the_facts_that_moved_money_newest_first(api: Api, sold: Any):
    """Three invoices and three payments posted; a range has those of its local days, by any size of page."""
    _, key, _ = sold
    for limit in (1, 2, 100):
        found: list[Any] = []
        after = ""
        while True:
            page = api.get(f"/v1/ledger/entries?from=2026-01-01&to=2026-03-31&limit={limit}{after}", key=key)
            found += page["data"]
            if not page["has_more"]:
                break
            after = f"&after={page['next']}"
        assert [one["type"] for one in found] == ["payment.succeeded", "invoice.opened"] * 3
    assert found[-1]["entry"]["postings"] == {"receivable": 2500, "deferred": -2500}
    assert all(sum(one["entry"]["postings"].values()) == 0 for one in found)
    in_february = api.get("/v1/ledger/entries?from=2026-02-15&to=2026-02-15", key=key)["data"]
    assert [one["created_at"][:10] for one in in_february] == ["2026-02-15"] * 2
    # This month so far, where no days are named.
    assert len(api.get("/v1/ledger/entries", key=key)["data"]) == 2


def test_days_are_the_accounts_not_those_of_utc(api: Api):
    """In Auckland the 1st of February begins at 11:00 UTC of 31 January: what is charged then is of the 1st."""
    account, key = api.open("Kiwi", clock_at=datetime(2026, 1, 31, 11, 30, tzinfo=UTC))
    in_zone(api, account.id, "Pacific/Auckland")
    api.sells(key)
    moved(api, key, account.id, "2026-02-01T02:00:00Z")
    assert api.get("/v1/ledger/entries?from=2026-01-01&to=2026-01-31", key=key)["data"] == []
    first = api.get("/v1/ledger/entries?from=2026-02-01&to=2026-02-01", key=key)["data"]
    assert {one["created_at"][:10] for one in first} <= {"2026-01-31", "2026-02-01"}
    assert len(first) == 2
    assert "\n2026-02-01 * " in exported(api, key, "?from=2026-02-01&to=2026-02-01")


def in_zone(api: Api, id_: str, zone: str) -> None:
    """An account that was opened in a zone of its own."""
    changes = Changeset(id_)
    changes.put(replace(api.service.store.get(Account, id_, id_), zone=zone))
    api.service.store.commit(changes)


def test_the_books_of_a_quarter_balance_in_beancount(api: Api, sold: Any, tmp_path: Path):
    """bean-check accepts the export; what was charged is earned by the day, and the rest of the last month is deferred."""
    _, key, _ = sold
    entries = accepted(exported(api, key, "?from=2026-01-01&to=2026-03-31"), tmp_path)
    found = sums(entries)
    paid = [one for one in api.get("/v1/payments?limit=100", key=key)["data"] if one["status"] == "succeeded"]
    fees = Decimal(sum(one["fee"]["amount"] for one in paid)) / 100
    # 17 of the 31 days from 15 March are over.
    deferred = Decimal("25.00") - Decimal("13.71")
    assert found == {
        "Assets:Stripe USD": 75 - fees,
        "Expenses:Fees USD": fees,
        "Liabilities:Deferred USD": -deferred,
        "Income:Revenue USD": deferred - 75,
    }
    months = {
        str(one.date): one.narration for one in entries if getattr(one, "narration", "").startswith("Rev")
    }
    assert months == {
        "2026-01-31": "Revenue earned in 2026-01",
        "2026-02-28": "Revenue earned in 2026-02",
        "2026-03-31": "Revenue earned in 2026-03",
    }


def test_ranges_put_together_are_the_whole(api: Api, sold: Any, tmp_path: Path):
    """Exports of three ranges, one ending within a month, come to what one export of all their days does."""
    _, key, _ = sold
    parts: dict[str, Decimal] = {}
    for days in (
        "?from=2026-01-01&to=2026-01-31",
        "?from=2026-02-01&to=2026-03-10",
        "?from=2026-03-11&to=2026-03-31",
    ):
        for name, amount in sums(accepted(exported(api, key, days), tmp_path)).items():
            parts[name] = parts.get(name, Decimal(0)) + amount
    whole = sums(accepted(exported(api, key, "?from=2026-01-01&to=2026-03-31"), tmp_path))
    assert {name: amount for name, amount in parts.items() if amount} == whole


@pytest.mark.parametrize(("currency", "price"), [("jpy", "2500"), ("kwd", "25000")])
def test_names_and_currencies_that_try_to_break_it(api: Api, currency: str, price: str, tmp_path: Path):
    """A buyer's quotes, backslashes and emoji, and yen and fils, come through beancount unharmed."""
    account, key = api.open('A "shop" \\', clock_at=JANUARY)
    contact = api.post("/v1/contacts", {"name": HOSTILE, "email": "z@example.com"}, key=key)["id"]
    card = {"contact": contact, "payment_method": "pm_card_visa"}
    method = api.post("/v1/payment_methods", card, key=key)["id"]
    body = {
        "contact": contact,
        "payment_method": method,
        "currency": currency,
        "frequency": "monthly",
        "lines": [{"name": "a", "unit_amount": price}],
    }
    told = api.post("/v1/subscriptions", body, key=key)
    assert told.status == 201, told.text
    moved(api, key, account.id, "2026-01-20T00:00:00Z")
    entries = accepted(exported(api, key), tmp_path)
    payees = {one.payee for one in entries if isinstance(one, data.Transaction) and one.payee}
    assert payees == {HOSTILE}
    receivable = [
        posting.units
        for one in entries
        if isinstance(one, data.Transaction)
        for posting in one.postings
        if posting.account == "Assets:Receivable"
    ]
    wanted = {"jpy": "2500", "kwd": "25.000"}[currency]
    assert [str(units) for units in receivable] == [
        f"{wanted} {currency.upper()}",
        f"-{wanted} {currency.upper()}",
    ]


REFUSED = {
    "?from=2026-01-31&to=2026-01-30": ("from", "range_empty"),
    "?to=2026-04-01": ("to", "not_yet"),
    "?from=2025-01-01&to=2026-01-31": ("from", "range_too_long"),
    "?from=0001-01-01&to=0001-02-01": ("from", "range_too_early"),
    "?from=yesterday": ("from", "wrong_form"),
    "?until=2026-01-01": ("until", "unknown_field"),
}


def test_a_range_that_makes_no_sense_is_refused(api: Api):
    """Empty, not over, too long, before all time, no date, or another word: refused by name, for both endpoints."""
    for query, (param, code) in REFUSED.items():
        for path in ("/v1/ledger/export", "/v1/ledger/entries"):
            told = api.get(f"{path}{query}")
            assert (told.status, told["param"], told["code"]) == (400, param, code)


def test_what_no_answer_holds_is_refused(api: Api, sold: Any, monkeypatch: pytest.MonkeyPatch):
    """An export beyond the size of an answer, or the records that can be read in time, says to ask for fewer days."""
    _, key, _ = sold
    query = "/v1/ledger/export?from=2026-01-01&to=2026-03-31"
    monkeypatch.setattr(ledger, "MAX_ANSWER", 500)
    assert api.get(query, key=key)["code"] == "range_too_large"
    monkeypatch.undo()
    monkeypatch.setattr(books, "MAX_READ", 2)
    told = api.get(query, key=key)
    assert told["code"] == "range_too_large"
    assert told["detail"].endswith("fewer days at a time.")
    # The 1st of February has no fact, but the invoices that may have earned then are too many.
    told = api.get("/v1/ledger/export?from=2026-02-01&to=2026-02-01", key=key)
    assert told["code"] == "range_too_large"
    assert told["detail"].endswith("earned=false.")
    assert "Revenue" not in exported(api, key, "?from=2026-02-01&to=2026-02-01&earned=false")


def test_a_record_changed_by_hand_is_found(api: Api, sold: Any):
    """A balance nobody posted is a sentence of the audit, in the currency it is in."""
    id_, _, subscription = sold
    changes = Changeset(id_)
    buyer = api.service.store.get(Contact, id_, subscription["contact"])
    changes.put(buyer.credited(Money(700, "usd")))
    api.service.store.commit(changes)
    assert books.audit(api.service, api.service.store.get(Account, id_, id_)) == [
        "What customers have to their credit is 0.00 usd in the books, and -7.00 usd by the records (debit above zero)."
    ]


def test_another_accounts_books_are_not_seen(api: Api, sold: Any):
    """A key reads the ledger of its own account alone."""
    assert api.get("/v1/ledger/entries?from=2026-01-01&to=2026-01-31")["data"] == []
    assert "open" not in exported(api, api.key, "?from=2026-01-01&to=2026-01-31")


def test_an_event_with_its_entry_stays_below_a_write_unit(api: Api, sold: Any):
    """Every fact of a quarter, with its entry, is an item of less than a kilobyte."""
    items = [item for item in api.written() if item["kind"]["S"] == "event"]
    assert len(items) > 6
    sizes = [
        sum(len(name) + len(next(iter(value.values())).encode()) for name, value in item.items())
        for item in items
    ]
    assert max(sizes) < 1024


def test_what_a_month_earned_is_found_behind_a_change_of_frequency(api: Api):
    """A year given up for months in May, and a note in between: each month's earnings are those of all invoices there are."""
    account, key = api.open("Club", clock_at=JANUARY)
    yearly = api.sells(key, frequency="annually", lines=[{"name": "Club", "unit_amount": "36500"}])
    api.sells(key)
    moved(api, key, account.id, "2026-05-10T12:00:00Z")
    change = {"frequency": "monthly", "proration": "invoice_now", "quantities": {yearly["lines"][0]["id"]: 2}}
    told = api.post(f"/v1/subscriptions/{yearly['id']}/change", change, key=key)
    assert told.status == 200, told.text
    assert len(api.get("/v1/credit_notes", key=key)["data"]) == 1
    moved(api, key, account.id, "2026-07-20T12:00:00Z")
    invoice = api.get("/v1/invoices?limit=1", key=key)["data"][0]["id"]
    line = {"line": 0, "amount": {"amount": 333, "currency": "usd"}}
    assert api.post("/v1/credit_notes", {"invoice": invoice, "lines": [line]}, key=key).status == 201
    moved(api, key, account.id, "2026-09-30T12:00:00Z")
    now = api.service.store.get(Account, account.id, account.id)
    assert books.audit(api.service, now) == []
    for month in range(1, 10):
        days = (date(2026, month, 1), date(2026, month, 28))
        found = {day: amount for day, amount in books.earned(api.service, now, *days).items() if amount}
        assert found == by_all(api, account.id, days)
        assert found


def by_all(api: Api, account: str, days: tuple[date, date]) -> dict[tuple[date, str], int]:
    """What was earned, of every invoice of an account."""
    store = api.service.store
    notes = [
        one for one in store.owned(f"{account}/credit_note", limit=100).records if isinstance(one, CreditNote)
    ]
    sums: Counter[tuple[date, str]] = Counter()
    for invoice in store.owned(f"{account}/invoice", limit=100).records:
        assert isinstance(invoice, Invoice)
        given = sorted((one for one in notes if one.invoice == invoice.id), key=lambda note: note.id)
        for day, amount in recognition.by_month(invoice, given, invoice.issued_at.date(), *days):
            sums[day, invoice.currency] += amount
    return {key: amount for key, amount in sums.items() if amount}
