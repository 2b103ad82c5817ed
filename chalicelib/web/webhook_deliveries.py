"""Webhook deliveries: each event for each endpoint, and what became of it."""

from chalicelib.billing.events import Event
from chalicelib.billing.webhook_deliveries import WebhookDelivery, WebhookStatus
from chalicelib.billing.webhooks import WebhookEndpoint
from chalicelib.operations import resend as again
from chalicelib.store import keys
from chalicelib.web.endpoint import Call
from chalicelib.web.paging import Paging, cursor
from chalicelib.web.shown import Listed

LOOKED_AT = 100
MOST_LOOKS = 10


class WebhookDeliveryPaging(Paging, frozen=True):
    """Which part of the list, or of those of one status."""

    status: WebhookStatus | None = None


def of_endpoint(call: Call, id_: str, query: WebhookDeliveryPaging) -> Listed[WebhookDelivery]:
    """The deliveries to an endpoint, newest event first. With a `status` a page may be short, even empty: go on while `has_more`."""
    call.service.store.get(WebhookEndpoint, call.account.id, id_)
    return _of_endpoint(call, query, f"{call.account.id}/{id_}/webhook_delivery")


def of_event(call: Call, id_: str) -> Listed[WebhookDelivery]:
    """The deliveries of an event to the endpoints there are, enabled or not; those to a deleted one are in its own list."""
    call.service.store.get(Event, call.account.id, id_)
    found = call.service.store.owned(f"{call.account.id}/webhook_endpoint", limit=LOOKED_AT).records
    return Listed(again.of_event(call.service, call.account.id, id_, [one.id for one in found]), None)


def get(call: Call, id_: str) -> WebhookDelivery:
    """A delivery."""
    return call.get(WebhookDelivery, id_)


def resend(call: Call, id_: str) -> WebhookDelivery:
    """Send an event to an endpoint again, also one that was accepted, under the same `webhook-id`."""
    return again.delivery(call.service, call.account.id, id_)


def resend_event(call: Call, id_: str) -> Listed[WebhookDelivery]:
    """Send an event again to every enabled endpoint that wants its type, under the same `webhook-id`."""
    return Listed(again.event(call.service, call.account.id, id_), None)


def _of_endpoint(call: Call, query: WebhookDeliveryPaging, owner: str) -> Listed[WebhookDelivery]:
    limit = query.limit if query.status is None else LOOKED_AT
    found: list[WebhookDelivery] = []
    position = query.position
    for _ in range(MOST_LOOKS):
        page = call.service.store.look(owner, limit=limit, after=position)
        for key in page.keys:
            one = page.reading.records.get(key)
            if not isinstance(one, WebhookDelivery):
                continue
            position = _position(one)
            found += [one] if query.status in (None, one.status) else []
            if len(found) == query.limit:
                return Listed(found, cursor(position) if page.next or key != page.keys[-1] else None)
        position = page.next
        if position is None:
            break
    return Listed(found, cursor(position))


def _position(one: WebhookDelivery) -> str:
    return keys.place(keys.BY_TYPE[WebhookDelivery].position, one)
