"""A buyer, or a bank, asks for the money of a payment back: a chargeback of a card, a late return of a bank debit."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.billing.money import Money


class DisputeStatus(StrEnum):
    """Stripe's statuses of a dispute."""

    WARNING_NEEDS_RESPONSE = "warning_needs_response"
    WARNING_UNDER_REVIEW = "warning_under_review"
    WARNING_CLOSED = "warning_closed"
    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    WON = "won"
    LOST = "lost"
    PREVENTED = "prevented"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """Named by Stripe's id. `amount` is what is asked for back; `withdrawn` what Stripe has taken of it so far, and `fee`.

    `returned` where it is a bank debit that came back: what it paid is owed again.
    """

    account: str
    id: str
    payment: str
    contact: str
    subscription: str
    amount: Money
    reason: str
    status: DisputeStatus
    created_at: datetime
    withdrawn: Money
    fee: Money
    evidence_due_at: datetime | None = None
    returned: bool = False
    closed_at: datetime | None = None
    version: int = 0

    wake = None
