"""Whatever can be sold: any lines, tiers, discounts, coupons, fees and taxes, and credits of them, make documents that add up."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import event, given, settings
from hypothesis import strategies as st

from chalicelib.billing import parts
from chalicelib.billing.credits import CreditNote, Wanted, credited, left, noted
from chalicelib.billing.errors import Invalid
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.issuing import invoice_of
from chalicelib.billing.money import Money
from chalicelib.billing.tax import Category, Tax
from chalicelib.views.einvoice import xml
from tests.billing import sold
from tests.einvoice import official, read
from tests.einvoice.shelf import BUSINESS, LATER, NOW
from tests.einvoice.test_valid import check_sums

KINDS = (Category.STANDARD, Category.ZERO, Category.EXEMPT, Category.REVERSE_CHARGE, Category.EXPORT)
percents = st.sampled_from([Decimal(19), Decimal("5.5"), Decimal("8.875"), Decimal(100), Decimal("0.5")]) | st.builds(
    lambda digits: Decimal(f"{digits}E-6"), st.integers(500_000, 100_000_000)
)  # fmt: skip


@st.composite
def rates(draw: st.DrawFn) -> tuple[Tax, ...]:
    """Four rates of any category, inside prices or on top of them."""
    made = []
    for id_ in sold.TAXES:
        kind = draw(st.sampled_from(KINDS))
        percent = draw(percents) if kind is Category.STANDARD else Decimal(0)
        inclusive = draw(st.booleans())
        made.append(Tax(id=id_, name=f"VAT {id_}", percent=percent, inclusive=inclusive, category=kind))
    return tuple(made)


@st.composite
def invoices(draw: st.DrawFn) -> Invoice:
    """One to five lines of one tax each, in currencies that EN 16931 has room for."""
    currency = draw(st.sampled_from(("eur", "usd", "jpy")))
    lines = [
        replace(line, taxes=(draw(st.sampled_from(sold.TAXES)),))
        for line in (draw(sold.lines(n)) for n in range(draw(st.integers(1, 5))))
    ]
    fees = [
        replace(fee, taxes=(draw(st.sampled_from(sold.TAXES)),))
        for fee in (draw(sold.fees(currency)) for _ in range(draw(st.integers(0, 2))))
    ]
    sale = sold.subscription(
        *lines,
        currency=currency,
        taxes=draw(rates()),
        discounts=tuple(draw(sold.coupons(n, currency)) for n in range(draw(st.integers(0, 3)))),
        fees=tuple(fees),
    )
    return invoice_of(sale, "INV-1", NOW, balance=draw(st.just(0) | st.integers(0, 10**9)))


@st.composite
def notes(draw: st.DrawFn, of: Invoice) -> CreditNote | None:
    """Of some lines, or of a sum; None where there is nothing to give back."""
    rest = [line for line in left(of, ()) if line.amount]
    if not rest:
        return None
    creditable = parts.creditable(of, ()).amount
    if draw(st.booleans()):
        lines = parts.of_amount(of, (), Money(draw(st.integers(1, creditable)), of.currency))
        return noted(of, lines, 1, number="CN-1", now=LATER, day=LATER.date())
    wanted = [
        Wanted(line=line.line, amount=Money(draw(st.integers(1, line.amount.amount)), of.currency))
        for line in draw(st.lists(st.sampled_from(rest), min_size=1, unique_by=lambda line: line.line))
    ]
    return credited(of, (), wanted, number="CN-1", now=LATER, day=LATER.date())


def check(invoice: Invoice, note: CreditNote | None) -> None:
    for written in (xml.cii(invoice, note, BUSINESS), xml.ubl(invoice, note, BUSINESS)):
        assert official.fits(written) == []
        verdict = official.judged(written)
        assert (verdict.failed, verdict.warned) == ((), ())
        found = read.figures(written)
        check_sums(found, invoice.currency)
        owed = note.total if note else invoice.amount_open
        assert Money(owed.amount, invoice.currency).major() == found.due


@settings(max_examples=150, deadline=None)
@given(invoices())
def test_any_invoice_is_valid(invoice: Invoice):
    """Of parties that lack nothing, no invoice of one tax a line is refused; one in yen may be, by what rounding left."""
    check_or_refused(invoice, None)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_credit_note_is_valid_or_says_why(data: st.DataObject):
    """One is only refused where the taxes of many parts, each rounded, differ from that of their sum by a whole unit."""
    invoice = data.draw(invoices())
    note = data.draw(notes(invoice))
    if note is None:
        return
    check_or_refused(invoice, note)


def check_or_refused(invoice: Invoice, note: CreditNote | None) -> None:
    """A rule takes less than one unit of currency: in yen several roundings may come to one, in cents they cannot here."""
    try:
        check(invoice, note)
    except Invalid as refused:
        event("refused")
        if invoice.currency != "jpy" or "BT-117" not in refused.detail:
            raise
