"""Take back a mistaken entry of money that came another way: as if it had never been written down."""

from chalicelib.billing import issuing, ledger
from chalicelib.billing.errors import WrongState
from chalicelib.billing.events import EventType
from chalicelib.billing.invoices import Invoice, InvoiceStatus
from chalicelib.billing.payments import Origin, Payment, PaymentStatus
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account, Moment
from chalicelib.crm.contacts import Contact
from chalicelib.operations import act, publish, settle
from chalicelib.operations.together import nudge, retried
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.bookkeeping import Alias
from chalicelib.store.changes import Changeset, Reading


def payment(service: Service, account: str, id_: str) -> Payment:
    """Take a mistaken entry back: what it paid is owed again, and asked for or overdue as if it had never come.

    What an earlier try of the same request took back is not taken back again. Raises NotFound, or WrongState:
    `not_by_hand`, `payment_returned`, `payment_refunded`, `balance_spent`.
    """
    asked = service.new_id(act.REQUEST)

    def attempt() -> tuple[Payment, Reading]:
        if service.store.find(Alias, account, asked):
            return service.store.get(Payment, account, id_), Reading()
        changes, at = _beside(service, account, id_)
        _take_back(changes, changes.get(Payment, id_), at)
        changes.put(Alias(account=account, id=asked, target=id_))
        written = service.store.commit(changes)
        return written.get(Payment, account, id_), written

    made, written = retried(attempt)
    if written.records:
        nudge(service, service.store.get(Account, account, account), written.unparked())
    return made


def _beside(service: Service, account: str, id_: str) -> tuple[Changeset, Moment]:
    found = service.store.load(
        account, [keys.key(Payment, account, id_), keys.key(Account, account, account)]
    )
    made = found.get(Payment, account, id_)
    _check_undo(made)
    paid = [keys.key(Invoice, account, part.invoice) for part in made.allocations]
    found.add(service.store.load(account, [keys.key(Contact, account, made.contact), *paid]))
    sold = {found.get(Invoice, account, part.invoice).subscription for part in made.allocations}
    found.add(service.store.load(account, [keys.key(Subscription, account, name) for name in sorted(sold)]))
    return Changeset(account, found), Moment(found.get(Account, account, account), service.real())


def _check_undo(made: Payment) -> None:
    if made.origin is not Origin.HAND:
        detail = f"{made.id} was not written down by hand; refund it to give its money back."
        raise WrongState("not_by_hand", detail)
    if made.status is not PaymentStatus.SUCCEEDED:
        raise WrongState("payment_returned", f"{made.id} has been taken back already.")
    if made.amount_refunded:
        detail = f"{made.amount_refunded} of {made.id} has been given back; it did come."
        raise WrongState("payment_refunded", detail)


def _take_back(changes: Changeset, made: Payment, at: Moment) -> None:
    buyer, after = changes.get(Contact, made.contact), made.returned(made.amount)
    if buyer.balance(made.amount.currency) < made.overpaid:
        detail = f"The customer's balance has paid invoices with the {made.overpaid} it brought beyond its own; credit or adjust those first."
        raise WrongState("balance_spent", detail)
    changes.put(after)
    paid = [changes.get(Invoice, part.invoice) for part in made.allocations]
    about = {"contact": made.contact, "payment": made.id}
    if made.subscription:
        about |= {"subscription": made.subscription, "invoice": paid[0].id}
    entry = ledger.returned(after, paid)
    # A mistake of the business's own is nothing its customer is written to about.
    publish.fact(changes, EventType.PAYMENT_RETURNED, made, about, at, entry=entry, told=False)
    if made.overpaid:
        changes.put(buyer.credited(-made.overpaid))
    for part, before in zip(made.allocations, paid, strict=True):
        owed = _owed_again(changes, before, before.returned(part.amount), at)
        if _rests(changes, before, owed):
            settle.owed_again(changes, owed.left_open(), at)
        else:
            changes.put(owed)


def _rests(changes: Changeset, before: Invoice, after: Invoice) -> bool:
    """Whether it had failed, and the schedule asks for nothing of its canceled subscription: it is in arrears as it was."""
    canceled = changes.get(Subscription, after.subscription).status is Status.CANCELED and not after.last
    owed = after.status is InvoiceStatus.OPEN and after.payment is None and after.due_on is None
    return canceled and owed and before.failed_at is not None


def _owed_again(changes: Changeset, before: Invoice, after: Invoice, at: Moment) -> Invoice:
    """With its next moment: a sent one is overdue when it was to be, another is asked for now; one nobody was asked for stays so."""
    if after.status is not InvoiceStatus.OPEN or after.payment is not None:
        return after
    if after.due_on is not None and not after.instalments:
        subscription = changes.get(Subscription, after.subscription)
        return after.waiting(issuing.overdue_at(subscription, after.due_on))
    parts = after.instalments and before.attempt_at is not None  # which of them is next is seen now
    return after.waiting(at.now if parts or before.status is InvoiceStatus.PAID else before.attempt_at)
