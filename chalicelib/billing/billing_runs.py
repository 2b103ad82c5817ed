"""What each day's run of an account issued, and what became of that."""

from dataclasses import dataclass, replace
from datetime import date, datetime

from chalicelib.billing.invoices import Invoice
from chalicelib.billing.money import Money


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
