"""Metadata: at most 50 keys of 40 characters with values of 500; an empty value removes its key."""

from __future__ import annotations

from sandbox.stripe.errors import invalid

Metadata = dict[str, str]


def merged(old: Metadata, given: Metadata | str | None) -> Metadata:
    if given is None:
        return old
    if isinstance(given, str):
        return {}
    for key, value in given.items():
        _check(key, value)
    kept = {key: value for key, value in {**old, **given}.items() if value != ""}
    if len(kept) > 50:
        raise invalid(f"Metadata can have at most 50 keys, but you passed in {len(kept)}.", param="metadata")
    return kept


def _check(key: str, value: str) -> None:
    param = f"metadata[{key}]"
    if len(key) > 40:
        raise invalid(f"Metadata keys can only contain up to 40 characters: {key}", param=param)
    if "[" in key or "]" in key:
        raise invalid("Metadata keys cannot contain square brackets.", param=param)
    if len(value) > 500:
        raise invalid(
            "Metadata values can have up to 500 characters, but you passed in a longer one.", param=param
        )
