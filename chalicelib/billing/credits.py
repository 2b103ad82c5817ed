"""What is given back: credit notes that reverse invoices to the cent, and what a customer has to their credit.

A credit note first takes off what its invoice still owes, down to nothing or to what can be charged; what is beyond,
and all of it while a payment is open, goes to the customer's balance, which the next invoices are paid from. A line, and each tax on it, is credited in the sum exactly what it was charged: the tax
of a part is what the whole credited so far should carry, less what it carries already.

Of every invoice, at any moment: total - its notes' totals = paid + applied - its notes' `to_balance` + open. What was
charged and not taken back is what the customer put in, less what went back to their balance, and what is still open
(owed where it is open, lost where it is uncollectible, reversed where it is void).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from chalicelib.billing.errors import Invalid, WrongState
from chalicelib.billing.invoices import Invoice, InvoiceStatus
from chalicelib.billing.issuing import applicable
from chalicelib.billing.lines import Share
from chalicelib.billing.money import Money, rounded
from chalicelib.billing.numbering import position
from chalicelib.billing.rating import InvoiceLine, TaxShare

MAX_REASON: Final = 500


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
    """`total` is the sum of its lines and the taxes on top: `to_invoice` took off what was owed, `to_balance` is the customer's.

    `issued_on` is the account's local day: what is not earned as it begins is taken from what is deferred.
    """

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
    issued_on: date
    reason: str = ""
    version: int = 0

    wake = None

    @property
    def position(self) -> str:
        """Where it stands among the account's credit notes."""
        return position(self.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be credited of an invoice's line, by its index: an `amount` as it was charged, inclusive tax inside.

    None is all that is left. With a `share` it is the unused days of the line's period: what was charged times
    days / of_days, rounded once, and at most what is left.
    """

    line: int
    amount: Money | None = None
    share: Share | None = None


def credited(
    invoice: Invoice,
    notes: Sequence[CreditNote],
    wanted: Sequence[Wanted],
    *,
    number: str,
    now: datetime,
    day: date,
    reason: str = "",
    refunding: bool = False,
) -> CreditNote:
    """The invoice's next credit note; `notes` are all it has so far. A `refunding` one leaves what is owed as it is.

    Raises Invalid, its param `lines[n]` for the n-th wanted, and WrongState: `invoice_not_creditable`, or
    `nothing_to_credit` where the note would be of nothing.
    """
    check_creditable(invoice)
    _check(invoice, wanted, reason)
    rest = left(invoice, notes)
    parts = [_part(invoice, rest[one.line], one, f"lines[{n}]") for n, one in enumerate(wanted)]
    lines = tuple(part for part in parts if part.amount)
    if not lines:
        detail = f"All that these lines of {invoice.id} had to credit has been; choose others."
        raise WrongState("nothing_to_credit", detail, "lines")
    return noted(
        invoice, lines, len(notes) + 1, number=number, now=now, day=day, reason=reason, refunding=refunding
    )


def noted(
    invoice: Invoice,
    lines: tuple[CreditLine, ...],
    ordinal: int,
    *,
    number: str,
    now: datetime,
    day: date,
    reason: str = "",
    refunding: bool = False,
) -> CreditNote:
    """The invoice's credit note of lines as they are; where it is `refunding`, nothing is taken off what is still owed."""
    inside = {tax.tax for tax in invoice.taxes if tax.inclusive}
    total = Money(sum(whole_of(line, inside) for line in lines), invoice.currency)
    free = invoice.payment is None and not refunding
    to_invoice = applicable(total, invoice.amount_due if free else Money.zero(invoice.currency))
    return CreditNote(
        account=invoice.account,
        id=name_of(invoice.id, ordinal),
        invoice=invoice.id,
        subscription=invoice.subscription,
        contact=invoice.contact,
        number=number,
        currency=invoice.currency,
        lines=lines,
        total=total,
        to_invoice=to_invoice,
        to_balance=total - to_invoice,
        issued_at=now,
        issued_on=day,
        reason=reason,
    )


def check_creditable(invoice: Invoice) -> None:
    """Refuse an invoice of which nothing is credited."""
    if invoice.status not in (InvoiceStatus.OPEN, InvoiceStatus.PAID):
        detail = f"{invoice.id} is {invoice.status}; only an open or a paid invoice is credited."
        raise WrongState("invoice_not_creditable", detail)


def _check(invoice: Invoice, wanted: Sequence[Wanted], reason: str) -> None:
    check_reason(reason)
    last = len(invoice.lines) - 1
    for n, one in enumerate(wanted):
        if not 0 <= one.line <= last:
            detail = f"{invoice.id} has the lines 0 to {last}."
            raise Invalid("no_such_line", detail, f"lines[{n}].line")
        if any(other.line == one.line for other in wanted[:n]):
            raise Invalid("line_twice", "Credit each line once, with the sum.", f"lines[{n}].line")


def check_reason(reason: str) -> None:
    """Refuse a reason that is no short text."""
    if len(reason) > MAX_REASON:
        raise Invalid("reason_too_long", f"A reason has at most {MAX_REASON} characters.", "reason")


def _part(invoice: Invoice, rest: CreditLine, wanted: Wanted, param: str) -> CreditLine:
    """What is credited of a line that has `rest` left."""
    amount = _amount(invoice.lines[rest.line].charged.amount, rest, wanted, param)
    taxes = taxes_of(invoice, rest, amount.amount) if amount else ()
    return CreditLine(line=rest.line, name=rest.name, amount=amount, taxes=taxes, share=wanted.share)


def taxes_of(invoice: Invoice, rest: CreditLine, amount: int) -> tuple[TaxShare, ...]:
    """The taxes that come with an amount (minor units) of a line that has `rest` left."""
    charged = invoice.lines[rest.line].charged.amount
    after = charged - rest.amount.amount + amount
    return tuple(
        _tax(whole, tax.amount, after, charged)
        for whole, tax in zip(invoice.lines[rest.line].taxes, rest.taxes, strict=True)
    )


def _tax(whole: TaxShare, rest: Money, credited: int, charged: int) -> TaxShare:
    """The tax that makes what is credited of a line carry its part of the whole tax."""
    carried = whole.amount - rest
    should = Money(rounded(Decimal(whole.amount.amount * credited), charged), rest.currency)
    return TaxShare(tax=whole.tax, amount=should - carried)


def _amount(charged: int, rest: CreditLine, wanted: Wanted, param: str) -> Money:
    if wanted.share is not None:
        share = wanted.share
        if not 0 <= share.days <= share.of_days or not share.of_days:
            raise Invalid("share_out_of_range", "Days are from 0 to those of the period.", f"{param}.share")
        part = rounded(Decimal(charged * share.days), share.of_days)
        return min(Money(part, rest.amount.currency), rest.amount)
    if wanted.amount is None:
        return rest.amount
    if wanted.amount.currency != rest.amount.currency:
        detail = f"The invoice is in {rest.amount.currency}; credit it in that."
        raise Invalid("currency_mismatch", detail, f"{param}.amount.currency")
    if not 0 < wanted.amount.amount <= rest.amount.amount:
        detail = f"Of this line {rest.amount} can be credited; send an amount above 0 and at most that."
        raise Invalid("credit_out_of_range", detail, f"{param}.amount")
    return wanted.amount


def whole_of(line: CreditLine, inside: set[str]) -> int:
    """A line with the taxes on top of it, in minor units."""
    return line.amount.amount + sum(tax.amount.amount for tax in line.taxes if tax.tax not in inside)


def left(invoice: Invoice, notes: Sequence[CreditNote]) -> tuple[CreditLine, ...]:
    """What each line of an invoice, and each of its taxes, still has to credit after its `notes`."""
    return tuple(_left(line, n, notes) for n, line in enumerate(invoice.lines))


def _left(line: InvoiceLine, n: int, notes: Sequence[CreditNote]) -> CreditLine:
    amount = line.charged
    taxes = {share.tax: share.amount for share in line.taxes}
    for before in _of_line(n, notes):
        amount -= before.amount
        for share in before.taxes:
            taxes[share.tax] -= share.amount
    return CreditLine(
        line=n,
        name=line.name,
        amount=amount,
        taxes=tuple(TaxShare(tax=tax, amount=rest) for tax, rest in taxes.items()),
    )


def _of_line(n: int, notes: Sequence[CreditNote]) -> Iterator[CreditLine]:
    return (line for note in notes for line in note.lines if line.line == n)


def whole(invoice: Invoice, notes: Sequence[CreditNote]) -> tuple[Wanted, ...]:
    """All that is left of an invoice."""
    return tuple(Wanted(line=line.line) for line in left(invoice, notes) if line.amount)


def name_of(invoice: str, ordinal: int) -> str:
    """The name of an invoice's credit note by its ordinal, 1 the first."""
    return f"cn_{invoice.removeprefix('inv_')}_{ordinal}"
