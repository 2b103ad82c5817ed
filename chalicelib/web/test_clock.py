"""The clock of a test account that has one of its own."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from chalicelib.billing.errors import Invalid, NotFound
from chalicelib.crm.accounts import Account
from chalicelib.operations import advance as move
from chalicelib.web.bodies import Body, Moment
from chalicelib.web.endpoint import Call

FIRST_YEAR, LAST_YEAR = 2000, 2100


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """`advancing` until everything that comes due before `target_at` has been worked."""

    now_at: datetime
    target_at: datetime | None
    status: Literal["ready", "advancing"]
    object: Literal["test_clock"] = "test_clock"


class Advance(Body, frozen=True):
    """The moment to move it to, later than where it stands."""

    to: Moment


def get(call: Call) -> Clock:
    """Where the clock stands."""
    return _clock(call.account)


def advance(call: Call, body: Advance) -> Clock:
    """Begin to move the clock: what comes due on the way is billed and charged in order.

    Ask for the clock until it is ready.
    """
    account, to = call.account, moment(body.to, "to")
    if call.seed is not None and account.clock and to in (account.clock.target_at, account.clock.now_at):
        return _clock(account)
    return _clock(move.to(call.service, account.id, to))


def moment(at: datetime, param: str) -> datetime:
    """The moment in UTC. Raises Invalid on one no calendar of ours is made for."""
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise Invalid("clock_out_of_range", f"A clock runs from {FIRST_YEAR} to {LAST_YEAR}.", param)
    return at.astimezone(UTC)


def _clock(account: Account) -> Clock:
    if account.clock is None:
        raise NotFound(
            "no_test_clock", "This account lives in real time; a test clock is given when it is opened."
        )
    moving = account.clock.target_at is not None
    return Clock(
        now_at=account.clock.now_at,
        target_at=account.clock.target_at,
        status="advancing" if moving else "ready",
    )
