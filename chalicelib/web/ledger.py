"""The ledger: facts with what they posted, and the books of a range of days as beancount text."""

import json
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from msgspec import field

from chalicelib.billing import periods
from chalicelib.billing.errors import Invalid
from chalicelib.billing.events import Event
from chalicelib.operations import books
from chalicelib.views import ledger_csv
from chalicelib.views.beancount import Journal
from chalicelib.web.bodies import Body
from chalicelib.web.endpoint import Call
from chalicelib.web.http import Text
from chalicelib.web.paging import Paging, cursor, not_a_cursor
from chalicelib.web.shown import Listed

Fact = Callable[[date, Event, str | None], str]
Earned = Callable[[date, int, str], str]

MAX_DAYS: Final = 366
MAX_ANSWER: Final = 5_000_000
"""Bytes of an answer's JSON, which carries the text escaped: Lambda takes 6 MB."""
MAX_LOOKED: Final = 62
"""Days looked through for one page: a quiet quarter takes two."""


class Format(StrEnum):
    """How the books are written."""

    BEANCOUNT = "beancount"
    CSV = "csv"


class Days(Body, frozen=True):
    """Local days of the account, both included: this month so far where nothing is said.

    Without `earned` there are only the facts, not what was moved from deferred to revenue. As `format` csv there is a line
    a posting.
    """

    from_: date | None = field(default=None, name="from")
    to: date | None = None
    earned: bool = True
    format: Format = Format.BEANCOUNT


class EntryPaging(Paging, frozen=True):
    """Which part of the list, of which local days, both included: this month so far where nothing is said."""

    from_: date | None = field(default=None, name="from")
    to: date | None = None


def entries(call: Call, query: EntryPaging) -> Listed[Event]:
    """The facts that posted to the books on local days, newest first. A page may be short, even empty: go on while `has_more`."""
    start_on, end_on = _days(call, query.from_, query.to)
    utc = list(books.utc_days(call.account, start_on, end_on))
    day, after = _start(query, utc[-1])
    found: list[Event] = []
    for _ in range(MAX_LOOKED):
        if day < utc[0]:
            return Listed(found, None)
        owner = f"{call.account.id}/event/{day}"
        page = call.service.store.owned(owner, limit=query.limit - len(found), after=after)
        events = [one for one in page.records if isinstance(one, Event) and one.entry is not None]
        found += [one for one in events if start_on <= _local(call, one) <= end_on]
        after = page.next
        if after is None:
            day -= timedelta(days=1)
        if len(found) >= query.limit:
            break
    return Listed(found, None if day < utc[0] else cursor(f"{day}|{after or ''}"))


def export(call: Call, query: Days) -> Text:
    """The books of local days as beancount text, or as CSV: each fact, and what each month earned of what was deferred.

    A beancount file stands alone: it opens the accounts it uses at its first day, and holds what moved within its days. Ask
    for at most 366 days, and for fewer where there is more than an answer holds.
    """
    start_on, end_on = _days(call, query.from_, query.to)
    if query.format is Format.CSV:
        lines = _bounded(_transactions(call, ledger_csv.fact, ledger_csv.earned, query, (start_on, end_on)))
        headers = {"Content-Type": "text/csv; charset=utf-8"}
        return Text(status=200, body=ledger_csv.heading() + "".join(lines), headers=headers)
    journal = Journal()
    days = start_on, end_on
    body = "".join(_bounded(_transactions(call, journal.fact, journal.earned, query, days)))
    text = journal.opening(call.account, start_on, end_on) + body
    return Text(status=200, body=text)


def _transactions(
    call: Call, fact: Fact, of_month: Earned, query: Days, days: tuple[date, date]
) -> Iterator[str]:
    names: dict[str, str] = {}
    for page in books.facts(call.service, call.account, *days):
        people = {event.about["contact"] for _, event in page if "contact" in event.about}
        names |= books.payees(call.service, call.account.id, people - set(names))
        for on, event in page:
            yield fact(on, event, names.get(event.about.get("contact", "")))
    earned = books.earned(call.service, call.account, *days) if query.earned else {}
    for (on, currency), amount in sorted(earned.items()):
        yield of_month(on, amount, currency)


def _bounded(parts: Iterator[str]) -> Iterator[str]:
    """The same, as long as an answer holds it. Raises Invalid."""
    size = 0
    for part in parts:
        size += len(json.dumps(part))
        if size > MAX_ANSWER:
            detail = f"An answer holds {MAX_ANSWER} bytes; ask for fewer days at a time."
            raise Invalid("range_too_large", detail, "from")
        yield part


def _days(call: Call, start_on: date | None, end_on: date | None) -> tuple[date, date]:
    """The range that is asked for. Raises Invalid on one that is empty, too long, or not over."""
    today = periods.local_date(call.account.now(call.service.real()), call.account.zone)
    end_on = end_on or today
    start_on = start_on or end_on.replace(day=1)
    if end_on > today:
        raise Invalid("not_yet", f"Today is {today}; send that day or an earlier one.", "to")
    if start_on > end_on:
        raise Invalid("range_empty", f"Send {end_on} or an earlier day.", "from")
    if (end_on - start_on).days >= MAX_DAYS:
        raise Invalid(
            "range_too_long",
            f"Ask for at most {MAX_DAYS} days at a time; `to` is the last of them, today without it.",
            "from",
        )
    if start_on.year < 1900:
        raise Invalid("range_too_early", "Send a day from 1900-01-01 on.", "from")
    return start_on, end_on


def _start(query: EntryPaging, last: date) -> tuple[date, str | None]:
    """The UTC day to begin with, and the position in it."""
    if query.position is None:
        return last, None
    day, _, after = query.position.partition("|")
    try:
        return min(date.fromisoformat(day), last), after or None
    except ValueError:
        raise not_a_cursor() from None


def _local(call: Call, event: Event) -> date:
    return periods.local_date(event.created_at, call.account.zone)
