"""Companies: businesses that buy; people of theirs are contacts."""

from typing import cast

from msgspec import UNSET, UnsetType

from chalicelib.crm.companies import Company
from chalicelib.crm.contacts import Contact
from chalicelib.operations import buyers
from chalicelib.web import histories
from chalicelib.web.bodies import Body, OneLine
from chalicelib.web.contacts import BuyerChange, NewAddress, TaxIds, said
from chalicelib.web.endpoint import Call
from chalicelib.web.histories import Revision
from chalicelib.web.paging import Paging, owned
from chalicelib.web.shown import Listed


class NewCompany(Body, frozen=True):
    """A business that buys, under its legal `name`. `address` is for bills; `shipping_address` null is the same.

    `registration` is as its law wants it printed. `language` (BCP 47) is of documents, `locale` of their dates, money and
    addresses: what is empty is as the profile has it.
    """

    name: OneLine
    email: OneLine = ""
    phone: OneLine = ""
    website: OneLine = ""
    address: NewAddress | None = None
    shipping_address: NewAddress | None = None
    registration: OneLine = ""
    tax_ids: TaxIds = ()
    language: OneLine = ""
    locale: OneLine = ""


class CompanyChange(BuyerChange, frozen=True):
    """What has changed; what is left out stays as it was, and null takes away.

    Documents that were issued before show what was known then.
    """

    website: OneLine | UnsetType = UNSET
    registration: OneLine | UnsetType = UNSET


def list_(call: Call, query: Paging) -> Listed[Company]:
    """All companies, newest first."""
    return owned(call.service, Company, f"{call.account.id}/company", query)


def create(call: Call, body: NewCompany) -> Company:
    """Add a company."""
    return buyers.company(call.service, call.account.id, cast(buyers.OfCompany, said(body)))


def get(call: Call, id_: str) -> Company:
    """A company."""
    return call.get(Company, id_)


def update(call: Call, id_: str, body: CompanyChange) -> Company:
    """Change what is given of a company; its next invoices are issued with it."""
    given = cast(buyers.OfCompany, said(body))
    return buyers.change_company(call.service, call.account.id, id_, given, by=call.key)


def contacts(call: Call, id_: str, query: Paging) -> Listed[Contact]:
    """The contacts who buy for a company, newest first."""
    company = call.service.store.get(Company, call.account.id, id_)
    return owned(call.service, Contact, f"{call.account.id}/{company.id}/contact", query)


def history(call: Call, id_: str, query: Paging) -> Listed[Revision]:
    """Who changed what of a company, newest first."""
    return histories.of(call, call.service.store.get(Company, call.account.id, id_), query)
