"""The sandbox's controls from the outside: what a test or a demo says to the server over HTTP."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit


class Remote:
    """`Remote(server.url).it_is("2026-03-01T06:00:00Z")`."""

    def __init__(self, url: str) -> None:
        self._host = urlsplit(url).netloc

    def it_is(self, at: str | float) -> Any:
        """Set the clock: an ISO time (UTC without a zone) or seconds since 1970."""
        return self.ask("POST", "clock", {"at": at})

    def now(self) -> int:
        return int(self.ask("GET", "clock")["now"])

    def script(self, *outcomes: str, **subject: str) -> Any:
        """What the bank says next: `customer=` or `payment_method=`, and `account=` of a connected one."""
        return self.ask("POST", "script", {**subject, "outcomes": outcomes})

    def authenticate(self, payment_intent: str, result: str = "succeed") -> Any:
        return self.ask("POST", "authenticate", {"payment_intent": payment_intent, "result": result})

    def pay_page(self, session: str, payment_method: str = "pm_card_visa", **more: Any) -> Any:
        """A buyer submits a Checkout page: `save=True` ticks its box, `account=` names a connected one."""
        return self.ask(
            "POST", "checkout/pay", {"session": session, "payment_method": payment_method, **more}
        )

    def dispute(self, payment_intent: str, reason: str = "fraudulent", **more: Any) -> Any:
        """A buyer goes to their bank: `amount=` in minor units, `inquiry=True` for a mere question."""
        return self.ask("POST", "disputes", {"payment_intent": payment_intent, "reason": reason, **more})

    def judge(self, dispute: str, how: str, **more: Any) -> Any:
        """`win`, `lose` or `escalate`."""
        return self.ask("POST", f"disputes/{how}", {"dispute": dispute, **more})

    def return_debit(self, payment_intent: str, reason: str = "insufficient_funds", **more: Any) -> Any:
        """A bank debit that had succeeded comes back."""
        return self.ask("POST", "returns", {"payment_intent": payment_intent, "reason": reason, **more})

    def refund(self, payment_intent: str, amount: int | None = None, **more: Any) -> Any:
        """As if in Stripe's dashboard, without any metadata."""
        given = {"payment_intent": payment_intent, **({} if amount is None else {"amount": amount}), **more}
        return self.ask("POST", "refunds", given)

    def tell_fees_late(self, seconds: int, **more: Any) -> Any:
        return self.ask("POST", "fees", {"seconds": seconds, **more})

    def fault(
        self,
        kind: str,
        *,
        times: int = 1,
        seconds: float | None = None,
        retry_after: str | int | None = None,
        **match: Any,
    ) -> Any:
        given: dict[str, Any] = {"fault": kind, "times": times, "match": match, "retry_after": retry_after}
        return self.ask("POST", "faults", given if seconds is None else {**given, "seconds": seconds})

    def limit(self, per_second: float | None, retry_after: str | int | None = None) -> Any:
        """At most so many requests a second of real time, for each account; None: no limit."""
        return self.ask("POST", "rate", {"per_second": per_second, "retry_after": retry_after})

    def latency(self, seconds: float) -> Any:
        return self.ask("POST", "latency", {"seconds": seconds})

    def listen(self, url: str, secret: str, *enabled_events: str, mode: str = "auto", **more: Any) -> Any:
        given = {
            "url": url,
            "secret": secret,
            "enabled_events": enabled_events or ("*",),
            "mode": mode,
            **more,
        }
        return self.ask("POST", "webhooks", given)

    def deliver(self, order: str = "sent", *, times: int = 1, seed: int | None = None) -> Any:
        return self.ask("POST", "webhooks/deliver", {"order": order, "times": times, "seed": seed})

    def pending(self) -> Any:
        return self.ask("GET", "webhooks/pending")

    def outage(self, answer: str = "503", until: str | float | None = None) -> Any:
        return self.ask("POST", "outage", {"answer": answer, "until": until})

    def recover(self) -> Any:
        return self.ask("DELETE", "outage")

    def summary(self) -> Any:
        return self.ask("GET", "summary")

    def reset(self) -> Any:
        return self.ask("POST", "reset")

    def ask(self, method: str, path: str, given: dict[str, Any] | None = None) -> Any:
        connection = http.client.HTTPConnection(self._host, timeout=60)
        try:
            connection.request(method, f"/_sandbox/{path}", json.dumps(given or {}))
            response = connection.getresponse()
            answer = json.loads(response.read())
        finally:
            connection.close()
        if response.status != 200:
            raise ValueError(answer["error"]["message"])
        return answer
