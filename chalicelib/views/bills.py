"""An invoice as a buyer checks it: each row's sum, what was taken off, the taxes, the total, and what is left to pay."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from chalicelib.billing import issuing, pricing
from chalicelib.billing.discounts import UnitDiscount
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.money import Money
from chalicelib.billing.periods import Period
from chalicelib.billing.pricing import Model, Step
from chalicelib.billing.rating import InvoiceDiscount, InvoiceLine, InvoiceTax
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.contacts import Contact
from chalicelib.views import formats
from chalicelib.views.reading import AMERICAN, Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What was sold: the sum is the amount."""

    name: str
    description: str
    sum: str
    amount: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """The rows of one invoice under its heading; `sums` lead from them to the total, `settled` from it to what is due.

    `due` is empty where it is the total.
    """

    heading: str
    rows: tuple[Row, ...]
    sums: tuple[tuple[str, str], ...]
    total: str
    settled: tuple[tuple[str, str], ...] = ()
    due: str = ""


def bill(invoice: Invoice, heading: str = "", reader: Reader = AMERICAN) -> Bill:
    """An invoice that was issued; what has been paid of it is not told."""
    due = invoice.amount_open + invoice.amount_paid
    return Bill(
        heading=heading or reader.word("bill.invoice", number=formats.name(invoice.number)),
        rows=tuple(_row(line, reader) for line in invoice.lines),
        sums=tuple(_sums(invoice, reader)),
        total=reader.money(invoice.total),
        settled=tuple(_settled(invoice, reader)),
        due="" if due == invoice.total else reader.money(due),
    )


def next_invoice(subscription: Subscription, contact: Contact, now: datetime) -> Invoice:
    """The next cycle's invoice as everything stands now; automatic tax is only known when it is issued."""
    return issuing.invoice_of(
        subscription.taking_effect(),
        "",
        now,
        balance=contact.balance(subscription.currency).amount,
        exemption=contact.tax_exempt,
    )


def _sums(invoice: Invoice, reader: Reader) -> Iterator[tuple[str, str]]:
    on_top = [tax for tax in invoice.taxes if not tax.inclusive]
    if invoice.discounts or on_top:
        yield reader.word("bill.subtotal"), reader.money(invoice.subtotal)
    for discount in invoice.discounts:
        yield _discount(discount, reader), reader.money(-discount.amount)
    for tax in on_top:
        yield _tax("bill.tax", tax, reader), reader.money(tax.amount)
    for tax in invoice.taxes:
        if tax.inclusive:
            yield _tax("bill.tax_included", tax, reader), reader.money(tax.amount)


def _discount(discount: InvoiceDiscount, reader: Reader) -> str:
    called = formats.name(discount.name)
    if discount.percent is None:
        return called
    return reader.word("bill.discount", name=called, percent=reader.percent(discount.percent))


def _tax(key: str, tax: InvoiceTax, reader: Reader) -> str:
    base = {} if tax.inclusive else {"base": reader.money(tax.base)}
    return reader.word(key, name=formats.name(tax.name), percent=reader.percent(tax.percent), **base)


def _settled(invoice: Invoice, reader: Reader) -> Iterator[tuple[str, str]]:
    if invoice.amount_applied:
        yield reader.word("bill.from_balance"), reader.money(-invoice.amount_applied)
    if invoice.amount_credited:
        yield reader.word("bill.credited"), reader.money(-invoice.amount_credited)


def _row(line: InvoiceLine, reader: Reader) -> Row:
    return Row(
        name=formats.name(line.name),
        description=formats.name(line.description),
        sum=_sum(line, reader),
        amount=reader.money(line.amount),
    )


def _sum(line: InvoiceLine, reader: Reader) -> str:
    """How the amount came to be: 2 × $625.00, less 10%; 20 of 31 days (March 5 – 24, 2026)."""
    currency = line.amount.currency
    said = [_price(line, reader), *(less(discount, currency, reader) for discount in line.discounts)]
    if line.share:
        days = reader.period(Period(line.share.start_on, line.share.end_on))
        of_days = reader.quantity(Decimal(line.share.of_days))
        said.append(reader.count("bill.share", line.share.days, of_days=of_days, period=days))
    return reader.row(said)


def _price(line: InvoiceLine, reader: Reader) -> str:
    currency = line.amount.currency
    if line.percent_of is not None:
        percent, amount = reader.percent(line.percent_of.percent), reader.money(line.percent_of.amount)
        return reader.word("bill.percent_of", percent=percent, amount=amount)
    if line.model in (None, Model.FLAT):
        return times(line.quantity, line.unit_amount, currency, reader)
    steps = pricing.walk(line.model, line.tiers, line.quantity)
    if line.model is Model.GRADUATED:
        return _stepped(steps, currency, reader)
    return by_tiers(line.quantity, steps, currency, reader)


def by_tiers(quantity: Decimal, steps: Iterable[Step], currency: str, reader: Reader) -> str:
    """15: 10 × $5.00 + 5 × $4.00."""
    return reader.word("bill.tier", quantity=reader.quantity(quantity), sum=_stepped(steps, currency, reader))


def _stepped(steps: Iterable[Step], currency: str, reader: Reader) -> str:
    told = " + ".join(part for step in steps for part in _step(step, currency, reader))
    return told or reader.money(Money.zero(currency))


def times(quantity: Decimal, price: Decimal, currency: str, reader: Reader) -> str:
    """2 × $625.00; the price is in minor units."""
    return reader.word(
        "bill.times", quantity=reader.quantity(quantity), price=reader.unit_price(price, currency)
    )


def _step(step: Step, currency: str, reader: Reader) -> Iterator[str]:
    if step.unit_amount or not step.flat_amount:
        yield times(step.quantity, step.unit_amount, currency, reader)
    if step.flat_amount:
        yield reader.unit_price(step.flat_amount, currency)


def less(discount: UnitDiscount, currency: str, reader: Reader) -> str:
    """What is taken off a line's price."""
    if discount.percent is not None:
        return reader.word("bill.less", percent=reader.percent(discount.percent))
    amount = reader.unit_price(discount.amount or Decimal(0), currency)
    return reader.word("bill.less_each", amount=amount)
