"""What is paid for an order: now, later by date, in all, and again and again; every amount is an invoice's own.

HubSpot's summary of a quote: the subtotal is only what is due now, and the total cannot be known where something
renews without end.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from chalicelib.billing import issuing, numbering
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.lines import Kind
from chalicelib.billing.money import Money, total
from chalicelib.billing.periods import Frequency
from chalicelib.billing.rating import InvoiceDiscount, InvoiceTax, Levying, TaxShare
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.tax import Exemption

OPEN_ENDED: Final = 12
MAX_LATER: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeAmount:
    """A fee by its name, and what it comes to."""

    name: str
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """What invoices come to: `subtotal` less discounts, and fees, and the taxes on top, are the `total`."""

    subtotal: Money
    discounts: tuple[InvoiceDiscount, ...]
    fees: tuple[FeeAmount, ...]
    taxes: tuple[InvoiceTax, ...]
    total: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """A payment to come on a local date, of the n-th `subscription` of the order, 0 the first."""

    on: date
    subscription: int
    amounts: Amounts


@dataclass(frozen=True, slots=True, kw_only=True)
class RecurringLine:
    """A line that is billed each period: its amount before the invoice's discounts, and its parts of the taxes."""

    id: str
    name: str
    amount: Money
    taxes: tuple[TaxShare, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurring:
    """What one subscription bills each period, without what is billed once; `payments` None has no end."""

    subscription: int
    frequency: Frequency
    payments: int | None
    starts_on: date
    ends_on: date | None
    lines: tuple[RecurringLine, ...]
    amounts: Amounts


@dataclass(frozen=True, slots=True, kw_only=True)
class PerFrequency:
    """What all that is billed at one frequency comes to each period, and the tax in it."""

    frequency: Frequency
    tax: Money
    total: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """`total` is everything there is to pay, None where that cannot be known; `tax_known` is not, before Stripe is asked.

    `later` has all payments of fixed terms and the next 12 of what has no end, and `has_more` where there are others.
    """

    currency: str
    due_now: Amounts
    later: tuple[Later, ...]
    has_more: bool
    total: Money | None
    total_known: bool
    tax_known: bool
    recurring: tuple[Recurring, ...]
    per_frequency: tuple[PerFrequency, ...]


def summary(
    subscriptions: Sequence[Subscription],
    today: date,
    now: datetime,
    *,
    exemption: Exemption | None = None,
    levy: Levying | None = None,
) -> Summary:
    """What the subscriptions of an order come to, all in one currency; `levy` answers for automatic taxes."""
    currency = subscriptions[0].currency
    taxing = _Taxing(exemption, levy)
    issued = [
        (n, invoice) for n, one in enumerate(subscriptions) for invoice in _ahead(one, today, now, taxing)
    ]
    later = sorted(
        (pair for pair in issued if pair[1].period_start_on > today),
        key=lambda pair: (pair[1].period_start_on, pair[0]),
    )
    known = all(one.payments is not None for one in subscriptions)
    recurring = tuple(_recurring(n, one, now, taxing) for n, one in enumerate(subscriptions))
    return Summary(
        currency=currency,
        due_now=amounts([invoice for _, invoice in issued if invoice.period_start_on <= today], currency),
        later=tuple(_later(n, invoice) for n, invoice in later[:MAX_LATER]),
        has_more=not known or len(later) > MAX_LATER,
        total=total((invoice.total for _, invoice in issued), currency) if known else None,
        total_known=known,
        tax_known=levy is not None or not any(one.automatic_tax for one in subscriptions),
        recurring=recurring,
        per_frequency=_per_frequency(recurring, currency),
    )


@dataclass(frozen=True, slots=True)
class _Taxing:
    exemption: Exemption | None
    levy: Levying | None


def _ahead(subscription: Subscription, today: date, now: datetime, taxing: _Taxing) -> Iterator[Invoice]:
    """All invoices of a fixed term; of what has no end those due today and the next few."""
    ahead = 0
    for invoice in walk(subscription, now, exemption=taxing.exemption, levy=taxing.levy):
        ahead += invoice.period_start_on > today
        if subscription.payments is None and ahead > OPEN_ENDED:
            return
        yield invoice


def walk(
    subscription: Subscription,
    now: datetime,
    *,
    exemption: Exemption | None = None,
    levy: Levying | None = None,
) -> Iterator[Invoice]:
    """The invoices of a subscription's cycles from the next on, as the renewals will issue them; without end if it has none."""
    issued: Invoice | None = None
    before: tuple[object, ...] = ()
    while not subscription.at_its_end:
        subscription = subscription.taking_effect()
        priced_by = _priced_by(subscription)
        if issued is None or priced_by != before:
            issued = issuing.invoice_of(subscription, "", now, exemption=exemption, levy=levy)
        else:
            issued = _of_next_period(issued, subscription)
        yield issued
        before, subscription = priced_by, subscription.renewed()


def _priced_by(subscription: Subscription) -> tuple[object, ...]:
    """What the amounts of the next invoice follow from: two cycles that have it in common are billed the same."""
    held = tuple(one for one in subscription.discounts if one.holds(subscription.next_on))
    short = subscription.cycle if subscription.cancel_on else None
    once = (subscription.extras, subscription.change, short)
    return (subscription.lines, held, subscription.fees, subscription.taxes, *once)


def _of_next_period(issued: Invoice, subscription: Subscription) -> Invoice:
    """The same amounts a period on."""
    period = subscription.period(subscription.cycle)
    return replace(
        issued,
        id=numbering.name_of(subscription.id, subscription.ordinal),
        cycle=subscription.cycle,
        period_start_on=period.start_on,
        period_end_on=period.end_on,
    )


def amounts(issued: Sequence[Invoice], currency: str) -> Amounts:
    """What invoices come to together: each coupon, fee and rate once, with its sum."""
    lines = [line for invoice in issued for line in invoice.lines]
    fees: dict[str, int] = {}
    for line in (line for line in lines if line.kind is Kind.FEE):
        fees[line.name] = fees.get(line.name, 0) + line.amount.amount
    return Amounts(
        subtotal=total((line.amount for line in lines if line.kind is not Kind.FEE), currency),
        discounts=tuple(_discounts(one for invoice in issued for one in invoice.discounts)),
        fees=tuple(FeeAmount(name=name, amount=Money(amount, currency)) for name, amount in fees.items()),
        taxes=tuple(_taxes(one for invoice in issued for one in invoice.taxes)),
        total=total((invoice.total for invoice in issued), currency),
    )


def _discounts(given: Iterable[InvoiceDiscount]) -> Iterable[InvoiceDiscount]:
    summed: dict[tuple[str, str, str | None], InvoiceDiscount] = {}
    for one in given:
        key = (one.coupon, one.name, one.code)
        before = summed.get(key)
        summed[key] = replace(one, amount=one.amount + before.amount) if before else one
    return summed.values()


def _taxes(levied: Iterable[InvoiceTax]) -> Iterable[InvoiceTax]:
    summed: dict[str, InvoiceTax] = {}
    for one in levied:
        before = summed.get(one.tax)
        added = (
            replace(one, base=one.base + before.base, amount=one.amount + before.amount) if before else one
        )
        summed[one.tax] = added
    return summed.values()


def _later(n: int, invoice: Invoice) -> Later:
    return Later(on=invoice.period_start_on, subscription=n, amounts=amounts([invoice], invoice.currency))


def recurring_of(subscription: Subscription) -> Subscription:
    """The subscription without what is there once: what it bills is what recurs."""
    return subscription.used_up(subscription.next_on)


def _recurring(n: int, subscription: Subscription, now: datetime, taxing: _Taxing) -> Recurring:
    invoice = issuing.invoice_of(
        recurring_of(subscription), "", now, exemption=taxing.exemption, levy=taxing.levy
    )
    return Recurring(
        subscription=n,
        frequency=subscription.frequency,
        payments=subscription.payments,
        starts_on=subscription.next_on,
        ends_on=subscription.ends_on,
        lines=tuple(
            RecurringLine(id=line.id, name=line.name, amount=line.amount, taxes=line.taxes)
            for line in invoice.lines
        ),
        amounts=amounts([invoice], subscription.currency),
    )


def _per_frequency(recurring: Sequence[Recurring], currency: str) -> tuple[PerFrequency, ...]:
    at = {
        one.frequency: [other for other in recurring if other.frequency is one.frequency] for one in recurring
    }
    return tuple(
        PerFrequency(
            frequency=frequency,
            tax=total((tax.amount for one in those for tax in one.amounts.taxes), currency),
            total=total((one.amounts.total for one in those), currency),
        )
        for frequency, those in at.items()
    )
