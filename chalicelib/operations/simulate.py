"""Foretell what a subscription will do up to a day, by the code that will do it; nothing is written or charged."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TypeVar

from chalicelib.billing import periods
from chalicelib.billing.errors import Invalid, WrongState
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.numbering import Series, name_of
from chalicelib.billing.payments import Payment
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account, Moment
from chalicelib.crm.contacts import PaymentMethod
from chalicelib.operations import assume, collect, renew, subscribe, tax
from chalicelib.operations import change as alter
from chalicelib.operations import draft as drafts
from chalicelib.operations import order as read
from chalicelib.operations.assume import LAST_YEAR, Assumption
from chalicelib.operations.order import Order
from chalicelib.operations.rehearse import Happening, Rehearsal
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, Reading

R = TypeVar("R")
YEARS_AHEAD = 50
MOST_ASSUMPTIONS = 50
# What is told has at most about so many happenings and invoice lines: more would not fit an answer.
MOST_TOLD = 5000
# Invoices of an outage or of slow banks that may still be on their way, besides those in arrears.
LATEST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """All that happens up to `until_at`, in order, and the records as they are then.

    Where it would be too much to tell it is not `complete`, and ends earlier than was asked for. The numbers of
    `invoices` are those they would have if nobody else was billed.
    """

    until_at: datetime
    complete: bool
    subscription: Subscription
    happenings: tuple[Happening, ...]
    invoices: tuple[Invoice, ...]
    payments: tuple[Payment, ...]


def subscription(
    service: Service,
    account: str,
    id_: str,
    until: date | datetime,
    assumptions: Sequence[Assumption] = (),
) -> Simulation:
    """What a subscription will do up to the end of a local day, or to a moment. Raises NotFound, Invalid or Unavailable."""
    real = service.real()
    reading = Reading()
    for one in assumptions:
        if one.change is not None:
            reading.add(alter.read(service, account, id_, one.change)[0].before)
    reading.add(_read(service, account, id_, assumptions))
    business = reading.get(Account, account, account)
    reading.get(Subscription, account, id_)
    return lived(Rehearsal(reading, business, real, asked=tax.at_once(service)), id_, until, assumptions)


def draft(
    service: Service,
    account: str,
    order: Order,
    until: date | datetime,
    assumptions: Sequence[Assumption] = (),
) -> Simulation:
    """What the one subscription of an order would do if it was sold now. Raises NotFound, Invalid or Unavailable."""
    for n, one in enumerate(assumptions):
        if one.change is not None:
            detail = "What is not sold is not changed: write the draft as it is to be."
            raise Invalid("change_of_draft", detail, f"assume[{n}].change")
    real, asked = service.real(), tax.at_once(service)
    reading = read.load(service, account, order)
    reading.add(service.store.load(account, _beside(account, assumptions)))
    at = Moment(reading.get(Account, account, account), real)
    made = drafts.drafted(reading, at, order, read.ids(service, order), asked)

    def sold(changes: Changeset, at: Moment) -> Iterable[Payment]:
        subscribe.folded(changes, made, at)
        return ()

    rehearsal = Rehearsal(reading, at.account, real, asked=asked)
    rehearsal.do(sold)
    return lived(rehearsal, made.subscriptions[0].id, until, assumptions)


def upcoming(service: Service, account: str, id_: str) -> Invoice:
    """The next invoice as it will be if every payment succeeds; its number is given when it is issued, and empty here.

    Raises NotFound, or WrongState where none is to come.
    """
    real = service.real()
    reading = _read(service, account, id_)
    before, business = reading.get(Subscription, account, id_), reading.get(Account, account, account)
    rehearsal = Rehearsal(reading, business, real, asked=tax.at_once(service))
    rehearsal.until(_bound(rehearsal.now), enough=lambda: bool(rehearsal.invoices))
    coming = next(iter(rehearsal.invoices.values()), None)
    if coming is None:
        detail = f"No invoice is to come: the subscription {_why_none(before)}."
        raise WrongState("no_upcoming_invoice", detail)
    return replace(coming, number="")


def _why_none(before: Subscription) -> str:
    if before.record_only:
        return "is only a record: its invoices are made elsewhere"
    if not before.billable:
        return f"is {before.status}"
    if before.paused_on is not None and before.resume_on is None:
        return "is paused until it is resumed"
    if before.ends_first:
        return f"ends on {before.ends_on}, before another is due"
    return "has been billed for its whole term"


def lived(
    rehearsal: Rehearsal, id_: str, until: date | datetime, assumptions: Sequence[Assumption]
) -> Simulation:
    """A rehearsal of one subscription, lived to the end of a local day or to a moment. Raises Invalid."""
    until_at = _until(rehearsal, until)
    for n, assumption in enumerate(assumptions):
        assume.folded(rehearsal, assumption, id_, f"assume[{n}]")
    rehearsal.until(until_at, enough=lambda: len(rehearsal.happenings) + rehearsal.lines >= MOST_TOLD)
    complete = len(rehearsal.happenings) + rehearsal.lines < MOST_TOLD
    return Simulation(
        until_at=until_at if complete else rehearsal.now,
        complete=complete,
        subscription=rehearsal.reading.get(Subscription, rehearsal.account.id, id_),
        happenings=tuple(rehearsal.happenings),
        invoices=_records(rehearsal, rehearsal.invoices, Invoice),
        payments=_records(rehearsal, rehearsal.payments, Payment),
    )


def _records(rehearsal: Rehearsal, names: Iterable[str], type_: type[R]) -> tuple[R, ...]:
    found = (rehearsal.reading.records[key] for key in names)
    return tuple(record for record in found if isinstance(record, type_))


# -- until when --------------------------------------------------------------------------------------


def _until(rehearsal: Rehearsal, until: date | datetime) -> datetime:
    zone, last = rehearsal.account.zone, _bound(rehearsal.now)
    if not isinstance(until, datetime):
        if until.year > LAST_YEAR:
            raise _too_far(last)
        until = periods.moment(until + timedelta(days=1), 0, zone) - timedelta(milliseconds=1)
    if until < rehearsal.now:
        detail = f"The account's time is {rehearsal.now:%Y-%m-%dT%H:%M:%SZ}; choose a later day or moment."
        raise Invalid("until_in_the_past", detail, "until")
    if until > last:
        raise _too_far(last)
    return until


def _bound(now: datetime) -> datetime:
    return min(now + timedelta(days=YEARS_AHEAD * 366), now.replace(year=LAST_YEAR + 1, month=1, day=1))


def _too_far(last: datetime) -> Invalid:
    return Invalid("until_too_far", f"Choose a day up to {last:%Y-%m-%d}.", "until")


# -- what is read --------------------------------------------------------------------------------------


def _read(service: Service, account: str, id_: str, assumptions: Sequence[Assumption] = ()) -> Reading:
    """All that the subscription's days ahead may touch: its account, contact and series, and what it owes already."""
    wanted = [keys.key(Subscription, account, id_), *_beside(account, assumptions)]
    reading = service.store.load(account, wanted)
    found = reading.get(Subscription, account, id_)
    latest = (name_of(found.id, n) for n in range(max(0, found.ordinal - LATEST), found.ordinal))
    owed = [keys.key(Invoice, account, name) for name in dict.fromkeys((*found.arrears, *latest))]
    reading.add(service.store.load(account, [*renew.buyers(found), *owed]))
    reading.add(service.store.load(account, list(collect.beside_retries(reading))))
    return _with_payments(service, reading, account)


def _beside(account: str, assumptions: Sequence[Assumption]) -> list[str]:
    methods = {one.payment_method for one in assumptions if one.payment_method}
    wanted = [keys.key(Account, account, account), keys.key(Series, account, renew.SERIES)]
    return wanted + [keys.key(PaymentMethod, account, method) for method in methods]


def _with_payments(service: Service, reading: Reading, account: str) -> Reading:
    """The open payments of what is owed too, and whatever else those pay."""
    owed = [one for one in reading.records.values() if isinstance(one, Invoice)]
    open_ = [keys.key(Payment, account, one.payment) for one in owed if one.payment]
    if open_:
        reading.add(service.store.load(account, open_))
        paid = [one for one in reading.records.values() if isinstance(one, Payment)]
        others = [keys.key(Invoice, account, part.invoice) for one in paid for part in one.allocations]
        reading.add(service.store.load(account, [key for key in others if key not in reading.records]))
    return reading
