"""What a letter is written from: who gets it, and the records it tells of as they are now."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from chalicelib.billing.credits import CreditNote
from chalicelib.billing.deliveries import Letter
from chalicelib.billing.disputes import Dispute
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.payments import Payment
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.contacts import PaymentMethod
from chalicelib.crm.parties import Parties
from chalicelib.crm.users import User
from chalicelib.crm.wordings import Wording
from chalicelib.views.reading import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`invoices` are those of the payment, or the one the letter is about; of a canceled subscription what is still owed.

    `method` is the one that expires; `notes` what was given back with it; `user` who gets a letter to staff, None on one to a buyer.
    `link` leads to the letter's page, empty where it has none. `today` is the account's local day, `now` its moment.
    `own` are the business's words. `logo` is the address of its picture (`cid:…` in a mail, `data:` in a preview).

    `more` holds what is in no record here, as its event tells it: `was` of a changed subscription (billing/differences),
    `changed_on`, `expires_on` and `quote` of a quote, `endpoint` and `since_on` of a webhook endpoint (days as 2026-02-03).
    """

    reader: Reader
    parties: Parties
    letter: Letter
    today: date
    now: datetime
    subscription: Subscription | None = None
    invoices: tuple[Invoice, ...] = ()
    payment: Payment | None = None
    method: PaymentMethod | None = None
    notes: tuple[CreditNote, ...] = ()
    dispute: Dispute | None = None
    user: User | None = None
    link: str = ""
    own: Wording | None = None
    logo: str = ""
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def zone(self) -> str:
        """The account's IANA zone, of every day that is told."""
        return self.parties.account.zone
