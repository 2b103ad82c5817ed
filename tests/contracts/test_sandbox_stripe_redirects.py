"""3-D Secure by redirect: a bank's page on which a person completes or fails, and the way back that tells which."""

from urllib.parse import parse_qs, urlsplit

import pytest
import stripe

from tests.contracts.browser import Shown, visit

BACK = "https://shop.test/back?invoice=7"
CARD = {"name": "Ada", "email": "ada@example.com", "card_expiry": "12/34", "card_cvc": "123"}


def card(client: stripe.StripeClient, customer: str, name: str = "pm_card_authenticationRequired") -> str:
    return client.v1.payment_methods.attach(name, {"customer": customer}).id


def declined_off_session(client, customer: str, method: str) -> str:
    """The name of the intent that an authentication_required has left behind."""
    with pytest.raises(stripe.CardError) as error:
        client.v1.payment_intents.create({
            "amount": 2500, "currency": "usd", "customer": customer, "payment_method": method, "confirm": True,
            "off_session": True,
        })  # fmt: skip
    return error.value.error.payment_intent.id


def answered(url: str, result: str) -> Shown:
    page = visit(url)
    assert "confirm" in page.text
    return page.submit(result=result)


@pytest.mark.parametrize(
    ("result", "status", "told"),
    [("complete", "succeeded", "succeeded"), ("fail", "requires_payment_method", "failed")],
)
def test_what_was_refused_off_session_is_confirmed_by_its_buyer(client, ada, result, status, told):
    """The same intent, with the same method, through the bank's page and back with Stripe's own parameters."""
    method = card(client, ada)
    name = declined_off_session(client, ada, method)
    failed = client.v1.payment_intents.retrieve(name)
    assert (failed.status, failed.last_payment_error.code) == (
        "requires_payment_method",
        "authentication_required",
    )
    assert failed.last_payment_error.payment_method.id == method

    asked = client.v1.payment_intents.confirm(name, {"payment_method": method, "return_url": BACK})
    assert (asked.status, asked.next_action.type) == ("requires_action", "redirect_to_url")
    assert asked.next_action.redirect_to_url.return_url == BACK
    back = answered(asked.next_action.redirect_to_url.url, result)
    assert back.status == 303
    assert parse_qs(urlsplit(back.location).query) == {
        "invoice": ["7"],
        "payment_intent": [name],
        "payment_intent_client_secret": [asked.client_secret],
        "redirect_status": [told],
    }
    after = client.v1.payment_intents.retrieve(name)
    assert (after.status, after.next_action) == (status, None)
    if result == "fail":
        assert after.last_payment_error.code == "payment_intent_authentication_failure"


def test_the_bank_is_answered_once(client, sandbox, ada):
    """A second press, and the page opened again, lead back to the same end."""
    method = card(client, ada)
    name = declined_off_session(client, ada, method)
    asked = client.v1.payment_intents.confirm(name, {"payment_method": method, "return_url": BACK})
    page = visit(asked.next_action.redirect_to_url.url)
    first, second = page.submit(result="complete"), page.submit(result="fail")
    assert first.location == second.location == visit(page.url).location
    assert sandbox.summary()["charges"] == {"failed": 1, "succeeded": 1}


def test_a_bank_that_is_answered_may_still_refuse(client, ada):
    """Authenticated, and then declined for want of money."""
    method = card(client, ada, "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds")
    name = declined_off_session(client, ada, method)
    asked = client.v1.payment_intents.confirm(name, {"payment_method": method, "return_url": BACK})
    back = answered(asked.next_action.redirect_to_url.url, "complete")
    assert "redirect_status=failed" in back.location
    assert client.v1.payment_intents.retrieve(name).last_payment_error.decline_code == "insufficient_funds"


def test_a_canceled_intent_asks_no_bank(client, sandbox, ada):
    """The link that was sent leads back, and takes nothing."""
    method = card(client, ada)
    name = declined_off_session(client, ada, method)
    asked = client.v1.payment_intents.confirm(name, {"payment_method": method, "return_url": BACK})
    page = visit(asked.next_action.redirect_to_url.url)
    client.v1.payment_intents.cancel(name)
    assert "redirect_status=failed" in page.submit(result="complete").location
    assert sandbox.summary()["amounts"] == {}


@pytest.mark.parametrize(
    ("result", "status"), [("complete", "succeeded"), ("fail", "requires_payment_method")]
)
def test_a_card_is_proved_for_later(client, ada, result, status):
    """A SetupIntent goes the same way, under its own parameters."""
    intent = client.v1.setup_intents.create({
        "customer": ada, "payment_method": "pm_card_authenticationRequiredOnSetup", "confirm": True, "return_url": BACK,
    })  # fmt: skip
    back = answered(intent.next_action.redirect_to_url.url, result)
    query = parse_qs(urlsplit(back.location).query)
    assert query["setup_intent"] == [intent.id]
    assert query["setup_intent_client_secret"] == [intent.client_secret]
    assert client.v1.setup_intents.retrieve(intent.id).status == status


@pytest.mark.parametrize("number", ["4000000000003220", "4000002500003155", "4000002760003184"])
def test_checkout_leads_to_the_bank_and_back(client, ada, number):
    """Failed, the page says so and stays open; completed, the session is."""
    line = {
        "price_data": {"currency": "usd", "unit_amount": 900, "product_data": {"name": "Tea"}},
        "quantity": 1,
    }
    session = client.v1.checkout.sessions.create(
        {"mode": "payment", "customer": ada, "line_items": [line], "success_url": "https://shop.test/done"}
    )
    bank = visit(session.url).submit(method="new:card", card_number=number, **CARD)
    back = answered(bank.location, "fail")
    again = visit(visit(back.location).location)
    assert "unable to authenticate" in again.text
    assert client.v1.checkout.sessions.retrieve(session.id).status == "open"

    bank = again.submit(method="new:card", card_number=number, **CARD)
    back = answered(bank.location, "complete")
    assert visit(back.location).location == "https://shop.test/done"
    assert client.v1.checkout.sessions.retrieve(session.id).payment_status == "paid"


def test_saving_a_card_leads_to_the_bank_and_back(client, ada):
    """Mode setup, with a card that must be proved once and pays alone from then on."""
    session = client.v1.checkout.sessions.create(
        {"mode": "setup", "customer": ada, "currency": "usd", "success_url": "https://shop.test/done"}
    )
    bank = visit(session.url).submit(method="new:card", card_number="4000002500003155", **CARD)
    back = answered(bank.location, "complete")
    assert visit(back.location).location == "https://shop.test/done"
    done = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["setup_intent"]})
    paid = client.v1.payment_intents.create({
        "amount": 2500, "currency": "usd", "customer": ada, "payment_method": done.setup_intent.payment_method,
        "confirm": True, "off_session": True,
    })  # fmt: skip
    assert paid.status == "succeeded"


def test_a_page_that_is_expired_meanwhile_takes_nothing(client, sandbox, ada):
    """While its buyer is at the bank the session ends: what they answer there is too late."""
    line = {
        "price_data": {"currency": "usd", "unit_amount": 900, "product_data": {"name": "Tea"}},
        "quantity": 1,
    }
    session = client.v1.checkout.sessions.create(
        {"mode": "payment", "customer": ada, "line_items": [line], "success_url": "https://shop.test/done"}
    )
    bank = visit(
        visit(session.url).submit(method="new:card", card_number="4000000000003220", **CARD).location
    )
    assert client.v1.checkout.sessions.expire(session.id).status == "expired"
    back = bank.submit(result="complete")
    assert "expired" in visit(visit(back.location).location).text
    intent = client.v1.payment_intents.list({"customer": ada}).data[0]
    assert (intent.status, sandbox.summary()["amounts"]) == ("canceled", {})
