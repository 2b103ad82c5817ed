"""A record as JSON, and how older shapes of it are lifted to today's.

A shape is the version of a kind's fields. An upcaster is a pure function from the plain JSON of one
shape to that of the next. A shape newer than the code knows is never touched: a release that writes it
is being rolled out, or was rolled back.
"""

from collections.abc import Callable, Mapping
from typing import Any, cast

import msgspec

from chalicelib.billing.errors import PerennialError
from chalicelib.store.keys import KINDS, Record

SHAPE_NOW = 1
Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
# (kind, shape) -> to the next shape. Golden files of every shape that was ever written are in tests/contracts/shapes.
UPCASTERS: Mapping[tuple[str, int], Upcaster] = {}


class Undecodable(PerennialError):
    """A stored record that cannot be read: the record's own fault."""

    def __init__(self, detail: str) -> None:
        super().__init__("undecodable", detail)


class NewerShape(PerennialError):
    """A stored record written by a newer release: left untouched, and nobody's fault."""

    def __init__(self, detail: str) -> None:
        super().__init__("newer_shape", detail)


class Shapes:
    """Encodes and decodes records of every kind."""

    def __init__(self, upcasters: Mapping[tuple[str, int], Upcaster] = UPCASTERS) -> None:
        self._upcasters = upcasters
        self.encode: Callable[[Record], bytes] = msgspec.json.Encoder().encode
        self._decoders: dict[str, msgspec.json.Decoder[Record]] = {
            kind.name: msgspec.json.Decoder(kind.type) for kind in KINDS
        }
        self._types = {kind.name: kind.type for kind in KINDS}

    def now(self, kind: str) -> int:
        """The shape a kind is written in."""
        return max((shape + 1 for name, shape in self._upcasters if name == kind), default=SHAPE_NOW)

    def decode(self, kind: str, shape: int, body: str) -> Record:
        """A record from its JSON. Raises Undecodable or NewerShape."""
        now = self.now(kind) if self._upcasters else SHAPE_NOW
        if shape > now:
            raise NewerShape(f"A {kind} of shape {shape}; this release knows {now}.")
        try:
            if shape == now:
                return self._decoders[kind].decode(body)
            return cast(Record, msgspec.convert(self._lifted(kind, shape, now, body), self._types[kind]))
        except (msgspec.MsgspecError, KeyError, ValueError, TypeError) as error:
            raise Undecodable(f"A {kind} that cannot be read: {error}") from error

    def _lifted(self, kind: str, shape: int, now: int, body: str) -> dict[str, Any]:
        plain: dict[str, Any] = msgspec.json.decode(body)
        for step in range(shape, now):
            plain = self._upcasters[kind, step](plain)
        return plain
