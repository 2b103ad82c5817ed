"""A period of a subscription that is lived through: invoiced, changed, credited, and what it came to."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from chalicelib.billing import credits as notes
from chalicelib.billing import issuing, lines, proration
from chalicelib.billing.credits import CreditNote
from chalicelib.billing.discounts import UnitDiscount
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.lines import Line
from chalicelib.billing.periods import Frequency, Period
from chalicelib.billing.pricing import Model, Tier
from chalicelib.billing.proration import Settlement, Standing
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Change, Subscription

NOW = datetime(2026, 1, 1, 6, tzinfo=UTC)
START = date(2026, 1, 1)
DAY = timedelta(days=1)

prices = st.builds(
    lambda digits, places: Decimal(f"{digits}E-{places}"), st.integers(0, 10**6), st.integers(0, 4)
)
quantities = st.builds(lambda digits: Decimal(f"{digits}E-1"), st.integers(1, 200))
tables = st.sampled_from(
    [
        (None, ()),
        (
            Model.GRADUATED,
            (Tier(up_to=Decimal(5), unit_amount=Decimal(1000)), Tier(unit_amount=Decimal("799.5"))),
        ),
        (Model.VOLUME, (Tier(up_to=Decimal(10), unit_amount=Decimal(333)), Tier(unit_amount=Decimal(300)))),
        (
            Model.STAIRSTEP,
            (Tier(up_to=Decimal(3), flat_amount=Decimal(999)), Tier(flat_amount=Decimal(2501))),
        ),
    ]
)


def line(id_: str = "li_1", unit_amount: Any = 3100, quantity: Any = 1, **more: Any) -> Line:
    return Line(
        id=id_, name=id_, unit_amount=Decimal(unit_amount), quantity=Decimal(quantity), **more
    )  # fmt: skip


@st.composite
def some_line(draw: st.DrawFn, id_: str) -> Line:
    model, tiers = draw(tables)
    unit_amount = Decimal(0) if model else draw(prices)
    off = draw(st.sampled_from([(), (UnitDiscount(percent=Decimal(15)),)]))
    return line(id_, unit_amount, draw(quantities), model=model, tiers=tiers, discounts=off)


@st.composite
def line_sets(draw: st.DrawFn) -> tuple[Line, ...]:
    ids = draw(st.lists(st.sampled_from(["li_1", "li_2", "li_3"]), min_size=1, unique=True))
    return tuple(draw(some_line(id_)) for id_ in ids)


def subscription(*sold: Line, frequency: Frequency = Frequency.MONTHLY, **more: Any) -> Subscription:
    """Monthly from 1 January 2026, which has 31 days."""
    return Subscription(
        account="acct_1",
        id="sub_1",
        contact="con_1",
        currency="usd",
        frequency=frequency,
        lines=sold or (line(),),
        anchor_on=START,
        zone="UTC",
        hour=6,
        status=Status.ACTIVE,
        created_at=NOW,
        **more,
    )


@dataclass
class Lived:
    """A period that is lived through: invoiced, changed, and what came of it."""

    now: Subscription
    invoices: list[Invoice] = field(default_factory=list)
    notes: list[CreditNote] = field(default_factory=list)
    roundings: int = 0

    def __post_init__(self) -> None:
        self.issue(issuing.invoice_of(self.now, "INV-1", NOW))
        self.now = self.now.renewed()

    def issue(self, invoice: Invoice) -> None:
        self.invoices.append(invoice)
        self.roundings += len(invoice.lines) * (1 + len(invoice.discounts))

    @property
    def standing(self) -> Standing:
        return Standing(
            invoices=tuple(self.invoices),
            next_on=self.now.next_on,
            shifted=self.now.shifted,
            settled_on=self.now.settled_on,
            notes=tuple(self.notes),
            extras=self.now.extras,
        )

    def changes(self, after: Sequence[Line], on: date, *, at_once: bool = True) -> Settlement:
        """Lines take the place of those there are; charges are invoiced at once, or wait."""
        settled = proration.changed(self.standing, self.now.lines, after, on, currency="usd")
        self.credits(settled)
        settled_on = self.standing.settles_to
        after_it = self.now.changed(Change(lines=tuple(after)))
        self.now = replace(after_it, extras=settled.extras, settled_on=settled_on)
        if settled.debits and at_once:
            share = settled.debits[0].share
            assert share
            period = Period(share.start_on, share.end_on)
            self.issue(issuing.issued(self.now, settled.debits, period, "INV-2", NOW, besides=True))
            self.now = self.now.charged_besides()
        else:
            self.now = replace(self.now, extras=(*self.now.extras, *settled.debits))
        return settled

    def credits(self, settled: Settlement) -> None:
        for invoice, wanted in settled.credits:
            before = [note for note in self.notes if note.invoice == invoice.id]
            self.notes.append(notes.credited(invoice, before, wanted, number="CN-1", now=NOW, day=START))
            self.roundings += len(wanted)

    @property
    def charged(self) -> int:
        """All that was charged for the period, less what was given back; what waits for the next invoice included."""
        waiting = sum(lines.amount(one, "usd").amount for one in self.now.extras)
        given_back = sum(note.total.amount for note in self.notes)
        return sum(one.total.amount for one in self.invoices) + waiting - given_back


def amounts(settled: Settlement) -> tuple[list[int], list[int]]:
    """What is given back for each share, before other credits, and what is charged."""
    back = [
        notes.credited(invoice, [], wanted, number="CN-1", now=NOW, day=START).total.amount
        for invoice, wanted in settled.credits
    ]
    return back, [lines.amount(one, "usd").amount for one in settled.debits]


def settle(before: Subscription, after: Sequence[Line], on: date, **more: Any) -> tuple[list[int], list[int]]:
    period = Lived(before)
    return amounts(proration.changed(period.standing, before.lines, after, on, currency="usd", **more))
