"""What is expected of the next invoice, and by how much what comes is away from it."""

from dataclasses import dataclass, replace
from fractions import Fraction

from chalicelib.billing.invoices import Invoice, invoice_of
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.tax import Exemption


def foretelling(
    billed: Subscription, after: Subscription, invoice: Invoice, exemption: Exemption | None
) -> Subscription:
    """The renewed subscription with the total of its next invoice, as it is known now; None where none is to come.

    `billed` is it as the invoice just issued was made from. Where nothing ended or was used up by that, the next total
    is the same, and is not computed again. With automatic tax another total is not known before it is asked for.
    """
    if after.at_its_end or after.ends_first:
        return replace(after, foretold=None)
    if _repeats(billed, after):
        return replace(after, foretold=invoice.total.amount)
    return replace(after, foretold=None if after.automatic_tax else next_total(after, exemption))


def _repeats(billed: Subscription, after: Subscription) -> bool:
    """Whether the next invoice is made from the same as the last: what was used up is gone from one of them."""
    same = (
        billed.lines == after.lines
        and billed.taxes == after.taxes
        and billed.discounts == after.discounts
        and billed.fees == after.fees
    )
    special = billed.extras or after.change or after.cancel_on
    return same and not special and all(one.holds(after.next_on) for one in after.discounts)


def next_total(subscription: Subscription, exemption: Exemption | None) -> int:
    """The total of the next cycle's invoice in minor units, whatever it is then paid from."""
    coming = subscription.taking_effect()
    return invoice_of(coming, "", subscription.next_at, exemption=exemption).total.amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """How far a total is from what was expected of it, `of` what, exactly."""

    by: int
    of: int

    @property
    def share(self) -> Fraction:
        """The difference as a part of what was expected; of nothing it is counted as one whole for each minor unit."""
        return Fraction(abs(self.by), abs(self.of) or 1)

    @property
    def permille(self) -> int:
        """The same in thousandths, rounded down."""
        return int(self.share * 1000)


def deviation(total: int, *expected: int | None) -> Deviation | None:
    """The largest of a total's deviations from what was expected of it; None where nothing was."""
    known = [Deviation(by=total - one, of=one) for one in expected if one is not None]
    return max(known, key=lambda one: one.share, default=None)
