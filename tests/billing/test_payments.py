"""A payment at the gateway always has its next moment and its end, whatever is said of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.billing import gateway
from chalicelib.billing.collection import Method
from chalicelib.billing.gateway import (
    ActionRequired,
    AtCheckout,
    Canceled,
    Declined,
    Outcome,
    Processing,
    Request,
    Succeeded,
    Unknown,
)
from chalicelib.billing.issuing import invoice_of
from chalicelib.billing.money import Money
from chalicelib.billing.payments import (
    KEY_LIVES,
    LEASE,
    PAUSES,
    SETTLED,
    Allocation,
    Origin,
    Payment,
    PaymentStatus,
)
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.wake import Topic, Wake
from chalicelib.crm.accounts import Account, Moment
from chalicelib.operations.outcomes import written
from chalicelib.store.changes import Changeset, Reading
from chalicelib.store.keys import Record, key_of
from tests.billing.monthly import AMEX, VISA, sold

NOW = datetime(2026, 2, 28, 6, tzinfo=UTC)
REAL = datetime(2026, 1, 5, 12, tzinfo=UTC)
TOTAL = Money(2500, "usd")
PAGE_LIVES = timedelta(minutes=31)


def pending(invoice: str = "inv_1_0001") -> Payment:
    """Reserved just now, with a lease, as operations/collect makes it."""
    return Payment(
        account="acct_1",
        id="pay_1_0001_1",
        subscription="sub_1",
        contact="con_1",
        amount=TOTAL,
        allocations=(Allocation(invoice=invoice, amount=TOTAL),),
        request=Request(
            amount=TOTAL,
            customer="cus_1",
            method="pm_visa",
            description="INV-000001",
            metadata={"account": "acct_1", "payment": "pay_1_0001_1"},
        ),
        method_label="Visa •••• 4242",
        origin=Origin.SCHEDULE,
        created_at=NOW,
        sent_at=REAL,
        leased_until=REAL + LEASE,
    )


# One of each, with the state it leads to.
OUTCOMES: dict[type, tuple[Outcome, PaymentStatus]] = {
    Succeeded: (
        Succeeded(reference="pi_1", fee=Money(103, "usd"), net=Money(2397, "usd")),
        PaymentStatus.SUCCEEDED,
    ),
    Declined: (Declined(code="do_not_honor", hard=False, reference="pi_1"), PaymentStatus.DECLINED),
    ActionRequired: (ActionRequired(reference="pi_1"), PaymentStatus.ACTION_REQUIRED),
    AtCheckout: (
        AtCheckout(
            session="cs_1", url="https://checkout.stripe.com/c/pay/cs_1", expires_at=REAL + PAGE_LIVES
        ),
        PaymentStatus.CHECKOUT,
    ),
    Processing: (Processing(reference="pi_1"), PaymentStatus.PROCESSING),
    Canceled: (Canceled(reference="pi_1"), PaymentStatus.CANCELED),
    Unknown: (Unknown(reason="No answer within 20 s."), PaymentStatus.HELD),
}
OPEN = [status for status in PaymentStatus if status not in SETTLED]
outcomes = st.sampled_from([outcome for outcome, _ in OUTCOMES.values()])
delays = st.timedeltas(timedelta(), timedelta(days=3))


def in_state(status: PaymentStatus) -> Payment:
    """A payment that has come to a state by what the gateway said."""
    if status is PaymentStatus.PENDING:
        return pending()
    if status is PaymentStatus.RETURNED:
        return replace(in_state(PaymentStatus.SUCCEEDED), status=status)
    outcome = next(outcome for outcome, leads_to in OUTCOMES.values() if leads_to is status)
    return pending().told(outcome, NOW, REAL)


def test_every_outcome_has_its_state_and_every_state_its_outcome():
    """There is one state for each answer of a gateway; only `pending` and `returned` are reached without one."""
    assert set(OUTCOMES) == set(get_args(gateway.Outcome))
    others = {PaymentStatus.PENDING, PaymentStatus.RETURNED}
    assert {status for _, status in OUTCOMES.values()} == set(PaymentStatus) - others


@pytest.mark.parametrize(
    "outcome", [outcome for outcome, _ in OUTCOMES.values()], ids=lambda o: type(o).__name__
)
@pytest.mark.parametrize("status", OPEN)
def test_from_every_open_state_every_word_leads_on(status: PaymentStatus, outcome: Outcome):
    """Whatever is known so far, the gateway's word gives the next state: an open one is looked at again, a settled one never."""
    after = in_state(status).told(outcome, NOW, REAL)
    assert after.status is OUTCOMES[type(outcome)][1]
    assert after.open == (after.status not in SETTLED)
    assert (after.wake is not None) == after.open
    assert after.wake is None or after.wake.at > REAL
    assert (after.settled_at == NOW) == (not after.open)
    assert after.leased_until is None
    assert (after.request, after.allocations, after.sent_at) == (
        pending().request,
        pending().allocations,
        REAL,
    )


@pytest.mark.parametrize("status", PaymentStatus)
def test_every_state_is_open_and_awake_or_settled_and_at_rest(status: PaymentStatus):
    """An open payment waits for reconciliation at some moment; a settled one for nothing."""
    payment = in_state(status)
    assert payment.status is status
    if payment.open:
        assert payment.wake is not None
        assert payment.wake.topic is Topic.RECONCILIATION
    else:
        assert payment.wake is None


@given(st.lists(st.tuples(st.sampled_from(["told", "postponed", "taken_up", "lost"]), outcomes, delays)))
def test_a_payment_is_awake_until_it_is_settled(acts: list[tuple[str, Outcome, timedelta]]):
    """Through any questions, answers, silences and leases an open payment keeps a moment; settled, it keeps none."""
    payment, real = pending(), REAL
    for act, outcome, delay in acts:
        real += delay
        match act:
            case "told":
                payment = payment.told(outcome, NOW, real)
            case "postponed":
                payment = payment.postponed(real, "The gateway was not there.")
            case "taken_up":
                payment = payment.taken_up(real)
            case _:
                payment = payment.never_arrived(NOW)
        assert (payment.wake is not None) == payment.open
        assert payment.wake is None or real < payment.wake.at <= real + PAUSES[-1]
        if not payment.open:
            break


def test_money_taken_keeps_its_fee_and_net():
    """The reference and the balance transaction's figures are kept, and what was held is forgotten."""
    paid = in_state(PaymentStatus.HELD).told(OUTCOMES[Succeeded][0], NOW, REAL)
    assert (paid.reference, paid.fee, paid.net) == ("pi_1", Money(103, "usd"), Money(2397, "usd"))
    assert (paid.settled_at, paid.reason) == (NOW, None)


def test_a_refusal_keeps_its_code_and_words():
    """Code, hardness and the message a person may read are kept; no message is none."""
    refusal = Declined(code="stolen_card", hard=True, reference="pi_1", message="Your card was declined.")
    declined = pending().told(refusal, NOW, REAL)
    assert (declined.decline_code, declined.hard, declined.reason) == (
        "stolen_card",
        True,
        "Your card was declined.",
    )
    assert pending().told(replace(refusal, message="", hard=False), NOW, REAL).reason is None


def test_a_reference_once_known_is_kept():
    """A word without a reference, or none at all, does not take it away."""
    known = in_state(PaymentStatus.PROCESSING)
    assert known.told(Unknown(reason="?"), NOW, REAL).reference == "pi_1"
    assert known.told(Declined(code="x", hard=False), NOW, REAL).reference == "pi_1"
    assert known.postponed(REAL, "?").reference == "pi_1"
    assert known.never_arrived(NOW).reference == "pi_1"


def test_what_never_arrived_is_called_off():
    """It ends without money, and says why."""
    lost = in_state(PaymentStatus.HELD).never_arrived(NOW)
    assert (lost.status, lost.open, lost.wake, lost.settled_at) == (PaymentStatus.CANCELED, False, None, NOW)
    assert lost.reason == "It never arrived at the gateway."


def test_the_worker_that_sent_it_is_waited_for_two_minutes():
    """Until the lease ends nobody else asks, and at its end somebody does."""
    payment = pending()
    assert timedelta(seconds=120) == LEASE
    assert payment.leased(REAL)
    assert payment.leased(REAL + LEASE - timedelta(microseconds=1))
    assert not payment.leased(REAL + LEASE)
    assert payment.wake == Wake(REAL + LEASE, Topic.RECONCILIATION)


@given(st.sampled_from(OPEN), delays)
def test_a_lease_goes_before_the_next_look(status: PaymentStatus, delay: timedelta):
    """While somebody asks about it, the next moment is the end of their lease, whatever was planned."""
    taken = in_state(status).taken_up(REAL + delay)
    assert taken.wake == Wake(REAL + delay + LEASE, Topic.RECONCILIATION)
    assert taken.leased(REAL + delay)
    assert taken.status is status


def test_a_question_is_asked_again_after_growing_pauses():
    """One minute, 5, 15, one hour, 4, 12, and every 12 hours from then on, for as long as it is open."""
    payment, pauses = pending(), []
    for _ in range(9):
        payment = payment.postponed(REAL, "The gateway was not there.")
        assert payment.look_at is not None
        pauses.append((payment.look_at - REAL) // timedelta(minutes=1))
    assert pauses == [1, 5, 15, 60, 240, 720, 720, 720, 720]
    assert (payment.looks, payment.status) == (9, PaymentStatus.PENDING)


@given(
    st.lists(
        st.sampled_from(
            [Unknown(reason="?"), Processing(reference="pi_1"), ActionRequired(reference="pi_1"), None]
        ),
        max_size=20,
    )
)
def test_pauses_never_shrink_and_are_bounded(words: list[Outcome | None]):
    """Whatever keeps it open, each pause is at least the one before and at most twelve hours."""
    payment, before = pending(), timedelta()
    for word in words:
        payment = payment.told(word, NOW, REAL) if word else payment.postponed(REAL, "?")
        assert payment.look_at is not None
        pause = payment.look_at - REAL
        assert before <= pause <= timedelta(hours=12)
        before = pause


@given(st.timedeltas(timedelta(), timedelta(days=3)))
def test_a_request_is_repeated_only_while_its_key_surely_lives(age: timedelta):
    """Under twenty hours after it was first sent, in real time, the same key is the same charge; Stripe forgets after 24."""
    payment = pending().postponed(REAL + age, "?").taken_up(REAL + age)
    assert payment.repeatable(REAL + age) == (age < timedelta(hours=20))
    assert timedelta(hours=24) > KEY_LIVES


def test_the_twentieth_hour_is_too_late():
    """The bound itself is outside."""
    assert pending().repeatable(REAL + timedelta(hours=20) - timedelta(microseconds=1))
    assert not pending().repeatable(REAL + timedelta(hours=20))


ACCOUNT = Account(
    account="acct_1",
    id="acct_1",
    name="Roaster",
    email="hello@roaster.example",
    currency="usd",
    zone="UTC",
    livemode=False,
    created_at=REAL,
)


def books(method: Method) -> tuple[Subscription, Changeset]:
    """A subscription now charged on a method, its first invoice held by a payment sent on the Visa, and the books open."""
    subscription = sold("2026-02-28", created_at=NOW, reminder_days=None, method=method)
    invoice = invoice_of(subscription, "INV-000001", NOW)
    records: list[Record] = [subscription.renewed(), invoice.reserved(pending(invoice.id).id)]
    reading = Reading()
    reading.records = {key_of(record): record for record in records}
    return subscription, Changeset("acct_1", reading)


@pytest.mark.parametrize(("charged_on", "closed"), [(VISA, True), (AMEX, False)])
def test_a_hard_decline_closes_the_method_it_was_tried_on(charged_on: Method, closed: bool):
    """A refusal of the old card that comes after the buyer has given another leaves the new one in use."""
    subscription, changes = books(charged_on)
    refusal = Declined(code="stolen_card", hard=True, reference="pi_1")
    before = pending()
    written(changes, before, before.told(refusal, NOW, REAL), Moment(ACCOUNT, REAL))
    after = changes.get(Subscription, subscription.id)
    assert after.arrears == ("inv_1_0001",)
    assert after.method == replace(charged_on, refused=closed)
