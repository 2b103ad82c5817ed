"""State facts, and make one delivery of each for everyone who is told."""

from datetime import datetime

from chalicelib.billing import deliveries, events
from chalicelib.billing.deliveries import Delivery
from chalicelib.billing.events import Event, EventType
from chalicelib.billing.ledger import Entry
from chalicelib.crm.accounts import Account, Moment
from chalicelib.crm.notifications import letter_of
from chalicelib.operations.together import work
from chalicelib.service import Service
from chalicelib.store.changes import Changeset
from chalicelib.store.keys import Record


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

    `entry` is what it posts to the books; where nobody is to be `told` of it, it never is.
    """
    changes.put(
        Event(
            account=subject.account,
            id=events.name_of(type_, subject.id, subject.version + 1),
            type=type_,
            subject=subject.id,
            about=about,
            created_at=at.now,
            fan_out_at=at.real if told and letter_of(type_) else None,
            entry=entry,
        )
    )


def fan_out(service: Service, account: str, names: list[str]) -> None:
    """Make the deliveries of events: each is named by its event, so doing it twice makes them once."""
    real = service.real()

    def decide(changes: Changeset, name: str) -> None:
        event = changes.at(name)
        if not isinstance(event, Event) or not Moment(changes.get(Account, account), real).awake(event.wake):
            return
        told(changes, event, real)

    work(service, account, names, decide, items_each=2)


def told(changes: Changeset, event: Event, real: datetime) -> None:
    """Fold an event's deliveries into the changeset."""
    letter = letter_of(event.type)
    if letter is not None:
        changes.put(_letter(event, letter, real))
    changes.put(event.fanned_out())


def _letter(event: Event, letter: deliveries.Letter, real: datetime) -> Delivery:
    return Delivery(
        account=event.account,
        id=deliveries.name_of(event.id, letter.value),
        event=event.id,
        letter=letter,
        contact=event.about["contact"],
        about=event.about,
        created_at=event.created_at,
        send_at=real,
    )
