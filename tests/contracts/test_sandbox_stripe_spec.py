"""The sandbox's Stripe answers as Stripe's OpenAPI says, where STRIPE_SPEC names that file or its folder."""

import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import stripe

from sandbox.stripe import params, routes
from sandbox.stripe.remote import Remote
from sandbox.stripe.server import StripeServer

NAMED = os.environ.get("STRIPE_SPEC", "")
SPEC = Path(NAMED) / "spec3.json" if Path(NAMED).is_dir() else Path(NAMED)

pytestmark = pytest.mark.skipif(
    not (NAMED and SPEC.is_file()),
    reason="left out: STRIPE_SPEC does not name Stripe's OpenAPI (spec3.json, or its folder)",
)

GONE = {
    "payment_method_types",  # allowed_payment_method_types took its place
    "client_secret",  # for a browser's publishable key; the SDK is a server's
    "payto",  # on an update of a payment method
    "bank_account", "card", "default_alipay_account", "default_bank_account", "default_card",  # a customer's sources
}  # fmt: skip
"""Parameters of the spec, one release older, that the SDK does not have. Where it has more, the SDK is right."""


@cache
def spec() -> dict[str, Any]:
    return json.loads(SPEC.read_text())


@cache
def schemas() -> dict[str, Any]:
    return json_schema(spec()["components"])


def json_schema(openapi: Any) -> Any:
    """OpenAPI 3.0 as JSON Schema: `nullable` becomes a choice, and an object has no fields but its own."""
    if isinstance(openapi, list):
        return [json_schema(each) for each in openapi]
    if not isinstance(openapi, dict):
        return openapi
    made = {name: json_schema(value) for name, value in openapi.items() if name != "nullable"}
    if made.get("type") == "object" and "properties" in made and "additionalProperties" not in openapi:
        made["additionalProperties"] = False
    return {"anyOf": [made, {"type": "null"}]} if openapi.get("nullable") is True else made


@cache
def validator(kind: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator({"$ref": f"#/components/schemas/{kind}", "components": schemas()})


BACK = {"return_url": "https://example.com/back"}
NEWER = {"checkout.session": {"allowed_payment_method_types"}}
"""Fields that the SDK's objects have and the spec, one release older, has not."""


def check(kind: str, answered: Any) -> None:
    newer = NEWER.get(kind, ())
    told = {name: value for name, value in answered.items() if name not in newer}
    answered = json.loads(
        json.dumps(told, default=str)
    )  # the SDK reads decimals, which are strings on the wire
    errors = [f"{error.json_path}: {error.message[:200]}" for error in validator(kind).iter_errors(answered)]
    assert not errors, "\n".join(errors)


@pytest.fixture(scope="module")
def server() -> Iterator[StripeServer]:
    with StripeServer() as server:
        yield server


@pytest.fixture
def client(server: StripeServer) -> stripe.StripeClient:
    Remote(server.url).reset()
    return stripe.StripeClient("sk_test_contract", base_addresses={"api": server.url}, max_network_retries=0)


def everything(client: stripe.StripeClient, sandbox: Remote) -> Iterator[tuple[str, Any]]:
    """A day at Stripe: one of every object, in every state the sandbox knows."""
    sandbox.it_is("2026-03-01")
    v1 = client.v1
    ada = v1.customers.create({"email": "a@example.com", "address": {"city": "Bonn"}, "metadata": {"a": "b"}})
    yield "customer", ada
    yield from charged(v1, ada.id)
    yield from begun(v1, ada.id)
    yield from kept(v1, ada.id)
    yield from pages(v1, sandbox, ada.id)
    yield from disputed(v1, sandbox, ada.id)
    sandbox.it_is("2026-03-10")
    listed = v1.charges.list({"limit": 100}).data
    paid = next(each for each in listed if each.status == "succeeded" and not each.disputed)
    yield "refund", v1.refunds.create({"charge": paid.id, "amount": 100, "reason": "duplicate"})
    yield from taxed(v1)
    sandbox.it_is("2026-03-20")
    yield "balance", v1.balance.retrieve()
    yield "deleted_customer", v1.customers.delete(v1.customers.create({}).id)
    yield from listings(v1)


def charged(v1: Any, customer: str) -> Iterator[tuple[str, Any]]:
    """Methods of every type, each charged at once: taken, under way, or refused."""
    common = {"amount": 900, "customer": customer, "confirm": True, "off_session": True}
    for name, currency in (
        ("pm_card_visa", "usd"),
        ("pm_usBankAccount_accountClosed", "usd"),
        ("pm_sepaDebit", "eur"),
        ("pm_bacsDebit", "gbp"),
        ("pm_acssDebit", "cad"),
        ("pm_card_chargeCustomerFail", "usd"),
    ):
        method = v1.payment_methods.attach(name, {"customer": customer})
        yield "payment_method", method
        asked = {**common, "currency": currency, "payment_method": method.id}
        try:
            yield "payment_intent", v1.payment_intents.create(asked)
        except stripe.CardError as declined:
            yield "error", declined.json_body


def begun(v1: Any, customer: str) -> Iterator[tuple[str, Any]]:
    """Payments that wait: for a method, and for a buyer at their bank."""
    common = {"amount": 900, "currency": "usd", "customer": customer}
    yield "payment_intent", v1.payment_intents.create({**common, "statement_descriptor_suffix": "COFFEE"})
    asked = {**common, "payment_method": "pm_card_authenticationRequired", "confirm": True}
    yield "payment_intent", v1.payment_intents.create({**asked, **BACK})
    yield "payment_intent", v1.payment_intents.create({**asked, "allowed_payment_method_types": ["card"]})


def kept(v1: Any, customer: str) -> Iterator[tuple[str, Any]]:
    """Methods proved and kept for later."""
    yield "setup_intent", v1.setup_intents.create({"customer": customer})
    expand = ["mandate", "latest_attempt"]
    for method in (
        "pm_card_visa",
        "pm_usBankAccount_success",
        "pm_bacsDebit",
        "pm_acssDebit",
        "pm_card_authenticationRequired",
    ):
        asked = {"customer": customer, "payment_method": method, "confirm": True, "expand": expand}
        yield "setup_intent", v1.setup_intents.create({**asked, **BACK})


def taxed(v1: Any) -> Iterator[tuple[str, Any]]:
    """Calculations of taxes: added, reversed, and nowhere collected."""
    items = [{"amount": 1000, "tax_behavior": "inclusive"}, {"amount": 70, "reference": "b"}]
    common = {"currency": "usd", "line_items": items, "expand": ["line_items.data.tax_breakdown"]}
    for where, override in (
        ({"country": "US", "state": "NY"}, "none"),
        ({"country": "DE"}, "reverse_charge"),
        ({"country": "BR"}, "none"),
    ):
        buyer = {"address": where, "taxability_override": override}
        calculation = v1.tax.calculations.create({**common, "customer_details": buyer})
        yield "tax.calculation", calculation
        yield "tax.calculation", v1.tax.calculations.retrieve(calculation.id)
        listed = v1.tax.calculations.line_items.list(calculation.id, {"expand": ["data.tax_breakdown"]})
        yield from (("tax.calculation_line_item", each) for each in listed.data)


def listings(v1: Any) -> Iterator[tuple[str, Any]]:
    """All there is by then, as lists show it."""
    expand = ["data.customer", "data.payment_method", "data.latest_charge.balance_transaction"]
    yield from (("payment_intent", each) for each in v1.payment_intents.list({"expand": expand}).data)
    for kind, service in (
        ("charge", v1.charges),
        ("balance_transaction", v1.balance_transactions),
        ("event", v1.events),
        ("setup_intent", v1.setup_intents),
        ("refund", v1.refunds),
        ("checkout.session", v1.checkout.sessions),
        ("dispute", v1.disputes),
    ):
        yield from ((kind, each) for each in service.list({"limit": 100}).data)


def pages(v1: Any, sandbox: Remote, customer: str) -> Iterator[tuple[str, Any]]:
    """Checkout's pages, paid at once, in days, and never."""
    common = {"customer": customer, "success_url": "https://example.com/done", "expand": ["line_items"]}
    price = {"currency": "usd", "unit_amount": 900, "product_data": {"name": "Coffee"}}
    asked = {**common, "mode": "payment", "line_items": [{"price_data": price, "quantity": 2}]}
    asked["allowed_payment_method_types"] = ["card", "us_bank_account"]
    for method in ("pm_card_visa", "pm_usBankAccount_success", "pm_card_visa_chargeDeclined"):
        session = v1.checkout.sessions.create(asked)
        yield "checkout.session", session
        yield from (("item", each) for each in session.line_items.data)
        sandbox.pay_page(session.id, method)
        yield "checkout.session", v1.checkout.sessions.retrieve(session.id)
    setup = {**common, "mode": "setup", "currency": "usd", "allowed_payment_method_types": ["card"]}
    del setup["expand"]
    yield "checkout.session", v1.checkout.sessions.create(setup)
    yield "checkout.session", v1.checkout.sessions.expire(v1.checkout.sessions.create(setup).id)


def disputed(v1: Any, sandbox: Remote, customer: str) -> Iterator[tuple[str, Any]]:
    """Won, lost, asked only, and a debit that came back late."""
    common = {"amount": 900, "currency": "usd", "customer": customer, "confirm": True, "off_session": True}
    for method in ("pm_card_createDispute", "pm_card_createDisputeInquiry", "pm_card_visa"):
        intent = v1.payment_intents.create({**common, "payment_method": method})
        if method == "pm_card_visa":
            sandbox.dispute(intent.id, "duplicate", amount=100)
        dispute = v1.disputes.list({"payment_intent": intent.id, "expand": ["data.charge"]}).data[0]
        yield "dispute", dispute
        text = "winning_evidence" if method == "pm_card_createDispute" else "losing_evidence"
        yield "dispute", v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": text}})
    debit = {"payment_method": "pm_usBankAccount_dispute"}
    v1.payment_intents.create({**common, **debit})


def test_every_answer_fits_its_schema(client, server):
    """Required fields, types, enums, what may be null and what may be expanded; and no field of our own."""
    kinds = set()
    for kind, answered in everything(client, Remote(server.url)):
        check(kind, answered if isinstance(answered, dict) else answered.to_dict())
        kinds.add(kind)
    assert len(kinds) == 16


def test_the_check_sees_what_does_not_fit(client):
    """A field of our own, a wrong word, a null where none may be: each is found, at any depth."""
    good = client.v1.payment_intents.create({"amount": 900, "currency": "usd"}).to_dict()
    check("payment_intent", good)
    for wrong in (
        {"own": 1},
        {"status": "paid"},
        {"amount": None},
        {"automatic_payment_methods": {"own": 1}},
    ):
        with pytest.raises(AssertionError):
            check("payment_intent", {**good, **wrong})


def test_every_event_shows_an_object_that_fits_its_schema(client, server):
    """An event's object is looked at by its own kind."""
    for _ in everything(client, Remote(server.url)):
        pass
    types = set()
    for event in client.v1.events.list({"limit": 100}).auto_paging_iter():
        types.add(event.type)
        shown = event.data.object.to_dict()
        check(shown["object"], shown)
    assert {"charge.pending", "payment_intent.processing", "setup_intent.requires_action"} <= types


@pytest.mark.parametrize("route", routes.ROUTES, ids=lambda route: route.label)
def test_a_route_takes_the_parameters_of_the_spec(route):
    """As the SDK has them; where the two differ, the release between them is named here."""
    assert documented_parameters(route) - set(params.names(route.params)) <= GONE


def documented_parameters(route: routes.Route) -> set[str]:
    shape = route.path.replace("{id}", "{}")
    for path, methods in spec()["paths"].items():
        parts = ["{}" if part.startswith("{") else part for part in path.split("/")]
        if "/".join(parts) == shape and route.method.lower() in methods:
            return named(methods[route.method.lower()])
    raise AssertionError(f"the spec has no {route.label}")


def named(operation: dict[str, Any]) -> set[str]:
    queried = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"}
    content = operation.get("requestBody", {}).get("content", {})
    for form in content.values():
        queried |= set(form["schema"].get("properties", {}))
    return queried
