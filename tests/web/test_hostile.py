"""What nobody honest sends, at every route: a clear problem, and nothing written."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from chalicelib.web.routes import ROUTES, Route
from sandbox.stripe.server import StripeServer
from tests.conftest import QUICK
from tests.web.conftest import Told, deployed
from tests.web.street import Street, stocked

GUARDED = [route for route in ROUTES if not route.public]
# What has no record of another's to be named: a day's run has the same name everywhere.
NO_RECORD = ("billing_runs.get", "deliveries.get", "deliveries.resend", "parked.release")
POSTS = [route for route in GUARDED if route.method == "POST"]
LISTS = [route for route in GUARDED if route.name.endswith((".list_", ".entries"))]
NAMED = [route for route in GUARDED if "{id}" in route.path]


pytestmark = pytest.mark.slow  # thousands of requests, each quick


@pytest.fixture(scope="module")
def street() -> Iterator[Street]:
    with pytest.MonkeyPatch.context() as patch, mock_aws(), StripeServer() as stripe:
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        for name, value in QUICK.items():
            patch.setenv(name, value)
        api = deployed(dict(QUICK), stripe)
        _, other = api.open("Neighbor")
        yield Street(api=api, own=stocked(api, None), foreign=stocked(api, other))


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
