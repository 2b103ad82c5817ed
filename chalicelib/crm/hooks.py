"""Somebody's endpoint, as a webhook is posted to it."""

import re
from dataclasses import dataclass
from typing import Final, Protocol

from chalicelib.billing.errors import Invalid


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What an endpoint said: `status` is HTTP's, 0 where no answer came; `said` the begin of its body, or what went wrong."""

    status: int
    said: str = ""
    millis: int = 0


class Hooks(Protocol):
    """Posts to addresses that strangers named; thread-safe."""

    def post(self, url: str, body: bytes, headers: dict[str, str]) -> Answered:
        """Send once. Never raises for what is at the other end: that is the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a URL leads: `host` is a name in lower case, or, where the guard is open, an address; `path` begins with a slash."""

    secure: bool
    host: str
    port: int
    path: str


MOST_URL: Final = 500
PORTS: Final = (443, 8443)
# Nothing is left to the leniency of a parser: what does not look exactly like this is no URL to post to.
_URL: Final = re.compile(
    r"(?P<scheme>[a-z]+)://(?P<host>[^/?#@:\[\]]*)(?::(?P<port>[0-9]{1,5}))?(?P<path>[/?][!-~]*)?",
    re.IGNORECASE,
)
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# The last label begins with a letter: no spelling of an IPv4 address does (127.1, 0x7f.1, 2130706433).
_NAME: Final = re.compile(rf"(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?")
_INNER: Final = ("localhost", "local", "internal", "intranet", "lan", "home.arpa", "in-addr.arpa", "ip6.arpa")


def target(url: str, *, open_: bool = False) -> Target:
    """Where a URL leads. Raises Invalid on `url` where it is none that a business may name for its webhooks.

    `open_` also takes http, any port and this machine, for rehearsals.
    """
    if len(url) > MOST_URL:
        raise _refused("url_too_long", f"A URL has at most {MOST_URL} characters.")
    if not url.isascii():
        raise _refused("url_not_ascii", "Write the host in its ASCII form (xn--...), and encode the path.")
    found = _URL.fullmatch(url)
    if found is None:
        detail = "Send https://, a host name, a path if there is one: no user name, no # part, no spaces, no address in brackets."
        raise _refused("url_malformed", detail)
    secure = found["scheme"].lower() == "https"
    if not secure and not (open_ and found["scheme"].lower() == "http"):
        raise _refused("url_not_https", "Webhooks are sent over https only.")
    path = found["path"] or "/"
    if "#" in path or "\\" in path:
        raise _refused("url_malformed", "Leave out the # part, and write slashes, not backslashes.")
    return Target(
        secure=secure,
        host=_host(found["host"].lower(), open_=open_),
        port=_port(found["port"], secure=secure, open_=open_),
        path=path if path.startswith("/") else f"/{path}",
    )


def _host(host: str, *, open_: bool) -> str:
    if open_ and host in ("localhost", "127.0.0.1"):
        return host
    if len(host) > 253 or not _NAME.fullmatch(host):
        detail = "Name a host by its public DNS name, such as hooks.example.com: not by an address, and without a dot at its end."
        raise _refused("url_host_malformed", detail)
    if any(host == inner or host.endswith(f".{inner}") for inner in _INNER):
        raise _refused(
            "url_host_not_public", "This name is of a machine or a network of its own, not of the internet."
        )
    return host


def _port(given: str | None, *, secure: bool, open_: bool) -> int:
    port = int(given) if given else 443 if secure else 80
    if open_ and 0 < port < 65536:
        return port
    if port not in PORTS:
        raise _refused("url_port", f"Use port {' or '.join(map(str, PORTS))}.")
    return port


def _refused(code: str, detail: str) -> Invalid:
    return Invalid(code, detail, "url")
