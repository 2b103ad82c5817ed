"""What letters say."""

import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from chalicelib.billing import issuing
from chalicelib.billing.deliveries import Letter
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.lines import Line
from chalicelib.billing.payments import Allocation, Payment, PaymentStatus
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account
from chalicelib.crm.contacts import Contact
from chalicelib.views.letters import Words
from tests.views.posting import AMOUNT, LINK, Reader, says, write


@pytest.fixture
def receipt(
    account: Account, contact: Contact, subscription: Subscription, invoice: Invoice, payment: Payment
):
    return write(Letter.RECEIPT, account, contact, subscription, [invoice], payment)


@pytest.fixture
def upcoming(account: Account, contact: Contact, subscription: Subscription):
    return write(Letter.UPCOMING_PAYMENT, account, contact, subscription.renewed())


@pytest.fixture
def failed(
    account: Account, contact: Contact, subscription: Subscription, invoice: Invoice, payment: Payment
):
    """Writes the letter for a decline code, and changes of the records."""

    def failing(code: str | None = "insufficient_funds", *, of=(), **changes) -> Words:
        declined = replace(payment, status=PaymentStatus.DECLINED, decline_code=code)
        again = replace(invoice, attempt_at=invoice.issued_at + timedelta(days=1))
        return write(
            Letter.PAYMENT_FAILED,
            account,
            contact,
            replace(subscription, **changes.get("subscription", {})),
            of or [replace(again, **changes.get("invoice", {}))],
            replace(declined, **changes.get("payment", {})),
            link=LINK,
        )

    return failing


def test_a_receipt_says_who_was_paid_what_for_when_and_how(receipt: Words):
    """A receipt holds the business, lines, amounts, period, number, local date, method and reference."""
    assert receipt["subject"] == "Receipt from Harbour Coffee: $1,255.00, INV-000001"
    says(
        receipt,
        "Hello Ada Lovelace,",
        "Harbour Coffee received your payment of $1,255.00 on January 31, 2026.",
    )
    says(
        receipt, "House blend", "2 × $625.00", "$1,250.00", "Tablets", "40 × $0.125", "$5.00", "Office coffee"
    )
    says(receipt, "January 31 – February 27, 2026", "INV-000001", "Visa •••• 4242", "pi_123")
    says(receipt, "hello@harbour.example")


def test_a_receipt_of_arrears_shows_every_invoice(
    account: Account, contact: Contact, subscription: Subscription, invoice: Invoice, payment: Payment
):
    """One payment of two invoices names both, with each one's period, part and lines, and the sum."""
    second = issuing.invoice_of(subscription.renewed(), "INV-000009", invoice.issued_at)
    both = (*payment.allocations, Allocation(invoice=second.id, amount=second.total))
    paid = replace(payment, amount=invoice.total + second.total, allocations=both)
    words = write(Letter.RECEIPT, account, contact, subscription, [invoice, second], paid)
    assert words["subject"].endswith("$2,510.00, INV-000001, INV-000009")
    says(words, "Invoice INV-000001", "Invoice INV-000009", "$2,510.00")
    says(words, "$1,255.00 for January 31 – February 27, 2026", "$1,255.00 for February 28 – March 30, 2026")


def test_an_upcoming_payment_says_how_much_when_and_with_what(upcoming: Words):
    """The notice names the amount, the day of the next boundary, its period and the method."""
    assert upcoming["subject"] == "Your next payment to Harbour Coffee: $1,255.00 on February 28, 2026"
    says(upcoming, "On February 28, 2026, Harbour Coffee will take $1,255.00 from Visa •••• 4242.")
    says(upcoming, "2 × $625.00", "February 28 – March 30, 2026", "There is nothing you need to do.")


def test_an_upcoming_payment_without_a_method_promises_no_charge(
    account: Account, contact: Contact, subscription: Subscription
):
    """Where no method is kept, or it was refused, the notice says so and asks for another."""
    bare = write(Letter.UPCOMING_PAYMENT, account, contact, replace(subscription, method=None), link=LINK)
    says(bare, "no payment method is kept for it", "give one on the page below")
    refused = replace(subscription, method=replace(subscription.method, refused=True))
    words = write(Letter.UPCOMING_PAYMENT, account, contact, refused, link=LINK)
    says(words, "your payment method was refused", "give another one on the page below")
    for one in (bare, words):
        assert LINK in one["text"]
        assert Reader(one["html"]).hrefs == [LINK]
        assert "will take" not in one["text"]
        assert "nothing you need to do" not in one["text"]


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("insufficient_funds", "There was not enough money available on your card or account."),
        ("expired_card", "Your card has expired."),
        ("authentication_required", "Your bank wants you to confirm this payment."),
        ("incorrect_cvc", "The details of your card were not accepted."),
        ("generic_decline", "Your bank declined the payment."),
        ("a_code_of_tomorrow", "Your bank declined the payment."),
        (None, "Your bank declined the payment."),
    ],
)
def test_a_failed_payment_says_why_in_a_buyers_words(failed, code: str | None, why: str):
    """Each decline code has its sentence, and the code itself is not shown."""
    words = failed(code)
    assert words["subject"] == "Your payment of $1,255.00 to Harbour Coffee did not go through"
    says(words, why, "$1,255.00", "Visa •••• 4242", "INV-000001", "Office coffee")
    assert code is None or code not in words["text"] + words["html"]


@pytest.mark.parametrize(
    "code", ["stolen_card", "lost_card", "pickup_card", "fraudulent", "merchant_blacklist"]
)
def test_a_suspicion_is_told_as_a_decline_and_no_more(failed, code: str):
    """Whoever reads of a lost or stolen card may be the one who took it: the letter says that the bank declined."""
    words = failed(code)
    says(words, "Your bank declined the payment.")
    assert not re.search("stolen|lost|fraud|pick|black", words["text"] + words["html"])


def test_a_payment_the_gateway_found_wrong_is_not_blamed_on_the_bank(failed):
    """What never reached a bank was not declined by one."""
    words = failed("resource_missing", payment={"reference": None})
    says(words, "The payment could not be made with this payment method.")
    assert "bank declined" not in words["text"]


def test_a_failed_payment_says_when_it_is_tried_again_and_has_the_link(failed):
    """The local day of the next attempt is told, and the link leads to what is owed."""
    words = failed()
    says(words, "It will be tried again on February 1, 2026 with Visa •••• 4242.")
    assert LINK in words["text"]
    assert Reader(words["html"]).hrefs == [LINK]


def test_what_is_not_tried_again_says_so(failed, subscription: Subscription):
    """After a hard decline or the last attempt the letter asks for another method, whatever day the retries end."""
    never = "It will not be tried again until you give another payment method."
    refused = replace(subscription.method, refused=True)
    says(failed("stolen_card", subscription={"method": refused}), never)
    says(failed(invoice={"attempt_at": None}), never)
    says(failed(subscription={"status": Status.UNPAID}), never)
    canceled = failed(subscription={"status": Status.CANCELED}, invoice={"attempt_at": None})
    says(canceled, f"Your subscription has been canceled. {never}")


def test_a_payment_that_waits_for_the_buyer_asks_to_confirm(failed):
    """Where the bank wants the buyer, nothing is called refused and no day is promised."""
    words = failed(None, payment={"status": PaymentStatus.ACTION_REQUIRED})
    assert words["subject"] == "Your bank asks you to confirm $1,255.00 to Harbour Coffee"
    says(words, "Your bank wants you to confirm this payment.", "Nothing has been paid yet.")
    assert "tried again" not in words["text"]


def test_a_late_letter_about_a_paid_invoice_asks_for_nothing(failed, invoice: Invoice):
    """If the invoice has been paid since, the letter says that nothing is owed and has no link."""
    words = failed(of=[invoice.reserved("pay_2").paid("pay_2", invoice.total, invoice.issued_at)])
    says(words, "Nothing of it is owed any more")
    assert LINK not in words["text"] + words["html"]


@pytest.mark.parametrize("kind", ["receipt", "upcoming", "failed"])
def test_text_and_html_say_the_same_amounts(kind: str, request: pytest.FixtureRequest):
    """The two versions of a letter hold the same sums of money, each as often."""
    words = request.getfixturevalue(kind)
    words = words() if kind == "failed" else words
    assert len(AMOUNT.findall(words["text"])) >= 3
    assert sorted(AMOUNT.findall(words["text"])) == sorted(AMOUNT.findall(Reader(words["html"]).text))


HOSTILE = "<script>alert('x')</script>\"&\r\nBcc: all@example.com\u202e\u2066\x00 קפה"


@pytest.fixture
def hostile(
    account: Account, contact: Contact, subscription: Subscription, invoice: Invoice, payment: Payment
):
    """All three letters, with hostile words wherever a stranger may write them."""
    account = replace(account, name=HOSTILE, email="a\r\nBcc: b@example.com")
    contact = replace(contact, name=HOSTILE)
    row = Line(id="1", name=HOSTILE, description=HOSTILE, unit_amount=Decimal(1))
    method = replace(subscription.method, label=HOSTILE)
    subscription = replace(subscription, name=HOSTILE, lines=(row,), method=method)
    invoice = replace(issuing.invoice_of(subscription, HOSTILE, invoice.issued_at), id=invoice.id)
    payment = replace(payment, method_label=HOSTILE, reference=HOSTILE)
    declined = replace(payment, status=PaymentStatus.DECLINED, decline_code=HOSTILE)
    return [
        write(Letter.RECEIPT, account, contact, subscription, [invoice], payment),
        write(Letter.UPCOMING_PAYMENT, account, contact, subscription),
        write(Letter.PAYMENT_FAILED, account, contact, subscription, [invoice], declined, link=LINK),
    ]


def test_hostile_names_stay_text(hostile: list[Words]):
    """No name becomes a tag, an attribute, a control character or an override of the direction."""
    for words in hostile:
        reader = Reader(words["html"])
        assert "script" not in reader.tags
        assert "<script>alert('x')</script>\"& Bcc: all@example.com" in reader.text
        assert not re.search("[\x00-\x09\x0b-\x1f\u202a-\u202e\u2066\u2067]", words["text"] + words["html"])
        assert not re.search("^Bcc", words["text"], re.MULTILINE)


def test_no_name_can_break_the_subject(hostile: list[Words]):
    """A subject is one line of a reasonable length, whatever the names in it, and its isolation is closed."""
    for words in hostile:
        assert len(words["subject"].splitlines()) == 1
        assert len(words["subject"]) < 200
        assert words["subject"].count("\u2068") == words["subject"].count("\u2069")


def test_a_letter_loads_nothing(receipt: Words, upcoming: Words, failed):
    """HTML letters have no image, script, form or remote style, and are read in the language they are in."""
    for words in (receipt, upcoming, failed()):
        assert not {"img", "script", "link", "form", "iframe"} & Reader(words["html"]).tags
        assert "url(" not in words["html"]
        assert '<html lang="en"' in words["html"]


def test_a_nameless_contact_is_greeted(account: Account, contact: Contact, subscription: Subscription):
    """Without a name the greeting has none, and no gap."""
    says(write(Letter.UPCOMING_PAYMENT, account, replace(contact, name=" "), subscription), "Hello,")


def test_a_nameless_subscription_is_told_by_its_lines(failed):
    """What a payment is for is always said: by the names of the lines if the subscription has none."""
    says(failed(subscription={"name": ""}), "House blend, Tablets")


def test_a_receipt_leads_to_its_page(
    account: Account, contact: Contact, subscription: Subscription, invoice: Invoice, payment: Payment
):
    """The link of a receipt opens the payment, and says so."""
    words = write(Letter.RECEIPT, account, contact, subscription, [invoice], payment, link=LINK)
    says(words, "See the receipt")
    assert LINK in words["text"]
    assert Reader(words["html"]).hrefs == [LINK]


def test_a_notice_with_a_method_that_works_has_no_link(
    account: Account, contact: Contact, subscription: Subscription
):
    """Who has nothing to do is asked for nothing."""
    words = write(Letter.UPCOMING_PAYMENT, account, contact, subscription, link=LINK)
    assert LINK not in words["text"] + words["html"]


@pytest.mark.parametrize("kept", [True, False])
def test_a_letter_asks_for_a_payment_method(
    account: Account, contact: Contact, subscription: Subscription, kept: bool
):
    """It names the method there is, if any, leads to the page, and asks for no money."""
    subscription = subscription if kept else replace(subscription, method=None)
    words = write(Letter.PAYMENT_METHOD, account, contact, subscription, link=LINK)
    reader = Reader(words["html"])
    assert LINK in reader.hrefs
    for text in (words["text"], reader.text):
        assert ("none yet" in text) is not kept
        assert ("another payment method" in text) is kept
        assert subscription.method is None or subscription.method.label in text
        assert AMOUNT.findall(text.split("Subscription")[0]) == []
    assert LINK in words["text"]
