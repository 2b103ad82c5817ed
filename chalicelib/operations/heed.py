"""Heed what Stripe's webhook told: keep it under Stripe's id, and wake the payment where that can add something."""

from datetime import datetime

from chalicelib.billing.errors import WrongState
from chalicelib.billing.payments import Payment, PaymentStatus
from chalicelib.billing.stripe_events import StripeEvent
from chalicelib.operations.together import work
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset

SUCCEEDED = "payment_intent.succeeded"


def arrivals(service: Service, events: list[StripeEvent]) -> None:
    """Keep events as they come from the queue, and follow up those that may tell something new."""
    by_account: dict[str, dict[str, StripeEvent]] = {}
    for event in events:
        by_account.setdefault(event.account, {})[keys.key_of(event)] = event
    for account, arrived in by_account.items():
        _heed(service, account, list(arrived), arrived)


def stripe_events(service: Service, account: str, names: list[str]) -> None:
    """Look again at events that came while somebody was asking about their payment."""
    kept = service.store.load(account, names).records
    found = {name: event for name, event in kept.items() if isinstance(event, StripeEvent)}
    _heed(service, account, names, found)


def _heed(service: Service, account: str, names: list[str], events: dict[str, StripeEvent]) -> None:
    real = service.real()

    def decide(changes: Changeset, name: str) -> None:
        kept = changes.at(name)
        event = kept if isinstance(kept, StripeEvent) else events.get(name)
        if event is None or (event.version and event.look_at is None):
            return
        payment = changes.find(Payment, event.payment) if event.payment else None
        if payment is None:
            changes.put(event.noted())
        elif payment.open and payment.leased_until and payment.leased(real):
            changes.put(event.later(payment.leased_until))
        elif payment.open:
            changes.put(payment.woken(real), event.noted())
        elif event.type == SUCCEEDED and payment.status is not PaymentStatus.SUCCEEDED:
            _contradicted(changes, event, payment, real)
        else:
            changes.put(event.noted())

    def beside(name: str) -> list[str]:
        event = events.get(name)
        return [keys.key(Payment, account, event.payment)] if event and event.payment else []

    work(service, account, names, decide, items_each=2, beside=beside)


def _contradicted(changes: Changeset, event: StripeEvent, payment: Payment, real: datetime) -> None:
    """Stripe took the money of a payment that is closed here: kept awake, and parked, for a person to look at."""
    if not event.version:
        changes.put(event.later(real))
        return
    detail = f"Stripe took the money of {payment.id}, which is {payment.status} here: refund it at Stripe, or credit it."
    raise WrongState("taken_after_all", detail)
