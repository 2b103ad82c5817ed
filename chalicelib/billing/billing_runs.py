"""What each day's run of an account issued."""

from dataclasses import dataclass
from datetime import date, datetime

from chalicelib.billing.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingRun:
    """The invoices issued on a local day, by consecutive numbers; what became of them is theirs to tell."""

    account: str
    id: str
    on: date
    created_at: datetime
    first_number: str
    last_number: str
    issued: int
    totals: tuple[Money, ...]
    version: int = 0

    wake = None


def name_of(on: date) -> str:
    """The name of a local day's run."""
    return f"run_{on:%Y%m%d}"
