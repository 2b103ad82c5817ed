"""What is given back: credit notes that reverse invoices to the cent, and what a customer has to their credit.

A credit note first takes off what its invoice still owes; what is beyond goes to the customer's balance, which the
next invoices are paid from. A line, and each tax on it, is credited in the sum exactly what it was charged: the tax
of a part is what the whole credited so far should carry, less what it carries already.
"""

from dataclasses import dataclass
from datetime import datetime

from chalicelib.billing.lines import Share
from chalicelib.billing.money import Money
from chalicelib.billing.rating import TaxShare


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditLine:
    """What is credited of an invoice's line, by its index: `amount` as it was charged, `taxes` on top of it or inside.

    `share` is set where it is the unused days of the line's period.
    """

    line: int
    name: str
    amount: Money
    taxes: tuple[TaxShare, ...] = ()
    share: Share | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditNote:
    """`total` is the sum of its lines and the taxes on top: `to_invoice` took off what was owed, `to_balance` is the customer's."""

    account: str
    id: str
    invoice: str
    subscription: str
    contact: str
    number: str
    currency: str
    lines: tuple[CreditLine, ...]
    total: Money
    to_invoice: Money
    to_balance: Money
    issued_at: datetime
    reason: str = ""
    version: int = 0

    wake = None


def name_of(invoice: str, ordinal: int) -> str:
    """The name of an invoice's credit note by its ordinal, 1 the first."""
    return f"cn_{invoice.removeprefix('inv_')}_{ordinal}"
