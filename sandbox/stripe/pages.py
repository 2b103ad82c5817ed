"""Pages for people's browsers: Checkout's, and the bank's that asks for 3-D Secure. Plain HTML, no JavaScript."""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Callable
from html import escape
from typing import assert_never
from urllib.parse import parse_qsl

from sandbox.stripe import (
    checkout_payments,
    checkout_sessions,
    page_bank,
    page_checkout,
    page_methods,
    payment_methods,
)
from sandbox.stripe.checkout_payments import Asked, Declined, Done, Typed
from sandbox.stripe.errors import StripeError
from sandbox.stripe.page_html import Filled, page, seen_other
from sandbox.stripe.payment_methods import NO_ADDRESS, NOBODY
from sandbox.stripe.replies import Reply, Request
from sandbox.stripe.shelves import Thing
from sandbox.stripe.state import Account, Call, World

_CHECKOUT = re.compile(r"/c/pay/(cs_\w+)(/return)?")
_BANK = re.compile(r"/3d_secure/((?:pi|seti)_\w+)")
OURS = ("/c/pay/", "/3d_secure/")


def answer(world: World, request: Request) -> Reply:
    for pattern, kind in ((_CHECKOUT, _checkout), (_BANK, page_bank.answer)):
        named = pattern.fullmatch(request.path)
        call = _owner(world, named[1]) if named else None
        if call is not None and request.method in ("GET", "POST"):
            return _kindly(kind, call, request)
    return page("There is no such page", "<p>The link may have been cut short.</p>", status=404)


def _kindly(kind: Callable[[Call, Request], Reply], call: Call, request: Request) -> Reply:
    """What a request of /v1 would have been refused with is said in a sentence."""
    try:
        return kind(call, request)
    except StripeError as refused:
        return page(
            "This did not work", f"<p>{escape(str(refused.error['message']))}</p>", status=refused.status
        )
    except Exception:  # noqa: BLE001  a page that breaks is this request's 500 and no one else's
        traceback.print_exc(file=sys.stderr)
        return page("Something went wrong", "<p>Try again in a moment.</p>", status=500)


def move_in(world: World) -> None:
    """After a restart on another port, the links that are still good lead here."""
    for account in world.accounts.values():
        for session in list(account.shelf("checkout.session")):
            if session["status"] == "open":
                account.change(session, url=f"{world.home}/c/pay/{session['id']}")
        for kind in ("payment_intent", "setup_intent"):
            for intent in list(account.shelf(kind)):
                if (intent["next_action"] or {}).get("type") == "redirect_to_url":
                    _move(world, account, intent)


def _move(world: World, account: Account, intent: Thing) -> None:
    there = {**intent["next_action"]["redirect_to_url"], "url": f"{world.home}/3d_secure/{intent['id']}"}
    session = account.noted(intent["id"], "session")
    if session:
        there["return_url"] = f"{world.home}/c/pay/{session}/return"
        account.note(intent["id"], return_url=there["return_url"])
    account.change(intent, next_action={**intent["next_action"], "redirect_to_url": there})


def _owner(world: World, name: str) -> Call | None:
    """A page's link does not name the account it belongs to."""
    for account in world.accounts.values():
        if account.find(name) is not None:
            return Call(world, account, {}, name, world.clock.now())
    return None


def _checkout(call: Call, request: Request) -> Reply:
    session = checkout_sessions.current(call, call.name)
    if request.path.endswith("/return"):
        done = session["status"] == "complete"
        return seen_other(page_checkout.after(session) if done else f"/c/pay/{session['id']}")
    if session["status"] != "open":
        paid = session["status"] == "complete" and request.method == "POST"
        return seen_other(page_checkout.after(session)) if paid else page_checkout.ended(call, session)
    if request.method == "POST":
        return _submitted(call, session, _typed(request))
    return page_checkout.shown(call, session, _fresh(call, session))


def _typed(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.body.decode(errors="replace"), keep_blank_values=True))


def _fresh(call: Call, session: Thing) -> Filled:
    known = page_checkout.known_email(call, session)
    values = {"email": known or session["customer_email"] or "", "known": known or ""}
    values |= page_checkout.prefilled(call, session)
    return Filled(values, {}, call.account.noted(session["id"], "trouble") or "")


def _submitted(call: Call, session: Thing, values: dict[str, str]) -> Reply:
    """A form sent twice counts once: each attempt has a number, and only the page's latest is taken."""
    here = f"/c/pay/{session['id']}"
    if values.get("attempt") != str(call.account.noted(session["id"], "attempts") or 0):
        return seen_other(here)
    if "remove" in values:
        return _removed(call, session, values["remove"])
    known = page_checkout.known_email(call, session)
    filled = Filled({**values, "known": known or "", "email": known or values.get("email", "")}, {})
    typed = page_checkout.typed(call, session, filled)
    method = _method(call, session, filled, typed)
    if filled.errors:
        filled.values.pop("card-cvc", None)
        return page_checkout.shown(call, session, filled, status=422)
    return _asked(call, session, method, typed, filled)


def _removed(call: Call, session: Thing, name: str) -> Reply:
    options = session["saved_payment_method_options"] or {}
    listed = {method["id"] for method in page_checkout.offered(call, session)}
    if options.get("payment_method_remove") == "enabled" and name in listed:
        payment_methods.detach(Call(call.world, call.account, {}, name, call.now))
    return seen_other(f"/c/pay/{session['id']}")


def _method(call: Call, session: Thing, filled: Filled, typed: Typed) -> Thing | None:
    if session["amount_total"] == 0:
        return None
    kind, _, name = filled.value("method").partition(":")
    if kind == "saved":
        found = next((each for each in page_checkout.offered(call, session) if each["id"] == name), None)
        if found is None:
            filled.errors["method-new-card"] = "Choose a payment method."
        return found
    if name not in session["payment_method_types"]:
        filled.errors[f"method-new-{session['payment_method_types'][0]}"] = "Choose a payment method."
        return None
    if not typed.name:
        filled.errors["name"] = "The name on the card or account is missing."
    made = page_methods.read(call, name, filled)
    filled.errors.update(made.errors)
    if filled.errors or made.sample is None:
        return None
    return _kept(call, payment_methods.made(call, made.sample), made, session, typed)


def _kept(call: Call, method: Thing, made: page_methods.Made, session: Thing, typed: Typed) -> Thing:
    """As the buyer described it. What may be shown to them again is what they have asked to be saved."""
    asked = call.account.noted(session["id"], "asked") or {}
    kept = session["mode"] == "setup" or "setup_future_usage" in asked.get("payment_intent_data", {})
    usual = "always" if typed.save else "limited" if kept else "unspecified"
    changes: Thing = {
        "allow_redisplay": asked.get("payment_method_data", {}).get("allow_redisplay", usual),
        "billing_details": {
            **NOBODY, "address": typed.address or NO_ADDRESS, "email": typed.email, "name": typed.name,
        },
    }  # fmt: skip
    if made.exp is not None:
        changes["card"] = {**method["card"], "exp_month": made.exp[0], "exp_year": made.exp[1]}
    return call.account.change(method, **changes)


def _asked(call: Call, session: Thing, method: Thing | None, typed: Typed, filled: Filled) -> Reply:
    attempts = (call.account.noted(session["id"], "attempts") or 0) + 1
    call.account.note(session["id"], attempts=attempts, trouble="")
    outcome = checkout_payments.submit(call, session, method, typed)
    session = call.account.get("checkout.session", session["id"])
    match outcome:
        case Done():
            return seen_other(page_checkout.after(session))
        case Asked(url):
            return seen_other(url)
        case Declined(message):
            call.account.note(session["id"], trouble=message)
            filled.values.pop("card-cvc", None)
            told = Filled(filled.values, {}, message)
            return page_checkout.shown(call, session, told, status=402)
        case _:
            assert_never(outcome)
