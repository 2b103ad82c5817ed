"""Who changed which setting of an account, when, from what to what."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """A setting by its name; `before` and `after` are its values as JSON."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountChange:
    """All that one request changed; it is named by the version of the account it made. `key` is the API key that asked, `key_name` what that was called then."""

    account: str
    id: str
    key: str
    key_name: str
    fields: tuple[FieldChange, ...]
    created_at: datetime
    version: int = 0

    wake = None


def name_of(version: int) -> str:
    """The name of the change that took an account to a version."""
    return f"achg_{version:09d}"
