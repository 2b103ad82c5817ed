"""What endpoints answered, and what that says of them: that they fail, are back, or want nothing any more."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.billing import periods
from chalicelib.billing.events import EventType
from chalicelib.billing.webhook_deliveries import Treatment, WebhookAnswer, WebhookDelivery, treatment
from chalicelib.billing.webhooks import DisabledReason, WebhookEndpoint
from chalicelib.crm.accounts import Account, Moment
from chalicelib.operations import publish
from chalicelib.operations.listeners import around, folded
from chalicelib.operations.together import work
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, Reading


@dataclass(slots=True)
class Post:
    """What is sent of one delivery, and what came of it: no answer where it was not sent, or `trouble` of our own was in its way."""

    name: str
    endpoint: str
    url: str
    id: str
    body: bytes
    signed_by: list[str] = field(repr=False)
    again: bool
    answer: WebhookAnswer | None = None
    trouble: BaseException | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers to deliveries of an account; others are `held` back, by endpoint, by what comes of these."""

    service: Service
    account: str
    known: Reading
    held: Mapping[str, Sequence[str]]

    def tell(self, posts: list[Post]) -> None:
        """Note which endpoints fail, are back or are gone: written only where that is news, or counts."""
        groups = {keys.key(WebhookEndpoint, self.account, of): group for of, group in grouped(posts).items()}
        names = [name for name, group in groups.items() if self._after(self.known, name, group) is not None]

        def decide(changes: Changeset, name: str) -> None:
            after = self._after(changes.before, name, groups[name])
            if after is None:
                return
            at = Moment(changes.get(Account, self.account), self.service.real())
            if after.listens:
                changes.put(after)
                return
            folded(changes, after)
            publish.fact(changes, EventType.WEBHOOK_ENDPOINT_DISABLED, after, _switched_off(after, at), at)

        if names:
            work(
                self.service, self.account, names, decide, items_each=4, beside=lambda _: around(self.account)
            )

    def _after(self, reading: Reading, name: str, posts: list[Post]) -> WebhookEndpoint | None:
        """The endpoint after what was answered where it is; None where it is as it was."""
        before = reading.records.get(name)
        if not isinstance(before, WebhookEndpoint) or not before.listens:
            return None
        real = self.service.real()
        posts = [post for post in posts if post.url == before.url]
        answers = [treatment(post.answer.http_status) for post in posts if post.answer]
        refused = [post.answer.at for post in posts if post.answer and not accepted(post)]
        if Treatment.GONE in answers:
            after = before.disabled(DisabledReason.GONE, real)
        elif Treatment.ACCEPTED in answers:
            after = before.accepted(real)
        elif refused:
            began_at = min([before.failing_at or real, *refused])
            missed_at = self._missed_at(before.id, posts, began_at)
            after = before.refused(missed_at, len(refused), real, began_at=began_at)
        else:
            after = before
        return None if after == before else after

    def _missed_at(self, endpoint: str, posts: list[Post], began_at: datetime) -> datetime | None:
        """The moment of the oldest event that is in want of an endpoint, and not refused by one that took others."""
        names = [*(post.name for post in posts if not accepted(post)), *self.held.get(endpoint, ())]
        found = [self.known.records.get(name) for name in names]
        waits = [one for one in found if isinstance(one, WebhookDelivery) and one.failed_since(began_at)]
        return min((one.created_at for one in waits), default=None)


def _switched_off(endpoint: WebhookEndpoint, at: Moment) -> dict[str, str]:
    """What is told of an endpoint that is disabled: which, why, where it is, and the local day since when it took nothing."""
    since = periods.local_date(endpoint.failing_at or at.real, at.account.zone)
    return {
        "webhook_endpoint": endpoint.id,
        "reason": str(endpoint.reason),
        "endpoint": endpoint.url,
        "since_on": since.isoformat(),
    }


def accepted(post: Post) -> bool:
    """Whether its endpoint took it."""
    return post.answer is not None and treatment(post.answer.http_status) is Treatment.ACCEPTED


def grouped(posts: Iterable[Post]) -> dict[str, list[Post]]:
    """By endpoint, in their order."""
    groups: dict[str, list[Post]] = {}
    for post in posts:
        groups.setdefault(post.endpoint, []).append(post)
    return groups
