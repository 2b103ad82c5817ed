"""Webhook endpoints: where events are sent, signed as standardwebhooks.com says."""

from datetime import timedelta
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from chalicelib.billing.webhook_deliveries import WebhookDelivery
from chalicelib.billing.webhooks import WebhookEndpoint
from chalicelib.operations import listen
from chalicelib.web.bodies import Body, Moment, OneLine
from chalicelib.web.endpoint import Call
from chalicelib.web.paging import Paging, owned
from chalicelib.web.shown import Beside, Listed, Secret

Url = Annotated[str, Meta(max_length=500, examples=["https://hooks.example.com/perennial"])]
Types = Annotated[
    tuple[OneLine, ...], Meta(max_length=100, examples=[["invoice.opened", "payment.succeeded"]])
]


class NewWebhookEndpoint(Body, frozen=True):
    """Where to send events, and which: their types, or `*` for all."""

    url: Url
    events: Types = ("*",)
    description: OneLine = ""


class WebhookEndpointChange(Body, frozen=True):
    """What is to be other; what is left out stays as it is."""

    url: Url | UnsetType = UNSET
    events: Types | UnsetType = UNSET
    description: OneLine | UnsetType = UNSET


class Rotation(Body, frozen=True):
    """How many hours the former secret goes on signing beside the new one, at most 168."""

    expires_in_hours: Annotated[int, Meta(ge=0, le=168)] = 24


class Since(Body, frozen=True):
    """The moment, on the account's clock, of the first event to be sent again."""

    since: Moment


def list_(call: Call, query: Paging) -> Listed[WebhookEndpoint]:
    """All endpoints, newest first."""
    return owned(call.service, WebhookEndpoint, f"{call.account.id}/webhook_endpoint", query)


def create(call: Call, body: NewWebhookEndpoint) -> Beside[WebhookEndpoint, Secret]:
    """Send events to an endpoint from now on; `secret` is what proves them, shown this once."""
    made = listen.endpoint(
        call.service, call.account.id, url=body.url, types=body.events, description=body.description
    )
    return _with_secret(call, made)


def get(call: Call, id_: str) -> WebhookEndpoint:
    """An endpoint."""
    return listen.living(call.reading, call.account.id, id_)


def update(call: Call, id_: str, body: WebhookEndpointChange) -> WebhookEndpoint:
    """Change where events are sent, or which; what waits goes to the new place."""
    given = {name: value for name in body.__struct_fields__ if (value := getattr(body, name)) is not UNSET}
    return listen.change(call.service, call.account.id, id_, **given)


def delete(call: Call, id_: str) -> WebhookEndpoint:
    """Send nothing more to an endpoint, and take it from the list."""
    return listen.delete(call.service, call.account.id, id_)


def enable(call: Call, id_: str) -> WebhookEndpoint:
    """Send to a disabled endpoint what happens from now on; `/resend` sends what it missed."""
    return listen.enable(call.service, call.account.id, id_)


def disable(call: Call, id_: str) -> WebhookEndpoint:
    """Send nothing more to an endpoint until it is enabled."""
    return listen.disable(call.service, call.account.id, id_)


def rotate_secret(call: Call, id_: str, body: Rotation) -> Beside[WebhookEndpoint, Secret]:
    """Give an endpoint another `secret`, shown this once. For a while the former one signs too."""
    overlap = timedelta(hours=body.expires_in_hours)
    return _with_secret(call, listen.rotate(call.service, call.account.id, id_, overlap))


def test(call: Call, id_: str) -> WebhookDelivery:
    """Send an endpoint a `webhook_endpoint.tested` event; ask for the delivery to see what it answered."""
    return listen.test(call.service, call.account.id, id_)


def resend(call: Call, id_: str, body: Since) -> WebhookEndpoint:
    """Send an endpoint every event since a moment that it wants and has not accepted, oldest first, one at a time."""
    return listen.resend(call.service, call.account.id, id_, body.since)


def _with_secret(call: Call, endpoint: WebhookEndpoint) -> Beside[WebhookEndpoint, Secret]:
    newest = listen.secrets(call.service.settings, endpoint, call.service.real())[0]
    return Beside(endpoint, Secret(secret=newest))
