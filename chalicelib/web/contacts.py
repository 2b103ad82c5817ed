"""Contacts: people who buy."""

from enum import StrEnum
from typing import Annotated, Any, cast

from msgspec import UNSET, Meta, UnsetType

from chalicelib.billing.addresses import Address
from chalicelib.billing.tax import Exemption
from chalicelib.crm.contacts import Contact
from chalicelib.crm.tax_ids import TaxId
from chalicelib.operations import buyers
from chalicelib.web import histories
from chalicelib.web.bodies import Body, Id, OneLine
from chalicelib.web.endpoint import Call
from chalicelib.web.histories import Revision
from chalicelib.web.paging import Paging, owned
from chalicelib.web.shown import Listed


class TaxExempt(StrEnum):
    """Who pays no tax; `none` says that they do, as null does."""

    NONE = "none"
    EXEMPT = "exempt"
    REVERSE = "reverse"


class NewAddress(Body, frozen=True):
    """Where somebody is; `country` is ISO 3166-1 alpha-2, `state` as the country writes it."""

    country: OneLine
    line1: OneLine = ""
    line2: OneLine = ""
    city: OneLine = ""
    postal_code: OneLine = ""
    state: OneLine = ""

    def asked(self) -> Address:
        """The address."""
        return Address(
            country=self.country,
            line1=self.line1,
            line2=self.line2,
            city=self.city,
            postal_code=self.postal_code,
            state=self.state,
        )


class NewTaxId(Body, frozen=True):
    """A number a tax office gave; `type` is Stripe's name of its kind, such as eu_vat. Check digits are checked where the kind has some."""

    type: OneLine
    value: OneLine

    def asked(self) -> TaxId:
        """The tax id."""
        return TaxId(type=self.type, value=self.value)


TaxIds = Annotated[tuple[NewTaxId, ...], Meta(max_length=20)]


class NewContact(Body, frozen=True):
    """A person who buys, and where their letters go. Automatic tax needs the address.

    `shipping_address` null is the address. Where they buy for a `company`, its name, address and tax ids are on the
    documents. `language` (BCP 47) is of letters and documents, `locale` of their dates, money and addresses: what is empty
    is as the company or the profile has it.
    """

    name: OneLine
    email: OneLine
    address: NewAddress | None = None
    tax_exempt: TaxExempt | None = None
    company: Id | None = None
    phone: OneLine = ""
    shipping_address: NewAddress | None = None
    tax_ids: TaxIds = ()
    language: OneLine = ""
    locale: OneLine = ""


class BuyerChange(Body, frozen=True):
    """What may change of contacts and companies alike."""

    name: OneLine | UnsetType = UNSET
    email: OneLine | UnsetType = UNSET
    phone: OneLine | UnsetType = UNSET
    address: NewAddress | UnsetType | None = UNSET
    shipping_address: NewAddress | UnsetType | None = UNSET
    tax_ids: TaxIds | UnsetType = UNSET
    language: OneLine | UnsetType = UNSET
    locale: OneLine | UnsetType = UNSET


class ContactChange(BuyerChange, frozen=True):
    """What has changed; what is left out stays as it was, and null takes away.

    Documents that were issued before show what was known then.
    """

    company: Id | UnsetType | None = UNSET
    tax_exempt: TaxExempt | UnsetType | None = UNSET


def list_(call: Call, query: Paging) -> Listed[Contact]:
    """All contacts, newest first."""
    return owned(call.service, Contact, f"{call.account.id}/contact", query)


def create(call: Call, body: NewContact) -> Contact:
    """Add a contact."""
    return buyers.contact(call.service, call.account.id, cast(buyers.OfContact, said(body)))


def get(call: Call, id_: str) -> Contact:
    """A contact."""
    return call.get(Contact, id_)


def update(call: Call, id_: str, body: ContactChange) -> Contact:
    """Change what is given of a contact; their next invoices are issued with it."""
    given = cast(buyers.OfContact, said(body))
    return buyers.change_contact(call.service, call.account.id, id_, given, by=call.key)


def history(call: Call, id_: str, query: Paging) -> Listed[Revision]:
    """Who changed what of a contact, newest first."""
    return histories.of(call, call.service.store.get(Contact, call.account.id, id_), query)


def said(body: Body) -> dict[str, Any]:
    """What a body says, as the records have it."""
    named = ((name, getattr(body, name)) for name in body.__struct_fields__)
    return {name: _asked(value) for name, value in named if value is not UNSET}


def _asked(value: Any) -> Any:
    match value:
        case Body():
            return value.asked()  # type: ignore[attr-defined]  # each that stands for a part of a record has it
        case tuple():
            return tuple(_asked(one) for one in value)
        case TaxExempt():
            return None if value is TaxExempt.NONE else Exemption(value)
        case _:
            return value
