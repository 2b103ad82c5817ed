"""End a subscription before its term."""

from chalicelib.billing.events import EventType
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account, Moment
from chalicelib.operations import publish
from chalicelib.operations.together import retried
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset


def subscription(service: Service, account: str, id_: str, *, at_period_end: bool) -> Subscription:
    """Cancel now, for good, or in place of the next billing. What is owed stays owed, but is not asked for again.

    Raises NotFound or WrongState.
    """

    def attempt() -> Subscription:
        found = service.store.load(
            account, [keys.key(Subscription, account, id_), keys.key(Account, account, account)]
        )
        before = found.get(Subscription, account, id_)
        at = Moment(found.get(Account, account, account), service.real())
        changes = Changeset(account, found)
        changes.put(before.canceling() if at_period_end else before.canceled(at.now))
        type_ = EventType.SUBSCRIPTION_CANCELING if at_period_end else EventType.SUBSCRIPTION_CANCELED
        publish.fact(changes, type_, before, {"contact": before.contact, "subscription": id_}, at)
        return service.store.commit(changes).get(Subscription, account, id_)

    return retried(attempt)
