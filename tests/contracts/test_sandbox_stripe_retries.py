"""Asking again: idempotency keys, and the faults on demand under which they are needed."""

import threading
import time

import pytest
import stripe

from sandbox.stripe.remote import Remote
from sandbox.stripe.server import StripeServer


@pytest.fixture
def client(server: StripeServer, sandbox: Remote) -> stripe.StripeClient:
    return stripe.StripeClient(
        "sk_test_contract",
        base_addresses={"api": server.url},
        max_network_retries=0,
        http_client=stripe.RequestsClient(timeout=1),
    )


def pay(client: stripe.StripeClient, key: str | None = None, **more):
    params = {
        "amount": 2500,
        "currency": "usd",
        "payment_method": "pm_card_visa",
        "confirm": True,
        "off_session": True,
    }
    return client.v1.payment_intents.create({**params, **more}, {"idempotency_key": key} if key else {})


def until_met(sandbox: Remote) -> None:
    while not sandbox.ask("GET", "faults")["data"][0]["met"]:
        time.sleep(0.01)


def charges(sandbox: Remote) -> dict[str, int]:
    return sandbox.summary()["charges"]


def test_the_same_key_replays_the_first_answer(client, sandbox):
    """Nothing is charged twice, and the answer says that it is a replay, and of which request."""
    first, second = pay(client, "key"), pay(client, "key")
    assert second.to_dict() == first.to_dict()
    assert charges(sandbox) == {"succeeded": 1}
    headers = second.last_response.headers
    assert headers["Idempotent-Replayed"] == "true"
    assert headers["Original-Request"] == first.last_response.headers["Request-Id"]
    assert "Idempotent-Replayed" not in first.last_response.headers


def test_a_decline_is_replayed_too(client, sandbox):
    """The key keeps the 402; only another key asks the bank again."""
    customer = client.v1.customers.create({}).id
    sandbox.script("insufficient_funds", customer=customer)
    errors = []
    for _ in range(2):
        with pytest.raises(stripe.CardError) as declined:
            pay(client, "key", customer=customer)
        errors.append(declined.value)
    assert errors[0].error.payment_intent.id == errors[1].error.payment_intent.id
    assert errors[1].headers["Idempotent-Replayed"] == "true"
    assert charges(sandbox) == {"failed": 1}
    assert pay(client, "another", customer=customer).status == "succeeded"


def test_another_request_under_the_same_key_is_refused(client):
    """Other parameters and another endpoint alike are an idempotency_error."""
    pay(client, "key")
    with pytest.raises(stripe.IdempotencyError, match="same parameters"):
        pay(client, "key", amount=2600)
    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        client.v1.customers.create({}, {"idempotency_key": "key"})


def test_a_request_that_failed_validation_is_not_remembered(client):
    """It never began, so the key is still free."""
    for wrong in ({"nonsense": "x"}, {"amount": 1}):
        with pytest.raises(stripe.InvalidRequestError):
            pay(client, "key", **wrong)
    assert pay(client, "key").status == "succeeded"


def test_what_failed_while_it_was_executed_is_remembered(client):
    """A missing customer was found missing by the endpoint, so the 400 is replayed."""
    for replayed in (None, "true"):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            pay(client, "key", customer="cus_nothing")
        assert refused.value.headers.get("Idempotent-Replayed") == replayed


def test_a_key_is_kept_for_a_day(client, sandbox):
    """After 24 hours of the server's clock it may name another request."""
    sandbox.it_is("2026-03-01T06:00:00Z")
    pay(client, "key")
    sandbox.it_is("2026-03-02T05:59:59Z")
    with pytest.raises(stripe.IdempotencyError):
        pay(client, "key", amount=2600)
    sandbox.it_is("2026-03-02T06:00:00Z")
    assert pay(client, "key", amount=2600).status == "succeeded"


def test_a_key_has_at_most_255_characters(client):
    """255 are fine."""
    assert pay(client, "k" * 255).status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError, match="255"):
        pay(client, "k" * 256)


def test_a_key_belongs_to_its_account(client):
    """Two accounts may use the same one."""
    pay(client, "key")
    other = client.v1.customers.create({}, {"idempotency_key": "key", "stripe_account": "acct_1other"})
    assert other.id.startswith("cus_")


def test_a_key_in_use_is_a_conflict(client, sandbox):
    """While the first request is still being worked on, the second is a 409 and changes nothing."""
    sandbox.fault("slow", seconds=0.5)
    first = threading.Thread(target=pay, args=(client, "key"))
    first.start()
    until_met(sandbox)
    with pytest.raises(stripe.APIError) as conflict:
        pay(client, "key")
    first.join()
    assert (conflict.value.http_status, conflict.value.error.code) == (409, "idempotency_key_in_use")
    assert pay(client, "key").last_response.headers["Idempotent-Replayed"] == "true"
    assert charges(sandbox) == {"succeeded": 1}


@pytest.mark.parametrize(
    ("fault", "done"),
    [
        ("timeout_before", {}),
        ("timeout_after", {"succeeded": 1}),
        ("connection_reset", {}),
        ("connection_reset_after", {"succeeded": 1}),
    ],
)
def test_an_answer_that_never_comes(client, sandbox, fault, done):
    """The client can't know whether it was done; asking again under the same key does it once in all."""
    sandbox.fault(fault, method="POST", path="/v1/payment_intents")
    with pytest.raises(stripe.APIConnectionError):
        pay(client, "key")
    assert charges(sandbox) == done

    assert pay(client, "key").status == "succeeded"
    assert charges(sandbox) == {"succeeded": 1}


def test_a_500_after_the_work_is_what_the_key_remembers(client, sandbox):
    """The payment was made, and only a list can tell."""
    sandbox.fault("500_after")
    for _ in range(2):
        with pytest.raises(stripe.APIError) as lost:
            pay(client, "key", metadata={"payment": "pay_1"})
        assert lost.value.http_status == 500
    found = client.v1.payment_intents.list().data
    assert [(each.status, each.metadata["payment"]) for each in found] == [("succeeded", "pay_1")]


def test_a_500_before_the_work_leaves_nothing(client, sandbox):
    """The key is still free."""
    sandbox.fault("500_before")
    with pytest.raises(stripe.APIError):
        pay(client, "key")
    assert charges(sandbox) == {}
    assert pay(client, "key").status == "succeeded"


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("429", 429, "rate_limit"),
        ("lock_timeout", 429, "lock_timeout"),
        ("409", 409, "idempotency_key_in_use"),
    ],
)
def test_stripe_asks_to_come_again(client, sandbox, fault, status, code):
    """Nothing was executed and nothing is remembered."""
    sandbox.fault(fault)
    with pytest.raises(stripe.StripeError) as refused:
        pay(client, "key")
    assert (refused.value.http_status, refused.value.error.code) == (status, code)
    assert pay(client, "key").status == "succeeded"


def test_a_fault_meets_only_what_it_matches(client, sandbox):
    """Path, method, customer and metadata choose; `times` says how often."""
    customer = client.v1.customers.create({}).id
    sandbox.fault("429", times=2, path="/v1/payment_*", customer=customer, metadata={"invoice": "inv_2"})
    pay(client)
    pay(client, customer=customer, metadata={"invoice": "inv_1"})
    for _ in range(2):
        with pytest.raises(stripe.RateLimitError):
            pay(client, customer=customer, metadata={"invoice": "inv_2", "more": "x"})
    pay(client, customer=customer, metadata={"invoice": "inv_2"})

    sandbox.fault("429", times=9)
    assert sandbox.ask("DELETE", "faults") == {"data": []}
    pay(client)


@pytest.mark.parametrize(
    ("answer", "error"), [("503", stripe.APIError), ("reset", stripe.APIConnectionError)]
)
def test_an_outage_is_everyone_s(client, sandbox, answer, error):
    """It lasts until it is lifted, or until the clock has passed its end."""
    sandbox.outage(answer)
    for _ in range(2):
        with pytest.raises(error):
            client.v1.balance.retrieve()
    sandbox.recover()
    client.v1.balance.retrieve()

    sandbox.it_is("2026-03-01")
    sandbox.outage(answer, until="2026-03-02")
    with pytest.raises(error):
        client.v1.balance.retrieve()
    sandbox.it_is("2026-03-02")
    client.v1.balance.retrieve()


def test_a_stop_does_not_wait_for_held_connections():
    """A timeout that would last minutes ends with the server."""
    with StripeServer() as server:
        Remote(server.url).fault("timeout_before", seconds=600)
        client = stripe.StripeClient(
            "sk_test_contract", base_addresses={"api": server.url}, max_network_retries=0
        )
        failed = threading.Event()

        def wait() -> None:
            with pytest.raises(stripe.APIConnectionError):
                client.v1.balance.retrieve()
            failed.set()

        threading.Thread(target=wait).start()
        until_met(Remote(server.url))
        began = time.monotonic()
    assert failed.wait(5)
    assert time.monotonic() - began < 5
