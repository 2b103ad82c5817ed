"""Webhooks posted to addresses that strangers named, so that nothing of ours can be reached through them.

The name is resolved here, every address it has must be a public one, and the connection is made to the very address that
was looked at: a name that means something else a moment later leads nowhere. No redirect is followed and no proxy used.
An endpoint has ten seconds for all of its answer, of which little is read and nothing is unpacked.
"""

import http.client
import io
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any, Final

from chalicelib.billing.errors import Invalid
from chalicelib.crm.hooks import Answered, Target, target

TOTAL_SECONDS: Final = 10.0
CONNECT_SECONDS: Final = 3.0
MOST_READ: Final = 64 * 1024
"""Bytes of an answer, with its head; one that has more is read no further."""
EXCERPT: Final = 500
LOOKUPS: Final = 32
USER_AGENT: Final = "Perennial-Webhooks/1 (+https://www.standardwebhooks.com)"

Resolve = Callable[[str, int], list[str]]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class _Refused(Exception):
    """What keeps a post from being made or answered, in words for whoever runs the endpoint."""


def resolved(host: str, port: int) -> list[str]:
    """All addresses of a name, as the system has them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(where[0]) for *_, where in found))


class GuardedHooks:
    """Posts to public addresses alone; `open_` lets this machine be one, over http too, for rehearsals."""

    def __init__(
        self,
        *,
        open_: bool = False,
        resolve: Resolve = resolved,
        trust: ssl.SSLContext | None = None,
        public: Callable[[str], bool] | None = None,
        seconds: float = TOTAL_SECONDS,
    ) -> None:
        self._open, self._resolve, self._seconds = open_, resolve, seconds
        self._trust = trust
        self._public = public or is_public

    def post(self, url: str, body: bytes, headers: dict[str, str]) -> Answered:
        """Send once. Never raises for what is at the other end: that is the answer."""
        began = time.monotonic()

        def answered(status: int, said: str) -> Answered:
            return Answered(status=status, said=_excerpt(said), millis=int((time.monotonic() - began) * 1000))

        try:
            where = target(url, open_=self._open)
            deadline = began + self._seconds
            return answered(*_exchange(self._connected(where, deadline), where, body, headers, deadline))
        except Invalid as error:
            return answered(0, error.detail)
        except _Refused as error:
            return answered(0, str(error))
        except TimeoutError:
            return answered(0, f"No answer within {self._seconds:g} seconds.")
        except ssl.SSLError as error:
            return answered(
                0, f"TLS failed: {getattr(error, 'verify_message', '') or error.reason or error}."
            )
        except (OSError, http.client.HTTPException, ValueError) as error:
            return answered(0, f"No answer: {type(error).__name__}.")

    def _connected(self, where: Target, deadline: float) -> socket.socket:
        """A connection to an address of the name that was looked at before. Raises what sockets raise, and _Refused."""
        address = self._looked_at(where, deadline)
        until = min(deadline, time.monotonic() + CONNECT_SECONDS)
        raw = socket.create_connection((address, where.port), timeout=_left(until))
        try:
            raw.settimeout(_left(until))
            return self._secured(raw, where.host) if where.secure else raw
        except BaseException:
            raw.close()
            raise

    def _secured(self, raw: socket.socket, host: str) -> ssl.SSLSocket:
        return (self._trust or _systems_trust()).wrap_socket(raw, server_hostname=host)

    def _looked_at(self, where: Target, deadline: float) -> str:
        """The first address of a name, all of which are public. A name that cannot be resolved in time is refused."""
        waiting: Future[list[str]] = _lookups().submit(self._resolve, where.host, where.port)
        try:
            addresses = waiting.result(min(CONNECT_SECONDS, _left(deadline)))
        except TimeoutError:
            waiting.cancel()
            raise _Refused("The host's name was not resolved in time.") from None
        except (OSError, UnicodeError):
            raise _Refused("The host's name cannot be resolved.") from None
        if not addresses:
            raise _Refused("The host's name has no address.")
        if not all(self._allowed(address) for address in addresses):
            raise _Refused("The host's name leads to an address that is not on the public internet.")
        return addresses[0]

    def _allowed(self, address: str) -> bool:
        return self._public(address) or (self._open and address in ("127.0.0.1", "::1"))


def is_public(text: str) -> bool:
    """Whether an address is one of the public internet's, a single machine's, and of no translation or tunnel to another."""
    try:
        address: Address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if not address.is_global or address.is_multicast:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _NOT_V4)
    return (
        address.scope_id is None
        and address in _GLOBAL_V6
        and not any(address in network for network in _NOT_V6)
    )


def _v4(*networks: str) -> tuple[ipaddress.IPv4Network, ...]:
    return tuple(map(ipaddress.IPv4Network, networks))


# Said in full, though Python knows most: what counts as global has changed with its releases (IANA's special-purpose registries).
_NOT_V4: Final = _v4(
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
    *(
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
    ),
    *("192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
)
_GLOBAL_V6: Final = ipaddress.IPv6Network("2000::/3")
# Teredo and the like, documentation, 6to4; mapped, translated and local addresses are outside 2000::/3.
_NOT_V6: Final = tuple(
    map(ipaddress.IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"))
)


def _exchange(
    connection: socket.socket, where: Target, body: bytes, headers: dict[str, str], deadline: float
) -> tuple[int, str]:
    """Send, and read the begin of the answer: its status, and some of its text."""
    with connection:
        _send(connection, _head(where, len(body), headers) + body, deadline)
        answer = http.client.HTTPResponse(_Read(connection, deadline), method="POST")  # type: ignore[arg-type]  # all it asks of a socket
        answer.begin()
        return answer.status, _begin_of(answer)


def _begin_of(answer: http.client.HTTPResponse) -> str:
    """The status is the answer: what ends in the middle after it, or is no text of HTTP's, says less, and no more."""
    try:
        return answer.read(EXCERPT * 4).decode(errors="replace")
    except (OSError, http.client.HTTPException, ValueError):  # the last of a chunk of less than nothing
        return ""


def _head(where: Target, length: int, headers: dict[str, str]) -> bytes:
    """The request's head. Names and values are ours; a line break in one would be a defect, and is refused."""
    usual = where.port == (443 if where.secure else 80)
    lines = {
        "Host": where.host if usual else f"{where.host}:{where.port}",
        "User-Agent": USER_AGENT,
        "Content-Length": str(length),
        "Accept-Encoding": "identity",
        "Connection": "close",
        **headers,
    }
    head = [f"POST {where.path} HTTP/1.1", *(f"{name}: {value}" for name, value in lines.items()), "", ""]
    if any("\r" in line or "\n" in line for line in head):
        raise _Refused("A header would break the request in two.")
    return "\r\n".join(head).encode("ascii")


def _send(connection: socket.socket, data: bytes, deadline: float) -> None:
    """All of it by the deadline, however slowly the other side takes it."""
    rest = memoryview(data)
    while rest:
        connection.settimeout(_left(deadline))
        rest = rest[connection.send(rest) :]


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


class _Read:
    """As much of a socket as `http.client` asks for: a file that is read until a deadline, and no further than it may be."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection, self._deadline = connection, deadline

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        return io.BufferedReader(_Bytes(self._connection, self._deadline))


class _Bytes(io.RawIOBase):
    """Bytes as they come, each wait no longer than until the deadline: one that drips gains no time by it."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection, self._deadline, self._left = connection, deadline, MOST_READ

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._left <= 0:
            raise _TooMuch
        self._connection.settimeout(_left(self._deadline))
        count = self._connection.recv_into(memoryview(buffer)[: self._left])
        self._left -= count
        return count


class _TooMuch(OSError):
    """An answer is larger than anything an endpoint has to say."""


def _excerpt(said: str) -> str:
    """The begin of what was said, of one line and without control characters: it is shown to people, and kept."""
    line = " ".join(said.split())
    return "".join(char for char in line if char.isprintable())[:EXCERPT]


@cache
def _systems_trust() -> ssl.SSLContext:
    """The authorities this machine believes."""
    return ssl.create_default_context()


@cache
def _lookups() -> ThreadPoolExecutor:
    """Names are looked up apart: the system's resolver knows no deadline."""
    return ThreadPoolExecutor(LOOKUPS, thread_name_prefix="lookup")
