"""What the bank will say next: as a test has scripted it, else as the documented method behaves."""

from __future__ import annotations

from sandbox.stripe import declines
from sandbox.stripe.errors import invalid
from sandbox.stripe.shelves import Thing
from sandbox.stripe.state import Account
from sandbox.stripe.test_methods import ALWAYS_AUTHENTICATE, AUTHENTICATE_UNTIL_SET_UP, SUCCEED


def write(account: Account, subject: str, outcomes: list[str]) -> list[str]:
    """Outcomes for the next confirmations with a payment method, or of a customer; they follow those still to come."""
    unknown = [outcome for outcome in outcomes if outcome != SUCCEED and outcome not in declines.ALL]
    if unknown:
        raise invalid(
            f"Unknown outcomes: {', '.join(unknown)}. Use 'succeed' or a decline code.", param="outcomes"
        )
    coming = [*(account.noted(subject, "script") or []), *outcomes]
    account.note(subject, script=coming)
    return coming


def outcome(account: Account, method: Thing, customer: str | None) -> str:
    for subject in filter(None, (method["id"], customer)):
        coming = account.noted(subject, "script")
        if coming:
            account.note(subject, script=coming[1:])
            return str(coming[0])
    return _natural(account, method)


def _natural(account: Account, method: Thing) -> str:
    charged = account.noted(method["id"], "charged") or SUCCEED
    if charged == AUTHENTICATE_UNTIL_SET_UP:
        return SUCCEED if account.noted(method["id"], "set_up") else ALWAYS_AUTHENTICATE
    return str(charged)
