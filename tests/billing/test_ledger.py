"""Every fact that moves money posts what it moves, and both sides are the same."""

from dataclasses import replace
from datetime import date

import pytest

from chalicelib.billing import ledger, recognition
from chalicelib.billing.credits import Wanted
from chalicelib.billing.errors import Invalid
from chalicelib.billing.ledger import Book, Entry
from chalicelib.billing.lines import Kind, Share
from chalicelib.billing.money import Money
from tests.billing.booked import (
    FEBRUARY,
    INSIDE,
    START,
    VAT,
    crediting,
    issued,
    line,
    noon,
    paying,
    posted,
    usd,
)


def test_an_invoice_defers_what_is_for_days_and_earns_what_is_sold_once():
    """Of 100.00 a month and 50.00 once, each with 19 % on top, the month is deferred, the sale revenue, the tax owed."""
    invoice = issued(line(10000, VAT), line(5000, VAT, kind=Kind.ONE_TIME), balance=1000)
    assert posted(ledger.invoiced(invoice)) == {
        "receivable": 16850,
        "credits": 1000,
        "tax": -2850,
        "deferred": -10000,
        "revenue": -5000,
    }


def test_a_tax_inside_a_price_is_no_revenue():
    """107.25 with 7.25 % inside are 100.00 deferred and 7.25 of tax."""
    assert posted(ledger.invoiced(issued(line(10725, INSIDE)))) == {
        "receivable": 10725,
        "tax": -725,
        "deferred": -10000,
    }


def test_an_invoice_of_nothing_posts_nothing_and_one_paid_from_the_balance_owes_nothing():
    """A free cycle has no entry; one the balance covers takes credits and leaves nothing receivable."""
    assert ledger.invoiced(issued(line(0))) is None
    assert posted(ledger.invoiced(issued(line(2500), balance=9000))) == {"credits": 2500, "deferred": -2500}


def test_a_payment_is_cash_after_its_fee():
    """Of 25.00 with a fee of 1.03, 23.97 is cash; a payment of two invoices takes both off what is owed, in one entry."""
    first, second = issued(line(2000)), replace(issued(line(500)), id="inv_1_0002")
    payment = paying(first, second, fee=usd(103), net=usd(2397))
    assert posted(ledger.paid(payment)) == {"cash": 2397, "fees": 103, "receivable": -2500}


def test_a_fee_that_is_not_known_is_not_posted():
    """Until Stripe tells a fee, all that was paid is cash."""
    assert ledger.paid(paying(issued(line(2500)))) == Entry(
        currency="usd", postings={Book.CASH: 2500, Book.RECEIVABLE: -2500}
    )


def test_a_fee_in_the_currency_of_the_payout_is_told_beside_the_postings():
    """25.00 usd paid out as 20.00 eur less 0.80: the postings are in usd alone, what became of the cash is beside them."""
    entry = ledger.paid(paying(issued(line(2500)), fee=Money(80, "eur"), net=Money(1920, "eur")))
    assert entry is not None
    assert posted(entry) == {"cash": 2500, "receivable": -2500}
    assert entry.settled == ledger.Settled(cash=Money(1920, "eur"), fees=Money(80, "eur"))


def test_unused_days_are_taken_from_what_is_deferred():
    """28.00 for February, given up on the 11th: ten days are earned, and the 18.00 credited was never revenue."""
    invoice = issued(line(2800))
    day = date(2026, 2, 11)
    share = Share(days=18, of_days=28, start_on=day, end_on=FEBRUARY.end_on)
    note = crediting(invoice, Wanted(line=0, share=share), day=day)
    assert posted(ledger.credited(note, invoice, [])) == {"receivable": -1800, "deferred": 1800}
    months = list(recognition.by_month(invoice, [note], FEBRUARY.start_on, START, date(2026, 12, 31)))
    assert months == [(date(2026, 2, 28), 1000)]


def test_a_credit_beyond_what_is_deferred_is_taken_from_revenue():
    """The whole of February given back on the 15th: 14 days are deferred still, the other 14 were revenue; the tax goes back."""
    invoice = issued(line(2800, VAT))
    paid = paying(invoice)
    settled = invoice.reserved(paid.id).paid(paid.id, paid.amount, noon(START))
    note = crediting(settled, Wanted(line=0), day=date(2026, 2, 15))
    assert posted(ledger.credited(note, settled, [])) == {
        "credits": -3332,
        "tax": 532,
        "deferred": 1400,
        "revenue": 1400,
    }


def test_a_void_takes_back_what_earlier_notes_left():
    """After a note of 8.00 on the 15th of February, a void on the 20th takes back the other 20.00, earned or not."""
    invoice = issued(line(2800, VAT))
    note = crediting(invoice, Wanted(line=0, amount=usd(800)), day=date(2026, 2, 15))
    after = invoice.credited(note.to_invoice, noon(START))
    entry = posted(ledger.voided(after, [note], date(2026, 2, 20)))
    # 14 days earned 14.00 by the 15th; of the 6.00 left for 14 days, five more earned 2.14.
    assert entry == {"receivable": -2380, "tax": 380, "deferred": 386, "revenue": 1614}


def test_what_is_written_off_is_lost_and_what_is_given_is_goodwill():
    """Uncollectible: from receivable to bad debt. A balance raised by a person: goodwill."""
    assert posted(ledger.written_off(issued(line(2800)))) == {"bad_debt": 2800, "receivable": -2800}
    assert posted(ledger.adjusted(usd(500))) == {"goodwill": 500, "credits": -500}
    assert posted(ledger.adjusted(usd(-500))) == {"goodwill": -500, "credits": 500}


def test_an_entry_that_does_not_balance_cannot_be_made():
    """Postings that leave a cent over are refused."""
    with pytest.raises(Invalid, match="sum to zero"):
        Entry(currency="usd", postings={Book.CASH: 1})
