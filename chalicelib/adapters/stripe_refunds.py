"""Refunds and disputes as Stripe tells of them."""

from datetime import UTC, datetime
from typing import Any

from chalicelib.billing.gateway import DisputeTold, RefundTold
from chalicelib.billing.money import Money, from_stripe

# Where a dispute does not say by what was paid, its charge does.
DISPUTED = ["charge"]


def refund(told: dict[str, Any]) -> RefundTold:
    """A refund's state."""
    return RefundTold(
        reference=told["id"],
        amount=from_stripe(told["amount"], told["currency"]),
        status=told["status"] or "pending",
        intent=told["payment_intent"] or "",
        metadata=told["metadata"] or {},
        failure=told.get("failure_reason"),
    )


def dispute(told: dict[str, Any]) -> DisputeTold:
    """A dispute's state, with the sum of what Stripe has taken and given back for it."""
    moved = told.get("balance_transactions") or []
    currency = moved[0]["currency"] if moved else told["currency"]
    due = (told.get("evidence_details") or {}).get("due_by")
    return DisputeTold(
        id=told["id"],
        intent=told["payment_intent"] or "",
        amount=from_stripe(told["amount"], told["currency"]),
        reason=told["reason"],
        status=told["status"],
        withdrawn=_sum(currency, [-one["amount"] for one in moved]),
        fee=_sum(currency, [one["fee"] for one in moved]),
        type=_type(told),
        evidence_due_at=datetime.fromtimestamp(due, UTC) if due else None,
    )


def _sum(currency: str, amounts: list[int]) -> Money:
    return from_stripe(sum(amounts), currency)


def _type(told: dict[str, Any]) -> str:
    charge = told.get("charge")
    details = told.get("payment_method_details") or (
        charge.get("payment_method_details") if isinstance(charge, dict) else None
    )
    return str((details or {}).get("type") or "card")
