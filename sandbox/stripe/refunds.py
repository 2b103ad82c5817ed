"""Refunds: money given back, whole or in parts (https://docs.stripe.com/api/refunds)."""

from __future__ import annotations

from sandbox.stripe import balance, currencies, disputes, events, ids
from sandbox.stripe.errors import conflict, invalid
from sandbox.stripe.metadata import merged
from sandbox.stripe.payment_methods import DEBITS
from sandbox.stripe.shelves import Thing
from sandbox.stripe.state import DAY, Call
from sandbox.stripe.test_methods import REFUNDED_LATER, SUCCEED

DAYS_TO_SETTLE = 3
LATER = "refund"
"""Topic of the moment at which a bank answers a refund."""


def create(call: Call) -> Thing:
    before = _charge(call)
    disputes.refuse_refund(call, before)
    left = before["amount"] - before["amount_refunded"]
    amount = _amount(call, before, left)
    course = call.account.noted(before["payment_method"], "refunded") or SUCCEED
    refund = _new(call, before, amount, "pending" if course == REFUNDED_LATER else "succeeded")
    entry = balance.enter(call, refund, -amount, 0, "refund")
    refund = call.account.put({**refund, "balance_transaction": entry["id"]})
    after = call.account.change(
        before, amount_refunded=before["amount_refunded"] + amount, refunded=amount == left
    )
    events.emit(call, "refund.created", refund)
    events.emit(call, "charge.refunded", after, events.changes(before, after))
    if course != SUCCEED:
        due = call.now + DAYS_TO_SETTLE * DAY
        call.account.note(refund["id"], due=due, topic=LATER, outcome=course)
        call.world.schedule(due, LATER, call.account, refund["id"])
    return refund


def settle(call: Call) -> None:
    """The bank has taken the money, days later, or sent it back."""
    before = call.account.get("refund", call.name)
    call.account.note(call.name, due=None)
    if call.account.noted(call.name, "outcome") == REFUNDED_LATER:
        after = call.account.change(before, status="succeeded")
    else:
        entry = balance.enter(call, before, before["amount"], 0, "refund_failure")
        reason = "expired_or_canceled_card"
        after = call.account.change(
            before, status="failed", failure_reason=reason, failure_balance_transaction=entry["id"]
        )
        events.emit(call, "refund.failed", after)
    for type_ in ("refund.updated", "charge.refund.updated"):
        events.emit(call, type_, after, events.changes(before, after))


def _charge(call: Call) -> Thing:
    given = call.params
    if ("charge" in given) == ("payment_intent" in given):
        raise invalid(
            "One of the following params should be provided for this request: payment_intent or charge."
        )
    if "charge" in given:
        charge = call.account.get("charge", given["charge"], "charge")
    else:
        intent = call.account.get("payment_intent", given["payment_intent"], "payment_intent")
        if not intent["latest_charge"]:
            raise conflict(
                f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund."
            )
        charge = call.account.get("charge", intent["latest_charge"])
    if charge["status"] != "succeeded":
        raise conflict(f"This charge ({charge['id']}) has not been paid and cannot be refunded.")
    return charge


def _amount(call: Call, charge: Thing, left: int) -> int:
    if left == 0:
        raise conflict(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    amount = call.params.get("amount", left)
    if amount < 1:
        raise invalid("Invalid positive integer", code="parameter_invalid_integer", param="amount")
    currencies.check_units(amount, charge["currency"])
    if amount > left:
        asked, possible = (currencies.written(sum_, charge["currency"]) for sum_ in (amount, left))
        code = charge["currency"].upper()
        raise conflict(
            f"Refund amount ({asked} {code}) is greater than unrefunded amount on charge ({possible} {code})",
            param="amount",
        )
    return int(amount)


def _new(call: Call, charge: Thing, amount: int, status: str) -> Thing:
    type_ = charge["payment_method_details"]["type"]
    card = {
        "reference": "123456789012",
        "reference_status": "available",
        "reference_type": "acquirer_reference_number",
    }
    details = {"type": "us_bank_transfer", "us_bank_transfer": {}} if type_ in DEBITS else {
        "type": "card", "card": {**card, "type": "refund"}
    }  # fmt: skip
    return {
        "id": ids.new("pyr" if type_ in DEBITS else "re"), "object": "refund", "amount": amount,
        "balance_transaction": None, "charge": charge["id"], "created": call.now, "currency": charge["currency"],
        "customer": charge["customer"], "destination_details": details,
        "metadata": merged({}, call.params.get("metadata")), "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"], "reason": call.params.get("reason"), "receipt_number": None,
        "source_transfer_reversal": None, "status": status, "transfer_reversal": None,
    }  # fmt: skip


def update(call: Call) -> Thing:
    before = call.account.get("refund", call.name)
    after = call.account.change(before, metadata=merged(before["metadata"], call.params.get("metadata")))
    events.emit(call, "refund.updated", after, events.changes(before, after))
    return after
