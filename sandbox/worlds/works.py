"""What wakes in a world and who works it: the schedules that look, the queues, and the workers that may die."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from chalicelib.billing.errors import PerennialError
from chalicelib.billing.wake import Topic
from chalicelib.store import keys
from sandbox.gateway import Context, tick_event
from sandbox.world import Killed
from sandbox.worlds import post

if TYPE_CHECKING:
    from sandbox.worlds.life import Life

SWEEPS: Final = {
    Topic.BILLING: "run_billing",
    Topic.RETRIES: "retry_payments",
    Topic.REMINDERS: "send_reminders",
    Topic.DELIVERIES: "deliver_events",
    Topic.WEBHOOKS: "send_webhooks",
    Topic.RECONCILIATION: "reconcile_payments",
}
AGAIN: Final = timedelta(minutes=16)
"""After this long a sweep starts over: what a lost message named is found."""
SETTLED_WITHIN: Final = 400


class Works:
    """The functions of a world as its schedules and queues invoke them."""

    def __init__(self, life: Life, app: Any) -> None:
        self._life, self._app = life, app

    def settle(self) -> None:
        """Tick, work and hear until nothing moves."""
        for _ in range(SETTLED_WITHIN):
            if not (self.tick() + self.drain() + self._life.hooks.hear()):
                if not self._awake() & {Topic.BILLING, Topic.REMINDERS}:
                    self._life.trace.quiet()
                return
        raise AssertionError("The queues never emptied.")

    # -- when -------------------------------------------------------------------------------------

    def next_at(self) -> datetime | None:
        """When something wakes next; what is awake already and was not worked is looked for again a little later."""
        now = self._life.moment
        moments = [
            keys.moment(stamp)
            for shard, stamp in self._life.watch.wakes.values()
            if not shard.startswith("parked/")
        ]
        moments = [at if at > now else now + AGAIN for at in moments]
        moments += self._life.hooks.moments()
        moments += [at for at in (self._life.post.next_at(),) if at]
        return min((at for at in moments if at > now), default=None)

    def late(self, soon: datetime) -> datetime:
        """How late the schedules are: minutes, at times hours; a mere look at Stripe is mostly put off to the next day."""
        looks = not (self._awake(soon) - {Topic.RECONCILIATION})
        if looks and self._life.chance.random() < 0.85:
            return soon.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        return soon + timedelta(minutes=self._life.chance.choice((1, 1, 30, 120, 400)))

    def _awake(self, at: datetime | None = None) -> set[str]:
        """The topics in which something is awake at a moment."""
        now = keys.stamp(at or self._life.moment)
        return {shard.partition("#")[0] for shard, stamp in self._life.watch.wakes.values() if stamp <= now}

    # -- schedules --------------------------------------------------------------------------------

    def tick(self) -> int:
        """The schedules look at the topics in which there is something to find."""
        awake = self._awake()
        before = len(self._life.post.waiting)
        for topic, function in SWEEPS.items():
            if topic in awake:
                self._ticked(function)
        return len(self._life.post.waiting) != before

    def _ticked(self, function: str) -> None:
        try:
            self._invoke(function, tick_event(function))
        except PerennialError as error:
            self._life.log("failed", f"{function}: {error}")

    # -- queues -----------------------------------------------------------------------------------

    def drain(self) -> int:
        """Work what is in the queues, until they are empty; how many batches that were."""
        worked = 0
        while (batch := self._life.post.taken()) is not None:
            function, messages = batch
            worked += 1
            self._work(function, messages)
        return worked

    def again(self) -> None:
        """Whatever is at work reaches another worker too."""
        for message in list(self._life.post.at_work):
            function, _ = post.WORKERS[message.queue]
            try:
                self._invoke(function, post.event([message]))
            except PerennialError as error:
                self._life.log("failed", f"{function}: {error}")

    def _work(self, function: str, messages: list[post.Message]) -> None:
        try:
            ended = self._invoke(function, post.event(messages))
        except PerennialError as error:
            self._life.log("failed", f"{function}: {error}")
            self._life.post.died(messages)
            return
        if ended:
            self._life.post.done(messages)
        else:
            self._life.post.died(messages)

    def _invoke(self, function: str, event: dict[str, Any]) -> bool:
        """One invocation; False where its process died."""
        try:
            getattr(self._app, function)(event, Context())
        except Killed:
            self._life.restart()
            return False
        return True
