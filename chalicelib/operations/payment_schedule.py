"""Split what an invoice owes over days, because a person and their customer have agreed on it."""

from collections.abc import Sequence

from chalicelib.billing import instalments
from chalicelib.billing.errors import WrongState
from chalicelib.billing.events import EventType
from chalicelib.billing.instalments import Part
from chalicelib.billing.invoices import Invoice, InvoiceStatus
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account, Moment
from chalicelib.operations import publish, settle
from chalicelib.operations.together import nudge, retried
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset


def invoice(service: Service, account: str, id_: str, parts: Sequence[Part]) -> Invoice:
    """An open invoice is due in parts; one that has such parts already stays as it is. Raises NotFound, Invalid or WrongState.

    What was overdue is not, unless a part of it is due before today: its subscription recovers.
    """

    def attempt() -> Invoice:
        found = service.store.load(
            account, [keys.key(Invoice, account, id_), keys.key(Account, account, account)]
        )
        before = found.get(Invoice, account, id_)
        found.add(service.store.load(account, [keys.key(Subscription, account, before.subscription)]))
        at = Moment(found.get(Account, account, account), service.real())
        changes = Changeset(account, found)
        folded(changes, before, parts, at)
        if not len(changes):
            return before
        business = at.account
        if business.clock is not None:
            business = business.catching_up()
            changes.put(business)
        written = service.store.commit(changes)
        nudge(service, business, written.unparked())
        return written.get(Invoice, account, id_)

    return retried(attempt)


def folded(changes: Changeset, before: Invoice, parts: Sequence[Part], at: Moment) -> None:
    """Fold the schedule of an invoice into the changeset, which holds its subscription; nothing where it stays as it was."""
    _check(before)
    subscription = changes.get(Subscription, before.subscription)
    split = instalments.planned(before.amount_due, parts, subscription.day(at.now))
    if split == before.instalments:
        return
    about = {"contact": before.contact, "subscription": before.subscription, "invoice": before.id}
    publish.fact(changes, EventType.INVOICE_SCHEDULED, before, about, at)
    settle.settled(changes, before.agreed(split, at.now), at)


def _check(before: Invoice) -> None:
    if before.status is not InvoiceStatus.OPEN:
        detail = f"{before.id} is {before.status}; only what is owed is split over days."
        raise WrongState("invoice_not_open", detail)
    if before.payment is not None:
        detail = (
            f"{before.payment} is still open on {before.id}; wait until it has ended, then send this again."
        )
        raise WrongState("payment_open", detail)
