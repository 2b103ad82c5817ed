"""After any facts in any order the books are equal to the records; a record that differs is named."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.billing import laws, ledger, recognition
from chalicelib.billing.credits import Wanted, left
from chalicelib.billing.events import EventType
from chalicelib.billing.invoices import InvoiceStatus
from chalicelib.billing.ledger import Book
from tests.billing.booked import START, VAT, crediting, issued, line, noon, paying, usd
from tests.billing.shop import Shop

ACTS = [
    Shop.time_passes,
    Shop.issue,
    Shop.pay,
    Shop.credit,
    Shop.credit,
    Shop.void,
    Shop.write_off,
    Shop.adjust,
    Shop.apply,
]


@settings(max_examples=300, deadline=None)
@given(data=st.data(), acts=st.lists(st.sampled_from(ACTS), min_size=3, max_size=25))
def test_any_facts_in_any_order_keep_the_books_equal_to_the_records(data: st.DataObject, acts: list[Any]):
    """Whatever is issued, applied, paid, credited, voided, written off and adjusted, no law breaks at any moment.

    And nothing that happens changes what days before have earned: a month that was closed stays as it was.
    """
    shop = Shop(data.draw, data.draw(st.sampled_from(["usd", "jpy", "kwd"])))
    for act in [Shop.issue, *acts]:
        closed = shop.earned_before_today()
        act(shop)
        assert laws.broken(shop.kept()) == []
        if act is not Shop.time_passes:
            assert shop.earned_before_today() | closed == shop.earned_before_today()


@settings(max_examples=100, deadline=None)
@given(data=st.data(), acts=st.lists(st.sampled_from(ACTS), min_size=3, max_size=20))
def test_when_all_days_are_over_revenue_is_what_was_charged_and_not_given_back(
    data: st.DataObject, acts: list[Any]
):
    """By the end nothing is deferred, and revenue with what was earned is the net of lines less that of notes, void none."""
    shop = Shop(data.draw, "usd")
    for act in [Shop.issue, *acts]:
        act(shop)
    books = laws.sums(event.entry for event in shop.events)
    for invoice in shop.invoices.values():
        for day, amount in recognition.by_month(
            invoice, shop.of(invoice), invoice.issued_at.date(), START, laws.END
        ):
            assert day >= invoice.issued_at.date()
            books["usd", Book.DEFERRED] += amount
            books["usd", Book.REVENUE] -= amount
    charged = sum(
        recognition.net(invoice, rest.amount.amount, rest.taxes)
        for invoice in shop.invoices.values()
        if invoice.status is not InvoiceStatus.VOID
        for rest in left(invoice, shop.of(invoice))
    )
    assert (books["usd", Book.DEFERRED], books["usd", Book.REVENUE]) == (0, -charged)


def sound() -> Shop:
    """An invoice paid, credited in part and one still open."""
    shop = Shop(lambda _: None, "usd")
    for n, one in enumerate([issued(line(2800, VAT)), replace(issued(line(500)), id="inv_1_0002")]):
        shop.invoices[one.id] = one
        shop.fact(EventType.INVOICE_OPENED, one.id, ledger.invoiced(one), one.id)
        if n == 0:
            payment = paying(one, fee=usd(100), net=usd(3232))
            shop.payments.append(payment)
            shop.fact(EventType.PAYMENT_SUCCEEDED, payment.id, ledger.paid(payment))
            paid = one.reserved(payment.id).paid(payment.id, payment.amount, noon(START))
            note = crediting(paid, Wanted(line=0, amount=usd(800)), day=date(2026, 2, 5))
            shop.fact(EventType.CREDIT_NOTE_ISSUED, note.id, ledger.credited(note, paid, []), one.id)
            shop.invoices[one.id] = paid.credited(note.to_invoice, noon(START))
            shop.notes.append(note)
            shop.balance = note.to_balance
    assert laws.broken(shop.kept()) == []
    return shop


def test_a_fact_that_was_never_posted_is_named():
    """Without the entry of a payment, the sums of paid and owed are wrong, and the payment is named."""
    shop = sound()
    kept = replace(shop.kept(), events=[one for one in shop.events if not one.id.startswith("evt_pay")])
    found = laws.broken(kept)
    assert found[:2] == [
        "What is owed is 38.32 usd in the books, and 5.00 usd by the records (debit above zero).",
        "What was paid is 0.00 usd in the books, and 33.32 usd by the records (debit above zero).",
    ]
    assert any(sentence.startswith("pay_1_0001_1 posted nothing") for sentence in found)


BREAKS: dict[str, tuple[Any, str]] = {
    "balance": (lambda kept: replace(kept, balances=[]), "What customers have to their credit is -9.52 usd"),
    "payment": (lambda kept: replace(kept, payments=[]), "says 33.32 usd was paid, its payments 0.00 usd"),
    "note": (lambda kept: replace(kept, notes=[]), "counts 1 credit notes, and there are 0"),
    "invoice": (lambda kept: replace(kept, invoices=kept.invoices[1:]), "which there is not"),
    "status": (
        lambda kept: replace(
            kept, invoices=[kept.invoices[0], replace(kept.invoices[1], status=InvoiceStatus.PAID)]
        ),
        "inv_1_0002 is paid, and 5.00 usd of it is open",
    ),
    "day": (
        lambda kept: replace(kept, notes=[replace(kept.notes[0], issued_on=date(2026, 2, 27))]),
        "cn_1_0001_1 posted",
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_record_that_differs_from_the_books_is_found(name: str):
    """A balance, payment, note, invoice, status or day that is not what was posted breaks a law that says which."""
    change, said = BREAKS[name]
    assert said in " ".join(laws.broken(change(sound().kept())))
