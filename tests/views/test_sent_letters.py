"""What letters about sent invoices say."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from chalicelib.billing import issuing
from chalicelib.billing.collection import Collection, CollectionMethod
from chalicelib.billing.deliveries import Letter
from chalicelib.billing.instalments import Instalment
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.money import Money
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account
from chalicelib.crm.contacts import Contact
from tests.views.conftest import NOW
from tests.views.posting import LINK, Reader, write

DUE_ON = date(2026, 2, 14)


@pytest.fixture
def by_invoice(subscription: Subscription) -> Subscription:
    """Paid by invoice within two weeks."""
    how = Collection(way=CollectionMethod.SEND_INVOICE, days_until_due=14)
    return replace(subscription, method=None, collection=how)


@pytest.fixture
def sent(by_invoice: Subscription) -> Invoice:
    return issuing.invoice_of(by_invoice, "INV-000001", NOW)


def test_an_invoice_says_what_by_when_and_where(
    account: Account, contact: Contact, by_invoice: Subscription, sent: Invoice
):
    """The letter has the invoice's lines, its day in the account's zone, and the link to its page; text and HTML agree."""
    words = write(Letter.INVOICE, account, contact, by_invoice, [sent], link=LINK)
    assert words["subject"] == "Invoice INV-000001 from Harbour Coffee: $1,255.00"
    asked = "Harbour Coffee asks you to pay $1,255.00 by February 14, 2026."
    shown = Reader(words["html"])
    assert asked in words["text"]
    assert asked in shown.text
    assert "House blend" in shown.text
    assert LINK in words["text"]
    assert shown.hrefs == [LINK]
    assert "See the invoice and pay it" in shown.text


def test_what_is_not_paid_online_says_so(
    account: Account, contact: Contact, by_invoice: Subscription, sent: Invoice
):
    """Without online payment the letter leads to the invoice, and leaves how to pay it to the business."""
    how = replace(by_invoice.collects, online=False)
    words = write(Letter.INVOICE, account, contact, replace(by_invoice, collection=how), [sent], link=LINK)
    assert "Harbour Coffee will tell you how to pay it." in words["text"]
    assert "pay it\n" not in words["text"].partition(LINK)[0].rpartition("\n\n")[2]


def test_the_first_of_what_is_charged_after_it_says_that_its_method_is_kept(
    account: Account, contact: Contact, by_invoice: Subscription, sent: Invoice
):
    """Whoever pays a first invoice is told before that they will be charged on what they pay it with."""
    how = replace(by_invoice.collects, way=CollectionMethod.CHARGE_AFTER_FIRST_INVOICE)
    words = write(Letter.INVOICE, account, contact, replace(by_invoice, collection=how), [sent], link=LINK)
    assert "What you pay it with is kept for the payments after it." in words["text"]


def test_an_overdue_invoice_says_since_when(
    account: Account, contact: Contact, by_invoice: Subscription, sent: Invoice
):
    """The day after, all of it is late; of instalments only the part that is; paid meanwhile, nothing is."""
    late = DUE_ON + timedelta(days=1)
    words = write(Letter.OVERDUE, account, contact, by_invoice, [sent], today=late, link=LINK)
    assert words["subject"] == "Invoice INV-000001 from Harbour Coffee is overdue"
    assert "asked you to pay $1,255.00 by February 14, 2026, and has not received it." in words["text"]
    parts = (
        Instalment(on=DUE_ON, amount=Money(25500, "usd")),
        Instalment(on=DUE_ON + timedelta(days=30), amount=Money(100_000, "usd")),
    )
    split = sent.split(parts, NOW)
    words = write(Letter.OVERDUE, account, contact, by_invoice, [split], today=late, link=LINK)
    assert "asked you to pay $255.00 by February 14, 2026" in words["text"]
    assert "March 16, 2026: $1,000.00" in words["text"]
    words = write(Letter.OVERDUE, account, contact, by_invoice, [sent.settled(NOW)], today=late, link=LINK)
    assert "It has been paid in the meantime" in words["text"]
    assert LINK not in words["text"]
