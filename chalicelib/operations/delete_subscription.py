"""Delete a subscription by hand: it leaves every list, and what was issued for it stays.

Its record is kept under its name, because money may still move for what it was billed: a bank debit may come back, a
card payment be disputed, an invoice be credited.
"""

from dataclasses import replace

from chalicelib.billing.errors import WrongState
from chalicelib.billing.events import EventType
from chalicelib.billing.invoices import Invoice, InvoiceStatus
from chalicelib.billing.numbering import name_of
from chalicelib.billing.statuses import ENDED, Status
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account, Moment
from chalicelib.operations import publish
from chalicelib.operations.together import retried
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, Reading


def subscription(service: Service, account: str, id_: str) -> None:
    """Only one that is canceled or expired, was never billed, or is of a test account. Raises NotFound or WrongState.

    One that was deleted before stays so.
    """

    def attempt() -> None:
        wanted = [keys.key(Subscription, account, id_), keys.key(Account, account, account)]
        found = service.store.load(account, wanted)
        before = found.get(Subscription, account, id_)
        if before.deleted_at is not None:
            return
        at = Moment(found.get(Account, account, account), service.real())
        _check(service, before, at)
        changes = Changeset(account, found)
        gone = replace(before, extras=(), deleted_at=at.now, method=None)
        if gone.status not in ENDED:
            gone = replace(gone, status=Status.CANCELED, ended_at=before.ended_at or at.now)
        changes.put(gone)
        about = {"contact": before.contact, "subscription": id_}
        publish.fact(changes, EventType.SUBSCRIPTION_DELETED, before, about, at)
        service.store.commit(changes)

    retried(attempt)


def _check(service: Service, before: Subscription, at: Moment) -> None:
    if before.status not in ENDED and before.ordinal and at.account.livemode:
        detail = f"It is {before.status} and has been billed; cancel it first."
        raise WrongState("subscription_billed", detail)
    names = [name_of(before.id, n) for n in range(before.ordinal)]
    found: Reading = service.store.load(
        before.account, [keys.key(Invoice, before.account, name) for name in names]
    )
    for name in names:
        invoice = found.find(Invoice, before.account, name)
        if invoice is not None and invoice.status is InvoiceStatus.OPEN:
            detail = (
                f"{invoice.id} is still open; collect it, credit it, void it or mark it uncollectible first."
            )
            raise WrongState("invoices_open", detail)
