"""Perennial's world on a laptop: its real handlers, woken as AWS wakes them, under a clock that is moved."""

import gc
import importlib
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3

from chalicelib import wiring
from chalicelib.billing.wake import Topic
from chalicelib.service import Service
from chalicelib.store import keys, table
from sandbox.exchange import Answer, http
from sandbox.gateway import Context, Gateway, sns_event, sqs_event, tick_event

WEBHOOK_SECRET = "whsec_local"
STRIPE_KEY = "sk_test_local"
QUEUES = {
    "PERENNIAL_MONEY_QUEUE": ("perennial-money.fifo", "work_money", 10),
    "PERENNIAL_DELIVERIES_QUEUE": ("perennial-deliveries", "work_deliveries", 10),
    "PERENNIAL_INBOX_QUEUE": ("perennial-inbox", "work_inbox", 100),
    "PERENNIAL_WEBHOOKS_QUEUE": ("perennial-webhooks", "work_webhooks", 20),
}
MAIL_EVENTS = "perennial-mail-events"
SCHEDULES = (
    "run_billing",
    "retry_payments",
    "send_reminders",
    "deliver_events",
    "send_webhooks",
    "reconcile_payments",
)
STRIPE_EVENTS = [
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "payment_intent.canceled",
    "setup_intent.succeeded",
    "checkout.session.completed",
    "checkout.session.expired",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "charge.updated",
    "charge.refunded",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "refund.created",
    "refund.updated",
    "refund.failed",
]
MAX_ROUNDS = 200
ROUNDS_WITHOUT_STRIPE = 3


def environment(aws: dict[str, str], stripe: str, clock_file: Path | None, **more: str) -> dict[str, str]:
    """What app.py reads: names of the table and queues, the local AWS and Stripe, and the clock."""
    return {
        **aws,
        "PERENNIAL_TABLE": "perennial",
        **{name: queue for name, (queue, _, _) in QUEUES.items()},
        "PERENNIAL_FILES_BUCKET": f"perennial-files-{aws.get('AWS_ACCESS_KEY_ID', 'of-nobody')}",  # all accounts share the names
        "PERENNIAL_MAIL_FROM": "Perennial <billing@perennial.example>",
        "PERENNIAL_MAIL_EVENTS": MAIL_EVENTS,
        "PERENNIAL_LINK_SECRET": "a secret of the sandbox's, no use elsewhere",
        "PERENNIAL_BASE_URL": "http://127.0.0.1:8000",
        "STRIPE_API_KEY": STRIPE_KEY,
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "STRIPE_API_BASE": stripe,
        "PERENNIAL_HOOKS_OPEN": "1",  # endpoints are on this machine
        "PERENNIAL_STRIPE_RATE": "100000",  # the local Stripe's; nobody is held back where nobody is to be
        **({"PERENNIAL_CLOCK_FILE": str(clock_file)} if clock_file else {}),
        **more,
    }


def settle_in(settings: Any) -> None:
    """Create what the packaged template creates on AWS: the table, the queues with their dead letters, the sender."""
    table.create(settings)
    session = boto3.Session()  # not the default one: it remembers the credentials of worlds before
    sqs = session.client("sqs")
    for name, _, _ in QUEUES.values():
        fifo = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
        dead = sqs.create_queue(QueueName=name.replace("perennial-", "perennial-dead-"), Attributes=fifo)[
            "QueueUrl"
        ]
        arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5})
        sqs.create_queue(
            QueueName=name, Attributes=fifo | {"VisibilityTimeout": "180", "RedrivePolicy": redrive}
        )
    s3 = session.client("s3")
    if settings.files_bucket not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=settings.files_bucket)
    ses = session.client("sesv2")
    if not ses.list_email_identities()["EmailIdentities"]:
        ses.create_email_identity(EmailIdentity="perennial.example")
        ses.create_configuration_set(ConfigurationSetName=MAIL_EVENTS)


class Killed(BaseException):
    """The process of a worker ends here, with nothing more done: no handler of Exception sees it."""


class World:
    """One deployment. `twice` delivers every message of a queue, and every tick, a second time.

    It is in this process's environment from when it is made until it is left: what is started after it knows nothing of it.
    """

    def __init__(self, env: dict[str, str], stripe_url: str, *, twice: bool = False, port: int = 0) -> None:
        self._within = ExitStack()
        self._within.enter_context(changed_environment(env))
        self.env, self.stripe_url, self.twice = env, stripe_url, twice
        self.app = _fresh("app")
        gc.unfreeze()  # app freezes what it loaded, once a process; here worlds come and go in one
        self.service = self.app.service
        self.restart()
        settle_in(self.app.settings)
        self._sqs = boto3.Session().client("sqs")
        self._urls = {
            name: self._sqs.get_queue_url(QueueName=name)["QueueUrl"] for name, _, _ in QUEUES.values()
        }
        self.gateway = Gateway(self.app.app, list(self.app.app.routes), port)
        self._pumping = threading.Lock()

    def __enter__(self) -> "World":
        self.gateway.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.gateway.__exit__()
        self._within.close()

    def restart(self, wrap: Callable[[Service], Service] = lambda service: service) -> None:
        """A new process: nothing is remembered. `wrap` watches or breaks what its service reaches."""
        self._wrap = wrap
        wiring.use(wrap(wiring.wired(self.app.settings)))

    # -- people and programs --------------------------------------------------------------------

    def call(
        self, method: str, path: str, body: Any = None, key: str | None = None, **headers: str
    ) -> Answer:
        """One request to the API over HTTP."""
        sent = {
            "Content-Type": "application/json",
            **({"Authorization": f"Bearer {key}"} if key else {}),
            **headers,
        }
        data = json.dumps(body).encode() if body is not None else None
        return http(method, self.gateway.url + path, data, sent)

    def stripe(self, method: str, path: str, body: Any = None) -> Any:
        """A control of the local Stripe's, under /_sandbox/."""
        data = json.dumps(body).encode() if body is not None else None
        answer = http(
            method, f"{self.stripe_url}/_sandbox/{path}", data, {"Content-Type": "application/json"}
        )
        if answer.status >= 300:
            raise AssertionError(f"{method} {path}: {answer.status} {answer.body}")
        return answer.body

    def connect_stripe(self, mode: str = "hold") -> None:
        """Let the local Stripe tell this deployment what happens: held until `webhooks()`, or at once (`auto`)."""
        endpoint = {
            "url": self.gateway.url + "/stripe/webhook",
            "secret": WEBHOOK_SECRET,
            "enabled_events": STRIPE_EVENTS,
            "mode": mode,
        }
        self.stripe("POST", "webhooks", endpoint)

    def webhooks(self, order: str = "sent", times: int = 1, seed: int = 0) -> None:
        """Let Stripe deliver what it holds."""
        self.stripe("POST", "webhooks/deliver", {"order": order, "times": times, "seed": seed})

    # -- the clock --------------------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        """The world's now."""
        return self.service().real()

    def set_clock(self, at: datetime) -> None:
        """Move the world's clock, and Stripe's with it."""
        path = Path(self.env["PERENNIAL_CLOCK_FILE"])
        beside = path.with_suffix(".new")
        beside.write_text(at.astimezone(UTC).isoformat())
        beside.replace(path)
        self.stripe("POST", "clock", {"at": at.astimezone(UTC).isoformat().replace("+00:00", "Z")})

    def until(self, at: datetime, look: Callable[[], None] = lambda: None) -> None:
        """Live until a moment: at every moment at which something wakes, the schedules tick and the queues empty.

        `look` is called whenever all is quiet.
        """
        for _ in range(10_000):
            self.settle()
            look()
            soon = self._next_moment(at)
            if soon is None:
                break
            self.set_clock(max(soon, self.now + timedelta(milliseconds=1)))
        self.set_clock(at)
        self.settle()
        look()

    def settle(self) -> None:
        """Tick every schedule and empty every queue until nothing moves, or, with Stripe away, nothing more can."""
        held_back = 0
        for _ in range(MAX_ROUNDS):
            self.tick()
            held_back += self.service().breaker.tripped(self.now)
            if held_back > ROUNDS_WITHOUT_STRIPE:
                self.drain()
                return
            if not self.drain():
                self.webhooks(times=2 if self.twice else 1)
                if not self.drain():
                    return
        raise AssertionError("The queues never emptied.")

    def _next_moment(self, until: datetime) -> datetime | None:
        store, shards = self.service().store, self.app.settings.wake_shards
        moments = []
        for topic in Topic:
            for shard in keys.topic_shards(topic, shards):
                moments += [keys.moment(stamp) for stamp, _ in store.schedules.awake(shard, until, 50)]
        breaker = self.service().breaker
        if breaker.tripped(self.now) and self.now + breaker.left(self.now) <= until:
            moments.append(self.now + breaker.left(self.now))
        return min((moment for moment in moments if moment > self.now), default=None)

    # -- what AWS does ----------------------------------------------------------------------------

    def tick(self) -> None:
        """EventBridge wakes the six scheduled functions."""
        for name in SCHEDULES:
            self.invoke(name, tick_event(name))

    def audit(self) -> None:
        """EventBridge wakes the schedule of once an hour."""
        self.invoke("audit_accounts", tick_event("audit_accounts"))

    def mail_told(self, text: str) -> None:
        """SNS hands on what SES tells of a letter."""
        self.invoke("hear_mail", sns_event(text, MAIL_EVENTS))

    def drain(self) -> int:
        """SQS hands what waits to the workers; returns how many messages there were."""
        with self._pumping:
            return sum(self._drain_queue(queue, function, size) for queue, function, size in QUEUES.values())

    def invoke(self, function: str, event: dict[str, Any]) -> bool:
        """One Lambda invocation, or two where all comes twice; False where the process died in it, and a new one stands ready."""
        try:
            for _ in range(2 if self.twice else 1):
                getattr(self.app, function)(event, Context())
        except Killed:
            self.restart(self._wrap)
            return False
        return True

    def _drain_queue(self, queue: str, function: str, size: int) -> int:
        handled = 0
        while messages := self.batch(queue, size):
            handled += len(messages)
            if self.invoke(function, sqs_event(messages, queue)):
                self.delete(queue, messages)
            else:
                self._show_again(queue, messages)
        return handled

    def _show_again(self, queue: str, messages: list[dict[str, Any]]) -> None:
        """What SQS does when the visibility timeout of a worker that died is over."""
        for message in messages:
            receipt = message["ReceiptHandle"]
            self._sqs.change_message_visibility(
                QueueUrl=self._urls[queue], ReceiptHandle=receipt, VisibilityTimeout=0
            )

    def delete(self, queue: str, messages: list[dict[str, Any]]) -> None:
        """Take worked messages out of a queue, ten to a request."""
        for start in range(0, len(messages), 10):
            done = [
                {"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]}
                for n, message in enumerate(messages[start : start + 10])
            ]
            self._sqs.delete_message_batch(QueueUrl=self._urls[queue], Entries=done)

    def batch(self, queue: str, size: int) -> list[dict[str, Any]]:
        """Up to a function's batch size of messages, ten to a request, as Lambda's poller gathers them."""
        messages: list[dict[str, Any]] = []
        while len(messages) < size:
            answer = self._sqs.receive_message(
                QueueUrl=self._urls[queue],
                MaxNumberOfMessages=min(10, size - len(messages)),
                MessageSystemAttributeNames=["ApproximateReceiveCount"],
            )
            if not answer.get("Messages"):
                break
            messages += answer["Messages"]
        return messages


def _fresh(name: str) -> ModuleType:
    """The module as a new process would load it: with the environment as it is now."""
    sys.modules.pop(name, None)
    return importlib.import_module(name)


@contextmanager
def changed_environment(values: dict[str, str]) -> Iterator[None]:
    """The environment with other values, and as it was afterwards."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
