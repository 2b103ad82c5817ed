"""Read the books: the facts of local days, what was earned in them, and all there is to hold against each other.

Facts are listed by the UTC day of their moment on the account's clock; a range of local days reads the UTC days it
touches, and keeps what falls on its own days in the account's zone as it is now.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, date, timedelta
from typing import TypeVar

from chalicelib.billing import laws, numbering, periods, recognition
from chalicelib.billing.audits import TAKEN
from chalicelib.billing.credits import CreditNote
from chalicelib.billing.disputes import Dispute
from chalicelib.billing.errors import Invalid
from chalicelib.billing.events import Event
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.laws import Kept
from chalicelib.billing.ledger import Book
from chalicelib.billing.payments import Payment
from chalicelib.billing.refunds import Refund
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account
from chalicelib.crm.contacts import Contact
from chalicelib.operations.credit import note_names
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.keys import Record

R = TypeVar("R")
PAGE = 100
MAX_READ = 15_000
"""Events, and invoices, that are read for one range: a thousand take at most a second on the local AWS, and API Gateway waits 29."""
DAY = timedelta(days=1)

Earned = Counter[tuple[date, str]]
"""What was earned in a month, at its last day, by currency; minor units."""


def facts(
    service: Service, account: Account, start_on: date, end_on: date
) -> Iterator[list[tuple[date, Event]]]:
    """What was posted on local days, both included, oldest first and a page at a time, each with its day.

    Raises Invalid `range_too_large` beyond MAX_READ events.
    """
    read = 0
    for day in utc_days(account, start_on, end_on):
        for page in _pages(service, f"{account.id}/event/{day}"):
            read += len(page)
            if read > MAX_READ:
                raise _too_large(f"{MAX_READ} events happened; ask for fewer days at a time.")
            found = [event for event in page if isinstance(event, Event) and event.entry is not None]
            dated = [(periods.local_date(event.created_at, account.zone), event) for event in found]
            yield [(on, event) for on, event in dated if start_on <= on <= end_on]


def utc_days(account: Account, start_on: date, end_on: date) -> Iterator[date]:
    """The UTC days that local days touch, oldest first."""
    day = periods.moment(start_on, 0, account.zone).astimezone(UTC).date()
    last = (periods.moment(end_on + DAY, 0, account.zone) - timedelta(microseconds=1)).astimezone(UTC).date()
    while day <= last:
        yield day
        day += DAY


def earned(service: Service, account: Account, start_on: date, end_on: date) -> Earned:
    """What deferred revenue was earned on local days, both included.

    Every subscription is walked back from its last invoice to the first whose days were over before the range: the
    invoices of a subscription follow one another. Raises Invalid `range_too_large`.
    """
    sums: Earned = Counter()
    read = 0
    for page in _pages(service, f"{account.id}/subscription"):
        left = {one.id: one.ordinal for one in page if isinstance(one, Subscription) and one.ordinal}
        while left:
            read += len(left)
            if read > MAX_READ:
                raise _too_large(
                    f"{MAX_READ} invoices may have earned; ask for the facts alone, earned=false."
                )
            left = _a_step_back(service, account, left, (start_on, end_on), sums)
    return sums


def _a_step_back(
    service: Service, account: Account, left: dict[str, int], days: tuple[date, date], sums: Earned
) -> dict[str, int]:
    """Add what each subscription's invoice of an ordinal earned; what is to be looked at before them."""
    names = {sub: numbering.name_of(sub, ordinal - 1) for sub, ordinal in left.items()}
    found = service.store.load(account.id, [keys.key(Invoice, account.id, name) for name in names.values()])
    owed = {sub: found.get(Invoice, account.id, name) for sub, name in names.items()}
    wanted = [keys.key(CreditNote, account.id, name) for one in owed.values() for name in note_names(one)]
    found.add(service.store.load(account.id, wanted))
    further: dict[str, int] = {}
    for sub, invoice in owed.items():
        given = [found.get(CreditNote, account.id, name) for name in note_names(invoice)]
        issued_on = periods.local_date(invoice.issued_at, account.zone)
        for day, amount in recognition.by_month(invoice, given, issued_on, *days):
            sums[day, invoice.currency] += amount
        over = not invoice.besides and max(recognition.over_on(invoice, given), issued_on) <= days[0]
        if left[sub] > 1 and not over:
            further[sub] = left[sub] - 1
    return further


def payees(service: Service, account: str, contacts: Iterable[str]) -> dict[str, str]:
    """The names of people, by id."""
    wanted = [keys.key(Contact, account, contact) for contact in contacts]
    found = service.store.load(account, wanted).records.values()
    return {one.id: one.name for one in found if isinstance(one, Contact)}


def audit(service: Service, account: Account) -> list[str]:
    """What does not hold between the books and the records, a sentence each; it reads everything, at a quiet moment.

    Raises Invalid `range_too_large` beyond MAX_READ events.
    """
    return laws.broken(kept(service, account))


def kept(service: Service, account: Account) -> Kept:
    """All that the books are held against. Raises Invalid `range_too_large` beyond MAX_READ events."""
    first = first_day(service, account)
    last = account.now(service.real()).date() + DAY
    events: list[Event] = []
    for day in utc_days(account, first - DAY, last) if first else ():
        events += _all(service, account, f"event/{day}", Event)
        if len(events) > MAX_READ:
            raise _too_large(
                f"{MAX_READ} events happened; they are held against the records a part at a time."
            )
    return Kept(
        events=events,
        invoices=_all(service, account, "invoice", Invoice),
        payments=_all(service, account, "payment", Payment),
        notes=_all(service, account, "credit_note", CreditNote),
        balances=[sum_ for one in _all(service, account, "contact", Contact) for sum_ in one.balances],
        refunds=_all(service, account, "refund", Refund),
        disputes=_all(service, account, "dispute", Dispute),
    )


def first_day(service: Service, account: Account) -> date | None:
    """The UTC day of the account's first contact: nothing happens before there is somebody to sell to.

    Where that cannot be read it is the account's own first day.
    """
    look = service.store.look(f"{account.id}/contact", limit=1, newest_first=False)
    if not look.keys:
        return None
    first = look.reading.records.get(look.keys[0])
    return (first if isinstance(first, Contact) else account).created_at.date()


def cash(kept: Kept) -> dict[str, int]:
    """What the gateway should hold by the books, in minor units by the currency it holds it in.

    That is the cash and what is on its way back to buyers, without the payments it has not told its fee of: their money
    has not moved there yet.
    """
    sums: Counter[str] = Counter()
    for event in kept.events:
        if (entry := event.entry) is None:
            continue
        if entry.settled is not None:
            sums[entry.settled.cash.currency] += entry.settled.cash.amount
            continue
        sums[entry.currency] += sum(entry.postings.get(book, 0) for book in (Book.CASH, Book.REFUNDS))
    for payment in kept.payments:
        if payment.reference and payment.fee is None and payment.status in TAKEN:
            sums[payment.amount.currency] -= payment.amount.amount
    return {currency: amount for currency, amount in sums.items() if amount}


def _all(service: Service, account: Account, owner: str, type_: type[R]) -> list[R]:
    pages = _pages(service, f"{account.id}/{owner}")
    return [record for page in pages for record in page if isinstance(record, type_)]


def _pages(service: Service, owner: str) -> Iterator[list[Record]]:
    """All of an owner's records in order, a page at a time."""
    after = None
    while True:
        page = service.store.owned(owner, limit=PAGE, after=after, newest_first=False)
        yield page.records
        after = page.next
        if after is None:
            return


def _too_large(what: str) -> Invalid:
    return Invalid("range_too_large", f"More than {what}", "from")
