"""The API as an OpenAPI 3.1 document, made from the routes and the signatures of their endpoints."""

import re
from functools import cache
from inspect import getdoc
from typing import Any, Final

from msgspec.structs import fields

from chalicelib.web import event_docs, schemas
from chalicelib.web.bodies import Body
from chalicelib.web.endpoint import Endpoint, Visit, endpoint
from chalicelib.web.examples import EXAMPLES
from chalicelib.web.health import VERSION
from chalicelib.web.http import HTML, JSON, PDF, PROBLEM, TEXT, XML, Html, Pdf, Reply, Text, Xml, encode
from chalicelib.web.routes import ROUTES, Route

_PROBLEM: Final = {"$ref": "#/components/responses/Problem"}
_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key and request within a day are answered as the first time, without secrets.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}
_ABOUT: Final = """Subscription billing on Stripe.

Money is in minor units with its currency; a unit price may have decimals, as a string. Moments are RFC 3339, days ISO
dates. Lists go by `limit` and `after`. Every refusal is a problem (RFC 9457) whose `detail` says what would be
accepted. A field or parameter that is not listed here is refused."""


def get(visit: Visit) -> Reply:
    """This document."""
    return Reply(status=200, body=_text(visit.service.settings.base_url))


@cache
def _text(base_url: str) -> str:
    return encode(document(base_url))


def document(base_url: str) -> dict[str, Any]:
    """The whole document; `base_url` is where the API is served, empty where that is not known."""
    paths: dict[str, dict[str, Any]] = {}
    types: list[Any] = []
    for route in ROUTES:
        target = endpoint(route.name)
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, target)
        types += [
            kind for kind in (target.gives, target.body) if kind not in (Reply, Text, Html, Pdf, Xml, Body)
        ]
    types += event_docs.subjects()
    return {
        "openapi": "3.1.0",
        "info": {"title": "Perennial", "version": VERSION, "description": _ABOUT},
        "servers": [{"url": base_url or "/"}],
        "security": [{"api_key": []}],
        "paths": paths,
        "webhooks": event_docs.webhooks(),
        "components": {
            "schemas": schemas.components(types),
            "responses": {"Problem": _problem()},
            "securitySchemes": {
                "api_key": {"type": "http", "scheme": "bearer", "bearerFormat": "prn_test_..."}
            },
        },
    }


def _operation(route: Route, target: Endpoint) -> dict[str, Any]:
    told = getdoc(target.function) or ""
    made: dict[str, Any] = {
        "operationId": route.name.rstrip("_").replace(".", "_"),
        "tags": [route.name.partition(".")[0]],
        "summary": told.partition("\n")[0],
        "description": told,
        "parameters": _parameters(route, target),
        "responses": {str(route.status): _answer(target.gives), "4XX": _PROBLEM, "5XX": _PROBLEM},
    }
    if target.body is not Body:
        ref = {"$ref": f"#/components/schemas/{target.body.__name__}"}
        content = {JSON: {"schema": ref, "example": EXAMPLES[route.name]}}
        made["requestBody"] = {"required": _required(target.body), "content": content}
    return made | ({"security": []} if route.public else {})


def _parameters(route: Route, target: Endpoint) -> list[dict[str, Any]]:
    id_ = {"type": "string", "pattern": "^[A-Za-z0-9_]{1,200}$"}
    names = re.findall(r"{(\w+)}", route.path)
    path = [{"name": name, "in": "path", "required": True, "schema": id_} for name in names]
    query = schemas.parameters(target.query) if "query" in target.takes else []
    key = [_KEY] if route.method == "POST" and not (route.public or route.reads) else []
    return [*path, *query, *key]


def _required(body: type[Body]) -> bool:
    """Whether a body must be sent: an empty one is an empty object."""
    return any(field.required for field in fields(body))


def _answer(gives: Any) -> dict[str, Any]:
    if gives in (Text, Xml):
        type_ = TEXT if gives is Text else XML
        return {"description": "Done.", "content": {type_: {"schema": {"type": "string"}}}}
    if gives is Html:
        text = {"schema": {"type": "string"}}
        return {"description": "Done.", "content": {HTML: text, TEXT: text}}
    if gives is Pdf:
        return {"description": "Done.", "content": {PDF: {"schema": {"type": "string", "format": "binary"}}}}
    schema = {"type": "object"} if gives is Reply else schemas.answer_schema(gives)
    return {"description": "Done.", "content": {JSON: {"schema": schema}}}


def _problem() -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": "Why it was not done.", "content": {PROBLEM: {"schema": schema}}}
