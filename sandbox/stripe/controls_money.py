"""Controls for what buyers, banks and the merchant's own dashboard do, which no request of /v1 can say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sandbox.stripe import checkout_payments, checkout_sessions, disputes, payment_methods, refunds
from sandbox.stripe.errors import conflict, invalid
from sandbox.stripe.shelves import Thing
from sandbox.stripe.state import Call

Given = dict[str, Any]


def pay_page(call: Call, given: Given) -> Given:
    """A buyer on a Checkout page: submits `payment_method` (a test id, or one of the customer's own)."""
    session = checkout_sessions.current(call, _named(given, "session"))
    if session["status"] != "open":
        raise conflict(f"This Checkout Session has a status of {session['status']}.")
    method = payment_methods.used(call, given.get("payment_method", "pm_card_visa"), "payment_method")
    if method["type"] not in session["payment_method_types"]:
        raise conflict(f"The page does not offer {method['type']}.", param="payment_method")
    known = (session["customer_details"] or {}).get("email")
    typed = checkout_payments.Typed(
        email=known or given.get("email", "buyer@example.com"),
        name=given.get("name"),
        save=bool(given.get("save")),
    )
    outcome = checkout_payments.submit(call, session, method if _owes(session) else None, typed)
    told = {"outcome": type(outcome).__name__.lower()}
    match outcome:
        case checkout_payments.Asked(url):
            told["url"] = url
        case checkout_payments.Declined(message):
            told["message"] = message
    return {**told, "session": call.account.get("checkout.session", session["id"])}


def dispute(call: Call, given: Given) -> Thing:
    """A buyer goes to their bank about a charge: `reason`, `amount` (minor units), `inquiry` for a mere question."""
    reason = given.get("reason", "fraudulent")
    amount = given.get("amount")
    return disputes.begin(
        call, _charge(call, given), reason=reason, amount=amount, inquiry=bool(given.get("inquiry"))
    )


def return_debit(call: Call, given: Given) -> Thing:
    """The bank of a debit takes back what it had paid, days after it did."""
    charge = _charge(call, given)
    if charge["payment_method_details"]["type"] not in payment_methods.DEBITS:
        raise conflict(f"This charge ({charge['id']}) is no bank debit: dispute it instead.")
    return disputes.begin(call, charge, reason=given.get("reason", "insufficient_funds"))


def win(call: Call, given: Given) -> Thing:
    return disputes.win(call, call.account.get("dispute", _named(given, "dispute")))


def lose(call: Call, given: Given) -> Thing:
    return disputes.lose(call, call.account.get("dispute", _named(given, "dispute")))


def escalate(call: Call, given: Given) -> Thing:
    return disputes.escalate(call, call.account.get("dispute", _named(given, "dispute")))


def refund(call: Call, given: Given) -> Thing:
    """A refund made in Stripe's dashboard: it knows nothing of what its merchant's programs write into metadata."""
    fields = ("charge", "payment_intent", "amount", "reason")
    return refunds.create(replace(call, params={name: given[name] for name in fields if name in given}))


def tell_fees_late(call: Call, given: Given) -> Given:
    """From now on a charge's balance transaction comes `seconds` after it, told by charge.updated; 0: at once."""
    seconds = int(given.get("seconds", 0))
    call.account.note(call.account.name, fee_after=seconds)
    return {"seconds": seconds}


def name_merchant(call: Call, given: Given) -> Given:
    """Who is paid, as the pages call them."""
    call.account.note(call.account.name, merchant=_named(given, "name"))
    return {"name": given["name"]}


def _charge(call: Call, given: Given) -> Thing:
    if "payment_intent" in given:
        intent = call.account.get("payment_intent", given["payment_intent"], "payment_intent")
        return call.account.get("charge", intent["latest_charge"] or "none", "payment_intent")
    return call.account.get("charge", _named(given, "charge"), "charge")


def _owes(session: Thing) -> bool:
    return bool(session["mode"] == "setup" or session["amount_total"])


def _named(given: Given, name: str) -> str:
    if not given.get(name):
        raise invalid(f"Missing required param: {name}.", code="parameter_missing", param=name)
    return str(given[name])


ACTIONS: dict[str, Callable[[Call, Given], Any]] = {
    "POST checkout/pay": pay_page,
    "POST disputes": dispute,
    "POST disputes/win": win,
    "POST disputes/lose": lose,
    "POST disputes/escalate": escalate,
    "POST fees": tell_fees_late,
    "POST merchant": name_merchant,
    "POST refunds": refund,
    "POST returns": return_debit,
}
