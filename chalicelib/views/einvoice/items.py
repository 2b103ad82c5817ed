"""The lines of an invoice without the tax inside them, and its coupons as allowances: in whatever way it was priced, it adds up.

What was charged for a line came down in steps: its price, less each discount of its own (BG-27), less each coupon (BG-20).
Each step without tax is rounded by itself and none is above the one before; the last one is what was taxed. What a step
takes off is the difference of two of them, so that every sum of the document is exact by what it is made of.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Final

from chalicelib.billing import pricing
from chalicelib.billing.currencies import EXPONENTS
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.lines import Share
from chalicelib.billing.money import EXACT, Money, half_up, rounded
from chalicelib.billing.pricing import Model
from chalicelib.billing.rating import InvoiceLine
from chalicelib.views import document_rows
from chalicelib.views.einvoice import rates, texts
from chalicelib.views.einvoice.model import Allowance, Item, Vat
from chalicelib.views.reading import Reader

MOST_DECIMALS: Final = 6
"""Of a price: EN 16931 has no limit, some countries' rules do."""
NAMELESS: Final = "–"
"""A name of which nothing may stand in XML."""


def of_invoice(
    invoice: Invoice, vats: Sequence[Vat], reader: Reader
) -> tuple[tuple[Item, ...], tuple[Allowance, ...]]:
    """BG-25 and BG-20; `vats` are the lines'."""
    inside = {tax.tax for tax in invoice.taxes if tax.inclusive}
    steps = [_steps(line, vat, inside) for line, vat in zip(invoice.lines, vats, strict=True)]
    made = tuple(
        _item(line, vat, some, reader, inclusive=any(share.tax in inside for share in line.taxes))
        for line, vat, some in zip(invoice.lines, vats, steps, strict=True)
    )
    return made, tuple(_coupons(invoice, vats, steps))


def _steps(line: InvoiceLine, vat: Vat, inside: set[str]) -> list[int]:
    """What the line comes to without tax: at its price, after each of its discounts, and after each coupon."""
    included = sum(share.amount.amount for share in line.taxes if share.tax in inside)
    gross = [*_priced(line), *_after_coupons(line)]
    if not any(share.tax in inside for share in line.taxes):
        return gross
    numerator, denominator = vat.percent.as_integer_ratio()
    over = 100 * denominator + numerator
    steps = [gross[-1] - included]
    for amount in reversed(gross[:-1]):
        steps.append(max(steps[-1], half_up(amount * 100 * denominator, over)))
    return steps[::-1]


def _priced(line: InvoiceLine) -> list[int]:
    """Its price, and what is left after each discount of its own, each rounded; the last is its amount."""
    price = pricing.price(line.model, line.unit_amount, line.tiers, line.quantity)
    exact = [price]
    for discount in line.discounts:
        exact.append(discount.taken(exact[-1], line.quantity))
    return [_shared(one, line.share) for one in exact]


def _shared(exact: Decimal, share: Share | None) -> int:
    if share is None:
        return rounded(exact)
    return rounded(EXACT.multiply(exact, Decimal(share.days)), share.of_days)


def _after_coupons(line: InvoiceLine) -> Iterator[int]:
    left = line.amount.amount
    for part in line.off:
        left -= part.amount
        yield left


def _item(line: InvoiceLine, vat: Vat, steps: Sequence[int], reader: Reader, *, inclusive: bool) -> Item:
    own = steps[: len(line.discounts) + 1]
    currency = line.amount.currency
    item = Item(
        name=texts.line(line.name) or NAMELESS,
        quantity=line.quantity,
        price=Money(own[0], currency).major(),
        per=line.quantity,
        amount=own[-1],
        vat=vat,
        description=texts.lines(line.description),
        note="; ".join(document_rows.notes(reader, line)),
        product=texts.line(line.product or ""),
        allowances=tuple(_own_allowances(line, own, reader)),
        days=included(line.share.start_on, line.share.end_on) if line.share and line.share.days else None,
    )
    if inclusive or line.share or line.model not in (None, Model.FLAT):
        return item
    return _plainly(item, line.unit_amount, currency)


def _plainly(item: Item, unit_amount: Decimal, currency: str) -> Item:
    """A price for one, with all its decimals; for a power of ten where those are too many."""
    price = EXACT.scaleb(unit_amount, Decimal(-EXPONENTS[currency]))
    exponent = price.normalize().as_tuple().exponent
    more = max(0, -int(exponent) - MOST_DECIMALS)
    return replace(item, price=EXACT.scaleb(price, Decimal(more)), per=Decimal(10) ** more)


def _own_allowances(line: InvoiceLine, steps: Sequence[int], reader: Reader) -> Iterator[Allowance]:
    currency = line.amount.currency
    for discount, (before, after) in zip(line.discounts, pairwise(steps), strict=True):
        if before > after:
            yield Allowance(amount=before - after, reason=document_rows.less(reader, discount, currency))


def _coupons(invoice: Invoice, vats: Sequence[Vat], steps: Sequence[Sequence[int]]) -> Iterator[Allowance]:
    """What each coupon takes off the lines of each rate."""
    for n, discount in enumerate(invoice.discounts):
        for vat in rates.in_order(vats):
            amount = 0
            for line, of_line, some in zip(invoice.lines, vats, steps, strict=True):
                if of_line == vat and line.off:
                    at = len(line.discounts) + n
                    amount += some[at] - some[at + 1]
            if amount:
                yield Allowance(amount=amount, reason=texts.line(discount.name), vat=vat)


def included(start_on: date, end_on: date) -> tuple[date, date]:
    """The first and the last day of a span whose end is not its own; one of no days is its first."""
    return start_on, max(start_on, end_on - timedelta(days=1))
