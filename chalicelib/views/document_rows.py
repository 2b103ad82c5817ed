"""The rows of a document and the sums under them, in its reader's words."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from chalicelib.billing import pricing
from chalicelib.billing.credits import CreditLine, CreditNote
from chalicelib.billing.discounts import UnitDiscount
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.lines import Share
from chalicelib.billing.money import Money
from chalicelib.billing.periods import Period
from chalicelib.billing.pricing import Model, Step
from chalicelib.billing.rating import InvoiceLine, InvoiceTax, TaxShare
from chalicelib.views import formats
from chalicelib.views.reading import Reader

Row = dict[str, Any]

MOST_LINES: Final = 20
"""Of a description."""
# Han, kana and hangul are broken anywhere by themselves.
_LONG: Final = re.compile("[^\\s\u2e80-\uffef]{21,}")
_PLACES: Final = re.compile(r"[^/@._-]{1,8}[/@._-]*(?=.)")


def own(reader: Reader, text: str) -> str:
    """Words that are not ours: on one line, harmless, and running as they do."""
    return breakable(reader.isolated(formats.name(text)))


def breakable(text: str) -> str:
    """A word that is too long for a line may go on in the next one: behind a sign, or anywhere."""
    return _LONG.sub(lambda word: _PLACES.sub("\\g<0>\u200b", word[0]), text)


def lines_of(reader: Reader, text: str) -> list[str]:
    """The lines of a text that is not ours, without empty ones."""
    return [own(reader, line) for line in text.splitlines() if line.strip()]


def whole(reader: Reader, n: int) -> str:
    """A count."""
    return reader.quantity(Decimal(n))


def rows(reader: Reader, invoice: Invoice, note: CreditNote | None) -> Iterator[Row]:
    """What was sold, or what of it is given back: how many, the price of one, the taxes' rates, the amount."""
    taxes = {tax.tax: tax for tax in invoice.taxes}
    if note is None:
        yield from (_sold(reader, line, taxes) for line in invoice.lines)
    else:
        yield from (_credited(reader, line, taxes) for line in note.lines)


def sums(reader: Reader, invoice: Invoice, note: CreditNote | None) -> Iterator[tuple[str, str, str]]:
    """What leads from the rows to the total, and from it to what is due: label, amount, and how it stands out."""
    if note is None:
        taxes = invoice.taxes
        yield from _discounts(reader, invoice)
    else:
        taxes = credited_taxes(invoice, note)
    total = note.total if note else invoice.total
    yield from _taxed(reader, taxes, total)
    if note is None:
        applied = invoice.amount_applied
        if applied:
            yield reader.word("document.applied"), reader.money(-applied), ""
        due = total - (applied or Money.zero(total.currency))
        yield reader.word("document.due"), reader.money(due), "due"
        return
    for label, part in (("taken_off", note.to_invoice), ("to_balance", note.to_balance)):
        if part:
            yield reader.word(f"document.{label}"), reader.money(part), ""


def credited_taxes(invoice: Invoice, note: CreditNote) -> tuple[InvoiceTax, ...]:
    """The taxes of a credit note, one of each rate, with what they are of."""
    inside = {tax.tax for tax in invoice.taxes if tax.inclusive}
    found: list[InvoiceTax] = []
    for tax in invoice.taxes:
        of = [(line, share) for line in note.lines for share in line.taxes if share.tax == tax.tax]
        if of:
            base = sum(_without(line, inside) for line, _ in of)
            amount = sum(share.amount.amount for _, share in of)
            found.append(
                InvoiceTax(
                    tax=tax.tax,
                    name=tax.name,
                    percent=tax.percent,
                    base=Money(base, note.currency),
                    amount=Money(amount, note.currency),
                    inclusive=tax.inclusive,
                    category=tax.category,
                )
            )
    return tuple(found)


def _without(line: CreditLine, inside: set[str]) -> int:
    return line.amount.amount - sum(share.amount.amount for share in line.taxes if share.tax in inside)


# -- sums -------------------------------------------------------------------------------------------


def _discounts(reader: Reader, invoice: Invoice) -> Iterator[tuple[str, str, str]]:
    if invoice.discounts:
        yield reader.word("document.subtotal"), reader.money(invoice.subtotal), ""
    for one in invoice.discounts:
        percent = f" ({reader.percent(one.percent)})" if one.percent is not None else ""
        yield f"{own(reader, one.name)}{percent}", reader.money(-one.amount), ""


def _taxed(reader: Reader, taxes: tuple[InvoiceTax, ...], total: Money) -> Iterator[tuple[str, str, str]]:
    """The net, each rate's tax with what it is of (BG-23), and the total; taxes inside the prices come after it."""
    on_top = [tax for tax in taxes if not tax.inclusive]
    if taxes:
        net = Money(total.amount - sum(tax.amount.amount for tax in taxes), total.currency)
        yield reader.word("document.net"), reader.money(net), ""
    for tax in on_top:
        yield _tax(reader, "tax_on", tax)
    yield reader.word("document.total"), reader.money(total), "total"
    for tax in taxes:
        if tax.inclusive:
            yield _tax(reader, "tax_inside", tax)


def _tax(reader: Reader, key: str, tax: InvoiceTax) -> tuple[str, str, str]:
    label = reader.word(
        f"document.{key}",
        name=breakable(formats.name(tax.name)),
        percent=reader.percent(tax.percent),
        base=reader.money(tax.base),
    )
    return label, reader.money(tax.amount), ""


# -- rows -------------------------------------------------------------------------------------------


def _sold(reader: Reader, line: InvoiceLine, taxes: Mapping[str, InvoiceTax]) -> Row:
    flat = line.model in (None, Model.FLAT) and line.percent_of is None
    currency = line.amount.currency
    return {
        "name": own(reader, line.name),
        "text": lines_of(reader, _few_lines(line.description)),
        "notes": list(notes(reader, line)),
        "quantity": reader.quantity(line.quantity) if line.percent_of is None else "",
        "price": reader.unit_price(line.unit_amount, currency) if flat else "",
        "tax": _rates(reader, line.taxes, taxes),
        "amount": reader.money(line.amount),
    }


def _few_lines(text: str) -> str:
    """The text, those of its lines that are too many side by side: a thousand on each row would be no document."""
    lines = [one for one in text.splitlines() if one.strip()]
    return "\n".join([*lines[: MOST_LINES - 1], " ".join(lines[MOST_LINES - 1 :])])


def _credited(reader: Reader, line: CreditLine, taxes: Mapping[str, InvoiceTax]) -> Row:
    return {
        "name": own(reader, line.name),
        "text": [],
        "notes": [days_of(reader, line.share)] if line.share else [],
        "quantity": "",
        "price": "",
        "tax": _rates(reader, line.taxes, taxes),
        "amount": reader.money(line.amount),
    }


def _rates(reader: Reader, shares: tuple[TaxShare, ...], taxes: Mapping[str, InvoiceTax]) -> str:
    return " + ".join(reader.percent(taxes[share.tax].percent) for share in shares if share.tax in taxes)


def notes(reader: Reader, line: InvoiceLine) -> Iterator[str]:
    """How the amount came to be, where it is not quantity times price."""
    currency = line.amount.currency
    if line.percent_of is not None:
        percent, amount = reader.percent(line.percent_of.percent), reader.money(line.percent_of.amount)
        yield reader.word("document.part_of", percent=percent, amount=amount)
    elif line.model not in (None, Model.FLAT):
        steps = pricing.walk(line.model, line.tiers, line.quantity)
        yield " + ".join(part for step in steps for part in _step(reader, step, currency))
    for discount in line.discounts:
        yield less(reader, discount, currency)
    if line.share:
        yield days_of(reader, line.share)


def _step(reader: Reader, step: Step, currency: str) -> Iterator[str]:
    if step.unit_amount or not step.flat_amount:
        yield f"{reader.quantity(step.quantity)} × {reader.unit_price(step.unit_amount, currency)}"
    if step.flat_amount:
        yield reader.unit_price(step.flat_amount, currency)


def less(reader: Reader, discount: UnitDiscount, currency: str) -> str:
    """A discount of a line."""
    if discount.percent is not None:
        return reader.word("document.less", discount=reader.percent(discount.percent))
    return reader.word(
        "document.less_each", amount=reader.unit_price(discount.amount or Decimal(0), currency)
    )


def days_of(reader: Reader, share: Share) -> str:
    """How much of a period is charged, or given back."""
    period = reader.period(Period(share.start_on, share.end_on))
    days, of_days = whole(reader, share.days), whole(reader, share.of_days)
    return reader.word("document.prorated", days=days, of_days=of_days, period=period)
