"""What goes with a letter: the document it tells of, and the business's logo."""

from typing import Final

from chalicelib.billing.deliveries import Delivery, Letter
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.payments import Payment
from chalicelib.crm.accounts import Account
from chalicelib.crm.files import FilesAway
from chalicelib.crm.mail import Attachment
from chalicelib.service import Service
from chalicelib.store.changes import Changeset

# The documents of so many invoices go with one letter, the oldest first; the others are on its page.
MOST_ENCLOSED: Final = 5
PICTURES: Final = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "svg": "image/svg+xml"}


def documents(service: Service, found: Changeset, delivery: Delivery) -> tuple[Attachment, ...]:
    """The invoices a letter carries: the one that is sent, or those that were paid. Raises what making one raises."""
    if not found.get(Account, delivery.account).attach_pdf:
        return ()
    from chalicelib.operations import documents as papers

    return tuple(
        Attachment(
            name=f"{one.number}.pdf", type=papers.PDF, data=papers.of(service, one, found=found.before)
        )
        for one in carried(found, delivery)
    )


def carried(found: Changeset, delivery: Delivery) -> list[Invoice]:
    """The invoices whose documents go with a letter. Raises NotFound."""
    match delivery.letter:
        case Letter.INVOICE:
            return [found.get(Invoice, delivery.about["invoice"])]
        case Letter.RECEIPT | Letter.FIRST_PAYMENT:
            paid = found.get(Payment, delivery.about["payment"]).allocations
            return [found.get(Invoice, part.invoice) for part in paid[:MOST_ENCLOSED]]
        case _:
            return []


def logo(service: Service, account: str, name: str) -> Attachment | None:
    """A picture that is kept, for letters; None where it cannot be had just now: they go without."""
    from chalicelib.operations.logo import name_of as kept_as

    try:
        data = service.files.read(kept_as(account, name))
    except FilesAway:
        return None
    type_ = PICTURES.get(name.rpartition(".")[2].lower())
    return Attachment(name="logo", type=type_, data=data) if data and type_ else None
