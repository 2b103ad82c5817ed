"""People who buy, and the payment methods they saved."""

from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A person; `customer` is the Stripe customer, made with the first payment method."""

    account: str
    id: str
    name: str
    email: str
    created_at: datetime
    customer: str | None = None
    version: int = 0

    wake = None

    def known_as(self, customer: str) -> "Contact":
        """The gateway has a customer for this person."""
        return replace(self, customer=customer)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentMethod:
    """A method saved at the gateway; `id` is the gateway's, `label` as a person reads it ("Visa •••• 4242")."""

    account: str
    id: str
    contact: str
    customer: str
    type: str
    label: str
    created_at: datetime
    exp_month: int | None = None
    exp_year: int | None = None
    version: int = 0

    wake = None
