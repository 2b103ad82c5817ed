"""The books as CSV (RFC 4180), a line a posting: what a spreadsheet or another program books from.

The lines of an event sum to zero in each currency, but for what Stripe changed to the currency it pays out in: that has a
line out of the one, and one or two into the other.
"""

import csv
import io
from collections.abc import Iterator
from datetime import date
from typing import Final

from chalicelib.billing.events import Event
from chalicelib.billing.ledger import Book, Entry
from chalicelib.billing.money import Money

COLUMNS: Final = ("date", "event", "type", "invoice", "payment", "customer", "book", "amount", "currency")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def heading() -> str:
    """The first line."""
    return _line(COLUMNS)


def fact(on: date, event: Event, payee: str | None) -> str:
    """The lines of an event that has an entry; amounts are in major units with all decimals, debit above zero."""
    if event.entry is None:
        return ""
    about = (event.about.get("invoice", ""), event.about.get("payment", ""), _plain(payee or ""))
    head = (str(on), event.id, event.type.value, *about)
    return "".join(_line((*head, *_posting(book, money))) for book, money in postings(event.entry))


def earned(on: date, amount: int, currency: str) -> str:
    """The lines of what a month, or the part of it in the range, has earned, in minor units."""
    head = (str(on), "", "revenue.earned", "", "", "")
    moved = ((Book.DEFERRED, Money(amount, currency)), (Book.REVENUE, Money(-amount, currency)))
    return "".join(_line((*head, *_posting(book, money))) for book, money in moved) if amount else ""


def postings(entry: Entry) -> Iterator[tuple[Book, Money]]:
    """What an entry moved, with what became of the cash where Stripe changed it."""
    for book, amount in entry.postings.items():
        yield book, Money(amount, entry.currency)
    if settled := entry.settled:
        yield Book.CASH, -(settled.taken or Money(entry.postings[Book.CASH], entry.currency))
        yield Book.CASH, settled.cash
        if settled.fees:
            yield Book.FEES, settled.fees


def _posting(book: Book, money: Money) -> tuple[str, str, str]:
    return book.value, f"{money.major():f}", money.currency.upper()


def _plain(name: str) -> str:
    """A name that no spreadsheet takes for a formula."""
    return f"'{name}" if name.startswith(_FORMULA) else name


def _line(cells: tuple[str, ...]) -> str:
    made = io.StringIO()
    csv.writer(made).writerow(cells)
    return made.getvalue()
