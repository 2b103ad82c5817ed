"""An invoice as a buyer checks it: each row's sum, what was taken off, the taxes, the total, and what is left to pay."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from chalicelib.billing import issuing, pricing
from chalicelib.billing.discounts import UnitDiscount
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.money import Money
from chalicelib.billing.periods import Period
from chalicelib.billing.pricing import Model, Step
from chalicelib.billing.rating import InvoiceLine
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.contacts import Contact
from chalicelib.views import formats


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


def bill(invoice: Invoice, heading: str = "") -> Bill:
    """An invoice that was issued; what has been paid of it is not told."""
    due = invoice.amount_open + invoice.amount_paid
    return Bill(
        heading=heading or f"Invoice {formats.name(invoice.number)}",
        rows=tuple(_row(line) for line in invoice.lines),
        sums=tuple(_sums(invoice)),
        total=formats.money(invoice.total),
        settled=tuple(_settled(invoice)),
        due="" if due == invoice.total else formats.money(due),
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


def _sums(invoice: Invoice) -> Iterator[tuple[str, str]]:
    on_top = [tax for tax in invoice.taxes if not tax.inclusive]
    if invoice.discounts or on_top:
        yield "Subtotal", formats.money(invoice.subtotal)
    for discount in invoice.discounts:
        percent = f" ({formats.quantity(discount.percent)} %)" if discount.percent is not None else ""
        yield f"{formats.name(discount.name)}{percent}", formats.money(-discount.amount)
    for tax in on_top:
        label = f"{formats.name(tax.name)} {formats.quantity(tax.percent)} % of {formats.money(tax.base)}"
        yield label, formats.money(tax.amount)
    for tax in invoice.taxes:
        if tax.inclusive:
            label = f"{formats.name(tax.name)} {formats.quantity(tax.percent)} %, included"
            yield label, formats.money(tax.amount)


def _settled(invoice: Invoice) -> Iterator[tuple[str, str]]:
    if invoice.amount_applied:
        yield "From your balance", formats.money(-invoice.amount_applied)
    if invoice.amount_credited:
        yield "Credited", formats.money(-invoice.amount_credited)


def _row(line: InvoiceLine) -> Row:
    return Row(
        name=formats.name(line.name),
        description=formats.name(line.description),
        sum=_sum(line),
        amount=formats.money(line.amount),
    )


def _sum(line: InvoiceLine) -> str:
    """How the amount came to be: 2 × $625.00, less 10 %; 20 of 31 days (5 – 24 March 2026)."""
    said = [_price(line), *(_less(discount, line.amount.currency) for discount in line.discounts)]
    if line.share:
        days = formats.period(Period(line.share.start_on, line.share.end_on))
        said.append(f"{line.share.days} of {line.share.of_days} days ({days})")
    return ", ".join(said)


def _price(line: InvoiceLine) -> str:
    currency = line.amount.currency
    if line.percent_of is not None:
        return f"{formats.quantity(line.percent_of.percent)} % of {formats.money(line.percent_of.amount)}"
    if line.model in (None, Model.FLAT):
        return f"{formats.quantity(line.quantity)} × {formats.unit_price(line.unit_amount, currency)}"
    steps = pricing.walk(line.model, line.tiers, line.quantity)
    told = " + ".join(part for step in steps for part in _step(step, currency)) or formats.money(
        Money.zero(currency)
    )
    return told if line.model is Model.GRADUATED else f"{formats.quantity(line.quantity)}: {told}"


def _step(step: Step, currency: str) -> Iterator[str]:
    if step.unit_amount or not step.flat_amount:
        yield f"{formats.quantity(step.quantity)} × {formats.unit_price(step.unit_amount, currency)}"
    if step.flat_amount:
        yield formats.unit_price(step.flat_amount, currency)


def _less(discount: UnitDiscount, currency: str) -> str:
    if discount.percent is not None:
        return f"less {formats.quantity(discount.percent)} %"
    return f"less {formats.unit_price(discount.amount or Decimal(0), currency)} each"
