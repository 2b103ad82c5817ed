"""The queues of a world: messages come late, twice and out of order, as SQS may bring them; a worker's death brings them again."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from chalicelib.billing.wake import Topic

WORKERS: Final = {
    "money": ("work_money", 10),
    "deliveries": ("work_deliveries", 10),
    "inbox": ("work_inbox", 100),
    "webhooks": ("work_webhooks", 20),
}
"""Each queue's function and the messages it takes at once, as app.py has them."""
VISIBILITY: Final = timedelta(seconds=180)
RECEIVED_AT_MOST: Final = 5
WORN: Final = 3
NAMES: Final = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Seen from a moment on; `received` counts how often a worker has had it."""

    id: str
    queue: str
    body: str
    due_at: datetime
    received: int = 0


class Post:
    """A queue as the service knows it; `calm` brings everything at once and in order."""

    def __init__(self, now: Callable[[], datetime], chance: Random, seen: Counter[str]) -> None:
        self._now, self._chance, self._seen = now, chance, seen
        self.waiting: list[Message] = []
        self.at_work: list[Message] = []
        self.dead: list[Message] = []
        self.calm = False
        self._sent = 0

    # -- as the service knows it ------------------------------------------------------------------

    def send_many(self, batches: list[tuple[Topic, str, list[str]]]) -> None:
        """Names of records on their way to a worker."""
        for topic, account, names in batches:
            queue = queue_of(topic)
            for start in range(0, len(names), NAMES):
                self._send(queue, json.dumps({"account": account, "names": names[start : start + NAMES]}))

    def receive(self, event: str) -> None:
        """What Stripe's webhook told."""
        self._send("inbox", event)

    def empty(self, topic: Topic) -> bool:
        """Whether nothing waits or is being worked."""
        queue = queue_of(topic)
        return not any(message.queue == queue for message in (*self.waiting, *self.at_work))

    def _send(self, queue: str, body: str) -> None:
        self._sent += 1
        message = Message(id=f"m{self._sent}", queue=queue, body=body, due_at=self._now())
        drawn = 1.0 if self.calm else self._chance.random()
        if drawn < 0.04:
            message = replace(
                message, due_at=message.due_at + timedelta(minutes=self._chance.choice((1, 20, 300, 2000)))
            )
            self._seen["message late"] += 1
        elif drawn < 0.09:
            self.waiting.append(message)
            self._seen["message twice"] += 1
        self.waiting.append(message)

    # -- as the workers know it -------------------------------------------------------------------

    def taken(self) -> tuple[str, list[Message]] | None:
        """The next batch for a worker: its function and the messages, which are at work from now on."""
        now = self._now()
        due = [message for message in self.waiting if message.due_at <= now]
        if not due:
            return None
        queue = due[0].queue
        function, size = WORKERS[queue]
        batch = [message for message in due if message.queue == queue][:size]
        if len(batch) > 1 and not self.calm and self._chance.random() < 0.2:
            self._chance.shuffle(batch)
            batch = batch[: self._chance.randrange(1, len(batch) + 1)]
            self._seen["messages out of order"] += 1
        batch = list({message.id: message for message in batch}.values())
        for message in batch:
            self.waiting.remove(message)
        batch = [replace(message, received=message.received + 1) for message in batch]
        self.at_work += batch
        return function, batch

    def done(self, batch: list[Message]) -> None:
        """The worker has come to its end."""
        for message in batch:
            self.at_work.remove(message)

    def died(self, batch: list[Message]) -> None:
        """The worker has not: the messages are seen again when their visibility timeout is over, five times at most."""
        self.done(batch)
        for message in batch:
            if message.received >= RECEIVED_AT_MOST:
                self.dead.append(message)
            else:
                self.waiting.append(replace(message, due_at=self._now() + VISIBILITY))

    @property
    def worn(self) -> bool:
        """Whether a message at work has outlived so many workers that a further death would be counted against its records."""
        return any(message.received >= WORN for message in self.at_work)

    def next_at(self) -> datetime | None:
        """When the next message that is late will be seen."""
        return min((message.due_at for message in self.waiting), default=None)


def queue_of(topic: Topic) -> str:
    """The queue in which names of a topic wait."""
    return topic.value if topic in (Topic.DELIVERIES, Topic.WEBHOOKS) else "money"


def event(batch: list[Message]) -> dict[str, Any]:
    """The event by which SQS hands messages to a function."""
    records = [
        {
            "messageId": message.id,
            "receiptHandle": message.id,
            "body": message.body,
            "attributes": {"ApproximateReceiveCount": str(message.received)},
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": f"arn:aws:sqs:us-east-1:000000000000:{message.queue}",
            "awsRegion": "us-east-1",
        }
        for message in batch
    ]
    return {"Records": records}
