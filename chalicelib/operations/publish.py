"""State facts, and make one delivery of each for everyone who is told."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from chalicelib.billing import deliveries, events, webhook_deliveries
from chalicelib.billing.deliveries import Delivery, Letter
from chalicelib.billing.events import Event, EventType
from chalicelib.billing.ledger import Entry
from chalicelib.billing.webhook_deliveries import WebhookDelivery
from chalicelib.billing.webhooks import Listeners, wanted
from chalicelib.crm.accounts import Account, Moment
from chalicelib.crm.notifications import buyers, staffs, written_to
from chalicelib.crm.users import User
from chalicelib.operations.listeners import delivery_of
from chalicelib.operations.together import work
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, Reading
from chalicelib.store.keys import Record

PAGE = 100
Staff = Mapping[str, tuple[Letter, ...] | None]
"""The letters that people of the business want, by their ids; None of one who cannot be read: that is seen as their letter is sent."""
NOBODY: Final[Staff] = MappingProxyType({})


def fact(
    changes: Changeset,
    type_: EventType,
    subject: Record,
    about: dict[str, str],
    at: Moment,
    *,
    entry: Entry | None = None,
    told: bool = True,
) -> None:
    """Add an event about a record of this changeset; with somebody to tell, it is awake until it has been.

    `entry` is what it posts to the books; where nobody is to be `told` of it, no letter tells of it.
    """
    heard = (told and written_to(at.account, type_, about)) or wanted(at.account.listeners, type_)
    changes.put(
        Event(
            account=subject.account,
            id=events.name_of(type_, subject.id, subject.version + 1),
            type=type_,
            subject=subject.id,
            about=about,
            created_at=at.now,
            fan_out_at=at.real if heard else None,
            entry=entry,
            kept_until=None if entry else at.real + events.KEPT_FOR,
            silent=heard and not told,
        )
    )


def fan_out(service: Service, account: str, names: list[str]) -> None:
    """Make the deliveries of events: each is named by its event, so doing it twice makes them once."""
    real = service.real()
    listeners = keys.key(Listeners, account, account)
    reading = service.store.load(account, [*names, keys.key(Account, account, account), listeners])
    users = _staff(service, account, reading)

    def decide(changes: Changeset, name: str) -> None:
        event = changes.at(name)
        if not isinstance(event, Event) or not Moment(changes.get(Account, account), real).awake(event.wake):
            return
        told(changes, event, real, users)

    def beside(name: str) -> tuple[str, ...]:
        """Asked for only where the first decision was refused: somebody may have made a delivery before, to be sent again."""
        return (listeners, *_deliveries(reading, account, name))

    groups: dict[int, list[str]] = {}
    for name in names:
        groups.setdefault(_items(reading, account, name, users), []).append(name)
    for items, group in groups.items():
        work(service, account, group, decide, items_each=items, spare=0, beside=beside, reading=reading)


def _deliveries(reading: Reading, account: str, name: str) -> list[str]:
    """The keys of an event's deliveries to the endpoints there are."""
    found, event = _listeners(reading, account), name.rpartition("/")[2]
    endpoints = [one.endpoint for one in found.endpoints] if found else []
    return [keys.key(WebhookDelivery, account, webhook_deliveries.name_of(event, one)) for one in endpoints]


def _listeners(reading: Reading, account: str) -> Listeners | None:
    found = reading.records.get(keys.key(Listeners, account, account))
    return found if isinstance(found, Listeners) else None


def _items(reading: Reading, account: str, name: str, users: Staff) -> int:
    """How many items an event's fan-out writes at most: itself, its letters, a delivery for each endpoint."""
    event, listeners = reading.records.get(name), _listeners(reading, account)
    if not isinstance(event, Event):
        return 2
    letters = 0 if event.silent else 1 + len(users)
    return 1 + letters + (len(listeners.of(event.type)) if listeners else 0)


def _staff(service: Service, account: str, reading: Reading) -> Staff:
    """The people of the business, where any of them wants a letter of what was read: nobody is asked for otherwise."""
    business = reading.records.get(keys.key(Account, account, account))
    events_ = (one for one in reading.records.values() if isinstance(one, Event) and not one.silent)
    if not isinstance(business, Account) or not any(staffs(business, one.type) for one in events_):
        return {}
    found, after = dict[str, tuple[Letter, ...] | None](), None
    while True:
        page = service.store.look(f"{account}/user", limit=PAGE, after=after)
        for key in filter(page.reading.has, page.keys):
            one = page.reading.records.get(key)
            found[key.rpartition("/")[2]] = one.letters if isinstance(one, User) else None
        if page.next is None:
            return {id_: letters for id_, letters in found.items() if letters != ()}
        after = page.next


def told(changes: Changeset, event: Event, real: datetime, users: Staff = NOBODY) -> None:
    """Fold an event's deliveries into the changeset, which holds the account."""
    if not event.silent:
        _written(changes, event, real, users)
    listeners = changes.find(Listeners, event.account)
    for endpoint in listeners.of(event.type) if listeners else ():
        if changes.find(WebhookDelivery, webhook_deliveries.name_of(event.id, endpoint)) is None:
            changes.put(delivery_of(event, endpoint, real))
    changes.put(event.fanned_out())


def _written(changes: Changeset, event: Event, real: datetime, users: Staff) -> None:
    business = changes.get(Account, event.account)
    if letter := buyers(business, event.type, event.about):
        changes.put(letter_for(event, letter, real))
    staff = staffs(business, event.type)
    if staff is None:
        return
    for user, letters in users.items():
        if letters is None or staff in letters:
            changes.put(letter_for(event, staff, real, user))


def letter_for(event: Event, letter: Letter, real: datetime, user: str | None = None) -> Delivery:
    """The delivery of a letter about an event: to its contact, or to a user of the business."""
    to = letter.value if user is None else f"{letter.value}_{user}"
    return Delivery(
        account=event.account,
        id=deliveries.name_of(event.id, to),
        event=event.id,
        letter=letter,
        contact=event.about.get("contact", ""),
        about=event.about,
        created_at=event.created_at,
        send_at=real,
        user=user,
    )
