"""A world lived: its plan's steps in turn, everything that wakes between them, and what comes between the steps of a worker."""

from __future__ import annotations

import importlib
import json
import os
import random
import threading
import time
from bisect import insort
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any, Final

from chalicelib import wiring
from chalicelib.billing.dunning import RetryPolicy
from chalicelib.billing.errors import PerennialError
from chalicelib.billing.payments import Payment
from chalicelib.billing.wake import Topic
from chalicelib.operations import ask, create
from chalicelib.service import Service
from chalicelib.store import keys, table
from chalicelib.store.dynamo import Dynamo
from sandbox.aws import Aws
from sandbox.gateway import Context, Gateway, tick_event
from sandbox.stripe import ids
from sandbox.stripe.remote import Remote
from sandbox.stripe.replies import Request
from sandbox.stripe.server import StripeServer
from sandbox.stripe.state import Account
from sandbox.stripe.webhooks import Delivery, signature
from sandbox.world import STRIPE_EVENTS, WEBHOOK_SECRET, Killed, environment
from sandbox.worlds import acts, pages, post, troubles
from sandbox.worlds.plan import TAIL, Person, Plan, Step
from sandbox.worlds.points import Points, Process
from sandbox.worlds.trace import Trace
from sandbox.worlds.watch import Watch

SWEEPS: Final = {
    Topic.BILLING: "run_billing",
    Topic.RETRIES: "retry_payments",
    Topic.REMINDERS: "send_reminders",
    Topic.DELIVERIES: "deliver_events",
    Topic.RECONCILIATION: "reconcile_payments",
}
POLLED: Final = ("payment_intent.", "checkout.session.")
"""Events that may be lost for good: what they tell is asked for anyhow. Stripe repeats the others for three days."""
AGAIN: Final = timedelta(minutes=16)
"""After this long a sweep starts over: what a lost message named is found."""
SETTLED_WITHIN: Final = 400


class InTurn(Executor):
    """Does what is asked side by side one after the other, in the order it was asked: a world is lived the same each time."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Done at once, in this thread."""
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - as a pool keeps it
            done.set_exception(error)
        return done


@dataclass(slots=True)
class Living:
    """What is known of a person meanwhile."""

    contact: str = ""
    customer: str = ""
    method: str = ""
    debit: bool = False
    subscription: str = ""
    mended: bool = False
    switched: bool = False


class Near(Remote):
    """The local Stripe's controls where it runs in this process: asked on its own thread, without a connection."""

    def __init__(self, server: StripeServer) -> None:
        super().__init__(server.url)
        self._server = server

    def ask(self, method: str, path: str, given: dict[str, Any] | None = None) -> Any:
        """One control, as over HTTP."""
        request = Request(method, f"/_sandbox/{path}", "", {}, json.dumps(given or {}).encode())
        done: Future[Any] = Future()
        self._server._loop.call_soon_threadsafe(  # noqa: SLF001
            lambda: done.set_result(self._server.answer(request))
        )
        reply = done.result(30)
        answer = json.loads(reply.body)
        if reply.status != 200:
            raise ValueError(answer["error"]["message"])
        return answer


class Earth:
    """What the worlds of a process share: the local AWS, the local Stripe, and the app loaded once."""

    def __init__(self, aws: Aws) -> None:
        self.aws = aws
        self.stripe = StripeServer().start()
        os.environ.update(environment(aws.environment("900000000000"), self.stripe.url, None, **SETTINGS))
        self.app = importlib.import_module("app")
        self.worlds = 0

    def stop(self) -> None:
        """The local Stripe ends."""
        self.stripe.stop()


SETTINGS: Final = {"PERENNIAL_STRIPE_SECONDS": "30", "PERENNIAL_WAKE_SHARDS": "1"}


class Life:
    """One world. `moment` is its time, `seen` counts every kind of thing that happened, `diary` tells of it."""

    def __init__(self, earth: Earth, plan: Plan) -> None:
        self.plan, self.moment = plan, plan.begins_at
        self.seen: Counter[str] = Counter()
        self.diary: list[tuple[datetime, str, str]] = []
        self.people = {one.name: Living() for one in plan.people}
        self.letters: Counter[str] = Counter()
        self.outages: list[datetime] = []
        self.act: acts.Asked | None = None
        self.asked = self._given = 0
        self._chance = Random(f"life {plan.seed}")
        self.post = post.Post(lambda: self.moment, Random(f"post {plan.seed}"), self.seen)
        self.watch, self.trace = Watch(self), Trace(self)
        self.points = Points(self, Random(f"points {plan.seed}"), plan.between)
        self._steps = [(step.at, partial(self._do, step)) for step in plan.steps]
        self._earth, self._app = earth, earth.app
        self._held: list[tuple[datetime, Delivery]] = []
        self.account = ""
        self._begin()

    def _begin(self) -> None:
        self._earth.worlds += 1
        number = os.getpid() % 10**6 * 10**5 + self._earth.worlds
        self._env = environment(
            self._earth.aws.environment(f"9{number % 10**11:011d}"), self._earth.stripe.url, None, **SETTINGS
        )
        os.environ.update(self._env)
        self.stripe = Near(self._earth.stripe)
        self.stripe.reset()
        ids.seed(self.plan.seed)
        random.seed(self.plan.seed)  # jitter
        STEADY.life, STEADY.slept = self, 0.0
        self.set_clock(self.moment)
        self.stripe.listen("http://127.0.0.1:9/stripe/webhook", WEBHOOK_SECRET, *STRIPE_EVENTS, mode="hold")
        table.create(self._app.settings)
        self._wired, self.dynamo = wiring.wired(self._app.settings), Dynamo(self._app.settings)
        _sender(self._env)
        self._gateway = Gateway(self._app.app, list(self._app.app.routes))
        self._restart()
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
        _, self.key = create.api_key(service, business, "world")
        for name in self.people:
            acts.meet(self, name)
        self.points.quiet = False

    def close(self) -> None:
        """The world's table is gone, and its sockets are closed."""
        self._gateway._server.server_close()  # noqa: SLF001
        self.dynamo.dispatch("DeleteTable", {"TableName": self._app.settings.table})

    def _restart(self) -> None:
        """A new process: nothing is remembered."""
        wiring.use(Process(self.points).around(self._wired))

    @property
    def service(self) -> Service:
        """What a process reaches now."""
        return wiring.service(self._app.settings)

    def new_id(self, prefix: str) -> str:
        """Ids in the order in which they were given."""
        self._given += 1
        return f"{prefix}w{self._given:019d}"

    def log(self, kind: str, text: str) -> None:
        """A line of the diary."""
        self.diary.append((self.moment, kind, text))

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

    def invited(self, payment: Payment) -> None:
        """A letter asks a buyer to confirm a payment at their bank: most do, hours later."""
        who = next(
            (name for name, one in self.people.items() if one.subscription == payment.subscription), None
        )
        chance = Random(f"invited {self.plan.seed} {payment.id}")
        if who is not None and chance.random() < 0.6:
            at = self.moment + timedelta(hours=chance.choice((0, 1, 5, 20, 30)))
            self.later(at, lambda: pages.confirm(self, who, chance))

    def later(self, at: datetime, run: Callable[[], None]) -> None:
        """Something to be done at a moment to come."""
        insort(self._steps, (at, run), key=lambda step: step[0])

    def person(self, who: str) -> Person:
        """A person as the plan has them."""
        return next(one for one in self.plan.people if one.name == who)

    def _calm(self) -> None:
        """Faults are over: what Stripe held back is told, and messages come as they are sent."""
        self.log("calm", "faults are over")
        self.stripe.ask("DELETE", "faults")
        self.stripe.recover()
        self.points.quiet, self.points.busy, self.points.lost_letters = True, 0, 0
        self.post.calm = True
        self._held = [(self.moment, one) for _, one in self._held]

    def _do(self, step: Step) -> None:
        if step.name in troubles.TROUBLES:
            told = troubles.TROUBLES[step.name](self, Random(step.seed), step.who)
            self.seen[f"trouble: {step.name}"] += 1
            self.log("trouble", told)
        else:
            acts.do(self, step.name, step.who, step.seed)

    def _until(self, at: datetime) -> None:
        """Live up to a moment, on from each at which something wakes; the schedules are late at times."""
        for _ in range(5_000):
            self.settle()
            soon = self._next()
            if soon is None or soon >= at:
                break
            self.set_clock(min(at, self._late(soon)))
        else:
            raise AssertionError("The world does not come to rest.")
        if self.moment < at:
            self.set_clock(at)
            self.settle()

    def _late(self, soon: datetime) -> datetime:
        """How late the schedules are: minutes, at times hours; a mere look at Stripe is mostly put off to the next day."""
        looks = not (self._awake(soon) - {Topic.RECONCILIATION})
        if looks and self._chance.random() < 0.85:
            return soon.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        return soon + timedelta(minutes=self._chance.choice((1, 1, 30, 120, 400)))

    def _next(self) -> datetime | None:
        """When something wakes next; what is awake already and was not worked is looked for again a little later."""
        moments = [
            keys.moment(stamp)
            for shard, stamp in self.watch.wakes.values()
            if not shard.startswith("parked/")
        ]
        moments = [at if at > self.moment else self.moment + AGAIN for at in moments]
        moments += [at for at, _ in self._held]
        moments += [at for at in (self.post.next_at(),) if at]
        return min((at for at in moments if at > self.moment), default=None)

    def set_clock(self, at: datetime) -> None:
        """Move the world's clock, and Stripe's with it; never back."""
        self.moment = max(at, self.moment).astimezone(UTC)
        self.stripe.it_is(self.moment.timestamp())

    # -- what wakes -------------------------------------------------------------------------------

    def settle(self) -> None:
        """Tick, work and hear until nothing moves."""
        for _ in range(SETTLED_WITHIN):
            if not (self._tick() + self._drain() + self._hear()):
                if not self._awake() & {Topic.BILLING, Topic.REMINDERS}:
                    self.trace.quiet()
                return
        raise AssertionError("The queues never emptied.")

    def _awake(self, at: datetime | None = None) -> set[str]:
        """The topics in which something is awake at a moment."""
        now = keys.stamp(at or self.moment)
        return {shard.partition("#")[0] for shard, stamp in self.watch.wakes.values() if stamp <= now}

    def _tick(self) -> int:
        """The schedules look at the topics in which there is something to find."""
        awake = self._awake()
        before = len(self.post.waiting)
        for topic, function in SWEEPS.items():
            if topic in awake:
                self._ticked(function)
        return len(self.post.waiting) != before

    def _ticked(self, function: str) -> None:
        try:
            self._invoke(function, tick_event(function))
        except PerennialError as error:
            self.log("failed", f"{function}: {error}")

    def _invoke(self, function: str, event: dict[str, Any]) -> bool:
        """One invocation; False where its process died."""
        try:
            getattr(self._app, function)(event, Context())
        except Killed:
            self._restart()
            return False
        return True

    def _drain(self) -> int:
        worked = 0
        while (batch := self.post.taken()) is not None:
            function, messages = batch
            worked += 1
            self._work(function, messages)
        return worked

    def _work(self, function: str, messages: list[post.Message]) -> None:
        try:
            ended = self._invoke(function, post.event(messages))
        except PerennialError as error:
            self.log("failed", f"{function}: {error}")
            self.post.died(messages)
            return
        if ended:
            self.post.done(messages)
        else:
            self.post.died(messages)

    # -- what Stripe tells ------------------------------------------------------------------------

    def _hear(self, *, all_: bool = False) -> int:
        """Deliver what Stripe tells: at once or late, once or twice, or never."""
        self._held += [(self._told_at(), one) for one in self._new()]
        due = [one for at, one in self._held if at <= self.moment or all_]
        self._held = [(at, one) for at, one in self._held if not (at <= self.moment or all_)]
        if len(due) > 1 and not self.post.calm and self._chance.random() < 0.3:
            self._chance.shuffle(due)
            self.seen["webhooks out of order"] += 1
        for one in due:
            twice = not self.post.calm and self._chance.random() < 0.15
            self.seen["webhook twice"] += twice
            for _ in range(1 + twice):
                self._told(one)
        return len(due)

    def _new(self) -> Iterator[Delivery]:
        for endpoint in self._earth.stripe.hooks.endpoints.values():
            taken, endpoint.held = endpoint.held, []
            for one in taken:
                polled = one.event["type"].startswith(POLLED)
                if polled and not self.post.calm and self._chance.random() < 0.06:
                    self.seen["webhook lost"] += 1
                    continue
                yield one

    def _told_at(self) -> datetime:
        drawn = 1.0 if self.post.calm else self._chance.random()
        if drawn > 0.3:
            return self.moment
        self.seen["webhook late"] += 1
        return self.moment + timedelta(minutes=self._chance.choice((1, 5, 60, 600, 4000)))

    def _told(self, one: Delivery) -> None:
        body = json.dumps(one.event).encode()
        signed = signature(WEBHOOK_SECRET, body, int(self.moment.timestamp()))
        headers = {"Content-Type": "application/json", "Stripe-Signature": signed}
        status = 500
        with self._alive():
            status, *_ = self._gateway.answer("POST", "/stripe/webhook", headers, body)
        if status >= 300:
            self.log("webhook", f"{one.event['type']} was answered {status}")
            self._held.append((self.moment + timedelta(hours=1), one))

    @contextmanager
    def _alive(self) -> Iterator[None]:
        """A process that may end meanwhile; a new one takes its place."""
        try:
            yield
        except Killed:
            self._restart()

    # -- what comes between -----------------------------------------------------------------------

    def comes_between(self, kind: str) -> None:
        """Something happens while a process stands at one of its points; another process does it."""
        own, asked = self.service, self.act
        self.act = None
        self._restart()
        try:
            if kind == "act":
                self._somebody_acts()
            elif kind == "hear":
                self._hear(all_=True)
                self._drain()
            else:
                self._another_works(later=kind == "stall")
        finally:
            wiring.use(own)
            self.act = asked

    def _another_works(self, *, later: bool) -> None:
        """The same messages reach another worker, at once or when this one's leases are over."""
        if later:
            self.set_clock(self.moment + timedelta(seconds=self._chance.choice((130, 200, 700))))
        for message in list(self.post.at_work):
            function, _ = post.WORKERS[message.queue]
            self._again(function, message)
        self._tick()
        self._drain()

    def _again(self, function: str, message: post.Message) -> None:
        try:
            self._invoke(function, post.event([message]))
        except PerennialError as error:
            self.log("failed", f"{function}: {error}")

    def _somebody_acts(self) -> None:
        """Somebody acts on a subscription that is being worked, where there is one."""
        named = " ".join(message.body for message in self.post.at_work)
        alive = [name for name, one in self.people.items() if one.subscription]
        touched = [name for name in alive if self.people[name].subscription.removeprefix("sub_") in named]
        if not alive:
            return
        who = self._chance.choice(touched or alive)
        name = self._chance.choices([*acts.ACTS], [act.often for act in acts.ACTS.values()])[0]
        acts.do(self, name, who, self._chance.randrange(10**9))

    # -- people -----------------------------------------------------------------------------------

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

    def method_of(self, payment: Payment) -> str:
        """What a payment was taken from at Stripe."""
        for account in self.stripe_accounts():
            intent = account.shelf("payment_intent").get(payment.reference or "")
            if intent is not None:
                return str(intent["payment_method"])
        return ""

    def stripe_accounts(self) -> list[Account]:
        """What the local Stripe keeps, to be read while nothing moves."""
        return list(self._earth.stripe.world.accounts.values())

    def restart(self) -> None:
        """A new process in place of one that ended."""
        self._restart()


def _sender(env: dict[str, str]) -> None:
    from chalicelib.aws import Aws as Client

    ses = Client("email", "ses", env["AWS_DEFAULT_REGION"], env["AWS_ENDPOINT_URL"])
    ses.call("/v2/email/identities", {"EmailIdentity": "perennial.example"})


class Steady:
    """The steady clock of worlds: it goes on as their time does, and by what somebody sleeps, which nobody waits for."""

    def __init__(self) -> None:
        self.slept = 0.0
        self.life: Life | None = None

    def monotonic(self) -> float:
        """Seconds."""
        return self.slept + (self.life.moment.timestamp() if self.life else 0)

    def sleep(self, seconds: float) -> None:
        """Nobody waits for it."""
        self.slept += seconds


STEADY: Final = Steady()


def _where(thread: int, here: Callable[..., Any], elsewhere: Callable[..., Any]) -> Callable[..., Any]:
    """One function in a thread, another in all others."""

    def either(*given: Any) -> Any:
        return (here if threading.get_ident() == thread else elsewhere)(*given)

    return either


@contextmanager
def pinned() -> Iterator[None]:
    """What is asked side by side is asked in turn, and nobody sleeps in this thread, while worlds are lived."""
    before, sleep, monotonic = ask.ThreadPoolExecutor, time.sleep, time.monotonic
    own = threading.get_ident()
    ask.ThreadPoolExecutor = InTurn  # type: ignore[assignment,misc]
    time.sleep = _where(own, STEADY.sleep, sleep)
    time.monotonic = _where(own, STEADY.monotonic, monotonic)
    ask.pool.cache_clear()
    try:
        yield
    finally:
        ask.ThreadPoolExecutor, time.sleep, time.monotonic = before, sleep, monotonic  # type: ignore[misc]
        ask.pool.cache_clear()
