"""Collect a subscription in another way, or by other terms, because a person wants it so."""

from chalicelib.billing import ways
from chalicelib.billing.collection import Method
from chalicelib.billing.events import EventType
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.ways import Terms
from chalicelib.crm.accounts import Moment
from chalicelib.crm.contacts import PaymentMethod
from chalicelib.operations import act, attach
from chalicelib.service import Service
from chalicelib.store.changes import Changeset


def subscription(
    service: Service, account: str, id_: str, terms: Terms, method: str | None = None
) -> Subscription:
    """Later invoices are collected so; with a `method` it is charged on that, and asked at once for what is overdue.

    What was sent and is not overdue yet stays due by its own terms. Raises NotFound, Invalid or WrongState.
    """

    def decide(before: Subscription, at: Moment, method: Method | None = None) -> Subscription:
        return ways.switched(before, terms, method, online=at.account.accept_online)

    if method is None:
        return act.on(service, account, id_, EventType.SUBSCRIPTION_CHANGED, decide)

    def prepared(changes: Changeset, before: Subscription, saved: PaymentMethod, at: Moment) -> Subscription:
        named = Method(id=saved.id, customer=saved.customer, label=saved.label, type=saved.type)
        changed = EventType.SUBSCRIPTION_CHANGED
        return act.folded(changes, before, changed, lambda before, at: decide(before, at, named), at)

    return attach.to_subscription(service, account, id_, method, prepared)
