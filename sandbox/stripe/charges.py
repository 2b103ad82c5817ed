"""Charges and the balance transactions they leave: gross, fee and net."""

from __future__ import annotations

from typing import Any

from sandbox.stripe import currencies, declines, ids
from sandbox.stripe.payment_methods import DEBITS
from sandbox.stripe.shelves import Thing
from sandbox.stripe.state import Call

DAY = 86_400
FUNDS_ARE_AVAILABLE_AFTER = 2 * DAY
FUNDS = "funds"
"""Topic of the moment at which a balance transaction's money becomes available."""


def make(call: Call, intent: Thing, method: Thing, status: str, reason: str | None = None) -> Thing:
    """A charge of the intent: succeeded, pending (a bank debit), or failed for a reason."""
    paid = status == "succeeded"
    failed = status == "failed"
    charge = {
        "id": ids.new("py" if method["type"] in DEBITS else "ch"),
        "object": "charge",
        "amount": intent["amount"], "amount_captured": 0 if failed else intent["amount"], "amount_refunded": 0,
        "application": None, "application_fee": None, "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": _descriptor(intent),
        "captured": not failed, "created": call.now, "currency": intent["currency"], "customer": intent["customer"],
        "description": intent["description"], "destination": None, "dispute": None, "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": declines.declined(reason)["code"] if reason else None,
        "failure_message": declines.declined(reason)["message"] if reason else None,
        "fraud_details": {}, "livemode": False, "metadata": intent["metadata"], "on_behalf_of": None, "order": None,
        "outcome": _outcome(status, reason),
        "paid": not failed, "payment_intent": intent["id"], "payment_method": method["id"],
        "payment_method_details": _details(call, intent, method),
        "receipt_email": intent["receipt_email"], "receipt_number": None, "receipt_url": None, "refunded": False,
        "review": None, "shipping": intent["shipping"], "source_transfer": None, "statement_descriptor": None,
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"], "status": status,
        "transfer_data": None, "transfer_group": intent["transfer_group"],
    }  # fmt: skip
    return collected(call, charge) if paid else call.account.put(charge)


def collected(call: Call, charge: Thing) -> Thing:
    """The charge with its money on the balance."""
    fee = currencies.fee(charge["amount"], charge["currency"])
    entry = balance_transaction(call, charge, charge["amount"], fee, "charge")
    return call.account.change(
        charge, status="succeeded", paid=True, balance_transaction=entry["id"], receipt_url=_receipt(charge)
    )


def balance_transaction(call: Call, source: Thing, amount: int, fee: int, type_: str) -> Thing:
    """`amount` is negative when money leaves the balance; net = amount - fee."""
    available_on = call.now + FUNDS_ARE_AVAILABLE_AFTER
    stripe_fee = {
        "amount": fee, "application": None, "currency": source["currency"], "description": "Stripe processing fees",
        "type": "stripe_fee",
    }  # fmt: skip
    entry = call.account.put({
        "id": ids.new("txn"), "object": "balance_transaction", "amount": amount, "available_on": available_on,
        "balance_type": "payments", "created": call.now, "currency": source["currency"],
        "description": source.get("description"), "exchange_rate": None, "fee": fee,
        "fee_details": [stripe_fee] if fee else [], "net": amount - fee, "reporting_category": type_,
        "source": source["id"], "status": "pending", "type": type_,
    })  # fmt: skip
    call.world.schedule(available_on, FUNDS, call.account, entry["id"])
    return entry


def release(call: Call) -> None:
    """The money of a balance transaction is available."""
    entry = call.account.get("balance_transaction", call.name)
    call.account.change(entry, status="available")


def balance(call: Call) -> Thing:
    """What the account holds, per currency."""
    sums: dict[str, dict[str, int]] = {"available": {}, "pending": {}}
    for entry in call.account.shelf("balance_transaction"):
        held = sums[entry["status"]]
        held[entry["currency"]] = held.get(entry["currency"], 0) + entry["net"]
    every = sorted({"usd", *sums["available"], *sums["pending"]})
    amounts = {
        status: [
            {"amount": held.get(code, 0), "currency": code, "source_types": {"card": held.get(code, 0)}}
            for code in every
        ]
        for status, held in sums.items()
    }
    return {"object": "balance", "livemode": False, **amounts}


def _outcome(status: str, reason: str | None) -> dict[str, Any]:
    blocked = reason == "highest_risk_level"
    return {
        "advice_code": declines.advice(reason) if reason else None,
        "network_advice_code": None, "network_decline_code": None,
        "network_status": "not_sent_to_network" if blocked else "declined_by_network" if reason else "approved_by_network",
        "reason": reason, "risk_level": "highest" if blocked else "normal", "risk_score": 90 if blocked else 20,
        "seller_message": _told_the_seller(reason, blocked),
        "type": "blocked" if blocked else "issuer_declined" if reason else "authorized",
    }  # fmt: skip


def _told_the_seller(reason: str | None, blocked: bool) -> str:
    if blocked:
        return "Stripe blocked this payment as too risky."
    return f"The bank returned the decline code `{reason}`." if reason else "Payment complete."


def _details(call: Call, intent: Thing, method: Thing) -> dict[str, Any]:
    type_ = method["type"]
    known = method[type_]
    if type_ == "us_bank_account":
        fields = (
            "account_holder_type",
            "account_type",
            "bank_name",
            "fingerprint",
            "last4",
            "routing_number",
        )
        return {
            "type": type_,
            type_: {**{field: known[field] for field in fields}, "payment_reference": None},
        }
    if type_ == "sepa_debit":
        fields = ("bank_code", "branch_code", "country", "fingerprint", "last4")
        return {"type": type_, type_: {**{field: known[field] for field in fields}, "mandate": None}}
    fields = (
        "brand",
        "checks",
        "country",
        "exp_month",
        "exp_year",
        "fingerprint",
        "funding",
        "last4",
        "regulated_status",
    )
    disabled = {"status": "disabled"}
    unavailable = {"status": "unavailable"}
    return {"type": "card", "card": {
        **{field: known[field] for field in fields}, "amount_authorized": intent["amount"], "authorization_code": "123456",
        "extended_authorization": disabled, "incremental_authorization": unavailable, "installments": None,
        "mandate": None, "multicapture": unavailable, "network": known["brand"], "network_token": {"used": False},
        "network_transaction_id": str(100_000_000_000_000 + call.now),
        "overcapture": {"maximum_amount_capturable": intent["amount"], "status": "unavailable"},
        "three_d_secure": None, "transaction_link_id": None, "wallet": None,
    }}  # fmt: skip


def _descriptor(intent: Thing) -> str:
    suffix = intent["statement_descriptor_suffix"]
    return f"SANDBOX* {suffix}"[:22] if suffix else "SANDBOX"


def _receipt(charge: Thing) -> str:
    return f"https://pay.stripe.com/receipts/payment/{charge['id']}"
