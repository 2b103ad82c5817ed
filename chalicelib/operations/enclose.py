"""What goes with a letter: the document it tells of, and the business's logo."""

from typing import Final

from chalicelib.billing.credits import CreditNote
from chalicelib.billing.deliveries import Delivery, Letter
from chalicelib.billing.invoices import Invoice
from chalicelib.crm.accounts import Account
from chalicelib.crm.files import FilesAway
from chalicelib.crm.mail import Attachment
from chalicelib.operations.letter_records import WITH_DOCUMENT
from chalicelib.service import Service
from chalicelib.store.changes import Changeset

PICTURES: Final = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "svg": "image/svg+xml"}


def documents(service: Service, found: Changeset, delivery: Delivery) -> tuple[Attachment, ...]:
    """The document of the invoice or credit note that is sent with a letter. Raises what making it raises.

    A receipt leads to the documents of what it paid: to make each at once would be most of what a renewal costs.
    """
    if delivery.letter not in WITH_DOCUMENT or not found.get(Account, delivery.account).attach_pdf:
        return ()
    from chalicelib.operations import documents as papers

    sent = found.get(Invoice, delivery.about["invoice"])
    of_note = delivery.letter is Letter.CREDIT_NOTE
    note = found.get(CreditNote, delivery.about["credit_note"]) if of_note else None
    data = papers.of(service, sent, note, found.before)
    return (Attachment(name=f"{(note or sent).number}.pdf", type=papers.PDF, data=data),)


def logo(service: Service, account: str, name: str) -> Attachment | None:
    """A picture that is kept, for letters; None where it cannot be had just now: they go without."""
    from chalicelib.operations.logo import name_of as kept_as

    try:
        data = service.files.read(kept_as(account, name))
    except FilesAway:
        return None
    type_ = PICTURES.get(name.rpartition(".")[2].lower())
    return Attachment(name="logo", type=type_, data=data) if data and type_ else None
