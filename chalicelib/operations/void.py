"""Close an open invoice that will not be paid: void it, as issued in error, or write it off as uncollectible."""

from chalicelib.billing import ledger
from chalicelib.billing.errors import WrongState
from chalicelib.billing.events import EventType
from chalicelib.billing.invoices import Invoice
from chalicelib.crm.accounts import Moment
from chalicelib.crm.contacts import Contact
from chalicelib.operations import credit, publish, settle
from chalicelib.operations.together import retried
from chalicelib.service import Service
from chalicelib.store.changes import Changeset


def invoice(service: Service, account: str, id_: str) -> Invoice:
    """Take back all that an invoice charged; what came from the customer's balance goes back there.

    It leaves the arrears, and with the last one the subscription recovers. Raises NotFound or WrongState.
    """

    def attempt() -> Invoice:
        changes, at = credit.read(service, account, id_)
        _void(changes, changes.get(Invoice, id_), at)
        return service.store.commit(changes).get(Invoice, account, id_)

    return retried(attempt)


def _void(changes: Changeset, before: Invoice, at: Moment) -> None:
    after = before.voided(at.day)
    notes = credit.notes_of(changes, before)
    if any(note.to_balance for note in notes):
        detail = "A credit note of it went to the customer's balance; credit what is left of it instead."
        raise WrongState("credited_to_balance", detail)
    if before.amount_applied is not None:
        changes.put(changes.get(Contact, before.contact).credited(before.amount_applied))
    entry = ledger.voided(before, notes, at.day)
    publish.fact(changes, EventType.INVOICE_VOIDED, before, _about(before), at, entry=entry)
    settle.settled(changes, after, at)


def uncollectible(service: Service, account: str, id_: str) -> Invoice:
    """Expect no more money for an invoice: what it owes is lost, and nobody is asked for it again.

    It leaves the arrears as a voided one does: what is not asked for cannot hold a subscription back.
    Raises NotFound or WrongState.
    """

    def attempt() -> Invoice:
        changes, at = credit.read(service, account, id_)
        before = changes.get(Invoice, id_)
        after, entry = before.written_off(), ledger.written_off(before)
        publish.fact(changes, EventType.INVOICE_UNCOLLECTIBLE, before, _about(before), at, entry=entry)
        settle.settled(changes, after, at)
        return service.store.commit(changes).get(Invoice, account, id_)

    return retried(attempt)


def reopened(service: Service, account: str, id_: str) -> Invoice:
    """Expect money for an uncollectible invoice after all: it is owed again, among the arrears, and not asked for by the schedule.

    So a person, a page or another payment method may have it paid. Raises NotFound or WrongState.
    """

    def attempt() -> Invoice:
        changes, at = credit.read(service, account, id_)
        before = changes.get(Invoice, id_)
        after = before.reopened()
        entry = ledger.recovered(after)
        publish.fact(changes, EventType.INVOICE_REOPENED, before, _about(before), at, entry=entry)
        settle.owed_again(changes, after, at)
        return service.store.commit(changes).get(Invoice, account, id_)

    return retried(attempt)


def _about(invoice: Invoice) -> dict[str, str]:
    return {"contact": invoice.contact, "subscription": invoice.subscription, "invoice": invoice.id}
