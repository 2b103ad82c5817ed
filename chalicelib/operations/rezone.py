"""Bill an account by another zone or hour, or remind by another notice: its subscriptions follow, page by page, each keeping its local dates.

Where the work has come to is written on the account, which stays awake until it is done: who is cut off is followed by
another, and who sees to a subscription twice finds it as it should be.
"""

import time
from dataclasses import replace

from chalicelib.billing.events import EventType
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account, Moment
from chalicelib.operations import advance, publish
from chalicelib.operations.together import nudge, standing, work
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, Conflict

PAGE = 100
BUDGET_SECONDS = 20


def then_clocks(service: Service, account: str, names: list[str], *, page: int = PAGE) -> None:
    """What an account itself waits for: that its subscriptions follow its zone, and then that its clock goes on."""
    began = time.monotonic()
    business = standing(service, account)
    while business is not None and _walks(business, service):
        if time.monotonic() - began > BUDGET_SECONDS:
            nudge(service, business, [business])
            return
        business = _walked(service, business, page)
    if business is not None and business.clock is not None:
        advance.clocks(service, account, names)


def _walks(business: Account, service: Service) -> bool:
    return business.rezoning is not None and business.rezoning.walk_at <= service.real()


def _walked(service: Service, business: Account, size: int) -> Account | None:
    """See to the next subscriptions by id, and write down how far that is."""
    after = business.rezoning.after if business.rezoning else None
    names, next_ = service.store.listed(f"{business.id}/subscription", limit=size, after=after)
    seen_to = subscriptions(service, business.id, names)
    return _kept(service, business, next_, missed=not seen_to.issuperset(names))


def subscriptions(service: Service, account: str, names: list[str]) -> set[str]:
    """Bill each by its account's zone and hour, and remind by its notice; returns those (keys) that do so now."""
    real = service.real()
    seen_to: set[str] = set()

    def decide(changes: Changeset, name: str) -> None:
        seen_to.discard(name)
        before, business = changes.at(name), changes.get(Account, account)
        if not isinstance(before, Subscription):
            return
        if (after := _follows(before, business)) == before:
            seen_to.add(name)
            return
        changes.put(after)
        about = {"contact": before.contact, "subscription": before.id}
        at = Moment(business, real)
        # Its dates and amounts stay: nobody is written to about an hour.
        publish.fact(changes, EventType.SUBSCRIPTION_CHANGED, before, about, at, told=False)

    known = work(service, account, names, decide, items_each=2)
    return seen_to | known.written


def _follows(subscription: Subscription, business: Account) -> Subscription:
    if not subscription.billable:
        return subscription
    moved = subscription.rezoned(business.zone, business.billing_hour)
    return replace(moved, reminder_days=business.reminder_days)


def _kept(service: Service, business: Account, after: str | None, *, missed: bool) -> Account | None:
    """Write down how far the walk is; at its end a clock of the account's own is to see to what is due by it."""
    changes = Changeset(business.id, service.store.load(business.id, [keys.key_of(business)]))
    walked = business.walked(after, service.real(), missed=missed)
    changes.put(walked if after else walked.catching_up())
    try:
        return service.store.commit(changes).get(Account, business.id, business.id)
    except Conflict:
        return standing(service, business.id)  # it changed meanwhile: go on by what it says now
