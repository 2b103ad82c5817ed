"""Send events to endpoints again: one delivery, one event, or all that an endpoint has not accepted since a moment."""

import logging
import time
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final

from chalicelib.billing import webhook_deliveries, webhooks
from chalicelib.billing.events import Event
from chalicelib.billing.webhook_deliveries import WebhookDelivery
from chalicelib.billing.webhooks import Listeners, Resending, WebhookEndpoint
from chalicelib.crm.accounts import Account, Moment
from chalicelib.operations.act import REQUEST
from chalicelib.operations.listen import living
from chalicelib.operations.listeners import delivery_of
from chalicelib.operations.together import nudge, retried, tried
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.bookkeeping import Alias
from chalicelib.store.changes import Changeset, Conflict, Reading

log = logging.getLogger("perennial")

PAGE: Final = 45
"""Events of a step: they are read with their deliveries, and those are written with the endpoint."""
DAYS: Final = 31
"""Quiet days passed over in a step."""
LAST_BEGIN_SECONDS: Final = 40


def delivery(service: Service, account: str, id_: str) -> WebhookDelivery:
    """Send an event to an endpoint again, now. One that is being sent is left alone. Raises NotFound or WrongState."""
    event, endpoint = webhook_deliveries.named(id_)
    _send(service, account, event, [endpoint], only=id_)
    return service.store.get(WebhookDelivery, account, id_)


def event(service: Service, account: str, id_: str) -> list[WebhookDelivery]:
    """Send an event to every enabled endpoint that wants its type, again or for the first time. Raises NotFound."""
    found = service.store.load(
        account, [keys.key(Event, account, id_), keys.key(Listeners, account, account)]
    )
    listeners = found.find(Listeners, account, account)
    endpoints = listeners.of(found.get(Event, account, id_).type) if listeners else []
    if endpoints:
        _send(service, account, id_, endpoints)
    return of_event(service, account, id_, endpoints)


def of_event(service: Service, account: str, id_: str, endpoints: list[str]) -> list[WebhookDelivery]:
    """The deliveries of an event to some endpoints, as far as there are any."""
    names = [webhook_deliveries.name_of(id_, endpoint) for endpoint in endpoints]
    found = service.store.load(account, [keys.key(WebhookDelivery, account, name) for name in names])
    return [one for name in names if (one := found.find(WebhookDelivery, account, name))]


def _send(service: Service, account: str, event_: str, endpoints: list[str], only: str | None = None) -> None:
    asked = service.new_id(REQUEST)

    def attempt() -> None:
        names = [
            keys.key(WebhookDelivery, account, webhook_deliveries.name_of(event_, one)) for one in endpoints
        ]
        around = [
            keys.key(Account, account, account),
            keys.key(Alias, account, asked),
            keys.key(Event, account, event_),
        ]
        beside = [keys.key(WebhookEndpoint, account, one) for one in endpoints]
        changes = Changeset(account, service.store.load(account, [*names, *around, *beside]))
        if only is not None:
            changes.get(WebhookDelivery, only)
        if changes.find(Alias, asked) is not None:
            return
        at = Moment(changes.get(Account, account), service.real())
        told = changes.get(Event, event_)
        for one in endpoints:
            if not living(changes.before, account, one).listens:
                raise webhooks.disabled_already()
            fold(changes, told, one, at, accepted_too=True)
        if len(changes):
            changes.put(Alias(account=account, id=asked, target=event_))
            nudge(service, at.account, service.store.commit(changes).unparked())

    retried(attempt)


def fold(
    changes: Changeset,
    told: Event,
    endpoint: str,
    at: Moment,
    *,
    accepted_too: bool = False,
    missing: bool = True,
    failing_at: datetime | None = None,
) -> None:
    """Fold an event's delivery to an endpoint into the changeset, to be sent now; nothing where there is nothing to send.

    What was refused before `failing_at` keeps to its own time: it is not the endpoint that was in its way.
    """
    before = changes.find(WebhookDelivery, webhook_deliveries.name_of(told.id, endpoint))
    if before is None:
        if missing:
            changes.put(delivery_of(told, endpoint, at.real, again=True))
        return
    if failing_at is not None and not before.failed_since(failing_at):
        return
    after = before.due(at.real, at.real, accepted_too=accepted_too)
    if after != before:
        changes.put(after)


def walks(service: Service, account: str, names: list[str]) -> None:
    """Go on with what endpoints are to be sent again, until each is at its end or there is no time left."""
    began = time.monotonic()
    for name in names:
        while time.monotonic() - began <= LAST_BEGIN_SECONDS and _goes_on(service, account, name):
            pass


def _goes_on(service: Service, account: str, name: str) -> bool:
    """See to the next events of a walk; whether there may be more. What of it cannot be read holds up no other walk."""
    known, more = Reading(), False

    def step() -> None:
        nonlocal more
        try:
            more = retried(partial(_step, service, account, name, known))
        except Conflict:
            log.info("others are at the same endpoint: the next sweep goes on", extra={"record": name})

    return tried(service, name, known, step) and more


def _step(service: Service, account: str, name: str, known: Reading) -> bool:
    """The same, once; all that was read is `known`."""
    known.add(service.store.load(account, [name, keys.key(Account, account, account)]))
    at = Moment(known.get(Account, account, account), service.real())
    endpoint = known.find(WebhookEndpoint, account, name.rpartition("/")[2])
    if endpoint is None or endpoint.resending is None or not at.awake(endpoint.wake):
        return False
    changes = Changeset(account, known)
    place = _seen_to(service, changes, endpoint, endpoint.resending, at)
    changes.put(endpoint.walked(place))
    written = service.store.commit(changes)
    nudge(service, at.account, [one for one in written.unparked() if isinstance(one, WebhookDelivery)])
    return place is not None


def _seen_to(
    service: Service, changes: Changeset, endpoint: WebhookEndpoint, walk: Resending, at: Moment
) -> str | None:
    """Fold the next page of events that has any into the changeset; the place it ends at, None at the end of all.

    What is broken there is counted, and passed over. Raises NewerShape.
    """
    day, after = _place(walk)
    found: list[str] = []
    next_: str | None = None
    for _ in range(DAYS):
        found, next_ = service.store.listed(f"{endpoint.account}/event/{day}", limit=PAGE, after=after)
        after = next_
        day = day if next_ else day + timedelta(days=1)
        if found or day > at.now.date():
            break
    reading = _with_deliveries(service, endpoint, found)
    if reading.newer:
        raise next(iter(reading.newer.values()))  # the release that wrote it walks on
    changes.before.add(reading)

    def see_to(key: str) -> None:
        told = changes.find(Event, key.rpartition("/")[2])
        if told is not None and told.created_at >= walk.since_at and endpoint.wants(told.type):
            missing = walk.missing and _is_told(told)
            fold(changes, told, endpoint.id, at, missing=missing, failing_at=walk.failing_at)

    for key in found:
        tried(service, key, changes.before, partial(see_to, key))
    return None if day > at.now.date() else f"{day}|{after or ''}"


def _is_told(told: Event) -> bool:
    """Whether an event is for all: those of tests are for one endpoint each."""
    return not told.type.value.endswith(".tested")


def _with_deliveries(service: Service, endpoint: WebhookEndpoint, found: list[str]) -> Reading:
    ids = [key.rpartition("/")[2] for key in found]
    names = [
        keys.key(WebhookDelivery, endpoint.account, webhook_deliveries.name_of(one, endpoint.id))
        for one in ids
    ]
    return service.store.load(endpoint.account, [*found, *names])


def _place(walk: Resending) -> tuple[date, str | None]:
    """The day to go on with, and the position in it."""
    if walk.after is None:
        return walk.since_at.date(), None
    day, _, after = walk.after.partition("|")
    return date.fromisoformat(day), after or None
