"""What a request may say: its types, and the sentences for what is none of them."""

import enum
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from types import UnionType
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from chalicelib.billing.errors import Invalid

B = TypeVar("B", bound="Body")


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a body or a query may say, and nothing beside it; alone it is one that says nothing."""


# `(?!\n)$` and not `$`: Python's `$` also matches before a last line break, which JSON Schema's does not.
_ID: Final = r"^[A-Za-z0-9_]{1,200}(?!\n)$"
_LINE: Final = r"^[^\x00-\x1f\x7f]*(?!\n)$"
_TEXT: Final = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*(?!\n)$"
_DECIMAL: Final = r"^[0-9]{1,12}(\.[0-9]{1,12})?(?!\n)$"

CODE: Final = r"^[A-Za-z0-9_-]{1,50}(?!\n)$"
METHOD: Final = r"^[a-z0-9_]{1,40}(?!\n)$"
TERM: Final = r"^P[0-9]{1,4}[WMY](?!\n)$"
Id = Annotated[str, Meta(pattern=_ID)]
CURRENCY: Final = "^[a-z]{3}$"
PREFIX: Final = r"^[A-Za-z0-9/_.-]{0,20}(?!\n)$"
Currency = Annotated[str, Meta(pattern=CURRENCY, examples=["usd"])]
Prefix = Annotated[str, Meta(pattern=PREFIX, examples=["INV-"])]
OneLine = Annotated[str, Meta(pattern=_LINE, max_length=250)]
Text = Annotated[str, Meta(pattern=_TEXT, max_length=2000)]
Number = int | Annotated[str, Meta(pattern=_DECIMAL, examples=["0.25"])]
Term = Annotated[str, Meta(pattern=TERM, examples=["P12M"])]
Moment = Annotated[datetime, Meta(tz=True)]

_PLAIN: Final = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "object": "an object",
    "array": "a list",
    "bool": "true or false",
}
_BOUND: Final = re.compile(r"(text|a list|number)(?: of length)? (<=|>=) (-?[0-9]+)")
_BOUNDS: Final = {"<=": "at most", ">=": "at least"}
_COUNTED: Final = {"text": " characters"}
_WORDS: Final = {
    CURRENCY: "Send a lower-case ISO 4217 code, such as usd.",
    PREFIX: "Send at most 20 letters, digits and / _ . -",
    CODE: "Send from 1 to 50 letters, digits, underscores and hyphens.",
    METHOD: "Send a type of payment method as Stripe calls it, such as card or us_bank_account.",
    TERM: "Send a duration such as P8W, P12M or P3Y.",
    _ID: "Send an id as it was given: letters, digits and underscores.",
    _LINE: "Send text of one line, without control characters.",
    _TEXT: "Send text without control characters.",
    _DECIMAL: 'Send a whole number, or digits with a point in a string, such as "12.5"; at most 12 before and after it.',
}


def is_id(text: str) -> bool:
    """Whether it could be the id of a record."""
    return re.fullmatch(_ID, text) is not None


def from_json(type_: type[B], raw: bytes) -> B:
    """A body as its type, an empty one as an empty object. Raises Invalid naming the field to blame."""
    try:
        body: B = _decoder(type_).decode(raw or b"{}")
        return body
    except msgspec.ValidationError as error:
        raise refused(type_, str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Invalid("malformed_json", "The body is not JSON in UTF-8.") from None


def from_query(type_: type[B], query: Mapping[str, list[str]]) -> B:
    """A query as its type. Raises Invalid naming the parameter to blame."""
    for name, values in query.items():
        if len(values) != 1:
            raise Invalid("repeated_parameter", "Send the parameter once.", name[:80])
    try:
        return msgspec.convert({name: values[0] for name, values in query.items()}, type_, strict=False)
    except msgspec.ValidationError as error:
        raise refused(type_, str(error)) from None


@cache
def _decoder(type_: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(type_)


_AT: Final = re.compile(r" - at `\$\.?(.*)`$", re.DOTALL)
_FIELD: Final = re.compile(r"^Object (missing required|contains unknown) field `(.*)`$", re.DOTALL)


def refused(type_: Any, told: str) -> Invalid:
    """msgspec's refusal in our words; `param` is the path to the value, such as `lines[0].quantity`."""
    at = _AT.search(told)
    path, what = (at[1], told[: at.start()]) if at else ("", told)
    if field := _FIELD.match(what):
        param = f"{path}.{field[2]}" if path else field[2]
        if field[1] == "missing required":
            return Invalid("field_missing", "This field is required.", param[:200])
        return Invalid("unknown_field", _not_here(_fields(type_, path)), param[:200])
    code, detail = _sentence(type_, what, path)
    return Invalid(code, detail, path[:200] or None)


def _sentence(type_: Any, what: str, path: str) -> tuple[str, str]:
    if what.startswith("Invalid enum value"):
        last = re.sub(r"\[[^\]]*\]", "", path).rpartition(".")[2]
        return "unknown_value", f"Send one of: {', '.join(choices(type_).get(last, ()))}."
    if "matching regex" in what:
        words = next(
            (words for pattern, words in _WORDS.items() if repr(pattern) in what), "Send another form."
        )
        return "wrong_form", words
    if what.endswith("got `float`") and "int | str" in what:
        return "inexact_number", 'Send decimals in a string, such as "12.5": a JSON float is not exact.'
    if "timezone" in what:
        return "moment_without_zone", "Send a moment with its offset, such as 2026-01-31T06:00:00Z."
    if "RFC3339" in what:
        return "wrong_form", "Send RFC 3339: 2026-01-31 for a date, 2026-01-31T06:00:00Z for a moment."
    return "wrong_type", _plain(what, _fields(type_, path) if path else ())


def _not_here(fields: tuple[str, ...]) -> str:
    said = "There is no such field here; leave it out"
    return f"{said}, or send one of: {', '.join(fields)}." if fields else f"{said}."


def _plain(what: str, fields: tuple[str, ...]) -> str:
    """msgspec's finding in words of people: "Expected `int | null`, got `str`" is "Send a whole number or null, not text.".

    `fields` are those of the object that is expected, where one is.
    """
    said = (
        what.replace("`", "").replace(" | ", " or ").replace("Expected ", "Send ").replace(", got ", ", not ")
    )
    said = re.sub(r"\b(int|float|str|object|array|bool)\b", lambda found: _PLAIN[found[0]], said)
    if fields:
        said = said.replace("Send an object", f"Send an object ({', '.join(fields)})")
    return _BOUND.sub(_bounded, said) + "."


def _bounded(found: re.Match[str]) -> str:
    """ "text of length <= 250" is "text of at most 250 characters"."""
    what, bound, limit = found.groups()
    return f"{what} of {_BOUNDS[bound]} {limit}{_COUNTED.get(what, '')}"


@cache
def choices(type_: Any) -> dict[str, list[str]]:
    """The values of every enum a type mentions, by field name, at any depth."""
    found: dict[str, list[str]] = {}
    for name, hint in get_type_hints(type_).items():
        for part in _parts(hint):
            if isinstance(part, type) and issubclass(part, enum.Enum):
                found[name] = [str(member.value) for member in part]
            elif _is_body(part):
                found |= choices(part)
    return found


def _fields(type_: Any, path: str) -> tuple[str, ...]:
    """The names that an object at a path of a body may have; none where there is no object of ours."""
    for name in filter(None, re.sub(r"\[[^\]]*\]", "", path).split(".")):
        parts = _parts(get_type_hints(type_).get(name)) if _is_body(type_) else []
        type_ = next((part for part in parts if _is_body(part)), None)
    return tuple(type_.__struct_encode_fields__) if _is_body(type_) else ()


def _is_body(part: Any) -> bool:
    return isinstance(part, type) and issubclass(part, Body)


def _parts(hint: Any) -> list[Any]:
    if get_origin(hint) in (Union, UnionType, tuple, list):
        return [part for argument in get_args(hint) for part in _parts(argument)]
    return [hint]
