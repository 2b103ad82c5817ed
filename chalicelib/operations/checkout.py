"""A buyer pays on Stripe's page, or confirms a payment on their bank's."""

from collections.abc import Sequence

from chalicelib.billing.payments import Payment
from chalicelib.service import Service


def pay(service: Service, account: str, invoices: Sequence[str], *, back_url: str, save: bool = False) -> str:
    """The address of Stripe's page on which these invoices (ids) of one subscription are paid at once.

    `save` keeps the method and charges the subscription on it from then on. Raises NotFound, WrongState, Unavailable.
    """
    raise NotImplementedError


def confirm(service: Service, account: str, payment: str, *, back_url: str) -> str | None:
    """The address of the bank's page on which its buyer confirms a payment, None where it has its end. Raises WrongState, Unavailable."""
    raise NotImplementedError


def refresh(service: Service, account: str, payment: str) -> Payment:
    """A payment as Stripe knows it now: its buyer is waiting. Where Stripe does not answer, as it was."""
    raise NotImplementedError
