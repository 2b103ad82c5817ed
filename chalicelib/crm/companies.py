"""Businesses that buy; people of theirs are contacts."""

from dataclasses import dataclass
from datetime import datetime

from chalicelib.billing.addresses import Address
from chalicelib.crm.tax_ids import TaxId


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """`name` is the legal one (BT-44). `address` is for bills, `shipping_address` None the same.

    `revision` counts the changes that documents would show; a document keeps the one it was issued with.
    """

    account: str
    id: str
    name: str
    created_at: datetime
    email: str = ""
    phone: str = ""
    website: str = ""
    address: Address | None = None
    shipping_address: Address | None = None
    registration: str = ""
    tax_ids: tuple[TaxId, ...] = ()
    language: str = ""
    locale: str = ""
    revision: int = 0
    version: int = 0

    wake = None
