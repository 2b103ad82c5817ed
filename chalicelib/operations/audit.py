"""Look through all of an account: its records by themselves, against Stripe, and against its books.

An audit is walked in steps, a page of one section each, so that it may be left and gone on with. A step that finds something
is taken again after a moment: what is no longer so was a change seen half done.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, TypeVar

from chalicelib.billing import audits, invoices, laws
from chalicelib.billing.audits import Audit, Code, Finding, Part
from chalicelib.billing.credits import CreditNote
from chalicelib.billing.disputes import Dispute
from chalicelib.billing.errors import Invalid
from chalicelib.billing.gateway import Refused, Span
from chalicelib.billing.invoices import Invoice, Series
from chalicelib.billing.payments import Payment
from chalicelib.billing.refunds import Refund
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.wake import ACCOUNT_TOPICS
from chalicelib.crm.accounts import Account, Moment
from chalicelib.operations import books, credit, renew
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Reading
from chalicelib.store.store import Look

log = logging.getLogger("perennial")

R = TypeVar("R")
PAGE: Final = 100
LATE: Final = timedelta(hours=6)
"""What was due is worked in a minute; an outage may last hours, and is nothing to find."""
PAUSE_SECONDS: Final = 0.2
NARROW: Final = timedelta(hours=1)
"""Payments sent within this of each other are looked for in one listing of Stripe's; others one by one."""
SKEW: Final = timedelta(minutes=10)
DAYS: Final = 62
"""Days of events looked through in a step where nothing happened."""
LAST: Final = "last"


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


def account(service: Service, account: str) -> Audit:
    """All of it, as it is now; nothing is written. Raises NotFound, Unavailable."""
    made = Audit(account=account, id=LAST, started_at=service.real())
    while made.completed_at is None:
        made = step(service, made)
    return made


def step(service: Service, so_far: Audit) -> Audit:
    """One page more of an audit."""
    business = service.store.get(Account, so_far.account, so_far.account)
    looking = Looking(service=service, at=Moment(business, service.real()))
    name, position = _place(so_far.after)
    part = _sure(looking, SECTIONS[name], position)
    return so_far.further(part, _next(name, part.position), service.real())


def _place(after: str | None) -> tuple[str, str | None]:
    """The section and the position in it. Raises Invalid."""
    name, _, position = (after or next(iter(SECTIONS))).partition(":")
    if name not in SECTIONS:
        raise Invalid("invalid_cursor", "Send the `next` of the answer before, or nothing.", "after")
    return name, position or None


def _next(name: str, position: str | None) -> str | None:
    if position is not None and not position.startswith(">"):
        return f"{name}:{position}"
    names = list(SECTIONS)
    after = names.index(name) + 1
    # What one section tells the next stands behind the sign.
    return f"{names[after]}:{(position or '')[1:]}" if after < len(names) else None


def _sure(looking: Looking, section: Section, position: str | None) -> Part:
    """A step, taken again where it found something: only what is found both times is wrong."""
    part = section(looking, position)
    if not part.findings:
        return part
    time.sleep(PAUSE_SECONDS)
    again = section(looking, position)
    known = {(finding.code, finding.subject) for finding in part.findings}
    sure = tuple(one for one in again.findings if (one.code, one.subject) in known)
    return Part(findings=sure, looked=part.looked, unchecked=part.unchecked, position=part.position)


# -- the records by themselves ---------------------------------------------------------------------


def _subscriptions(looking: Looking, after: str | None) -> Part:
    look = looking.look("subscription", after)
    found = _of(look, Subscription)
    wanted = {one.id: [invoices.name_of(one.id, one.ordinal - 1)] if one.ordinal else [] for one in found}
    beside = looking.load(Invoice, [name for one in found for name in (*wanted[one.id], *one.arrears)])

    def findings() -> Iterator[Finding]:
        for one in found:
            last = _read(beside, Invoice, one.account, wanted[one.id][0]) if one.ordinal else None
            owed = [_read(beside, Invoice, one.account, name) for name in one.arrears]
            yield from audits.subscription(one, last, owed)
        for key in looking.service.store.astray(found):
            yield Finding(
                code=Code.LINK_ASTRAY,
                subject=_id(key.partition("@")[0]),
                detail=f"It is not listed by its {key.partition('@')[2]} as it should be.",
            )

    return _part(looking, "subscriptions", look, findings())


def _invoices(looking: Looking, after: str | None) -> Part:
    look = looking.look("invoice", after)
    found = _of(look, Invoice)
    owed = [one for one in found if one.amount_due or one.payment]
    beside = looking.load(Subscription, {one.subscription for one in owed})
    beside.add(looking.load(Payment, {one.payment for one in owed if one.payment}))

    def findings() -> Iterator[Finding]:
        for one in owed:
            owner = _read(beside, Subscription, one.account, one.subscription)
            held = _read(beside, Payment, one.account, one.payment) if one.payment else None
            yield from audits.invoice(one, owner, held)
        yield from _numbers(looking, [one.number for one in found], after, look, renew.SERIES)

    return _part(looking, "invoices", look, findings())


def _credit_notes(looking: Looking, after: str | None) -> Part:
    look = looking.look("credit_note", after)
    numbers = [one.number for one in _of(look, CreditNote)]
    return _part(looking, "credit_notes", look, _numbers(looking, numbers, after, look, credit.SERIES))


def _numbers(
    looking: Looking, numbers: list[str], before: str | None, look: Look, series: str
) -> Iterator[Finding]:
    """The gaps of a page's numbers; with the last page, up to the number that is next."""
    last = None
    if look.next is None:
        kept = looking.service.store.find(Series, looking.account, series)
        last = kept.next - 1 if kept else 0
    yield from audits.gaps(numbers, before, last)


def _payments(looking: Looking, after: str | None) -> Part:
    look = looking.look("payment", after)
    found = _of(look, Payment)
    waiting = [one for one in found if one.open]
    beside = looking.load(Invoice, {part.invoice for one in waiting for part in one.allocations})

    def findings() -> Iterator[Finding]:
        for one in waiting:
            owed = [_read(beside, Invoice, one.account, part.invoice) for part in one.allocations]
            yield from audits.payment(one, owed)
        taken = [one for one in found if one.status in audits.TAKEN and one.reference and one.request]
        yield from _uncharged(looking, taken)

    return _part(looking, "payments", look, findings())


def _uncharged(looking: Looking, taken: list[Payment]) -> Iterator[Finding]:
    """The payments of which Stripe knows nothing: one listing for those sent together, one question each for others."""
    if not taken:
        return
    sent = [one.sent_at for one in taken]
    span = Span(since=min(sent) - SKEW, until=max(sent) + SKEW)
    listed = _listed(looking, span, len(taken)) if max(sent) - min(sent) <= NARROW else set()
    for one in taken:
        if one.reference is None or one.reference in listed:
            continue
        try:
            looking.service.gateway.fetch(one.reference)
        except Refused:
            yield audits.uncharged(one)


def _listed(looking: Looking, span: Span, expected: int) -> set[str]:
    """The charges Stripe made in a span: no more pages than asking for each would cost."""
    found: set[str] = set()
    after, pages = None, 0
    while pages < max(1, expected // 10):
        charges, after = looking.service.gateway.charges(after, span)
        found |= {one.reference for one in charges}
        pages += 1
        if after is None:
            break
    return found


def _others(owner: str) -> Section:
    """Records that are only to be awake as long as they wait for something."""

    def section(looking: Looking, after: str | None) -> Part:
        return _part(looking, owner, looking.look(owner, after), ())

    return section


def _events(looking: Looking, after: str | None) -> Part:
    """The facts of a day, or of the days in a row on which there were none."""
    today = looking.at.now.date()
    day, position = _day(looking, after)
    for _ in range(DAYS):
        if day > today + books.DAY:
            return Part()
        look = looking.look(f"event/{day}", position)
        if look.keys:
            part = _part(looking, "events", look, ())
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


def _parked(looking: Looking, after: str | None) -> Part:
    rows, next_ = looking.service.store.parked(looking.account, limit=PAGE, after=after)
    findings = tuple(
        Finding(code=Code.PARKED, subject=_id(row.key), detail=f"After {row.failures} errors: {row.error}")
        for row in rows
    )
    return Part(findings=findings, looked={"parked": len(rows)}, position=next_)


def _part(looking: Looking, kind: str, look: Look, more: Iterable[Finding]) -> Part:
    """What a page of records gives: what is wrong with each by itself and in the schedules, and `more`."""
    found = (*more, *_unreadable(look), *_astray(looking, look))
    return Part(findings=found, looked={kind: len(look.keys)}, position=look.next)


def _unreadable(look: Look) -> Iterator[Finding]:
    for key, trouble in {**look.reading.broken, **look.reading.newer}.items():
        yield Finding(code=Code.UNREADABLE, subject=_id(key), detail=str(trouble))


def _astray(looking: Looking, look: Look) -> Iterator[Finding]:
    """What waits for a moment and does not stand there in the schedules, or should long have been worked."""
    shards = looking.service.settings.wake_shards
    for key, record in look.reading.records.items():
        wake = record.wake
        if wake is None or key in look.reading.parked:
            continue
        stands, wanted = look.reading.stood.get(key), (keys.shard_of(key, wake, shards), keys.stamp(wake.at))
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


# -- against Stripe --------------------------------------------------------------------------------


def _charges(looking: Looking, after: str | None) -> Part:
    """What Stripe has charged. The position begins with whether all of it so far was this account's."""
    alone, _, after = (after or "alone|").partition("|")
    charges, next_ = looking.service.gateway.charges(after or None)
    ours = [one for one in charges if one.metadata.get("account") == looking.account]
    names = {one.metadata.get("payment", "") for one in ours}
    beside = looking.load(Payment, names - {""})

    def findings() -> Iterator[Finding]:
        for one in ours:
            name = one.metadata.get("payment", "a payment without a name")
            yield from audits.charge(one, _read(beside, Payment, looking.account, name), name)

    alone = alone if len(ours) == len(charges) else "shared"
    position = f"{alone}|{next_}" if next_ else f">{alone}|"
    return Part(findings=tuple(findings()), looked={"charges": len(ours)}, position=position)


def _refunds(looking: Looking, after: str | None) -> Part:
    alone, _, after = (after or "alone|").partition("|")
    told, next_ = looking.service.gateway.refunds(after or None)
    ours = [one for one in told if one.metadata.get("account", looking.account) == looking.account]
    payments = _by_reference(looking, [one.intent for one in ours])
    beside = looking.load(Refund, {one.metadata["refund"] for one in ours if "refund" in one.metadata})
    by_reference = _all_by_reference(looking) if any("refund" not in one.metadata for one in ours) else {}

    def findings() -> Iterator[Finding]:
        for one in ours:
            named = _read(beside, Refund, looking.account, one.metadata.get("refund", ""))
            here = named or by_reference.get(one.reference)
            yield from audits.refund(one, here, payments.get(one.intent))

    position = f"{alone}|{next_}" if next_ else f">{alone}|"
    return Part(findings=tuple(findings()), looked={"refunds_at_stripe": len(ours)}, position=position)


def _disputes(looking: Looking, after: str | None) -> Part:
    alone, _, after = (after or "alone|").partition("|")
    told, next_ = looking.service.gateway.disputes(after or None)
    payments = _by_reference(looking, [one.intent for one in told])
    beside = looking.load(Dispute, {one.id for one in told})

    def findings() -> Iterator[Finding]:
        for one in told:
            here = _read(beside, Dispute, looking.account, one.id)
            yield from audits.dispute(one, here, payments.get(one.intent))

    position = f"{alone}|{next_}" if next_ else f">{alone}|"
    return Part(findings=tuple(findings()), looked={"disputes_at_stripe": len(told)}, position=position)


def _by_reference(looking: Looking, intents: list[str]) -> dict[str, Payment]:
    """The account's payments by their charge at Stripe, which carries their names."""
    named = {}
    for intent in dict.fromkeys(one for one in intents if one):
        try:
            about = looking.service.gateway.metadata(intent)
        except Refused:
            continue
        if about.get("account") == looking.account and "payment" in about:
            named[intent] = about["payment"]
    beside = looking.load(Payment, set(named.values()))
    found = {intent: _read(beside, Payment, looking.account, name) for intent, name in named.items()}
    return {intent: one for intent, one in found.items() if one is not None}


def _all_by_reference(looking: Looking) -> dict[str, Refund]:
    """Refunds made at Stripe itself do not carry our name: they are found by Stripe's."""
    rows: dict[str, Refund] = {}
    after = None
    while True:
        look = looking.look("refund", after)
        rows |= {one.reference: one for one in _of(look, Refund) if one.reference}
        after = look.next
        if after is None:
            return rows


# -- against the books -----------------------------------------------------------------------------


def _books(looking: Looking, after: str | None) -> Part:
    """Everything at once, as far as it fits; and Stripe's balance, where nobody else uses it."""
    service, business = looking.service, looking.at.account
    try:
        kept = books.kept(service, business)
    except Invalid as too_large:
        return Part(unchecked=(f"The books: {too_large.detail}",))
    findings = [
        Finding(code=Code.BOOKS_BROKEN, subject=told.partition(" ")[0], detail=told)
        for told in laws.broken(kept)
    ]
    alone = (after or "").partition("|")[0] == "alone"
    if alone:
        findings += _against_balance(looking, books.cash(kept))
    unchecked = () if alone else ("Stripe's balance: others are paid through the same Stripe account.",)
    return Part(findings=tuple(findings), looked={"entries": len(kept.events)}, unchecked=unchecked)


def _against_balance(looking: Looking, cash: dict[str, int]) -> Iterator[Finding]:
    held = {one.currency: one.amount for one in looking.service.gateway.balance()}
    for currency in sorted(held.keys() | cash.keys()):
        there, here = held.get(currency, 0), cash.get(currency, 0)
        if there != here:
            detail = (
                f"Stripe holds or has paid out {there} {currency} (minor units), the cash book has {here}."
            )
            yield Finding(code=Code.BALANCE_DIFFERS, subject=currency, detail=detail)


def _of(look: Look, type_: type[R]) -> list[R]:
    """The records of a page that could be read, in order."""
    found = (look.reading.records.get(key) for key in look.keys)
    return [one for one in found if isinstance(one, type_)]


def _read(reading: Reading, type_: type[R], account: str, id_: str) -> R | None:
    """A record that was read, None also where it cannot be: that is found where it is listed."""
    found = reading.records.get(keys.key(type_, account, id_))
    return found if isinstance(found, type_) else None


def _id(key: str) -> str:
    return key.split("/", 2)[2]


SECTIONS: Final[dict[str, Section]] = {
    "subscriptions": _subscriptions,
    "invoices": _invoices,
    "credit_notes": _credit_notes,
    "payments": _payments,
    "refunds": _others("refund"),
    "setups": _others("setup"),
    "deliveries": _others("delivery"),
    "events": _events,
    "parked": _parked,
    "charges": _charges,
    "refunded": _refunds,
    # "disputes": _disputes,
    "books": _books,
}
