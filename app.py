"""What wakes Perennial: HTTP, the schedules, the queues. The table of contents."""

import gc
import json
from typing import TYPE_CHECKING, Any

from chalice import Chalice, Rate
from chalice.app import CloudWatchEvent, SNSEvent, SQSEvent

from chalicelib.billing.wake import Topic
from chalicelib.service import Service
from chalicelib.settings import read
from chalicelib.web import buyer, routes

if TYPE_CHECKING:
    from chalicelib.operations.agenda import Message

app = Chalice(app_name="perennial", configure_logs=False)
settings = read()


def service() -> Service:
    """Made when the first event comes, kept as long as the process lives."""
    from chalicelib import wiring

    return wiring.service(settings)


routes.mount(app, service)
buyer.mount(app, service)


@app.schedule(Rate(1, unit=Rate.MINUTES))
def run_billing(_: CloudWatchEvent) -> int:
    """Bill what is due."""
    return sweep(Topic.BILLING)


@app.schedule(Rate(1, unit=Rate.MINUTES))
def retry_payments(_: CloudWatchEvent) -> int:
    """Ask for what is owed, first and again."""
    return sweep(Topic.RETRIES)


@app.schedule(Rate(5, unit=Rate.MINUTES))
def send_reminders(_: CloudWatchEvent) -> int:
    """Tell of payments to come."""
    return sweep(Topic.REMINDERS)


@app.schedule(Rate(1, unit=Rate.MINUTES))
def deliver_events(_: CloudWatchEvent) -> int:
    """Make deliveries of events, and send them."""
    return sweep(Topic.DELIVERIES)


@app.schedule(Rate(1, unit=Rate.MINUTES))
def send_webhooks(_: CloudWatchEvent) -> int:
    """Send events to endpoints, first and again."""
    return sweep(Topic.WEBHOOKS)


@app.schedule(Rate(1, unit=Rate.MINUTES))
def reconcile_payments(_: CloudWatchEvent) -> int:
    """Ask Stripe what became of payments that have no end here."""
    return sweep(Topic.RECONCILIATION)


@app.schedule(Rate(1, unit=Rate.HOURS))
def audit_accounts(_: CloudWatchEvent) -> int:
    """Have every account looked through once a day, and held against Stripe and its books."""
    from chalicelib.operations import audit

    return audit.accounts(service())


@app.on_sqs_message(queue=settings.money_queue, batch_size=10)
def work_money(event: SQSEvent) -> None:
    """Bill, charge, retry, remind, reconcile."""
    perform(event)


@app.on_sqs_message(queue=settings.deliveries_queue, batch_size=10, maximum_batching_window_in_seconds=1)
def work_deliveries(event: SQSEvent) -> None:
    """Fan out events, send letters."""
    perform(event)


@app.on_sqs_message(queue=settings.webhooks_queue, batch_size=20, maximum_batching_window_in_seconds=1)
def work_webhooks(event: SQSEvent) -> None:
    """Post events to endpoints: a slow one holds up neither charges nor letters, which have queues of their own."""
    perform(event)


@app.on_sqs_message(queue=settings.inbox_queue, batch_size=100, maximum_batching_window_in_seconds=2)
def work_inbox(event: SQSEvent) -> None:
    """Keep what Stripe's webhook told, and follow it up."""
    import msgspec

    from chalicelib.billing.stripe_events import StripeEvent
    from chalicelib.operations import heed

    heed.arrivals(service(), [msgspec.json.decode(record.body, type=StripeEvent) for record in event])


@app.on_sns_message(topic=settings.mail_events)
def hear_mail(event: SNSEvent) -> None:
    """Stop writing to addresses whose letters bounce or whose readers complain. Only SES may publish to the topic."""
    from chalicelib.operations import stop_mail

    stop_mail.hear(service(), event.message)


def sweep(topic: Topic) -> int:
    """Send the names of what is awake to the topic's queue."""
    from chalicelib.operations import agenda

    return agenda.sweep(service(), topic)


def perform(event: SQSEvent) -> None:
    """Work the names that messages hold."""
    from chalicelib.operations import agenda

    agenda.perform(service(), [message(record.to_dict()) for record in event])


def message(record: dict[str, Any]) -> "Message":
    """A record of the queue as the agenda reads it."""
    from chalicelib.operations.agenda import Message as Names

    body = json.loads(record["body"])
    received = int(record.get("attributes", {}).get("ApproximateReceiveCount", "1"))
    return Names(account=body["account"], names=tuple(body["names"]), received=received)


# What is loaded stays: the collector need not look at it again, and looks less often at the rest.
gc.freeze()
gc.set_threshold(50_000, 20, 100)
