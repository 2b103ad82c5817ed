"""Bill the next cycle of subscriptions whose date has come, or remind of it: records only, no I/O besides."""

from chalicelib.billing import invoices
from chalicelib.billing.events import EventType
from chalicelib.billing.invoices import Invoice, Series
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account, Moment
from chalicelib.operations import publish
from chalicelib.operations.together import work
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, Reading

SERIES = "invoice"


def subscriptions(service: Service, account: str, names: list[str]) -> Reading:
    """Take each awake subscription one step on: one cycle billed, one reminder recorded, or its end."""
    real = service.real()

    def decide(changes: Changeset, name: str) -> None:
        subscription = changes.at(name)
        at = Moment(changes.get(Account, account), real)
        if isinstance(subscription, Subscription) and at.awake(subscription.wake):
            _step(changes, subscription, at)

    series = keys.key(Series, account, SERIES)
    return work(service, account, names, decide, items_each=3, beside=lambda _: (series,))


def _step(changes: Changeset, subscription: Subscription, at: Moment) -> None:
    if at.now < subscription.next_at:
        changes.put(subscription.reminded_of_next())
        if not subscription.chargeable:
            return
        publish.fact(changes, EventType.INVOICE_UPCOMING, subscription, _about(subscription), at)
    elif subscription.cancel_at_period_end:
        changes.put(subscription.canceled(at.now))
        publish.fact(changes, EventType.SUBSCRIPTION_CANCELED, subscription, _about(subscription), at)
    elif subscription.at_its_end:
        changes.put(subscription.expired(at.now))
        publish.fact(changes, EventType.SUBSCRIPTION_EXPIRED, subscription, _about(subscription), at)
    else:
        _bill(changes, subscription, at)


def _bill(changes: Changeset, subscription: Subscription, at: Moment) -> None:
    """Issue the cycle's invoice under the next number: both are written in one transaction, so none is lost."""
    series = changes.find(Series, SERIES) or Series(
        account=at.account.id, id=SERIES, prefix=at.account.invoice_prefix
    )
    invoice = invoices.invoice_of(subscription, series.number, at.now)
    if changes.find(Invoice, invoice.id) is not None:
        raise AssertionError(f"{invoice.id} exists, but {subscription.id} has not moved on")
    changes.put(series.advanced(), invoice, subscription.renewed())
    about = _about(subscription) | {"invoice": invoice.id}
    publish.fact(changes, EventType.INVOICE_OPENED, invoice, about, at)


def _about(subscription: Subscription) -> dict[str, str]:
    return {"contact": subscription.contact, "subscription": subscription.id}
