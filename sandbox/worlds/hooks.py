"""What Stripe tells a world: at once or late, once or twice, out of order, or never."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from sandbox.gateway import Gateway
from sandbox.stripe.server import StripeServer
from sandbox.stripe.webhooks import Delivery, signature
from sandbox.world import WEBHOOK_SECRET, Killed

if TYPE_CHECKING:
    from sandbox.worlds.life import Life

POLLED: Final = ("payment_intent.", "checkout.session.")
"""Events that may be lost for good: what they tell is asked for anyhow. Stripe repeats the others for three days."""


class Hooks:
    """What the local Stripe has to tell, on its way to the world's webhook."""

    def __init__(self, life: Life, stripe: StripeServer, gateway: Gateway) -> None:
        self._life, self._stripe, self._gateway = life, stripe, gateway
        self._held: list[tuple[datetime, Delivery]] = []

    def moments(self) -> list[datetime]:
        """When what is late will be told."""
        return [at for at, _ in self._held]

    def calm(self) -> None:
        """What is late is told now."""
        self._held = [(self._life.moment, one) for _, one in self._held]

    def hear(self, *, all_: bool = False) -> int:
        """Deliver what Stripe tells: at once or late, once or twice, or never."""
        now, calm, chance = self._life.moment, self._life.post.calm, self._life.chance
        self._held += [(self._told_at(), one) for one in self._new()]
        due = [one for at, one in self._held if at <= now or all_]
        self._held = [(at, one) for at, one in self._held if not (at <= now or all_)]
        if len(due) > 1 and not calm and chance.random() < 0.3:
            chance.shuffle(due)
            self._life.seen["webhooks out of order"] += 1
        for one in due:
            twice = not calm and chance.random() < 0.15
            self._life.seen["webhook twice"] += twice
            for _ in range(1 + twice):
                self._told(one)
        return len(due)

    def _new(self) -> Iterator[Delivery]:
        for endpoint in self._stripe.hooks.endpoints.values():
            taken, endpoint.held = endpoint.held, []
            for one in taken:
                polled = one.event["type"].startswith(POLLED)
                if polled and not self._life.post.calm and self._life.chance.random() < 0.06:
                    self._life.seen["webhook lost"] += 1
                    continue
                yield one

    def _told_at(self) -> datetime:
        drawn = 1.0 if self._life.post.calm else self._life.chance.random()
        if drawn > 0.3:
            return self._life.moment
        self._life.seen["webhook late"] += 1
        return self._life.moment + timedelta(minutes=self._life.chance.choice((1, 5, 60, 600, 4000)))

    def _told(self, one: Delivery) -> None:
        """One request to the webhook; a process may end in it, and another takes its place."""
        body = json.dumps(one.event).encode()
        signed = signature(WEBHOOK_SECRET, body, int(self._life.moment.timestamp()))
        headers = {"Content-Type": "application/json", "Stripe-Signature": signed}
        status = 500
        try:
            status, *_ = self._gateway.answer("POST", "/stripe/webhook", headers, body)
        except Killed:
            self._life.restart()
        if status >= 300:
            self._life.log("webhook", f"{one.event['type']} was answered {status}")
            self._held.append((self._life.moment + timedelta(hours=1), one))
