"""What Perennial asks of a payment gateway, and what it may be told.

A refusal is a value, not an exception: it is an ordinary day. The one exception, `Unavailable`, says
that the gateway surely did not take the request: it could not be reached, or turned it away unread.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chalicelib.billing.automatic_tax import TaxAnswer, TaxQuestion
from chalicelib.billing.errors import PerennialError
from chalicelib.billing.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Everything a charge says to the gateway, frozen before it is sent: repeated, it is the same to the letter."""

    amount: Money
    customer: str
    method: str
    description: str
    metadata: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Succeeded:
    """The money was taken. `fee` and `net` are of the balance transaction, None until it is known."""

    reference: str
    fee: Money | None = None
    net: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Declined:
    """The money was refused; after a hard refusal the same method must not be asked again."""

    code: str
    hard: bool
    reference: str | None = None
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRequired:
    """The buyer must confirm it, as 3-D Secure asks."""

    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Processing:
    """Submitted; a bank debit takes days to succeed or fail."""

    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Canceled:
    """Called off at the gateway: no money will move."""

    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """No answer that can be trusted came: the money may have been taken."""

    reason: str


Outcome = Succeeded | Declined | ActionRequired | Processing | Canceled | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedMethod:
    """A payment method attached to a customer, as the gateway describes it."""

    id: str
    customer: str
    type: str
    label: str
    exp_month: int | None = None
    exp_year: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Money given back."""

    reference: str
    amount: Money
    status: str


class Unavailable(PerennialError):
    """The gateway did not take the request: unreachable, misconfigured, or over its rate."""

    def __init__(self, detail: str) -> None:
        super().__init__("gateway_unavailable", detail)


class Refused(PerennialError):
    """The gateway found the request itself wrong: asking again the same way cannot help."""


class Gateway(Protocol):
    """Thread-safe: charges are asked for side by side."""

    def charge(self, key: str, request: Request) -> Outcome:
        """Ask for money off session, under an idempotency key kept for at least 24 hours.

        A request the gateway finds wrong (no such customer, an amount too small) is a decline: nothing was taken.
        """

    def find(self, request: Request, since: datetime) -> Outcome | None:
        """What became of a request, found by its metadata among the customer's payments since a moment. Raises Refused."""

    def fetch(self, reference: str) -> Outcome:
        """The state of a payment now. Raises Refused where there is none."""

    def cancel(self, reference: str) -> Outcome:
        """Call a payment off, or learn that it is too late to."""

    def customer(self, key: str, *, name: str, email: str, metadata: dict[str, str]) -> str:
        """Create a customer; the same key gives the same one."""

    def attach(self, method: str, customer: str) -> SavedMethod:
        """Save a payment method for off-session charges. Raises Refused."""

    def refund(self, key: str, reference: str, amount: Money, metadata: dict[str, str]) -> Refund:
        """Give money back, in whole or in part."""

    def tax(self, question: TaxQuestion) -> TaxAnswer:
        """Ask for the taxes of an invoice's lines; nothing is owed by asking. Raises Unavailable, Refused or Invalid."""
