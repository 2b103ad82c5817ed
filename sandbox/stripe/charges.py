"""Charges: one attempt to collect, and what the bank said of it (https://docs.stripe.com/api/charges)."""

from __future__ import annotations

from typing import Any

from sandbox.stripe import balance, currencies, declines, events, ids
from sandbox.stripe.payment_methods import DEBITS
from sandbox.stripe.shelves import Thing
from sandbox.stripe.state import Call

_NOTHING_YET: Thing = {
    "amount_refunded": 0, "application": None, "application_fee": None, "application_fee_amount": None,
    "balance_transaction": None, "disputed": False, "failure_balance_transaction": None, "failure_code": None,
    "failure_message": None, "fraud_details": {}, "livemode": False, "on_behalf_of": None, "receipt_number": None,
    "receipt_url": None, "refunded": False, "review": None, "source_transfer": None, "statement_descriptor": None,
    "transfer_data": None,
}  # fmt: skip
_FROM_INTENT = (
    "amount", "currency", "customer", "description", "metadata", "receipt_email", "shipping",
    "statement_descriptor_suffix", "transfer_group",
)  # fmt: skip
_FROM_METHOD = {
    "card": (
        "brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4", "regulated_status",
    ),
    "us_bank_account": (
        "account_holder_type", "account_type", "bank_name", "fingerprint", "last4", "routing_number",
    ),
    "sepa_debit": ("bank_code", "branch_code", "country", "fingerprint", "last4"),
    "bacs_debit": ("fingerprint", "last4", "sort_code"),
    "acss_debit": ("bank_name", "fingerprint", "institution_number", "last4", "transit_number"),
}  # fmt: skip
_DISABLED = {"status": "disabled"}
_UNAVAILABLE = {"status": "unavailable"}


def make(call: Call, intent: Thing, method: Thing, status: str, reason: str | None = None) -> Thing:
    """A charge of the intent: succeeded, pending (a bank debit), or failed for a reason."""
    failed = status == "failed"
    charge = {
        "id": ids.new("py" if method["type"] in DEBITS else "ch"),
        "object": "charge",
        **_NOTHING_YET,
        **{field: intent[field] for field in _FROM_INTENT},
        "amount_captured": 0 if failed else intent["amount"],
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": _descriptor(intent["statement_descriptor_suffix"]),
        "captured": not failed,
        "created": call.now,
        "outcome": _outcome(reason),
        "paid": False,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": _details(call, intent["amount"], method),
        "status": status,
    }
    if reason is not None:
        charge |= failure(declines.declined(reason))
    return collected(call, charge) if status == "succeeded" else call.account.put(charge)


def failure(error: dict[str, Any]) -> dict[str, Any]:
    return {"failure_code": error["code"], "failure_message": error["message"]}


FEE = "fee_told"
"""Topic of the moment at which a charge's balance transaction comes into being."""


def collected(call: Call, charge: Thing) -> Thing:
    """The charge with its money on the balance; or on its way there, where fees are told late."""
    late = call.account.noted(call.account.name, "fee_after")
    paid = call.account.change(
        charge,
        status="succeeded",
        paid=True,
        balance_transaction=None if late else _entry(call, charge)["id"],
        receipt_url=f"https://pay.stripe.com/receipts/payment/{charge['id']}",
    )
    if late:
        call.account.note(charge["id"], fee_due=call.now + late)
        call.world.schedule(call.now + late, FEE, call.account, charge["id"])
    return paid


def _entry(call: Call, charge: Thing) -> Thing:
    fee = currencies.fee(charge["amount"], charge["currency"])
    return balance.enter(call, charge, charge["amount"], fee, "charge")


def tell_fee(call: Call) -> None:
    """`charge.updated` brings the balance transaction that the payment's own answer had not."""
    before = call.account.get("charge", call.name)
    call.account.note(call.name, fee_due=None)
    after = call.account.change(before, balance_transaction=_entry(call, before)["id"])
    events.emit(call, "charge.updated", after, events.changes(before, after))


def _outcome(reason: str | None) -> dict[str, Any]:
    blocked = reason == "highest_risk_level"
    unasked = "not_sent_to_network" if blocked else "declined_by_network"
    return {
        "advice_code": declines.advice(reason) if reason else None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": unasked if reason else "approved_by_network",
        "reason": reason,
        "risk_level": "highest" if blocked else "normal",
        "risk_score": 90 if blocked else 20,
        "seller_message": f"The bank returned the decline code `{reason}`."
        if reason
        else "Payment complete.",
        "type": "blocked" if blocked else "issuer_declined" if reason else "authorized",
    }


def _details(call: Call, amount: int, method: Thing) -> dict[str, Any]:
    """What the charge remembers of the method, should that change later."""
    type_ = method["type"]
    known = {field: method[type_][field] for field in _FROM_METHOD[type_]}
    match type_:
        case "us_bank_account":
            own: dict[str, Any] = {"payment_reference": None}
        case "sepa_debit" | "bacs_debit":
            own = {"mandate": None}
        case "acss_debit":
            own = {}
        case _:
            own = _authorization(call, amount, known["brand"])
    return {"type": type_, type_: known | own}


def _authorization(call: Call, amount: int, brand: str) -> dict[str, Any]:
    return {
        "amount_authorized": amount, "authorization_code": "123456", "extended_authorization": _DISABLED,
        "incremental_authorization": _UNAVAILABLE, "installments": None, "mandate": None,
        "multicapture": _UNAVAILABLE, "network": brand, "network_token": {"used": False},
        "network_transaction_id": str(100_000_000_000_000 + call.now),
        "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"}, "three_d_secure": None,
        "transaction_link_id": None, "wallet": None,
    }  # fmt: skip


def _descriptor(suffix: str | None) -> str:
    return f"SANDBOX* {suffix}"[:22] if suffix else "SANDBOX"
