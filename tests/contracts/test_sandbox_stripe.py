"""The sandbox's Stripe keeps Stripe's promises about payments, seen through stripe-python as it is."""

import pytest
import stripe

OFF_SESSION = {"confirm": True, "off_session": True}


def card(client: stripe.StripeClient, customer: str, name: str = "pm_card_visa") -> str:
    return client.v1.payment_methods.attach(name, {"customer": customer}).id


def pay(client: stripe.StripeClient, customer: str, method: str, **more):
    params = {"amount": 2500, "currency": "usd", "customer": customer, "payment_method": method}
    return client.v1.payment_intents.create({**params, **OFF_SESSION, **more})


def test_a_saved_card_is_charged_off_session_in_one_call(client, ada):
    """The intent succeeds at once, and its charge carries 2.9 % + 30 rounded half up, and the net."""
    intent = pay(client, ada, card(client, ada), expand=["latest_charge.balance_transaction"])

    entry = intent.latest_charge.balance_transaction
    assert (intent.status, intent.amount_received, intent.livemode) == ("succeeded", 2500, False)
    assert (entry.amount, entry.fee, entry.net) == (2500, 103, 2397)


@pytest.mark.parametrize(
    ("amount", "currency", "fee"),
    [(50, "usd", 31), (10_000, "eur", 320), (1_000, "jpy", 59), (10_000, "kwd", 390), (60_000, "isk", 1_770)],
)
def test_the_fee_is_taken_in_the_currency_s_own_units(client, ada, amount, currency, fee):
    """Zero-decimal, two-decimal and three-decimal amounts are all minor units."""
    more = {"amount": amount, "currency": currency, "expand": ["latest_charge.balance_transaction"]}
    entry = pay(client, ada, card(client, ada), **more).latest_charge.balance_transaction
    assert (entry.fee, entry.net) == (fee, amount - fee)


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        (49, "usd", "amount_too_small"),
        (29, "gbp", "amount_too_small"),
        (49, "jpy", "amount_too_small"),
        (100_000_000, "usd", "amount_too_large"),
        (0, "usd", "parameter_invalid_integer"),
        (10_001, "kwd", "invalid_charge_amount"),
        (10_050, "isk", "invalid_charge_amount"),
        (100, "xxx", None),
    ],
)
def test_an_amount_stripe_would_not_take_is_refused(client, amount, currency, code):
    """About half a dollar at least, eight digits at most, and the special currencies' endings."""
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.create({"amount": amount, "currency": currency})
    assert (refused.value.http_status, refused.value.code) == (400, code)


def test_a_parameter_that_does_not_exist_is_refused(client):
    """`payment_method_types` went away; a misspelt name inside another is found too."""
    for params, name in [
        ({"payment_method_types": ["card"]}, "payment_method_types"),
        ({"automatic_payment_methods": {"enable": True}}, "automatic_payment_methods[enable]"),
    ]:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            client.v1.payment_intents.create({"amount": 100, "currency": "usd", **params})
        assert (refused.value.code, refused.value.param) == ("parameter_unknown", name)


def test_a_parameter_that_is_missing_is_named(client):
    """Without a currency there is nothing to charge."""
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.create({"amount": 100})
    assert (refused.value.code, refused.value.param) == ("parameter_missing", "currency")


def test_off_session_needs_confirm(client, ada):
    """Stripe's rule: nobody can be absent from a payment that is not made."""
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.create({"amount": 100, "currency": "usd", "off_session": True})
    assert refused.value.param == "off_session"


def test_on_session_confirmation_asks_where_to_come_back_to(client, ada):
    """Methods of the Dashboard may redirect; naming the allowed types, or never redirecting, needs no return_url."""
    params = {"amount": 100, "currency": "usd", "confirm": True, "payment_method": "pm_card_visa"}
    with pytest.raises(stripe.InvalidRequestError, match="return_url"):
        client.v1.payment_intents.create(params)

    for more in (
        {"return_url": "https://example.com/back"},
        {"allowed_payment_method_types": ["card"]},
        {"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}},
    ):
        assert client.v1.payment_intents.create({**params, **more}).status == "succeeded"


def test_something_missing_is_404_in_the_path_and_400_in_a_parameter(client):
    """Both say `resource_missing` and which parameter named it."""
    with pytest.raises(stripe.InvalidRequestError) as path:
        client.v1.payment_intents.retrieve("pi_nothing")
    with pytest.raises(stripe.InvalidRequestError) as parameter:
        client.v1.payment_intents.create({"amount": 100, "currency": "usd", "customer": "cus_nothing"})

    assert (path.value.http_status, path.value.code) == (404, "resource_missing")
    found = parameter.value
    assert (found.http_status, found.code, found.param) == (400, "resource_missing", "customer")


def test_a_customer_is_changed_and_deleted(client, ada):
    """Metadata merges, an empty value removes its key, and what was deleted is remembered as a stub."""
    client.v1.customers.update(ada, {"metadata": {"crm": "con_1", "old": "x"}})
    changed = client.v1.customers.update(ada, {"metadata": {"old": ""}, "phone": "+1555"})
    assert (changed.metadata.to_dict(), changed.phone, changed.name) == ({"crm": "con_1"}, "+1555", "Ada")

    method = card(client, ada)
    assert client.v1.customers.delete(ada).deleted
    assert client.v1.customers.retrieve(ada).deleted
    assert client.v1.customers.list().data == []
    with pytest.raises(stripe.InvalidRequestError):
        pay(client, ada, method)


def test_a_method_is_used_only_for_its_customer(client, ada):
    """Another's card is refused; one that was detached is spent."""
    bob = client.v1.customers.create({}).id
    method = card(client, ada)
    with pytest.raises(stripe.InvalidRequestError, match="does not belong"):
        pay(client, bob, method)
    with pytest.raises(stripe.InvalidRequestError, match="already been attached"):
        client.v1.payment_methods.attach(method, {"customer": bob})

    client.v1.payment_methods.detach(method)
    with pytest.raises(stripe.InvalidRequestError, match="detached"):
        pay(client, ada, method)


def test_a_default_method_must_be_the_customer_s_own(client, ada):
    """It is shown on the customer, listed, and forgotten when detached."""
    method = card(client, ada)
    client.v1.customers.update(ada, {"invoice_settings": {"default_payment_method": method}})
    shown = client.v1.customers.retrieve(ada, {"expand": ["invoice_settings.default_payment_method"]})
    assert shown.invoice_settings.default_payment_method.card.brand == "visa"
    listed = client.v1.customers.payment_methods.list(ada, {"type": "card"})
    assert [each.id for each in listed.data] == [method]

    client.v1.payment_methods.detach(method)
    assert client.v1.customers.retrieve(ada).invoice_settings.default_payment_method is None


def test_a_method_is_made_from_a_test_token(client, ada):
    """Numbers are refused, as Stripe does where they are not allowed."""
    made = client.v1.payment_methods.create({"type": "card", "card": {"token": "tok_mastercard"}})
    assert (made.card.brand, made.customer) == ("mastercard", None)
    with pytest.raises(stripe.InvalidRequestError, match="unsafe"):
        client.v1.payment_methods.create({"type": "card", "card": {"number": "4242424242424242"}})


def test_an_intent_is_confirmed_later_changed_and_canceled(client, ada):
    """requires_payment_method → requires_confirmation → succeeded; a paid one can neither change nor end."""
    intent = client.v1.payment_intents.create({"amount": 900, "currency": "usd", "customer": ada})
    assert intent.status == "requires_payment_method"
    intent = client.v1.payment_intents.update(intent.id, {"amount": 950, "payment_method": card(client, ada)})
    assert (intent.status, intent.amount) == ("requires_confirmation", 950)
    assert client.v1.payment_intents.confirm(intent.id, {"off_session": True}).status == "succeeded"

    for attempt in (client.v1.payment_intents.cancel, client.v1.payment_intents.confirm):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            attempt(intent.id, {"return_url": "https://x.test"} if "confirm" in attempt.__name__ else {})
        assert refused.value.code == "payment_intent_unexpected_state"

    other = client.v1.payment_intents.create({"amount": 900, "currency": "usd"})
    canceled = client.v1.payment_intents.cancel(other.id, {"cancellation_reason": "abandoned"})
    assert (canceled.status, canceled.cancellation_reason) == ("canceled", "abandoned")


def test_lists_are_newest_first_and_page_both_ways(client, ada):
    """limit, starting_after, ending_before and has_more, filtered by customer and by time."""
    method = card(client, ada)
    made = [pay(client, ada, method).id for _ in range(5)][::-1]
    pay(client, client.v1.customers.create({}).id, "pm_card_visa")
    intents = client.v1.payment_intents

    first = intents.list({"customer": ada, "limit": 2})
    after = intents.list({"customer": ada, "limit": 3, "starting_after": made[1]})
    before = intents.list({"customer": ada, "limit": 2, "ending_before": made[3]})
    assert ([each.id for each in first.data], first.has_more) == (made[:2], True)
    assert ([each.id for each in after.data], after.has_more) == (made[2:], False)
    assert ([each.id for each in before.data], before.has_more) == (made[1:3], True)
    assert [each.id for each in intents.list({"customer": ada, "limit": 2}).auto_paging_iter()] == made
    assert intents.list({"created": {"gt": 4_000_000_000}}).data == []
    expanded = intents.list({"customer": ada, "expand": ["data.latest_charge.balance_transaction"]})
    assert {each.latest_charge.balance_transaction.net for each in expanded.data} == {2397}


def test_only_what_names_an_object_is_expanded(client, ada):
    """An unknown or plain field is refused by its path."""
    pay(client, ada, "pm_card_visa")
    for path in ("amount", "nothing", "client_secret"):
        with pytest.raises(stripe.InvalidRequestError, match=r"cannot be expanded"):
            client.v1.payment_intents.list({"expand": [f"data.{path}"]})


def test_refunds_give_back_parts_and_then_the_rest(client, sandbox, ada):
    """A charge is refunded when nothing is left; more than it held is refused; the fee stays with Stripe."""
    intent = pay(client, ada, card(client, ada))
    part = client.v1.refunds.create(
        {"payment_intent": intent.id, "amount": 1000, "metadata": {"why": "cold"}}
    )
    charge = client.v1.charges.retrieve(intent.latest_charge)
    assert (part.status, charge.amount_refunded, charge.refunded) == ("succeeded", 1000, False)
    with pytest.raises(
        stripe.InvalidRequestError, match=r"greater than unrefunded amount on charge \(15.00 USD"
    ):
        client.v1.refunds.create({"charge": charge.id, "amount": 1501})

    rest = client.v1.refunds.create({"charge": charge.id, "reason": "requested_by_customer"})
    assert (rest.amount, client.v1.charges.retrieve(charge.id).refunded) == (1500, True)
    with pytest.raises(stripe.InvalidRequestError) as again:
        client.v1.refunds.create({"payment_intent": intent.id})
    assert again.value.code == "charge_already_refunded"
    assert [each.id for each in client.v1.refunds.list({"charge": charge.id}).data] == [rest.id, part.id]
    sums = sandbox.summary()["amounts"]["usd"]
    assert (sums["gross"], sums["fee"], sums["refunded"], sums["net"]) == (2500, 103, 2500, -103)


@pytest.mark.parametrize(
    ("name", "course"),
    [
        ("pm_card_visa", ["succeeded", "succeeded", -103]),
        ("pm_card_pendingRefund", ["pending", "succeeded", -103]),
        ("pm_card_refundFail", ["succeeded", "failed", 2397]),
    ],
)
def test_a_refund_may_take_days_or_come_back(client, sandbox, ada, name, course):
    """One that failed brings its money back to the balance."""
    sandbox.it_is("2026-03-01")
    refund = client.v1.refunds.create({"payment_intent": pay(client, ada, name).id})
    sandbox.it_is("2026-03-04")
    later = client.v1.refunds.retrieve(refund.id)
    assert [refund.status, later.status, sandbox.summary()["amounts"]["usd"]["net"]] == course


def test_money_becomes_available_two_days_later(client, sandbox, ada):
    """The balance moves from pending to available as the clock goes on."""
    sandbox.it_is("2026-03-01")
    pay(client, ada, card(client, ada))
    assert [each.amount for each in client.v1.balance.retrieve().pending] == [2397]

    sandbox.it_is("2026-03-03")
    assert [each.amount for each in client.v1.balance.retrieve().available] == [2397]
    assert client.v1.balance_transactions.list().data[0].status == "available"


def test_accounts_know_nothing_of_each_other(client, ada):
    """What is made for a connected account is found there and nowhere else."""
    connected = {"stripe_account": "acct_1roastery"}
    theirs = client.v1.customers.create({"email": "x@example.com"}, connected)
    assert theirs.last_response.headers["Stripe-Account"] == "acct_1roastery"
    assert [each.id for each in client.v1.customers.list({}, connected).data] == [theirs.id]
    assert [each.id for each in client.v1.customers.list().data] == [ada]
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.customers.retrieve(theirs.id)


def test_a_bad_key_is_401(server):
    """So is a live one: this is a test mode."""
    for key in ("sk_live_contract", "nonsense"):
        client = stripe.StripeClient(key, base_addresses={"api": server.url}, max_network_retries=0)
        with pytest.raises(stripe.AuthenticationError):
            client.v1.balance.retrieve()


def test_every_answer_names_its_request_and_version(client):
    """The version is the one that was asked for."""
    answer = client.v1.customers.list({}, {"stripe_version": "2026-09-30.endive"}).last_response
    assert answer.headers["Request-Id"].startswith("req_")
    assert answer.headers["Stripe-Version"] == "2026-09-30.endive"


def test_metadata_has_its_limits(client):
    """50 keys, 40 and 500 characters."""
    for metadata in ({"k" * 41: "v"}, {"k": "v" * 501}, {f"k{n}": "v" for n in range(51)}):
        with pytest.raises(stripe.InvalidRequestError, match=r"[Mm]etadata"):
            client.v1.customers.create({"metadata": metadata})
