"""What a profile, a contact or a company was before it was changed: its history, and what older documents show."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from chalicelib.billing.errors import PerennialError
from chalicelib.crm.companies import Company
from chalicelib.crm.contacts import Contact
from chalicelib.crm.profiles import Profile

R = TypeVar("R", Profile, Contact, Company)


@dataclass(frozen=True, slots=True, kw_only=True)
class Former:
    """One revision of `subject` that is no more, written in the commit that replaced it at `created_at` by a key, or, without one, by what a buyer left on a page.

    It is one of the three; the balance of a contact is not part of what is remembered.
    """

    account: str
    id: str
    subject: str
    created_at: datetime
    key: str = ""
    profile: Profile | None = None
    contact: Contact | None = None
    company: Company | None = None
    version: int = 0

    wake = None

    def of(self, type_: type[R]) -> R | None:
        """What it remembers, where that is of a type."""
        kept = (self.profile, self.contact, self.company)
        return next((one for one in kept if isinstance(one, type_)), None)


class Gone(PerennialError):
    """A revision that a document needs is nowhere: a defect, or it was replaced while it was read."""

    def __init__(self, subject: str, revision: int) -> None:
        super().__init__("revision_gone", f"Revision {revision} of {subject} is not kept.")


def name_of(subject: str, revision: int) -> str:
    """The name under which a revision is kept once there is a newer one."""
    return f"was_{subject}_{revision:06d}"
