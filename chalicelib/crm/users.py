"""People of the business: which letters they get, in which language."""

from dataclasses import dataclass
from datetime import datetime

from chalicelib.billing.deliveries import Letter


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """`letters` are the kinds that this person is written; none where it is empty."""

    account: str
    id: str
    name: str
    email: str
    created_at: datetime
    language: str = ""
    locale: str = ""
    letters: tuple[Letter, ...] = ()
    version: int = 0

    wake = None
