"""A local Stripe of a module's own, the adapter that asks it, and the hand that makes it fail."""

from collections.abc import Iterator

import pytest

from chalicelib.adapters.stripe import StripeGateway
from sandbox.stripe.remote import Remote
from sandbox.stripe.server import StripeServer


@pytest.fixture(scope="module")
def shared_stripe() -> Iterator[StripeServer]:
    with StripeServer() as server:
        yield server


@pytest.fixture
def gateway(shared_stripe: StripeServer) -> StripeGateway:
    return StripeGateway("sk_test_local", shared_stripe.url, read_seconds=0.4)


@pytest.fixture
def control(shared_stripe: StripeServer) -> Iterator[Remote]:
    remote = Remote(shared_stripe.url)
    yield remote
    remote.recover()
