"""End a subscription before its term, or call that off."""

from datetime import date, timedelta
from typing import Final

from chalicelib.billing import boundaries, gaps, proration
from chalicelib.billing.errors import Invalid, WrongState
from chalicelib.billing.events import EventType
from chalicelib.billing.numbering import Series
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account, Moment
from chalicelib.operations import act, credit, publish, renew, standing, tax, tell
from chalicelib.operations.tax import Asked
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset

# Of the hundred of a transaction some are left for a link of the subscription, the account's clock and the request's name.
MAX_ITEMS: Final = 97
REASON: Final = "Canceled"


def subscription(
    service: Service, account: str, id_: str, *, at_period_end: bool = False, on: date | None = None
) -> Subscription:
    """Cancel now, for good, in place of the next billing, or on a local date to come.

    What is owed stays owed, but is not asked for again. Raises NotFound, Invalid, WrongState or Unavailable.
    """
    if at_period_end and on is not None:
        raise Invalid("cancel_ambiguous", "Send at_period_end or a date to cancel on, one of them.", "on")
    if not at_period_end and on is None:
        return _now(service, account, id_)

    def decide(before: Subscription, at: Moment) -> Subscription:
        return boundaries.canceling(before, on, today=before.day(at.now))

    return act.on(service, account, id_, EventType.SUBSCRIPTION_CANCELING, decide)


def _now(service: Service, account: str, id_: str) -> Subscription:
    asked = tax.at_once(service)

    def attempt(name: str) -> Subscription:
        own = [keys.key(Subscription, account, id_), keys.key(Account, account, account)]
        found = service.store.load(account, own)
        before = found.get(Subscription, account, id_)
        if before.extras:
            series = keys.key(Series, account, renew.SERIES)
            found.add(service.store.load(account, [*renew.buyers(before), series]))
        changes, at = Changeset(account, found), Moment(found.get(Account, account, account), service.real())
        return act.committed(service, changes, folded(changes, before, at, asked), at, name)

    return act.once(service, account, id_, attempt)


def folded(changes: Changeset, before: Subscription, at: Moment, asked: Asked) -> Subscription:
    """Fold the end of a subscription today into the changeset, which holds its contact and series where it has extras.

    Nothing is given back; prorated charges that wait are invoiced now, up to today and with it.
    """
    changes.put(before.canceled(at.now))
    _told(changes, before, at)
    put_off = before.paused_on if before.shifts else None
    used = proration.cut(before.extras, put_off or before.day(at.now) + timedelta(days=1), None)
    unpaid = before.status is Status.UNPAID
    renew.charge_rest(changes, changes.get(Subscription, before.id), used, at, asked, unpaid=unpaid)
    return changes.get(Subscription, before.id)


def _told(changes: Changeset, before: Subscription, at: Moment) -> None:
    about = {"contact": before.contact, "subscription": before.id, **tell.given_back(changes)}
    publish.fact(changes, EventType.SUBSCRIPTION_CANCELED, before, about, at)


def with_credit(service: Service, account: str, id_: str) -> Subscription:
    """Cancel now, for good, and give the days that are still to come back, today among them, with their tax.

    Prorated charges that waited for the next invoice are invoiced up to today: the credit pays them first.
    Raises NotFound, Invalid, WrongState or Unavailable.
    """
    asked = tax.at_once(service)

    def attempt(name: str) -> Subscription:
        own = [keys.key(Subscription, account, id_), keys.key(Account, account, account)]
        found = service.store.load(account, own)
        before = found.get(Subscription, account, id_)
        series = [keys.key(Series, account, name) for name in (renew.SERIES, credit.SERIES)]
        found.add(service.store.load(account, [*renew.buyers(before), *series]))
        standing.read(service, before, found)
        changes, at = Changeset(account, found), Moment(found.get(Account, account, account), service.real())
        after = folded_with_credit(changes, before, at, asked)
        return act.committed(service, changes, after, at, name)

    return act.once(service, account, id_, attempt)


def folded_with_credit(changes: Changeset, before: Subscription, at: Moment, asked: Asked) -> Subscription:
    """Fold the end of a subscription today and its credit notes into the changeset, which holds all of its period."""
    # Canceled first: what is then credited settles its arrears, but does not bring it back.
    changes.put(before.canceled(at.now))
    if before.cycle:
        # Of a pause that shifts, the days since it began are still to come.
        put_off = before.paused_on if before.shifts else None
        rest = proration.ended(standing.of(changes, before), put_off or before.day(at.now))
        for invoice, parts in rest.credits:
            credit.fold_wanted(changes, invoice, parts, at, reason=REASON)
        unpaid = before.status is Status.UNPAID
        renew.charge_rest(
            changes, changes.get(Subscription, before.id), rest.extras, at, asked, unpaid=unpaid
        )
    _told(changes, before, at)
    if len(changes) > MAX_ITEMS:
        detail = "This would credit more invoices than can be written together; cancel without credit, and credit them one by one."
        raise WrongState("cancel_too_large", detail)
    return changes.get(Subscription, before.id)


def off(service: Service, account: str, id_: str) -> Subscription:
    """Reactivate it: a planned cancellation does not come. Raises NotFound or WrongState."""

    return act.on(
        service,
        account,
        id_,
        EventType.SUBSCRIPTION_REACTIVATED,
        lambda before, _: gaps.reactivated(before),
    )
