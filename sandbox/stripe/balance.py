"""The balance: what every charge and refund puts in or takes out, and when that money is available."""

from __future__ import annotations

from sandbox.stripe import ids
from sandbox.stripe.shelves import Thing
from sandbox.stripe.state import DAY, Call

AVAILABLE_AFTER = 2 * DAY
FUNDS = "funds"
"""Topic of the moment at which a balance transaction's money becomes available."""


STRIPE_FEE = "Stripe processing fees"


def enter(
    call: Call, source: Thing, amount: int, fee: int, type_: str, *,
    category: str | None = None, description: str | None = None, fee_for: str = STRIPE_FEE,
) -> Thing:  # fmt: skip
    """A balance transaction; `amount` is negative when money leaves, and net is amount - fee."""
    available_on = call.now + AVAILABLE_AFTER
    entry = call.account.put({
        "id": ids.new("txn"), "object": "balance_transaction", "amount": amount, "available_on": available_on,
        "balance_type": "payments", "created": call.now, "currency": source["currency"],
        "description": description or source.get("description"), "exchange_rate": None, "fee": fee,
        "fee_details": [_stripe_fee(fee, source["currency"], fee_for)] if fee else [], "net": amount - fee,
        "reporting_category": category or type_, "source": source["id"], "status": "pending", "type": type_,
    })  # fmt: skip
    call.world.schedule(available_on, FUNDS, call.account, entry["id"])
    return entry


def _stripe_fee(fee: int, currency: str, description: str) -> Thing:
    return {
        "amount": fee,
        "application": None,
        "currency": currency,
        "description": description,
        "type": "stripe_fee",
    }


def release(call: Call) -> None:
    """The money of a balance transaction is available."""
    entry = call.account.get("balance_transaction", call.name)
    call.account.change(entry, status="available")


def retrieve(call: Call) -> Thing:
    """What the account holds, per currency."""
    sums: dict[str, dict[str, int]] = {"available": {"usd": 0}, "pending": {"usd": 0}}
    for entry in call.account.shelf("balance_transaction"):
        held = sums[entry["status"]]
        held[entry["currency"]] = held.get(entry["currency"], 0) + entry["net"]
    amounts = {
        status: [
            {"amount": sum_, "currency": code, "source_types": {"card": sum_}}
            for code, sum_ in sorted(held.items())
        ]
        for status, held in sums.items()
    }
    return {"object": "balance", "livemode": False, **amounts}
