"""Who is sent events: kept in the commit that changes an endpoint, read by whoever fans out."""

from dataclasses import replace
from datetime import datetime

from chalicelib.billing import webhook_deliveries
from chalicelib.billing.events import Event
from chalicelib.billing.webhook_deliveries import WebhookDelivery
from chalicelib.billing.webhooks import Listeners, WebhookEndpoint
from chalicelib.crm.accounts import Account
from chalicelib.store import keys
from chalicelib.store.changes import Changeset


def around(account: str) -> list[str]:
    """The keys of what is written beside an endpoint."""
    return [keys.key(Account, account, account), keys.key(Listeners, account, account)]


def folded(changes: Changeset, after: WebhookEndpoint) -> None:
    """Fold an endpoint into the changeset, with what says that it is sent events, or is not; both were read."""
    changes.put(after)
    before = changes.find(Listeners, after.account) or Listeners(account=after.account, id=after.account)
    listeners = before.with_(after)
    if listeners == before:
        return
    changes.put(listeners)
    business = changes.get(Account, after.account)
    if business.listeners != listeners.types:
        changes.put(replace(business, listeners=listeners.types))


def delivery_of(event: Event, endpoint: str, real: datetime, *, again: bool = False) -> WebhookDelivery:
    """An event's delivery to an endpoint, to be sent now."""
    return WebhookDelivery(
        account=event.account,
        id=webhook_deliveries.name_of(event.id, endpoint),
        event=event.id,
        endpoint=endpoint,
        type=event.type.value,
        subject=event.subject,
        created_at=event.created_at,
        expires_at=real + webhook_deliveries.KEPT_FOR,
        send_at=real,
        again=again,
    )
