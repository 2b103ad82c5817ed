"""Who a document is from and to, as its invoice was issued, and who a letter is from and to now: read in batches.

An invoice knows the revisions of its parties. The record itself has the last one, a `Former` each one before; a profile
that nobody wrote yet has the revision 0, and says nothing.
"""

from collections.abc import Iterator
from typing import TypeVar

from chalicelib.billing.invoices import Invoice
from chalicelib.billing.papers import Papers
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm import formers
from chalicelib.crm.accounts import Account
from chalicelib.crm.companies import Company
from chalicelib.crm.contacts import Contact
from chalicelib.crm.formers import Former
from chalicelib.crm.parties import Parties
from chalicelib.crm.profiles import Profile
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Reading

R = TypeVar("R", Profile, Contact, Company)

# -- as an invoice was issued ------------------------------------------------------------------------


def of_invoice(service: Service, account: Account | str, invoice: Invoice) -> Parties:
    """Seller and buyer of an invoice and its credit notes as they were when it was issued, in one read. Raises NotFound."""
    name = account if isinstance(account, str) else account.id
    wanted = list(wanted_of(invoice))
    found = service.store.load(
        name, [*wanted, *([keys.key(Account, name, name)] if isinstance(account, str) else [])]
    )
    business = found.get(Account, name, name) if isinstance(account, str) else account
    try:
        return issued(found, business, invoice)
    except formers.Gone:
        # It was changed between two items of one read: what it was before has been written by now.
        found.add(service.store.load(name, wanted))
        return issued(found, business, invoice)


def wanted_of(invoice: Invoice) -> Iterator[str]:
    """The keys of all that `issued` may need: each party, and the revision of it that the invoice was issued with."""
    for type_, id_, revision in revisions_of(invoice):
        yield keys.key(type_, invoice.account, id_)
        yield keys.key(Former, invoice.account, formers.name_of(id_, revision))


def revisions_of(
    invoice: Invoice,
) -> Iterator[tuple[type[Profile] | type[Contact] | type[Company], str, int]]:
    """The parties of an invoice by type and id, and the revision of each that it was issued with."""
    yield Profile, invoice.account, invoice.issuer
    yield Contact, invoice.contact, invoice.buyer
    if invoice.company:
        yield Company, invoice.company, invoice.company_revision


def issued(found: Reading, account: Account, invoice: Invoice) -> Parties:
    """The parties of an invoice from a reading that holds what it `wanted_of`. Raises NotFound, or Gone where it does not."""
    profile = found.find(Profile, account.id, account.id) or unwritten(account)
    company = found.get(Company, account.id, invoice.company) if invoice.company else None
    return Parties(
        account=account,
        profile=_as_of(found, profile, invoice.issuer).printed(account),
        contact=_as_of(found, found.get(Contact, account.id, invoice.contact), invoice.buyer),
        company=_as_of(found, company, invoice.company_revision) if company else None,
        papers=invoice.papers or Papers(),
    )


def _as_of(found: Reading, record: R, revision: int) -> R:
    if record.revision == revision:
        return record
    former = found.find(Former, record.account, formers.name_of(record.id, revision))
    was = former.of(type(record)) if former else None
    if was is None:
        raise formers.Gone(record.id, revision)
    return was


# -- as they are now ---------------------------------------------------------------------------------


def wanted(*of: Subscription | Contact) -> Iterator[str]:
    """The keys of what `assembled` needs besides the account, the contact and the subscription: to be read with others."""
    for one in of:
        yield keys.key(Profile, one.account, one.account)
        if one.company:
            yield keys.key(Company, one.account, one.company)


def assembled(
    found: Reading, account: Account, contact: Contact, subscription: Subscription | None = None
) -> Parties:
    """The parties of a letter as they are now, from a reading that holds what is `wanted`.

    Who is billed for a subscription is said by that alone; without one it is the contact's company. Raises NotFound.
    """
    company = subscription.company if subscription else contact.company
    profile = found.find(Profile, account.id, account.id) or unwritten(account)
    return Parties(
        account=account,
        profile=profile.printed(account),
        contact=contact,
        company=found.get(Company, account.id, company) if company else None,
        papers=(subscription.papers if subscription else None) or Papers(),
    )


def unwritten(account: Account) -> Profile:
    """The profile of an account that has said nothing of itself yet."""
    return Profile(account=account.id, id=account.id, created_at=account.created_at)
