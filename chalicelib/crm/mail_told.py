"""What becomes of a letter after the mail server took it, as that tells it later."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Fate(StrEnum):
    """A bounce is for good where the address does not exist or refuses for ever; a late one may be otherwise tomorrow."""

    BOUNCED = "bounced"
    NOT_NOW = "not_now"
    COMPLAINED = "complained"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailTold:
    """What is told of a delivery, of those of its `addresses` that it concerns; `at` is real time."""

    account: str
    delivery: str
    fate: Fate
    addresses: tuple[str, ...]
    detail: str
    at: datetime
