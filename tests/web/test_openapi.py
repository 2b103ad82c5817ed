"""The OpenAPI document says what the API does: every route, every reference, and what is really answered."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from chalicelib.operations import advance
from chalicelib.views.shown import OURS, SHAPES
from chalicelib.web.bodies import from_json
from chalicelib.web.endpoint import endpoint
from chalicelib.web.examples import EXAMPLES
from chalicelib.web.openapi import document
from chalicelib.web.routes import ROUTES
from tests.web.conftest import JANUARY, Api, Told

DOCUMENT = document("https://api.example.com")


def operation(method: str, path: str) -> Any:
    return DOCUMENT["paths"][path][method.lower()]


def fits(told: Told, method: str, path: str) -> None:
    """The answer is as the document says."""
    responses = operation(method, path)["responses"]
    response = responses.get(str(told.status)) or responses[f"{told.status // 100}XX"]
    if "$ref" in response:
        response = DOCUMENT["components"]["responses"][response["$ref"].rpartition("/")[2]]
    schema = response["content"][told.headers["Content-Type"]]["schema"]
    validator = Draft202012Validator(schema | {"components": DOCUMENT["components"]})
    assert [error.message for error in validator.iter_errors(told.body)] == []


def test_every_route_is_described():
    """Each route is an operation with a name of its own, what it does, what it takes and what it answers."""
    found = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert found == {(route.method, route.path) for route in ROUTES}
    names = [operation(route.method, route.path)["operationId"] for route in ROUTES]
    assert len(set(names)) == len(names)
    for route in ROUTES:
        told = operation(route.method, route.path)
        in_path = [one["name"] for one in told["parameters"] if one["in"] == "path"]
        assert in_path == re.findall(r"{(\w+)}", route.path)
        assert told["summary"].endswith((".", ","))
        assert str(route.status) in told["responses"]
        assert ("security" in told) is route.public


def test_every_reference_leads_somewhere():
    """No `$ref` of the document is dangling, and every schema is valid JSON Schema 2020-12 and used."""
    refs = set(re.findall(r"'\$ref': '#/components/(\w+)/([\w.]+)'", str(DOCUMENT)))
    for kind, name in refs:
        assert name in DOCUMENT["components"][kind]
    for name, schema in DOCUMENT["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        assert ("schemas", name) in refs


def test_what_is_hidden_is_not_spoken_of():
    """No description of a record names a field that the record does not show."""
    for type_, shape in SHAPES.items():
        schema = DOCUMENT["components"]["schemas"][type_.__name__]
        hidden = shape.hides | OURS | {stored for stored, _ in shape.renames}
        assert set(re.findall(r"`(\w+)`", schema.get("description", ""))) & hidden == set(), type_


def test_every_body_has_an_example():
    """A route that takes a body shows one that is taken as it stands: by its type, and by its schema."""
    for route in ROUTES:
        told = operation(route.method, route.path)
        if "requestBody" not in told:
            assert route.name not in EXAMPLES
            continue
        content = told["requestBody"]["content"]["application/json"]
        body = endpoint(route.name).body
        from_json(body, json.dumps(content["example"]).encode())
        schema = content["schema"] | {"components": DOCUMENT["components"]}
        assert list(Draft202012Validator(schema).iter_errors(content["example"])) == []


def test_the_version_is_the_projects():
    """The document and the health check say the version of pyproject.toml."""
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    assert DOCUMENT["info"]["version"] == project["version"]


def test_it_is_served(api: Api):
    """Anyone may read the document, and it says where it is served."""
    told = api.get("/openapi.json", key="")
    assert told["openapi"] == "3.1.0"
    assert told["servers"] == [{"url": "http://127.0.0.1:8000"}]


def test_answers_are_as_described(api: Api):
    """What each resource really answers fits its schema: created, listed, asked for, refused."""
    account, key = api.open("Roaster", clock_at=JANUARY)
    sold = api.sells(key)
    fits(
        api.post("/v1/test_clock/advance", {"to": "2026-03-01T00:00:00Z"}, key=key),
        "POST",
        "/v1/test_clock/advance",
    )
    advance.clocks(api.service, account.id, [])
    for route in ROUTES:
        if route.method != "GET" or "{" in route.path or route.name == "openapi.get":
            continue
        path = (
            f"{route.path}?contact={sold['contact']}" if route.name == "payment_methods.list_" else route.path
        )
        told = api.get(path, key=key)
        assert told.status == 200, told.text
        fits(told, "GET", route.path)
        if (
            isinstance(told.body, dict)
            and isinstance(told.body.get("data"), list)
            and told["data"]
            and f"{route.path}/{{id}}" in DOCUMENT["paths"]
        ):
            fits(api.get(f"{route.path}/{told['data'][0]['id']}", key=key), "GET", f"{route.path}/{{id}}")
    fits(api.post("/v1/accounts", {"name": "B", "email": "b@example.com"}, key=key), "POST", "/v1/accounts")
    fits(api.post("/v1/api_keys", {"name": "b"}, key=key), "POST", "/v1/api_keys")
    fits(api.post("/v1/contacts", {"name": "b"}, key=key), "POST", "/v1/contacts")
    fits(api.post(f"/v1/subscriptions/{sold['id']}/cancel", key=key), "POST", "/v1/subscriptions/{id}/cancel")


BODIES: dict[str, tuple[Any, bool]] = {
    "NewContact": ({"name": "Ada", "email": "ada@example.com"}, True),
    "NewProduct": ({"name": "Tea", "unit_amount": 1.5, "frequency": "weekly"}, False),
    "NewLine": ({"name": "a\nb", "unit_amount": "1.5"}, False),
    "NewTaxRate": ({"name": "VAT", "percentage": 7.25}, False),
    "ContactChange": ({"name": "Ada", "address": None, "tax_exempt": None}, True),
    "NewAddress": ({"country": "DE", "zip": "10119"}, False),
    "Advance": ({"to": "2026-01-01T00:00:00Z", "more": 1}, False),
    "NewSubscription": (
        {"contact": "c", "payment_method": "p", "lines": [{"product": "x", "quantity": "2.5"}]},
        True,
    ),
}


@pytest.mark.parametrize("name", BODIES)
def test_bodies_are_described_as_strictly_as_they_are_read(name: str):
    """A body the document allows is one the API reads, and one the API refuses is not allowed."""
    body, allowed = BODIES[name]
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    assert Draft202012Validator(schema).is_valid(body) is allowed
