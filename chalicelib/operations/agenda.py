"""What is awake: sweep it into the queues, and perform it when the queue hands it to a worker."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from importlib import import_module

from chalicelib.billing.wake import Topic
from chalicelib.crm.accounts import HOUSE
from chalicelib.operations import (
    audit,
    collect,
    governor,
    heed,
    publish,
    reconcile,
    refund,
    renew,
    rezone,
    setup,
)
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.bookkeeping import Sweep
from chalicelib.store.changes import Changeset, Conflict, Outage
from chalicelib.store.schedules import MAX_FAILURES

log = logging.getLogger("perennial")

Perform = Callable[[Service, str, list[str]], object]


def late(module: str, function: str) -> Perform:
    """Work of letters and webhooks, whose modules the workers of money need not load."""

    def perform_(service: Service, account: str, names: list[str]) -> object:
        return getattr(import_module(f"chalicelib.operations.{module}"), function)(service, account, names)

    return perform_


PERFORM: dict[str, Perform] = {
    "account": rezone.then_clocks,
    "payment_method": late("expire", "payment_methods"),
    "subscription": renew.subscriptions,
    "invoice": collect.invoices,
    "payment": reconcile.payments,
    "setup": setup.setups,
    "refund": refund.refunds,
    "stripe_event": heed.stripe_events,
    "event": publish.fan_out,
    "delivery": late("deliver", "deliveries"),
    "webhook_delivery": late("post", "deliveries"),
    "webhook_endpoint": late("resend", "walks"),
    "audit": audit.go_on,
}
# Kinds whose work is a question to the gateway.
ASK = frozenset({"invoice", "payment", "refund", "setup"})
# What is due is enqueued once; after this long it is looked through again, in case a message was lost.
START_OVER = timedelta(minutes=15)
PAGE = 1000
# No account's work is begun later than this after the first: with a slow gateway's time it stays within the function's.
LAST_BEGIN_SECONDS = 40
MAX_PAGES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Names (keys) of one account for a worker; `received` counts how often the queue has handed it out."""

    account: str
    names: tuple[str, ...]
    received: int = 1


def sweep(service: Service, topic: Topic) -> int:
    """Send the names of what is awake in a topic to its queue; returns how many.

    Each shard goes on from where its last sweep stopped, and starts over when the queue is empty or after
    15 minutes: a backlog is enqueued once, not once a minute, and a lost message is found again.
    """
    real = service.real()
    state = kept = _mark(service, topic, real)
    if kept.reached and (real - kept.started_at >= START_OVER or service.queue.empty(topic)):
        state = replace(kept, started_at=real, reached={})
    elif not kept.reached:
        state = replace(kept, started_at=real)
    reached = dict(state.reached)
    found = [
        key
        for shard in keys.topic_shards(topic, service.settings.wake_shards)
        for key in _look_through(service, shard, real, reached)
    ]
    _enqueue(service, topic, found)
    if reached and (state is not kept or reached != kept.reached):
        _keep(service, replace(state, reached=reached))
    return len(found)


def _mark(service: Service, topic: Topic, real: datetime) -> Sweep:
    """How far the last sweep came; one that cannot be read is no reason to stand still: all is looked through from the begin."""
    name = keys.key(Sweep, HOUSE, topic.value)
    found = service.store.load(HOUSE, [name])
    if found.has(name) and name not in found.records:
        log.error(
            "a sweep's mark cannot be read: all that is due is enqueued each time", extra={"record": name}
        )
    kept = found.records.get(name)
    return kept if isinstance(kept, Sweep) else Sweep(account=HOUSE, id=topic.value, started_at=real)


def _look_through(
    service: Service, shard: str, real: datetime, reached: dict[str, tuple[str, str]]
) -> Iterator[str]:
    """What is awake in a shard beyond where its last sweep came to; moves that mark on."""
    for _ in range(MAX_PAGES):
        found = service.store.schedules.awake(shard, real, PAGE, reached.get(shard))
        if found:
            reached[shard] = found[-1]
        yield from (key for _, key in found)
        if len(found) < PAGE:
            return


def _enqueue(service: Service, topic: Topic, found: list[str]) -> None:
    by_account: dict[str, list[str]] = {}
    for key in found:
        by_account.setdefault(keys.account_of(key), []).append(key)
    if by_account:
        service.queue.send_many([(topic, account, names) for account, names in by_account.items()])


def _keep(service: Service, state: Sweep) -> None:
    changes = Changeset(HOUSE)
    changes.put(state)
    try:
        service.store.commit(changes)
    except Conflict:
        log.info("another sweep of the topic was faster", extra={"topic": state.id})


def perform(service: Service, messages: list[Message]) -> None:
    """Work the named records, those of one account and kind together.

    A message that was handed out before is worked name by name, each counted before the work, so that a
    record that kills the process is found too. An outage stops the batch, and so does the end of the time
    a worker may take: everything that was not worked stays awake, and the sweep finds it again.
    """
    with governor.foreseeing(service, _calls(messages)):
        _perform_in_time(service, messages)


def _calls(messages: list[Message]) -> int:
    """How many questions to the gateway the named records may lead to: one each of those that ask."""
    return sum(_kind(name) in ASK for message in messages for name in message.names)


def _perform_in_time(service: Service, messages: list[Message]) -> None:
    began = time.monotonic()
    steps: list[Callable[[], None]] = [
        partial(_perform, service, account, names)
        for account, names in _by_account(message for message in messages if message.received == 1)
    ]
    steps += [
        partial(_perform_apart, service, message.account, name)
        for message in messages
        if message.received > 1
        for name in message.names
        if _kind(name) in PERFORM
    ]
    try:
        for step in steps:
            if time.monotonic() - began > LAST_BEGIN_SECONDS:
                log.warning("no time left: the rest stays awake")
                return
            step()
    except Outage as outage:
        log.error("outage: the batch stops, all stays awake", extra={"error": str(outage)})


def _by_account(messages: Iterable[Message]) -> list[tuple[str, list[str]]]:
    found: dict[str, dict[str, None]] = {}
    for message in messages:
        found.setdefault(message.account, {}).update(dict.fromkeys(message.names))
    return [(account, list(names)) for account, names in found.items()]


def _perform(service: Service, account: str, names: list[str]) -> None:
    by_kind: dict[str, list[str]] = {}
    for name in names:
        by_kind.setdefault(_kind(name), []).append(name)
    for kind in by_kind.keys() - PERFORM.keys():
        # A newer release has written it, and works it: to this one it is nobody's fault.
        log.warning("left awake: of a kind that is not known here", extra={"kind": kind})
        del by_kind[kind]
    for kind, group in by_kind.items():
        # One finds out whether the gateway is there again, before anything is begun for the others.
        first = kind in ASK and service.breaker.doubtful
        for part in (group[:1], group[1:]) if first else (group,):
            PERFORM[kind](service, account, part)


def _kind(name: str) -> str:
    """The kind of record a key names, whether it is known here or not."""
    return name.split("/", 2)[1]


def _perform_apart(service: Service, account: str, name: str) -> None:
    failures = service.store.schedules.blame(
        name, "The worker stopped while it worked this record.", service.real()
    )
    if failures >= MAX_FAILURES:
        log.error("record parked", extra={"record": name})
        return
    _perform(service, account, [name])
    service.store.schedules.forgive(name, failures)
