"""Change one subscription because a person asks: read, let the core decide, commit with the fact, and see to what is due by it."""

from collections.abc import Callable

from chalicelib.billing.events import EventType
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account, Moment
from chalicelib.operations import publish, tell
from chalicelib.operations.together import nudge, retried
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.bookkeeping import Alias
from chalicelib.store.changes import Changeset

Decide = Callable[[Subscription, Moment], Subscription]
# Stands for what a request did, so that its repetition finds it.
REQUEST = "req_"


def on(service: Service, account: str, id_: str, type_: EventType, decide: Decide) -> Subscription:
    """A subscription as it was decided, written with its fact; one that stays as it was is not written.

    Raises NotFound, and what the decision raises.
    """

    def attempt(asked: str) -> Subscription:
        found = service.store.load(
            account, [keys.key(Subscription, account, id_), keys.key(Account, account, account)]
        )
        before = found.get(Subscription, account, id_)
        at = Moment(found.get(Account, account, account), service.real())
        changes = Changeset(account, found)
        after = folded(changes, before, type_, decide, at)
        return committed(service, changes, after, at, asked) if len(changes) else before

    return once(service, account, id_, attempt)


def once(service: Service, account: str, id_: str, attempt: Callable[[str], Subscription]) -> Subscription:
    """Do a request's act on a subscription, given the name that `committed` writes down with it.

    Where an earlier try of the same request got through, the subscription is told as it stands: whatever became of it
    since, the act is not done again, nor refused because it was done.
    """
    asked = service.new_id(REQUEST)

    def unless_done() -> Subscription:
        if service.store.find(Alias, account, asked):
            return service.store.get(Subscription, account, id_)
        return attempt(asked)

    return retried(unless_done)


def folded(
    changes: Changeset, before: Subscription, type_: EventType, decide: Decide, at: Moment
) -> Subscription:
    """Fold a subscription as it is decided into the changeset, with its fact; nothing where it stays as it was."""
    after = decide(before, at)
    if after != before:
        changes.put(after)
        about = {"contact": before.contact, "subscription": before.id}
        if type_ is EventType.SUBSCRIPTION_CHANGED:
            tell.changed(changes, before, after, about, at)
        else:
            publish.fact(changes, type_, before, about, at)
    return after


def committed(
    service: Service, changes: Changeset, after: Subscription, at: Moment, asked: str
) -> Subscription:
    """Commit a changeset that holds a subscription, with the name of the request that `asked` for it.

    What is due by that is seen to at once, by the account's own clock too.
    """
    changes.put(Alias(account=after.account, id=asked, target=after.id))
    business = at.account
    if business.clock is not None and any(at.awake(one.wake) for one in changes.changed.values()):
        business = business.catching_up()
        changes.put(business)
    written = service.store.commit(changes)
    nudge(service, business, written.unparked())
    return written.get(Subscription, after.account, after.id)
