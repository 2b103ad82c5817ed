"""What people do about an invoice: ask once more, at most three times, and write down what came another way."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.billing import ledger, receipts
from chalicelib.billing.dunning import RetryPolicy
from chalicelib.billing.errors import Invalid, WrongState
from chalicelib.billing.invoices import Invoice, InvoiceStatus
from chalicelib.billing.ledger import Book
from chalicelib.billing.money import Money
from chalicelib.billing.payments import Allocation, Origin, Payment, PaymentStatus
from tests.billing.test_invoices import DAY, NOW, POLICY, issued, usd

PAYMENT = "pay_1_0002_1"


def failing(total: int = 2500) -> Invoice:
    """Declined once: asked again in a day."""
    owed = issued(total)
    return owed.reserved(owed.next_payment()).declined(POLICY, NOW, hard=False)


def by_hand(invoice: Invoice) -> Invoice:
    return invoice.asked_by_hand(invoice.next_payment())


def test_a_person_asks_three_times_at_most():
    """Each time is a payment as any other and counts beside; a fourth is refused, and so is what is not open."""
    owed = failing()
    for n in range(1, 4):
        owed = by_hand(owed)
        assert (owed.by_hand, owed.attempts, owed.payment) == (n, n + 1, f"pay_1_0002_{n + 1}")
        owed = owed.refused_by_hand(POLICY, NOW + timedelta(hours=n))
    with pytest.raises(WrongState, match="manual_retries_used"):
        by_hand(owed)
    with pytest.raises(WrongState, match="invoice_not_open"):
        by_hand(replace(owed, status=InvoiceStatus.PAID))


def test_a_refusal_by_hand_leaves_the_schedule_as_it_was():
    """The next attempt stays; one whose moment has passed meanwhile is the schedule's next one, or none is left."""
    owed = by_hand(failing())
    assert owed.refused_by_hand(POLICY, NOW + timedelta(hours=5)).attempt_at == NOW + DAY
    assert owed.refused_by_hand(POLICY, NOW + DAY).attempt_at == NOW + 3 * DAY
    assert owed.refused_by_hand(POLICY, NOW + 8 * DAY).attempt_at is None
    resting = by_hand(failing().left_open())
    assert resting.refused_by_hand(POLICY, NOW + 8 * DAY).attempt_at is None
    never_asked = by_hand(issued())
    assert never_asked.refused_by_hand(POLICY, NOW + DAY).attempt_at == NOW


def test_attempts_by_hand_do_not_use_up_a_debits():
    """A debit that comes back late is presented again though a person asked in between."""
    owed = by_hand(failing()).refused_by_hand(POLICY, NOW, "us_bank_account")
    late = owed.reserved(owed.next_payment())
    again = late.declined(RetryPolicy(), NOW + 9 * DAY, hard=False, type_="us_bank_account")
    assert again.attempt_at == NOW + 13 * DAY


def test_a_policy_makes_a_decline_hard():
    """What the policy says is hard is, beside what was hard already; a success is judged by nothing."""
    payment = recorded(2500)
    for code, type_, hard in (
        ("do_not_honor", "", True),
        ("insufficient_funds", "", False),
        ("stolen_card", "", True),
        ("insufficient_funds", "sepa_debit", False),
        ("account_closed", "sepa_debit", True),
        ("account_closed", "", False),
    ):
        declined = replace(payment, status=PaymentStatus.DECLINED, decline_code=code, method_type=type_)
        assert declined.judged(RetryPolicy(hard_declines=("do_not_honor",))).hard is hard, (code, type_)
    assert payment.judged(RetryPolicy(hard_declines=("do_not_honor",))) is payment


# -- what came another way ----------------------------------------------------------------------------


def recorded(amount: int, *parts: tuple[str, int]) -> Payment:
    return Payment(
        account="acct_1",
        id=PAYMENT,
        subscription="sub_1",
        contact="con_1",
        amount=usd(amount),
        allocations=tuple(Allocation(invoice=name, amount=usd(part)) for name, part in parts),
        method_label="Check",
        origin=Origin.HAND,
        created_at=NOW,
        sent_at=NOW,
        leased_until=None,
        status=PaymentStatus.SUCCEEDED,
    )


def owed(n: int, due: int, *, sent: bool = False) -> Invoice:
    return replace(issued(due), id=f"inv_{n}", due_on=date(2026, 3, n) if sent else None)


@pytest.mark.parametrize(
    ("amount", "dues", "parts"),
    [
        (2500, [(2500, False)], [2500]),
        (1000, [(2500, False)], [1000]),
        (2480, [(2500, False)], [2450]),  # fifty cents stay, which Stripe can charge
        (2480, [(2500, True)], [2480]),
        (30, [(60, False)], [10]),
        (20, [(60, True)], [20]),
        (4000, [(2500, False), (1000, True)], [2500, 1000]),
        (4000, [(1000, False), (2500, True), (2500, True)], [1000, 2500, 500]),
        (100, [], []),
    ],
)
def test_what_came_pays_in_order(amount: int, dues: list[tuple[int, bool]], parts: list[int]):
    """As far as it goes; of what is charged automatically so much stays open that it can be charged, or nothing."""
    invoices = [owed(n, due, sent=sent) for n, (due, sent) in enumerate(dues, 1)]
    assert [part.amount.amount for part in receipts.allocated(usd(amount), invoices)] == parts


@given(st.integers(1, 10**6), st.lists(st.tuples(st.integers(1, 10**5), st.booleans()), max_size=6))
def test_no_cent_that_came_is_lost(amount: int, dues: list[tuple[int, bool]]):
    """What is allocated and what is beyond is what came; nobody is paid more than is owed, and what stays of a charged one can be charged."""
    invoices = [owed(n, due, sent=sent) for n, (due, sent) in enumerate(dues, 1)]
    made = recorded(
        amount, *((p.invoice, p.amount.amount) for p in receipts.allocated(usd(amount), invoices))
    )
    assert sum(part.amount.amount for part in made.allocations) + made.overpaid.amount == amount
    by_id = {invoice.id: invoice for invoice in invoices}
    for part in made.allocations:
        rest = by_id[part.invoice].amount_due.amount - part.amount.amount
        assert (
            rest == 0
            or by_id[part.invoice].due_on is not None
            or rest >= min(50, by_id[part.invoice].amount_due.amount)
        )


def test_what_is_due_first_is_paid_first():
    """A sent invoice by its day, another by the day it was issued; then by number."""
    late, soon = owed(9, 100, sent=True), owed(1, 100, sent=True)
    charged = owed(1, 100)  # issued on the 28th of February
    assert sorted([late, soon, charged], key=receipts.oldest_first) == [charged, soon, late]


def test_money_received_pays_an_invoice_in_part_or_in_whole():
    """In part it stays open and is asked for the rest on its schedule; in whole it is paid, by that payment; held by another it is refused."""
    before = failing()
    part = before.received(PAYMENT, usd(1000), NOW)
    assert (part.status, part.amount_due, part.attempt_at) == (
        InvoiceStatus.OPEN,
        usd(1500),
        before.attempt_at,
    )
    assert (part.payment, part.paid_by, part.attempts) == (None, PAYMENT, 2)
    whole = part.received("pay_1_0002_3", usd(1500), NOW + DAY)
    assert (whole.status, whole.paid_at, whole.wake) == (InvoiceStatus.PAID, NOW + DAY, None)
    with pytest.raises(WrongState, match="payment_open"):
        by_hand(before).received(PAYMENT, usd(1), NOW)


def test_the_books_of_what_came_and_was_taken_back():
    """It is in the bank, pays what was owed, and is the customer's beyond; taken back, nothing of it is left."""
    made = recorded(3000, ("inv_1", 2500))
    entry = ledger.paid(made)
    assert entry is not None
    assert entry.postings == {Book.BANK: 3000, Book.RECEIVABLE: -2500, Book.CREDITS: -500}
    back = ledger.returned(made.returned(made.amount), [owed(1, 2500)])
    assert back is not None
    assert back.postings == {book: -amount for book, amount in entry.postings.items()}


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"amount": usd(0)}, "amount_out_of_range", "amount.amount"),
        ({"amount": Money(-1, "usd")}, "amount_out_of_range", "amount.amount"),
        ({"received_on": date(2026, 3, 1)}, "received_on_out_of_range", "received_on"),
        ({"received_on": date(1999, 12, 31)}, "received_on_out_of_range", "received_on"),
        ({"reference": "x" * 141}, "text_too_long", "reference"),
        ({"note": "x" * 501}, "text_too_long", "note"),
    ],
)
def test_what_nobody_can_have_received_is_refused(change, code: str, param: str):
    """Nothing, less than nothing, money of tomorrow or of another century; each names its field."""
    said = {"amount": usd(1), "received_on": date(2026, 2, 28), "reference": "x" * 140, "note": "x" * 500}

    def check(amount, received_on, **words):
        receipts.check(amount, received_on, date(2026, 2, 28), **words)

    check(**said)
    with pytest.raises(Invalid) as refused:
        check(**said | change)
    assert (refused.value.code, refused.value.param) == (code, param)
