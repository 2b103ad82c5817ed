"""Which parameters exist, and of what type: the SDK's own parameter types, turned into checks.

Stripe refuses a parameter it does not know, so a misspelt one fails here as it would there. The types come from
`stripe.params`; a route names its type, and the check is compiled when the route is first used.
"""

from __future__ import annotations

import sys
import types
import typing
from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Any, Literal, Union

import stripe.params
import stripe.params.checkout
import stripe.params.tax
from stripe._request_options import RequestOptions
from stripe._stripe_object import UntypedStripeObject

from sandbox.stripe.errors import StripeError, invalid
from sandbox.stripe.forms import Form

Check = Callable[[Any, str], Any]
"""Given what the form holds and the parameter's name, the typed value; or a StripeError."""


def check(type_name: str, form: Form) -> dict[str, Any]:
    """The form's values with their types, refusing what `type_name` of `stripe.params` does not have."""
    return typing.cast(dict[str, Any], _compiled(type_name)(form, ""))


def names(type_name: str) -> list[str]:
    """The parameters at the top of `type_name`."""
    return list(_hints(attrgetter(type_name)(stripe.params)))


@cache
def _compiled(type_name: str) -> Check:
    return _record(attrgetter(type_name)(stripe.params))


def _check_for(hint: Any) -> Check:
    origin = typing.get_origin(hint)
    if origin in (typing.NotRequired, typing.Required):
        return _check_for(typing.get_args(hint)[0])
    if origin in (Union, types.UnionType):
        return _union(typing.get_args(hint))
    if origin is Literal:
        return _literal(typing.get_args(hint))
    if origin is list:
        return _list(_check_for(typing.get_args(hint)[0]))
    if origin is dict:
        return _mapping(_check_for(typing.get_args(hint)[1]))
    # `typing.is_typeddict` does not know those of typing_extensions, which the SDK uses.
    if hasattr(hint, "__required_keys__"):
        return _lazily(hint)
    return {int: _integer, bool: _boolean, float: _number}.get(hint, _string)


def _record(hint: Any) -> Check:
    fields = {name: _check_for(of) for name, of in _hints(hint).items()}
    required = [name for name in fields if name in hint.__required_keys__]

    def record(value: Any, name: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise invalid("Invalid object", param=name)
        unknown = [_within(name, key) for key in value if key not in fields]
        if unknown:
            raise _unknown(unknown)
        for key in required:
            if key not in value:
                raise _missing(_within(name, key))
        return {key: fields[key](inner, _within(name, key)) for key, inner in value.items()}

    return record


def _hints(hint: Any) -> dict[str, Any]:
    """Without the SDK's own options (api_key, idempotency_key …), which are headers and not parameters."""
    own = {
        name: of for name, of in hint.__annotations__.items() if name not in RequestOptions.__annotations__
    }
    return typing.get_type_hints(
        types.SimpleNamespace(__annotations__=own), vars(sys.modules[hint.__module__])
    )


def _lazily(hint: Any) -> Check:
    """Compiled when first met: PaymentIntentCreateParams alone nests hundreds of types that no one sends."""
    compiled: list[Check] = []

    def record(value: Any, name: str) -> Any:
        if not compiled:
            compiled.append(_record(hint))
        return compiled[0](value, name)

    return record


def _union(hints: tuple[Any, ...]) -> Check:
    choices = {word for hint in hints if typing.get_origin(hint) is Literal for word in typing.get_args(hint)}
    # The SDK writes a closed list of words as `Literal[...] | str`, so that later words still type-check.
    closed = bool(choices - {""})
    others = [
        _check_for(hint) for hint in hints if not _is_for_typing_only(hint) and not (closed and hint is str)
    ]
    if not others:
        return _literal(tuple(sorted(choices)))

    def union(value: Any, name: str) -> Any:
        if isinstance(value, str) and value in choices:
            return value
        for attempt in others[:-1]:
            try:
                return attempt(value, name)
            except StripeError:
                continue
        return others[-1](value, name)

    return union


def _is_for_typing_only(hint: Any) -> bool:
    """Words are looked at apart; an untyped object is the SDK's way of accepting what it once answered."""
    origin = typing.get_origin(hint)
    return origin is Literal or (origin or hint) is UntypedStripeObject


def _literal(words: tuple[Any, ...]) -> Check:
    by_text = {str(word).lower() if isinstance(word, bool) else str(word): word for word in words}

    def literal(value: Any, name: str) -> Any:
        if not isinstance(value, str) or value not in by_text:
            shown = ", ".join(word for word in by_text if word)
            raise invalid(f"Invalid {name}: must be one of {shown}", param=name)
        return by_text[value]

    return literal


def _list(inner: Check) -> Check:
    def elements(value: Any, name: str) -> list[Any]:
        if not isinstance(value, dict) or not all(position.isdigit() for position in value):
            raise invalid("Invalid array", param=name)
        return [inner(value[position], f"{name}[{position}]") for position in sorted(value, key=int)]

    return elements


def _mapping(inner: Check) -> Check:
    def mapping(value: Any, name: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise invalid("Invalid hash", param=name)
        return {key: item if item == "" else inner(item, _within(name, key)) for key, item in value.items()}

    return mapping


def _integer(value: Any, name: str) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise invalid(f"Invalid integer: {value}", code="parameter_invalid_integer", param=name) from None


def _number(value: Any, name: str) -> str:
    try:
        float(value)
    except (TypeError, ValueError):
        raise invalid(f"Invalid decimal: {value}", param=name) from None
    return typing.cast(str, value)


def _boolean(value: Any, name: str) -> bool:
    if value not in ("true", "false"):
        raise invalid(f"Invalid boolean: {value}", param=name)
    return bool(value == "true")


def _string(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise invalid(f"Invalid string: {value}", param=name)
    if value == "":
        raise invalid(
            f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset a parameter; "
            f"however '{name}' cannot be unset. You should remove '{name}' from your request or supply a non-empty value.",
            code="parameter_invalid_empty",
            param=name,
        )
    return value


def _within(name: str, key: str) -> str:
    return f"{name}[{key}]" if name else key


def _unknown(names: list[str]) -> StripeError:
    plural = "s" if len(names) > 1 else ""
    return invalid(
        f"Received unknown parameter{plural}: {', '.join(names)}", code="parameter_unknown", param=names[0]
    )


def _missing(name: str) -> StripeError:
    return invalid(f"Missing required param: {name}.", code="parameter_missing", param=name)
