"""What is awaited from outside always has its next moment and its end: payments at the gateway, letters, Stripe's events."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.billing import deliveries, events, gateway
from chalicelib.billing.collection import Method
from chalicelib.billing.deliveries import MAX_REFUSALS, Delivery, DeliveryStatus, Letter
from chalicelib.billing.events import Event, EventType
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
from chalicelib.billing.lines import Line
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
from chalicelib.billing.periods import Frequency
from chalicelib.billing.statuses import Status
from chalicelib.billing.stripe_events import StripeEvent
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.wake import Topic, Wake
from chalicelib.crm.accounts import Account, Moment
from chalicelib.crm.notifications import FIRST, letter_of
from chalicelib.operations.outcomes import written
from chalicelib.store.changes import Changeset, Reading
from chalicelib.store.keys import Record, key_of

NOW = datetime(2026, 2, 28, 6, tzinfo=UTC)
REAL = datetime(2026, 1, 5, 12, tzinfo=UTC)
TOTAL = Money(2500, "usd")
PAGE_LIVES = timedelta(minutes=31)
VISA = Method(id="pm_visa", customer="cus_1", label="Visa •••• 4242")
AMEX = Method(id="pm_amex", customer="cus_1", label="American Express •••• 0005")


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
    subscription = Subscription(
        account="acct_1",
        id="sub_1",
        contact="con_1",
        currency="usd",
        frequency=Frequency.MONTHLY,
        lines=(Line(id="li_1", name="Coffee", unit_amount=Decimal(2500)),),
        anchor_on=date(2026, 2, 28),
        zone="UTC",
        hour=6,
        status=Status.SCHEDULED,
        created_at=NOW,
        method=method,
    )
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


def letter() -> Delivery:
    return Delivery(
        account="acct_1",
        id="dlv_1",
        event="evt_1",
        letter=Letter.RECEIPT,
        contact="con_1",
        about={"payment": "pay_1"},
        created_at=NOW,
        send_at=REAL,
    )


def test_a_refused_letter_is_tried_again_a_few_times_and_then_failed():
    """After 5, 10, 20 and 40 minutes it is tried again; the fifth refusal is the end, and its words are kept."""
    delivery, real, pauses = letter(), REAL, []
    while delivery.wake is not None:
        real = delivery.wake.at
        delivery = delivery.sending().refused("The mail server is full.", real)
        if delivery.wake is not None:
            assert delivery.status is DeliveryStatus.PENDING
            pauses.append((delivery.wake.at - real) // timedelta(minutes=1))
    assert pauses == [5, 10, 20, 40]
    assert (delivery.status, delivery.refusals) == (DeliveryStatus.FAILED, MAX_REFUSALS)
    assert delivery.reason == "The mail server is full."


def test_a_letter_for_which_there_is_no_room_is_put_off_and_not_counted():
    """Ten minutes at a time, as often as it takes."""
    delivery = letter()
    for _ in range(2 * MAX_REFUSALS):
        delivery = delivery.sending().put_off("Maximum sending rate exceeded.", REAL)
        assert (delivery.status, delivery.refusals) == (DeliveryStatus.PENDING, 0)
        assert delivery.wake is not None
        assert delivery.wake.at == REAL + timedelta(minutes=10)


def test_a_letter_on_its_way_is_never_sent_again_by_itself():
    """Between the record and the mail server's answer it has no next moment: it counts as maybe sent."""
    sending = letter().sending()
    assert letter().wake == Wake(REAL, Topic.DELIVERIES)
    assert (sending.status, sending.wake) == (DeliveryStatus.SENDING, None)
    sent = sending.sent("ada@example.com", "msg_1", REAL)
    assert (sent.status, sent.to, sent.message_id, sent.sent_at, sent.wake) == (
        DeliveryStatus.SENT,
        "ada@example.com",
        "msg_1",
        REAL,
        None,
    )


def test_a_letter_is_named_by_its_event_and_a_fact_by_what_it_changed():
    """However often an event comes its letter is one; the same fact of the same version is the same event."""
    name = events.name_of(EventType.PAYMENT_SUCCEEDED, "pay_1_0001_1", 2)
    assert name == "evt_pay_1_0001_1_2_payment_succeeded"
    assert deliveries.name_of(name, "receipt") == "dlv_pay_1_0001_1_2_payment_succeeded_receipt"
    assert events.name_of(EventType.PAYMENT_SUCCEEDED, "pay_1_0001_1", 3) != name
    assert len({events.name_of(type_, "pay_1", 1) for type_ in EventType}) == len(EventType)


def test_an_event_is_awake_until_everyone_has_been_told():
    """One with somebody to tell waits for its fan-out; one with nobody never waits."""
    event = Event(
        account="acct_1",
        id="evt_1",
        type=EventType.PAYMENT_SUCCEEDED,
        subject="pay_1",
        about={},
        created_at=NOW,
        fan_out_at=REAL,
    )
    assert event.wake == Wake(REAL, Topic.DELIVERIES)
    assert event.fanned_out().wake is None
    assert replace(event, fan_out_at=None).wake is None


def test_a_payment_that_brings_nothing_to_an_invoice_has_no_receipt():
    """Money that pays an invoice is told of as the first payment or as another; what is only a balance is not."""
    paid = {"contact": "con_1", "invoice": "inv_1", "payment": "pay_1"}
    for type_ in (EventType.PAYMENT_SUCCEEDED, EventType.PAYMENT_RECORDED):
        assert letter_of(type_, paid) is Letter.RECEIPT
        assert letter_of(type_, paid | {FIRST: "yes"}) is Letter.FIRST_PAYMENT
        assert letter_of(type_, {"contact": "con_1", "payment": "pay_1"}) is None


def test_a_word_of_stripes_waits_until_it_is_known_and_is_kept_for_ninety_days():
    """It is looked at when it comes, later where somebody asks already, and not again once it can add nothing."""
    told = StripeEvent(
        account="acct_1",
        id="evt_1",
        type="payment_intent.succeeded",
        object="pi_1",
        payment="pay_1",
        livemode=False,
        created_at=REAL,
        received_at=REAL,
        look_at=REAL,
    )
    assert told.wake == Wake(REAL, Topic.RECONCILIATION)
    assert told.later(REAL + LEASE).wake == Wake(REAL + LEASE, Topic.RECONCILIATION)
    assert told.noted().wake is None
    assert told.noted().expires_at == REAL + timedelta(days=90)
