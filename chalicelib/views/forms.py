"""What a page's form carries beside the link in its address: which act it is, and what the buyer saw as they pressed.

There are no cookies: who has the link has all the authority there is. The token says that a page of ours was
looked at lately, and that what is done is what was shown on it.
"""

import hashlib
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Final

from chalicelib.billing.errors import Invalid, WrongState
from chalicelib.settings import Settings
from chalicelib.views.links import Link

if TYPE_CHECKING:
    from itsdangerous import URLSafeSerializer

LIVES: Final = timedelta(hours=1)
MOST_CHARACTERS: Final = 500


class FormInvalid(Invalid):
    """The form was not made here for this link and act, or something in it was changed."""

    def __init__(self) -> None:
        super().__init__("form_invalid", "Open the page again and press the button on it.", "form")


class FormExpired(WrongState):
    """The page was open for too long."""

    def __init__(self) -> None:
        super().__init__("form_expired", "Look at the page again, then press the button.", "form")


class FormOutdated(WrongState):
    """What the page showed is not what would be done now."""

    def __init__(self) -> None:
        super().__init__("form_outdated", "Look at what the page shows now, then press the button.", "form")


def sign(settings: Settings, link: Link, act: str, shown: str, now: datetime) -> str:
    """The token of an act on a link's page that shows something, good for an hour (real time)."""
    expires = int((now + LIVES).timestamp())
    return str(_signer(settings.link_secret).dumps([act, _digest(link.token), _digest(shown), expires]))


def check(settings: Settings, link: Link, act: str, shown: str, *, token: str, now: datetime) -> None:
    """Whether a form asks for this act, on this link, for what is shown now. Raises FormInvalid, FormExpired, FormOutdated."""
    from itsdangerous import BadData

    if len(token) > MOST_CHARACTERS:
        raise FormInvalid
    try:
        asked, of, saw, expires = _signer(settings.link_secret).loads(token)
    except (BadData, UnicodeError):
        raise FormInvalid from None
    if (asked, of) != (act, _digest(link.token)):
        raise FormInvalid
    if saw != _digest(shown):
        raise FormOutdated
    if now.timestamp() >= expires:
        raise FormExpired


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@cache
def _signer(secret: str) -> "URLSafeSerializer":
    from itsdangerous import URLSafeSerializer

    return URLSafeSerializer(secret, salt="perennial.form", signer_kwargs={"digest_method": hashlib.sha256})
