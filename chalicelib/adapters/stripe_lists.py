"""All that Stripe has of a kind, a page at a time, and what its balance comes to: what an audit holds the records against."""

from collections.abc import Callable
from typing import Any

from chalicelib.adapters.stripe_outcomes import EXPAND, outcome
from chalicelib.adapters.stripe_refunds import DISPUTED, dispute, refund
from chalicelib.billing.gateway import ChargeTold, DisputeTold, RefundTold, Span
from chalicelib.billing.money import Money, from_stripe

PAGE = 100
Get = Callable[[str, dict[str, Any]], dict[str, Any]]
# What takes money out of the balance, or puts it there, that no buyer paid or got back.
NO_BUYERS = (
    "contribution",
    "payout",
    "payout_cancel",
    "payout_failure",
    "reserve_transaction",
    "stripe_fee",
    "stripe_fx_fee",
    "tax_fee",
    "topup",
    "topup_reversal",
)


def charges(get: Get, after: str | None, span: Span) -> tuple[list[ChargeTold], str | None]:
    """PaymentIntents, newest first."""
    rows, next_ = _page(get, "/v1/payment_intents", EXPAND, after, span)
    return [_charge(row) for row in rows], next_


def refunds(get: Get, after: str | None, span: Span) -> tuple[list[RefundTold], str | None]:
    """Refunds, newest first."""
    rows, next_ = _page(get, "/v1/refunds", [], after, span)
    return [refund(row) for row in rows], next_


def disputes(get: Get, after: str | None, span: Span) -> tuple[list[DisputeTold], str | None]:
    """Disputes, newest first."""
    rows, next_ = _page(get, "/v1/disputes", DISPUTED, after, span)
    return [dispute(row) for row in rows], next_


def balance(get: Get) -> list[Money]:
    """What is available and pending, and what left it for the merchant's bank or for what Stripe charges the merchant."""
    held = get("/v1/balance", {})
    sums: dict[str, int] = {}
    for row in (*held["available"], *held["pending"]):
        sums[row["currency"]] = sums.get(row["currency"], 0) + row["amount"]
    for type_ in NO_BUYERS:
        for row in _all(get, "/v1/balance_transactions", {"type": type_}):
            sums[row["currency"]] = sums.get(row["currency"], 0) - row["net"]
    return [from_stripe(amount, currency) for currency, amount in sorted(sums.items())]


def _charge(intent: dict[str, Any]) -> ChargeTold:
    return ChargeTold(
        reference=intent["id"],
        amount=from_stripe(intent["amount"], intent["currency"]),
        outcome=outcome(intent),
        metadata=intent["metadata"] or {},
    )


def _page(
    get: Get, path: str, expand: list[str], after: str | None, span: Span
) -> tuple[list[dict[str, Any]], str | None]:
    created = {
        bound: int(at.timestamp())
        for bound, at in (("gte", span.since), ("lte", span.until))
        if at is not None
    }
    params: dict[str, Any] = {"limit": PAGE}
    params |= {"expand": [f"data.{one}" for one in expand]} if expand else {}
    params |= {"created": created} if created else {}
    params |= {"starting_after": after} if after else {}
    page = get(path, params)
    rows: list[dict[str, Any]] = page["data"]
    return rows, rows[-1]["id"] if page["has_more"] else None


def _all(get: Get, path: str, params: dict[str, Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    while True:
        page = get(path, {**params, "limit": PAGE, **({"starting_after": rows[-1]["id"]} if rows else {})})
        rows += page["data"]
        if not page["has_more"]:
            return rows
