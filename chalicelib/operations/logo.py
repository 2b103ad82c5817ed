"""The picture a business shows of itself: kept under the name its bytes have, and said in the profile's next revision."""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from chalicelib.billing.errors import Invalid
from chalicelib.crm import pictures
from chalicelib.crm.accounts import ApiKey
from chalicelib.crm.profiles import Profile
from chalicelib.service import Service

PARAM: Final = "picture"


def set_(service: Service, account: str, picture: bytes, *, by: ApiKey) -> Profile:
    """Show a picture on letters and documents from now on, or none where it is empty. Raises Invalid, FilesAway.

    What was issued before shows the one there was. The same picture again changes nothing.
    """
    from chalicelib.operations import profile

    if not picture:
        return profile.change(service, account, {"logo": ""}, by=by)
    kind = pictures.ending(picture, PARAM)
    _check_settable(picture)
    name = f"{sha256(picture).hexdigest()}.{kind}"
    service.files.keep(name_of(account, name), picture, pictures.TYPES[kind])
    return profile.change(service, account, {"logo": name}, by=by)


def name_of(account: str, logo: str) -> str:
    """Where the picture that a profile names is kept."""
    return f"{account}/{logo}"


def _check_settable(picture: bytes) -> None:
    """Refuse a picture that a document could not be set with, by setting one: no invoice ever fails for it."""
    from typst import TypstError

    from chalicelib.views import typeset

    try:
        typeset.pdf("picture.typ", {"title": "Logo"}, at=datetime(2026, 1, 1, tzinfo=UTC), picture=picture)
    except TypstError as error:
        detail = "This picture is damaged, or of a kind that cannot be shown; save it as a plain PNG or JPEG."
        raise Invalid("picture_unreadable", detail, PARAM) from error
