"""Whether the service answers, and its table."""

from dataclasses import dataclass
from typing import Final, Literal

from chalicelib.crm.accounts import HOUSE, Account
from chalicelib.web.endpoint import Visit

VERSION: Final = "0.1.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """A table that does not answer is a problem of status 503 instead."""

    version: str
    livemode: bool
    table: Literal["ok"] = "ok"
    object: Literal["health"] = "health"


def get(visit: Visit) -> Health:
    """The version that runs, after a read from the table."""
    visit.service.store.find(Account, HOUSE, HOUSE)
    return Health(version=VERSION, livemode=visit.service.settings.livemode)
