"""Pages of Stripe's as values: when they are looked at again, and what an end of theirs leaves of the schedule."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters import stripe_events
from chalicelib.billing.collection import Collection, CollectionMethod, Method
from chalicelib.billing.dunning import RetryPolicy
from chalicelib.billing.events import Event, EventType
from chalicelib.billing.gateway import (
    ActionRequired,
    AtCheckout,
    Canceled,
    Declined,
    Outcome,
    Page,
    Processing,
    Request,
    SavedMethod,
    SetupPage,
    Succeeded,
)
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.issuing import invoice_of
from chalicelib.billing.money import Money
from chalicelib.billing.payments import CONFIRMED_WITHIN, Allocation, Origin, Payment
from chalicelib.billing.setups import Setup, SetupStatus
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import HOUSE, Account, Moment
from chalicelib.crm.contacts import PaymentMethod
from chalicelib.operations import keep, outcomes
from chalicelib.store.changes import Changeset, Reading
from chalicelib.store.keys import Record, key_of
from tests.billing.monthly import AMEX, VISA, sold

NOW, REAL = datetime(2026, 2, 28, 6, tzinfo=UTC), datetime(2026, 1, 1, 12, tzinfo=UTC)
TOTAL = Money(2500, "usd")
ENDS = REAL + timedelta(minutes=31)
LEFT = SavedMethod(id="pm_new", customer="cus_1", type="card", label="Mastercard •••• 4444")
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
SETUP = Setup(
    account="acct_1",
    id="setup_1",
    subscription="sub_1",
    contact="con_1",
    customer="cus_1",
    back_url="https://pay.example.com/b/1",
    created_at=NOW,
    sent_at=REAL,
    expires_at=ENDS,
    look_at=REAL,
)
OPEN = SetupPage(session="cs_1", url="https://checkout.stripe.com/c/pay/cs_1")
EXPIRED, COMPLETE = SetupPage(session="cs_1"), SetupPage(session="cs_1", method=LEFT)


def test_a_setup_is_looked_at_until_it_has_its_end():
    """Open, at the latest as its page expires; complete or expired, never again."""
    begun = SETUP.told(OPEN, REAL)
    assert (begun.session, begun.status, begun.look_at) == (
        "cs_1",
        SetupStatus.OPEN,
        REAL + timedelta(minutes=1),
    )
    late = replace(begun, looks=5).told(OPEN, REAL)
    assert late.look_at == ENDS
    assert begun.told(COMPLETE, REAL).method == "pm_new"
    ends = [begun.told(COMPLETE, REAL), begun.told(EXPIRED, REAL), SETUP.never_opened()]
    assert [one.status for one in ends] == [SetupStatus.COMPLETE, SetupStatus.EXPIRED, SetupStatus.EXPIRED]
    assert [(one.open, one.wake) for one in ends] == [(False, None)] * 3


@given(
    st.lists(st.sampled_from([OPEN, EXPIRED, COMPLETE, None]), max_size=8),
    st.timedeltas(timedelta(), timedelta(days=2)),
)
def test_a_setup_is_awake_as_long_as_it_is_open(words: list[SetupPage | None], later: timedelta):
    """Whatever is said of it and however late, an open one has a moment, within twelve hours."""
    setup = SETUP
    for word in words:
        if not setup.open:
            break
        setup = setup.told(word, REAL + later) if word else setup.woken(REAL + later)
    assert setup.open == (setup.wake is not None)
    if setup.look_at is not None and words:
        assert setup.look_at - (REAL + later) <= timedelta(hours=12)


def subscription(**more: object) -> Subscription:
    """A coffee a month, charged on the Visa."""
    made = sold("2026-02-28", created_at=NOW, reminder_days=None)
    return replace(made.renewed(), **more)  # type: ignore[arg-type]


def paying(invoice: Invoice, origin: Origin, *, switches: bool = False) -> Payment:
    """A payment of an invoice, on Stripe's page or off session."""
    page = Page(
        types=(), back_url="https://pay.example.com", expires_at=ENDS, save_method=switches, switches=switches
    )
    return Payment(
        account="acct_1",
        id="pay_1_0001_1",
        subscription="sub_1",
        contact="con_1",
        amount=TOTAL,
        allocations=(Allocation(invoice=invoice.id, amount=TOTAL),),
        request=Request(
            amount=TOTAL,
            customer="cus_1",
            method="" if origin is Origin.CHECKOUT else "pm_visa",
            description="INV-000001",
            metadata={"account": "acct_1", "payment": "pay_1_0001_1"},
            page=page if origin is Origin.CHECKOUT else None,
        ),
        method_label="Stripe's page",
        origin=origin,
        created_at=NOW,
        sent_at=REAL,
        leased_until=None,
    )


def held(of: Subscription, origin: Origin, attempt_at: datetime | None) -> tuple[Invoice, Payment, Changeset]:
    """The books with an invoice that was to be asked for at a moment, held by a payment."""
    before = replace(of, cycle=0)
    invoice = replace(invoice_of(before, "INV-000001", NOW), attempt_at=attempt_at)
    payment = paying(invoice, origin)
    reading = Reading()
    records: list[Record] = [of, invoice.reserved(payment.id)]
    reading.records = {key_of(record): record for record in records}
    return invoice, payment, Changeset("acct_1", reading)


def facts(changes: Changeset) -> set[EventType]:
    return {one.type for one in changes.changed.values() if isinstance(one, Event)}


def test_what_waits_for_its_buyer_is_looked_at_by_its_end():
    """A page as it expires, a confirmation after a day: not up to twelve hours later."""
    _, payment, _ = held(subscription(), Origin.CHECKOUT, None)
    looked = replace(payment, looks=5)
    at = AtCheckout(session="cs_1", url="https://checkout.stripe.com/c/pay/cs_1", expires_at=ENDS)
    assert looked.told(at, NOW, REAL).look_at == ENDS
    assert looked.told(at, NOW, ENDS).look_at == ENDS + timedelta(hours=12)
    evening = REAL + timedelta(hours=20)
    asked = looked.told(ActionRequired(reference="pi_1"), NOW, evening)
    assert asked.look_at == REAL + CONFIRMED_WITHIN


def test_what_was_chosen_on_a_page_is_told():
    """The buyer's card or account takes the place of the page's name; an end that says nothing leaves it."""
    _, payment, _ = held(subscription(), Origin.CHECKOUT, None)
    chosen = Processing(reference="pi_1", label="Bank •••• 6789", type="us_bank_account")
    debit = payment.told(chosen, NOW, REAL)
    for told in (debit, debit.told(Succeeded(reference="pi_1"), NOW, REAL)):
        assert (told.method_label, told.type) == ("Bank •••• 6789", "us_bank_account")
    card = payment.told(Succeeded(reference="pi_1", label="Visa •••• 4242", type="card"), NOW, REAL)
    assert (card.method_label, card.method_type) == ("Visa •••• 4242", "")


@pytest.mark.parametrize("end", [Canceled(reference=""), Declined(code="insufficient_funds", hard=True)])
@pytest.mark.parametrize("attempt_at", [None, NOW - timedelta(days=1), NOW + timedelta(days=3)])
def test_a_page_left_alone_changes_nothing(end: Outcome, attempt_at: datetime | None):
    """The invoice is free with the moment it had, and its subscription has not failed; a hard refusal closes nothing."""
    before = subscription()
    invoice, payment, changes = held(before, Origin.CHECKOUT, attempt_at)
    outcomes.written(changes, payment, payment.told(end, NOW, REAL), Moment(ACCOUNT, NOW))
    after = changes.get(Invoice, invoice.id)
    assert (after.payment, after.attempt_at, after.failed_at) == (None, attempt_at, None)
    assert changes.get(Subscription, before.id) == before


@pytest.mark.parametrize("days", [(1, 3), ()])
def test_a_confirmation_called_off_for_another_payment_has_not_failed(days: tuple[int, ...]):
    """It is asked for on the schedule's next day, or, where that has none left, once more: nothing is given up by it."""
    before = subscription()
    invoice, payment, changes = held(before, Origin.SCHEDULE, NOW)
    account = replace(ACCOUNT, retries=RetryPolicy(days=days))
    waits = payment.told(ActionRequired(reference="pi_1"), NOW, REAL)
    off = waits.told(Canceled(reference="pi_1"), NOW, REAL)
    outcomes.written(changes, waits, off, Moment(account, REAL))
    after = changes.get(Invoice, invoice.id)
    assert (after.payment, after.failed_at) == (None, None)
    assert after.attempt_at is not None
    assert changes.get(Subscription, before.id) == before


@pytest.mark.parametrize("method", [VISA, AMEX])
def test_nobody_confirmed_it_for_a_day(method: Method):
    """A decline like any: past due, asked again on the schedule, or at once where another method is there by then."""
    before = subscription(method=method)
    invoice, payment, changes = held(before, Origin.SCHEDULE, NOW)
    waits = payment.told(ActionRequired(reference="pi_1"), NOW, REAL)
    clock = Moment(ACCOUNT, REAL + CONFIRMED_WITHIN)
    outcomes.written(changes, waits, waits.told(Canceled(reference="pi_1"), clock.now, clock.real), clock)
    after = changes.get(Invoice, invoice.id)
    wait = timedelta(days=1) if method is VISA else timedelta()
    assert (after.failed_at, after.attempt_at) == (clock.now, clock.now + wait)
    assert changes.get(Subscription, before.id).arrears == (invoice.id,)


AFTER_FIRST = Collection(way=CollectionMethod.CHARGE_AFTER_FIRST_INVOICE)
SENT = Collection(way=CollectionMethod.SEND_INVOICE)


@pytest.mark.parametrize(
    ("collection", "method", "switches", "charged_on"),
    [
        (None, VISA, True, "pm_new"),
        (None, VISA, False, "pm_visa"),
        (AFTER_FIRST, None, False, "pm_new"),
        (AFTER_FIRST, VISA, False, "pm_visa"),
        (SENT, None, True, None),
    ],
)
def test_a_method_kept_on_a_page_is_charged_where_it_is_for_that(
    collection: Collection | None, method: Method | None, switches: bool, charged_on: str | None
):
    """On a page that switches, or with a first invoice; elsewhere it is the customer's, and nothing is charged on it."""
    before = subscription(collection=collection, method=method)
    invoice, _, changes = held(before, Origin.CHECKOUT, None)
    payment = paying(invoice, Origin.CHECKOUT, switches=switches)
    keep.of_payment(changes, payment, LEFT, Moment(ACCOUNT, REAL))
    after = changes.get(Subscription, before.id).method
    assert (after and after.id) == charged_on
    assert changes.get(PaymentMethod, "pm_new").label == "Mastercard •••• 4444"
    assert (EventType.SUBSCRIPTION_METHOD_CHANGED in facts(changes)) == (charged_on == "pm_new")


def told(object_: dict[str, object]) -> bytes:
    """A webhook's body about an object."""
    event = {
        "id": "evt_1",
        "type": "x.y",
        "livemode": False,
        "created": 1_767_225_600,
        "data": {"object": object_},
    }
    return json.dumps(event).encode()


@pytest.mark.parametrize(
    ("object_", "account", "payment", "setup", "intent"),
    [
        ({"id": "cs_1", "metadata": {"account": "acct_1", "payment": "pay_1"}, "payment_intent": "pi_1"}, "acct_1", "pay_1", None, "pi_1"),
        ({"id": "cs_1", "metadata": {"account": "acct_1", "setup": "setup_1"}, "payment_intent": None}, "acct_1", None, "setup_1", None),
        ({"id": "dp_1", "metadata": {}, "payment_intent": "pi_1"}, HOUSE, None, None, "pi_1"),
        ({"id": "re_1", "metadata": None, "payment_intent": {"id": "pi_1"}}, HOUSE, None, None, None),
        ({"id": "cs_1", "metadata": {"account": "acct_1"}}, HOUSE, None, None, None),
        ({"id": "cs_1", "metadata": {"setup": "setup_1"}}, HOUSE, None, None, None),
        ({"id": "cs_1", "metadata": {"account": "acct_1/x", "setup": "setup_1"}}, HOUSE, None, None, None),
        ({"id": "cs_1", "metadata": {"account": "acct_1", "payment": "../x", "setup": "set 1"}}, HOUSE, None, None, None),
    ],
)  # fmt: skip
def test_a_word_of_stripes_names_what_it_is_about(
    object_: dict[str, object], account: str, payment: str | None, setup: str | None, intent: str | None
):
    """Our payment or setup where the metadata names one of an account's, and the PaymentIntent where the object has one."""
    event = stripe_events.read(told(object_), REAL)
    assert (event.account, event.payment, event.setup, event.intent) == (account, payment, setup, intent)
    assert event.look_at is None
