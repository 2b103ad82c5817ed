"""Payment methods: created from a test token, or from one of the ids everybody shares, and attached to a customer."""

from __future__ import annotations

from typing import Any

from sandbox.stripe import declines, events, ids, test_methods, test_numbers
from sandbox.stripe.errors import card_error, conflict, invalid, missing
from sandbox.stripe.metadata import merged
from sandbox.stripe.shelves import Thing
from sandbox.stripe.state import Account, Call
from sandbox.stripe.test_methods import SUCCEED, Sample

NO_ADDRESS = {"city": None, "country": None, "line1": None, "line2": None, "postal_code": None, "state": None}
NOBODY = {"address": NO_ADDRESS, "email": None, "name": None, "phone": None, "tax_id": None}
CURRENCIES = {
    "acss_debit": frozenset({"cad", "usd"}),
    "bacs_debit": frozenset({"gbp"}),
    "sepa_debit": frozenset({"eur"}),
    "us_bank_account": frozenset({"usd"}),
}
"""What each bank debit can be asked for; cards take every currency."""
DEBITS = frozenset(CURRENCIES)
"""Types whose money moves days after the payment was confirmed."""
SUPPORTED = DEBITS | {"card"}


def create(call: Call) -> Thing:
    given = call.params
    if "type" not in given:
        raise invalid("Missing required param: type.", code="parameter_missing", param="type")
    return from_data(call, given)


def from_data(call: Call, given: dict[str, Any]) -> Thing:
    """A method from what its buyer typed, as in `payment_method_data`; the tests' tokens and numbers only."""
    fresh = made(call, _sample(given["type"], given.get(given["type"]) or {}))
    details = given.get("billing_details") or {}
    address = {**NO_ADDRESS, **(details.get("address") or {})}
    return call.account.change(
        fresh,
        billing_details={**NOBODY, **details, "address": address},
        metadata=merged({}, given.get("metadata")),
        allow_redisplay=given.get("allow_redisplay", "unspecified"),
    )


def _sample(type_: str, given: dict[str, Any]) -> Sample:
    if type_ not in SUPPORTED:
        raise invalid(f"The sandbox has no payment methods of type {type_}.", param="type")
    if type_ == "card":
        return _card(given)
    number = given.get("iban" if type_ == "sepa_debit" else "account_number", "").replace(" ", "")
    match type_:
        case "us_bank_account":
            found = test_numbers.us_account(number)
        case "bacs_debit":
            found = test_numbers.uk_account(number)
        case "acss_debit":
            found = test_numbers.canadian_account(number)
        case _:
            found = test_numbers.iban(number)
    return found or Sample(type=type_, last4=number[-4:] or "6789", country="DE" if "iban" in given else "US")


def _card(given: dict[str, Any]) -> Sample:
    if "number" in given:
        raise invalid(
            "Sending credit card numbers directly to the Stripe API is generally unsafe. We suggest you use test tokens "
            "that map to the test card you are using, see https://stripe.com/docs/testing."
        )
    token = given.get("token", "")
    sample = test_methods.token(token)
    if sample is None:
        raise missing("token", token, "card[token]")
    return sample


def used(call: Call, name: str, param: str | None = None) -> Thing:
    """The method of that id; a shared test id makes a method of its own each time it is used."""
    sample = test_methods.named(name)
    if sample is not None:
        return made(call, sample)
    return call.account.get("payment_method", name, param)


def made(call: Call, sample: Sample) -> Thing:
    method: Thing = {
        "id": ids.new("pm"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": NOBODY,
        sample.type: _details(call, sample),
        "created": call.now,
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "type": sample.type,
    }
    if {sample.attached, sample.charged, sample.refunded} != {SUCCEED} or sample.disputed:
        call.account.note(
            method["id"],
            attached=sample.attached,
            charged=sample.charged,
            authenticated=sample.after_authentication,
            refunded=sample.refunded,
            disputed=sample.disputed,
            disputed_after=sample.disputed_after,
        )
    return call.account.put(method)


def _details(call: Call, sample: Sample) -> dict[str, Any]:
    if sample.type == "us_bank_account":
        return {
            "account_holder_type": "individual", "account_type": "checking", "bank_name": "STRIPE TEST BANK",
            "financial_connections_account": None, "fingerprint": ids.letters(16), "last4": sample.last4,
            "networks": {"preferred": "ach", "supported": ["ach"]}, "routing_number": "110000000", "status_details": {},
        }  # fmt: skip
    if sample.type == "sepa_debit":
        return {
            "bank_code": "37040044", "branch_code": "", "country": sample.country, "fingerprint": ids.letters(16),
            "generated_from": {"charge": None, "setup_attempt": None}, "last4": sample.last4,
        }  # fmt: skip
    if sample.type == "bacs_debit":
        return {"fingerprint": ids.letters(16), "last4": sample.last4, "sort_code": "108800"}
    if sample.type == "acss_debit":
        return {
            "bank_name": "STRIPE TEST BANK", "fingerprint": ids.letters(16), "institution_number": "000",
            "last4": sample.last4, "transit_number": "11000",
        }  # fmt: skip
    return {
        "brand": sample.brand, "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": sample.country, "display_brand": sample.brand, "exp_month": 12, "exp_year": 1974 + call.now // 31_556_952,
        "fingerprint": f"sandbox{sample.brand}{sample.last4}", "funding": sample.funding, "generated_from": None,
        "last4": sample.last4, "networks": {"available": [sample.brand], "preferred": None},
        "regulated_status": "unregulated", "three_d_secure_usage": {"supported": True}, "wallet": None,
    }  # fmt: skip


def retrieve(call: Call) -> Thing:
    return used(call, call.name)


def update(call: Call) -> Thing:
    before = call.account.get("payment_method", call.name)
    changed = {"metadata": merged(before["metadata"], call.params.get("metadata"))}
    if "billing_details" in call.params:
        changed["billing_details"] = {**before["billing_details"], **(call.params["billing_details"] or {})}
    if "allow_redisplay" in call.params:
        changed["allow_redisplay"] = call.params["allow_redisplay"]
    if "card" in call.params:
        changed["card"] = {**before["card"], **call.params["card"]}
    after = call.account.change(before, **changed)
    events.emit(call, "payment_method.updated", after, events.changes(before, after))
    return after


def attach(call: Call) -> Thing:
    if "customer" not in call.params:
        raise invalid("Missing required param: customer.", code="parameter_missing", param="customer")
    customer = living_customer(call.account, call.params["customer"])
    return attached(call, used(call, call.name), customer["id"])


def attached(call: Call, method: Thing, customer: str) -> Thing:
    """Attach it, asking its bank first, as Stripe does for cards."""
    if method["customer"] == customer:
        return method
    if method["customer"] is not None:
        raise conflict("The payment method you provided has already been attached to a customer.")
    refuse_spent(call.account, method)
    reason = call.account.noted(method["id"], "attached") or SUCCEED
    if reason != SUCCEED:
        raise card_error({**declines.declined(reason), "payment_method": method})
    return kept(call, method, customer)


def kept(call: Call, method: Thing, customer: str) -> Thing:
    """Attached, its bank having said yes already."""
    after = call.account.change(method, customer=customer)
    events.emit(call, "payment_method.attached", after)
    return after


def detach(call: Call) -> Thing:
    before = call.account.get("payment_method", call.name)
    if before["customer"] is None:
        raise conflict(
            "The payment method you provided is not attached to a customer so detachment is impossible."
        )
    after = call.account.change(before, customer=None)
    call.account.note(call.name, spent=True)
    _forget_default(call, before["customer"], call.name)
    events.emit(call, "payment_method.detached", after, {"customer": before["customer"]})
    return after


def _forget_default(call: Call, customer: str, name: str) -> None:
    owner = call.account.find(customer)
    if owner and not owner.get("deleted") and owner["invoice_settings"]["default_payment_method"] == name:
        call.account.change(
            owner, invoice_settings={**owner["invoice_settings"], "default_payment_method": None}
        )


def refuse_spent(account: Account, method: Thing) -> None:
    """A method used once without a customer, or detached from one, is of no use any more."""
    if account.noted(method["id"], "spent"):
        raise conflict(
            "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared "
            "with a connected account without Customer attachment, or was detached from a Customer. It may not be used "
            "again. To use a PaymentMethod multiple times, you must attach it to a Customer first."
        )


def living_customer(account: Account, name: str, param: str | None = "customer") -> Thing:
    customer = account.get("customer", name, param)
    if customer.get("deleted"):
        raise missing("customer", name, param)
    return customer
