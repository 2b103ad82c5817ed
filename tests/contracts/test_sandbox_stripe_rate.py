"""How much the local Stripe takes: its rate limit, the headers of a 429, its latency, and faults on every route."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from sandbox.stripe import routes


def refused(client) -> stripe.StripeError:
    with pytest.raises(stripe.StripeError) as error:
        client.v1.balance.retrieve()
    return error.value


def test_a_429_says_which_limit_it_was(client, sandbox):
    """A limit names its reason and asks for no retry; a lock is no limit, and may be tried again at once."""
    sandbox.fault("429")
    headers = refused(client).headers
    assert (headers["Stripe-Rate-Limited-Reason"], headers["Stripe-Should-Retry"]) == ("global-rate", "false")
    assert "Retry-After" not in headers

    sandbox.fault("lock_timeout")
    headers = refused(client).headers
    assert headers["Stripe-Should-Retry"] == "true"
    assert "Stripe-Rate-Limited-Reason" not in headers


@pytest.mark.parametrize("kind", ["429", "lock_timeout"])
def test_a_fault_may_say_when_to_come_again(client, sandbox, kind):
    """Word for word, so that nonsense can be tried too."""
    for asked in (7, "soon"):
        sandbox.fault(kind, retry_after=asked)
        assert refused(client).headers["Retry-After"] == str(asked)


def test_a_limit_holds_for_each_account(client, sandbox):
    """About a second's worth passes, then 429s, until time has filled it again; nothing refused was executed."""
    sandbox.limit(4, retry_after=1)
    made, told = until_refused(client)
    assert 4 <= made < 100
    assert (told.http_status, told.error.code, told.headers["Retry-After"]) == (429, "rate_limit", "1")
    client.v1.balance.retrieve({}, {"stripe_account": "acct_1other"})
    time.sleep(0.3)
    assert len(client.v1.customers.list({"limit": 100}).data) == made
    assert sandbox.ask("GET", "rate")["refused"] == {"acct_sandbox": 1}

    sandbox.limit(None)
    for _ in range(10):
        client.v1.balance.retrieve()


def until_refused(client) -> tuple[int, stripe.StripeError]:
    for made in range(100):
        try:
            client.v1.customers.create({})
        except stripe.RateLimitError as error:
            return made, error
    raise AssertionError("a hundred requests were taken at once")


def test_latency_keeps_no_other_waiting(server, client, sandbox):
    """Ten at once take as long as one, and each is still executed once."""
    sandbox.latency(0.3)
    began = time.monotonic()
    threads = [threading.Thread(target=lambda: client.v1.customers.create({})) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - began
    sandbox.latency(0)
    assert 0.3 <= took < 2.5
    assert len(client.v1.customers.list({"limit": 100}).data) == 10


def test_a_request_that_takes_its_time_holds_its_key(client, sandbox):
    """The same key on another connection is in use meanwhile, as at Stripe."""
    sandbox.latency(1)
    with ThreadPoolExecutor(2) as both:
        told = sorted(both.map(lambda _: made_under_a_key(client), range(2)))
    sandbox.latency(0)
    assert told == ["idempotency_key_in_use", "made"]
    assert len(client.v1.customers.list().data) == 1


def made_under_a_key(client) -> str:
    try:
        client.v1.customers.create({}, {"idempotency_key": "one"})
    except stripe.StripeError as error:
        return str(error.error.code)
    return "made"


NEW = [route for route in routes.ROUTES if "checkout" in route.path or "disputes" in route.path]


@pytest.mark.parametrize("route", NEW, ids=lambda route: route.label)
def test_every_route_meets_its_faults(client, sandbox, route):
    """Matched by method and path, before anything else is looked at."""
    path = route.path.replace("{id}", "cs_test_any")
    sandbox.fault("500_before", method=route.method, path=path)
    with pytest.raises(stripe.APIError) as error:
        client.raw_request(route.method.lower(), path)
    assert error.value.http_status == 500


def test_a_session_is_matched_by_what_its_intent_will_carry(client, sandbox):
    """The metadata of payment_intent_data and setup_intent_data count as its own."""
    line = {
        "price_data": {"currency": "usd", "unit_amount": 900, "product_data": {"name": "Tea"}},
        "quantity": 1,
    }
    asked = {"mode": "payment", "success_url": "https://x.test", "line_items": [line]}
    mine = {**asked, "payment_intent_data": {"metadata": {"payment": "pay_1"}}}
    sandbox.fault("500_after", metadata={"payment": "pay_1"})
    create = client.v1.checkout.sessions.create
    create(asked)
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            create(mine, {"idempotency_key": "lost"})
    assert len(client.v1.checkout.sessions.list().data) == 2
