"""What is expected of the next invoice, and by how much what comes is away from it."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction

from chalicelib.billing.billing_runs import BillingRun
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.issuing import invoice_of
from chalicelib.billing.money import Money
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


class Compared(StrEnum):
    """An invoice next to the one before it; `vanished` is one that was to follow, and does not."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    VANISHED = "vanished"


class Held(StrEnum):
    """Why nothing is billed, or why what is billed is not charged."""

    PAUSED = "paused"
    CANCELED = "canceled"
    EXPIRED = "expired"
    UNPAID = "unpaid"
    NO_METHOD = "no_method"
    METHOD_REFUSED = "method_refused"
    BELOW_MINIMUM = "below_minimum"
    SENT = "sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the run would issue for a subscription, and what it was expected to be.

    `previous` is the total of its last cycle's invoice, `foretold` what that one let expect of this. `deviation_permille` is
    the larger difference from either in thousandths of it, None where nothing was expected. `held` says why a vanished one
    is not billed, or why an issued one is not charged.
    """

    subscription: str
    contact: str
    compared: Compared
    invoice: str | None = None
    period_start_on: date | None = None
    period_end_on: date | None = None
    total: Money | None = None
    amount_due: Money | None = None
    previous: Money | None = None
    foretold: Money | None = None
    deviation_permille: int | None = None
    held: Held | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """A record whose step is refused by an error of its own: after five tries it is parked."""

    subject: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What would be issued on the local day of `until_at`, up to that moment; outliers first.

    `totals`, `amounts_due` (what would be asked for) and `previous_totals` (of the same subscriptions' last invoices,
    the vanished ones' too) have one amount of each currency. `parked` are subscriptions that are due and will not be
    billed before a person has looked; `failing` is what would fail. What was not looked through, because it is too much for one answer, begins after
    `next`; the preview is then not `complete`.
    """

    on: date
    until_at: datetime
    looked_at: int
    issued: int
    totals: tuple[Money, ...]
    amounts_due: tuple[Money, ...]
    previous_totals: tuple[Money, ...]
    last_run: BillingRun | None
    expected: tuple[Expected, ...]
    parked: tuple[str, ...]
    failing: tuple[Failing, ...]
    complete: bool
    next: str | None
