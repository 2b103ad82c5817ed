"""The points a process passes, before and after everything others can see; at some of them something comes between.

A process may end there, or stand still beyond its leases, while another works the same messages; webhooks may arrive,
or somebody may change the very subscription it works on. All of it in one thread: the same seed, the same order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any, Final

from chalicelib.aws import AwsRefused
from chalicelib.crm.mail import MailSilent
from chalicelib.service import Breaker, Service
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.shapes import Shapes
from chalicelib.store.store import Store
from sandbox.crashes import READS
from sandbox.world import Killed

if TYPE_CHECKING:
    from sandbox.worlds.life import Life

KINDS: Final = {"crash": 4, "twin": 3, "hear": 2, "stall": 3, "act": 3}
"""What may come between, and how often."""
SELDOM: Final = {"gateway.checkout": 10, "gateway.find": 10, "gateway.attach": 4}
"""Steps that few processes take: to pass one counts as so many, or it would hardly ever be disturbed."""
SHAPES: Final = Shapes()
BUSY: Final = ("TransactionConflict", "ThrottlingError", "ThrottlingException")


class Process:
    """One process of the service: what it reaches, and whether it has ended."""

    def __init__(self, points: Points) -> None:
        self.points = points
        self.ended = False

    def around(self, service: Service) -> Service:
        """The same service, with a point before and after everything that others can see."""
        life, settings = self.points.life, service.settings
        connection: Any = _Connection(life.dynamo, self)
        return replace(
            service,
            store=Store(connection, settings.table, settings.wake_shards, SHAPES),
            breaker=Breaker(),
            tax_breaker=Breaker(),
            gateway=_Watched(service.gateway, "gateway", self),  # type: ignore[arg-type]
            mailer=_Watched(service.mailer, "mailer", self),  # type: ignore[arg-type]
            queue=_Watched(life.post, "queue", self),  # type: ignore[arg-type]
            real=lambda: life.moment,
            new_id=life.new_id,
        )

    def run(self, name: str, step: Callable[[], Any]) -> Any:
        """A step with a point before and one after it."""
        self.points.point(self, f"before {name}")
        done = step()
        self.points.point(self, f"after {name}")
        return done


class Points:
    """Counts down to the next disturbance; `quiet` while one is under way, and when they are over."""

    def __init__(self, life: Life, chance: Random, between: int) -> None:
        self.life, self._chance, self._between = life, chance, between
        self.quiet = False
        self.busy = 0
        self.lost_letters = 0
        self._left = self._drawn()

    def _drawn(self) -> int:
        return 1 + int(self._chance.expovariate(1 / self._between))

    def point(self, process: Process, name: str) -> None:
        """A process passes here; it ends here too if it has been ended."""
        if process.ended:
            raise Killed(name)
        if self.quiet:
            return
        self._left -= SELDOM.get(name.partition(" ")[2], 1)
        if self._left > 0:
            return
        self._left = self._drawn()
        kind = self._chance.choices([*KINDS], [*KINDS.values()])[0]
        if kind == "crash" and self.life.post.worn:
            kind = "twin"
        self.life.log("point", f"{kind} {name}")
        self.life.seen[f"{kind} {name}"] += 1
        self.life.seen[f"between: {kind}"] += 1
        if kind == "crash":
            process.ended = True
            raise Killed(name)
        self.quiet = True
        try:
            self.life.comes_between(kind)
        finally:
            self.quiet = False


class _Connection:
    def __init__(self, inner: Dynamo, process: Process) -> None:
        self._inner, self._process = inner, process

    def dispatch(self, operation: str, request: dict[str, Any]) -> Any:
        self._process.points.life.seen[f"request: {operation}"] += 1
        if operation in READS:
            return self._inner.dispatch(operation, request)
        return self._process.run(operation, lambda: self._written(operation, request))

    def _written(self, operation: str, request: dict[str, Any]) -> Any:
        points = self._process.points
        if points.busy and operation in ("TransactWriteItems", "PutItem"):
            points.busy -= 1
            raise _busy(operation, request, BUSY[points.busy % len(BUSY)])
        points.life.watch.asked_to_write(operation, request)
        answer = self._inner.dispatch(operation, request)
        points.life.watch.wrote(operation, request, self._inner, self._process)
        return answer


def _busy(operation: str, request: dict[str, Any], trouble: str) -> AwsRefused:
    if operation == "PutItem" or trouble == "ThrottlingException":
        return AwsRefused(400, "ThrottlingException", "slow down")
    reasons = (trouble, *[None] * (len(request["TransactItems"]) - 1))
    return AwsRefused(400, "TransactionCanceledException", trouble, reasons)


class _Watched:
    def __init__(self, inner: Any, name: str, process: Process) -> None:
        self._inner, self._name, self._process = inner, name, process

    def __getattr__(self, method: str) -> Callable[..., Any]:
        call = getattr(self._inner, method)
        if method == "empty":
            return call  # type: ignore[no-any-return]

        def watched(*given: Any, **named: Any) -> Any:
            return self._process.run(
                f"{self._name}.{method}", lambda: self._called(method, call, given, named)
            )

        return watched

    def _called(self, method: str, call: Callable[..., Any], given: Any, named: Any) -> Any:
        points = self._process.points
        if self._name == "gateway":
            return points.life.watch.asked(method, given, lambda: call(*given, **named))
        if self._name == "mailer":
            return self._mailed(call, given, points)
        return call(*given, **named)

    def _mailed(self, call: Callable[..., Any], given: Any, points: Points) -> Any:
        points.life.letters[given[0].id] += 1
        if points.lost_letters:
            points.lost_letters -= 1
            raise MailSilent("No answer came.")
        return call(*given)
