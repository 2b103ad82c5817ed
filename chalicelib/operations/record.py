"""Write down money that came another way: a bank transfer, a check, cash."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from chalicelib.billing import ledger, numbering, receipts
from chalicelib.billing.currencies import check_currency
from chalicelib.billing.errors import Invalid, WrongState
from chalicelib.billing.events import EventType
from chalicelib.billing.invoices import Invoice, InvoiceStatus
from chalicelib.billing.money import Money
from chalicelib.billing.payments import Allocation, Origin, Payment, PaymentStatus
from chalicelib.billing.receipts import LABELS, HandType
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm import notifications
from chalicelib.crm.accounts import Account, Moment
from chalicelib.crm.contacts import Contact
from chalicelib.operations import act, clear, fill, outcomes, publish, settle
from chalicelib.operations.together import nudge, retried
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.bookkeeping import Alias
from chalicelib.store.changes import Changeset, Reading

# What is owed is looked for among so many subscriptions of a contact, in the arrears and the latest invoices of each.
MOST_SUBSCRIPTIONS: Final = 50
LATEST: Final = 20
# With what follows from each of them they fit one transaction.
MOST_INVOICES: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """Money of a contact's, come on a local day. `invoices` are to be paid by it, in their order; with None the oldest open ones; with an empty one none."""

    contact: str
    amount: Money
    received_on: date
    type: HandType
    reference: str = ""
    note: str = ""
    invoices: tuple[str, ...] | None = None
    force: bool = False


def payment(service: Service, account: str, received: Received) -> Payment:
    """Pay open invoices with what came; what is beyond them is the customer's balance, and what is not enough leaves the rest open.

    Open pages for them, and payments that wait for their buyers, are called off first. The same reference, amount and day of a contact is
    refused, unless `force`. Raises NotFound, Invalid, Unavailable, or WrongState: `already_recorded`, `invoice_not_open`,
    `too_many_invoices`, `payment_under_way`, `payment_processing`.
    """
    check_currency(received.amount.currency)
    asked, spare = service.new_id(act.REQUEST), service.new_id("pay_")

    def attempt() -> tuple[Payment, Reading]:
        if done := service.store.find(Alias, account, asked):
            return service.store.get(Payment, account, done.target), Reading()
        changes, at, parts = _read(service, account, received)
        while held := [part.invoice for part in parts if changes.get(Invoice, part.invoice).payment]:
            clear.invoices(service, account, held)
            changes, at, parts = _read(service, account, received)
        made = _folded(changes, received, parts, at, spare)
        changes.put(Alias(account=account, id=asked, target=made.id))
        written = service.store.commit(changes)
        return written.get(Payment, account, made.id), written

    made, written = retried(attempt)
    if written.records:
        nudge(service, service.store.get(Account, account, account), written.unparked())
    return made


def _read(
    service: Service, account: str, received: Received
) -> tuple[Changeset, Moment, tuple[Allocation, ...]]:
    """The records that the money touches, and what of it pays what."""
    twin = keys.key(Alias, account, _twin(received))
    own = [keys.key(Account, account, account), keys.key(Contact, account, received.contact), twin]
    named = [keys.key(Invoice, account, name) for name in received.invoices or ()]
    found = service.store.load(account, [*own, *named])
    fill.named(found, Contact, account, received.contact, "contact")
    at = Moment(found.get(Account, account, account), service.real())
    receipts.check(
        received.amount, received.received_on, at.day, reference=received.reference, note=received.note
    )
    owed = (
        _named(found, account, received) if received.invoices is not None else _open(service, found, received)
    )
    parts = receipts.allocated(received.amount, owed)
    if len(parts) > MOST_INVOICES:
        detail = (
            f"It pays {len(parts)} invoices; write it down in parts of at most {MOST_INVOICES}, naming them."
        )
        raise WrongState("too_many_invoices", detail, "invoices")
    paid = {one.subscription for one in owed if any(part.invoice == one.id for part in parts)}
    found.add(service.store.load(account, [keys.key(Subscription, account, name) for name in sorted(paid)]))
    changes = Changeset(account, found)
    _check_twin(service, changes, received)
    return changes, at, parts


def _named(found: Reading, account: str, received: Received) -> list[Invoice]:
    """The invoices that were named, all of them open, the contact's and in the currency that came."""
    names = received.invoices or ()
    if len(set(names)) != len(names):
        raise Invalid("invoice_twice", "Name each invoice once.", "invoices")
    owed = [fill.named(found, Invoice, account, name, f"invoices[{n}]") for n, name in enumerate(names)]
    for n, one in enumerate(owed):
        param = f"invoices[{n}]"
        if one.contact != received.contact:
            raise Invalid("invoice_of_another", f"{one.id} is another contact's.", param)
        if one.currency != received.amount.currency:
            raise Invalid("currency_mismatch", f"{one.id} is in {one.currency}.", param)
        if one.status is not InvoiceStatus.OPEN:
            raise _not_open(one, param)
    return owed


def _not_open(one: Invoice, param: str) -> WrongState:
    if one.status is InvoiceStatus.UNCOLLECTIBLE:
        detail = f"{one.id} was given up as uncollectible; reopen it first, and it is paid by this."
    else:
        detail = f"{one.id} is {one.status}; leave it out: what no invoice takes is the customer's balance."
    return WrongState("invoice_not_open", detail, param)


def _open(service: Service, found: Reading, received: Received) -> list[Invoice]:
    """The contact's open invoices in a currency, the oldest first; what is read is added to the reading."""
    account = next(iter(found.records)).partition("/")[0]
    page = service.store.owned(f"{account}/{received.contact}/subscription", limit=MOST_SUBSCRIPTIONS)
    if page.next is not None:
        detail = f"The contact has more than {MOST_SUBSCRIPTIONS} subscriptions; name the invoices it pays."
        raise WrongState("too_many_subscriptions", detail, "invoices")
    sold = [one for one in page.records if isinstance(one, Subscription)]
    names = [keys.key(Invoice, account, name) for one in sold for name in _latest(one)]
    found.add(service.store.load(account, names))
    owed = [found.records[name] for name in names if name in found.records]
    return sorted(
        (
            one
            for one in owed
            if isinstance(one, Invoice) and one.amount_due and one.currency == received.amount.currency
        ),
        key=receipts.oldest_first,
    )


def _latest(subscription: Subscription) -> list[str]:
    top = subscription.ordinal
    latest = (numbering.name_of(subscription.id, n) for n in range(max(0, top - LATEST), top))
    return list(dict.fromkeys((*subscription.arrears, *latest)))


def _check_twin(service: Service, changes: Changeset, received: Received) -> None:
    """Refuse what seems to be written down already: the same reference, amount and day of a contact."""
    twin = changes.find(Alias, _twin(received))
    if not received.reference or twin is None or received.force:
        return
    before = service.store.find(Payment, changes.account, twin.target)
    if before is not None and before.status is PaymentStatus.SUCCEEDED:
        detail = (
            f"{before.id} has this reference, amount and day already; send force if the money came twice."
        )
        raise WrongState("already_recorded", detail, "reference")


def _twin(received: Received) -> str:
    said = (received.contact, received.reference, received.amount, received.received_on)
    return "recorded_" + hashlib.sha256("\n".join(map(str, said)).encode()).hexdigest()[:40]


def _folded(
    changes: Changeset, received: Received, parts: Sequence[Allocation], at: Moment, spare: str
) -> Payment:
    """Fold the payment and all that it pays into the changeset; named by the first invoice, or by `spare` where there is none."""
    first = changes.get(Invoice, parts[0].invoice) if parts else None
    made = _payment(changes.account, received, parts, at, first=first, spare=spare)
    changes.put(made)
    if received.reference:
        twin = changes.find(Alias, _twin(received))
        fresh = Alias(account=made.account, id=_twin(received), target=made.id)
        changes.put(fresh if twin is None else replace(twin, target=made.id))
    about = {"contact": made.contact, "payment": made.id}
    if first is not None:
        about |= {"subscription": first.subscription, "invoice": first.id}
        if outcomes.is_first(changes, made):
            about[notifications.FIRST] = "yes"
    publish.fact(changes, EventType.PAYMENT_RECORDED, made, about, at, entry=ledger.paid(made))
    if made.overpaid:
        changes.put(changes.get(Contact, made.contact).credited(made.overpaid))
    for part in parts:
        paid = changes.get(Invoice, part.invoice).received(made.id, part.amount, at.now)
        settle.settled(changes, paid, at)
    return made


def _payment(
    account: str,
    received: Received,
    parts: Sequence[Allocation],
    at: Moment,
    *,
    first: Invoice | None,
    spare: str,
) -> Payment:
    return Payment(
        account=account,
        id=first.next_payment() if first else spare,
        subscription=first.subscription if first else "",
        contact=received.contact,
        amount=received.amount,
        allocations=tuple(parts),
        method_label=LABELS[received.type],
        method_type=received.type.value,
        origin=Origin.HAND,
        created_at=at.now,
        sent_at=at.real,
        leased_until=None,
        status=PaymentStatus.SUCCEEDED,
        settled_at=at.now,
        received_on=received.received_on,
        payment_reference=received.reference,
        note=received.note,
    )
