"""A buyer, or a bank, asks for the money of a payment back: a chargeback of a card, a late return of a bank debit."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from chalicelib.billing.collection import DEBITS
from chalicelib.billing.gateway import DisputeTold
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


CLOSED: Final = frozenset(
    {DisputeStatus.WON, DisputeStatus.LOST, DisputeStatus.WARNING_CLOSED, DisputeStatus.PREVENTED}
)
FOUGHT: Final = frozenset({DisputeStatus.NEEDS_RESPONSE, DisputeStatus.UNDER_REVIEW})
"""While it is one of these Stripe refuses a refund: the bank has the money. An inquiry is best answered by one."""

REFUSED_FOR_GOOD: Final = frozenset(
    {"debit_not_authorized", "incorrect_account_details", "bank_cannot_process"}
)
"""Reasons of a debit that came back for which the same account is not asked again (Stripe: Dispute.reason)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """Named by Stripe's id. `amount` is what is asked for back; `withdrawn` what Stripe has taken of it so far, and `fee`.

    These two are in the currency Stripe pays out in. `returned` where it is a bank debit that came back: what it paid is owed again.
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

    @property
    def lost(self) -> bool:
        """Whether the money will not come back."""
        return self.status is DisputeStatus.LOST

    @property
    def held(self) -> Money:
        """What is not there of the payment's money, in its own currency: held back, or lost."""
        if self.withdrawn.currency == self.amount.currency:
            return self.withdrawn
        return self.amount if self.withdrawn else Money.zero(self.amount.currency)

    def told(self, told: DisputeTold, now: datetime) -> "Dispute":
        """As Stripe tells of it, at a moment of the account's clock."""
        status = DisputeStatus(told.status)
        return replace(
            self,
            amount=told.amount,
            reason=told.reason,
            status=status,
            withdrawn=told.withdrawn,
            fee=told.fee,
            evidence_due_at=told.evidence_due_at,
            closed_at=(self.closed_at or now) if status in CLOSED else None,
        )


def comes_back(told: DisputeTold) -> bool:
    """Whether it is a bank debit that came back: its bank asks nobody, and nothing is won."""
    return told.type in DEBITS and told.status == DisputeStatus.LOST
