"""What a buyer's browser sends with a form, and every reason to refuse it before anything is read or done."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from chalicelib.billing.errors import Invalid, PerennialError
from chalicelib.settings import Settings
from chalicelib.web.http import TooLarge, UnsupportedType

FORM: Final = "application/x-www-form-urlencoded"
MAX_FORM: Final = 4096
"""Bytes: a token and a tick have a tenth of it."""
FIELDS: Final = {"form", "save"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """`token` says what the page showed; `save` is set where the method is to be kept."""

    token: str
    save: bool = False


class FromElsewhere(PerennialError):
    """Another site's page made the browser send it."""

    def __init__(self) -> None:
        super().__init__("from_elsewhere", "Open the link from the letter and press the button there.")


class FormChanged(Invalid):
    """It has other fields than ours have."""

    def __init__(self) -> None:
        super().__init__("form_changed", "Press the button on the page, without changing the form.", "form")


def read(settings: Settings, headers: Mapping[str, str], body: bytes) -> Form:
    """The form that came. Raises FromElsewhere, TooLarge, UnsupportedType, Invalid."""
    _check_site(settings, headers)
    if len(body) > MAX_FORM:
        raise TooLarge
    given = headers.get("content-type", "")
    if given.partition(";")[0].strip().lower() != FORM:
        raise UnsupportedType(given)
    fields = _fields(body)
    if not {"form"} <= set(fields) <= FIELDS or fields.get("save", "yes") != "yes":
        raise FormChanged
    return Form(token=fields["form"], save="save" in fields)


def _check_site(settings: Settings, headers: Mapping[str, str]) -> None:
    """A browser says where a form comes from. Ours sends "null" as origin, since our pages give no referrer."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise FromElsewhere
    origin = headers.get("origin", "null")
    if origin != "null" and origin.lower() not in _own(settings, headers):
        raise FromElsewhere


def _own(settings: Settings, headers: Mapping[str, str]) -> set[str]:
    """The origins this is served at: the one in letters, and the one the browser says it has asked."""
    own = urlsplit(settings.base_url)
    scheme = own.scheme or "https"
    return {f"{own.scheme}://{own.netloc}".lower(), f"{scheme}://{headers.get('host', '')}".lower()}


def _fields(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, max_num_fields=4)
    except (UnicodeDecodeError, ValueError):
        raise FormChanged from None
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise FormChanged
    return fields
