"""Links in letters: signed, expiring, and good for one purpose and one subscription only.

The moment of expiry is part of what is signed and is held against the `now` that is passed in (real time):
no clock is read here.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Final

from chalicelib.billing.errors import NotFound
from chalicelib.billing.subscriptions import Subscription
from chalicelib.settings import Settings

if TYPE_CHECKING:
    from itsdangerous import URLSafeSerializer

LIVES: Final = timedelta(days=30)
MOST_CHARACTERS: Final = 1000
PAY: Final = "perennial.pay"
"""The purpose of a link: the salt of its signature, so that a link of one purpose opens nothing of another."""


class LinkInvalid(NotFound):
    """The link was not made here, or something in it was changed."""

    def __init__(self) -> None:
        super().__init__("link_invalid", "Open the link exactly as it stands in the letter.", "token")


class LinkExpired(NotFound):
    """The link is ours, and too old."""

    def __init__(self) -> None:
        super().__init__("link_expired", "Ask for a new letter: its link works for 30 days.", "token")


def pay(settings: Settings, subscription: Subscription, now: datetime) -> str:
    """The address of the page that shows what a subscription owes."""
    return f"{settings.base_url.rstrip('/')}/b/{sign(settings, subscription.account, subscription.id, now)}"


def sign(settings: Settings, account: str, subscription: str, now: datetime, purpose: str = PAY) -> str:
    """A token that `read` understands for 30 days."""
    expires = int((now + LIVES).timestamp())
    return str(_signer(settings.link_secret, purpose).dumps([account, subscription, expires]))


def read(settings: Settings, token: str, now: datetime, purpose: str = PAY) -> tuple[str, str]:
    """The account and subscription a token was made for. Raises LinkInvalid, LinkExpired."""
    from itsdangerous import BadData

    if len(token) > MOST_CHARACTERS:
        raise LinkInvalid
    try:
        account, subscription, expires = _signer(settings.link_secret, purpose).loads(token)
    except (BadData, UnicodeError):
        raise LinkInvalid from None
    if now >= datetime.fromtimestamp(expires, UTC):
        raise LinkExpired
    return account, subscription


@cache
def _signer(secret: str, purpose: str) -> "URLSafeSerializer":
    from itsdangerous import URLSafeSerializer

    return URLSafeSerializer(secret, salt=purpose, signer_kwargs={"digest_method": hashlib.sha256})
