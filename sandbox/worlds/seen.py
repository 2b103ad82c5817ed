"""What must have been seen in many worlds: every kind of fault, every documented method, every transition; none may be missing."""

from __future__ import annotations

from collections import Counter
from typing import Final

from chalicelib.billing import statuses
from sandbox.stripe import test_methods
from sandbox.worlds import acts, points, troubles

ENOUGH: Final = 300
"""So many worlds must have seen all of it."""
MOVES: Final = {
    "subscription": """new → scheduled, scheduled → active, active → past_due, past_due → active, past_due → unpaid,
        past_due → canceled, unpaid → active, unpaid → past_due, unpaid → canceled, active → paused, past_due → paused,
        paused → active, paused → past_due, paused → canceled, active → canceled, active → expired""",
    "invoice": """new → open, new → paid, open → paid, open → void, open → uncollectible, paid → open""",
    "payment": """new → pending, new → succeeded, pending → succeeded, pending → declined, pending → processing, pending → held,
        pending → action_required, pending → checkout, pending → canceled, held → succeeded, held → declined,
        held → canceled, processing → succeeded, processing → declined, action_required → succeeded,
        action_required → canceled, action_required → declined, checkout → succeeded, checkout → canceled,
        succeeded → returned""",
    "refund": "new → pending, new → succeeded, pending → succeeded, succeeded → failed",
    "dispute": "new → needs_response, needs_response → won, needs_response → lost",
    "setup": "new → open, open → complete, open → expired",
}
"""Every change of status there is."""
DISORDER: Final = (
    "message late", "message twice", "messages out of order", "webhook late", "webhook twice", "webhook lost",
    "webhooks out of order", "dispute opened", "dispute: win", "dispute: lose", "debit returned", "refunded at Stripe",
    "3-D Secure: succeed", "3-D Secure: fail", "page submitted", "page left", "page refused",
)  # fmt: skip
STEPS: Final = (
    "PutItem", "TransactWriteItems", "UpdateItem", "gateway.charge", "gateway.find", "gateway.fetch", "gateway.attach",
    "gateway.checkout", "mailer.send", "queue.send_many", "queue.receive",
)  # fmt: skip
"""What a process is ended before and after."""


def wanted() -> list[str]:
    """The names of all that must have been seen."""
    moves = [f"{kind}: {move.strip()}" for kind, listed in MOVES.items() for move in listed.split(",")]
    return [
        *(f"trouble: {name}" for name in troubles.TROUBLES),
        *(f"act: {name}" for name in acts.ACTS if name not in acts.ON_PAGES),
        *(f"between: {kind}" for kind in points.KINDS),
        *(f"crash {side} {step}" for step in STEPS for side in ("before", "after")),
        *(f"method: {name}" for name in test_methods.names()),
        *(f"status: {status}" for status in statuses.Status),
        *moves,
        *DISORDER,
    ]


def missing(seen: Counter[str]) -> list[str]:
    """What was never seen, by name."""
    return [name for name in wanted() if not seen[name]]
