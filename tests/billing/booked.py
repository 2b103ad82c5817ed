"""What is sold in February, invoiced, paid and credited, for what the books say of it."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from chalicelib.billing import issuing
from chalicelib.billing.credits import CreditNote, Wanted, credited
from chalicelib.billing.discounts import Discount
from chalicelib.billing.gateway import Request
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.ledger import Entry
from chalicelib.billing.lines import Line, Share
from chalicelib.billing.money import Money
from chalicelib.billing.payments import Allocation, Origin, Payment, PaymentStatus
from chalicelib.billing.periods import Period
from chalicelib.billing.rating import Fee
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.tax import Tax
from tests.billing import sold

START = date(2026, 1, 1)
FEBRUARY = Period(date(2026, 2, 1), date(2026, 3, 1))
VAT = Tax(id="txr_vat", name="VAT", percent=Decimal(19))
INSIDE = Tax(id="txr_in", name="GST", percent=Decimal("7.25"), inclusive=True)
HALF = Discount(coupon="cou_1", name="Half", percent=Decimal("33.3"))
CARD = Fee(name="Card", types=("card",), percent=Decimal("1.9"), taxes=("txr_vat",))


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def subscription(*lines: Line, currency: str = "usd", **more: Any) -> Subscription:
    """A monthly one from 1 February that is charged on a card."""
    made = sold.subscription(*lines, currency=currency, **more)
    return replace(made, anchor_on=FEBRUARY.start_on, created_at=noon(START))


def line(amount: int, *taxes: Tax, **more: Any) -> Line:
    return Line(
        id="li_1", name="Coffee", unit_amount=Decimal(amount), taxes=tuple(tax.id for tax in taxes), **more
    )


def issued(*lines: Line, balance: int = 0, **more: Any) -> Invoice:
    """The invoice of February, issued on its first day."""
    made = subscription(*lines, taxes=(VAT, INSIDE), **more)
    return issuing.issued(made, lines, FEBRUARY, "INV-000001", noon(FEBRUARY.start_on), balance=balance)


def paying(*owed: Invoice, fee: Money | None = None, net: Money | None = None) -> Payment:
    """A payment that has succeeded for all that invoices owe."""
    total = Money(sum(one.amount_due.amount for one in owed), owed[0].currency)
    return Payment(
        account="acct_1",
        id=owed[0].next_payment(),
        subscription=owed[0].subscription,
        contact="con_1",
        amount=total,
        allocations=tuple(Allocation(invoice=one.id, amount=one.amount_due) for one in owed),
        request=Request(amount=total, customer="cus_1", method="pm_1", description="", metadata={}),
        method_label="Visa •••• 4242",
        origin=Origin.SCHEDULE,
        created_at=noon(START),
        sent_at=noon(START),
        leased_until=None,
        status=PaymentStatus.SUCCEEDED,
        fee=fee,
        net=net,
    )


def crediting(
    invoice: Invoice, *wanted: Wanted, day: date, notes: list[CreditNote] | None = None
) -> CreditNote:
    return credited(invoice, notes or [], wanted, number="CN-000001", now=noon(day), day=day)


def unused(invoice: Invoice, n: int, day: date) -> Wanted:
    """The days from a local day on of a line that was charged for the invoice's whole period; none may be left."""
    whole = Period(invoice.period_start_on, invoice.period_end_on)
    start = min(max(day, whole.start_on), whole.end_on)
    share = Share(days=(whole.end_on - start).days, of_days=whole.days, start_on=start, end_on=whole.end_on)
    return Wanted(line=n, share=share)


def posted(entry: Entry | None) -> dict[str, int]:
    return {str(book): amount for book, amount in entry.postings.items()} if entry else {}


def usd(amount: int) -> Money:
    return Money(amount, "usd")
