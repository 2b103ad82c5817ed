"""What goes over the wire: a request as it came, a reply, and every refusal as a problem (RFC 9457)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import msgspec

from chalicelib.adapters.signatures import BadSignature
from chalicelib.aws import AwsSilent, AwsUnreachable
from chalicelib.billing.errors import Invalid, NotFound, PerennialError, WrongState
from chalicelib.billing.gateway import Refused, Unavailable
from chalicelib.crm.files import FilesAway
from chalicelib.store.changes import Conflict, Outage, Oversized

JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"
TEXT: Final = "text/plain; charset=utf-8"
HTML: Final = "text/html; charset=utf-8"
PDF: Final = "application/pdf"
XML: Final = "application/xml; charset=utf-8"
MAX_BODY: Final = 256 * 1024
"""Bytes of a body, far above any honest one; Stripe's events stay below it too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`path` with the ids in it; `headers` are looked up in any case; `query` as API Gateway has it, each value a list."""

    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, list[str]]
    body: bytes
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """`body` is JSON; `kept` is what a repetition of the request is told where that is less: no secrets.

    `final` says that the same request would be told the same: only that is worth keeping. `data` is a body that is no text.
    """

    status: int
    body: str = ""
    data: bytes = b""
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": JSON})
    kept: str | None = None
    final: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(Reply):
    """One whose `body` is plain text."""

    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": TEXT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pdf(Reply):
    """One whose `data` is a PDF."""

    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": PDF})


@dataclass(frozen=True, slots=True, kw_only=True)
class Xml(Reply):
    """One whose `body` is XML."""

    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": XML})


@dataclass(frozen=True, slots=True, kw_only=True)
class Html(Reply):
    """One whose `body` is a page that loads and runs nothing."""

    headers: dict[str, str] = field(
        default_factory=lambda: {
            "Content-Type": HTML,
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        }
    )


class Unauthorized(PerennialError):
    """The request proves no key of an account; the same words whatever is wrong with it."""

    def __init__(self) -> None:
        detail = "Send an API key that has not been revoked: 'Authorization: Bearer prn_test_...'."
        super().__init__("unauthorized", detail)


class TooLarge(PerennialError):
    """The body is larger than anything a route takes."""

    def __init__(self) -> None:
        super().__init__("body_too_large", f"Send at most {MAX_BODY} bytes.")


class UnsupportedType(PerennialError):
    """The body is not said to be JSON."""

    def __init__(self, given: str) -> None:
        detail = f"Send 'Content-Type: {JSON}' with the body, not {given[:80]!r}."
        super().__init__("unsupported_content_type", detail)


class InUse(PerennialError):
    """A request with this idempotency key is being worked on."""


STATUS: Final[dict[type[PerennialError], int]] = {
    Invalid: 400,
    BadSignature: 400,
    Refused: 400,
    Oversized: 400,
    Unauthorized: 401,
    NotFound: 404,
    WrongState: 409,
    InUse: 409,
    Conflict: 409,
    TooLarge: 413,
    UnsupportedType: 415,
    Unavailable: 503,
    Outage: 503,
    AwsUnreachable: 503,
    AwsSilent: 503,
    FilesAway: 503,
}
"""What a caller can act on; every other error is our own fault, and 500."""
REFUSALS: Final = tuple(STATUS)

# The words of these errors are for us: they name tables, hosts and keys.
_FOR_CALLERS: Final[dict[type[PerennialError], str]] = {
    Conflict: "Somebody changed the same record at the same moment; send the request again.",
    Unavailable: "Stripe cannot be reached just now; send the request again in a little while.",
    Oversized: "This is more than one record can hold: send fewer lines and tiers, or shorter texts, or order them apart.",
    Outage: "The database does not answer just now; send the request again in a little while.",
    AwsUnreachable: "A queue does not answer just now; send the request again in a little while.",
    AwsSilent: "A queue does not answer just now; send the request again in a little while.",
    FilesAway: "The store of documents does not answer just now; send the request again in a little while.",
}
_HEADERS: Final = {
    401: {"WWW-Authenticate": 'Bearer realm="perennial"'},
    503: {"Retry-After": "5"},
}


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a request was not done: `code` is for programs, `detail` for people, `param` names the input to blame.

    `instance` names the request in the service's log.
    """

    type: str
    title: str
    status: int
    code: str
    detail: str
    instance: str
    param: str | None = None


def problem(error: PerennialError, request_id: str) -> Reply:
    """A refusal in words a person can act on."""
    kind = next((kind for kind in type(error).__mro__ if kind in STATUS), None)
    status = STATUS[kind] if kind else 500
    detail = _FOR_CALLERS.get(kind, error.detail) if kind else error.detail
    return stated(status, error.code, detail, request_id, error.param, final=isinstance(error, WrongState))


def stated(
    status: int, code: str, detail: str, request_id: str, param: str | None = None, *, final: bool = False
) -> Reply:
    """A problem put together from its parts."""
    told = Problem(
        type=f"urn:perennial:problem:{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        code=code,
        detail=detail,
        instance=f"urn:perennial:request:{request_id}",
        param=param,
    )
    headers = {"Content-Type": PROBLEM} | _HEADERS.get(status, {})
    return Reply(status=status, body=encode(told), headers=headers, final=final)


_ENCODER: Final = msgspec.json.Encoder()


def encode(value: Any) -> str:
    """JSON text."""
    return _ENCODER.encode(value).decode()
