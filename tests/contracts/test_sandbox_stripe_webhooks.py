"""The sandbox's webhooks: signed as Stripe's are, and late, twice or out of order when a test wants it."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import stripe

SECRET = "whsec_contract"


class Inbox:
    """An endpoint that checks the signature with stripe-python, keeps what it took, and may be told to fail."""

    def __init__(self) -> None:
        self.events: list[stripe.Event] = []
        self.failures = 0
        self.tolerance: int | None = stripe.Webhook.DEFAULT_TOLERANCE
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(inbox.take(body, self.headers["Stripe-Signature"]))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def take(self, body: bytes, signature: str) -> int:
        if self.failures:
            self.failures -= 1
            return 500
        self.events.append(stripe.Webhook.construct_event(body, signature, SECRET, tolerance=self.tolerance))
        return 200

    @property
    def types(self) -> list[str]:
        return [event.type for event in self.events]


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    inbox = Inbox()
    yield inbox
    inbox.server.shutdown()
    inbox.server.server_close()


def pay(client: stripe.StripeClient, **more):
    params = {"amount": 2500, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True}
    return client.v1.payment_intents.create({**params, "off_session": True, **more})


PAID = ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]


def test_events_arrive_signed_and_in_order(client, sandbox, inbox):
    """An endpoint on auto hears at once; `deliver` waits until it has."""
    sandbox.listen(inbox.url, SECRET)
    intent = pay(client)
    sandbox.deliver()

    assert inbox.types == PAID
    last = inbox.events[-1]
    assert (last.data.object.id, last.data.object.status) == (intent.id, "succeeded")
    assert (last.livemode, last.pending_webhooks, last.api_version) == (False, 1, "2026-09-30.endive")
    assert last.request.id == intent.last_response.headers["Request-Id"]
    assert client.v1.events.retrieve(last.id).to_dict() == last.to_dict()


def test_an_event_shows_the_object_as_it_was(client, sandbox, inbox):
    """What happened later does not change it."""
    sandbox.listen(inbox.url, SECRET, "payment_intent.created", mode="hold")
    pay(client)
    sandbox.deliver()
    assert [event.data.object.status for event in inbox.events] == ["requires_confirmation"]


def test_an_endpoint_hears_only_what_it_asked_for(client, sandbox, inbox):
    """enabled_events filters."""
    sandbox.listen(inbox.url, SECRET, "customer.created", "refund.created", "charge.refunded")
    client.v1.refunds.create({"payment_intent": pay(client).id})
    client.v1.customers.create({})
    sandbox.deliver()
    assert inbox.types == ["refund.created", "charge.refunded", "customer.created"]


def test_held_events_are_delivered_late_twice_and_in_any_order(client, sandbox, inbox):
    """The order is the one asked for; a seed gives the same shuffle again."""
    sandbox.listen(inbox.url, SECRET, mode="hold")
    pay(client)
    assert (inbox.types, [each["type"] for each in sandbox.pending()["pending"]]) == ([], PAID)
    assert sandbox.deliver("reverse") == {"events": 3, "delivered": 3, "failed": 0}
    assert inbox.types == PAID[::-1]

    shuffles = []
    for _ in range(2):
        inbox.events.clear()
        pay(client)
        assert sandbox.deliver("shuffle", times=2, seed=7)["delivered"] == 6
        shuffles.append(inbox.types)
    assert shuffles[0] == shuffles[1]
    assert sorted(shuffles[0]) == sorted(PAID * 2)
    assert sandbox.pending()["count"] == 0


def test_what_failed_is_sent_again_as_the_clock_goes_on(client, sandbox, inbox):
    """The first time after seconds, then later and later; `deliver` does not wait."""
    inbox.tolerance = None
    sandbox.it_is("2026-03-01T06:00:00Z")
    sandbox.listen(inbox.url, SECRET, "customer.created")
    inbox.failures = 2
    client.v1.customers.create({})
    wait_for(lambda: sandbox.pending()["count"] == 1)
    sandbox.it_is("2026-03-01T06:00:05Z")
    wait_for(lambda: sandbox.pending()["pending"][:1] and sandbox.pending()["pending"][0]["attempts"] == 2)
    assert inbox.types == []

    sandbox.deliver()
    assert inbox.types == ["customer.created"]


def test_the_signature_carries_the_server_s_clock(client, sandbox, inbox):
    """So an event signed long ago is refused by a receiver with a tolerance."""
    sandbox.it_is("2026-03-01")
    sandbox.listen(inbox.url, SECRET, mode="hold")
    client.v1.customers.create({})
    assert sandbox.deliver() == {"events": 1, "delivered": 0, "failed": 1}
    inbox.tolerance = None
    assert sandbox.deliver()["delivered"] == 1


def test_events_of_connected_accounts_name_their_account(client, sandbox, inbox):
    """`connect` chooses between the platform's events and those of the accounts connected to it."""
    sandbox.listen(inbox.url, SECRET, connect=True)
    client.v1.customers.create({})
    client.v1.customers.create({}, {"stripe_account": "acct_1roastery"})
    sandbox.deliver()
    assert [event.account for event in inbox.events] == ["acct_1roastery"]


def wait_for(condition) -> None:
    for _ in range(500):
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it did not happen")
