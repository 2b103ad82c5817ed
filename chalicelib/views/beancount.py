"""The books as beancount text (beancount.github.io/docs/beancount_language_syntax.html), a transaction a fact.

Each file stands alone: it opens the accounts it uses, and holds what moved within its days. Amounts are in major
units with all decimals of their currency, debit above zero.
"""

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from chalicelib.billing.events import Event
from chalicelib.billing.ledger import Book, Entry, Settled
from chalicelib.billing.money import Money
from chalicelib.crm.accounts import Account

ACCOUNTS: Final = {
    Book.RECEIVABLE: "Assets:Receivable",
    Book.CASH: "Assets:Stripe",
    Book.FEES: "Expenses:Fees",
    Book.TAX: "Liabilities:Tax",
    Book.CREDITS: "Liabilities:Credits",
    Book.DEFERRED: "Liabilities:Deferred",
    Book.REVENUE: "Income:Revenue",
    Book.BAD_DEBT: "Expenses:BadDebt",
    Book.GOODWILL: "Expenses:Goodwill",
    Book.BANK: "Assets:Bank",
    Book.REFUNDS: "Liabilities:Refunds",
    Book.DISPUTED: "Assets:Disputed",
}
_NAMED: Final = ("invoice", "payment", "refund", "dispute", "credit_note", "subscription", "contact")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class Journal:
    """Text as it grows, and the accounts it has used so far, with their currencies."""

    def __init__(self) -> None:
        self._used: dict[str, set[str]] = {}

    def fact(self, on: date, event: Event, payee: str | None) -> str:
        """The transaction of an event that has an entry."""
        entry = event.entry
        if entry is None:
            return ""
        links = " ".join(f"^{event.about[name]}" for name in _NAMED if name in event.about)
        words = event.type.value.replace(".", " ").replace("_", " ")
        head = f"{on} * {_quoted(payee or '')} {_quoted(words)}"
        lines = [f"{head} {links}".rstrip(), f"  event: {_quoted(event.id)}"]
        return "\n".join([*lines, *self._postings(entry)]) + "\n\n"

    def earned(self, on: date, amount: int, currency: str) -> str:
        """The transaction of what a month, or the part of it in the range, has earned, in minor units."""
        if not amount:
            return ""
        money = Money(amount, currency)
        head = f"{on} * {_quoted(f'Revenue earned in {on:%Y-%m}')}"
        moved = [self._posting(Book.DEFERRED, money), self._posting(Book.REVENUE, -money)]
        return "\n".join([head, *moved]) + "\n\n"

    def _postings(self, entry: Entry) -> Iterator[str]:
        for book, amount in entry.postings.items():
            yield self._posting(book, Money(amount, entry.currency))
        if entry.settled is not None:
            yield from self._changed(entry.settled, entry)

    def _changed(self, settled: Settled, entry: Entry) -> Iterator[str]:
        """What was posted is changed to what Stripe pays out in, at its price."""
        taken = settled.taken or Money(entry.postings[Book.CASH], entry.currency)
        gross = settled.cash + settled.fees
        yield f"{self._posting(Book.CASH, -taken)} @@ {_amount(abs(gross))}"
        yield self._posting(Book.CASH, settled.cash)
        if settled.fees:
            yield self._posting(Book.FEES, settled.fees)

    def _posting(self, book: Book, amount: Money) -> str:
        self._used.setdefault(ACCOUNTS[book], set()).add(amount.currency.upper())
        return f"  {ACCOUNTS[book]:<22} {_amount(amount):>18}"

    def opening(self, account: Account, start_on: date, end_on: date) -> str:
        """What comes before the transactions, once they are all known."""
        title = f"{_CONTROL.sub(' ', account.name)}, {start_on} to {end_on}"
        lines = [
            f'option "title" {_quoted(title)}',
            f'option "operating_currency" "{account.currency.upper()}"',
            "",
        ]
        for name, currencies in sorted(self._used.items()):
            lines.append(f"{start_on} open {name} {','.join(sorted(currencies))}")
        return "\n".join(lines) + "\n\n"


def _quoted(words: str) -> str:
    """A string of beancount's, on one line."""
    plain = _CONTROL.sub(" ", words).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{plain}"'


def _amount(money: Money) -> str:
    return f"{money.major():f} {money.currency.upper()}"
