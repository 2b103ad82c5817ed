"""Who a document is from and to, as they were when its invoice was issued."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from chalicelib.billing.addresses import Address
from chalicelib.billing.papers import Papers
from chalicelib.crm.accounts import Account
from chalicelib.crm.companies import Company
from chalicelib.crm.contacts import Contact
from chalicelib.crm.profiles import Profile
from chalicelib.crm.tax_ids import TaxId

LANGUAGES: Final = ("en", "de", "fr", "da", "es", "ja", "ar")
"""What letters and documents are written in (BCP 47); `tests/views` holds a catalog of each complete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parties:
    """Seller and buyer of a document, or of a letter; what one of them leaves empty is as the next has it."""

    account: Account
    profile: Profile
    contact: Contact
    company: Company | None = None
    papers: Papers = Papers()

    @property
    def seller_name(self) -> str:
        """BT-27."""
        return self.profile.legal_name or self.account.name

    @property
    def zone(self) -> str:
        """By which the day of BT-2 is told."""
        return self.profile.zone or self.account.zone

    @property
    def seller_email(self) -> str:
        """BT-43."""
        return self.profile.email or self.account.email

    @property
    def seller_tax_ids(self) -> tuple[TaxId, ...]:
        """Those that are shown: all, or the ones the subscription chose by value, of which the profile still has some.

        A number that was replaced since leaves no invoice without any.
        """
        chosen = tuple(one for one in self.profile.tax_ids if one.value in self.papers.tax_ids)
        return chosen or self.profile.tax_ids

    @property
    def buyer_name(self) -> str:
        """BT-44: the company's, or the person's."""
        return self.company.name if self.company else self.contact.name

    @property
    def buyer_tax_ids(self) -> tuple[TaxId, ...]:
        """BT-48 is among them, if they have one."""
        return (self.company.tax_ids if self.company else ()) or self.contact.tax_ids

    @property
    def bill_to(self) -> Address | None:
        """BG-8."""
        own = self.company.address if self.company else None
        return self.papers.billing_address or own or self.contact.address

    @property
    def ship_to(self) -> Address | None:
        """BG-15; None where nothing else is said than where the bill goes."""
        own = self.company.shipping_address if self.company else None
        found = self.papers.shipping_address or own or self.contact.shipping_address
        return None if found == self.bill_to else found

    @property
    def language(self) -> str:
        """BCP 47, one of LANGUAGES: the first that somebody chose."""
        chosen = (said.split("-")[0].lower() for said in self._said("language"))
        return next((one for one in chosen if one in LANGUAGES), "en")

    @property
    def locale(self) -> str:
        """BCP 47, of dates, money and addresses: the first that somebody chose, else the language as it is written in its country."""
        return next(self._said("locale"), "en-US" if self.language == "en" else self.language)

    def _said(self, name: str) -> Iterator[str]:
        for one in (self.papers, self.contact, self.company, self.profile):
            if one is not None and (said := getattr(one, name)):
                yield said
