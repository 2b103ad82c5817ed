"""What goes back keeps the books equal to the records; what is forged or forgotten of it is told in a sentence."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.billing import laws, ledger, parts
from chalicelib.billing.credits import CreditNote, left, noted, whole_of
from chalicelib.billing.disputes import Dispute, DisputeStatus, comes_back
from chalicelib.billing.errors import Invalid, WrongState
from chalicelib.billing.events import EventType
from chalicelib.billing.gateway import DisputeTold, Processing, RefundTold, Succeeded
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.laws import Kept
from chalicelib.billing.money import Money
from chalicelib.billing.payments import FEE_LOOKS, Payment, PaymentStatus
from chalicelib.billing.refunds import Refund, RefundStatus, name_of
from tests.billing.booked import INSIDE, VAT, issued, line, noon, paying, posted, usd
from tests.billing.shop import Shop

DAY = date(2026, 2, 5)
AT = noon(DAY)


def telling(status: str, amount: int = 1000, **more: Any) -> RefundTold:
    return RefundTold(reference="re_1", amount=usd(amount), status=status, intent="pi_1", metadata={}, **more)


def refund(payment: Payment, amount: Money, **more: Any) -> Refund:
    return Refund(
        account="acct_1",
        id=name_of(payment.id, payment.refunds + 1),
        payment=payment.id,
        contact="con_1",
        subscription=payment.subscription,
        amount=amount,
        created_at=AT,
        sent_at=AT,
        **more,
    )


def dispute(payment: Payment, told: DisputeTold) -> Dispute:
    made = Dispute(
        account="acct_1",
        id=told.id,
        payment=payment.id,
        contact="con_1",
        subscription=payment.subscription,
        amount=told.amount,
        reason=told.reason,
        status=DisputeStatus(told.status),
        created_at=AT,
        withdrawn=told.withdrawn,
        fee=told.fee,
    )
    return replace(made.told(told, AT), returned=comes_back(told))


def disputing(status: str, taken: int, type_: str = "card", fee: int = 1500) -> DisputeTold:
    return DisputeTold(
        id="du_1",
        intent="pi_1",
        amount=usd(taken or 2500),
        reason="fraudulent",
        status=status,
        withdrawn=usd(taken),
        fee=usd(fee),
        type=type_,
    )


# -- by amount ------------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(
    amounts=st.lists(st.integers(1, 9999), min_size=1, max_size=4),
    taxes=st.lists(st.sampled_from([(), (VAT,), (INSIDE,), (VAT, INSIDE)]), min_size=4, max_size=4),
    asked=st.lists(st.integers(1, 9999), min_size=1, max_size=5),
)
def test_any_amounts_are_credited_to_the_cent_and_the_rest_after_them(
    amounts: list[int], taxes: list[Any], asked: list[int]
):
    """Each note's total is what was asked; no line or tax is credited beyond what it was charged, and in the end all of it is."""
    invoice = issued(*(line(amount, *tax) for amount, tax in zip(amounts, taxes, strict=False)))
    notes: list[CreditNote] = []
    inside = {tax.tax for tax in invoice.taxes if tax.inclusive}
    for n, amount in enumerate([*asked, invoice.total.amount]):
        take = min(usd(amount), parts.creditable(invoice, notes))
        if not take:
            break
        lines = parts.of_amount(invoice, notes, take)
        note = noted(invoice, lines, n + 1, number=f"CN-{n}", now=AT, day=DAY, refunding=True)
        assert (note.total, note.to_balance) == (take, take)
        notes.append(note)
        for rest in left(invoice, notes):
            assert rest.amount.amount >= 0
            assert all(tax.amount.amount >= 0 for tax in rest.taxes)
    assert all(whole_of(rest, inside) == 0 for rest in left(invoice, notes))
    assert sum(note.total.amount for note in notes) == invoice.total.amount


def test_what_is_missing_to_a_sum_of_price_and_tax_is_added_to_the_tax():
    """1.20 of a line with 19 % on top is 1.00 with 20 cents, not 19; the next 1.20 carries 18 and so sets it right."""
    invoice = issued(line(10000, VAT))
    [first] = parts.of_amount(invoice, [], usd(120))
    assert (first.amount, first.taxes[0].amount) == (usd(101), usd(19))
    [odd] = parts.of_amount(invoice, [], usd(3))
    assert (odd.amount, odd.taxes[0].amount) == (usd(2), usd(1))
    note = noted(invoice, (odd,), 1, number="CN-1", now=AT, day=DAY, refunding=True)
    [next_] = parts.of_amount(invoice, [note], usd(2))
    assert (next_.amount, next_.taxes[0].amount) == (usd(2), usd(0))


@given(st.integers(0, 10**6), st.lists(st.integers(1, 10**5), min_size=1, max_size=9))
def test_an_amount_is_shared_without_a_cent_lost(amount: int, weights: list[int]):
    """Shares sum to the amount, each within a cent of its exact part, and none is beyond its weight where all fits."""
    shares = parts.shared(amount, weights)
    assert sum(shares) == amount
    for share, weight in zip(shares, weights, strict=True):
        assert abs(Decimal(share) - Decimal(amount) * weight / sum(weights)) < 1
        assert share <= weight or amount > sum(weights)


# -- states -----------------------------------------------------------------------------------------------


def test_a_payment_gives_back_no_more_than_is_there():
    """Of 25.00, 10.00 refunded and 5.00 disputed leave 10.00; another currency, nothing and more are refused; a failure gives it back."""
    paid = paying(issued(line(2500)))
    after = paid.refunded(usd(1000)).disputed("du_1", usd(500))
    assert after.refundable == usd(1000)
    for amount in (usd(1001), usd(0), usd(-1)):
        with pytest.raises(Invalid, match="can be given back"):
            after.refunded(amount)
    with pytest.raises(Invalid, match="give it back in that"):
        after.refunded(Money(1, "eur"))
    with pytest.raises(Invalid, match="nothing of it is left to give back"):
        after.refunded(usd(1000)).refunded(usd(1))
    assert after.refund_failed(usd(1000)).refundable == usd(2000)
    assert after.disputed("du_1", usd(-500)).amount_disputed is None
    with pytest.raises(WrongState):
        replace(paid, status=PaymentStatus.DECLINED).refunded(usd(1))


def test_a_refund_goes_on_as_stripe_tells_and_ends_once():
    """Pending stays awake, succeeded may yet fail, failed stays failed, whatever comes late."""
    asked = refund(paying(issued(line(2500))), usd(1000), leased_until=AT + timedelta(minutes=2))
    assert asked.leased(AT)
    waiting = asked.told(telling("requires_action"), AT, AT)
    assert (waiting.status, waiting.leased_until, waiting.looks) == (RefundStatus.PENDING, None, 1)
    assert waiting.wake is not None
    done = waiting.told(telling("succeeded", fee=usd(0), net=usd(-1000)), AT, AT)
    assert (done.status, done.wake, done.reference) == (RefundStatus.SUCCEEDED, None, "re_1")
    assert done.told(telling("succeeded"), AT, AT) == done
    assert done.told(telling("pending"), AT, AT) == done
    failed = done.told(telling("failed", failure="lost_or_stolen_card"), AT, AT)
    assert (failed.status, failed.failure) == (RefundStatus.FAILED, "lost_or_stolen_card")
    assert failed.told(telling("succeeded"), AT, AT) == failed
    assert asked.told(telling("canceled"), AT, AT).failure == "canceled"


def test_a_fee_that_stripe_never_tells_is_not_asked_for_for_ever():
    """A payment without a fee is looked at again until it is known, or for about a week."""
    paid = replace(paying(issued(line(2500))), status=PaymentStatus.PENDING)
    waiting = paid.told(Succeeded(reference="pi_1"), AT, AT)
    assert waiting.wake is not None
    known = waiting.fee_told(Succeeded(reference="pi_1", fee=usd(103), net=usd(2397)), AT)
    assert (known.fee, known.wake) == (usd(103), None)
    assert posted(ledger.fee_known(known)) == {"fees": 103, "cash": -103}
    for _ in range(FEE_LOOKS):
        assert waiting.wake is not None
        waiting = waiting.fee_told(Processing(reference="pi_1"), AT)
    assert waiting.wake is None


def test_what_comes_back_is_taken_from_the_last_invoice_first():
    """25.00 paid 20.00 and 5.00; 7.00 come back: all of the second and 2.00 of the first are owed again."""
    first, second = issued(line(2000)), replace(issued(line(500)), id="inv_1_0002")
    back = paying(first, second).returned(usd(700))
    assert [(part.invoice, part.amount.amount) for part in back.came_back] == [
        (first.id, 200),
        ("inv_1_0002", 500),
    ]
    assert [part.amount.amount for part in back.stays] == [1800, 0]
    over = replace(paying(first), amount=usd(2100)).returned(usd(300))
    assert [part.amount.amount for part in over.came_back] == [200]
    with pytest.raises(WrongState):
        back.returned(usd(1))


# -- in another currency ------------------------------------------------------------------------------------


def test_what_is_paid_out_in_another_currency_is_told_beside_the_postings():
    """A refund, a dispute and a late fee of a dollar payment that Stripe pays out in euros post dollars, and tell the euros."""
    paid = replace(paying(issued(line(2500))), fee=Money(80, "eur"), net=Money(1920, "eur"))
    late = ledger.fee_known(paid)
    assert late is not None
    assert late.settled == ledger.Settled(cash=Money(1920, "eur"), fees=Money(80, "eur"), taken=usd(2500))
    asked = refund(paid, usd(1000))
    done = asked.told(telling("succeeded", fee=Money(0, "eur"), net=Money(-800, "eur")), AT, AT)
    entry = ledger.refunded(asked, done)
    assert entry is not None
    assert posted(entry) == {"refunds": 1000, "cash": -1000}
    assert entry.settled == ledger.Settled(cash=Money(-800, "eur"), fees=Money(0, "eur"))
    failed = ledger.refunded(done, done.failed("x", AT))
    assert failed is not None
    assert failed.settled is not None
    assert failed.settled.cash == Money(800, "eur")
    taken = replace(disputing("lost", 2500), withdrawn=Money(2000, "eur"), fee=Money(1500, "eur"))
    held = ledger.disputed(None, dispute(paid, taken))
    assert held is not None
    assert posted(held) == {"cash": -2500, "bad_debt": 2500}
    assert held.settled == ledger.Settled(cash=Money(-3500, "eur"), fees=Money(1500, "eur"))


# -- the laws -----------------------------------------------------------------------------------------------


class Counter(Shop):
    """A shop that gives back, meets disputes and returns, and learns fees late; each with the facts operations give."""

    def __init__(self) -> None:
        super().__init__(lambda _: None, "usd")
        self.refunds: list[Refund] = []
        self.disputes: list[Dispute] = []

    def kept(self) -> Kept:
        return replace(super().kept(), refunds=self.refunds, disputes=self.disputes)

    def sells(self, name: str, fee: Money | None = None) -> tuple[Invoice, Payment]:
        """25.00 invoiced and paid."""
        made = replace(issued(line(2500)), id=f"inv_{name}_0001")
        self.fact(EventType.INVOICE_OPENED, made.id, ledger.invoiced(made), made.id)
        payment = paying(made, fee=fee, net=usd(2500) - fee if fee else None)
        self.fact(EventType.PAYMENT_SUCCEEDED, payment.id, ledger.paid(payment))
        self.invoices[made.id] = made.reserved(payment.id).paid(payment.id, payment.amount, AT)
        self.payments.append(payment)
        return self.invoices[made.id], payment

    def put(self, payment: Payment) -> None:
        self.payments = [payment if one.id == payment.id else one for one in self.payments]


def full() -> Counter:
    """One payment refunded in part, one disputed and lost, one returned, one whose fee was late."""
    shop = Counter()
    owed, paid = shop.sells("a", usd(100))
    note = noted(
        owed, parts.of_amount(owed, [], usd(1000)), 1, number="CN-1", now=AT, day=DAY, refunding=True
    )
    shop.fact(EventType.CREDIT_NOTE_ISSUED, note.id, ledger.credited(note, owed, []), owed.id)
    shop.notes.append(note)
    shop.invoices[owed.id] = owed.credited(note.to_invoice, AT)
    asked = refund(paid, usd(1000), credit_notes=(note.id,))
    shop.fact(EventType.REFUND_CREATED, asked.id, ledger.refunded(None, asked))
    done = asked.told(telling("succeeded"), AT, AT)
    shop.fact(EventType.REFUND_SUCCEEDED, done.id, ledger.refunded(asked, done))
    shop.refunds.append(done)
    shop.put(paid.refunded(usd(1000)))
    _, lost = shop.sells("b", usd(100))
    shop.disputes.append(dispute(lost, disputing("lost", 2500)))
    shop.fact(EventType.DISPUTE_OPENED, "du_1", ledger.disputed(None, shop.disputes[-1]))
    shop.put(lost.disputed("du_1", usd(2500)))
    owed, back = shop.sells("c", usd(100))
    debit = replace(disputing("lost", 2500, "us_bank_account"), id="du_2")
    shop.disputes.append(dispute(back, debit))
    shop.fact(EventType.DISPUTE_OPENED, "du_2", ledger.disputed(None, shop.disputes[-1]))
    after = back.disputed("du_2", usd(2500)).returned(usd(2500))
    shop.fact(EventType.PAYMENT_RETURNED, after.id, ledger.returned(after, [owed]))
    shop.put(after)
    shop.invoices[owed.id] = owed.returned(usd(2500))
    _, late = shop.sells("d")
    known = replace(late, fee=usd(103), net=usd(2397))
    shop.fact(EventType.PAYMENT_FEE_KNOWN, known.id, ledger.fee_known(known))
    shop.put(known)
    assert laws.broken(shop.kept()) == []
    return shop


def without(kept: Kept, *words: str) -> Kept:
    """Facts of these types were never written."""
    return replace(kept, events=[one for one in kept.events if one.type.value not in words])


def payment_with(kept: Kept, n: int, **more: Any) -> Kept:
    return replace(
        kept, payments=[replace(one, **more) if i == n else one for i, one in enumerate(kept.payments)]
    )


BREAKS: dict[str, tuple[Any, str]] = {
    "forgotten refund": (lambda kept: replace(kept, refunds=[]), "and there is no such record"),
    "forged refund": (
        lambda kept: replace(kept, refunds=[replace(kept.refunds[0], amount=usd(1100))]),
        "and should have posted credits 11.00 usd, cash -11.00 usd",
    ),
    "refund of nothing": (
        lambda kept: replace(kept, refunds=[replace(kept.refunds[0], payment="pay_x")]),
        "gives back pay_x, which there is not",
    ),
    "refund without its note": (
        lambda kept: replace(kept, refunds=[replace(kept.refunds[0], credit_notes=("cn_x",))]),
        "was credited by cn_x, which there is not",
    ),
    "refund that never left": (
        lambda kept: without(kept, "refund.succeeded"),
        "What is on its way back to buyers is -10.00 usd in the books",
    ),
    "sum refunded": (
        lambda kept: payment_with(kept, 0, amount_refunded=None),
        "pay_a_0001_1 says 0.00 usd was refunded, and it is 10.00 usd",
    ),
    "forgotten dispute": (lambda kept: replace(kept, disputes=kept.disputes[1:]), "du_1 posted"),
    "dispute won on paper": (
        lambda kept: replace(
            kept, disputes=[replace(kept.disputes[0], status=DisputeStatus.WON), kept.disputes[1]]
        ),
        "du_1 posted cash -40.00 usd, fees 15.00 usd, bad_debt 25.00 usd",
    ),
    "fee of a dispute": (
        lambda kept: replace(kept, disputes=[replace(kept.disputes[0], fee=usd(0)), kept.disputes[1]]),
        "du_1 posted",
    ),
    "sum disputed": (
        lambda kept: payment_with(kept, 1, amount_disputed=usd(1)),
        "pay_b_0001_1 says 0.01 usd is disputed, and it is 25.00 usd",
    ),
    "forgotten return": (
        lambda kept: without(kept, "payment.returned"),
        "pay_c_0001_1 says 25.00 usd came back of it, and the books 0.00 usd",
    ),
    "return that reopened nothing": (
        lambda kept: payment_with(kept, 2, amount_returned=usd(2400)),
        "inv_c_0001 says 0.00 usd was paid, its payments 1.00 usd",
    ),
    "forgotten fee": (
        lambda kept: without(kept, "payment.fee_known"),
        "pay_d_0001_1 posted cash 25.00 usd, receivable -25.00 usd, and should have posted cash 23.97 usd, fees 1.03 usd",
    ),
    "note of more than its lines": (
        lambda kept: replace(kept, notes=[replace(kept.notes[0], to_balance=usd(1)), *kept.notes[1:]]),
        "which its lines do not come to",
    ),
    "line credited twice": (
        lambda kept: replace(
            kept,
            notes=[
                *kept.notes,
                *(replace(kept.notes[0], id=f"{kept.notes[0].id[:-1]}{n}") for n in range(7, 10)),
            ],
        ),
        "of it is credited",
    ),
    "forged fee": (
        lambda kept: payment_with(kept, 0, fee=usd(99), net=usd(2401)),
        "pay_a_0001_1 posted cash 24.00 usd, fees 1.00 usd",
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_what_is_forged_or_forgotten_is_told_in_a_sentence(name: str):
    """A refund, dispute, return or fee whose record and facts do not say the same is named, with what differs."""
    change, sentence = BREAKS[name]
    found = laws.broken(change(full().kept()))
    assert any(sentence in one for one in found), found
