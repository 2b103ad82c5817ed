"""How the documents of a subscription are written: said as it is sold, and changed while it runs."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from chalicelib.billing.papers import CustomField, Papers
from chalicelib.billing.subscriptions import Subscription
from chalicelib.operations import papers
from chalicelib.web.bodies import Body, Id, OneLine, Text
from chalicelib.web.contacts import NewAddress, said
from chalicelib.web.endpoint import Call


class NewCustomField(Body, frozen=True):
    """A line of a document's head, such as a cost center."""

    label: OneLine
    value: OneLine

    def asked(self) -> CustomField:
        """The field."""
        return CustomField(label=self.label, value=self.value)


CustomFields = Annotated[tuple[NewCustomField, ...], Meta(max_length=papers.MOST_FIELDS)]
Values = Annotated[tuple[OneLine, ...], Meta(max_length=20)]


class NewInvoiceSettings(Body, frozen=True):
    """How documents are written; what is empty is as the contact, the company or the profile has it.

    `language` (BCP 47) is of titles and labels, `locale` of dates, money and addresses. `comments` may be formatted as those
    of the profile. `tax_ids` are the values of those of the profile's that are shown, all where there are none. `reference`
    is the buyer's order number, `buyer_reference` what their office sorts by, such as a German Leitweg-ID.
    `billing_address` null is the company's or contact's, `shipping_address` null the same as where the bill goes.
    `emailed` sends invoices as they are issued, or not; null is as the account has it.
    """

    language: OneLine = ""
    locale: OneLine = ""
    comments: Text = ""
    tax_ids: Values = ()
    custom_fields: CustomFields = ()
    reference: OneLine = ""
    buyer_reference: OneLine = ""
    billing_address: NewAddress | None = None
    shipping_address: NewAddress | None = None
    emailed: bool | None = None

    def asked(self) -> Papers:
        """How documents are to be written."""
        return Papers(**said(self))


class InvoiceSettingsChange(Body, frozen=True):
    """What is written otherwise from the next invoice on; what is left out stays as it was, and null takes away.

    `company` is billed in place of the contact, who gets the letters. The fields are those of `invoice_settings`.
    """

    company: Id | UnsetType | None = UNSET
    language: OneLine | UnsetType = UNSET
    locale: OneLine | UnsetType = UNSET
    comments: Text | UnsetType = UNSET
    tax_ids: Values | UnsetType = UNSET
    custom_fields: CustomFields | UnsetType = UNSET
    reference: OneLine | UnsetType = UNSET
    buyer_reference: OneLine | UnsetType = UNSET
    billing_address: NewAddress | UnsetType | None = UNSET
    shipping_address: NewAddress | UnsetType | None = UNSET
    emailed: bool | UnsetType | None = UNSET


def change(call: Call, id_: str, body: InvoiceSettingsChange) -> Subscription:
    """Write its later invoices otherwise, or in the name of another company; what was issued before stays as it is."""
    return papers.change(call.service, call.account.id, id_, said(body))
