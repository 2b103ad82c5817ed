"""Disputes: a buyer's bank takes a charge's money back, until evidence wins it (https://docs.stripe.com/api/disputes).

An inquiry only warns. A card's dispute waits for evidence; a bank debit that comes back after it succeeded is told as a
dispute too, and is lost from its first moment (https://docs.stripe.com/payments/ach-direct-debit).
"""

from __future__ import annotations

from typing import Any

from sandbox.stripe import balance, currencies, events, ids
from sandbox.stripe.errors import conflict, invalid
from sandbox.stripe.metadata import merged
from sandbox.stripe.payment_methods import DEBITS
from sandbox.stripe.shelves import Thing
from sandbox.stripe.state import DAY, Call

LATER = "dispute"
"""Topic of the moment at which a buyer, or the bank of a debit, takes back what was paid."""
INQUIRY = "inquiry"
DAYS_TO_ANSWER = 20
REASONS = frozenset(
    """bank_cannot_process check_returned credit_not_processed customer_initiated debit_not_authorized duplicate
    fraudulent general incorrect_account_details insufficient_funds noncompliant product_not_received
    product_unacceptable subscription_canceled unrecognized""".split()
)
_FEES = {"gbp": 2000, "eur": 2000, "aud": 2500, "chf": 2000, "jpy": 1300}
_EVIDENCE = tuple(
    """access_activity_log billing_address cancellation_policy cancellation_policy_disclosure cancellation_rebuttal
    customer_communication customer_email_address customer_name customer_purchase_ip customer_signature
    duplicate_charge_documentation duplicate_charge_explanation duplicate_charge_id product_description receipt
    refund_policy refund_policy_disclosure refund_refusal_explanation service_date service_documentation
    shipping_address shipping_carrier shipping_date shipping_documentation shipping_tracking_number uncategorized_file
    uncategorized_text""".split()
)
_WAITING = ("needs_response", "warning_needs_response")
_UNDER_REVIEW = {"needs_response": "under_review", "warning_needs_response": "warning_under_review"}
ENDED = ("won", "lost", "warning_closed")


def fee(currency: str) -> int:
    """15.00 USD, or about as much."""
    return _FEES.get(currency, {0: 1500, 2: 1500, 3: 15_000}[currencies.decimals(currency)])


def await_one(call: Call, charge: Thing) -> None:
    """The documented methods that dispute themselves do so once they have paid."""
    reason = call.account.noted(charge["payment_method"], "disputed")
    if not reason:
        return
    after = call.account.noted(charge["payment_method"], "disputed_after") or 0
    if not after:
        begin(call, charge, reason=reason)
        return
    due = call.now + after * DAY
    call.account.note(charge["id"], due=due, topic=LATER, disputed=reason)
    call.world.schedule(due, LATER, call.account, charge["id"])


def come(call: Call) -> None:
    """`call.name` is the charge's."""
    reason = call.account.noted(call.name, "disputed")
    call.account.note(call.name, due=None)
    charge = call.account.get("charge", call.name)
    if not charge["disputed"] and charge["status"] == "succeeded":
        begin(call, charge, reason=reason)


def begin(
    call: Call, charge: Thing, *, reason: str, amount: int | None = None, inquiry: bool = False
) -> Thing:
    """What is taken, by default, is what has not been refunded."""
    reason, inquiry = ("general", True) if reason == INQUIRY else (reason, inquiry)
    left = charge["amount"] - charge["amount_refunded"]
    amount = left if amount is None else amount
    _check(charge, reason, amount, left)
    debit = charge["payment_method_details"]["type"] in DEBITS
    status = "lost" if debit else "warning_needs_response" if inquiry else "needs_response"
    dispute = call.account.put(_new(call, charge, amount, reason, status))
    call.account.change(charge, disputed=True)
    events.emit(call, "charge.dispute.created", dispute)
    if inquiry and not debit:
        return dispute
    dispute = _withdraw(call, dispute)
    if debit:
        events.emit(call, "charge.dispute.closed", dispute)
    return dispute


def _check(charge: Thing, reason: str, amount: int, left: int) -> None:
    if reason not in REASONS:
        raise invalid(f"Invalid reason: must be one of {', '.join(sorted(REASONS))}", param="reason")
    if charge["status"] != "succeeded":
        raise conflict(f"This charge ({charge['id']}) has not been paid, so nobody can dispute it.")
    if charge["disputed"]:
        raise conflict(f"This charge ({charge['id']}) has been disputed already.")
    if not 0 < amount <= left:
        raise invalid(f"Invalid amount: between 1 and {left}", param="amount")


def _new(call: Call, charge: Thing, amount: int, reason: str, status: str) -> Thing:
    ended = status == "lost"
    dispute: Thing = {
        "id": ids.new("du"), "object": "dispute", "amount": amount, "balance_transactions": [],
        "charge": charge["id"], "created": call.now, "currency": charge["currency"], "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(_EVIDENCE), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": None if ended else call.now + DAYS_TO_ANSWER * DAY, "enhanced_eligibility": {},
            "has_evidence": False, "past_due": False, "submission_count": 0,
        },
        "is_charge_refundable": status.startswith("warning"), "livemode": False, "metadata": {},
        "payment_intent": charge["payment_intent"], "reason": reason, "status": status,
    }  # fmt: skip
    card = charge["payment_method_details"].get("card")
    if card:
        case = "inquiry" if status.startswith("warning") else "chargeback"
        told = {
            "brand": card["brand"],
            "case_type": case,
            "network": card["brand"],
            "network_reason_code": "10",
        }
        dispute["payment_method_details"] = {"type": "card", "card": told}
    return dispute


def _withdraw(call: Call, dispute: Thing) -> Thing:
    entry = balance.enter(
        call, dispute, -dispute["amount"], fee(dispute["currency"]), "adjustment",
        category="dispute", description=f"Chargeback withdrawal for {dispute['charge']}", fee_for="Dispute fee",
    )  # fmt: skip
    taken = [*dispute["balance_transactions"], entry]
    after = call.account.change(dispute, balance_transactions=taken, is_charge_refundable=False)
    events.emit(call, "charge.dispute.funds_withdrawn", after)
    return after


def update(call: Call) -> Thing:
    before = call.account.get("dispute", call.name)
    given = call.params
    changed: dict[str, Any] = {"metadata": merged(before["metadata"], given.get("metadata"))}
    if "evidence" in given:
        _check_answerable(before)
        typed = {field: value or None for field, value in given["evidence"].items()}
        changed["evidence"] = {**before["evidence"], **typed}
        changed["evidence_details"] = {**before["evidence_details"], "has_evidence": True}
    staged = call.account.change(before, **changed)
    held = staged["evidence_details"]["has_evidence"] and staged["status"] in _WAITING
    submits = given.get("submit", "evidence" in given) and held
    after = _submitted(call, staged) if submits else staged
    events.emit(call, "charge.dispute.updated", after, events.changes(before, after))
    return _judged(call, after) if submits else after


def _check_answerable(dispute: Thing) -> None:
    if dispute["status"] not in _WAITING:
        raise conflict(
            "This dispute is already closed, or its evidence has been submitted.", param="evidence"
        )


def _submitted(call: Call, dispute: Thing) -> Thing:
    count = dispute["evidence_details"]["submission_count"] + 1
    details = {**dispute["evidence_details"], "submission_count": count}
    return call.account.change(dispute, status=_UNDER_REVIEW[dispute["status"]], evidence_details=details)


def _judged(call: Call, dispute: Thing) -> Thing:
    """The words that Stripe's test mode knows (https://docs.stripe.com/testing#disputes)."""
    match dispute["evidence"]["uncategorized_text"]:
        case "winning_evidence":
            return win(call, dispute)
        case "losing_evidence":
            return lose(call, dispute)
        case "escalate_inquiry_evidence" if dispute["status"].startswith("warning"):
            return escalate(call, dispute)
        case _:
            return dispute


def close(call: Call) -> Thing:
    """The merchant gives in: it cannot be taken back."""
    return lose(call, call.account.get("dispute", call.name))


def win(call: Call, dispute: Thing) -> Thing:
    """The money comes back, not the fee; an inquiry is only closed."""
    _check_open(dispute)
    if dispute["status"].startswith("warning"):
        return _close(call, dispute, "warning_closed")
    entry = balance.enter(
        call, dispute, dispute["amount"], 0, "adjustment",
        category="dispute_reversal", description=f"Chargeback reversal for {dispute['charge']}",
    )  # fmt: skip
    given_back = [*dispute["balance_transactions"], entry]
    won = _close(call, {**dispute, "balance_transactions": given_back}, "won")
    events.emit(call, "charge.dispute.funds_reinstated", won)
    return won


def lose(call: Call, dispute: Thing) -> Thing:
    _check_open(dispute)
    inquiry = dispute["status"].startswith("warning")
    return _close(call, dispute, "warning_closed" if inquiry else "lost")


def escalate(call: Call, dispute: Thing) -> Thing:
    """An inquiry becomes a dispute, and takes its money."""
    if not dispute["status"].startswith("warning") or dispute["status"] in ENDED:
        raise conflict(f"This dispute has a status of {dispute['status']}: there is no inquiry to escalate.")
    after = _withdraw(call, call.account.change(dispute, status="needs_response"))
    events.emit(call, "charge.dispute.updated", after, events.changes(dispute, after))
    return after


def _check_open(dispute: Thing) -> None:
    if dispute["status"] in ENDED:
        raise conflict("This dispute is already closed.")


def _close(call: Call, dispute: Thing, status: str) -> Thing:
    closed = call.account.change(dispute, status=status)
    events.emit(call, "charge.dispute.closed", closed)
    return closed


def refuse_refund(call: Call, charge: Thing) -> None:
    """What a dispute has taken cannot be given back a second time."""
    for dispute in call.account.shelf("dispute").newest_first(("charge", charge["id"])):
        if dispute["status"] not in ("won", "warning_closed") and not dispute["is_charge_refundable"]:
            raise conflict(
                f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed"
            )
