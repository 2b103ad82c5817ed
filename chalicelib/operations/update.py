"""Write down what has changed about somebody."""

from dataclasses import replace
from typing import TypedDict

from chalicelib.billing.addresses import Address, check_address
from chalicelib.billing.tax import Exemption
from chalicelib.crm.contacts import Contact
from chalicelib.operations.create import check_email, check_text
from chalicelib.operations.together import retried
from chalicelib.service import Service
from chalicelib.store.changes import Changeset


class Given(TypedDict, total=False):
    """What is known anew of a contact; what is left out stays as it was."""

    name: str
    email: str
    address: Address | None
    tax_exempt: Exemption | None


def contact(service: Service, account: str, id_: str, given: Given) -> Contact:
    """Change a contact; their next invoices are computed with it. Raises NotFound or Invalid."""
    check(given)

    def attempt() -> Contact:
        before = service.store.get(Contact, account, id_)
        after = replace(before, **given)
        if after == before:
            return before
        changes = Changeset(account)
        changes.put(after)
        return service.store.commit(changes).get(Contact, account, id_)

    return retried(attempt)


def check(given: Given) -> None:
    """Refuse what could be no contact's."""
    if "name" in given:
        check_text(given["name"], "name")
    if "email" in given:
        check_email(given["email"], "email")
    address = given.get("address")
    if address is not None:
        check_address(address, "address")
