"""What an endpoint answers: a record, a list of them, or a record and what is beside it."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar, get_args, get_origin

from chalicelib.views.shown import SHAPES, shown

R = TypeVar("R")
M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class Listed(Generic[R]):
    """Some records in order; `next` continues after them, None at the end.

    Where a list is followed there is always a `next`, and whether there is `more` already is said.
    """

    records: list[R]
    next: str | None
    more: bool | None = None


@dataclass(frozen=True, slots=True)
class Beside(Generic[R, M]):
    """A record, and values shown beside its own."""

    record: R
    more: M


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """What is shown this once; a repetition of the request is answered without it."""

    secret: str


def record_of(gives: Any) -> type | None:
    """The type of the one record an endpoint answers, None where it answers a list or no record."""
    kind = get_args(gives)[0] if get_origin(gives) is Beside else gives
    return kind if kind in SHAPES else None


def plain(value: Any) -> Any:
    """What an endpoint answers, as JSON's values; a type without a shape is shown as it is."""
    match value:
        case Listed():
            data = [plain(record) for record in value.records]
            more = value.next is not None if value.more is None else value.more
            return {"object": "list", "data": data, "has_more": more, "next": value.next}
        case Beside():
            return plain(value.record) | shown(value.more)
        case _:
            return shown(value)


def without_secret(value: Any) -> Any:
    """The same, as a repetition of the request may see it."""
    return value.record if isinstance(value, Beside) and isinstance(value.more, Secret) else value
