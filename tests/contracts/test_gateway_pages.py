"""What the gateway's contract promises of pages, confirmations, methods left and money given back, kept over HTTP."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.adapters import stripe_checkout
from chalicelib.adapters.stripe import StripeGateway
from chalicelib.billing.addresses import Address
from chalicelib.billing.collection import AddressType, MethodType
from chalicelib.billing.gateway import (
    ActionRequired,
    AtCheckout,
    Canceled,
    Collected,
    Declined,
    Page,
    Processing,
    Refused,
    Request,
    Succeeded,
    Unavailable,
    Unknown,
)
from chalicelib.billing.money import Money
from sandbox.stripe.remote import Remote
from tests.contracts.browser import visit
from tests.stories.buyer import pays

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
FAULTS = ("timeout_after", "connection_reset_after", "500_after", "timeout_before", "500_before", "409")
TURNED_AWAY = ("429", "lock_timeout")


def page(**more: Any) -> Page:
    """A page for cards and ACH that lives 31 minutes."""
    asked: dict[str, Any] = {
        "types": (MethodType.CARD, MethodType.ACH),
        "back_url": "https://pay.example.com/b/1",
        "expires_at": datetime.now(UTC) + timedelta(minutes=31),
    }
    return Page(**asked | more)


def request_of(gateway: StripeGateway, name: str, amount: int = 2500, **more: Any) -> Request:
    """A request of a customer of its own for a page."""
    customer = gateway.customer(f"con_{name}", name="Ada", email="ada@example.com", metadata={})
    return Request(
        amount=Money(amount, "usd"),
        customer=customer,
        method="",
        description="INV-1",
        metadata={"account": "acct_1", "payment": f"pay_{name}"},
        page=page(**more),
    )


def opened(gateway: StripeGateway, request: Request) -> AtCheckout:
    """The page of a request."""
    at = gateway.checkout(request.metadata["payment"], request)
    assert isinstance(at, AtCheckout)
    return at


def test_a_page_is_one_page_under_its_key(gateway: StripeGateway, control: Remote):
    """Asked for again it is the same; open until it is paid, and then the payment it was paid with."""
    request = request_of(gateway, "page")
    at = opened(gateway, request)
    assert opened(gateway, request) == at == gateway.fetch_checkout(at.session)
    assert gateway.find(request, LONG_AGO) == at
    assert request.page
    assert abs(at.expires_at - request.page.expires_at) < timedelta(seconds=1)
    assert "25.00 USD" in visit(at.url).text

    control.pay_page(at.session)
    paid = gateway.fetch_checkout(at.session)
    assert isinstance(paid, Succeeded)
    assert (paid.fee, paid.net, paid.method) == (Money(103, "usd"), Money(2397, "usd"), None)
    assert (paid.label, paid.type) == ("Visa •••• 4242", "card")
    assert gateway.find(request, LONG_AGO) == gateway.expire(at.session) == paid
    assert gateway.metadata(paid.reference) == request.metadata
    assert gateway.fetch(paid.reference) == replace(paid, label="", type="")


def test_a_page_keeps_its_method_where_it_is_asked_to(gateway: StripeGateway, control: Remote):
    """The method is the customer's, and is charged off session afterwards."""
    request = request_of(gateway, "keep", save_method=True)
    at = opened(gateway, request)
    control.pay_page(at.session, "pm_card_mastercard")
    paid = gateway.fetch_checkout(at.session)
    assert isinstance(paid, Succeeded)
    assert paid.method
    assert (paid.method.customer, paid.method.type) == (request.customer, "card")
    assert paid.method.label == "Mastercard •••• 4444"
    assert paid.method.exp_year
    later = replace(request, method=paid.method.id, page=None, metadata={"payment": "pay_keep_2"})
    assert isinstance(gateway.charge("pay_keep_2", later), Succeeded)


def test_a_page_is_closed_once(gateway: StripeGateway):
    """Expired it is called off, whoever asks; nobody pays there any more."""
    at = opened(gateway, request_of(gateway, "closed"))
    assert gateway.expire(at.session) == Canceled(reference="")
    assert gateway.expire(at.session) == gateway.fetch_checkout(at.session) == Canceled(reference="")
    assert "expired" in visit(at.url).text


def test_a_bank_debit_on_a_page_is_processing(gateway: StripeGateway, control: Remote):
    """Complete is not paid; it is followed by its PaymentIntent, and cannot be closed."""
    at = opened(gateway, request_of(gateway, "debit"))
    control.pay_page(at.session, "pm_usBankAccount")
    submitted = gateway.fetch_checkout(at.session)
    assert isinstance(submitted, Processing)
    assert (submitted.label[-9:], submitted.type) == ("•••• 6789", "us_bank_account")
    assert gateway.expire(at.session) == submitted
    assert gateway.fetch(submitted.reference) == replace(submitted, label="", type="")


def test_a_page_that_is_wrong_is_refused(gateway: StripeGateway):
    """Too little, too soon over, or in a currency no accepted type is for: nothing was opened. Unknown ones are refused."""
    small = gateway.checkout("pay_small", request_of(gateway, "small", amount=1))
    assert isinstance(small, Declined)
    assert small.code == "amount_too_small"
    soon = request_of(gateway, "soon", expires_at=datetime.now(UTC) + timedelta(minutes=5))
    assert isinstance(gateway.checkout("pay_soon", soon), Declined)
    foreign = replace(request_of(gateway, "yen", types=(MethodType.ACH,)), amount=Money(5000, "jpy"))
    assert isinstance(gateway.checkout("pay_yen", foreign), Declined)
    fine = replace(foreign, amount=Money(5001, "isk"))
    assert isinstance(gateway.checkout("pay_isk", fine), Declined | AtCheckout)
    for ask in (gateway.fetch_checkout, gateway.fetch_setup, gateway.expire):
        with pytest.raises(Refused):
            ask("cs_nobody")


def test_a_page_asks_for_addresses(gateway: StripeGateway):
    """Billing, shipping, both or none: just what is wanted."""
    both = (AddressType.BILLING, AddressType.SHIPPING)
    for n, wanted in enumerate(((), both[:1], both[1:], both)):
        shown = visit(opened(gateway, request_of(gateway, f"where{n}", addresses=wanted)).url).text
        asked = tuple(one for one in both if f"{one.capitalize()} address" in shown)
        assert asked == wanted


def waiting(gateway: StripeGateway, name: str) -> tuple[Request, ActionRequired]:
    """A payment that waits for its buyer."""
    customer = gateway.customer(f"con_{name}", name="Ada", email="ada@example.com", metadata={})
    method = gateway.attach("pm_card_authenticationRequired", customer)
    request = replace(request_of(gateway, name), customer=customer, method=method.id, page=None)
    told = gateway.charge(f"pay_{name}", request)
    assert isinstance(told, ActionRequired)
    return request, told


def test_what_is_typed_on_a_page_is_told_as_an_address(gateway: StripeGateway):
    """Each part on one line of a length that fits; where none is asked for none is told."""
    typed = {
        "country": "de",
        "line1": "  Hauptstra\u00dfe\u202e 1\n",
        "city": "K" * 300,
        "postal_code": "50667",
    }
    fields = {f"billing-{part}": value for part, value in typed.items()}
    for n, wanted in enumerate(((AddressType.BILLING,), ())):
        at = opened(gateway, request_of(gateway, f"typed{n}", addresses=wanted))
        pays(at.url, **fields)
        paid = gateway.fetch_checkout(at.session)
        assert isinstance(paid, Succeeded)
        where = Address(country="DE", line1="Hauptstra\u00dfe  1", city="K" * 250, postal_code="50667")
        assert paid.collected == (Collected(billing=where) if wanted else None)


def test_a_buyer_confirms_on_their_banks_page(gateway: StripeGateway, control: Remote):
    """The page's address comes with the confirmation, and stays the payment's until it has its end."""
    request, told = waiting(gateway, "ask")
    asked = gateway.confirm("cfm_1", told.reference, request.method, "https://pay.example.com/b/1")
    assert isinstance(asked, ActionRequired)
    assert asked.url
    assert gateway.fetch(told.reference) == asked
    control.authenticate(told.reference)
    paid = gateway.fetch(told.reference)
    assert isinstance(paid, Succeeded)
    assert gateway.confirm("cfm_2", told.reference, request.method, "https://pay.example.com/b/1") == paid


def test_a_buyer_who_is_not_believed_is_declined(gateway: StripeGateway, control: Remote):
    """Softly; and what was called off is not confirmed any more."""
    request, told = waiting(gateway, "fail")
    gateway.confirm("cfm_3", told.reference, request.method, "https://pay.example.com/b/1")
    control.authenticate(told.reference, "fail")
    refused = gateway.fetch(told.reference)
    assert isinstance(refused, Declined)
    assert (refused.code, refused.hard) == ("payment_intent_authentication_failure", False)
    request, told = waiting(gateway, "off")
    off = gateway.cancel(told.reference)
    assert off == Canceled(reference=told.reference)
    assert gateway.confirm("cfm_4", told.reference, request.method, "https://pay.example.com/b/1") == off


def setup(gateway: StripeGateway, name: str, customer: str | None = None) -> Any:
    """A page on which a method is left."""
    made = customer or gateway.customer(f"con_{name}", name="Ada", email="ada@example.com", metadata={})
    return gateway.setup(
        f"setup_{name}",
        customer=made,
        types=(MethodType.CARD, MethodType.PAD),
        metadata={"account": "acct_1", "setup": f"setup_{name}"},
        back_url="https://pay.example.com/b/1",
        expires_at=datetime(2030, 1, 1, tzinfo=UTC)
        if customer
        else datetime.now(UTC) + timedelta(minutes=31),
    )


def test_a_method_is_left_on_a_page(gateway: StripeGateway, control: Remote):
    """Open at its address, then complete with the method; one that is closed has neither."""
    left, unused = setup(gateway, "left"), setup(gateway, "unused")
    assert left.url
    assert setup(gateway, "left") == left == gateway.fetch_setup(left.session)
    control.pay_page(left.session, "pm_card_mastercard")
    done = gateway.fetch_setup(left.session)
    assert done.url is None
    assert (done.method.label, done.method.type) == ("Mastercard •••• 4444", "card")
    assert isinstance(gateway.expire(unused.session), Canceled)
    closed = gateway.fetch_setup(unused.session)
    assert (closed.url, closed.method) == (None, None)
    with pytest.raises(Refused):
        setup(gateway, "nobody", customer="cus_gone")


Ask = Callable[[StripeGateway, dict[str, Any]], Any]
ASKS: dict[str, tuple[str, str, Ask]] = {
    "checkout": ("POST", "/v1/checkout/sessions", lambda g, has: g.checkout("pay_f", has["request"])),
    "confirm": (
        "POST",
        "/v1/payment_intents/*/confirm",
        lambda g, has: g.confirm("cfm_f", has["waits"], has["method"], "https://pay.example.com"),
    ),
    "fetch_checkout": ("GET", "/v1/checkout/sessions/*", lambda g, has: g.fetch_checkout(has["session"])),
    "expire": ("POST", "/v1/checkout/sessions/*/expire", lambda g, has: g.expire(has["session"])),
    "setup": ("POST", "/v1/checkout/sessions", lambda g, has: setup(g, has["fault"])),
    "fetch_setup": ("GET", "/v1/checkout/sessions/*", lambda g, has: g.fetch_setup(has["setup"])),
    "refund": ("POST", "/v1/refunds", lambda g, has: g.refund("ref_f", has["paid"], Money(1, "usd"), {})),
    "fetch_dispute": ("GET", "/v1/disputes/*", lambda g, has: g.fetch_dispute(has["dispute"])),
    "metadata": ("GET", "/v1/payment_intents/*", lambda g, has: g.metadata(has["paid"])),
}
OUTCOMES = ("checkout", "confirm")
"""What says Unknown where no answer came; the others have nothing to lose by being asked again, and are Unavailable."""


@pytest.mark.parametrize("fault", [*FAULTS, *TURNED_AWAY])
def test_no_answer_is_never_taken_for_one(gateway: StripeGateway, control: Remote, fault: str):
    """Whatever is asked: Unknown where it may have been done, Unavailable where it was not or can be asked again."""
    request, told = waiting(gateway, f"waits_{fault}")
    at = opened(gateway, request_of(gateway, f"at_{fault}"))
    paid = opened(gateway, request_of(gateway, f"paid_{fault}"))
    control.pay_page(paid.session)
    intent = gateway.fetch_checkout(paid.session)
    assert isinstance(intent, Succeeded)
    fought = opened(gateway, request_of(gateway, f"fought_{fault}"))
    control.pay_page(fought.session)
    disputed = gateway.fetch_checkout(fought.session)
    assert isinstance(disputed, Succeeded)
    has = {
        "request": request_of(gateway, f"new_{fault}"),
        "waits": told.reference,
        "method": request.method,
        "session": at.session,
        "setup": setup(gateway, f"had_{fault}").session,
        "paid": intent.reference,
        "dispute": control.dispute(disputed.reference)["id"],
        "fault": fault,
    }
    for name, (method, path, ask) in ASKS.items():
        control.fault(fault, method=method, path=path, seconds=1)
        if name in OUTCOMES and fault in FAULTS:
            assert isinstance(ask(gateway, has), Unknown), name
        else:
            with pytest.raises(Unavailable):
                ask(gateway, has)
        control.recover()


def test_a_page_that_expires_while_its_money_moves_is_not_called_off():
    """Sent a moment before: what the bank is at may still succeed, and nothing else may be asked for meanwhile."""
    intent = {"id": "pi_1", "status": "processing", "latest_charge": None}
    session = {"id": "cs_1", "status": "expired", "url": None, "payment_intent": intent}
    assert stripe_checkout.paid(session) == Processing(reference="pi_1")
    nothing = session | {"payment_intent": intent | {"status": "requires_payment_method"}}
    assert stripe_checkout.paid(nothing) == Canceled(reference="pi_1")


def test_a_method_its_bank_has_not_confirmed_is_waited_for():
    """A page that is complete while its SetupIntent is processing has not expired: it is asked about until it has a method, or none."""
    session: dict[str, Any] = {"id": "cs_1", "status": "complete", "url": None, "customer": "cus_1"}
    method = {"id": "pm_1", "type": "us_bank_account"}
    at_bank = session | {"setup_intent": {"status": "processing", "payment_method": method}}
    assert stripe_checkout.left(at_bank).url == ""
    ended = session | {"setup_intent": {"status": "requires_payment_method", "payment_method": None}}
    assert stripe_checkout.left(ended).url is None
