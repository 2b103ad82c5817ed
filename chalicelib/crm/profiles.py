"""What a business says of itself on its documents and letters: legal data, branding, and what they say by default."""

from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.billing.addresses import Address
from chalicelib.crm.accounts import Account
from chalicelib.crm.tax_ids import TaxId


@dataclass(frozen=True, slots=True, kw_only=True)
class Bank:
    """Where a transfer goes: BG-17 of EN 16931. `lines` are for countries without IBAN (routing and account number)."""

    iban: str = ""
    bic: str = ""
    holder: str = ""
    bank: str = ""
    lines: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """A text kept for comments, put in by its name."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One of each account, under the account's own id; a document keeps the `revision` it was issued with.

    `legal_name`, `email` and `zone` (IANA, by which its days are told) empty are the account's own, as `zone` of the last
    revision always is; what a profile was before has them filled in. `registration` is as the law wants it printed ("HRB 1234, Amtsgericht Berlin").
    `logo` is the name of a file that is kept (sha256 of its bytes, and its ending); `color` is #rrggbb. `language` is BCP 47, `locale` of dates, money and addresses.
    """

    account: str
    id: str
    created_at: datetime
    revision: int = 0
    legal_name: str = ""
    address: Address | None = None
    email: str = ""
    phone: str = ""
    website: str = ""
    registration: str = ""
    tax_ids: tuple[TaxId, ...] = ()
    bank: Bank | None = None
    color: str = ""
    logo: str = ""
    language: str = ""
    locale: str = ""
    comments: str = ""
    footer: str = ""
    snippets: tuple[Snippet, ...] = ()
    zone: str = ""
    version: int = 0

    wake = None

    def printed(self, account: Account) -> "Profile":
        """The same with what it leaves to the account."""
        return replace(
            self,
            legal_name=self.legal_name or account.name,
            email=self.email or account.email,
            zone=self.zone or account.zone,
        )
