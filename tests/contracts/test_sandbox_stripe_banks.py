"""What banks say: declines, questions to the buyer, and debits that take days, as Stripe documents its test methods."""

import pytest
import stripe


def card(client: stripe.StripeClient, customer: str, name: str) -> str:
    return client.v1.payment_methods.attach(name, {"customer": customer}).id


def pay(client: stripe.StripeClient, customer: str, method: str, **more):
    params = {"amount": 2500, "currency": "usd", "customer": customer, "payment_method": method}
    return client.v1.payment_intents.create({**params, "confirm": True, "off_session": True, **more})


def declined(client: stripe.StripeClient, customer: str, method: str, **more) -> stripe.CardError:
    with pytest.raises(stripe.CardError) as error:
        pay(client, customer, method, **more)
    return error.value


def events(client: stripe.StripeClient) -> list[str]:
    return [event.type for event in client.v1.events.list({"limit": 100}).data][::-1]


def test_a_decline_is_402_with_the_intent_and_the_failed_charge(client, ada):
    """The intent asks for another method, remembers why, and keeps the charge that failed."""
    error = declined(client, ada, card(client, ada, "pm_card_chargeCustomerFail"))
    assert (error.http_status, error.code, error.error.decline_code) == (
        402,
        "card_declined",
        "generic_decline",
    )

    intent = client.v1.payment_intents.retrieve(error.error.payment_intent.id, {"expand": ["latest_charge"]})
    assert (intent.status, intent.payment_method) == ("requires_payment_method", None)
    assert intent.last_payment_error.decline_code == "generic_decline"
    assert (intent.latest_charge.status, intent.latest_charge.paid) == ("failed", False)
    assert intent.latest_charge.id == error.error.charge
    assert events(client)[-3:] == ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]


@pytest.mark.parametrize(
    ("name", "code", "decline_code"),
    [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error"),
        ("pm_card_chargeDeclinedFraudulent", "card_declined", "fraudulent"),
    ],
)
def test_cards_that_decline_do_so_when_they_are_attached(client, ada, name, code, decline_code):
    """Used in a payment without being saved, they decline there, in the same words."""
    with pytest.raises(stripe.CardError) as refused:
        card(client, ada, name)
    assert (refused.value.code, refused.value.error.decline_code) == (code, decline_code)

    error = declined(client, ada, name)
    assert (error.code, error.error.decline_code) == (code, decline_code)


def test_a_script_says_what_the_bank_says_next(client, sandbox, ada):
    """Outcomes are used up in order by the customer's confirmations; then the card is itself again."""
    method = card(client, ada, "pm_card_visa")
    sandbox.script("insufficient_funds", "insufficient_funds", "succeed", "stolen_card", customer=ada)

    assert declined(client, ada, method).error.decline_code == "insufficient_funds"
    assert declined(client, ada, method).error.advice_code == "try_again_later"
    assert pay(client, ada, method).status == "succeeded"
    assert declined(client, ada, method).error.advice_code == "do_not_try_again"
    assert pay(client, ada, method).status == "succeeded"
    with pytest.raises(ValueError, match="Unknown outcomes"):
        sandbox.script("no_such_code", customer=ada)


def test_a_declined_intent_is_confirmed_again(client, sandbox, ada):
    """One intent may hold several attempts; each leaves a charge."""
    method = card(client, ada, "pm_card_visa")
    sandbox.script("insufficient_funds", payment_method=method)
    failed = declined(client, ada, method).error.payment_intent.id

    again = client.v1.payment_intents.confirm(failed, {"payment_method": method, "off_session": True})
    assert (again.status, again.last_payment_error) == ("succeeded", None)
    charges = client.v1.charges.list({"payment_intent": failed}).data
    assert [charge.status for charge in charges] == ["succeeded", "failed"]


def test_off_session_a_question_to_the_buyer_is_a_decline(client, ada):
    """authentication_required is both the code and the decline code, and the buyer must come back."""
    method = card(client, ada, "pm_card_authenticationRequired")
    error = declined(client, ada, method)
    assert (error.code, error.error.decline_code) == ("authentication_required", "authentication_required")
    assert error.error.payment_intent.status == "requires_payment_method"


@pytest.mark.parametrize(
    ("result", "status"), [("succeed", "succeeded"), ("fail", "requires_payment_method")]
)
def test_on_session_the_buyer_is_asked(client, sandbox, ada, result, status):
    """requires_action with a page to go to; the answer ends it either way."""
    method = card(client, ada, "pm_card_authenticationRequired")
    intent = pay(client, ada, method, off_session=False, return_url="https://example.com/back")
    assert (intent.status, intent.next_action.type) == ("requires_action", "redirect_to_url")

    sandbox.authenticate(intent.id, result)
    assert client.v1.payment_intents.retrieve(intent.id).status == status


def test_a_card_that_was_set_up_is_charged_without_asking(client, sandbox, ada):
    """3155 asks unless a SetupIntent has proved it."""
    intent = client.v1.setup_intents.create({
        "customer": ada, "payment_method": "pm_card_authenticationRequiredOnSetup", "confirm": True,
        "return_url": "https://example.com/back",
    })  # fmt: skip
    assert intent.status == "requires_action"
    sandbox.ask("POST", "authenticate", {"setup_intent": intent.id})

    done = client.v1.setup_intents.retrieve(intent.id)
    assert done.status == "succeeded"
    assert pay(client, ada, done.payment_method).status == "succeeded"
    assert declined(client, ada, card(client, ada, "pm_card_authenticationRequiredOnSetup"))


def test_a_setup_intent_keeps_a_card_for_later(client, ada):
    """Confirmed, it is attached to its customer; a card that declines leaves an error behind."""
    intent = client.v1.setup_intents.create({"customer": ada})
    assert client.v1.setup_intents.confirm(
        intent.id, {"payment_method": "pm_card_visa", "return_url": "https://example.com"}
    ).status == "succeeded"  # fmt: skip
    assert len(client.v1.payment_methods.list({"customer": ada, "type": "card"}).data) == 1
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.setup_intents.cancel(intent.id)

    with pytest.raises(stripe.CardError) as refused:
        client.v1.setup_intents.create(
            {
                "customer": ada,
                "payment_method": "pm_card_visa_chargeDeclined",
                "confirm": True,
                "allowed_payment_method_types": ["card"],
            }
        )
    assert refused.value.error.setup_intent.status == "requires_payment_method"


DEBITS = {
    "pm_usBankAccount_success": ("usd", 4),
    "pm_sepaDebit": ("eur", 5),
    "pm_bacsDebit": ("gbp", 6),
    "pm_acssDebit": ("cad", 5),
}


@pytest.mark.parametrize("name", DEBITS)
def test_a_debit_takes_days(client, sandbox, ada, name):
    """It is processing until its bank has answered, and then succeeds with its fee."""
    sandbox.it_is("2026-03-01")
    currency, days = DEBITS[name]
    more = {"currency": currency, "expand": ["latest_charge"]}
    intent = pay(client, ada, card(client, ada, name), **more)
    assert (intent.status, intent.latest_charge.status) == ("processing", "pending")

    sandbox.it_is(f"2026-03-{days:02}")
    assert client.v1.payment_intents.retrieve(intent.id).status == "processing"
    sandbox.it_is(f"2026-03-{1 + days:02}")
    settled = client.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge.balance_transaction"]})
    assert (settled.status, settled.latest_charge.balance_transaction.net) == ("succeeded", 2397)
    assert events(client)[-2:] == ["charge.succeeded", "payment_intent.succeeded"]


def test_a_debit_comes_back(client, sandbox, ada):
    """Days later the same charge has failed, and the intent asks for another method."""
    sandbox.it_is("2026-03-01")
    intent = pay(client, ada, card(client, ada, "pm_usBankAccount_insufficientFunds"))
    sandbox.it_is("2026-03-10")

    failed = client.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    assert (failed.status, failed.latest_charge.failure_code) == (
        "requires_payment_method",
        "insufficient_funds",
    )
    assert events(client)[-2:] == ["charge.failed", "payment_intent.payment_failed"]
    happened = client.v1.events.list({"type": "payment_intent.payment_failed"}).data[0]
    assert (
        happened.created == 1_772_668_800
    )  # 2026-03-05: when the bank answered, not when the clock was moved
    assert sandbox.summary()["amounts"] == {}


def test_a_method_that_is_not_allowed_is_refused(client, ada):
    """allowed_payment_method_types holds at confirmation."""
    method = card(client, ada, "pm_usBankAccount_success")
    with pytest.raises(stripe.InvalidRequestError, match="not allowed"):
        pay(client, ada, method, allowed_payment_method_types=["card"])


@pytest.mark.parametrize(
    ("name", "currency"),
    [
        ("pm_usBankAccount", "eur"),
        ("pm_sepaDebit", "usd"),
        ("pm_bacsDebit", "usd"),
        ("pm_acssDebit", "gbp"),
    ],
)
def test_a_debit_knows_its_own_currencies_only(client, ada, name, currency):
    """A bank account abroad is refused before its bank is asked."""
    with pytest.raises(stripe.InvalidRequestError, match="not supported for the currency"):
        pay(client, ada, card(client, ada, name), currency=currency)
