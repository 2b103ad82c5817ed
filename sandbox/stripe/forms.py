"""Form encoding as Stripe reads it: `a[b][c]=1`, `a[0]=x` and `a[]=x` become nested values."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

Form = dict[str, Any]
"""Names to strings, or to further names; a list is kept under its positions ("0", "1", …)."""


def pairs(encoded: str) -> list[tuple[str, str]]:
    return parse_qsl(encoded, keep_blank_values=True) if encoded else []


def nested(flat: list[tuple[str, str]]) -> Form:
    form: Form = {}
    for name, value in flat:
        if "[" in name:
            _place(form, name, value)
        else:
            form[name] = value
    return form


def _place(form: Form, name: str, value: str) -> None:
    head, *rest = name.replace("]", "").split("[")
    place, last = form, head
    for step in rest:
        inner = place.get(last)
        if not isinstance(inner, dict):
            inner = place[last] = {}
        place, last = inner, step or str(len(inner))
    place[last] = value
