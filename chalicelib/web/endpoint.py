"""From a request to its reply: the one way all routes go.

An endpoint is a plain function whose signature says everything: `(call, ids of the path..., body=, query=)`
and what it answers. Its types are read from there, by the dispatch as by the OpenAPI document.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any, TypeVar, get_type_hints

from chalicelib.billing.errors import NotFound
from chalicelib.crm.accounts import Account, ApiKey
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Reading
from chalicelib.web import auth, idempotency, shown
from chalicelib.web.bodies import Body, from_json, from_query, is_id
from chalicelib.web.http import (
    JSON,
    MAX_BODY,
    REFUSALS,
    Reply,
    Request,
    TooLarge,
    UnsupportedType,
    encode,
    problem,
)
from chalicelib.web.routes import Route

R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A request that needs no key."""

    service: Service
    request: Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request of an account; `seed` is set where an earlier try of it may have got through.

    It is the seed of the ids that try gave: what it created, if it did, is named by it.
    """

    service: Service
    account: Account
    key: ApiKey
    reading: Reading = field(default_factory=Reading)
    seed: str | None = None

    def get(self, type_: type[R], id_: str) -> R:
        """The record the path names, read together with the key. Raises NotFound."""
        return self.reading.get(type_, self.account.id, id_)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A function of a resource's module, and what its signature says of it."""

    function: Callable[..., Any]
    body: type[Body]
    query: type[Body]
    takes: frozenset[str]
    gives: Any
    record: type | None


@cache
def endpoint(name: str) -> Endpoint:
    """The endpoint of a route's dotted name; its module is imported when it is first asked for."""
    module, _, function = name.partition(".")
    run = getattr(import_module(f"chalicelib.web.{module}"), function)
    hints = get_type_hints(run)
    return Endpoint(
        function=run,
        body=hints.get("body", Body),
        query=hints.get("query", Body),
        takes=frozenset(hints) & {"body", "query"},
        gives=hints["return"],
        record=shown.record_of(hints["return"]),
    )


def answer(service: Service, route: Route, request: Request, ids: tuple[str, ...]) -> Reply:
    """Do what a request asks; what a caller can act on is a problem, what is our own fault is raised."""
    try:
        if len(request.body) > MAX_BODY:
            raise TooLarge
        if not all(map(is_id, ids)):
            raise NotFound("not_found", f"There is nothing at {request.path[:200]!r}.")
        if route.public:
            return _reply(route, endpoint(route.name).function(Visit(service=service, request=request), *ids))
        return _authorized(service, route, request, ids)
    except REFUSALS as error:
        return problem(error, request.id)


def _authorized(service: Service, route: Route, request: Request, ids: tuple[str, ...]) -> Reply:
    target = endpoint(route.name)

    def beside(account: str) -> list[str]:
        names_one = route.method == "GET" and len(ids) == 1 and target.record
        return [keys.key(target.record, account, ids[0])] if names_one and target.record else []

    caller = auth.caller(service, request.headers.get("authorization", ""), beside)
    said = _said(target, request)
    if route.method == "GET" or route.reads:
        call = Call(service=service, account=caller.account, key=caller.key, reading=caller.reading)
        return _reply(route, target.function(call, *ids, **said))

    def work(naming: Service, seed: str | None) -> Reply:
        try:
            call = Call(service=naming, account=caller.account, key=caller.key, seed=seed)
            return _reply(route, _created_before(route, target, call) or target.function(call, *ids, **said))
        except REFUSALS as error:
            return problem(error, request.id)

    return idempotency.once(service, caller.account.id, request, work)


def _said(target: Endpoint, request: Request) -> dict[str, Any]:
    """The body and query, read before anything is done."""
    said: dict[str, Any] = {}
    if request.query or "query" in target.takes:
        said["query"] = from_query(target.query, request.query)
    if request.method != "GET":
        if request.body and not _is_json(given := request.headers.get("content-type", JSON)):
            raise UnsupportedType(given)
        said["body"] = from_json(target.body, request.body)
    return {name: value for name, value in said.items() if name in target.takes}


def _is_json(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == JSON


def _created_before(route: Route, target: Endpoint, call: Call) -> Any:
    """What an earlier try of the same request created, if it got that far."""
    if call.seed is None or route.creates is None or target.record is None:
        return None
    return call.service.store.find(target.record, call.account.id, f"{route.creates}{call.seed}")


def _reply(route: Route, value: Any) -> Reply:
    if isinstance(value, Reply):
        return value
    kept = shown.without_secret(value)
    return Reply(
        status=route.status,
        body=encode(shown.plain(value)),
        kept=None if kept is value else encode(shown.plain(kept)),
    )
