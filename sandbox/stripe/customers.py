"""Customers (https://docs.stripe.com/api/customers)."""

from __future__ import annotations

from typing import Any

from sandbox.stripe import events, ids, payment_methods
from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.metadata import merged
from sandbox.stripe.payment_methods import NO_ADDRESS, living_customer
from sandbox.stripe.shelves import Thing
from sandbox.stripe.state import Call

_COPIED = (
    "business_name",
    "description",
    "email",
    "individual_name",
    "name",
    "phone",
    "preferred_locales",
    "tax_exempt",
)
_SETTINGS = {"custom_fields": None, "default_payment_method": None, "footer": None, "rendering_options": None}


def create(call: Call) -> Thing:
    name = ids.new("cus")
    customer: Thing = {
        "id": name, "object": "customer", "address": None, "balance": call.params.get("balance", 0), "created": call.now,
        "currency": None, "customer_account": None, "default_source": None, "delinquent": False, "description": None,
        "discount": None, "email": None, "invoice_prefix": ids.letters(8).upper(), "invoice_settings": _SETTINGS,
        "livemode": False, "metadata": {}, "name": None, "next_invoice_sequence": 1, "phone": None,
        "preferred_locales": [], "shipping": None, "tax_exempt": "none", "test_clock": None,
    }  # fmt: skip
    customer = call.account.put({**customer, **_changes(call, customer)})
    if "payment_method" in call.params:
        _attach(call, customer)
    events.emit(call, "customer.created", customer)
    return customer


def _attach(call: Call, customer: Thing) -> None:
    method = payment_methods.used(call, call.params["payment_method"], "payment_method")
    payment_methods.attached(call, method, customer["id"])


def _changes(call: Call, before: Thing) -> dict[str, Any]:
    given = call.params
    changed = {field: given[field] or None for field in _COPIED if field in given}
    if given.get("email") and "@" not in given["email"]:
        raise invalid(f"Invalid email address: {given['email']}", code="email_invalid", param="email")
    if "address" in given:
        changed["address"] = {**NO_ADDRESS, **given["address"]} if given["address"] else None
    if "shipping" in given:
        changed["shipping"] = _shipping(given["shipping"])
    if "invoice_settings" in given:
        changed["invoice_settings"] = _invoice_settings(call, before)
    changed["metadata"] = merged(before["metadata"], given.get("metadata"))
    return changed


def _shipping(given: Any) -> Any:
    return {"phone": None, **given, "address": {**NO_ADDRESS, **given["address"]}} if given else None


def _invoice_settings(call: Call, before: Thing) -> dict[str, Any]:
    given = {field: value or None for field, value in call.params["invoice_settings"].items()}
    default = given.get("default_payment_method")
    if default:
        method = call.account.shelf("payment_method").get(default)
        if method is None or method["customer"] != before["id"]:
            raise missing("payment_method", default, "invoice_settings[default_payment_method]")
    return {**before["invoice_settings"], **given}


def retrieve(call: Call) -> Thing:
    """A deleted customer is still found, as a stub that says so."""
    return call.account.get("customer", call.name)


def update(call: Call) -> Thing:
    before = living_customer(call.account, call.name, None)
    after = call.account.change(before, **_changes(call, before))
    if "balance" in call.params:
        after = call.account.change(after, balance=call.params["balance"])
    events.emit(call, "customer.updated", after, events.changes(before, after))
    return after


def delete(call: Call) -> Thing:
    before = living_customer(call.account, call.name, None)
    for method in list(call.account.shelf("payment_method").newest_first(("customer", call.name))):
        call.account.change(method, customer=None)
        call.account.note(method["id"], spent=True)
    stub = call.account.put({"id": call.name, "object": "customer", "deleted": True})
    events.emit(call, "customer.deleted", before)
    return stub
