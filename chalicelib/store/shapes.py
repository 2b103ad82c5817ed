"""A record as JSON, and how older shapes of it are lifted to today's.

A shape is the version of a kind's fields. An upcaster is a pure function from the plain JSON of one
shape to that of the next. A shape newer than the code knows is never touched: a release that writes it
is being rolled out, or was rolled back.
"""

import dataclasses
import functools
import re
import typing
from collections.abc import Callable, Mapping
from typing import Any, cast

import msgspec

from chalicelib.billing.errors import Invalid, PerennialError
from chalicelib.store.keys import KINDS, Record

SHAPE_NOW = 1
NOTHING = frozenset({"null", '""', "false", "0", "[]"})
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
        self._encode = msgspec.json.Encoder().encode
        self._types = {kind.name: kind.type for kind in KINDS}

    def encode(self, kind: str, record: Record) -> str:
        """A record as JSON, without the fields that say no more than their default: a kilobyte less is a write unit less."""
        return unsaid(self._types[kind]).sub("", self._encode(record).decode())

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
                return _decoder(self._types[kind]).decode(body)
            return cast(Record, msgspec.convert(self._lifted(kind, shape, now, body), self._types[kind]))
        except (msgspec.MsgspecError, Invalid, KeyError, ValueError, TypeError) as error:
            raise Undecodable(f"A {kind} that cannot be read: {error}") from error

    def _lifted(self, kind: str, shape: int, now: int, body: str) -> dict[str, Any]:
        plain: dict[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
        for step in range(shape, now):
            plain = self._upcasters[kind, step](plain)
        return plain


@functools.cache  # by kind, as it is met: a cold start meets few
def _decoder(type_: type[Record]) -> msgspec.json.Decoder[Record]:
    return msgspec.json.Decoder(type_)


@functools.cache
def unsaid(type_: type) -> re.Pattern[str]:
    """What may be left out of the JSON of a type: `,"name":nothing`, where nothing is the name's default wherever it occurs.

    Only nothing at all is left out: a default that means something (a retry schedule, an hour) may change with a
    release, and must not change what was stored before. Inside a JSON string the quotes would be escaped, so no text of anybody's can look like this.
    """
    defaults: dict[str, set[str | None]] = {}
    for part in _parts(type_, set()):
        for field in dataclasses.fields(part):
            known = field.default is not dataclasses.MISSING
            defaults.setdefault(field.name, set()).add(
                msgspec.json.encode(field.default).decode() if known else None
            )
    one = {name: next(iter(values)) for name, values in defaults.items() if len(values) == 1}
    said = "|".join(f'"{name}":{re.escape(value)}' for name, value in sorted(one.items()) if value in NOTHING)
    return re.compile(f",(?:{said})(?=[,}}\\]])") if said else re.compile("(?!)")


def _parts(type_: Any, seen: set[Any]) -> set[Any]:
    """The dataclasses a type is made of."""
    if dataclasses.is_dataclass(type_) and type_ not in seen:
        seen.add(type_)
        for hint in typing.get_type_hints(type_).values():
            _parts(hint, seen)
    for argument in typing.get_args(type_):
        _parts(argument, seen)
    return seen
