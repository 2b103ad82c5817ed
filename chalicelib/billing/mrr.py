"""What a subscription brings in a month: HubSpot's `hs_mrr`."""

from collections.abc import Sequence
from fractions import Fraction

from chalicelib.billing import lines as price
from chalicelib.billing.discounts import Discount
from chalicelib.billing.lines import Line
from chalicelib.billing.money import Money, round_half_up
from chalicelib.billing.periods import Frequency
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.tax import Tax

ZERO = Fraction(0)


def mrr(subscription: Subscription) -> Money:
    """Its recurring lines after their discounts and the coupons that hold forever, without tax, rounded once.

    A week counts 52/12 to the month. What will not recur is left out: one-time lines, fees, coupons that end. It is
    nothing where nothing more is billed, and while a subscription is paused.
    """
    zero = Money.zero(subscription.currency)
    if not subscription.billable or subscription.paused_on is not None:
        return zero
    recurring = [line for line in subscription.lines if line.kind is None]
    left = [Fraction(price.exact(line)) for line in recurring]
    for discount in subscription.discounts:
        if not discount.once and discount.until_on is None:
            left = _taken(discount, recurring, left)
    inside = {tax.id: tax for tax in subscription.taxes if tax.inclusive and not tax.once}
    nets = [_net(amount, line, inside) for amount, line in zip(left, recurring, strict=True)]
    return Money(round_half_up(sum(nets, ZERO) * months_share(subscription.frequency)), zero.currency)


def months_share(frequency: Frequency) -> Fraction:
    """How many of its intervals a month counts: 1/3 of a quarter, 52/12 weeks; none of what is billed once."""
    if frequency.months:
        return Fraction(1, frequency.months)
    return Fraction(52 * 7, 12 * frequency.days) if frequency.days else ZERO


def _taken(discount: Discount, lines: Sequence[Line], left: Sequence[Fraction]) -> list[Fraction]:
    """What a coupon leaves of each line, exact; an amount is shared in proportion."""
    base = sum((one for one, line in zip(left, lines, strict=True) if discount.eligible(line.product)), ZERO)
    if not base:
        return list(left)
    if discount.percent is not None:
        kept = 1 - Fraction(discount.percent) * Fraction(1, 100)
    else:
        kept = 1 - min(Fraction(1), Fraction(discount.amount.amount if discount.amount else 0, base))
    return [
        one * kept if discount.eligible(line.product) else one for one, line in zip(left, lines, strict=True)
    ]


def _net(amount: Fraction, line: Line, inside: dict[str, Tax]) -> Fraction:
    percents = sum((Fraction(inside[id_].percent) for id_ in line.taxes if id_ in inside), ZERO)
    return Fraction(100 * amount, 100 + percents)
