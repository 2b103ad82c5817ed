"""The bank's page for 3-D Secure: a person completes or fails the question, and is led back to where they came from.

https://docs.stripe.com/payments/3d-secure: the way back carries the intent, its client secret and `redirect_status`.
"""

from __future__ import annotations

from html import escape
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from sandbox.stripe import checkout_payments, confirmation, currencies, page_checkout, setup_intents
from sandbox.stripe.page_html import page, seen_other
from sandbox.stripe.replies import Reply, Request
from sandbox.stripe.shelves import Thing
from sandbox.stripe.state import Call

FAILED = "We are unable to authenticate your payment method. Please choose a different payment method and try again."


def answer(call: Call, request: Request) -> Reply:
    intent = _intent(call)
    if intent["status"] != "requires_action":
        return _back(call, intent)
    if request.method != "POST":
        return _question(call, intent)
    said = dict(parse_qsl(request.body.decode(errors="replace")))
    if said.get("result") not in ("complete", "fail"):
        return _question(call, intent)
    _told(call, said["result"] == "complete")
    return _back(call, _intent(call))


def _intent(call: Call) -> Thing:
    kind = "payment_intent" if call.name.startswith("pi_") else "setup_intent"
    return call.account.get(kind, call.name)


def _question(call: Call, intent: Thing) -> Reply:
    whom = escape(page_checkout.merchant(call))
    asked = f"Do you allow {whom} to keep this method?"
    if intent["object"] == "payment_intent":
        sum_ = f"{currencies.written(intent['amount'], intent['currency'])} {intent['currency'].upper()}"
        asked = f"Do you allow this payment of <strong>{escape(sum_)}</strong> to {whom}?"
    body = (
        f"<p>{asked}</p>"
        f'<form method="post" action="/3d_secure/{escape(call.name)}">'
        '<button name="result" value="complete">Complete authentication</button>'
        '<button class="second" name="result" value="fail">Fail authentication</button></form>'
    )
    return page("Your bank asks you to confirm", body)


def _told(call: Call, completed: bool) -> None:
    """Said once: what a second press of a button says is not heard."""
    answered = confirmation.authenticate if call.name.startswith("pi_") else setup_intents.authenticate
    after = answered(call, completed)
    session = call.account.noted(call.name, "session")
    if session and after["status"] == "requires_payment_method":
        error = after.get("last_payment_error") or after.get("last_setup_error") or {}
        unproved = "authentication_failure" in error.get("code", "")
        call.account.note(session, trouble=FAILED if unproved else error.get("message", FAILED))
        return
    checkout_payments.follow(call, call.name)


def _back(call: Call, intent: Thing) -> Reply:
    url = call.account.noted(call.name, "return_url")
    if not url:
        return page("Thank you", "<p>You can close this page.</p>")
    return seen_other(url if call.account.noted(call.name, "session") else led_back(url, intent))


def led_back(url: str, intent: Thing) -> str:
    """The return_url with what Stripe adds to it."""
    status = {"succeeded": "succeeded", "processing": "pending"}.get(intent["status"], "failed")
    kind = intent["object"]
    added = {kind: intent["id"], f"{kind}_client_secret": intent["client_secret"], "redirect_status": status}
    parts = urlsplit(url)
    query = "&".join(filter(None, (parts.query, urlencode(added))))
    return urlunsplit(parts._replace(query=query))
