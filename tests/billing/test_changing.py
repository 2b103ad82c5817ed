"""However a subscription is changed, billed, paid, paused and moved: the books balance, and no day is charged for twice."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from chalicelib.billing import credits as notes
from chalicelib.billing import gaps
from chalicelib.billing import lines as price
from chalicelib.billing.collection import Method
from chalicelib.billing.credits import CreditNote
from chalicelib.billing.discounts import Coupon, Duration, UnitDiscount
from chalicelib.billing.edits import Edit, Wanted
from chalicelib.billing.errors import Invalid, WrongState
from chalicelib.billing.events import Event
from chalicelib.billing.invoices import Invoice, InvoiceStatus
from chalicelib.billing.ledger import Book
from chalicelib.billing.lines import Kind, Line
from chalicelib.billing.money import Money
from chalicelib.billing.numbering import name_of
from chalicelib.billing.orders import Wish
from chalicelib.billing.periods import Frequency
from chalicelib.billing.pricing import Model, Tier
from chalicelib.billing.proration import Proration
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.tax import Category, TaxRate
from chalicelib.crm.accounts import Account, Moment
from chalicelib.crm.contacts import Contact
from chalicelib.operations import change, renew
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, Reading
from chalicelib.store.keys import Record

START = datetime(2026, 1, 31, 12, tzinfo=UTC)
RATES = {
    rate.id: rate
    for rate in (
        TaxRate(account="acct_1", id="txr_1", name="VAT", percentage=Decimal(19), created_at=START),
        TaxRate(account="acct_1", id="txr_2", name="GST", percentage=Decimal(7), created_at=START, inclusive=True),
        TaxRate(account="acct_1", id="txr_3", name="None", percentage=Decimal(0), created_at=START, category=Category.ZERO),
    )
}  # fmt: skip
COUPONS = {
    coupon.id: coupon
    for coupon in (
        Coupon(account="acct_1", id="third", name="A third", created_at=START, percent=Decimal("33.3"), duration=Duration.FOREVER),
        Coupon(account="acct_1", id="ten", name="Ten", created_at=START, amount=Money(1000, "usd"), duration=Duration.FOREVER),
        Coupon(account="acct_1", id="once", name="Once", created_at=START, percent=Decimal(50)),
    )
}  # fmt: skip
TIERS = (Tier(up_to=Decimal(5), unit_amount=Decimal(1000)), Tier(unit_amount=Decimal("799.5")))
FAIR = {"nothing_to_change", "lines_out_of_range", "subscription_paused", "no_next_cycle"}
often = st.sampled_from([Frequency.WEEKLY, Frequency.MONTHLY, Frequency.MONTHLY, Frequency.ANNUALLY])
numbers = st.builds(lambda digits: Decimal(f"{digits}E-1"), st.integers(1, 90))
taxes = st.lists(st.sampled_from(sorted(RATES)), max_size=2, unique=True).map(tuple)
prices = st.sampled_from([Decimal(0), Decimal("0.4"), Decimal(999), Decimal("3333.33"), Decimal(99999)])


@st.composite
def new_lines(draw: st.DrawFn) -> Line:
    if draw(st.booleans()):
        return Line(
            id="",
            name="Seats",
            unit_amount=Decimal(0),
            quantity=draw(numbers),
            model=Model.GRADUATED,
            tiers=TIERS,
        )
    off = draw(
        st.sampled_from([(), (UnitDiscount(percent=Decimal(15)),), (UnitDiscount(amount=Decimal(7)),)])
    )
    return Line(id="", name="Coffee", unit_amount=draw(prices), quantity=draw(numbers), discounts=off)


class Changing(RuleBasedStateMachine):
    """One subscription in a store of its own; everything that is written is written as a commit would write it."""

    @initialize(
        sold=st.lists(new_lines(), min_size=1, max_size=3),
        frequency=often,
        coupon=st.sampled_from(["", *COUPONS]),
    )
    def begins(self, sold, frequency, coupon):
        self.now = START
        self.records: dict[str, Record] = {}
        self._write(
            Account(
                account="acct_1", id="acct_1", name="Shop", email="s@example.com", currency="usd", zone="UTC", livemode=False,
                created_at=START,
            ),
            Contact(account="acct_1", id="con_1", name="Ada", email="a@example.com", created_at=START),
            Subscription(
                account="acct_1", id="sub_1", contact="con_1", currency="usd", frequency=frequency,
                lines=tuple(replace(line, id=f"li_{n}", taxes=("txr_1",)) for n, line in enumerate(sold, 1)),
                anchor_on=START.date(), zone="UTC", hour=6, status=Status.ACTIVE, created_at=START,
                method=Method(id="pm_1", customer="cus_1", label="Visa"), taxes=(RATES["txr_1"].tax(),),
                discounts=(COUPONS[coupon].discount(START.date()),) if coupon else (),
            ),
            *RATES.values(),
            *COUPONS.values(),
        )  # fmt: skip
        self.paid: Counter[Book] = Counter()
        self.overlapping = False
        self._bills()

    # -- the store -------------------------------------------------------------------------------

    def _write(self, *records: Record) -> None:
        for record in records:
            self.records[keys.key_of(record)] = replace(record, version=record.version + 1)

    def _changeset(self) -> tuple[Changeset, Moment]:
        reading = Reading()
        reading.records |= self.records
        return Changeset("acct_1", reading), Moment(self._one(Account)[0], self.now)

    def _one(self, type_: type) -> list[Any]:
        return [record for record in self.records.values() if isinstance(record, type_)]

    @property
    def it(self) -> Subscription:
        return self._one(Subscription)[0]

    def _bills(self) -> None:
        for _ in range(100):
            changes, at = self._changeset()
            if not at.awake(self.it.wake):
                return
            renew.step(changes, self.it, at)
            self._write(*changes.changed.values())
        raise AssertionError("it spins")

    # -- what happens ----------------------------------------------------------------------------

    @rule(days=st.integers(1, 40))
    def time_passes(self, days):
        self.now += timedelta(days=days)
        self._bills()

    @rule(first=st.booleans())
    def an_invoice_is_paid(self, first):
        open_ = [one for one in self._one(Invoice) if one.status is InvoiceStatus.OPEN]
        if open_:
            invoice = open_[0 if first else -1]
            due = invoice.amount_due
            self.paid[Book.RECEIVABLE] -= due.amount
            self.paid[Book.CASH] += due.amount
            self._write(replace(invoice, status=InvoiceStatus.PAID, amount_paid=due, attempt_at=None))

    @rule(
        lines=st.none() | st.lists(new_lines(), max_size=2),
        stay=st.integers(0, 3),
        quantity=st.none() | numbers,
        tax=taxes,
        coupons=st.none() | st.lists(st.sampled_from(sorted(COUPONS)), unique=True).map(tuple),
        frequency=st.none() | st.none() | often,
        how=st.sampled_from([*Proration, *Proration]),
    )
    def it_is_changed(self, lines, stay, quantity, tax, coupons, frequency, how):  # noqa: PLR0917 - hypothesis names them
        values = {} if quantity is None else {"quantity": quantity, "taxes": tax}
        wished = None
        if lines is not None:
            there = [
                Edit(id=line.id, values=values if n == 0 else {})
                for n, line in enumerate(self.it.lines[:stay])
            ]
            wished = (*there, *(Wish(line=line, taxes=tax) for line in lines))
        quantities = {} if lines is not None or quantity is None else {self.it.lines[0].id: quantity}
        wanted = Wanted(
            lines=wished, quantities=quantities, coupons=coupons, frequency=frequency, proration=how, force=True,
        )  # fmt: skip
        before = self.it
        changes, at = self._changeset()
        try:
            after = change.folded(changes, "sub_1", wanted, at, tax_unasked)
        except (Invalid, WrongState) as refused:
            if refused.code not in FAIR:
                raise
            return
        assert after.lines == before.lines or how is not Proration.NONE
        self._write(*changes.changed.values())
        again, _ = self._changeset()
        if self.it.next_on > self.now.date():
            assert change.folded(again, "sub_1", wanted, at, tax_unasked).lines == self.it.lines
            assert not [one for one in again.changed.values() if isinstance(one, Invoice | CreditNote)]
        self._bills()

    @rule(days=st.integers(1, 40), shifts=st.booleans(), prorates=st.booleans())
    def it_rests(self, days, shifts, prorates):
        try:
            self._write(gaps.paused(self.it, self.now))
        except WrongState:
            return
        self.now += timedelta(days=days)
        self._bills()
        self._write(gaps.resumed(self.it, self.now.date(), shifts=shifts, prorates=prorates and not shifts))
        self._bills()

    @rule(days=st.integers(-3, 6), prorates=st.booleans())
    def its_date_is_moved(self, days, prorates):
        on = self.it.next_on + timedelta(days=days)
        try:
            self._write(gaps.moved(self.it, self.now, on, prorates=prorates and days > 0, force=True))
        except (Invalid, WrongState):
            return
        self.overlapping |= days < 0  # a date that is moved nearer bills days again that were billed
        self._bills()

    # -- what holds ------------------------------------------------------------------------------

    @invariant()
    def the_books_are_the_records(self):
        """Receivable is what open invoices owe, credits what customers have, and every entry balances."""
        books = Counter(self.paid)
        for event in self._one(Event):
            books.update(event.entry.postings if event.entry else {})
        assert sum(books.values()) == 0
        assert books[Book.RECEIVABLE] == sum(one.amount_due.amount for one in self._one(Invoice))
        balances = [one.amount for contact in self._one(Contact) for one in contact.balances]
        assert -books[Book.CREDITS] == sum(balances)
        assert all(amount >= 0 for amount in balances)

    @invariant()
    def invoices_and_notes_are_whole(self):
        """Ordinals and numbers have no gap, amounts are never negative, and nothing is given back beyond what was charged."""
        invoices = self._one(Invoice)
        assert {one.id for one in invoices} == {name_of("sub_1", n) for n in range(self.it.ordinal)}
        for kind, prefix in ((Invoice, "INV-"), (CreditNote, "CN-")):
            given = sorted(one.number for one in self._one(kind))
            assert given == [f"{prefix}{n:06d}" for n in range(1, len(given) + 1)]
        for invoice in invoices:
            assert all(line.amount.amount >= 0 for line in invoice.lines)
            of_it = [note for note in self._one(CreditNote) if note.invoice == invoice.id]
            assert all(one.amount.amount >= 0 for one in notes.left(invoice, of_it))
            assert invoice.amount_due.amount >= 0

    @invariant()
    def no_line_is_charged_twice_for_a_day(self):
        """Of each line no day is charged by two at once: what was given back for days, or is cut, makes room for the next.

        Lines whose single day is worth less than half a cent are left aside: some of their days come back as nothing.
        """
        sold = [span for invoice in self._one(Invoice) for span in self._spans(invoice)]
        sold += [
            (line.id, line.share.start_on, line.share.end_on)
            for line in self.it.extras
            if line.kind is Kind.PRORATION and 2 * price.amount(line, "usd").amount >= line.share.days
        ]
        for n, (id_, start, end) in enumerate(sold):
            for other, other_start, other_end in sold[n + 1 :]:
                assert id_ != other or self.overlapping or end <= other_start or other_end <= start

    def _spans(self, invoice: Invoice) -> list[Any]:
        spans = []
        given_back = {
            line.line: line.share.days
            for note in self._one(CreditNote)
            if note.invoice == invoice.id
            for line in note.lines
            if line.share
        }
        for n, line in enumerate(invoice.lines):
            start = line.share.start_on if line.share else invoice.period_start_on
            end = line.share.end_on if line.share else invoice.period_end_on
            if 2 * line.charged.amount >= (end - start).days:
                spans.append((line.id, start, end - timedelta(days=given_back.get(n, 0))))
        return spans


def tax_unasked(subscription: str, question: Any) -> Any:
    raise AssertionError("nothing here is taxed automatically")


TestChanging = Changing.TestCase
TestChanging.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


def test_a_change_of_too_many_invoices_at_once_is_refused():
    """Thirty-three lines, each charged besides; to give all of them back at once is more than one transaction takes."""
    shop = Changing()
    line = Line(id="", name="Seat", unit_amount=Decimal(10000))
    shop.begins(sold=[line] * 33, frequency=Frequency.MONTHLY, coupon="")
    for n in range(33):
        wanted = Wanted(quantities={f"li_{n + 1}": Decimal(2)}, proration=Proration.INVOICE_NOW)
        changes, at = shop._changeset()
        change.folded(changes, "sub_1", wanted, at, tax_unasked)
        shop._write(*changes.changed.values())
    assert shop.it.besides == 33
    changes, at = shop._changeset()
    wanted = Wanted(frequency=Frequency.ANNUALLY, proration=Proration.INVOICE_NOW)
    with pytest.raises(WrongState) as refused:
        change.folded(changes, "sub_1", wanted, at, tax_unasked)
    assert refused.value.code == "change_too_large"
