"""Contacts: people who buy."""

from enum import StrEnum

from msgspec import UNSET, UnsetType

from chalicelib.billing.addresses import Address
from chalicelib.billing.tax import Exemption
from chalicelib.crm.contacts import Contact
from chalicelib.operations import create as new
from chalicelib.operations import update as change
from chalicelib.web.bodies import Body, OneLine
from chalicelib.web.endpoint import Call
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


class NewContact(Body, frozen=True):
    """A person who buys, and where their letters go. Automatic tax needs the address."""

    name: OneLine
    email: OneLine
    address: NewAddress | None = None
    tax_exempt: TaxExempt | None = None


class ContactChange(Body, frozen=True):
    """What has changed; what is left out stays as it was, and null takes away."""

    name: OneLine | UnsetType = UNSET
    email: OneLine | UnsetType = UNSET
    address: NewAddress | UnsetType | None = UNSET
    tax_exempt: TaxExempt | UnsetType | None = UNSET


def list_(call: Call, query: Paging) -> Listed[Contact]:
    """All contacts, newest first."""
    return owned(call.service, Contact, f"{call.account.id}/contact", query)


def create(call: Call, body: NewContact) -> Contact:
    """Add a contact."""
    return new.contact(
        call.service,
        call.account.id,
        name=body.name,
        email=body.email,
        address=_address(body.address),
        tax_exempt=_exemption(body.tax_exempt),
    )


def get(call: Call, id_: str) -> Contact:
    """A contact."""
    return call.get(Contact, id_)


def update(call: Call, id_: str, body: ContactChange) -> Contact:
    """Change what is given of a contact; their next invoices are computed with it."""
    given: change.Given = {}
    if body.name is not UNSET:
        given["name"] = body.name
    if body.email is not UNSET:
        given["email"] = body.email
    if body.address is not UNSET:
        given["address"] = _address(body.address)
    if body.tax_exempt is not UNSET:
        given["tax_exempt"] = _exemption(body.tax_exempt)
    return change.contact(call.service, call.account.id, id_, given)


def _address(given: NewAddress | None) -> Address | None:
    if given is None:
        return None
    return Address(
        country=given.country,
        line1=given.line1,
        line2=given.line2,
        city=given.city,
        postal_code=given.postal_code,
        state=given.state,
    )


def _exemption(given: TaxExempt | None) -> Exemption | None:
    return None if given in (None, TaxExempt.NONE) else Exemption(given)
