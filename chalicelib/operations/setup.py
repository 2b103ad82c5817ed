"""A buyer leaves a payment method on Stripe's page, and their subscription is charged on it."""

from chalicelib.billing.setups import Setup
from chalicelib.service import Service


def method(service: Service, account: str, subscription: str, *, back_url: str) -> str:
    """The address of Stripe's page on which another method is left for a subscription. Raises NotFound, WrongState, Unavailable."""
    raise NotImplementedError


def refresh(service: Service, account: str, id_: str) -> Setup:
    """A setup as Stripe knows it now: its buyer is waiting. Where Stripe does not answer, as it was."""
    raise NotImplementedError
