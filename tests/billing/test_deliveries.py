"""Letters, facts and what Stripe told: each is awake until it is told, sent or known, and no longer."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from chalicelib.billing import deliveries, events
from chalicelib.billing.deliveries import MAX_REFUSALS, Delivery, DeliveryStatus, Letter
from chalicelib.billing.events import Event, EventType
from chalicelib.billing.payments import (
    LEASE,
)
from chalicelib.billing.stripe_events import StripeEvent
from chalicelib.billing.wake import Topic, Wake
from chalicelib.crm.notifications import FIRST, letter_of

NOW = datetime(2026, 2, 28, 6, tzinfo=UTC)
REAL = datetime(2026, 1, 5, 12, tzinfo=UTC)


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
