"""What the gateway's contract promises, kept by the Stripe adapter over HTTP, its own faults included."""

from datetime import UTC, datetime, timedelta

import pytest
from stripe import StripeClient

from chalicelib.adapters.stripe import StripeGateway
from chalicelib.adapters.stripe_outcomes import outcome
from chalicelib.billing.gateway import (
    ActionRequired,
    Canceled,
    Declined,
    Processing,
    Refused,
    Request,
    Succeeded,
    Unavailable,
    Unknown,
)
from chalicelib.billing.money import Money
from sandbox.stripe.remote import Remote
from sandbox.stripe.server import StripeServer

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def request_of(gateway: StripeGateway, name: str, card: str = "pm_card_visa", amount: int = 2500) -> Request:
    """A charge of a customer with a card just saved."""
    customer = gateway.customer(
        f"con_{name}", name="Ada", email="ada@example.com", metadata={"contact": name}
    )
    method = gateway.attach(card, customer)
    metadata = {"account": "acct_1", "payment": f"pay_{name}"}
    return Request(
        amount=Money(amount, "usd"),
        customer=customer,
        method=method.id,
        description="INV-1",
        metadata=metadata,
    )


def test_a_charge_that_succeeds_knows_its_fee_and_net(gateway: StripeGateway):
    """Gross less Stripe's fee is what arrives, from the balance transaction of the same answer."""
    paid = gateway.charge("pay_ok", request_of(gateway, "ok"))
    assert isinstance(paid, Succeeded)
    assert (paid.fee, paid.net) == (Money(103, "usd"), Money(2397, "usd"))
    assert gateway.fetch(paid.reference) == paid


def test_the_same_request_under_the_same_key_is_one_charge(gateway: StripeGateway, control: Remote):
    """Sent twice, Stripe answers twice and takes the money once."""
    request, before = request_of(gateway, "twice"), control.summary()["charges"]["succeeded"]
    assert gateway.charge("pay_twice", request) == gateway.charge("pay_twice", request)
    assert control.summary()["charges"]["succeeded"] == before + 1


@pytest.mark.parametrize(
    ("code", "hard"),
    [("insufficient_funds", False), ("generic_decline", False), ("stolen_card", True), ("lost_card", True)],
)
def test_a_decline_is_a_value_with_its_code(gateway: StripeGateway, control: Remote, code: str, hard: bool):
    """A refusal names Stripe's decline code, whether it is for good, and the PaymentIntent it happened to."""
    request = request_of(gateway, code)
    control.script(code, payment_method=request.method)
    refused = gateway.charge(f"pay_{code}", request)
    assert isinstance(refused, Declined)
    assert (refused.code, refused.hard) == (code, hard)
    assert refused.reference is not None
    fetched = gateway.fetch(refused.reference)
    assert isinstance(fetched, Declined)
    assert (fetched.code, fetched.hard) == (code, hard)


def test_a_card_that_wants_its_buyer_waits_for_them(gateway: StripeGateway):
    """Off session 3-D Secure is no decline: the same PaymentIntent is paid once its buyer has confirmed it."""
    request = request_of(gateway, "3ds", "pm_card_authenticationRequired")
    asked = gateway.charge("pay_3ds", request)
    assert isinstance(asked, ActionRequired)
    assert asked.url is None
    assert gateway.fetch(asked.reference) == asked
    assert gateway.find(request, LONG_AGO) == asked
    assert gateway.charge("pay_3ds", request) == asked


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("requires_payment_method", Processing),
        ("requires_confirmation", Processing),
        ("requires_action", ActionRequired),
        ("canceled", Canceled),
    ],
)
def test_an_intent_still_being_made_is_no_decline(status: str, kind: type):
    """Without an error of the last payment nothing has been refused: it must not be asked for anew."""
    assert isinstance(outcome({"id": "pi_1", "status": status, "last_payment_error": None}), kind)


def test_a_bank_debit_is_processing_until_its_day(gateway: StripeGateway):
    """Submitted is not paid."""
    assert isinstance(gateway.charge("pay_ach", request_of(gateway, "ach", "pm_usBankAccount")), Processing)


def test_a_request_stripe_finds_wrong_is_a_decline(gateway: StripeGateway):
    """Nothing was taken; the method is given up only where it or its customer is what is wrong."""
    small = gateway.charge("pay_small", request_of(gateway, "small", amount=1))
    assert isinstance(small, Declined)
    assert (small.code, small.hard) == ("amount_too_small", False)
    request = request_of(gateway, "gone")
    gone = Request(
        amount=request.amount,
        customer="cus_gone",
        method=request.method,
        description="x",
        metadata=request.metadata,
    )
    nobody = gateway.charge("pay_gone", gone)
    assert isinstance(nobody, Declined)
    assert nobody.hard


@pytest.mark.parametrize(
    "fault", ["timeout_after", "connection_reset_after", "500_after", "timeout_before", "500_before", "409"]
)
def test_no_answer_that_can_be_trusted_is_unknown(gateway: StripeGateway, control: Remote, fault: str):
    """A timeout, a reset or a 5xx may have taken the money: unknown, and found by its metadata if it did."""
    request = request_of(gateway, fault)
    control.fault(fault, method="POST", path="/v1/payment_intents", customer=request.customer, seconds=1)
    assert isinstance(gateway.charge(f"pay_{fault}", request), Unknown)
    found = gateway.find(request, LONG_AGO)
    assert isinstance(found, Succeeded) if fault.endswith("after") else found is None


@pytest.mark.parametrize("fault", ["429", "lock_timeout"])
def test_turned_away_unread_is_unavailable(gateway: StripeGateway, control: Remote, fault: str):
    """Over its rate Stripe did nothing: the same request may be sent again later."""
    request = request_of(gateway, fault)
    control.fault(fault, method="POST", path="/v1/payment_intents", customer=request.customer)
    with pytest.raises(Unavailable):
        gateway.charge(f"pay_{fault}", request)
    assert gateway.find(request, LONG_AGO) is None
    assert isinstance(gateway.charge(f"pay_{fault}", request), Succeeded)


def test_nobody_there_and_a_wrong_key_are_unavailable(server: StripeServer):
    """What was surely not carried out is no unknown outcome."""
    request = Request(
        amount=Money(2500, "usd"), customer="cus_1", method="pm_1", description="x", metadata={"payment": "p"}
    )
    for gateway in (
        StripeGateway("sk_test_local", "http://127.0.0.1:9"),
        StripeGateway("sk_wrong", server.url),
    ):
        with pytest.raises(Unavailable):
            gateway.charge("pay_nobody", request)


def test_a_search_goes_through_all_pages_and_only_its_time(gateway: StripeGateway):
    """The payment is found behind a hundred newer ones; before its time it is not looked for."""
    request = request_of(gateway, "old")
    first = gateway.charge("pay_old", request)
    for n in range(101):
        newer = Request(
            amount=request.amount,
            customer=request.customer,
            method=request.method,
            description="x",
            metadata={"payment": f"newer_{n}"},
        )
        gateway.charge(f"pay_newer_{n}", newer)
    assert gateway.find(request, LONG_AGO) == first
    assert gateway.find(request, datetime.now(UTC) + timedelta(days=1)) is None


def test_a_payment_is_called_off_unless_it_is_too_late(gateway: StripeGateway, server: StripeServer):
    """What waits for its buyer can be canceled; what is paid stays paid."""
    request = request_of(gateway, "off", "pm_card_authenticationRequired")
    begun = StripeClient("sk_test_local", base_addresses={"api": server.url}).v1.payment_intents.create(
        {
            "amount": 2500,
            "currency": "usd",
            "customer": request.customer,
            "payment_method": request.method,
            "confirm": True,
            "return_url": "https://shop.example",
        }
    )
    waiting = gateway.fetch(begun.id)
    assert isinstance(waiting, ActionRequired)
    assert gateway.cancel(waiting.reference) == Canceled(reference=waiting.reference)
    paid = gateway.charge("pay_late", request_of(gateway, "late"))
    assert isinstance(paid, Succeeded)
    assert gateway.cancel(paid.reference) == paid


def test_money_is_given_back_once_a_key(gateway: StripeGateway, control: Remote):
    """A part, then the rest; the same key again gives nothing more, and more than was paid is refused."""
    paid = gateway.charge("pay_back", request_of(gateway, "back"))
    assert isinstance(paid, Succeeded)
    before = control.summary()["amounts"]["usd"]["refunded"]
    for _ in range(2):
        part = gateway.refund("ref_1", paid.reference, Money(1000, "usd"), {"payment": "pay_back"})
    assert (part.amount, part.status) == (Money(1000, "usd"), "succeeded")
    gateway.refund("ref_2", paid.reference, Money(1500, "usd"), {"payment": "pay_back"})
    assert control.summary()["amounts"]["usd"]["refunded"] == before + 2500
    found = gateway.refunds_of(paid.reference)
    assert [(one.amount.amount, one.metadata) for one in found] == [
        (1000, {"payment": "pay_back"}),
        (1500, {"payment": "pay_back"}),
    ]
    assert {(one.fee, one.net) for one in found} == {
        (Money(0, "usd"), Money(-1000, "usd")),
        (Money(0, "usd"), Money(-1500, "usd")),
    }
    with pytest.raises(Refused):
        gateway.refund("ref_3", paid.reference, Money(1, "usd"), {"payment": "pay_back"})


def test_a_saved_card_is_named_as_people_read_it(gateway: StripeGateway):
    """Brand and last four, and when it expires; a card that is refused at saving says why."""
    customer = gateway.customer("con_label", name="Ada", email="ada@example.com", metadata={})
    saved = gateway.attach("pm_card_visa", customer)
    assert (saved.label, saved.type, saved.customer) == ("Visa •••• 4242", "card", customer)
    assert saved.exp_month is not None
    with pytest.raises(Refused) as refused:
        gateway.attach("pm_card_visa_chargeDeclinedStolenCard", customer)
    assert refused.value.code == "stolen_card"
    with pytest.raises(Refused):
        gateway.attach("pm_nobody_has", customer)
    assert gateway.customer("con_label", name="Ada", email="ada@example.com", metadata={}) == customer
