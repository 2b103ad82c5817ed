"""Who buys: people, and the companies they buy for. Written down anew, or changed with their history."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypedDict, TypeVar

from chalicelib.billing.addresses import Address
from chalicelib.billing.tax import Exemption
from chalicelib.crm.accounts import Account, ApiKey, Moment
from chalicelib.crm.companies import Company
from chalicelib.crm.contacts import Contact
from chalicelib.crm.tax_ids import TaxId
from chalicelib.operations import checks, fill, revise, tax_ids
from chalicelib.operations.create import created
from chalicelib.operations.together import retried
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, Reading

R = TypeVar("R", Contact, Company)


class Given(TypedDict, total=False):
    """What is known of both; what is left out stays as it was."""

    name: str
    email: str
    phone: str
    address: Address | None
    shipping_address: Address | None
    tax_ids: tuple[TaxId, ...]
    language: str
    locale: str


class OfContact(Given, total=False):
    """What is known of a contact; `company` is the one they buy for."""

    company: str | None
    tax_exempt: Exemption | None


class OfCompany(Given, total=False):
    """What is known of a company."""

    website: str
    registration: str


def contact(service: Service, account: str, given: OfContact) -> Contact:
    """A person who buys. Raises NotFound or Invalid."""
    known = checked({"name": "", "email": "", **given})
    found = service.store.load(account, _named(account, given))
    _check_company(found, account, given)
    now = found.get(Account, account, account).now(service.real())
    return created(service, Contact(account=account, id=service.new_id("con_"), created_at=now, **known))


def company(service: Service, account: str, given: OfCompany) -> Company:
    """A business that buys. Raises Invalid."""
    known = checked({"name": "", **given}, empty=True)
    now = service.store.get(Account, account, account).now(service.real())
    return created(service, Company(account=account, id=service.new_id("com_"), created_at=now, **known))


def change_contact(service: Service, account: str, id_: str, given: OfContact, *, by: ApiKey) -> Contact:
    """Change a contact; their next invoices are issued with it. Raises NotFound or Invalid."""
    return _changed(service, Contact, account, id_, given, by=by)


def change_company(service: Service, account: str, id_: str, given: OfCompany, *, by: ApiKey) -> Company:
    """Change a company; its next invoices are issued with it. Raises NotFound or Invalid."""
    return _changed(service, Company, account, id_, given, by=by)


def _changed(
    service: Service, type_: type[R], account: str, id_: str, given: Mapping[str, Any], *, by: ApiKey
) -> R:
    known = checked(given, empty=type_ is Company)

    def attempt() -> R:
        found = service.store.load(account, [keys.key(type_, account, id_), *_named(account, given)])
        before: R = found.get(type_, account, id_)
        _check_company(found, account, given)
        changes = Changeset(account, found)
        at = Moment(found.get(Account, account, account), service.real())
        after = revise.folded(changes, before, known, at, by.id)
        return service.store.commit(changes).get(type_, account, id_) if len(changes) else after

    return retried(attempt)


def _named(account: str, given: Mapping[str, Any]) -> list[str]:
    company = given.get("company")
    named = [keys.key(Company, account, company)] if company else []
    return [keys.key(Account, account, account), *named]


def _check_company(found: Reading, account: str, given: Mapping[str, Any]) -> None:
    if company := given.get("company"):
        fill.named(found, Company, account, company, "company")


def checked(given: Mapping[str, Any], *, empty: bool = False) -> dict[str, Any]:
    """What is known of somebody, as it is kept; where it may be `empty`, a mailbox need not be known. Raises Invalid."""
    passed = {"email"} if empty and not given.get("email") else set()
    return {
        name: CHECKS[name](value, name) if name in CHECKS and name not in passed else value
        for name, value in given.items()
    }


CHECKS: Final[dict[str, Callable[[Any, str], Any]]] = {
    "name": checks.text,
    "email": checks.email,
    "phone": checks.phone,
    "website": checks.website,
    "registration": checks.line,
    "address": checks.address,
    "shipping_address": checks.address,
    "tax_ids": tax_ids.checked,
    "language": checks.language,
    "locale": checks.locale,
}
