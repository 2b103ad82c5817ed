"""The profile: what a business says of itself on its documents and letters."""

from typing import Annotated, Any, cast

from msgspec import UNSET, Meta, UnsetType

from chalicelib.crm.profiles import Bank, Profile, Snippet
from chalicelib.operations import profile
from chalicelib.web import histories
from chalicelib.web.bodies import Body, OneLine, Text
from chalicelib.web.contacts import NewAddress, TaxIds, said
from chalicelib.web.endpoint import Call
from chalicelib.web.histories import Revision
from chalicelib.web.paging import Paging
from chalicelib.web.shown import Listed


class NewBank(Body, frozen=True):
    """Where a transfer goes; `lines` are for countries without IBAN: routing and account number, as they are printed."""

    iban: OneLine = ""
    bic: OneLine = ""
    holder: OneLine = ""
    bank: OneLine = ""
    lines: Text = ""

    def asked(self) -> Bank:
        """The bank."""
        return Bank(iban=self.iban, bic=self.bic, holder=self.holder, bank=self.bank, lines=self.lines)


class NewSnippet(Body, frozen=True):
    """A text that `{{name}}` puts into comments and footers."""

    name: OneLine
    text: Text

    def asked(self) -> Snippet:
        """The snippet."""
        return Snippet(name=self.name, text=self.text)


class ProfileChange(Body, frozen=True):
    """What is said from now on; what is left out stays as it was, and null takes away.

    `legal_name` and `email` empty are the account's. `registration` is as the law wants it printed. `color` is #rrggbb and can be
    read on white. `language` (BCP 47) is of letters and documents, `locale` of their dates, money and addresses, where a
    buyer has none. `comments` are those of documents whose subscription has none, and may be formatted, as may the `footer`:
    `**bold**`, `*italic*`, `[words](https://…)`, lines that begin with `- ` or `1. `, and `{{name}}` for a snippet.
    """

    legal_name: OneLine | UnsetType = UNSET
    address: NewAddress | UnsetType | None = UNSET
    email: OneLine | UnsetType = UNSET
    phone: OneLine | UnsetType = UNSET
    website: OneLine | UnsetType = UNSET
    registration: OneLine | UnsetType = UNSET
    tax_ids: TaxIds | UnsetType = UNSET
    bank: NewBank | UnsetType | None = UNSET
    color: OneLine | UnsetType = UNSET
    language: OneLine | UnsetType = UNSET
    locale: OneLine | UnsetType = UNSET
    comments: Text | UnsetType = UNSET
    footer: Text | UnsetType = UNSET
    snippets: Annotated[tuple[NewSnippet, ...], Meta(max_length=50)] | UnsetType = UNSET


def get(call: Call) -> Profile:
    """What the business says of itself; documents show the revision they were issued with."""
    return profile.read(call.service, call.account)


def change(call: Call, body: ProfileChange) -> Profile:
    """Say what is given from now on; documents that were issued before stay as they are."""
    given: dict[str, Any] = said(body)
    return profile.change(call.service, call.account.id, cast(profile.Given, given), by=call.key)


def history(call: Call, query: Paging) -> Listed[Revision]:
    """Who changed what of the profile, newest first."""
    said_now = profile.read(call.service, call.account).printed(call.account)
    return histories.of(call, said_now, query)
