"""Addresses that are written no more: a letter to one bounced for good, or its reader complained."""

import contextlib
import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum


class SuppressionReason(StrEnum):
    """What the mail server said of a letter."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """An address that an account does not write to, named by its hash; once lifted, it does until the next bounce.

    `detail` is what the mail server said, of `delivery`, whose letter went to `contact` (None for one to the business itself).
    `since` and `lifted_at` are real time: what the mail server says comes by that.
    """

    account: str
    id: str
    address: str
    reason: SuppressionReason
    since: datetime
    delivery: str
    contact: str | None = None
    detail: str | None = None
    lifted_at: datetime | None = None
    version: int = 0

    wake = None

    @property
    def created_at(self) -> datetime:
        """Its place in the list: newest first."""
        return self.since

    @property
    def stops(self) -> bool:
        """Whether nothing is sent to the address."""
        return self.lifted_at is None

    @property
    def deleted_at(self) -> datetime | None:
        """Lifted, it is not in the list of those that are in force."""
        return self.lifted_at

    def again(self, other: "Suppression") -> "Suppression":
        """What it is after it was stopped anew: what was said before it was lifted is known; a complaint outweighs a bounce."""
        if self.lifted_at is not None:
            return replace(other, version=self.version) if other.since > self.lifted_at else self
        outweighs = other.reason is SuppressionReason.COMPLAINT and self.reason is not other.reason
        return replace(other, since=self.since, version=self.version) if outweighs else self

    def lifted(self, real: datetime) -> "Suppression":
        """The address may be written to again."""
        return replace(self, lifted_at=self.lifted_at or real)


def name_of(address: str) -> str:
    """The name of an address' suppression: letters of either case are one, as mail servers take them, and so are both
    spellings of a domain, ours (`käse.example`) and the mail server's (`xn--kse-qla.example`)."""
    local, at, domain = address.strip().lower().rpartition("@")
    with contextlib.suppress(UnicodeError):
        domain = domain.encode("idna").decode()
    return f"sup_{hashlib.sha256(f'{local}{at}{domain}'.encode()).hexdigest()}"
