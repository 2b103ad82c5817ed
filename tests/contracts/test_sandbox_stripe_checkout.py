"""Checkout Sessions: a page for each, on which a buyer without JavaScript pays, saves, is refused, or comes too late."""

import re

import pytest
import stripe

from sandbox.stripe.remote import Remote
from tests.contracts.browser import Read, Shown, ask, visit

CARD = {"name": "Ada Lovelace", "card_expiry": "12/34", "card_cvc": "123"}
LINE = {"price_data": {"currency": "usd", "unit_amount": 1250, "product_data": {"name": "Coffee"}}}


@pytest.fixture
def sandbox(sandbox: Remote) -> Remote:
    sandbox.it_is("2026-03-01")
    return sandbox


def asked(**more):
    return {
        "mode": "payment",
        "line_items": [{**LINE, "quantity": 2}],
        "success_url": "https://shop.test/done?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://shop.test/back",
        **more,
    }


def opened(client, **more):
    return client.v1.checkout.sessions.create(asked(**more))


def pay(session, number: str = "4242424242424242", **more: str) -> Shown:
    return visit(session.url).submit(method="new:card", card_number=number, **{**CARD, **more})


def events(client) -> list[str]:
    return [event.type for event in client.v1.events.list({"limit": 100}).data][::-1]


def test_a_session_is_open_until_its_buyer_submits(client, ada):
    """Nothing is at Stripe but the page: the PaymentIntent comes into being with the first attempt."""
    session = opened(
        client, customer=ada, client_reference_id="ref", metadata={"a": "b"}, expand=["line_items"]
    )
    assert (session.status, session.payment_status, session.payment_intent) == ("open", "unpaid", None)
    assert (session.amount_total, session.currency, session.line_items.data[0].description) == (
        2500,
        "usd",
        "Coffee",
    )
    assert session.expires_at - session.created == 86_400
    assert client.v1.payment_intents.list({"customer": ada}).data == []
    lines = client.v1.checkout.sessions.line_items.list(session.id).data
    assert [(line.quantity, line.amount_total) for line in lines] == [(2, 2500)]


def test_a_buyer_pays(client, sandbox, ada):
    """The page says what is paid to whom; the intent carries the metadata asked for, and the way leads on."""
    data = {"metadata": {"payment": "pay_1"}, "description": "Invoice 7", "setup_future_usage": "off_session"}
    session = opened(client, customer=ada, payment_intent_data=data)
    page = visit(session.url)
    assert "Pay Sandbox Shop" in page.text
    assert "25.00 USD" in page.text
    assert "2 × Coffee" in page.text

    assert pay(session).location == f"https://shop.test/done?session={session.id}"
    done = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent.payment_method"]})
    intent = done.payment_intent
    assert (done.status, done.payment_status, done.url) == ("complete", "paid", None)
    assert (intent.status, intent.amount_received, intent.description) == ("succeeded", 2500, "Invoice 7")
    assert (intent.metadata.to_dict(), intent.customer) == ({"payment": "pay_1"}, ada)
    method = intent.payment_method
    assert (method.customer, method.card.last4, method.card.exp_year) == (ada, "4242", 2034)
    assert (method.allow_redisplay, method.billing_details.name) == ("limited", "Ada Lovelace")
    assert events(client)[-3:] == [
        "payment_method.attached",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]
    assert sandbox.summary()["amounts"]["usd"]["gross"] == 2500


def test_a_form_sent_twice_pays_once(client, sandbox):
    """The second is led to the same end, and a late one finds a page that has done its work."""
    session = opened(client)
    page = visit(session.url)
    typed = {"method": "new:card", "email": "x@example.com", "card_number": "4242424242424242", **CARD}
    first, second = page.submit(**typed), page.submit(**typed)
    assert first.location == second.location == f"https://shop.test/done?session={session.id}"
    assert sandbox.summary()["charges"] == {"succeeded": 1}

    late = visit(session.url)
    assert late.status == 200
    assert "nothing more to pay" in late.text
    assert "<form" not in late.html


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("4000000000000002", "Your card was declined."),
        ("4000000000009995", "insufficient funds"),
        ("4000000000000069", "expired"),
        ("4000000000000127", "security code is incorrect"),
    ],
)
def test_a_decline_is_told_on_the_page(client, number, said):
    """The session stays open, and the same form sent again asks nobody; another card pays the same intent."""
    session = opened(client)
    page = visit(session.url)
    typed = {"method": "new:card", "email": "x@example.com", "card_number": number, **CARD}
    told = page.submit(**typed)
    assert told.status == 402
    assert said in told.text
    assert 'role="alert"' in told.html
    again = page.submit(**typed)
    assert again.location == session.url
    assert said in visit(again.location).text

    failed = client.v1.checkout.sessions.retrieve(session.id)
    assert (failed.status, failed.payment_status) == ("open", "unpaid")
    charges = client.v1.charges.list({"payment_intent": failed.payment_intent}).data
    assert [charge.status for charge in charges] == ["failed"]
    assert events(client)[-1] == "payment_intent.payment_failed"

    assert told.submit(**{**typed, "card_number": "5555555555554444"}).location.startswith(
        "https://shop.test/done"
    )
    paid = client.v1.checkout.sessions.retrieve(session.id)
    assert (paid.payment_status, paid.payment_intent) == ("paid", failed.payment_intent)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"card_number": "4242"}, "card number is incomplete"),
        ({"card_number": "4242424242424241"}, "card number is invalid"),
        ({"card_number": "4111111111111111"}, "not one of Stripe's test numbers"),
        ({"card_expiry": "13/34"}, "expiration date is incomplete"),
        ({"card_expiry": "02/26"}, "in the past"),
        ({"card_cvc": ""}, "security code is incomplete"),
        ({"name": ""}, "name on the card or account is missing"),
        ({"email": "nobody"}, "e-mail address is incomplete"),
        ({"method": "new:klarna"}, "Choose a payment method"),
    ],
)
def test_what_is_typed_wrong_is_named_at_its_field(client, typed, said):
    """No bank is asked, and every field keeps its label, its error, and what was typed but the security code."""
    session = opened(client)
    good = {"method": "new:card", "email": "x@example.com", "card_number": "4242424242424242", **CARD}
    told = visit(session.url).submit(**{**good, **typed})
    assert told.status == 422
    assert said in told.text
    assert told.fields["card-cvc"] == ""
    assert told.fields["email"] == typed.get("email", "x@example.com")
    assert client.v1.checkout.sessions.retrieve(session.id).payment_intent is None
    accessible(told)


def accessible(page: Shown) -> None:
    """One h1, a language, a label for every field, and errors that are announced and described."""
    read = Read(page.html)
    tags = [tag for tag, _ in read.tags]
    assert tags.count("h1") == 1
    assert '<html lang="en">' in page.html
    assert "script" not in tags
    labels = {given["for"] for tag, given in read.tags if tag == "label"}
    ids = {given.get("id") for _, given in read.tags}
    for tag, given in read.tags:
        if tag == "input" and given.get("type") != "hidden":
            assert given["id"] in labels
            assert set((given.get("aria-describedby") or "").split()) <= ids
    links = re.findall(r'href="#([^"]+)"', page.html)
    assert set(links) <= ids


def test_the_pages_are_accessible(client, ada):
    """With everything on it that a page can ask for."""
    session = opened(
        client,
        customer=ada,
        billing_address_collection="required",
        shipping_address_collection={"allowed_countries": ["US"]},
        saved_payment_method_options={"payment_method_save": "enabled"},
        allowed_payment_method_types=["card", "us_bank_account", "acss_debit"],
    )
    accessible(visit(session.url))
    accessible(
        visit(
            client.v1.checkout.sessions.create(
                {"mode": "setup", "success_url": "https://x.test", "currency": "usd"}
            ).url
        )
    )


def test_addresses_are_asked_for_and_kept(client, ada):
    """Billing on the method, shipping on the session and the intent, and on the customer where that is wanted."""
    session = opened(
        client,
        customer=ada,
        billing_address_collection="required",
        shipping_address_collection={"allowed_countries": ["US", "CA"]},
        customer_update={"address": "auto", "shipping": "auto", "name": "auto"},
    )
    address = {"line1": "1 Main St", "city": "Troy", "state": "NY", "postal_code": "12180", "country": "us"}
    typed = {f"billing_{name}": value for name, value in address.items()}
    typed |= {f"shipping_{name}": value for name, value in address.items()}
    fields = {
        name.replace("postal_code", "postal_code").replace("_", "-", 1): value
        for name, value in typed.items()
    }
    wrong = visit(session.url).submit(method="new:card", card_number="4242424242424242", **CARD)
    assert wrong.status == 422
    assert "name for the shipping address" in wrong.text

    whole = {**wrong.fields, **fields, "shipping-name": "Grace", "card-cvc": "123"}
    elsewhere = ask("POST", session.url, {**whole, "shipping-country": "FR"})
    assert elsewhere.status == 422
    assert "US, CA only" in elsewhere.text
    assert ask("POST", session.url, whole).status == 303
    done = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    assert done.customer_details.address.postal_code == "12180"
    assert done.collected_information.shipping_details.name == done.payment_intent.shipping.name == "Grace"
    customer = client.v1.customers.retrieve(ada)
    assert (customer.address.country, customer.shipping.name, customer.name) == (
        "US",
        "Grace",
        "Ada Lovelace",
    )


def test_a_saved_method_is_offered_again(client, ada):
    """Those their owner has allowed to be shown, unless the merchant asks for others; never another's."""
    options = {"payment_method_save": "enabled", "payment_method_remove": "enabled"}
    first = opened(client, customer=ada, saved_payment_method_options=options)
    assert (
        visit(first.url)
        .submit(method="new:card", card_number="4242424242424242", save="yes", **CARD)
        .location
    )
    method = client.v1.customers.payment_methods.list(ada).data[0]
    assert method.allow_redisplay == "always"

    second = opened(client, customer=ada, saved_payment_method_options=options)
    page = visit(second.url)
    assert "Visa ending in 4242" in page.text
    assert page.fields["method"] == f"saved:{method.id}"
    assert page.submit().location.endswith(second.id)
    paid = client.v1.checkout.sessions.retrieve(second.id, {"expand": ["payment_intent"]})
    assert paid.payment_intent.payment_method == method.id

    bob = client.v1.customers.create({"email": "bob@example.com"}).id
    others = visit(opened(client, customer=bob).url)
    assert "ending in" not in others.text
    assert others.submit(method=f"saved:{method.id}").status == 422

    third = opened(client, customer=ada, saved_payment_method_options=options)
    page = visit(third.url)
    [button] = [given for tag, given in Read(page.html).tags if tag == "button" and given.get("form")]
    ask("POST", third.url, {"attempt": page.fields["attempt"], button["name"]: button["value"]})
    assert "ending in" not in visit(third.url).text
    assert client.v1.payment_methods.retrieve(method.id).customer is None


ACCOUNTS = {
    "us_bank_account": ("usd", {"routing": "110000000", "account": "000123456789"}, 4),
    "sepa_debit": ("eur", {"iban": "DE89 3704 0044 0532 0130 00"}, 5),
    "bacs_debit": ("gbp", {"sort": "10-88-00", "account": "00012345"}, 6),
    "acss_debit": ("cad", {"institution": "000", "transit": "11000", "account": "000123456789"}, 5),
}
FAILING = {
    "us_bank_account": {"account": "000222222227"},
    "sepa_debit": {"iban": "DE62370400440532013001"},
    "bacs_debit": {"account": "33333335"},
    "acss_debit": {"account": "000222222227"},
}


def debited(client, type_: str, numbers: dict[str, str]) -> tuple[stripe.checkout.Session, Shown]:
    line = {**LINE, "price_data": {**LINE["price_data"], "currency": ACCOUNTS[type_][0]}, "quantity": 2}
    session = opened(client, line_items=[line], allowed_payment_method_types=["card", type_])
    page = visit(session.url)
    fields = {f"{type_}-{name}": value for name, value in numbers.items()}
    whole = {**page.fields, "method": f"new:{type_}", "name": "Ada", "email": "a@example.com", **fields}
    return session, ask("POST", session.url, whole)


@pytest.mark.parametrize("type_", ACCOUNTS)
def test_a_bank_debit_completes_the_page_and_pays_days_later(client, sandbox, type_):
    """Complete yet unpaid; paid, or not, when the bank has answered."""
    _, numbers, days = ACCOUNTS[type_]
    session, told = debited(client, type_, numbers)
    assert told.location.endswith(session.id)
    done = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    assert (done.status, done.payment_status, done.payment_intent.status) == (
        "complete",
        "unpaid",
        "processing",
    )

    failing, _ = debited(client, type_, {**numbers, **FAILING[type_]})
    sandbox.it_is(f"2026-03-{1 + days:02}")
    states = [client.v1.checkout.sessions.retrieve(name).payment_status for name in (session.id, failing.id)]
    assert states == ["paid", "unpaid"]
    told = [each for each in events(client) if each.startswith("checkout.session")]
    assert told[-2:] == ["checkout.session.async_payment_succeeded", "checkout.session.async_payment_failed"]


def test_a_bank_account_is_checked_as_it_is_typed(client):
    """Digits first, and a number that is not one of the test numbers is no account."""
    _, short = debited(client, "us_bank_account", {"routing": "11", "account": "000123456789"})
    assert short.status == 422
    assert "Routing number" in short.text
    _, unknown = debited(client, "us_bank_account", {"routing": "110000000", "account": "555"})
    assert unknown.status == 422
    _, foreign = debited(client, "sepa_debit", {"iban": "GB33BUKB20201555555555"})
    assert foreign.status == 422
    assert "not one of Stripe's test numbers" in foreign.text


def test_types_are_a_filter_on_what_the_currency_allows(client):
    """What cannot be paid in that currency is not offered; when nothing is left the session is refused."""
    session = opened(client, allowed_payment_method_types=["card", "sepa_debit", "us_bank_account"])
    assert session.payment_method_types == ["card", "us_bank_account"]
    with pytest.raises(stripe.InvalidRequestError, match="No valid payment method types"):
        opened(client, allowed_payment_method_types=["bacs_debit"])
    with pytest.raises(stripe.InvalidRequestError) as refused:
        opened(client, payment_method_types=["card"])
    assert refused.value.code == "parameter_unknown"


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"success_url": "nowhere"}, "success_url"),
        ({"mode": "setup"}, "line_items"),
        ({"expires_at": 1_772_323_200 + 1_799}, "expires_at"),
        ({"expires_at": 1_772_323_200 + 86_401}, "expires_at"),
        ({"customer": "cus_nobody"}, "customer"),
        ({"customer_email": "nobody"}, "customer_email"),
        ({"allow_promotion_codes": True}, "allow_promotion_codes"),
        ({"adaptive_pricing": {"enabled": True}}, "adaptive_pricing"),
        ({"line_items": [{"price": "price_1", "quantity": 1}]}, "line_items[0][price]"),
        ({"line_items": [{**LINE}]}, "line_items[0][quantity]"),
    ],
)
def test_a_session_that_could_not_be_is_refused(client, more, param):
    """With the parameter that is to blame."""
    with pytest.raises(stripe.InvalidRequestError) as refused:
        opened(client, **more)
    assert refused.value.param == param


def test_too_small_a_total_is_refused(client):
    """About half a dollar is Stripe's least."""
    line = {**LINE, "price_data": {**LINE["price_data"], "unit_amount": 20}, "quantity": 1}
    with pytest.raises(stripe.InvalidRequestError, match=r"at least 0\.50 usd"):
        opened(client, line_items=[line])


def test_a_session_ends_by_itself(client, sandbox):
    """At its moment, with an event and the intent it had begun canceled; then nobody can pay on it."""
    session = opened(client, expires_at=1_772_323_200 + 1_800)
    page = visit(session.url)
    typed = {"method": "new:card", "email": "x@example.com", **CARD}
    page.submit(card_number="4000000000000002", **typed)
    sandbox.it_is("2026-03-01T00:30:00Z")
    ended = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    assert (ended.status, ended.url) == ("expired", None)
    assert (ended.payment_intent.status, ended.payment_intent.cancellation_reason) == ("canceled", "expired")
    assert events(client)[-2:] == ["payment_intent.canceled", "checkout.session.expired"]

    late = page.submit(card_number="4242424242424242", **typed)
    assert late.status == 200
    assert "expired" in late.text
    assert "<form" not in late.html
    assert sandbox.summary()["charges"] == {"failed": 1}


def test_a_session_is_expired_on_request_only_while_it_is_open(client):
    """A paid one is refused, and says what it is; the intent cannot be canceled or confirmed behind its back."""
    open_ = opened(client)
    assert client.v1.checkout.sessions.expire(open_.id).status == "expired"
    paid = opened(client)
    pay(paid, email="x@example.com")
    for session, status in ((open_, "expired"), (paid, "complete")):
        with pytest.raises(stripe.InvalidRequestError, match=f"has a status of {status}"):
            client.v1.checkout.sessions.expire(session.id)

    failed = opened(client)
    pay(failed, "4000000000000002", email="x@example.com")
    intent = client.v1.checkout.sessions.retrieve(failed.id).payment_intent
    with pytest.raises(stripe.InvalidRequestError, match="created by Checkout"):
        client.v1.payment_intents.cancel(intent)
    with pytest.raises(stripe.InvalidRequestError, match="created by Checkout"):
        client.v1.payment_intents.confirm(
            intent, {"payment_method": "pm_card_visa", "return_url": "https://x.test"}
        )


def test_sessions_are_listed(client, ada):
    """By customer, by intent, by status, by e-mail and by time."""
    mine, _ = opened(client, customer=ada), opened(client)
    pay(mine)
    intent = client.v1.checkout.sessions.retrieve(mine.id).payment_intent
    for found in (
        {"customer": ada},
        {"payment_intent": intent},
        {"status": "complete"},
        {"customer_details": {"email": "ada@example.com"}},
    ):
        assert [each.id for each in client.v1.checkout.sessions.list(found).data] == [mine.id]
    assert len(client.v1.checkout.sessions.list({"created": {"gte": mine.created}}).data) == 2


def test_an_idempotency_key_opens_one_page(client):
    """The same request again is the same session."""
    sessions = client.v1.checkout.sessions
    first, again = (sessions.create(asked(), {"idempotency_key": "one"}) for _ in range(2))
    assert first.id == again.id
    assert len(sessions.list().data) == 1


def test_a_customer_is_made_where_that_is_asked_for(client):
    """Otherwise the buyer stays a guest; one without an e-mail gets what was typed."""
    made, guest = opened(client, customer_creation="always"), opened(client)
    for session in (made, guest):
        pay(session, email="new@example.com")
    customer = client.v1.checkout.sessions.retrieve(made.id).customer
    assert client.v1.customers.retrieve(customer).email == "new@example.com"
    assert client.v1.checkout.sessions.retrieve(guest.id).customer is None

    nameless = client.v1.customers.create({}).id
    pay(opened(client, customer=nameless), email="late@example.com")
    assert client.v1.customers.retrieve(nameless).email == "late@example.com"


def test_a_method_is_saved_without_a_payment(client, ada):
    """Mode setup: the SetupIntent is there with the session, and a declined card leaves the page open."""
    session = client.v1.checkout.sessions.create({
        "mode": "setup", "customer": ada, "currency": "usd", "success_url": "https://shop.test/done",
        "setup_intent_data": {"metadata": {"setup": "set_1"}},
    })  # fmt: skip
    assert (session.payment_status, session.amount_total) == ("no_payment_required", None)
    told = pay(session, "4000000000000002")
    assert told.status == 402
    assert "declined" in told.text
    assert pay(session).location == "https://shop.test/done"

    done = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["setup_intent.payment_method"]})
    assert (done.status, done.setup_intent.status) == ("complete", "succeeded")
    assert done.setup_intent.metadata.to_dict() == {"setup": "set_1"}
    assert (done.setup_intent.payment_method.customer, done.setup_intent.payment_method.card.last4) == (
        ada,
        "4242",
    )
    assert events(client)[-2:] == ["setup_intent.succeeded", "checkout.session.completed"]


def test_an_account_s_page_pays_that_account(client, sandbox):
    """The link names no account, and needs none."""
    connected = {"stripe_account": "acct_1roastery"}
    session = client.v1.checkout.sessions.create(asked(), connected)
    pay(session, email="x@example.com")
    assert client.v1.checkout.sessions.retrieve(session.id, {}, connected).payment_status == "paid"
    assert sandbox.ask("GET", "summary?account=acct_1roastery")["charges"] == {"succeeded": 1}


def test_what_is_not_wanted_may_be_said(client):
    """A feature that the local Checkout has not is refused only where it is asked for."""
    session = opened(client, adaptive_pricing={"enabled": False}, allow_promotion_codes=False)
    assert session.adaptive_pricing.enabled is False


def test_a_customer_who_is_gone_cannot_pay(client, ada):
    """The page says so, and nothing is taken."""
    session = opened(client, customer=ada)
    page = visit(session.url)
    client.v1.customers.delete(ada)
    typed = {"method": "new:card", "card_number": "4242424242424242", "email": "x@example.com"}
    told = page.submit(**typed, **CARD)
    assert told.status == 402
    assert "No such customer" in told.text
    assert client.v1.checkout.sessions.retrieve(session.id).payment_intent is None


def test_a_control_pays_a_page_for_a_test(client, sandbox, ada):
    """What a browser would do, in one call, with any of the test methods."""
    session = opened(client, customer=ada)
    assert sandbox.pay_page(session.id, "pm_card_visa_chargeDeclined")["outcome"] == "declined"
    assert sandbox.pay_page(session.id)["session"]["payment_status"] == "paid"
    with pytest.raises(ValueError, match="complete"):
        sandbox.pay_page(session.id)
