"""Heed what Stripe's webhook told: keep it under Stripe's id, and ask about the payment where that can add something."""

from chalicelib.billing.payments import Payment
from chalicelib.billing.stripe_events import StripeEvent
from chalicelib.operations import reconcile
from chalicelib.operations.together import work
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.store import Changeset


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
    _heed(service, account, list(found), found)


def _heed(service: Service, account: str, names: list[str], events: dict[str, StripeEvent]) -> None:
    real = service.real()
    ask: list[str] = []

    def decide(changes: Changeset, name: str) -> None:
        kept = changes.at(name)
        event = kept if isinstance(kept, StripeEvent) else events[name]
        if event.version and event.look_at is None:
            return
        payment = changes.find(Payment, event.payment) if event.payment else None
        if payment is None or not payment.open:
            changes.put(event.noted())
        elif payment.leased(real) and payment.leased_until:
            changes.put(event.later(payment.leased_until))
        else:
            ask.append(keys.key_of(payment))
            changes.put(event.later(real))

    def beside(name: str) -> list[str]:
        payment = events[name].payment
        return [keys.key(Payment, account, payment)] if payment else []

    work(service, account, names, decide, items_each=1, beside=beside)
    if ask:
        reconcile.payments(service, account, list(dict.fromkeys(ask)), told=True)
