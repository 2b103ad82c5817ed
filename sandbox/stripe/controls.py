"""The sandbox's own controls, JSON under /_sandbox/: the clock, webhooks, scripts, faults, an outage, what was collected."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sandbox.stripe import (
    checkout_payments,
    confirmation,
    controls_money,
    faults,
    scripts,
    settlement,
    setup_intents,
    webhooks,
)
from sandbox.stripe.errors import StripeError, invalid, unknown_url
from sandbox.stripe.outage import Outage
from sandbox.stripe.rate import Rate
from sandbox.stripe.replies import Answer, Busy, Reply, Request, dumped
from sandbox.stripe.shelves import Thing
from sandbox.stripe.state import PLATFORM, Account, Call, World

Given = dict[str, Any]
PREFIX = "/_sandbox/"


class Controls:
    def __init__(
        self,
        world: World,
        hooks: webhooks.Webhooks,
        *,
        faults_: faults.Faults,
        rate: Rate,
        outage: Outage,
        forget_saved: Callable[[], None],
    ) -> None:
        self._world = world
        self._hooks = hooks
        self._faults = faults_
        self._rate = rate
        self._outage = outage
        self._forget_saved = forget_saved
        self._actions = self._table()

    def answer(self, request: Request) -> Answer:
        try:
            asked = f"{request.method} {request.path.removeprefix(PREFIX)}"
            if asked in controls_money.ACTIONS:
                return _reply(self._about_money(asked, _given(request)))
            action = self._actions.get(asked)
            if action is None:
                raise unknown_url(request.method, request.path)
            done = action(_given(request))
            return done if isinstance(done, Busy) else _reply(done)
        except StripeError as refused:
            return Reply(refused.status, dumped({"error": refused.error}))

    def _table(self) -> dict[str, Callable[[Given], Any]]:
        return {
            "GET clock": self._clock,
            "POST clock": self._move_clock,
            "DELETE clock": self._release_clock,
            "GET webhooks": lambda _: self._endpoints(),
            "POST webhooks": self._add_endpoint,
            "DELETE webhooks": self._remove_endpoints,
            "GET webhooks/pending": self._pending,
            "POST webhooks/deliver": self._deliver,
            "POST script": self._script,
            "POST authenticate": self._authenticate,
            "GET faults": lambda _: self._list_faults(),
            "POST faults": self._add_fault,
            "DELETE faults": self._clear_faults,
            "GET outage": lambda _: self._outage.shown(),
            "POST outage": self._begin_outage,
            "DELETE outage": self._end_outage,
            "GET rate": lambda _: self._rate.shown(),
            "POST rate": self._limit_rate,
            "POST latency": self._take_time,
            "GET summary": self._summary,
            "POST reset": self._reset,
        }

    def _clock(self, _: Given) -> Given:
        now = self._world.clock.now()
        shown = datetime.fromtimestamp(now, UTC).isoformat().replace("+00:00", "Z")
        return {"now": now, "at": shown, "set": self._world.clock.moment is not None}

    def _move_clock(self, given: Given) -> Given:
        settlement.move(self._world, _moment(given.get("at")))
        self._hooks.retry_due()
        return self._clock(given)

    def _release_clock(self, _: Given) -> Given:
        self._world.clock.moment = None
        return self._clock({})

    def _endpoints(self) -> Given:
        return {"data": [_shown(endpoint) for endpoint in self._hooks.endpoints.values()]}

    def _add_endpoint(self, given: Given) -> Given:
        added = webhooks.endpoint(given)
        self._hooks.add(added)
        return _shown(added)

    def _remove_endpoints(self, given: Given) -> Given:
        for name in [given["id"]] if "id" in given else list(self._hooks.endpoints):
            self._hooks.remove(name)
        return self._endpoints()

    def _pending(self, _: Given) -> Given:
        waiting = [
            {
                "endpoint": endpoint.id,
                "event": held.event["id"],
                "type": held.event["type"],
                "attempts": held.attempts,
            }
            for endpoint in self._hooks.endpoints.values()
            for held in list(endpoint.held)
        ]
        sending = sum(len(endpoint.sending) for endpoint in self._hooks.endpoints.values())
        return {"count": len(waiting), "sending": sending, "pending": waiting}

    def _deliver(self, given: Given) -> Busy:
        order, times = given.get("order", "sent"), int(given.get("times", 1))
        if order not in ("sent", "reverse", "shuffle"):
            raise invalid("Invalid order: must be one of sent, reverse, shuffle", param="order")
        return Busy(
            lambda: _reply(self._hooks.deliver(order, given.get("seed"), times, given.get("endpoint")))
        )

    def _script(self, given: Given) -> Given:
        subject = given.get("payment_method") or given.get("customer")
        if not subject:
            raise invalid("Name a customer or a payment_method.", code="parameter_missing", param="customer")
        return {
            "subject": subject,
            "outcomes": scripts.write(self._account(given), subject, given.get("outcomes", [])),
        }

    def _authenticate(self, given: Given) -> Thing:
        """The buyer answers their bank's question (3-D Secure)."""
        name = given.get("payment_intent") or given.get("setup_intent") or ""
        answer = setup_intents.authenticate if "setup_intent" in given else confirmation.authenticate
        call = Call(self._world, self._account(given), {}, name, self._world.clock.now())
        told = answer(call, given.get("result", "succeed") == "succeed")
        checkout_payments.follow(call, name)
        return told

    def _about_money(self, asked: str, given: Given) -> Any:
        account = self._account(given) if "account" in given else self._owner(given)
        call = Call(self._world, account, {}, "", self._world.clock.now())
        return controls_money.ACTIONS[asked](call, given)

    def _owner(self, given: Given) -> Account:
        """Whose the object is that is spoken of: ids are unique, so the account need not be named."""
        named = [
            given[kind] for kind in ("session", "payment_intent", "charge", "dispute") if given.get(kind)
        ]
        for account in self._world.accounts.values():
            if any(account.find(str(name)) for name in named):
                return account
        return self._world.account(PLATFORM)

    def _list_faults(self) -> Given:
        return {"data": [
            {"fault": each.kind, "times": each.times, "met": each.met, "method": each.method, "path": each.path}
            for each in self._faults.waiting
        ]}  # fmt: skip

    def _add_fault(self, given: Given) -> Given:
        self._faults.waiting.append(faults.parsed(given))
        return self._list_faults()

    def _clear_faults(self, _: Given) -> Given:
        self._faults.waiting.clear()
        return self._list_faults()

    def _begin_outage(self, given: Given) -> Given:
        until = given.get("until")
        self._outage.begin(given.get("answer", "503"), None if until is None else _moment(until))
        return self._outage.shown()

    def _end_outage(self, _: Given) -> Given:
        self._outage.lift()
        return self._outage.shown()

    def _limit_rate(self, given: Given) -> Given:
        """`per_second` requests for each account, null for no limit; `retry_after` is what a 429 then says."""
        self._rate.limit(given)
        return self._rate.shown()

    def _take_time(self, given: Given) -> Given:
        """Every request takes `seconds`, and keeps no other waiting."""
        self._rate.take(given.get("seconds", 0))
        return self._rate.shown()

    def _summary(self, given: Given) -> Given:
        accounts = list(self._world.accounts.values())
        if "account" in given:
            accounts = [account for account in accounts if account.name == given["account"]]
        return {
            "charges": Counter(
                charge["status"] for account in accounts for charge in account.shelf("charge")
            ),
            "amounts": _amounts(accounts),
            "requests": self._world.requests,
        }

    def _reset(self, _: Given) -> Given:
        self._world.forget()
        self._forget_saved()
        self._hooks.clear()
        self._faults.waiting.clear()
        self._rate.forget()
        self._outage.lift()
        return {"reset": True}

    def _account(self, given: Given) -> Account:
        return self._world.account(given.get("account") or PLATFORM)


def _amounts(accounts: list[Account]) -> dict[str, dict[str, int]]:
    """Per currency, in minor units: what buyers paid, Stripe's fees, what went back, and what is left.

    net = gross - fee - refunded - disputed + reinstated
    """
    sums: dict[str, dict[str, int]] = defaultdict(
        lambda: dict.fromkeys(("gross", "fee", "refunded", "disputed", "reinstated", "net"), 0)
    )
    for account in accounts:
        for entry in account.shelf("balance_transaction"):
            kind, sign = _SUMMED[entry["reporting_category"]]
            sum_ = sums[entry["currency"]]
            sum_[kind] += sign * entry["amount"]
            sum_["fee"] += entry["fee"]
            sum_["net"] += entry["net"]
    return sums


_SUMMED = {
    "charge": ("gross", 1),
    "refund": ("refunded", -1),
    "refund_failure": ("refunded", -1),
    "dispute": ("disputed", -1),
    "dispute_reversal": ("reinstated", 1),
}


def _given(request: Request) -> Given:
    if request.query:
        return dict(pair.split("=", 1) for pair in request.query.split("&") if "=" in pair)
    try:
        given = json.loads(request.body or b"{}")
    except ValueError:
        raise invalid("The body is not JSON.") from None
    if not isinstance(given, dict):
        raise invalid("The body is not a JSON object.")
    return given


def _moment(given: Any) -> float:
    """Seconds since 1970, or an ISO time; without a zone it is UTC."""
    if isinstance(given, int | float):
        return float(given)
    try:
        read = datetime.fromisoformat(str(given))
    except ValueError:
        raise invalid(f"Not a moment: {given}. Use seconds since 1970 or an ISO time.") from None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


def _shown(endpoint: webhooks.Endpoint) -> Given:
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "enabled_events": endpoint.enabled_events,
        "mode": endpoint.mode,
        "connect": endpoint.connect,
    }


def _reply(value: Any) -> Reply:
    return Reply(200, dumped(value))
