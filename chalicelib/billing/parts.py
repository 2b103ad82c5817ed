"""An amount credited of an invoice, its tax within: shared over the lines by what each has left, to the cent.

Not every sum of a price and its tax can be reached: with 19 % on top, 1.19 and 1.21 can, 1.20 cannot. What is missing
then, a cent or two, is added to the tax, which so lies between that of one cent less and of one cent more of the price;
the next credit of the line sets it right, as it takes what the whole credited so far should carry.
"""

from collections.abc import Sequence

from chalicelib.billing.credits import CreditLine, CreditNote, left, taxes_of, whole_of
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.money import Money
from chalicelib.billing.rating import TaxShare


def creditable(invoice: Invoice, notes: Sequence[CreditNote]) -> Money:
    """What is left of an invoice, taxes and all, after its notes."""
    inside = _inside(invoice)
    return Money(sum(whole_of(line, inside) for line in left(invoice, notes)), invoice.currency)


def of_amount(invoice: Invoice, notes: Sequence[CreditNote], amount: Money) -> tuple[CreditLine, ...]:
    """The lines of a credit note of exactly an amount, above zero and at most what is creditable."""
    rest = left(invoice, notes)
    if amount == creditable(invoice, notes):
        return tuple(line for line in rest if line.amount)
    inside = _inside(invoice)
    having = [line for line in rest if line.amount.amount > 0]
    shares = shared(amount.amount, [whole_of(line, inside) for line in having])
    parts = (_of_line(invoice, line, share, inside) for line, share in zip(having, shares, strict=True))
    return tuple(part for part in parts if whole_of(part, inside))


def shared(amount: int, weights: Sequence[int]) -> list[int]:
    """An amount in parts as large as weights, by largest remainder; none is larger than its weight if all are not."""
    total = sum(weights)
    parts = [amount * weight // total for weight in weights]
    most = sorted(range(len(weights)), key=lambda n: (-(amount * weights[n] % total), n))
    for n in most[: amount - sum(parts)]:
        parts[n] += 1
    return parts


def _of_line(invoice: Invoice, rest: CreditLine, share: int, inside: set[str]) -> CreditLine:
    """A part of what a line has left that is a share of minor units, taxes on top and all."""
    currency, step = invoice.currency, 1 << max(0, rest.amount.amount.bit_length() - 1)
    amount = 0
    while step:
        more = min(amount + step, rest.amount.amount)
        if whole_of(_part(invoice, rest, more), inside) <= share:
            amount = more
        step >>= 1
    part = _part(invoice, rest, amount)
    missing = share - whole_of(part, inside)
    if not missing:
        return part
    ceiling = taxes_of(invoice, rest, amount + 1)
    taxes = []
    for tax, most in zip(part.taxes, ceiling, strict=True):
        more = 0 if tax.tax in inside else min(missing, max(0, most.amount.amount - tax.amount.amount))
        missing -= more
        taxes.append(TaxShare(tax=tax.tax, amount=tax.amount + Money(more, currency)))
    return CreditLine(line=part.line, name=part.name, amount=part.amount, taxes=tuple(taxes))


def _part(invoice: Invoice, rest: CreditLine, amount: int) -> CreditLine:
    taxes = taxes_of(invoice, rest, amount)
    return CreditLine(line=rest.line, name=rest.name, amount=Money(amount, invoice.currency), taxes=taxes)


def _inside(invoice: Invoice) -> set[str]:
    return {tax.tax for tax in invoice.taxes if tax.inclusive}
