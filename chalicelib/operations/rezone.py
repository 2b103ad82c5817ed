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
from chalicelib.operations.together import nudge, work
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, Conflict

PAGE = 100
BUDGET_SECONDS = 20


def then_clocks(service: Service, account: str, names: list[str], *, page: int = PAGE) -> None:
    """What an account itself waits for: that its subscriptions follow its zone, and then that its clock goes on."""
    began = time.monotonic()
    business = service.store.find(Account, account, account)
    while business is not None and _walks(business, service):
        if time.monotonic() - began > BUDGET_SECONDS:
            nudge(service, business, [business])
            return
        business = _walked(service, business, page)
    if business is not None and business.clock is not None:
        advance.clocks(service, account, names)


def _walks(business: Account, service: Service) -> bool:
    return business.rezoning is not None and business.rezoning.walk_at <= service.real()


def _walked(service: Service, business: Account, size: int) -> Account:
    """See to the next subscriptions by id, and write down how far that is."""
    walk = business.rezoning
    page = service.store.owned(
        f"{business.id}/subscription",
        limit=size,
        after=walk.after if walk else None,
        newest_first=False,
    )
    behind = [
        keys.key_of(record)
        for record in page.records
        if isinstance(record, Subscription) and _follows(record, business) != record
    ]
    subscriptions(service, business.id, behind)
    return _kept(service, business, page.next)


def subscriptions(service: Service, account: str, names: list[str]) -> None:
    """Bill each by its account's zone and hour, and remind by its notice."""
    real = service.real()

    def decide(changes: Changeset, name: str) -> None:
        before, business = changes.at(name), changes.get(Account, account)
        if not isinstance(before, Subscription) or (after := _follows(before, business)) == before:
            return
        changes.put(after)
        about = {"contact": before.contact, "subscription": before.id}
        at = Moment(business, real)
        # Its dates and amounts stay: nobody is written to about an hour.
        publish.fact(changes, EventType.SUBSCRIPTION_CHANGED, before, about, at, told=False)

    work(service, account, names, decide, items_each=2)


def _follows(subscription: Subscription, business: Account) -> Subscription:
    if not subscription.billable:
        return subscription
    moved = subscription.rezoned(business.zone, business.billing_hour)
    return replace(moved, reminder_days=business.reminder_days)


def _kept(service: Service, business: Account, after: str | None) -> Account:
    """Write down how far the walk is; at its end a clock of the account's own is to see to what is due by it."""
    changes = Changeset(business.id, service.store.load(business.id, [keys.key_of(business)]))
    walked = business.walked(after, service.real())
    changes.put(walked if after else walked.catching_up())
    try:
        return service.store.commit(changes).get(Account, business.id, business.id)
    except Conflict:
        return service.store.get(
            Account, business.id, business.id
        )  # it changed meanwhile: go on by what it says now
