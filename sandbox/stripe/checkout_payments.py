"""What a buyer does with a Checkout Session: they submit a method, their bank answers, and the session is complete."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sandbox.stripe import customers, events, payment_intents, setup_intents
from sandbox.stripe.errors import StripeError
from sandbox.stripe.payment_methods import living_customer
from sandbox.stripe.shelves import Thing
from sandbox.stripe.state import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What the buyer has typed beside the method itself. `save` is their own wish, apart from the merchant's."""

    email: str
    name: str | None = None
    address: Thing | None = None
    shipping: Thing | None = None
    save: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """The session is complete."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The buyer's bank wants a word with them, at `url`."""

    url: str


@dataclass(frozen=True, slots=True)
class Declined:
    message: str


Outcome = Done | Asked | Declined


def submit(call: Call, session: Thing, method: Thing | None, typed: Typed) -> Outcome:
    """Pay, or save: `call.name` is the session's. Without a method only where nothing is to be paid."""
    session = call.account.change(
        session, customer_details=details(typed.email, typed.name, typed.address), **_collected(typed)
    )
    try:
        customer = _customer(call, session, typed)
        if method is None:
            _complete(call, session, "no_payment_required", customer)
            return Done()
        if session["mode"] == "setup":
            intent = _set_up(call, session, method, customer)
        else:
            intent = _paid(call, session, method, typed, customer)
    except StripeError as refused:
        return Declined(str(refused.error["message"]))
    if intent["status"] == "requires_action":
        return Asked(intent["next_action"]["redirect_to_url"]["url"])
    follow(call, intent["id"])
    return Done()


def details(email: str | None, name: str | None = None, address: Thing | None = None) -> Thing:
    return {
        "address": address, "business_name": None, "email": email, "individual_name": None, "name": name,
        "phone": None, "tax_exempt": "none", "tax_ids": None,
    }  # fmt: skip


def _collected(typed: Typed) -> dict[str, Any]:
    shipping = typed.shipping
    collected = {"business_name": None, "individual_name": None, "shipping_details": shipping}
    return {"collected_information": collected} if shipping else {}


def _customer(call: Call, session: Thing, typed: Typed) -> str | None:
    """The customer given, brought up to date as far as that was asked for; or one made for this session."""
    given = session["customer"]
    if given is None:
        if session["customer_creation"] != "always":
            return None
        return call.account.noted(session["id"], "customer") or _create_customer(call, session, typed)
    known = living_customer(call.account, given)
    wanted = (call.account.noted(session["id"], "asked") or {}).get("customer_update", {})
    changed: dict[str, Any] = {} if known["email"] else {"email": typed.email}
    for field in ("name", "address", "shipping"):
        if wanted.get(field) == "auto" and getattr(typed, field):
            changed[field] = getattr(typed, field)
    if changed:
        customers.update(replace(call, name=given, params=changed))
    return str(given)


def _create_customer(call: Call, session: Thing, typed: Typed) -> str:
    fields = ("email", "name", "address", "shipping")
    params = {field: getattr(typed, field) for field in fields if getattr(typed, field)}
    made = customers.create(replace(call, name="", params=params))
    call.account.note(session["id"], customer=made["id"])
    return str(made["id"])


def _paid(call: Call, session: Thing, method: Thing, typed: Typed, customer: str | None) -> Thing:
    if typed.save and customer:
        call.account.note(method["id"], saves=True)
    intent = _intent(call, session, typed, customer)
    asked = {"payment_method": method["id"], "return_url": f"{call.world.home}/c/pay/{session['id']}/return"}
    return payment_intents.confirmed(replace(call, name=intent["id"], params=asked))


def _intent(call: Call, session: Thing, typed: Typed, customer: str | None) -> Thing:
    """One PaymentIntent a session, however often the buyer tries."""
    if session["payment_intent"]:
        return call.account.get("payment_intent", session["payment_intent"])
    asked = (call.account.noted(session["id"], "asked") or {}).get("payment_intent_data", {})
    params = {
        "amount": session["amount_total"], "currency": session["currency"],
        "allowed_payment_method_types": session["payment_method_types"], **asked,
    }  # fmt: skip
    if customer:
        params["customer"] = customer
    if typed.shipping:
        params["shipping"] = typed.shipping
    intent = payment_intents.create(replace(call, name="", params=params))
    call.account.note(intent["id"], session=session["id"])
    call.account.change(session, payment_intent=intent["id"])
    return intent


def _set_up(call: Call, session: Thing, method: Thing, customer: str | None) -> Thing:
    intent = call.account.get("setup_intent", session["setup_intent"])
    if customer and not intent["customer"]:
        intent = call.account.change(intent, customer=customer)
    asked = {"payment_method": method["id"], "return_url": f"{call.world.home}/c/pay/{session['id']}/return"}
    return setup_intents.confirmed(replace(call, name=intent["id"], params=asked))


def follow(call: Call, name: str) -> None:
    """After any word of a bank on this intent: its session, where it has one, is brought up to date."""
    session_name = call.account.noted(name, "session")
    intent = call.account.find(name)
    if session_name is None or intent is None:
        return
    session = call.account.get("checkout.session", session_name)
    match session["status"], intent["status"]:
        case "open", "succeeded" | "processing":
            customer = intent["customer"]
            _complete(call, session, _payment_status(session, intent), customer)
        case "complete", "succeeded" if session["payment_status"] == "unpaid":
            paid = call.account.change(session, payment_status="paid")
            events.emit(call, "checkout.session.async_payment_succeeded", paid)
        case "complete", "requires_payment_method":
            events.emit(call, "checkout.session.async_payment_failed", session)


def _payment_status(session: Thing, intent: Thing) -> str:
    if session["mode"] == "setup":
        return "no_payment_required"
    return "paid" if intent["status"] == "succeeded" else "unpaid"


def _complete(call: Call, session: Thing, payment_status: str, customer: str | None) -> None:
    call.account.note(session["id"], due=None)
    complete = call.account.change(
        session, status="complete", payment_status=payment_status, customer=customer, url=None
    )
    events.emit(call, "checkout.session.completed", complete)


def abandon(call: Call, session: Thing) -> None:
    """The session ends without a payment: nothing that the buyer began may be paid any more."""
    name = session["payment_intent"]
    if name and call.account.get("payment_intent", name)["status"] in payment_intents.CHANGEABLE:
        ended = {"cancellation_reason": "expired"}
        payment_intents.canceled(replace(call, name=name, params=ended))
    name = session["setup_intent"]
    if name and call.account.get("setup_intent", name)["status"] in setup_intents.CHANGEABLE:
        setup_intents.canceled(replace(call, name=name, params={"cancellation_reason": "abandoned"}))
