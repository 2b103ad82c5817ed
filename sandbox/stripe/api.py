"""One request of /v1, from its headers to its answer: key, account, route, fault, idempotency, parameters, handler."""

from __future__ import annotations

import base64
import binascii
import re
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.stripe import expand, faults, ids, params, routes
from sandbox.stripe.errors import StripeError, broken, forbidden, unauthorized, unknown_url
from sandbox.stripe.events import API_VERSION
from sandbox.stripe.forms import nested, pairs
from sandbox.stripe.idempotency import Keys, fingerprint, keep
from sandbox.stripe.rate import Rate
from sandbox.stripe.replies import Answer, Held, Reply, Request, dumped
from sandbox.stripe.routes import Route
from sandbox.stripe.state import PLATFORM, Account, Call, World

_TEST_KEY = re.compile(r"[sr]k_test_\w{3,}")
_ACCOUNT = re.compile(r"acct_\w+")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that is let in: whose it is, and what answers it."""

    request: Request
    request_id: str
    account: Account
    route: Route
    name: str
    flat: list[tuple[str, str]]
    key: str | None
    mark: str


class Api:
    def __init__(self, world: World, faults_: faults.Faults, rate: Rate, keys: frozenset[str] | None) -> None:
        self._rate = rate
        self._world = world
        self._faults = faults_
        self._secrets = keys
        self._keys = Keys()

    def answer(self, request: Request) -> Answer:
        request_id = ids.new("req")
        try:
            asked = self._let_in(request, request_id)
            fault = self._faults.take(request.method, request.path, asked.flat)
            answer = self._meet(fault, asked) if fault else self._in_time(asked)
        except StripeError as refused:
            answer = _error(refused)
        return _signed(answer, request, request_id)

    def _in_time(self, asked: Asked) -> Answer:
        return self._slowly(self._rate.seconds, asked) if self._rate.seconds else self._execute(asked)

    def _let_in(self, request: Request, request_id: str) -> Asked:
        self._authorize(request.headers.get("authorization", ""))
        account = self._account(request.headers.get("stripe-account"))
        over = self._rate.refusal(account.name)
        if over is not None:
            raise over
        found = routes.find(request.method, request.path)
        if found is None:
            raise unknown_url(request.method, request.path)
        route, name = found
        self._world.requests[route.label] += 1
        flat = pairs(request.body.decode() if request.method == "POST" else request.query)
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        mark = fingerprint(request.method, request.path, flat) if key else ""
        return Asked(request, request_id, account, route, name, flat, key, mark)

    def _authorize(self, header: str) -> None:
        scheme, _, secret = header.partition(" ")
        if scheme.lower() == "basic":
            secret = _basic(secret)
        if not secret:
            raise unauthorized(
                "You did not provide an API key. You need to provide your API key in the Authorization header, using "
                "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
            )
        good = secret in self._secrets if self._secrets is not None else _TEST_KEY.fullmatch(secret)
        if not good:
            shown = secret[:8] + "*" * max(0, len(secret) - 12) + secret[-4:]
            raise unauthorized(f"Invalid API Key provided: {shown}")

    def _account(self, name: str | None) -> Account:
        if name is not None and not _ACCOUNT.fullmatch(name):
            raise forbidden(
                f"The provided key does not have access to account '{name}' (or that account does not exist)."
            )
        return self._world.account(name or PLATFORM)

    def _meet(self, fault: faults.Fault, asked: Asked) -> Answer:
        refused = faults.refusal(fault)
        if refused is not None:
            return _error(refused)
        if fault.kind == "slow":
            return self._slowly(fault.seconds, asked)
        if fault.kind == "500_after":
            return self._break_after(asked)
        return faults.cut(fault, lambda: self._execute(asked)) or self._execute(asked)

    def _slowly(self, seconds: float, asked: Asked) -> Answer:
        """Its key stays in progress meanwhile, so the same request on another connection is a 409."""
        replayed = self._begin(asked)
        return replayed or Held(seconds, lambda: self._perform(asked))

    def _break_after(self, asked: Asked) -> Answer:
        done = self._execute(asked)
        if not faults.failed_after(done):
            return done
        lost = _error(broken())
        self._keep(asked, lost)
        return lost

    def _execute(self, asked: Asked) -> Reply:
        return self._begin(asked) or self._perform(asked)

    def _begin(self, asked: Asked) -> Reply | None:
        if asked.key is None:
            return None
        now = self._world.clock.now()
        return self._keys.begin(asked.account, asked.key, now, asked.request.path, asked.mark)

    def _perform(self, asked: Asked) -> Reply:
        try:
            reply, executed = self._handle(asked)
        finally:
            if asked.key is not None:
                self._keys.end(asked.account, asked.key)
        if executed:
            self._keep(asked, reply)
        return reply

    def _keep(self, asked: Asked, reply: Reply) -> None:
        if asked.key is not None:
            now = self._world.clock.now()
            keep(
                asked.account,
                asked.key,
                reply,
                at=now,
                path=asked.request.path,
                mark=asked.mark,
                request=asked.request_id,
            )

    def _handle(self, asked: Asked) -> tuple[Reply, bool]:
        """The answer, and whether the endpoint began to execute."""
        try:
            given = params.check(asked.route.params, nested(asked.flat))
            paths = given.pop("expand", [])
            expand.check(paths)
            thing = asked.route.handler(self._call(asked, given, tuple(paths)))
            return Reply(200, dumped(expand.expanded(asked.account, thing, paths) if paths else thing)), True
        except StripeError as refused:
            return _error(refused), refused.executed
        except Exception:  # noqa: BLE001  a handler that breaks is this request's 500 and no one else's
            traceback.print_exc(file=sys.stderr)
            return _error(broken()), True

    def _call(self, asked: Asked, given: dict[str, object], paths: tuple[str, ...]) -> Call:
        now = self._world.clock.now()
        return Call(self._world, asked.account, given, asked.name, now, asked.request_id, asked.key, paths)


def _error(refused: StripeError) -> Reply:
    return Reply(refused.status, dumped({"error": refused.error}), refused.headers)


def _signed(answer: Answer, request: Request, request_id: str) -> Answer:
    """With the headers every answer of Stripe carries."""
    if isinstance(answer, Held):
        resume: Callable[[], Answer] = answer.resume
        return Held(answer.seconds, lambda: _signed(resume(), request, request_id))
    if not isinstance(answer, Reply):
        return answer
    version = request.headers.get("stripe-version", API_VERSION)
    headers = [*answer.headers, ("Request-Id", request_id), ("Stripe-Version", version)]
    for name in ("Idempotency-Key", "Stripe-Account"):
        value = request.headers.get(name.lower())
        if value is not None:
            headers.append((name, value))
    return Reply(answer.status, answer.body, tuple(headers))


def _basic(encoded: str) -> str:
    try:
        return base64.b64decode(encoded).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""
