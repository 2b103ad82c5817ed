"""What an audit finds in an account's records by themselves: what is forgotten, astray, unreadable, parked, missing."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, TypeVar

from chalicelib.billing import audits, numbering
from chalicelib.billing.audits import Code, Finding, Part
from chalicelib.billing.credits import CreditNote
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.numbering import Series
from chalicelib.billing.payments import Payment
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.wake import ACCOUNT_TOPICS
from chalicelib.crm import formers
from chalicelib.crm.accounts import Moment
from chalicelib.crm.formers import Former
from chalicelib.operations import books, credit, parties, renew
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Reading
from chalicelib.store.store import Look

R = TypeVar("R")
PAGE: Final = 100
LATE: Final = timedelta(hours=6)
"""What was due is worked in a minute; an outage may last hours, and is nothing to find."""
DAYS: Final = 62
"""Days of events looked through in a step where nothing happened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """Who is looked at, and when."""

    service: Service
    at: Moment

    @property
    def account(self) -> str:
        return self.at.account.id

    def look(self, owner: str, after: str | None) -> Look:
        """A page of what the account has of a kind, oldest first."""
        return self.service.store.look(
            f"{self.account}/{owner}", limit=PAGE, after=after or None, newest_first=False
        )

    def load(self, type_: type[R], ids: Iterable[str]) -> Reading:
        """Records of one kind by their ids."""
        return self.service.store.load(self.account, [keys.key(type_, self.account, id_) for id_ in ids])


Section = Callable[[Looking, str | None], Part]


def subscriptions(looking: Looking, after: str | None) -> Part:
    look = looking.look("subscription", after)
    found = of(look, Subscription)
    wanted = {one.id: [numbering.name_of(one.id, one.ordinal - 1)] if one.ordinal else [] for one in found}
    beside = looking.load(Invoice, [name for one in found for name in (*wanted[one.id], *one.arrears)])

    def findings() -> Iterator[Finding]:
        for one in found:
            last = read(beside, Invoice, one.account, wanted[one.id][0]) if one.ordinal else None
            owed = [read(beside, Invoice, one.account, name) for name in one.arrears]
            yield from audits.subscription(one, last, owed)
        for key in looking.service.store.astray(found):
            yield Finding(
                code=Code.LINK_ASTRAY,
                subject=id_of(key.partition("@")[0]),
                detail=f"It is not listed by its {key.partition('@')[2]} as it should be.",
            )

    return part_of(looking, "subscriptions", look, findings())


def invoices(looking: Looking, after: str | None) -> Part:
    look = looking.look("invoice", after)
    found = of(look, Invoice)
    beside = looking.load(Subscription, {one.subscription for one in found})
    unread = {id_of(key) for key in (*beside.broken, *beside.newer)}  # found where they are listed
    beside.add(looking.load(Payment, {one.payment for one in found if one.payment}))

    def findings() -> Iterator[Finding]:
        for one in found:
            if one.subscription in unread:
                continue
            owner = read(beside, Subscription, one.account, one.subscription)
            held = read(beside, Payment, one.account, one.payment) if one.payment else None
            yield from audits.invoice(one, owner, held)
        yield from _parties(looking, found)
        yield from _numbers(looking, [one.number for one in found], after, look, renew.SERIES)

    return part_of(looking, "invoices", look, findings())


def _parties(looking: Looking, found: list[Invoice]) -> Iterator[Finding]:
    """Invoices of which a party is missing as it was when they were issued: the last revision is read, and those before it as they are needed."""
    named = {one.id: list(parties.revisions_of(one)) for one in found}
    current = looking.service.store.load(
        looking.account,
        {keys.key(type_, looking.account, id_) for one in named.values() for type_, id_, _ in one},
    )

    def last(type_: type, id_: str) -> int:
        return getattr(current.records.get(keys.key(type_, looking.account, id_)), "revision", 0)

    older = {
        formers.name_of(id_, revision): one
        for one, all_ in named.items()
        for type_, id_, revision in all_
        if last(type_, id_) != revision
    }
    kept = looking.load(Former, older)
    for name, one in older.items():
        if keys.key(Former, looking.account, name) not in kept.records:
            detail = f"{name} is not kept: what one of its parties was as it was issued."
            yield Finding(code=Code.PARTIES_LOST, subject=one, detail=detail)


def credit_notes(looking: Looking, after: str | None) -> Part:
    look = looking.look("credit_note", after)
    numbers = [one.number for one in of(look, CreditNote)]
    return part_of(looking, "credit_notes", look, _numbers(looking, numbers, after, look, credit.SERIES))


def _numbers(
    looking: Looking, numbers: list[str], before: str | None, look: Look, series: str
) -> Iterator[Finding]:
    """The gaps of a page's numbers, and, where a year ends in it, or all, of what that has given away."""
    first = numbering.position_of(before)[0] if before else 0
    ends = look.next is None or any(numbering.counted(number)[0] != first for number in numbers)
    known = looking.load(Series, [series] if ends else [])
    for key, trouble in {**known.broken, **known.newer}.items():
        yield Finding(code=Code.UNREADABLE, subject=id_of(key), detail=str(trouble))
        return
    kept = read(known, Series, looking.account, series)
    yield from audits.gaps(numbers, before, kept.last if kept else {}, over=look.next is None)


def others(owner: str, kind: str) -> Section:
    """Records that are only to be awake as long as they wait for something, counted by `kind`."""

    def section(looking: Looking, after: str | None) -> Part:
        return part_of(looking, kind, looking.look(owner, after), ())

    return section


def events(looking: Looking, after: str | None) -> Part:
    """The facts of a day, or of the days in a row on which there were none."""
    today = looking.at.now.date()
    day, position = _day(looking, after)
    for _ in range(DAYS):
        if day > today + books.DAY:
            return Part()
        look = looking.look(f"event/{day}", position)
        if look.keys:
            part = part_of(looking, "events", look, ())
            further = f"{day}|{look.next}" if look.next else f"{day + books.DAY}|"
            return Part(findings=part.findings, looked=part.looked, position=further)
        day, position = day + books.DAY, None
    return Part(position=f"{day}|")


def _day(looking: Looking, after: str | None) -> tuple[date, str | None]:
    if after is not None:
        day, _, position = after.partition("|")
        return date.fromisoformat(day), position or None
    first = books.first_day(looking.service, looking.at.account)
    return first or looking.at.now.date(), None


def parked(looking: Looking, after: str | None) -> Part:
    rows, next_ = looking.service.store.schedules.parked(looking.account, limit=PAGE, after=after)
    findings = tuple(
        Finding(code=Code.PARKED, subject=id_of(row.key), detail=f"After {row.failures} errors: {row.error}")
        for row in rows
    )
    return Part(findings=findings, looked={"parked": len(rows)}, position=next_)


def part_of(looking: Looking, kind: str, look: Look, more: Iterable[Finding]) -> Part:
    """What a page of records gives: what is wrong with each by itself and in the schedules, and `more`."""
    found = (*more, *_unreadable(look), *_astray(looking, look))
    return Part(findings=found, looked={kind: len(look.keys)}, position=look.next)


def _unreadable(look: Look) -> Iterator[Finding]:
    for key, trouble in {**look.reading.broken, **look.reading.newer}.items():
        yield Finding(code=Code.UNREADABLE, subject=id_of(key), detail=str(trouble))


def _astray(looking: Looking, look: Look) -> Iterator[Finding]:
    """What waits for a moment and does not stand there in the schedules, or stands there for nothing, or should long have been worked."""
    shards = looking.service.settings.wake_shards
    for key, record in look.reading.records.items():
        wake, stands = record.wake, look.reading.stood.get(key)
        if key in look.reading.parked or (wake is None and stands is None):
            continue
        if wake is None:
            detail = (
                f"It waits for nothing, and stands in {' at '.join(stands or ())}: nobody can work it off."
            )
            yield Finding(code=Code.WRONG_SHARD, subject=record.id, detail=detail)
            continue
        wanted = (keys.shard_of(key, wake, shards), keys.stamp(wake.at))
        now = looking.at.now if wake.topic in ACCOUNT_TOPICS else looking.at.real
        if stands is None:
            detail = f"It is to be looked at {wake.at:%Y-%m-%d %H:%M} UTC, and no schedule knows of it."
            yield Finding(code=Code.NOT_IN_SCHEDULE, subject=record.id, detail=detail)
        elif stands != wanted:
            detail = f"It stands in {stands[0]} at {stands[1]}; it should in {wanted[0]} at {wanted[1]}."
            yield Finding(code=Code.WRONG_SHARD, subject=record.id, detail=detail)
        elif wake.at < now - LATE:
            detail = f"It was to be looked at {wake.at:%Y-%m-%d %H:%M} UTC, and has not been."
            yield Finding(code=Code.LATE, subject=record.id, detail=detail)


def of(look: Look, type_: type[R]) -> list[R]:
    """The records of a page that could be read, in order."""
    found = (look.reading.records.get(key) for key in look.keys)
    return [one for one in found if isinstance(one, type_)]


def read(reading: Reading, type_: type[R], account: str, id_: str) -> R | None:
    """A record that was read, None also where it cannot be: that is found where it is listed."""
    found = reading.records.get(keys.key(type_, account, id_))
    return found if isinstance(found, type_) else None


def id_of(key: str) -> str:
    return key.split("/", 2)[2]
