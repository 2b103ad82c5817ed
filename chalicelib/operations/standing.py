"""What the running period of a subscription was charged with: read, and put together."""

from typing import Final

from chalicelib.billing import numbering
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.proration import Standing
from chalicelib.billing.subscriptions import Subscription
from chalicelib.operations import credit
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, Reading

AT_A_TIME: Final = 8


def read(service: Service, before: Subscription, found: Reading) -> None:
    """Add the invoices since the cycle's, some at a time and the newest first, and their credit notes."""
    account, ordinal = before.account, before.ordinal
    while ordinal > 0:
        first = max(0, ordinal - min(AT_A_TIME, before.besides + 1))
        names = [numbering.name_of(before.id, n) for n in range(first, ordinal)]
        found.add(service.store.load(account, [keys.key(Invoice, account, name) for name in names]))
        read = [found.get(Invoice, account, name) for name in names]
        notes = [key for one in read for key in credit.beside(one) if key not in found.records]
        found.add(service.store.load(account, notes))
        if not all(one.besides for one in read):
            return
        ordinal = first


def of(changes: Changeset, before: Subscription) -> Standing:
    """What the running period was invoiced with, as it was read."""
    period: list[Invoice] = []
    for ordinal in reversed(range(before.ordinal)):
        period.insert(0, changes.get(Invoice, numbering.name_of(before.id, ordinal)))
        if not period[0].besides:
            break
    return Standing(
        invoices=tuple(period),
        next_on=before.next_on,
        shifted=before.shifted,
        settled_on=before.settled_on,
        notes=tuple(note for invoice in period for note in credit.notes_of(changes, invoice)),
        extras=before.extras,
    )
