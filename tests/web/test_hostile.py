"""What nobody honest sends, at every route: a clear problem, and nothing written."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from moto import mock_aws

from chalicelib.billing.gateway import DisputeTold
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.money import Money
from chalicelib.billing.payments import Payment
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account, Moment
from chalicelib.operations import collect, dispute, renew, stop_mail
from chalicelib.store import keys
from chalicelib.store.changes import Changeset
from chalicelib.web.routes import ROUTES, Route
from sandbox.mail_events import bounce
from sandbox.stripe.server import StripeServer
from tests.conftest import QUICK
from tests.web.conftest import Api, Told, deployed
from tests.web.test_suppressions import sent

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGPgzvMHAAFQAMmqFjo2AAAAAElFTkSuQmCC"
GUARDED = [route for route in ROUTES if not route.public]
# What has no record of another's to be named: a day's run has the same name everywhere.
NO_RECORD = ("billing_runs.get", "deliveries.get", "deliveries.resend", "parked.release")
POSTS = [route for route in GUARDED if route.method == "POST"]
LISTS = [route for route in GUARDED if route.name.endswith((".list_", ".entries"))]
NAMED = [route for route in GUARDED if "{id}" in route.path]


@dataclass(frozen=True)
class Street:
    """One deployment and two accounts: `own` and `foreign` name the records of each."""

    api: Api
    own: dict[str, str]
    foreign: dict[str, str]

    def path(self, route: Route, ids: dict[str, str] | None = None) -> str:
        kind = [*route.path.split("/"), ""][2].removesuffix("s")  # an act is on what its path names
        named = ids or self.own
        at = {"kind": "subscription", "letter": "receipt", "language": "de"}
        path = route.path.format(id=named.get(route.name) or named.get(kind, "none"), **at)
        return f"{path}?contact={self.own['contact']}" if route.name == "payment_methods.list_" else path

    def body(self, route: Route, ids: dict[str, str] | None = None) -> dict[str, Any]:
        """What an honest caller sends."""
        return NAMELESS.get(route.name) or self._naming(ids or self.own).get(route.name, {})

    def _naming(self, own: dict[str, str]) -> dict[str, dict[str, Any]]:
        """Bodies that name records, by route."""
        card = {"contact": own["contact"], "payment_method": own["payment_method"]}
        order = {**card, "lines": [{"product": own["product"]}]}
        return {
            "payment_methods.attach": {"contact": own["contact"], "payment_method": "pm_card_mastercard"},
            "subscriptions.create": order,
            "subscriptions.preview": order,
            "orders.create": order,
            "orders.preview": order,
            "simulations.draft": {**order, "until": "2026-06-01"},
            "promotion_codes.create": {"code": "WELCOME", "coupon": own["coupon"]},
            "changes.change": {"coupons": [own["coupon"]]},
            "changes.preview": {"coupons": [own["coupon"]]},
            "subscriptions.change_method": {"payment_method": own["payment_method"]},
            "payments.record": {
                "contact": own["contact"],
                "amount": {"amount": 100, "currency": "usd"},
                "received_on": "2026-01-31",
                "type": "check",
            },
            "contacts.update": {"name": "Beate", "company": own["companie"], "language": "de"},
            "invoice_settings.change": {"company": own["companie"], "comments": "*Hi*", "reference": "PO-1"},
            "credit_notes.create": {"invoice": own["credit_notes.create"]},
            "credit_notes.preview": {"invoice": own["invoice"]},
            "refunds.create": {"payment": own["refunds.create"]},
        }


NAMELESS: dict[str, dict[str, Any]] = {
    "accounts.create": {"name": "Second", "email": "two@example.com"},
    "api_keys.create": {"name": "laptop"},
    "logos.change": {"picture": PIXEL},
    "contacts.create": {"name": "Bo", "email": "bo@example.com"},
    "products.create": {"name": "Tea", "unit_amount": "12.5", "frequency": "weekly"},
    "tax_rates.create": {"name": "VAT", "percentage": "7.7"},
    "coupons.create": {"name": "Welcome", "percent": "12.5"},
    "lifecycle.cancel": {"at_period_end": True},
    "lifecycle.pause": {"shifts": False},
    "lifecycle.resume": {"shifts": False},
    "lifecycle.next_billing_date": {"on": "2026-03-10"},
    "simulations.subscription": {"until": "2026-06-01"},
    "subscriptions.change_collection": {"accepted_types": ["card"], "collect_addresses": ["billing"]},
    "links.method": {"send": True},
    "invoices.schedule": {"instalments": [{"due_on": "2026-03-10", "percent": 100}]},
    "accounts.change": {"billing_hour": 7},
    "retry_policies.replay": {"retries": "default", "start_on": "2026-01-01", "end_on": "2026-01-31"},
    "companies.create": {"name": "Bo & Co", "tax_ids": [{"type": "eu_vat", "value": "DE136695976"}]},
    "companies.update": {"address": {"country": "DE"}, "website": "https://bo.example"},
    "users.create": {"name": "Gus", "email": "gus@example.com", "letters": ["staff_dispute"]},
    "users.update": {"letters": ["staff_payment"]},
    "letters.change": {"title": "Danke"},
    "profile.change": {
        "legal_name": "Roaster Ltd",
        "comments": "Thanks {{us}}",
        "snippets": [{"name": "us", "text": "from us"}],
    },
    "balances.adjust": {"amount": {"amount": 100, "currency": "usd"}},
    "test_clock.advance": {"to": "2026-02-28T00:00:00Z"},
    "webhook_endpoints.create": {"url": "https://hooks.example.com/", "events": ["refund.failed"]},
    "webhook_endpoints.update": {"description": "Other"},
    "webhook_endpoints.rotate_secret": {"expires_in_hours": 1},
    "webhook_endpoints.resend": {"since": "2026-01-31T00:00:00Z"},
}
"""Bodies that name no record, by route."""


pytestmark = pytest.mark.slow  # thousands of requests, each quick


@pytest.fixture(scope="module")
def street() -> Iterator[Street]:
    with pytest.MonkeyPatch.context() as patch, mock_aws(), StripeServer() as stripe:
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        for name, value in QUICK.items():
            patch.setenv(name, value)
        api = deployed(dict(QUICK), stripe)
        _, other = api.open("Neighbor")
        yield Street(api=api, own=_stocked(api, None), foreign=_stocked(api, other))


def _owes(api: Api, key: str | None) -> str:
    """An open invoice of a subscription of its own."""
    return str(api.get(f"/v1/invoices?subscription={_runs(api, key)}", key=key)["data"][0]["id"])


def _given_up(api: Api, key: str | None) -> str:
    """An uncollectible invoice."""
    owed = _owes(api, key)
    assert api.post(f"/v1/invoices/{owed}/mark_uncollectible", key=key).status == 200
    return owed


def _runs(api: Api, key: str | None, verb: str = "", **body: Any) -> str:
    """A subscription that has been billed, and then is told something."""
    sold = api.sells(key)["id"]
    account = api.get("/v1/account", key=key)["id"]
    renew.subscriptions(api.service, account, [keys.key(Subscription, account, sold)])
    if verb:
        told = api.post(f"/v1/subscriptions/{sold}/{verb}", body, key=key)
        assert told.status == 200, told.text
    return str(sold)


def _user(api: Api, key: str | None) -> str:
    """A person of the business."""
    return str(api.post("/v1/users", {"name": "Gus", "email": "gus@example.com"}, key=key)["id"])


def _came(api: Api, key: str | None, contact: str) -> str:
    """A payment that was written down by hand, and is its contact's balance."""
    amount = {"amount": 100, "currency": "usd"}
    body = {"contact": contact, "amount": amount, "received_on": "2026-01-31", "type": "cash", "invoices": []}
    return str(api.post("/v1/payments", body, key=key)["id"])


def _asked_for(api: Api, key: str | None) -> str:
    """A payment of an invoice."""
    account = api.get("/v1/account", key=key)["id"]
    collect.invoices(api.service, account, [keys.key(Invoice, account, _owes(api, key))])
    return str(api.get("/v1/payments", key=key)["data"][0]["id"])


def _disputed(api: Api, key: str | None) -> str:
    """A dispute of a payment, as Stripe's word of it is kept."""
    account = api.get("/v1/account", key=key)["id"]
    paid = api.service.store.get(Payment, account, _asked_for(api, key))
    told = DisputeTold(
        id="du_theirs" if key else "du_ours",
        intent=paid.reference or "",
        amount=paid.amount,
        reason="fraudulent",
        status="needs_response",
        withdrawn=paid.amount,
        fee=Money(1500, "usd"),
        type="card",
    )
    reading = api.service.store.load(account, [keys.key_of(paid), keys.key(Account, account, account)])
    changes = Changeset(account, reading)
    dispute.told(changes, paid, told, Moment(reading.get(Account, account, account), api.now))
    api.service.store.commit(changes)
    return told.id


def _listens(api: Api, key: str | None) -> str:
    """An endpoint that hears of what never happens here."""
    body = {"url": "https://hooks.example.com/", "events": ["refund.failed"]}
    return str(api.post("/v1/webhook_endpoints", body, key=key)["id"])


def _bounced(api: Api, key: str | None) -> str:
    """An address that is not written to any more."""
    account = api.get("/v1/account", key=key)["id"]
    to = f"{account}@example.com"  # one address has one name, in every account that wrote to it
    stop_mail.hear(api.service, bounce(sent(api, account, key, to=to), account, api.now))
    return str(api.get("/v1/suppressions", key=key)["data"][0]["id"])


def _stocked(api: Api, key: str | None) -> dict[str, str]:
    """One record of each kind that can be named, by kind; by route where that leaves it of no use to others."""
    sold = api.sells(key)
    return _of_each_kind(api, key, sold) | _used_up(api, key, sold["contact"])


def _of_each_kind(api: Api, key: str | None, sold: dict[str, Any]) -> dict[str, str]:
    invoice = _owes(api, key)
    cent = {"line": 0, "amount": {"amount": 1, "currency": "usd"}}
    note = api.post("/v1/credit_notes", {"invoice": invoice, "lines": [cent]}, key=key)["id"]
    coupon = api.post("/v1/coupons", {"name": "Ten", "percent": 10}, key=key)["id"]
    code = {"code": "THEIRS" if key else "OURS", "coupon": coupon}
    endpoint = _listens(api, key)
    delivered = api.post(f"/v1/webhook_endpoints/{endpoint}/test", key=key)["id"]
    return {
        "webhook_endpoint": endpoint,
        "webhook_deliveries.get": delivered,
        "webhook_deliveries.resend": delivered,
        "subscription": sold["id"],
        "invoice": invoice,
        "credit_note": note,
        "refund": api.post("/v1/refunds", {"payment": _asked_for(api, key)}, key=key)["id"],
        "dispute": _disputed(api, key),
        "coupon": coupon,
        "tax_rate": api.post("/v1/tax_rates", {"name": "VAT", "percentage": "19"}, key=key)["id"],
        "payment": _asked_for(api, key),
        "promotion_code": api.post("/v1/promotion_codes", code, key=key)["id"],
        "contact": sold["contact"],
        "companie": api.post("/v1/companies", {"name": "Bo"}, key=key)["id"],
        "suppression": _bounced(api, key),
        "user": _user(api, key),
        "payment_method": sold["payment_method"]["id"],
        "product": sold["lines"][0]["product"],
        "event": api.get("/v1/events", key=key)["data"][0]["id"],
        "api_key": api.get("/v1/api_keys", key=key)["data"][0]["id"],
    }


def _used_up(api: Api, key: str | None, contact: str) -> dict[str, str]:
    return {
        "webhook_endpoints.delete": _listens(api, key),
        "webhook_endpoints.disable": _listens(api, key),
        "webhook_endpoints.enable": _listens(api, key),
        "credit_notes.create": _owes(api, key),
        "invoices.void": _owes(api, key),
        "invoices.pay": _owes(api, key),
        "invoices.mark_uncollectible": _owes(api, key),
        "invoices.reopen": _given_up(api, key),
        "invoices.schedule": _owes(api, key),
        "payments.undo": _came(api, key, contact),
        "refunds.create": _asked_for(api, key),
        "lifecycle.cancel": _runs(api, key),
        "lifecycle.reactivate": _runs(api, key, "cancel", at_period_end=True),
        "lifecycle.pause": _runs(api, key),
        "lifecycle.resume": _runs(api, key, "pause"),
        "lifecycle.next_billing_date": _runs(api, key),
        "subscriptions.change_collection": _runs(api, key),
        "subscriptions.delete": api.sells(key)["id"],
        "changes.change": _runs(api, key),
        "changes.preview": _runs(api, key),
        "explanations.get": _owes(api, key),
        "users.delete": _user(api, key),
    }


def refused(street: Street, status: int, method: str, path: str, body: bytes = b"", **more: Any) -> Told:
    """The request is refused as a problem with that status, and wrote nothing."""
    before = street.api.marks()
    told = street.api.send(method, path, body, **more)
    assert told.status == status, told.text
    assert told.headers["Content-Type"] == "application/problem+json"
    assert told["status"] == status
    assert told["title"]
    assert told["detail"].endswith((".", "'", ":"))
    assert told["type"] == f"urn:perennial:problem:{told['code']}"
    assert street.api.marks() == before
    return told


def by_name(route: Route) -> str:
    return route.name


KEYS = {
    "another scheme": "Basic cHJuOg==",
    "nothing": "",
    "no key": "Bearer ",
    "a key nobody has": "Bearer prn_test_{account}_" + "0" * 48,
    "an account nobody has": "Bearer prn_test_nobody_" + "0" * 48,
    "the house": "Bearer prn_test_house_" + "0" * 48,
    "another's secret": "Bearer prn_test_{account}_{foreign}",
    "a path": "Bearer prn_test_../{account}_" + "0" * 48,
    "a line break": "Bearer prn_test_{account}_{own}\nX: y",
    "a long one": "Bearer prn_test_" + "a" * 10_000,
}


@pytest.mark.parametrize("route", GUARDED, ids=by_name)
@pytest.mark.parametrize("given", KEYS.values(), ids=KEYS)
def test_without_a_key_nothing_is_told(street: Street, route: Route, given: str):
    """Every route but the public ones asks for a key, and says the same whatever is wrong with it."""
    _, other = KEYS, street.foreign["api_key"]
    header = given.format(
        account=street.api.account.id.removeprefix("acct_"),
        own=street.api.key.rpartition("_")[2],
        foreign=other.removeprefix("key_")[:48],
    )
    body = json.dumps(street.body(route)).encode() if route.method == "POST" else b""
    told = refused(street, 401, route.method, street.path(route), body, key="", Authorization=header)
    assert told["code"] == "unauthorized"
    assert told.headers["WWW-Authenticate"].startswith("Bearer")


BODIES = {
    "cut off": b'{"name": ',
    "not JSON": b"name=Ada",
    "not UTF-8": b'{"name": "\xff\xfe"}',
    "a lone surrogate": b'{"name": "\\ud800"}',
    "two values": b"{} {}",
    "a list": b"[]",
    "null": b"null",
    "a number": b"1e999",
    "nested deeply": b"[" * 100_000,
    "an object nested deeply": b'{"lines":' * 20_000,
}


@pytest.mark.parametrize("route", POSTS, ids=by_name)
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_body_that_is_no_object_is_refused(street: Street, route: Route, body: bytes):
    """A body is one JSON object in UTF-8."""
    refused(street, 400, "POST", street.path(route), body)


@pytest.mark.parametrize("route", POSTS, ids=by_name)
def test_a_huge_body_is_refused(street: Street, route: Route):
    """A body larger than 256 KB is not even read."""
    refused(street, 413, "POST", street.path(route), b'{"name": "' + b"a" * 300_000 + b'"}')


@pytest.mark.parametrize("route", POSTS, ids=by_name)
def test_another_content_type_is_refused(street: Street, route: Route):
    """A body that is not said to be JSON is not taken for it, even where it could be."""
    body = json.dumps(street.body(route)).encode()
    for type_ in ("text/plain", "application/x-www-form-urlencoded", "application/jsonp"):
        refused(street, 415, "POST", street.path(route), body, Content_Type=type_)


@pytest.mark.parametrize("route", POSTS, ids=by_name)
def test_an_unknown_field_is_refused(street: Street, route: Route):
    """A field that is not known is named, not ignored; a nested one too."""
    for name in ("amuont", "id", "version", "account", "__proto__", "a\u0000b"):
        told = refused(street, 400, "POST", street.path(route), _json(street.body(route) | {name: 1}))
        assert (told["code"], told["param"]) == ("unknown_field", name)
    if route.name == "subscriptions.create":
        body = street.body(route)
        body["lines"] = [{**body["lines"][0], "price": 1}]
        assert refused(street, 400, "POST", street.path(route), _json(body))["param"] == "lines[0].price"


WRONG = (
    None,
    True,
    -1,
    1.5,
    10**30,
    "",
    "\u0000",
    "x" * 5000,
    "a\nb",
    "\x1b[31m",
    [],
    {},
    [{}],
    [[]],
    {"a": 1},
)


# What is wrong elsewhere and says something here.
MEANT = {
    ("companies.create", "tax_ids"): ([],),
    ("companies.update", "address"): (None,),
    ("companies.update", "website"): ("",),
    ("contacts.update", "company"): (None,),
    ("contacts.update", "language"): ("",),
    ("invoice_settings.change", "comments"): ("", "a\nb"),
    ("invoice_settings.change", "company"): (None,),
    ("invoice_settings.change", "reference"): ("",),
    ("logos.change", "picture"): ("",),
    ("profile.change", "comments"): ("", "a\nb"),
    ("profile.change", "legal_name"): ("",),
    ("profile.change", "snippets"): ([],),  # what names the snippet is refused then, and named
    ("users.create", "letters"): ([],),
    ("users.update", "letters"): ([],),
    ("letters.change", "title"): ("",),
    ("lifecycle.cancel", "at_period_end"): (True,),
    ("lifecycle.pause", "shifts"): (True,),
    ("lifecycle.resume", "shifts"): (True,),
    ("retry_policies.replay", "retries"): ({},),
    ("links.method", "send"): (True,),
    ("webhook_endpoints.update", "description"): ("",),
    ("changes.change", "coupons"): (None, []),
    ("subscriptions.change_collection", "accepted_types"): (None, []),
    ("subscriptions.change_collection", "collect_addresses"): (None, []),
    ("changes.preview", "coupons"): (None, []),
}


@pytest.mark.parametrize("wrong", WRONG, ids=lambda value: repr(value)[:20])
@pytest.mark.parametrize("route", POSTS, ids=by_name)
def test_a_wrong_value_in_any_field_is_refused(street: Street, route: Route, wrong: Any):
    """A value of another type, size or form is refused in each field, and the field is named."""
    for name in street.body(route):
        if wrong in MEANT.get((route.name, name), ()):
            continue
        told = refused(street, 400, "POST", street.path(route), _json(street.body(route) | {name: wrong}))
        assert told["param"].partition("[")[0].partition(".")[0] == name


HONEST = (("product", None), ("sku", ""), ("description", ""), ("description", "a\nb"), ("model", None), ("taxes", None),
          ("tax_code", None), ("tax_code", ""), ("frequency", None), ("tiers", []), ("discounts", []), ("taxes", []),
          ("save_to_library", True))  # fmt: skip
FIELDS = ("quantity", "unit_amount", "name", "description", "sku", "product", "model", "tiers", "discounts", "taxes",
          "tax_code", "frequency", "save_to_library")  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=lambda value: repr(value)[:20])
@pytest.mark.parametrize("field", FIELDS)
def test_a_wrong_value_in_a_line_is_refused(street: Street, field: str, wrong: Any):
    """A line is read as strictly as what it stands in; an amount of money is never a float."""
    route = next(route for route in POSTS if route.name == "subscriptions.create")
    if (field, wrong) in HONEST:
        return
    line = {"name": "Tea", "unit_amount": 100, field: wrong}
    body = street.body(route) | {"frequency": "monthly", "lines": [line]}
    told = refused(street, 400, "POST", street.path(route), _json(body))
    assert told["param"].startswith("lines[0]")


@pytest.mark.parametrize("route", POSTS, ids=by_name)
def test_another_accounts_id_in_a_body_names_nothing(street: Street, route: Route):
    """What belongs to another account does not exist here: no reference can reach it."""
    honest = street.body(route)
    for name, value in street.body(route, street.foreign).items():
        if value != honest[name]:
            status = (
                400 if name == "coupons" else 404
            )  # a list of what there will be: each is checked as a value
            refused(street, status, "POST", street.path(route), _json(honest | {name: value}))


SOLD = (
    "subscriptions.create",
    "subscriptions.preview",
    "orders.create",
    "orders.preview",
    "simulations.draft",
)
NESTED = {
    "a line's tax": lambda ids: {
        "lines": [{"name": "Tea", "unit_amount": 100, "frequency": "monthly", "taxes": [ids["tax_rate"]]}]
    },
    "a tax of all": lambda ids: {"taxes": [ids["tax_rate"]]},
    "a tax once": lambda ids: {"one_off_taxes": [ids["tax_rate"]]},
    "a fee's tax": lambda ids: {"fees": [{"name": "Fee", "amount": 9, "taxes": [ids["tax_rate"]]}]},
    "a coupon": lambda ids: {"discounts": [{"coupon": ids["coupon"]}]},
}
INSIDE = {
    "a product": ("changes.change", lambda ids: {"lines": [{"product": ids["product"]}]}),
    "a tax": ("changes.change", lambda ids: {"lines": [{"id": "li_1", "taxes": [ids["tax_rate"]]}]}),
    "a product foreseen": ("changes.preview", lambda ids: {"lines": [{"product": ids["product"]}]}),
    "a method assumed": (
        "simulations.subscription",
        lambda ids: {"assume": [{"on": "2026-03-01", "payment_method": ids["payment_method"]}]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SOLD)
@pytest.mark.parametrize("inside", NESTED)
def test_another_accounts_id_deep_in_an_order_names_nothing(street: Street, name: str, inside: str):
    """A tax rate or a coupon of another account is as unknown as one that does not exist, wherever it is named."""
    route = next(route for route in POSTS if route.name == name)
    told = refused(street, 404, "POST", street.path(route),
                   _json(street.body(route) | NESTED[inside](street.foreign)))  # fmt: skip
    assert told["code"] in ("tax_rate_not_found", "coupon_not_found")


@pytest.mark.parametrize("name", SOLD)
def test_another_accounts_code_takes_nothing_off(street: Street, name: str):
    """A promotion code is looked for among the caller's own: the neighbor's words are nobody's here."""
    route = next(route for route in POSTS if route.name == name)
    body = street.body(route) | {"discounts": [{"promotion_code": "THEIRS"}]}
    assert refused(street, 404, "POST", street.path(route), _json(body))["code"] == "promotion_code_not_found"


@pytest.mark.parametrize("inside", INSIDE)
def test_another_accounts_id_deep_in_a_change_names_nothing(street: Street, inside: str):
    """What a change or a simulation names inside is the caller's own, or unknown."""
    name, made = INSIDE[inside]
    route = next(route for route in POSTS if route.name == name)
    told = street.api.post(street.path(route), street.body(route) | made(street.foreign))
    assert told.status in (400, 404), told.text
    missing = ("product_not_found", "tax_rate_not_offered", "tax_rate_not_found", "payment_method_not_found")
    assert told["code"] in missing


@pytest.mark.parametrize("route", NAMED, ids=by_name)
def test_another_accounts_id_in_the_path_names_nothing(street: Street, route: Route):
    """Another account's record is not found, in the same words as one that does not exist."""
    assert "/none" not in street.path(route, street.foreign) or route.name in NO_RECORD
    body = _json(street.body(route)) if route.method == "POST" else b""
    refused(street, 404, route.method, street.path(route, street.foreign), body)


TRICKS = (
    "sub_x@status",
    "..%2f..",
    "%2e%2e",
    "a%00b",
    "a%0a",
    "a%20",
    "x" * 300,
    "%ff",
    "*",
    "%25",
    "{id}",
    "a'b",
    "%E2%80%AE",
)


@pytest.mark.parametrize("trick", TRICKS)
@pytest.mark.parametrize("route", NAMED, ids=by_name)
def test_a_path_that_plays_tricks_names_nothing(street: Street, route: Route, trick: str):
    """An id is letters, digits and underscores; anything else in its place is not found."""
    body = _json(street.body(route)) if route.method == "POST" else b""
    refused(street, 404, route.method, route.path.format(id=trick, kind="subscription"), body)
    if "{kind}" in route.path:
        refused(street, 404, route.method, route.path.format(id="x", kind=trick), body)


@pytest.mark.parametrize("route", GUARDED, ids=by_name)
def test_an_unknown_parameter_is_refused(street: Street, route: Route):
    """A misspelled filter is refused: ignored, it would answer more than was asked for. So is one that comes twice."""
    body = _json(street.body(route)) if route.method == "POST" else b""
    path = street.path(route)
    join = "&" if "?" in path else "?"
    assert refused(street, 400, route.method, f"{path}{join}statsu=1", body)["param"] == "statsu"
    assert refused(street, 400, route.method, f"{path}{join}a=1&a=2", body)["code"] == "repeated_parameter"


PAGES = ("limit=0", "limit=101", "limit=-1", "limit=x", "limit=", "after=", "after=%00", "after=x", "after=" + "a" * 600,
         "after=Li4vLi4", "after=c3ViX3h8eHx5", "after=MDAwMHx8", "after=4pyT", "limit=5&limit=5")  # fmt: skip


@pytest.mark.parametrize("query", PAGES)
@pytest.mark.parametrize("route", LISTS, ids=by_name)
def test_a_cursor_that_no_page_gave_harms_nobody(street: Street, route: Route, query: str):
    """A limit out of range is refused; a made-up cursor is refused or ends the list, and never another's records."""
    path = street.path(route)
    told = street.api.get(f"{path}{'&' if '?' in path else '?'}{query}")
    assert told.status in (200, 400), told.text
    assert told.status == 400 or "limit" not in query
    if told.status == 200:
        assert not {record.get("id") for record in told["data"]} & set(street.foreign.values())


FILTERED = {"subscriptions.list_": ("contact",), "invoices.list_": ("contact", "subscription"),
            "payments.list_": ("contact", "subscription"), "payment_methods.list_": ("contact",), "credit_notes.list_": ("invoice",), "refunds.list_": ("payment", "subscription", "invoice"), "disputes.list_": ("payment",)}  # fmt: skip


@pytest.mark.parametrize("route", [route for route in LISTS if route.name in FILTERED], ids=by_name)
def test_a_filter_by_anothers_id_finds_nothing(street: Street, route: Route):
    """A filter looks only among the caller's own records."""
    for name in FILTERED[route.name]:
        told = street.api.get(f"{route.path}?{name}={street.foreign[name]}")
        assert told.status == 404 or told["data"] == []


OTHERWISE: dict[str, dict[str, Any]] = {
    "received_on": {"note": "Another"},
    "name": {"name": "Other"},
    "invoice": {"reason": "Other"},
    "amount": {"reason": "Other"},
    "code": {"code": "OTHER"},
    "at_period_end": {"at_period_end": False},
    "url": {"description": "Other"},
    "picture": {"picture": ""},
    "description": {"description": "Another"},
    "expires_in_hours": {"expires_in_hours": 2},
    "since": {"since": "2026-01-31T01:00:00Z"},
    "shifts": {"shifts": True},
    "on": {"on": "2026-03-12"},
    "coupons": {"force": True},
    "billing_hour": {"billing_hour": 8},
    "payment_method": {"payment_method": "pm_other"},
    "instalments": {"instalments": [{"due_on": "2026-03-11", "percent": 100}]},
}


@pytest.mark.parametrize(
    "route",
    [
        route
        for route in POSTS
        if route.name not in (*NO_RECORD, "api_keys.revoke", "test_clock.advance")
        and not (route.reads or route.name.endswith((".archive", ".void", ".mark_uncollectible", ".reopen")))
    ],
    ids=by_name,
)
def test_a_used_key_with_another_body_is_refused(street: Street, route: Route):
    """An Idempotency-Key stands for one request: another body under it is refused, and nothing is done."""
    key = f"once-{route.name}"
    first = street.api.post(street.path(route), street.body(route), Idempotency_Key=key)
    assert first.status < 300, first.text
    other = street.body(route)
    changed = next((part for name, part in OTHERWISE.items() if name in other), {})
    sent = _json(other | changed) if changed else b"{ }"
    told = refused(street, 400, "POST", street.path(route), sent, Idempotency_Key=key)
    assert (told["code"], told["param"]) == ("idempotency_key_reused", "Idempotency-Key")


@pytest.mark.parametrize("route", [route for route in POSTS if not route.reads], ids=by_name)
def test_a_malformed_idempotency_key_is_refused(street: Street, route: Route):
    """An Idempotency-Key is 1 to 255 printable characters."""
    for key in ("", "x" * 256, "a\x00b", "schl\u00fcssel"):
        told = refused(
            street, 400, "POST", street.path(route), _json(street.body(route)), Idempotency_Key=key
        )
        assert told["code"] == "idempotency_key_malformed"


@pytest.mark.parametrize("route", ROUTES, ids=by_name)
def test_another_method_is_refused(street: Street, route: Route):
    """A method a path does not know is a problem too, and says which it knows."""
    told = refused(street, 405, "DELETE", street.path(route))
    assert route.method in told.headers["Allow"]


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()
