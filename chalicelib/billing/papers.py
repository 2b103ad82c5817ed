"""How the invoices of a subscription are written: language, comments, references, and where they are addressed."""

from dataclasses import dataclass

from chalicelib.billing.addresses import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomField:
    """A line of a document's head that a business chose itself, such as a cost center."""

    label: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Papers:
    """What a subscription says of its documents; what is empty is as the contact, the company or the profile has it.

    `language` (BCP 47) is of titles and labels, `locale` of dates, money and addresses. `comments` may be formatted
    (views/comments.py). `tax_ids` are those of the seller's that are shown, all where there are none. `reference` is the
    buyer's own: purchase order, BT-13; `buyer_reference` is BT-10, such as a German Leitweg-ID. `emailed` None is as the account has it.
    """

    language: str = ""
    locale: str = ""
    comments: str = ""
    tax_ids: tuple[str, ...] = ()
    custom_fields: tuple[CustomField, ...] = ()
    reference: str = ""
    buyer_reference: str = ""
    billing_address: Address | None = None
    shipping_address: Address | None = None
    emailed: bool | None = None
