"""A local Stripe of a module's own, who asks it (our adapter, or stripe-python as it is), and the hand that makes it fail."""

from collections.abc import Iterator

import pytest
import stripe

from chalicelib.adapters.stripe import StripeGateway
from sandbox.stripe.remote import Remote
from sandbox.stripe.server import StripeServer


@pytest.fixture(scope="module")
def server() -> Iterator[StripeServer]:
    with StripeServer() as server:
        yield server


@pytest.fixture
def sandbox(server: StripeServer) -> Remote:
    """Its controls, with nothing in it yet."""
    remote = Remote(server.url)
    remote.reset()
    return remote


@pytest.fixture
def client(server: StripeServer, sandbox: Remote) -> stripe.StripeClient:
    return stripe.StripeClient("sk_test_contract", base_addresses={"api": server.url}, max_network_retries=0)


@pytest.fixture
def ada(client: stripe.StripeClient) -> str:
    """A customer, by their id."""
    return client.v1.customers.create({"email": "ada@example.com", "name": "Ada"}).id


@pytest.fixture
def gateway(server: StripeServer) -> StripeGateway:
    return StripeGateway("sk_test_local", server.url, read_seconds=0.4)


@pytest.fixture
def control(server: StripeServer) -> Iterator[Remote]:
    remote = Remote(server.url)
    yield remote
    remote.recover()
