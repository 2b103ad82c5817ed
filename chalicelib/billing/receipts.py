"""Money that came another way than through the gateway, and which invoices it pays."""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import Final

from chalicelib.billing.errors import Invalid
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.issuing import applicable
from chalicelib.billing.money import Money
from chalicelib.billing.payments import Allocation

MOST_REFERENCE: Final = 140
MOST_NOTE: Final = 500
EARLIEST: Final = date(2000, 1, 1)


class HandType(StrEnum):
    """How money came."""

    BANK_TRANSFER = "bank_transfer"
    CHECK = "check"
    CASH = "cash"
    OTHER = "other"


LABELS: Final = {
    HandType.BANK_TRANSFER: "Bank transfer",
    HandType.CHECK: "Check",
    HandType.CASH: "Cash",
    HandType.OTHER: "Other",
}


def allocated(amount: Money, owed: Sequence[Invoice]) -> tuple[Allocation, ...]:
    """What pays which of the invoices, in their order, as far as it goes.

    Of one that is charged automatically so much is left open that the rest can be charged, or nothing: what is
    beyond is the customer's, and pays the rest with what comes next.
    """
    left, parts = amount, []
    for invoice in owed:
        due = invoice.amount_due
        part = min(left, due) if invoice.due_on is not None else applicable(left, due)
        if part:
            parts.append(Allocation(invoice=invoice.id, amount=part))
            left -= part
    return tuple(parts)


def oldest_first(invoice: Invoice) -> tuple[date, str]:
    """The order in which what a customer owes is paid: what is due first, then what was issued first."""
    return invoice.due_on or invoice.issued_at.date(), invoice.position


def check(amount: Money, received_on: date, today: date, *, reference: str, note: str) -> None:
    """Refuse what nobody can have received. Raises Invalid."""
    if amount.amount <= 0:
        raise Invalid("amount_out_of_range", "Send an amount above zero.", "amount.amount")
    if not EARLIEST <= received_on <= today:
        detail = f"Send the day it came, at the latest today, {today}."
        raise Invalid("received_on_out_of_range", detail, "received_on")
    if len(reference) > MOST_REFERENCE:
        raise Invalid("text_too_long", f"At most {MOST_REFERENCE} characters.", "reference")
    if len(note) > MOST_NOTE:
        raise Invalid("text_too_long", f"At most {MOST_NOTE} characters.", "note")
