"""Send events to endpoints: each is recorded as being sent, sent, and written down with what was answered.

At least once: where a worker dies in between, the lease runs out and the event is sent again under the same id. What is sent
again goes one at a time, oldest first (by the event's moment, then by name), in what one worker has at hand; what is
sent for the first time goes side by side. An endpoint that failed last is sent one event first: only where it takes that,
the others follow.
"""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cache, partial
from types import MappingProxyType
from typing import Final

from chalicelib.adapters.signatures import sign_webhook
from chalicelib.billing import webhook_deliveries
from chalicelib.billing.events import Event, EventType
from chalicelib.billing.wake import Wake
from chalicelib.billing.webhook_deliveries import Treatment, WebhookAnswer, WebhookDelivery, treatment
from chalicelib.billing.webhooks import WebhookEndpoint
from chalicelib.crm.accounts import Account, Moment
from chalicelib.operations import ask
from chalicelib.operations.answers import Answers, Post, accepted, grouped
from chalicelib.operations.event_payloads import payload, subject_type
from chalicelib.operations.listen import secrets
from chalicelib.operations.together import work
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, Reading
from chalicelib.store.shapes import Undecodable

# No post is begun later than this after the first, so that none is cut off with the function, nor outlives its lease.
LAST_BEGIN_SECONDS: Final = 40
SIDE_BY_SIDE: Final = 64
TYPES: Final = frozenset(type_.value for type_ in EventType)
LANES: Final = 8
"""Posts to one endpoint at once, of one worker: one of them is of what is sent again, in order."""
LONGEST_PUT_OFF: Final = timedelta(hours=1)
SHORTEST_PUT_OFF: Final = timedelta(minutes=1)


def deliveries(service: Service, account: str, names: list[str]) -> None:
    """Send each awake delivery, in rounds: first all to whom nothing is the matter with, and one to each that failed last."""
    real = service.real()
    known = _read(service, account, names)
    business = known.records.get(keys.key(Account, account, account))
    # An account that cannot be read is told of where the deliveries are decided.
    waiting = _waiting(known, names, Moment(business, real) if isinstance(business, Account) else None)
    first: list[str] = []
    held: dict[str, list[str]] = {}
    for endpoint, group in _by_endpoint(waiting).items():
        ailing = _ailing(known, account, endpoint)
        first += group[:1] if ailing else group
        if ailing and group[1:]:
            held[endpoint] = group[1:]
    took = _Round(service, account, known, held).sent(first)
    again = [name for endpoint, group in held.items() if endpoint in took for name in group]
    _Round(service, account, known).sent(again)
    rest = [name for endpoint, group in held.items() if endpoint not in took for name in group]
    _put_off(service, account, rest, known)


def _read(service: Service, account: str, names: list[str]) -> Reading:
    """Deliveries, their endpoints and account; then their events and what those are about."""
    endpoints = {keys.key(WebhookEndpoint, account, _endpoint(name)) for name in names}
    known = service.store.load(account, [*names, keys.key(Account, account, account), *sorted(endpoints)])
    known.add(service.store.load(account, [key for name in names for key in _told_of(known, name)]))
    return known


def _endpoint(name: str) -> str:
    return webhook_deliveries.named(name.rpartition("/")[2])[1]


def _told_of(known: Reading, name: str) -> tuple[str, ...]:
    """The keys of a delivery's event and of its subject."""
    found = known.records.get(name)
    if not isinstance(found, WebhookDelivery):
        return ()
    event = keys.key(Event, found.account, found.event)
    if found.type not in TYPES:
        return (event,)
    return (event, keys.key(subject_type(EventType(found.type)), found.account, found.subject))


def _waiting(known: Reading, names: Iterable[str], at: Moment | None) -> list[str]:
    """What is awake, oldest event first; last what cannot be read, which is blamed where it is decided."""
    found = [name for name in names if name in known.broken or at is None or at.awake(_wake(known, name))]
    return sorted(dict.fromkeys(found), key=lambda name: _order(known, name))


def _wake(known: Reading, name: str) -> Wake | None:
    record = known.records.get(name)
    return record.wake if record else None


def _order(known: Reading, name: str) -> tuple[str, str]:
    """By the event's moment, then by name; what cannot be read finds out nothing of its endpoint, and comes last."""
    record = known.records.get(name)
    return (keys.stamp(record.created_at) if isinstance(record, WebhookDelivery) else "~", name)


def _by_endpoint(names: Iterable[str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(_endpoint(name), []).append(name)
    return groups


def _ailing(known: Reading, account: str, endpoint: str) -> bool:
    """Whether an endpoint failed when it was last sent something."""
    found = known.records.get(keys.key(WebhookEndpoint, account, endpoint))
    return isinstance(found, WebhookEndpoint) and found.failing_at is not None


class _Round:
    """Deliveries that are leased, sent and written down together; others are `held` back by what comes of them, by endpoint."""

    def __init__(
        self,
        service: Service,
        account: str,
        known: Reading,
        held: Mapping[str, Sequence[str]] = MappingProxyType({}),
    ) -> None:
        self.service, self.account, self.known, self.held = service, account, known, held
        self.began = time.monotonic()
        self.posts: dict[str, Post] = {}
        self.ailing: set[str] = set()

    def sent(self, names: list[str]) -> set[str]:
        """Send deliveries; returns the endpoints that took one."""
        if not names:
            return set()
        leased = self._lease(names)
        posts = [self.posts[name] for name in names if name in leased.written and name in self.posts]
        lanes = [lane for group in grouped(posts).values() for lane in _lanes(group)]
        list(_pool().map(self._drive, lanes))
        self._write_down(posts)
        Answers(self.service, self.account, self.known, self.held).tell(posts)
        return {post.endpoint for post in posts if accepted(post)}

    def _lease(self, names: list[str]) -> Reading:
        """Record that they are being sent. What has nobody to be sent to is given up instead."""

        def decide(changes: Changeset, name: str) -> None:
            self.posts.pop(name, None)
            delivery = changes.at(name)
            at = Moment(changes.get(Account, self.account), self.service.real())
            if not isinstance(delivery, WebhookDelivery) or not at.awake(delivery.wake):
                return
            post = self._post(changes, delivery, at)
            if isinstance(post, str):
                changes.put(delivery.given_up(post))
            else:
                self.posts[name] = post
                changes.begin(delivery.sending(at.real))

        return work(
            self.service,
            self.account,
            names,
            decide,
            items_each=1,
            spare=0,
            beside=self._beside,
            reading=self.known,
        )

    def _beside(self, name: str) -> tuple[str, ...]:
        return (keys.key(WebhookEndpoint, self.account, _endpoint(name)), *_told_of(self.known, name))

    def _post(self, changes: Changeset, delivery: WebhookDelivery, at: Moment) -> Post | str:
        """What is sent, or why nothing is."""
        endpoint = changes.find(WebhookEndpoint, delivery.endpoint)
        if endpoint is None or endpoint.deleted_at is not None:
            return "The endpoint was deleted."
        if not endpoint.listens:
            return "The endpoint is disabled."
        event = changes.find(Event, delivery.event)
        if event is None:
            return f"Events are kept for {webhook_deliveries.KEPT_FOR.days} days."
        try:
            subject = changes.find(subject_type(event.type), event.subject)
        except Undecodable:
            subject = None
        return Post(
            name=keys.key_of(delivery),
            endpoint=delivery.endpoint,
            url=endpoint.url,
            id=event.id,
            body=_body(payload(event, subject, at.account)),
            signed_by=secrets(self.service.settings, endpoint, at.real),
            again=delivery.again,
        )

    def _drive(self, lane: list[Post]) -> None:
        """One after the other, until there is no time left or the endpoint is found ailing."""
        for post in lane:
            if post.endpoint in self.ailing or time.monotonic() - self.began > LAST_BEGIN_SECONDS:
                return
            match ask.at_once({post.id: partial(self._posted, post)})[post.id]:
                case WebhookAnswer() as answer:
                    post.answer = answer
                case error:
                    post.trouble = error
                    continue
            if treatment(post.answer.http_status) in (Treatment.SLOW, Treatment.GONE):
                self.ailing.add(post.endpoint)

    def _posted(self, post: Post) -> WebhookAnswer:
        real = self.service.real()
        seconds = int(real.timestamp())
        headers = {
            "Content-Type": "application/json",
            "webhook-id": post.id,
            "webhook-timestamp": str(seconds),
            "webhook-signature": sign_webhook(post.signed_by, post.id, seconds, post.body),
        }
        answer = self.service.hooks.post(post.url, post.body, headers)
        said = answer.said[: webhook_deliveries.MOST_SAID]
        return WebhookAnswer(at=real, http_status=answer.status, millis=answer.millis, said=said)

    def _write_down(self, posts: list[Post]) -> None:
        """What became of each; what was not sent waits for as long as what was sent before it to the same endpoint."""
        real = self.service.real()
        by_name = {post.name: post for post in posts}
        later: dict[str, datetime] = {}

        def decide(changes: Changeset, name: str) -> None:
            delivery, post = changes.at(name), by_name[name]
            if not isinstance(delivery, WebhookDelivery) or delivery.leased_until is None:
                return
            if post.trouble is not None:
                raise post.trouble  # it may have been heard, and goes again once its lease is over
            if post.answer is None:
                soon = real + SHORTEST_PUT_OFF
                until = later.get(post.endpoint, soon) if post.endpoint in self.ailing else real
                changes.put(delivery.not_sent(until))
                return
            after = delivery.answered(post.answer)
            changes.put(after)
            if after.send_at:
                later[post.endpoint] = _put_off_until(after.send_at, real)

        answered_first = sorted(by_name, key=lambda name: by_name[name].answer is None)
        work(self.service, self.account, answered_first, decide, items_each=1, spare=0, reading=self.known)


def _lanes(posts: list[Post]) -> list[list[Post]]:
    """What is sent again in one lane, in order; the others spread over the rest, in order of their begin."""
    again = [post for post in posts if post.again]
    fresh = [post for post in posts if not post.again]
    spread = [fresh[start :: LANES - 1] for start in range(min(LANES - 1, len(fresh)))]
    return [lane for lane in (again, *spread) if lane]


def _body(told: Mapping[str, object]) -> bytes:
    return json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode()


def _put_off_until(send_at: datetime, real: datetime) -> datetime:
    return min(max(send_at, real + SHORTEST_PUT_OFF), real + LONGEST_PUT_OFF)


def _put_off(service: Service, account: str, names: list[str], known: Reading) -> None:
    """What an ailing endpoint was not sent goes with its next attempt, within the hour: nothing was tried, nothing counts."""
    if not names:
        return
    real = service.real()
    next_: dict[str, datetime] = {}
    for record in known.records.values():
        if (
            isinstance(record, WebhookDelivery)
            and record.send_at
            and record.attempts
            and record.send_at > real
        ):
            next_[record.endpoint] = min(record.send_at, next_.get(record.endpoint, record.send_at))

    def decide(changes: Changeset, name: str) -> None:
        delivery = changes.at(name)
        at = Moment(changes.get(Account, account), real)
        if not isinstance(delivery, WebhookDelivery) or not at.awake(delivery.wake):
            return
        endpoint = changes.find(WebhookEndpoint, delivery.endpoint)
        if endpoint is None or not endpoint.listens:
            changes.put(delivery.given_up("The endpoint is disabled."))
        else:
            changes.put(delivery.not_sent(_put_off_until(next_.get(delivery.endpoint, real), real)))

    work(
        service,
        account,
        names,
        decide,
        items_each=1,
        spare=0,
        beside=lambda n: (keys.key(WebhookEndpoint, account, _endpoint(n)),),
        reading=known,
    )


@cache
def _pool() -> ThreadPoolExecutor:
    """Threads of its own: what waits for a stranger's answer takes none from those that ask Stripe or send letters."""
    return ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="post")
