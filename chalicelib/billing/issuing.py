"""What an invoice is as it is issued: lines rated, the balance applied, and when it is asked for or due."""

from datetime import date, datetime, timedelta
from functools import partial

from chalicelib.billing import instalments, periods, rating
from chalicelib.billing.currencies import MINIMUM_CHARGE
from chalicelib.billing.invoices import Invoice, InvoiceStatus
from chalicelib.billing.lines import Line, Share
from chalicelib.billing.money import Money, known, smallest_at_stripe
from chalicelib.billing.numbering import name_of
from chalicelib.billing.periods import Period
from chalicelib.billing.rating import Levying, Rated
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.tax import Exemption


def invoice_of(
    subscription: Subscription,
    number: str,
    now: datetime,
    *,
    balance: int = 0,
    exemption: Exemption | None = None,
    levy: Levying | None = None,
) -> Invoice:
    """The invoice of the subscription's next cycle, open, and to be collected at once.

    `balance` is what the customer has to their credit, in minor units: it is applied first. One that then owes
    nothing is paid as it is issued. A cycle cut short by `cancel_on` is charged for its days alone.
    """
    period = subscription.period(subscription.cycle)
    lines = subscription.lines
    if subscription.cancel_on is not None and period.contains(subscription.cancel_on):
        short = Period(period.start_on, subscription.cancel_on)
        lines = rating.scaled(lines, share_of(short, period))
        period = short
    invoice = issued(
        subscription, (*lines, *subscription.extras), period, number, now,
        balance=balance, exemption=exemption, levy=levy,
    )  # fmt: skip
    if subscription.schedule and invoice.amount_due:
        return invoice.split(instalments.shared(invoice.amount_due, subscription.schedule), now)
    return invoice


def issued(
    subscription: Subscription,
    lines: tuple[Line, ...],
    period: Period,
    number: str,
    now: datetime,
    *,
    balance: int = 0,
    exemption: Exemption | None = None,
    levy: Levying | None = None,
    besides: bool = False,
    last: bool = False,
) -> Invoice:
    """An open invoice of lines; `besides` those of the cycles, it has neither coupons nor one-off taxes and fees."""
    made = _rated(
        subscription, lines, period, balance=balance, exemption=exemption, levy=levy, besides=besides
    )
    applied = applicable(Money(balance, subscription.currency), made.total).amount if balance else 0
    owes = made.total.amount > applied
    due_on = terms_of(subscription, now) if subscription.sends and owes else None
    return Invoice(
        account=subscription.account,
        id=name_of(subscription.id, subscription.ordinal),
        subscription=subscription.id,
        contact=subscription.contact,
        cycle=max(0, subscription.cycle - 1) if besides else subscription.cycle,
        number=number,
        currency=subscription.currency,
        lines=made.lines,
        period_start_on=period.start_on,
        period_end_on=period.end_on,
        issued_at=now,
        total=made.total,
        amount_paid=known(0, subscription.currency),
        status=InvoiceStatus.OPEN if owes else InvoiceStatus.PAID,
        attempt_at=overdue_at(subscription, due_on) if due_on else now if owes else None,
        paid_at=None if owes else now,
        discounts=made.discounts,
        taxes=made.taxes,
        amount_applied=Money(applied, subscription.currency) if applied else None,
        besides=besides,
        last=last,
        due_on=due_on,
        company=subscription.company,
        papers=subscription.papers,
    )


def _rated(
    subscription: Subscription,
    lines: tuple[Line, ...],
    period: Period,
    *,
    balance: int,
    exemption: Exemption | None,
    levy: Levying | None,
    besides: bool,
) -> Rated:
    """Lines with discounts, taxes and fees. A fee for a type of payment method is added where the type is known.

    Of a sent invoice, or of one that the balance pays, it is not.
    """
    method = subscription.method.type if subscription.method and not subscription.sends else None
    fees = [fee for fee in subscription.fees if not (besides and fee.once)]
    rate = partial(
        rating.rated,
        lines,
        subscription.currency,
        period.start_on,
        discounts=() if besides else subscription.discounts,
        taxes=[tax for tax in subscription.taxes if not (besides and tax.once)],
        exemption=exemption,
        levy=levy,
    )
    made = rate(fees=[fee for fee in fees if fee.touches(method)])
    if balance and levy is None and any(fee.types and fee.touches(method) for fee in fees):
        without = rate(fees=[fee for fee in fees if not fee.types])
        made = without if without.total.amount <= balance else made
    return made


def terms_of(subscription: Subscription, now: datetime) -> date:
    """The local day by which an invoice that is sent now is to be paid."""
    return subscription.day(now) + timedelta(days=subscription.collects.days_until_due)


def overdue_at(subscription: Subscription, due_on: date) -> datetime:
    """When what was due on a local day is overdue: at the billing hour of the day after."""
    return periods.moment(due_on + timedelta(days=1), subscription.hour, subscription.zone)


def applicable(given: Money, owed: Money) -> Money:
    """As much of what is given, from a balance or by a credit note, as leaves nothing owed or what Stripe can charge.

    That is at least its minimum, in multiples of its smallest: the charge of less would be declined, and retried in vain.
    """
    step, least = smallest_at_stripe(owed.currency), MINIMUM_CHARGE.get(owed.currency, 0)
    rest = max(0, owed.amount - max(0, given.amount))
    chargeable = max(least, -(-rest // step) * step) if rest else 0
    return Money(owed.amount - min(owed.amount, chargeable), owed.currency)


def share_of(part: Period, whole: Period) -> Share:
    """The days of a part of a period, of all its days."""
    return Share(days=part.days, of_days=whole.days, start_on=part.start_on, end_on=part.end_on)
