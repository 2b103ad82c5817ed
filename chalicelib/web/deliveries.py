"""Deliveries: letters, and what became of each; one that stays `sending` was maybe sent."""

from typing import Final

from chalicelib.billing.deliveries import Delivery, DeliveryStatus, Letter
from chalicelib.operations import repeat
from chalicelib.store import keys
from chalicelib.web.bodies import Id
from chalicelib.web.endpoint import Call
from chalicelib.web.paging import Paging, cursor
from chalicelib.web.shown import Listed

# Deliveries that one request looks through: with a filter a page may be short, and its `next` goes on.
MOST_LOOKED_AT: Final = 1000
AT_ONCE: Final = 100


class Filter(Paging, frozen=True):
    """Which part of the list: of which status, letter or contact; all that are given hold."""

    status: DeliveryStatus | None = None
    letter: Letter | None = None
    contact: Id | None = None

    @property
    def all(self) -> bool:
        """Whether nothing is left out."""
        return self.status is None and self.letter is None and self.contact is None

    def takes(self, delivery: Delivery) -> bool:
        """Whether it is asked for."""
        return (
            self.status in (None, delivery.status)
            and self.letter in (None, delivery.letter)
            and self.contact in (None, delivery.contact)
        )


def list_(call: Call, query: Filter) -> Listed[Delivery]:
    """All deliveries, newest first, or those of a status, a letter or a contact.

    With a filter a page may be short, or empty: `next` goes on where it stopped looking. What stays `sending` was maybe sent.
    """
    found: list[Delivery] = []
    after, left = query.position, MOST_LOOKED_AT
    while True:
        size = query.limit - len(found) if query.all else min(AT_ONCE, left)
        page = call.service.store.owned(f"{call.account.id}/delivery", limit=size, after=after)
        for record in page.records:
            if isinstance(record, Delivery) and query.takes(record):
                found.append(record)
                if len(found) == query.limit and record is not page.records[-1]:
                    return Listed(found, cursor(_position(record)))
        after, left = page.next, left - size
        if after is None or len(found) == query.limit or left <= 0 or query.all:
            return Listed(found, cursor(after))


def _position(delivery: Delivery) -> str:
    return keys.place(keys.BY_TYPE[Delivery].position, delivery)


def get(call: Call, id_: str) -> Delivery:
    """A delivery."""
    return call.get(Delivery, id_)


def resend(call: Call, id_: str) -> Delivery:
    """Send a letter again, as things stand now: another delivery, which is told. What it would tell of must not be settled."""
    return repeat.letter(call.service, call.account.id, id_)
