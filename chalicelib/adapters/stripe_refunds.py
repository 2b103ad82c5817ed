"""Refunds and disputes as Stripe tells of them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from chalicelib.billing.gateway import DisputeTold, RefundTold
from chalicelib.billing.money import Money, from_stripe

# What a refund took, and what was kept of it.
REFUNDED = ["balance_transaction"]
# Where a dispute does not say by what was paid, its charge does.
DISPUTED = ["charge"]


def refund(told: dict[str, Any]) -> RefundTold:
    """A refund's state."""
    moved = told.get("balance_transaction")
    fee, net = (moved["fee"], moved["net"]) if isinstance(moved, dict) else (None, None)
    currency = moved["currency"] if isinstance(moved, dict) else told["currency"]
    return RefundTold(
        reference=told["id"],
        amount=from_stripe(told["amount"], told["currency"]),
        status=told["status"] or "pending",
        intent=told["payment_intent"] or "",
        metadata=told["metadata"] or {},
        failure=told.get("failure_reason"),
        fee=None if fee is None else from_stripe(fee, currency),
        net=None if net is None else from_stripe(net, currency),
    )


def of(get: Callable[[str, dict[str, Any]], dict[str, Any]], intent: str) -> list[RefundTold]:
    """All refunds of a PaymentIntent, oldest first: Stripe lists the newest first."""
    params: dict[str, Any] = {
        "payment_intent": intent,
        "limit": 100,
        "expand": [f"data.{one}" for one in REFUNDED],
    }
    found: list[RefundTold] = []
    while True:
        page = get("/v1/refunds", params)
        found += [refund(one) for one in page["data"]]
        if not page["has_more"]:
            return found[::-1]
        params = params | {"starting_after": page["data"][-1]["id"]}


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
