"""What each day's run of an account issued, and what became of that."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from chalicelib.billing.invoices import Invoice, InvoiceStatus
from chalicelib.billing.money import Money
from chalicelib.billing.payments import Payment, PaymentStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingRun:
    """The cycles' invoices issued on a local day of the account's; what became of them is theirs to tell.

    Their numbers rise from `first_number` to `last_number`. Between them may be numbers of invoices besides the
    cycles', which are not counted. `totals` has one amount of each currency.
    """

    account: str
    id: str
    on: date
    created_at: datetime
    first_number: str
    last_number: str
    issued: int
    totals: tuple[Money, ...]
    version: int = 0

    wake = None

    def counting(self, invoice: Invoice) -> "BillingRun":
        """The run with one more invoice, of the highest number so far."""
        totals = added(self.totals, invoice.total)
        return replace(self, last_number=invoice.number, issued=self.issued + 1, totals=totals)


def begun(on: date, invoice: Invoice) -> BillingRun:
    """The run of a local day, with its first invoice."""
    return BillingRun(
        account=invoice.account,
        id=name_of(on),
        on=on,
        created_at=invoice.issued_at,
        first_number=invoice.number,
        last_number=invoice.number,
        issued=1,
        totals=(invoice.total,),
    )


def added(totals: tuple[Money, ...], amount: Money) -> tuple[Money, ...]:
    """Totals, one of each currency, with an amount added to its own."""
    if all(one.currency != amount.currency for one in totals):
        return (*totals, amount)
    return tuple(one + amount if one.currency == amount.currency else one for one in totals)


def name_of(on: date) -> str:
    """The name of a local day's run."""
    return f"run_{on:%Y%m%d}"


class Fate(StrEnum):
    """What became of an invoice of a run.

    `charged` by a payment; `settled` without one, by the customer's balance or because nothing was owed; `pending`
    while a payment of it is open, `held` while nobody knows how that ended; `declined` and owed; `open` and not asked
    for yet; `void` and `uncollectible` by a person.
    """

    CHARGED = "charged"
    SETTLED = "settled"
    PENDING = "pending"
    HELD = "held"
    DECLINED = "declined"
    OPEN = "open"
    VOID = "void"
    UNCOLLECTIBLE = "uncollectible"


def fate(invoice: Invoice, payment: Payment | None) -> Fate:
    """What became of an invoice; `payment` is the one that holds it, if any."""
    if invoice.status is InvoiceStatus.PAID:
        return Fate.CHARGED if invoice.paid_by else Fate.SETTLED
    if invoice.status in (InvoiceStatus.VOID, InvoiceStatus.UNCOLLECTIBLE):
        return Fate(invoice.status.value)
    if payment is not None:
        return Fate.HELD if payment.status is PaymentStatus.HELD else Fate.PENDING
    return Fate.DECLINED if invoice.failed_at else Fate.OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many invoices met a fate, and their totals, one of each currency."""

    fate: Fate
    count: int = 0
    totals: tuple[Money, ...] = ()

    def counting(self, total: Money) -> "Tally":
        """The tally with one more invoice."""
        return replace(self, count=self.count + 1, totals=added(self.totals, total))


def tallied(fates: Iterable[tuple[Invoice, Fate]]) -> tuple[Tally, ...]:
    """One tally for each fate that was met, in the order of their list."""
    found: dict[Fate, Tally] = {}
    for invoice, met in fates:
        found[met] = found.get(met, Tally(fate=met)).counting(invoice.total)
    return tuple(found[one] for one in Fate if one in found)
