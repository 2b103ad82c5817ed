"""Faults on demand: what a network, or Stripe itself, does to the requests that match."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.stripe.errors import StripeError, broken, in_use, invalid, rate_limited
from sandbox.stripe.forms import Form, nested
from sandbox.stripe.replies import Answer, Cut, Held, Reply

KINDS = frozenset(
    """timeout_before timeout_after connection_reset connection_reset_after 500_before 500_after 429 lock_timeout 409
    slow tax_inactive""".split()
)
LONGER_THAN_ANY_CLIENT = 120.0
"""Seconds a `timeout_…` holds the connection; stripe-python gives up after 80."""


@dataclass(slots=True)
class Fault:
    kind: str
    times: int = 1
    seconds: float = LONGER_THAN_ANY_CLIENT
    method: str = "*"
    path: str = "*"
    customer: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    retry_after: str | None = None
    """What the Retry-After of a 429 says; none is sent without it."""
    met: int = 0

    def matches(self, method: str, path: str, form: Form) -> bool:
        return (
            self.times > 0
            and self.method in ("*", method)
            and fnmatch.fnmatchcase(path, self.path)
            and self.customer in (None, form.get("customer"))
            and (not self.metadata or any(self.metadata.items() <= given.items() for given in _marks(form)))
        )


def _marks(form: Form) -> list[dict[str, str]]:
    """The metadata that a request carries: of its object, and of the intent that a Checkout Session will have."""
    inner = [form, form.get("payment_intent_data"), form.get("setup_intent_data")]
    found = [each.get("metadata") for each in inner if isinstance(each, dict)]
    return [each for each in found if isinstance(each, dict)]


def parsed(given: dict[str, Any]) -> Fault:
    match = given.get("match") or {}
    kind = str(given.get("fault"))
    if kind not in KINDS:
        raise invalid(f"Unknown fault {kind}: use one of {', '.join(sorted(KINDS))}.", param="fault")
    seconds = given.get("seconds", 1.0 if kind == "slow" else LONGER_THAN_ANY_CLIENT)
    return Fault(
        kind=kind,
        times=int(given.get("times", 1)),
        seconds=float(seconds),
        method=match.get("method", "*"),
        path=match.get("path", "*"),
        customer=match.get("customer"),
        metadata=match.get("metadata") or {},
        retry_after=None if given.get("retry_after") is None else str(given["retry_after"]),
    )


class Faults:
    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def take(self, method: str, path: str, flat: list[tuple[str, str]]) -> Fault | None:
        """The first fault that this request meets; one time of it is used up."""
        if not self.waiting:
            return None
        form = nested(flat)
        fault = next((fault for fault in self.waiting if fault.matches(method, path, form)), None)
        if fault is not None:
            fault.times -= 1
            fault.met += 1
        return fault


def refusal(fault: Fault) -> StripeError | None:
    """The error that is given instead of an answer, before anything is executed."""
    match fault.kind:
        case "429":
            return rate_limited("rate_limit", fault.retry_after)
        case "lock_timeout":
            return rate_limited("lock_timeout", fault.retry_after)
        case "409":
            return in_use("in use elsewhere")
        case "500_before":
            return broken()
        case "tax_inactive":
            message = "Stripe Tax has not been activated on your account. Visit your tax settings to do so."
            return invalid(message, code="stripe_tax_inactive")
        case _:
            return None


def cut(fault: Fault, answer: Callable[[], Answer]) -> Answer | None:
    """The lost connection, before or after the work is done; None when the fault is of another sort."""
    if fault.kind.endswith("_after") and fault.kind != "500_after":
        answer()
    match fault.kind:
        case "timeout_before" | "timeout_after":
            return Held(fault.seconds, lambda: Cut("close"))
        case "connection_reset" | "connection_reset_after":
            return Cut("reset")
        case _:
            return None


def failed_after(answer: Reply) -> bool:
    """Only a request that was executed can fail after its work."""
    return answer.status in (200, 402)
