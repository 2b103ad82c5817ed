"""The audit: what is wrong in an account, and what to do about it."""

import hmac
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Literal

from msgspec import Meta

from chalicelib.billing.audits import Audit, Finding
from chalicelib.operations import audit
from chalicelib.web.bodies import Body
from chalicelib.web.endpoint import Call
from chalicelib.web.paging import cursor, not_a_cursor, uncursor

SECONDS: Final = 8
MOST_SECONDS: Final = 15
"""API Gateway waits 29, and a last step may take some."""

PROOF: Final = 32
"""Characters with which a position begins that we told ourselves."""


class Further(Body, frozen=True):
    """Where looking goes on: `after` is the `next` of the answer before. No step is begun after so many `seconds`."""

    after: Annotated[str, Meta(min_length=1, max_length=500)] | None = None
    seconds: Annotated[int, Meta(ge=0, le=MOST_SECONDS)] = SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """`subject` is the id of what is wrong, here or at Stripe; `detail` says how, `do` what to do about it."""

    code: str
    subject: str
    detail: str
    do: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The audit the schedule made last, or is at: `findings` are the first of those `found`; `looked` counts by kind."""

    started_at: datetime
    completed_at: datetime | None
    found: int
    findings: tuple[Found, ...]
    looked: dict[str, int]
    unchecked: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """What was looked at just now, by kind, and what is wrong with it; `has_more` where time did not reach: go on `after` `next`.

    `unchecked` says what could not be looked at; `last` is what the schedule found.
    """

    found: int
    findings: tuple[Found, ...]
    looked: dict[str, int]
    unchecked: tuple[str, ...]
    has_more: bool
    next: str | None
    last: Kept | None
    object: Literal["audit"] = "audit"


def get(call: Call, query: Further) -> Audited:
    """Look through the account: its records, all of its charges at Stripe, its books. Nothing is written."""
    began = time.monotonic()
    made = audit.begun(call.service, call.account.id, _position(call, query.after) if query.after else None)
    try:
        made = audit.step(call.service, made)
        while made.completed_at is None and time.monotonic() - began < query.seconds:
            made = audit.step(call.service, made)
    except ValueError:
        raise not_a_cursor() from None
    return Audited(
        found=made.found,
        findings=_shown(made.findings),
        looked=made.looked,
        unchecked=made.unchecked,
        has_more=made.completed_at is None,
        next=cursor(f"{_proof(call, made.after)}{made.after}") if made.after else None,
        last=_last(call.service.store.find(Audit, call.account.id, audit.LAST)),
    )


def _position(call: Call, after: str) -> str:
    """The place we told: it says what is known so far of whose the Stripe account is, which nobody may say for us. Raises Invalid."""
    told = uncursor(after)
    if not told.isascii() or not hmac.compare_digest(told[:PROOF], _proof(call, told[PROOF:])):
        raise not_a_cursor()
    return told[PROOF:]


def _proof(call: Call, position: str) -> str:
    said = f"audit\n{call.account.id}\n{position}".encode()
    return hmac.digest(call.service.settings.link_secret.encode(), said, "sha256").hex()[:PROOF]


def _last(kept: Audit | None) -> Kept | None:
    if kept is None:
        return None
    return Kept(
        started_at=kept.started_at,
        completed_at=kept.completed_at,
        found=kept.found,
        findings=_shown(kept.findings),
        looked=kept.looked,
        unchecked=kept.unchecked,
    )


def _shown(findings: tuple[Finding, ...]) -> tuple[Found, ...]:
    return tuple(Found(code=one.code, subject=one.subject, detail=one.detail, do=one.do) for one in findings)
