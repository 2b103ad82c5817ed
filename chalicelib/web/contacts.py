"""Contacts: people who buy."""

from chalicelib.crm.contacts import Contact
from chalicelib.operations import create as new
from chalicelib.web.bodies import Body, OneLine
from chalicelib.web.endpoint import Call
from chalicelib.web.paging import Paging, owned
from chalicelib.web.shown import Listed


class NewContact(Body, frozen=True):
    """A person who buys, and where their letters go."""

    name: OneLine
    email: OneLine


def list_(call: Call, query: Paging) -> Listed[Contact]:
    """All contacts, newest first."""
    return owned(call.service, Contact, f"{call.account.id}/contact", query)


def create(call: Call, body: NewContact) -> Contact:
    """Add a contact."""
    return new.contact(call.service, call.account.id, name=body.name, email=body.email)


def get(call: Call, id_: str) -> Contact:
    """A contact."""
    return call.get(Contact, id_)
