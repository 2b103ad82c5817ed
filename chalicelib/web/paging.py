"""Lists by the page: newest first, and a cursor that says where the next one goes on."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Any, TypeVar

from msgspec import Meta

from chalicelib.billing.errors import Invalid
from chalicelib.billing.payments import Payment
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.web.bodies import Body, Id
from chalicelib.web.shown import Listed

R = TypeVar("R")


class Paging(Body, frozen=True):
    """Which part of a list: `after` is the `next` of the page before."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    after: Annotated[str, Meta(min_length=1, max_length=500)] | None = None

    @property
    def position(self) -> str | None:
        """Where the page before ended. Raises Invalid on what is no cursor of ours."""
        return None if self.after is None else uncursor(self.after)


def owned(service: Service, type_: type[R], owner: str, page: Paging) -> Listed[R]:
    """A page of an owner's records of a type."""
    found = service.store.owned(owner, limit=page.limit, after=page.position)
    records: list[Any] = [record for record in found.records if isinstance(record, type_)]
    return Listed(records, cursor(found.next))


class OfPayment(Paging, frozen=True):
    """Which part of the list, of which payment."""

    payment: Id | None = None


def of_payment(service: Service, account: str, type_: type[R], page: OfPayment) -> Listed[R]:
    """A page of an account's records of a type, or of those of a payment. Raises NotFound."""
    kind = keys.BY_TYPE[type_].name
    if page.payment is None:
        return owned(service, type_, f"{account}/{kind}", page)
    service.store.get(Payment, account, page.payment)
    return owned(service, type_, f"{account}/{page.payment}/{kind}", page)


def cursor(position: str | None) -> str | None:
    """A position as a caller may carry it about."""
    return None if position is None else urlsafe_b64encode(position.encode()).decode().rstrip("=")


def uncursor(text: str) -> str:
    """The position of a cursor. Raises Invalid."""
    try:
        position = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, ValueError):
        raise not_a_cursor() from None
    if not position or not position.isprintable() or cursor(position) != text.rstrip("="):
        raise not_a_cursor()
    return position


def not_a_cursor() -> Invalid:
    """The refusal of what no page gave."""
    return Invalid("not_a_cursor", "Send the `next` of the page before, as it is.", "after")
