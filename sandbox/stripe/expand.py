"""`expand[]`: ids replaced by their objects, along dotted paths, up to four levels deep."""

from __future__ import annotations

from typing import Any

from sandbox.stripe.errors import invalid
from sandbox.stripe.shelves import Thing
from sandbox.stripe.state import Account

_STEPS = frozenset(
    """application balance_transaction charge customer data default_payment_method default_source dispute
    failure_balance_transaction invoice_settings last_payment_error last_setup_error latest_attempt latest_charge
    line_items mandate on_behalf_of payment_intent payment_method review setup_intent single_use_mandate source
    tax_breakdown test_clock""".split()
)
"""Fields that name an object, or hold one that does."""


def check(paths: list[str]) -> None:
    """Refuse what nothing could be expanded by, before anything is done."""
    for path in paths:
        steps = path.split(".")
        if len(steps) > 4 + (steps[0] == "data"):
            message = f"You cannot expand more than 4 levels of a property. Property: {path}."
            raise invalid(message, param="expand")
        if not _STEPS.issuperset(steps):
            raise _cannot(path)


def expanded(account: Account, thing: Thing, paths: list[str]) -> Thing:
    for path in paths:
        thing = _along(account, thing, path.split("."), path)
    return thing


def _along(account: Account, thing: Thing, steps: list[str], path: str) -> Thing:
    step, *rest = steps
    if step not in thing:
        raise _cannot(path)
    inner = _expanded(account, thing[step], rest, path)
    return thing if inner is thing[step] else {**thing, step: inner}


def _expanded(account: Account, value: Any, rest: list[str], path: str) -> Any:
    if value is None:
        return None
    if isinstance(value, list):
        return [_along(account, item, rest, path) for item in value] if rest else value
    if isinstance(value, str):
        found = account.find(value)
        if found is None:
            raise _cannot(path)
        return _along(account, found, rest, path) if rest else found
    if isinstance(value, dict):
        return _along(account, value, rest, path) if rest else value
    raise _cannot(path)


def _cannot(path: str) -> Exception:
    return invalid(
        f"This property cannot be expanded ({path}). You may want to try expanding a property of the object it names.",
        param="expand",
    )
