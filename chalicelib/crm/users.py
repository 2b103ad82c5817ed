"""People of the business: which letters they get, in which language."""

from dataclasses import dataclass
from datetime import datetime

from chalicelib.billing.deliveries import Letter


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """`letters` are the kinds that this person is written; none where it is empty. Of one that is deleted nothing else is kept."""

    account: str
    id: str
    name: str
    email: str
    created_at: datetime
    language: str = ""
    locale: str = ""
    letters: tuple[Letter, ...] = ()
    deleted_at: datetime | None = None
    version: int = 0

    wake = None
