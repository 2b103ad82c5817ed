"""End the open payments of invoices at the gateway, so that another may open: at most one holds an invoice."""

from collections.abc import Sequence

from chalicelib.service import Service


def invoices(service: Service, account: str, names: Sequence[str]) -> None:
    """See that no payment holds these invoices (ids): what is open is called off, or its success is applied.

    Raises WrongState `payment_under_way` where a worker asks about one at this moment or its end is unknown,
    `payment_processing` where a bank is at it, and Unavailable.
    """
    raise NotImplementedError
