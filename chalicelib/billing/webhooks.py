"""Where a business hears of its events over HTTP: endpoints, what each wants, and who listens at all (standardwebhooks.com)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from chalicelib.billing.errors import Invalid, WrongState
from chalicelib.billing.wake import Topic, Wake

ALL: Final = "*"
MOST_ENDPOINTS: Final = 16
GIVEN_UP_AFTER: Final = timedelta(days=5)
GIVEN_UP_REFUSALS: Final = 10
MOST_OVERLAP: Final = timedelta(days=7)


class EndpointStatus(StrEnum):
    """A disabled one is sent nothing until a person enables it."""

    ENABLED = "enabled"
    DISABLED = "disabled"


class DisabledReason(StrEnum):
    """By a person; the endpoint answered 410; it accepted nothing for days."""

    BY_HAND = "by_hand"
    GONE = "gone"
    FAILING = "failing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resending:
    """A walk over the events since a moment on the account's clock, oldest first; `after` is the last place seen to.

    `missing` makes deliveries of events that have none there too; else only what waits or has failed is sent again. Of a walk
    that nobody asked for, `failing_at` is when the endpoint began to fail: what was refused before that is none of its matter.
    """

    walk_at: datetime
    since_at: datetime
    after: str | None = None
    missing: bool = False
    failing_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEndpoint:
    """`events` are the types it wants, or `*`. Its secret is of a `generation`; the former one signs too until `former_until`.

    `failing_at` is when it first failed since it last accepted something (real time), `failing_from` the moment of the
    oldest event of which it refused nothing before (the account's clock), `refusals` how many attempts failed, up to ten. `pings` counts its tests.
    """

    account: str
    id: str
    url: str
    events: tuple[str, ...]
    created_at: datetime
    description: str = ""
    status: EndpointStatus = EndpointStatus.ENABLED
    reason: DisabledReason | None = None
    disabled_at: datetime | None = None
    generation: int = 0
    former_until: datetime | None = None
    failing_at: datetime | None = None
    failing_from: datetime | None = None
    refusals: int = 0
    resending: Resending | None = None
    pings: int = 0
    deleted_at: datetime | None = None
    version: int = 0

    @property
    def wake(self) -> Wake | None:
        """While what it missed is sent again."""
        return Wake(self.resending.walk_at, Topic.WEBHOOKS) if self.resending else None

    @property
    def listens(self) -> bool:
        """Whether it is to be sent anything."""
        return self.status is EndpointStatus.ENABLED and self.deleted_at is None

    def wants(self, type_: str) -> bool:
        """Whether it asked for events of a type."""
        return wanted(self.events, type_)

    def signing(self, real: datetime) -> tuple[int, ...]:
        """The generations of secrets that sign, newest first."""
        overlaps = self.former_until is not None and real < self.former_until
        return (self.generation, self.generation - 1) if overlaps else (self.generation,)

    def rotated(self, overlap: timedelta, real: datetime) -> "WebhookEndpoint":
        """It has a new secret, and the one before signs beside it for a while (real time).

        While two sign already a third would silence one that a receiver may still hold: then only at once, with no overlap.
        Raises Invalid or WrongState.
        """
        if not timedelta(0) <= overlap <= MOST_OVERLAP:
            hours = MOST_OVERLAP // timedelta(hours=1)
            detail = f"Let the former secret sign for 0 to {hours} hours more."
            raise Invalid("overlap_out_of_range", detail, "expires_in_hours")
        if overlap and len(self.signing(real)) > 1:
            detail = (
                f"The former secret signs until {self.former_until:%Y-%m-%d %H:%M} UTC; wait until then, or send"
                " expires_in_hours 0, after which the newest alone signs."
            )
            raise WrongState("secret_rotating", detail, "expires_in_hours")
        return replace(self, generation=self.generation + 1, former_until=real + overlap)

    def enabled(self) -> "WebhookEndpoint":
        """It is sent what happens from now on."""
        if self.listens:
            return self
        return replace(self, **_HEALTHY, status=EndpointStatus.ENABLED, reason=None, disabled_at=None)

    def disabled(self, reason: DisabledReason, real: datetime) -> "WebhookEndpoint":
        """It is sent nothing any more; one that is disabled keeps its reason."""
        if not self.listens:
            return self
        return replace(self, status=EndpointStatus.DISABLED, reason=reason, disabled_at=real, resending=None)

    def refused(
        self, missed_at: datetime | None, times: int, real: datetime, *, began_at: datetime | None = None
    ) -> "WebhookEndpoint":
        """Some attempts failed, from `began_at` on: after days of nothing else it is disabled.

        `missed_at` is the moment of the oldest event that it had not refused before it began to fail, if there is one.
        """
        after = replace(
            self,
            failing_at=began_at or self.failing_at or real,
            failing_from=min((at for at in (self.failing_from, missed_at) if at), default=None),
            refusals=min(GIVEN_UP_REFUSALS, self.refusals + times),
        )
        failing_for = real - (after.failing_at or real)
        if failing_for >= GIVEN_UP_AFTER and after.refusals >= GIVEN_UP_REFUSALS:
            return after.disabled(DisabledReason.FAILING, real)
        return after

    def accepted(self, real: datetime) -> "WebhookEndpoint":
        """It takes events again: what it missed while it did not is sent at once, in order."""
        if self.failing_at is None:
            return self
        back = replace(self, **_HEALTHY)
        if self.failing_from is None or not back.listens:
            return back
        return back.sending_again(self.failing_from, real, failing_at=self.failing_at)

    def sending_again(
        self,
        since_at: datetime,
        real: datetime,
        *,
        missing: bool = False,
        failing_at: datetime | None = None,
    ) -> "WebhookEndpoint":
        """What it has not accepted since a moment on the account's clock is to be sent, oldest first. Raises WrongState.

        With `failing_at` only what it refused since it began to fail.
        """
        if not self.listens:
            raise disabled_already()
        before = self.resending
        since = min(since_at, before.since_at) if before else since_at
        missing = missing or (before is not None and before.missing)
        if before is not None and failing_at is not None:
            failing_at = before.failing_at and min(before.failing_at, failing_at)
        walk = Resending(walk_at=real, since_at=since, missing=missing, failing_at=failing_at)
        return replace(self, resending=walk)

    def walked(self, after: str | None) -> "WebhookEndpoint":
        """What lies up to a place has been seen to; with None everything."""
        going_on = replace(self.resending, after=after) if self.resending and after else None
        return replace(self, resending=going_on)

    def pinged(self) -> "WebhookEndpoint":
        """It is sent an event that means nothing. Raises WrongState."""
        if not self.listens:
            raise disabled_already()
        return replace(self, pings=self.pings + 1)

    def deleted(self, real: datetime) -> "WebhookEndpoint":
        """It is gone from every list, and sent nothing."""
        off = self.disabled(DisabledReason.BY_HAND, real)
        return replace(off, deleted_at=self.deleted_at or real)


_HEALTHY: Final[dict[str, Any]] = {"failing_at": None, "failing_from": None, "refusals": 0}


def disabled_already() -> WrongState:
    """The refusal of what only an enabled endpoint can do."""
    return WrongState("webhook_endpoint_disabled", "The endpoint is disabled: enable it first.")


def wanted(events: Iterable[str], type_: str) -> bool:
    """Whether a type is among those asked for."""
    return any(one in (ALL, type_) for one in events)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """An endpoint that is sent events, and which."""

    endpoint: str
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listeners:
    """All enabled endpoints of an account, in one record under the account's id: who fans out need not search for them."""

    account: str
    id: str
    endpoints: tuple[Listener, ...] = ()
    version: int = 0

    wake = None

    def of(self, type_: str) -> list[str]:
        """The endpoints that want a type."""
        return [one.endpoint for one in self.endpoints if wanted(one.events, type_)]

    def with_(self, endpoint: WebhookEndpoint) -> "Listeners":
        """An endpoint as it is now is among them, or, where it is sent nothing, is not."""
        others = tuple(one for one in self.endpoints if one.endpoint != endpoint.id)
        own = (Listener(endpoint=endpoint.id, events=endpoint.events),) if endpoint.listens else ()
        return replace(self, endpoints=tuple(sorted((*others, *own), key=lambda one: one.endpoint)))

    @property
    def types(self) -> tuple[str, ...]:
        """The types that some endpoint wants: `*` where one wants all."""
        types = {name for one in self.endpoints for name in one.events}
        return (ALL,) if ALL in types else tuple(sorted(types))
