"""Heed what Stripe's webhook told: keep it under Stripe's id, and wake what it is about where that can add something.

What an event is about is told by the beginning of its type: each family names the records it reads, and decides.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from chalicelib.billing.payments import Payment, PaymentStatus
from chalicelib.billing.setups import Setup
from chalicelib.billing.stripe_events import StripeEvent
from chalicelib.operations import retrace
from chalicelib.operations.together import work
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, Reading

SUCCEEDED = "payment_intent.succeeded"
TAKEN = frozenset({PaymentStatus.SUCCEEDED, PaymentStatus.RETURNED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Events whose type begins with `prefix`; `heard` folds all that follows into the changeset, the event too.

    `beside` names the records (keys) it reads, which are in the changeset where there are any.
    """

    prefix: str
    beside: Callable[[StripeEvent], Iterable[str]]
    heard: Callable[[Changeset, StripeEvent, datetime], None]


def arrivals(service: Service, events: list[StripeEvent]) -> None:
    """Keep events as they come from the queue, and follow up those that may tell something new.

    One that cannot be followed up yet, as what it is about cannot be read, is kept awake: the queue will not bring it again.
    """
    by_account: dict[str, dict[str, StripeEvent]] = {}
    for event in events:
        by_account.setdefault(event.account, {})[keys.key_of(event)] = event
    for account, arrived in by_account.items():
        known = _heed(service, account, list(arrived), arrived)
        for name, event in arrived.items():
            if not known.has(name):
                retrace.keep(service, account, event.later(service.real()))


def stripe_events(service: Service, account: str, names: list[str]) -> None:
    """Look again at events that came while somebody was asking about their payment, or that Stripe is to be asked about."""
    kept = service.store.load(account, names)
    found = {name: event for name, event in kept.records.items() if isinstance(event, StripeEvent)}
    asked = {name: event for name, event in found.items() if event.look_at and retrace.follows(event)}
    retrace.events(service, account, asked)
    _heed(service, account, [name for name in names if name not in asked], found)


def _heed(service: Service, account: str, names: list[str], events: dict[str, StripeEvent]) -> Reading:
    real = service.real()

    def decide(changes: Changeset, name: str) -> None:
        kept = changes.at(name)
        event = kept if isinstance(kept, StripeEvent) else events.get(name)
        if event is None or (event.version and event.look_at is None):
            return
        family = _family(event)
        if family is None:
            changes.put(event.noted())
        else:
            family.heard(changes, event, real)

    def beside(name: str) -> Iterable[str]:
        event = events.get(name)
        family = _family(event) if event else None
        return family.beside(event) if event and family else ()

    return work(service, account, names, decide, items_each=2, beside=beside)


def _family(event: StripeEvent) -> Family | None:
    return next((one for one in FAMILIES if event.type.startswith(one.prefix)), None)


def _payment_beside(event: StripeEvent) -> list[str]:
    return [keys.key(Payment, event.account, event.payment)] if event.payment else []


def _of_payment(changes: Changeset, event: StripeEvent, real: datetime) -> None:
    """Have the payment looked at, unless nobody waits for its end any more."""
    payment = changes.find(Payment, event.payment) if event.payment else None
    if payment is None:
        changes.put(event.noted())
    elif payment.open and payment.leased_until and payment.leased(real):
        changes.put(event.later(payment.leased_until))
    elif payment.open:
        changes.put(payment.woken(real), event.noted())
    elif event.type == SUCCEEDED and payment.status not in TAKEN:
        changes.put(event.later(real))  # its money was taken after all: `retrace` sees to it
    else:
        changes.put(event.noted())


def _page_beside(event: StripeEvent) -> list[str]:
    if event.setup:
        return [keys.key(Setup, event.account, event.setup)]
    return _payment_beside(event)


def _of_page(changes: Changeset, event: StripeEvent, real: datetime) -> None:
    """A page of Stripe's that was paid on, or left a method on, or has expired."""
    if not event.setup:
        _of_payment(changes, event, real)
        return
    setup = changes.find(Setup, event.setup)
    if setup is not None and setup.open:
        changes.put(setup.woken(real))
    changes.put(event.noted())


def _of_fee(changes: Changeset, event: StripeEvent, real: datetime) -> None:
    """A charge has changed: where its fee was not known yet, it may be now."""
    payment = changes.find(Payment, event.payment) if event.payment else None
    if payment is not None and payment.fee_awaited:
        changes.put(payment.woken(real))
    changes.put(event.noted())


def _goes_back(changes: Changeset, event: StripeEvent, real: datetime) -> None:
    """Money goes back, or is disputed: kept awake, for Stripe is to be asked about it."""
    known = event.payment or event.intent
    changes.put(event.later(real) if known else event.noted())


FAMILIES = (
    Family(prefix="payment_intent.", beside=_payment_beside, heard=_of_payment),
    Family(prefix="checkout.session.", beside=_page_beside, heard=_of_page),
    Family(prefix="charge.updated", beside=_payment_beside, heard=_of_fee),
    Family(prefix="charge.refund", beside=_payment_beside, heard=_goes_back),
    Family(prefix="charge.dispute.", beside=_payment_beside, heard=_goes_back),
    Family(prefix="refund.", beside=_payment_beside, heard=_goes_back),
)
