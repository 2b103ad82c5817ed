"""A world lived: its plan's steps in turn, and everything that wakes between them."""

from __future__ import annotations

import json
import random
from bisect import insort
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any

from chalicelib import wiring
from chalicelib.billing.dunning import RetryPolicy
from chalicelib.billing.payments import Payment
from chalicelib.operations import create, settings
from chalicelib.service import Service
from chalicelib.store import table
from chalicelib.store.dynamo import Dynamo
from sandbox.gateway import Gateway
from sandbox.stripe import ids
from sandbox.stripe.state import Account
from sandbox.world import STRIPE_EVENTS, WEBHOOK_SECRET
from sandbox.worlds import acts, between, pages, post, troubles
from sandbox.worlds.earth import Earth, Near
from sandbox.worlds.hooks import Hooks
from sandbox.worlds.plan import TAIL, Person, Plan, Step
from sandbox.worlds.points import Points, Process
from sandbox.worlds.steady import STEADY
from sandbox.worlds.trace import Trace
from sandbox.worlds.watch import Watch
from sandbox.worlds.works import Works


@dataclass(slots=True)
class Living:
    """What is known of a person meanwhile."""

    contact: str = ""
    customer: str = ""
    method: str = ""
    debit: bool = False
    subscription: str = ""
    mended_at: datetime | None = None
    switched: bool = False


class Life:
    """One world. `moment` is its time, `seen` counts every kind of thing that happened, `diary` tells of it.

    `chance` draws what nobody planned: how late the schedules and webhooks are, and who comes between.
    """

    def __init__(self, earth: Earth, plan: Plan) -> None:
        self.plan, self.moment = plan, plan.begins_at
        self.seen: Counter[str] = Counter()
        self.diary: list[tuple[datetime, str, str]] = []
        self.people = {one.name: Living() for one in plan.people}
        self.letters: Counter[str] = Counter()
        self.outages: list[datetime] = []
        self.act: acts.Asked | None = None
        self.asked = self._given = 0
        self.chance = Random(f"life {plan.seed}")
        self.post = post.Post(lambda: self.moment, Random(f"post {plan.seed}"), self.seen)
        self.watch, self.trace = Watch(self), Trace(self)
        self.points = Points(self, Random(f"points {plan.seed}"), plan.between)
        self._steps = [(step.at, partial(self._do, step)) for step in plan.steps]
        self._earth, self._app = earth, earth.app
        self._gateway = Gateway(earth.app.app, list(earth.app.app.routes))
        self.works, self.hooks = Works(self, earth.app), Hooks(self, earth.stripe, self._gateway)
        self._begin()

    def _begin(self) -> None:
        self._earth.another()
        self.stripe = Near(self._earth.stripe)
        self.stripe.reset()
        ids.seed(self.plan.seed)
        random.seed(self.plan.seed)  # jitter
        STEADY.begin(self)
        self.set_clock(self.moment)
        self.stripe.listen("http://127.0.0.1:9/stripe/webhook", WEBHOOK_SECRET, *STRIPE_EVENTS, mode="hold")
        table.create(self._app.settings)
        self._wired, self.dynamo = wiring.wired(self._app.settings), Dynamo(self._app.settings)
        self.restart()
        self._open_account()

    def _open_account(self) -> None:
        service = wiring.service(self._app.settings)
        self.points.quiet = True
        business = create.account(
            service,
            name="Roaster",
            email="roaster@perennial.example",
            currency="usd",
            zone=self.plan.zone,
            livemode=False,
            billing_hour=self.plan.hour,
            retries=RetryPolicy(**self.plan.policy),
        )
        self.account = business.id
        key, self.key = create.api_key(service, business, "world")
        settings.change(service, business.id, {"attach_pdf": False}, by=key)  # a world keeps no files
        for name in self.people:
            acts.meet(self, name)
        self.points.quiet = False

    def close(self) -> None:
        """The world's table is gone, and its sockets are closed."""
        self._gateway._server.server_close()  # noqa: SLF001
        self.dynamo.dispatch("DeleteTable", {"TableName": self._app.settings.table})

    def log(self, kind: str, text: str) -> None:
        """A line of the diary."""
        self.diary.append((self.moment, kind, text))

    # -- processes --------------------------------------------------------------------------------

    @property
    def service(self) -> Service:
        """What a process reaches now."""
        return wiring.service(self._app.settings)

    def restart(self) -> None:
        """A new process, in place of one that ended: nothing is remembered."""
        wiring.use(Process(self.points).around(self._wired))

    def new_id(self, prefix: str) -> str:
        """Ids in the order in which they were given."""
        self._given += 1
        return f"{prefix}w{self._given:019d}"

    def comes_between(self, kind: str) -> None:
        """Something happens while a process stands at one of its points; another process does it."""
        between.comes(self, kind)

    # -- time -------------------------------------------------------------------------------------

    def live(self) -> None:
        """All of the plan's steps, and then a quiet tail in which everything that can be collected is."""
        self._steps_until(self.plan.ends_at)
        self._calm()
        self._steps_until(self.moment + timedelta(days=TAIL / 2))
        for name in self.people:
            acts.mend(self, name, Random(f"mend {self.plan.seed} {name}"))
        self._steps_until(self.moment + timedelta(days=TAIL / 2))

    def _steps_until(self, at: datetime) -> None:
        """Steps in turn, those of before and those that others led to."""
        while self._steps and self._steps[0][0] <= at:
            moment, run = self._steps.pop(0)
            self._until(moment)
            run()
        self._until(at)

    def later(self, at: datetime, run: Callable[[], None]) -> None:
        """Something to be done at a moment to come."""
        insort(self._steps, (at, run), key=lambda step: step[0])

    def _do(self, step: Step) -> None:
        if step.name in troubles.TROUBLES:
            told = troubles.TROUBLES[step.name](self, Random(step.seed), step.who)
            self.seen[f"trouble: {step.name}"] += 1
            self.log("trouble", told)
        else:
            acts.do(self, step.name, step.who, step.seed)

    def _calm(self) -> None:
        """Faults are over: what Stripe held back is told, and messages come as they are sent."""
        self.log("calm", "faults are over")
        self.stripe.ask("DELETE", "faults")
        self.stripe.recover()
        self.points.quiet, self.points.busy, self.points.lost_letters = True, 0, 0
        self.post.calm = True
        self.hooks.calm()

    def _until(self, at: datetime) -> None:
        """Live up to a moment, on from each at which something wakes; the schedules are late at times."""
        for _ in range(5_000):
            self.works.settle()
            soon = self.works.next_at()
            if soon is None or soon >= at:
                break
            self.set_clock(min(at, self.works.late(soon)))
        else:
            raise AssertionError("The world does not come to rest.")
        if self.moment < at:
            self.set_clock(at)
            self.works.settle()

    def set_clock(self, at: datetime) -> None:
        """Move the world's clock, and Stripe's with it; never back."""
        self.moment = max(at, self.moment).astimezone(UTC)
        self.stripe.it_is(self.moment.timestamp())

    # -- people -----------------------------------------------------------------------------------

    def person(self, who: str) -> Person:
        """A person as the plan has them."""
        return next(one for one in self.plan.people if one.name == who)

    def invited(self, payment: Payment) -> None:
        """A letter asks a buyer to confirm a payment at their bank: most do, hours later."""
        who = next(
            (name for name, one in self.people.items() if one.subscription == payment.subscription), None
        )
        chance = Random(f"invited {self.plan.seed} {payment.id}")
        if who is not None and chance.random() < 0.6:
            at = self.moment + timedelta(hours=chance.choice((0, 1, 5, 20, 30)))
            self.later(at, lambda: pages.confirm(self, who, chance))

    def call(self, method: str, path: str, body: Any = None, key: str = "") -> tuple[int, Any]:
        """One request to the API, in this process; Killed where that ends in it."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.key}"}
        if key:
            headers["Idempotency-Key"] = key
        data = json.dumps(body).encode() if body is not None else b""
        status, _, answer = self._gateway.answer(method, path, headers, data)
        try:
            return status, json.loads(answer or b"null")
        except ValueError:
            return status, answer.decode()

    # -- Stripe -----------------------------------------------------------------------------------

    def stripe_accounts(self) -> list[Account]:
        """What the local Stripe keeps, to be read while nothing moves."""
        return list(self._earth.stripe.world.accounts.values())

    def method_of(self, payment: Payment) -> str:
        """What a payment was taken from at Stripe."""
        for account in self.stripe_accounts():
            intent = account.shelf("payment_intent").get(payment.reference or "")
            if intent is not None:
                return str(intent["payment_method"])
        return ""
