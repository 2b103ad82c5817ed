"""Names of records on their way to a worker, through SQS.

The money queue is first-in-first-out: billing of one account goes in one lane (its message group), so that its
invoice numbers have one writer at a time; charging and reconciliation go beside it, each message a lane of its own.
"""

import json
from typing import Any
from uuid import uuid4

from chalicelib.aws import Aws
from chalicelib.billing.wake import Topic
from chalicelib.settings import Settings

NAMES_PER_MESSAGE = 25
MESSAGES_PER_REQUEST = 10


class SqsQueue:
    """The four queues: money, deliveries and webhooks hold names, the inbox what Stripe's webhook told."""

    def __init__(self, sqs: Aws, settings: Settings) -> None:
        self._sqs = sqs
        self._names = settings
        self._urls: dict[str, str] = {}

    def send_many(self, batches: list[tuple[Topic, str, list[str]]]) -> None:
        """Send many batches, ten messages to a request; what SQS does not take is found again by the sweep."""
        by_queue: dict[str, list[dict[str, str]]] = {}
        for topic, account, names in batches:
            queue = self._queue_of(topic)
            for start in range(0, len(names), NAMES_PER_MESSAGE):
                entry = _entry(
                    topic, account, names[start : start + NAMES_PER_MESSAGE], fifo=queue.endswith(".fifo")
                )
                by_queue.setdefault(queue, []).append(entry)
        for queue, entries in by_queue.items():
            for start in range(0, len(entries), MESSAGES_PER_REQUEST):
                request = [
                    entry | {"Id": str(n)}
                    for n, entry in enumerate(entries[start : start + MESSAGES_PER_REQUEST])
                ]
                self._call("SendMessageBatch", QueueUrl=self._url(queue), Entries=request)

    def receive(self, event: str) -> None:
        """Put an event of Stripe's into the inbox; an error here is Stripe's to repeat."""
        self._call("SendMessage", QueueUrl=self._url(self._names.inbox_queue), MessageBody=event)

    def empty(self, topic: Topic) -> bool:
        """Whether nothing is waiting or being worked, as far as SQS knows."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self._call(
            "GetQueueAttributes", QueueUrl=self._url(self._queue_of(topic)), AttributeNames=names
        )
        return not any(int(answer["Attributes"][name]) for name in names)

    def _call(self, action: str, **body: Any) -> dict[str, Any]:
        return self._sqs.call_again("/", body, f"AmazonSQS.{action}")

    def _queue_of(self, topic: Topic) -> str:
        match topic:
            case Topic.DELIVERIES:
                return self._names.deliveries_queue
            case Topic.WEBHOOKS:
                return self._names.webhooks_queue
            case _:
                return self._names.money_queue

    def _url(self, queue: str) -> str:
        if queue not in self._urls:
            self._urls[queue] = self._call("GetQueueUrl", QueueName=queue)["QueueUrl"]
        return self._urls[queue]


def _entry(topic: Topic, account: str, names: list[str], *, fifo: bool) -> dict[str, str]:
    entry = {"MessageBody": json.dumps({"account": account, "names": names}, separators=(",", ":"))}
    if fifo:
        one = uuid4().hex
        in_lane = topic in (Topic.BILLING, Topic.REMINDERS)
        entry |= {"MessageGroupId": account if in_lane else f"{account}/{one}", "MessageDeduplicationId": one}
    return entry
