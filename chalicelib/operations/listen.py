"""Have events sent to endpoints: make them, change them, give them another secret, switch them off and on, test them.

Whoever fans out finds the enabled ones in one record, and whoever states a fact finds in the account whether there are any
for its type: both are kept in the commit that changes an endpoint.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from chalicelib.adapters.signatures import webhook_secret
from chalicelib.billing import events, webhook_deliveries
from chalicelib.billing.errors import Invalid, WrongState
from chalicelib.billing.events import Event, EventType
from chalicelib.billing.webhook_deliveries import WebhookDelivery
from chalicelib.billing.webhooks import ALL, MOST_ENDPOINTS, DisabledReason, Listeners, WebhookEndpoint
from chalicelib.crm.accounts import Account, Moment
from chalicelib.crm.hooks import target
from chalicelib.operations.act import REQUEST
from chalicelib.operations.listeners import around, delivery_of, folded
from chalicelib.operations.together import nudge, retried
from chalicelib.service import Service
from chalicelib.settings import Settings
from chalicelib.store import keys
from chalicelib.store.bookkeeping import Alias
from chalicelib.store.changes import Changeset, Reading, not_found

Decide = Callable[[WebhookEndpoint, Moment], WebhookEndpoint]
Also = Callable[[Changeset, WebhookEndpoint, Moment], None]
PREFIX = "we_"


def endpoint(
    service: Service, account: str, *, url: str, types: tuple[str, ...], description: str
) -> WebhookEndpoint:
    """Send an account's events of some types, or all (`*`), to a URL from now on. Raises Invalid or WrongState."""
    target(url, open_=service.settings.hooks_open)
    made = WebhookEndpoint(
        account=account,
        id=service.new_id(PREFIX),
        url=url,
        events=checked(types),
        description=description,
        created_at=service.real(),
    )

    def attempt() -> WebhookEndpoint:
        changes = Changeset(account, service.store.load(account, around(account)))
        listeners = changes.find(Listeners, account)
        if listeners is not None and len(listeners.endpoints) >= MOST_ENDPOINTS:
            raise _too_many()
        folded(changes, made)
        return service.store.commit(changes).get(WebhookEndpoint, account, made.id)

    return retried(attempt)


def checked(types: tuple[str, ...]) -> tuple[str, ...]:
    """The types as they are kept: in order, each once. Raises Invalid on one there is not."""
    known = {type_.value for type_ in EventType}
    for n, name in enumerate(types):
        if name != ALL and name not in known:
            detail = f"There is no event {name[:80]!r}; send `*` for all, or whole names of EventType in GET /openapi.json."
            raise Invalid("unknown_event_type", detail, f"events[{n}]")
    if not types:
        raise Invalid("events_missing", "Name at least one type of event, or `*` for all.", "events")
    return (ALL,) if ALL in types else tuple(sorted(set(types)))


def change(service: Service, account: str, id_: str, **given: Any) -> WebhookEndpoint:
    """Change an endpoint's `url`, `events` or `description`. Raises NotFound or Invalid."""
    if "url" in given:
        target(given["url"], open_=service.settings.hooks_open)
    if "events" in given:
        given["events"] = checked(given["events"])
    return on(service, account, id_, lambda before, _: replace(before, **given))


def rotate(service: Service, account: str, id_: str, overlap: timedelta) -> WebhookEndpoint:
    """Give an endpoint another secret; the former one signs beside it for a while. Raises NotFound or Invalid."""
    return on(service, account, id_, lambda before, at: before.rotated(overlap, at.real))


def enable(service: Service, account: str, id_: str) -> WebhookEndpoint:
    """Send to an endpoint what happens from now on. Raises NotFound or WrongState."""
    return on(service, account, id_, lambda before, _: before.enabled())


def disable(service: Service, account: str, id_: str) -> WebhookEndpoint:
    """Send nothing more to an endpoint. Raises NotFound."""
    return on(service, account, id_, lambda before, at: before.disabled(DisabledReason.BY_HAND, at.real))


def delete(service: Service, account: str, id_: str) -> WebhookEndpoint:
    """Send nothing more to an endpoint, and list it no more. Raises NotFound."""
    return on(service, account, id_, lambda before, at: before.deleted(at.real))


def resend(service: Service, account: str, id_: str, since_at: datetime) -> WebhookEndpoint:
    """Send an endpoint all that it wants and has not accepted since a moment on the account's clock, oldest first.

    Raises NotFound, WrongState or Invalid.
    """

    def decide(before: WebhookEndpoint, at: Moment) -> WebhookEndpoint:
        if not at.now - webhook_deliveries.KEPT_FOR <= since_at <= at.now:
            detail = f"Events are kept for {webhook_deliveries.KEPT_FOR.days} days: send a moment of the last ones."
            raise Invalid("since_out_of_range", detail, "since")
        return before.sending_again(since_at, at.real, missing=True)

    return on(service, account, id_, decide)


def test(service: Service, account: str, id_: str) -> WebhookDelivery:
    """Send an endpoint an event that means nothing; the delivery tells what it answered. Raises NotFound or WrongState."""

    def also(changes: Changeset, after: WebhookEndpoint, at: Moment) -> None:
        event = _tested(after, at)
        changes.put(event, delivery_of(event, id_, at.real))

    after = on(service, account, id_, lambda before, _: before.pinged(), also)
    event = events.name_of(EventType.WEBHOOK_ENDPOINT_TESTED, id_, after.pings)
    return service.store.get(WebhookDelivery, account, webhook_deliveries.name_of(event, id_))


def _tested(after: WebhookEndpoint, at: Moment) -> Event:
    """The event of a test, which nobody else is told of: it is counted, so that a repeated request finds its own."""
    type_ = EventType.WEBHOOK_ENDPOINT_TESTED
    return Event(
        account=after.account,
        id=events.name_of(type_, after.id, after.pings),
        type=type_,
        subject=after.id,
        about={"webhook_endpoint": after.id},
        created_at=at.now,
        kept_until=at.real + events.KEPT_FOR,
    )


def on(
    service: Service, account: str, id_: str, decide: Decide, also: Also = lambda *_: None
) -> WebhookEndpoint:
    """An endpoint as it was decided; where an earlier try of the same request got through, as it stands. Raises NotFound."""
    asked = service.new_id(REQUEST)

    def attempt() -> WebhookEndpoint:
        wanted = [keys.key(WebhookEndpoint, account, id_), keys.key(Alias, account, asked)]
        changes = Changeset(account, service.store.load(account, [*wanted, *around(account)]))
        before = living(changes.before, account, id_)
        at = Moment(changes.get(Account, account), service.real())
        if changes.find(Alias, asked) is not None:
            return before
        after = decide(before, at)
        if after == before:
            return before
        check_room(changes, before, after)
        folded(changes, after)
        also(changes, after, at)
        changes.put(Alias(account=account, id=asked, target=id_))
        written = service.store.commit(changes)
        nudge(service, at.account, written.unparked())
        return written.get(WebhookEndpoint, account, id_)

    return retried(attempt)


def living(reading: Reading, account: str, id_: str) -> WebhookEndpoint:
    """An endpoint that was not deleted. Raises NotFound."""
    found = reading.get(WebhookEndpoint, account, id_)
    if found.deleted_at is not None:
        raise not_found(WebhookEndpoint, id_)
    return found


def check_room(changes: Changeset, before: WebhookEndpoint, after: WebhookEndpoint) -> None:
    """Refuse one more enabled endpoint than an account may have. Raises WrongState."""
    listeners = changes.find(Listeners, after.account)
    full = listeners is not None and len(listeners.endpoints) >= MOST_ENDPOINTS
    if after.listens and not before.listens and full:
        raise _too_many()


def secrets(settings: Settings, endpoint: WebhookEndpoint, real: datetime) -> list[str]:
    """The secrets that sign what an endpoint is sent, the newest first."""
    link_secret = settings.link_secret
    return [
        webhook_secret(link_secret, endpoint.account, endpoint.id, generation)
        for generation in endpoint.signing(real)
    ]


def _too_many() -> WrongState:
    detail = f"An account sends to at most {MOST_ENDPOINTS} endpoints: disable or delete one."
    return WrongState("too_many_webhook_endpoints", detail)
