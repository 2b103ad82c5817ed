"""Look through all of an account: its records by themselves, against Stripe, and against its books.

An audit is walked in steps, a page of one section each, so that it may be left and gone on with. A step that finds something
is taken again after a moment: what is no longer so was a change seen half done.
"""

import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Final

from chalicelib.billing.audits import Audit, Part
from chalicelib.billing.errors import Invalid
from chalicelib.billing.gateway import Unavailable
from chalicelib.billing.wake import Topic
from chalicelib.crm.accounts import HOUSE, Account, Moment
from chalicelib.operations import audit_records as records
from chalicelib.operations import audit_stripe as stripe
from chalicelib.operations.audit_records import Looking, Section
from chalicelib.operations.together import tried, work
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, Conflict

log = logging.getLogger("perennial")

EVERY: Final = timedelta(hours=20)
"""An account that was audited since is left for the next day's schedule."""
LATER: Final = timedelta(minutes=5)
"""An audit that Stripe keeps waiting goes on then."""
SECONDS: Final = 20
"""How long a worker walks before it leaves the rest to the next."""
PAUSE_SECONDS: Final = 0.2
LAST: Final = "last"
FOUND: Final = "audit found something"


def account(service: Service, account: str) -> Audit:
    """All of it, as it is now; nothing is written. Raises NotFound, Unavailable."""
    made = begun(service, account)
    while made.completed_at is None:
        made = step(service, made)
    return made


def begun(service: Service, account: str, after: str | None = None) -> Audit:
    """An audit of which nothing has been looked at, or that goes on after a place."""
    return Audit(account=account, id=LAST, started_at=service.real(), after=after)


def accounts(service: Service) -> int:
    """Have every account audited that has not been since yesterday; returns how many."""
    return sum(_ordered(service, id_) for id_ in _accounts(service))


def _accounts(service: Service) -> Iterator[str]:
    after = None
    while True:
        found, after = service.store.listed(f"{HOUSE}/account", limit=records.PAGE, after=after)
        yield from map(keys.account_of, found)
        if after is None:
            return


def _ordered(service: Service, account: str) -> bool:
    """Write down that an account is to be audited, and send it to a worker."""
    real = service.real()
    name = keys.key(Audit, account, LAST)
    found = service.store.load(account, [name])
    if not tried(service, name, found, lambda: found.find(Audit, account, LAST)):
        return False
    kept = found.find(Audit, account, LAST)
    if kept is not None and (kept.completed_at is None or real - kept.started_at < EVERY):
        return False
    made = replace(begun(service, account), version=kept.version if kept else 0)
    changes = Changeset(account)
    changes.put(made)
    try:
        service.store.commit(changes)
    except Conflict:
        return False
    service.queue.send_many([(Topic.RECONCILIATION, account, [keys.key_of(made)])])
    return True


def go_on(service: Service, account: str, names: list[str]) -> None:
    """Walk audits on as far as the time reaches; the last step keeps what was found, and tells the log."""
    began, stepped = time.monotonic(), False

    def decide(changes: Changeset, name: str) -> None:
        nonlocal stepped
        made = changes.at(name)
        if stepped or not isinstance(made, Audit) or made.completed_at is not None:
            return
        stepped = True
        try:
            while made.completed_at is None and time.monotonic() - began < SECONDS:
                made = step(service, made)
        except Unavailable:
            made = made.put_off(service.real() + LATER)
        changes.put(made)

    known = work(service, account, names, decide, items_each=1)
    for name in known.written:
        if isinstance(made := known.records[name], Audit) and made.completed_at is not None:
            _tell(made)


def _tell(made: Audit) -> None:
    told = {"account": made.account, "found": made.found, "looked": made.looked, "unchecked": made.unchecked}
    if made.found:
        told |= {"first": [f"{one.code} {one.subject}: {one.detail}" for one in made.findings[:10]]}
        log.error(FOUND, extra=told)
    else:
        log.info("audit found nothing", extra=told)


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
        raise Invalid("not_a_cursor", "Send the `next` of the answer before, as it is.", "after")
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


SECTIONS: Final[dict[str, Section]] = {
    "subscriptions": records.subscriptions,
    "invoices": records.invoices,
    "credit_notes": records.credit_notes,
    "payments": stripe.payments,
    "refunds": records.others("refund", "refunds"),
    "setups": records.others("setup", "setups"),
    "deliveries": records.others("delivery", "deliveries"),
    "events": records.events,
    "parked": records.parked,
    "charges": stripe.charges,
    "refunded": stripe.refunds,
    "disputes": stripe.disputes,
    "books": stripe.against_books,
}
