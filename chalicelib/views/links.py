"""Links in letters: signed, expiring, and good for one purpose and one record only.

The moment of expiry is part of what is signed and is held against the `now` that is passed in (real time):
no clock is read here.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Final

from chalicelib.billing.errors import NotFound
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.payments import Payment
from chalicelib.billing.subscriptions import Subscription
from chalicelib.settings import Settings

if TYPE_CHECKING:
    from itsdangerous import URLSafeSerializer

LIVES: Final = timedelta(days=30)
LOOKS_BACK: Final = timedelta(days=1)
"""A link that expires while its buyer is on Stripe's page still tells them what became of it."""
MOST_CHARACTERS: Final = 1000


class Purpose(StrEnum):
    """What a link opens, and the salt of its signature: one of a purpose opens nothing of another.

    `owed` shows what a subscription owes, `method` with what it is paid; the others an invoice or a payment.
    """

    OWED = "perennial.pay"
    METHOD = "perennial.method"
    INVOICE = "perennial.invoice"
    PAYMENT = "perennial.payment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link that was opened: `id` names the record its purpose is about."""

    purpose: Purpose
    account: str
    id: str
    expires_at: datetime
    token: str

    def to(self, settings: Settings, purpose: Purpose, id_: str) -> str:
        """The token of a link that stands on this one's page: it lives no longer than this one."""
        return _token(settings, purpose, self.account, id_, int(self.expires_at.timestamp()))


class LinkInvalid(NotFound):
    """The link was not made here, or something in it was changed."""

    def __init__(self) -> None:
        super().__init__("link_invalid", "Open the link exactly as it stands in the letter.", "token")


class LinkExpired(NotFound):
    """The link is ours, and too old."""

    def __init__(self) -> None:
        super().__init__("link_expired", "Ask for a new letter: its link works for 30 days.", "token")


def pay(settings: Settings, subscription: Subscription, now: datetime) -> str:
    """The address of the page that shows what a subscription owes, and takes it."""
    return _address(settings, Purpose.OWED, subscription, now)


def method(settings: Settings, subscription: Subscription, now: datetime) -> str:
    """The address of the page on which a subscription gets another payment method."""
    return _address(settings, Purpose.METHOD, subscription, now)


def invoice(settings: Settings, invoice: Invoice, now: datetime) -> str:
    """The address of an invoice's page."""
    return _address(settings, Purpose.INVOICE, invoice, now)


def printed(settings: Settings, invoice: Invoice, now: datetime) -> str:
    """The address of an invoice's page as it stands on its document: it lives 30 days longer than there is time to pay."""
    due = datetime.combine(invoice.due_on, time(), UTC) if invoice.due_on else now
    expires = int((max(now, due) + LIVES).timestamp())
    return address(settings, _token(settings, Purpose.INVOICE, invoice.account, invoice.id, expires))


def payment(settings: Settings, payment: Payment, now: datetime) -> str:
    """The address of a payment's page: its receipt, or where it is confirmed."""
    return _address(settings, Purpose.PAYMENT, payment, now)


def sign(settings: Settings, purpose: Purpose, account: str, id_: str, now: datetime) -> str:
    """A token that `read` understands for 30 days."""
    return _token(settings, purpose, account, id_, int((now + LIVES).timestamp()))


def read(settings: Settings, token: str, now: datetime, grace: timedelta = timedelta(0)) -> Link:
    """What a token opens, up to `grace` after it has expired. Raises LinkInvalid, LinkExpired."""
    if len(token) > MOST_CHARACTERS:
        raise LinkInvalid
    found = [link for purpose in Purpose if (link := _read(settings, purpose, token))]
    if not found:
        raise LinkInvalid
    if now >= found[0].expires_at + grace:
        raise LinkExpired
    return found[0]


def _read(settings: Settings, purpose: Purpose, token: str) -> Link | None:
    from itsdangerous import BadData

    try:
        account, id_, expires = _signer(settings.link_secret, purpose).loads(token)
    except (BadData, UnicodeError):
        return None
    expires_at = datetime.fromtimestamp(expires, UTC)
    return Link(purpose=purpose, account=account, id=id_, expires_at=expires_at, token=token)


def _address(
    settings: Settings, purpose: Purpose, record: Subscription | Invoice | Payment, now: datetime
) -> str:
    return address(settings, sign(settings, purpose, record.account, record.id, now))


def address(settings: Settings, token: str) -> str:
    """Where a token leads."""
    return f"{settings.base_url.rstrip('/')}/b/{token}"


def _token(settings: Settings, purpose: Purpose, account: str, id_: str, expires: int) -> str:
    return str(_signer(settings.link_secret, purpose).dumps([account, id_, expires]))


@cache
def _signer(secret: str, purpose: str) -> "URLSafeSerializer":
    from itsdangerous import URLSafeSerializer

    return URLSafeSerializer(secret, salt=purpose, signer_kwargs={"digest_method": hashlib.sha256})
