"""Invoices: what was owed for each cycle, and for changes within one."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Final

from msgspec import Meta

from chalicelib.billing.instalments import MOST, Part
from chalicelib.billing.invoices import Invoice, InvoiceStatus
from chalicelib.billing.money import Money
from chalicelib.billing.numbering import name_of
from chalicelib.billing.payments import Payment
from chalicelib.crm.accounts import Moment
from chalicelib.operations import pay as once_more
from chalicelib.operations import payment_schedule
from chalicelib.operations import void as close
from chalicelib.store import keys
from chalicelib.web.bodies import Body, Id, Number
from chalicelib.web.cycles import BySubscription, Point, Walk, walk
from chalicelib.web.endpoint import Call
from chalicelib.web.paging import cursor, owned
from chalicelib.web.shown import Beside, Listed

MAX_AMOUNT: Final = 10**12


class NewInstalment(Body, frozen=True):
    """Due on a local day: `amount` in minor units of the invoice's currency, or `percent` of what is owed."""

    due_on: date
    amount: Annotated[int, Meta(ge=1, le=MAX_AMOUNT)] | None = None
    percent: Number | None = None

    def part(self) -> Part:
        """The instalment as it is asked for."""
        percent = None if self.percent is None else Decimal(self.percent)
        return Part(due_on=self.due_on, percent=percent, amount=self.amount)


class PaymentSchedule(Body, frozen=True):
    """At most 36 instalments on rising days from today on; amounts add up to what is owed, or percents to 100."""

    instalments: Annotated[tuple[NewInstalment, ...], Meta(min_length=1, max_length=MOST)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What of it is to be paid by today, the account's; `next_due_on` is when the next part falls due."""

    amount_due_now: Money
    next_due_on: date | None


def list_(call: Call, query: BySubscription) -> Listed[Invoice]:
    """All invoices, the last number first; of a subscription, or of a contact's subscriptions one after another."""
    if query.contact is None and query.subscription is None:
        return owned(call.service, Invoice, f"{call.account.id}/invoice", query)
    points, rest = _points(walk(call, query), query.limit)
    wanted = [
        keys.key(Invoice, call.account.id, name_of(point.subscription, point.invoice)) for point in points
    ]
    found = call.service.store.load(call.account.id, wanted).records
    invoices = [found[key] for key in wanted if key in found]
    return Listed([one for one in invoices if isinstance(one, Invoice)], cursor(str(rest) if rest else None))


def get(call: Call, id_: str) -> Beside[Invoice, Due]:
    """An invoice, with what of it is due today."""
    invoice, today = call.get(Invoice, id_), Moment(call.account, call.service.real()).day
    on = invoice.next_due_on(today)
    return Beside(invoice, Due(amount_due_now=invoice.due_now(today), next_due_on=on))


def schedule(call: Call, id_: str, body: PaymentSchedule) -> Invoice:
    """Split what an open invoice owes over days, in place of a schedule there was: it adds up exactly.

    One that is charged automatically is asked for each part on its day, a sent one is overdue part by part. What is
    credited later comes off the last parts first.
    """
    parts = [one.part() for one in body.instalments]
    return payment_schedule.invoice(call.service, call.account.id, id_, parts)


class Pay(Body, frozen=True):
    """The saved method to ask, the subscription's where none is named; a sent invoice's customer must have agreed to it."""

    payment_method: Id | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LastAsked:
    """The payment that was asked for; null where the customer's balance paid all."""

    last_payment: Payment | None


def pay(call: Call, id_: str, body: Pay) -> Beside[Invoice, LastAsked]:
    """Ask once more, now, for what an invoice owes; at most three times an invoice, and never on a method refused for good.

    The answer tells how the payment went: declined, the schedule goes on as it was.
    """
    invoice, payment = once_more.invoice(call.service, call.account.id, id_, body.payment_method)
    return Beside(invoice, LastAsked(last_payment=payment))


def void(call: Call, id_: str) -> Invoice:
    """Take back all that an open invoice charged, as issued in error; an applied balance goes back to the customer."""
    return _closed(call, id_, InvoiceStatus.VOID) or close.invoice(call.service, call.account.id, id_)


def mark_uncollectible(call: Call, id_: str) -> Invoice:
    """Expect no more money for an open invoice: what it owes is lost, and nobody is asked for it again."""
    done = _closed(call, id_, InvoiceStatus.UNCOLLECTIBLE)
    return done or close.uncollectible(call.service, call.account.id, id_)


def reopen(call: Call, id_: str) -> Invoice:
    """Expect money for an uncollectible invoice after all: it is owed again, and paid by a page, a person or another method."""
    done = _closed(call, id_, InvoiceStatus.OPEN)
    return done or close.reopened(call.service, call.account.id, id_)


def _closed(call: Call, id_: str, status: InvoiceStatus) -> Invoice | None:
    """What an earlier try of the same request has done."""
    before = call.service.store.get(Invoice, call.account.id, id_) if call.seed else None
    return before if before and before.status is status else None


def _points(way: Walk, limit: int) -> tuple[list[Point], Point | None]:
    """The invoices of a page, and where the next one goes on."""
    points: list[Point] = []
    for subscription in way.subscriptions:
        resumed = way.point is not None and way.point.subscription == subscription.id
        below = way.point.invoice if resumed and way.point else subscription.ordinal
        for ordinal in reversed(range(min(below, subscription.ordinal))):
            if len(points) == limit:
                return points, points[-1]
            points.append(Point(subscription=subscription.id, invoice=ordinal))
    return points, way.rest
