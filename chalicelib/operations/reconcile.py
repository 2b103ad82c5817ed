"""Find out at the gateway what became of payments whose end is not known here."""

from datetime import datetime, timedelta
from functools import partial

from chalicelib.billing.gateway import ActionRequired, Outcome
from chalicelib.billing.payments import Payment
from chalicelib.crm.accounts import Account, Moment
from chalicelib.operations import ask, settle
from chalicelib.operations.together import work
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset

# The gateway's clock and ours may differ by this much when its payments are searched by time.
SKEW = timedelta(minutes=10)


def payments(service: Service, account: str, names: list[str]) -> None:
    """Ask about each awake payment that nobody else is asking about."""
    real = service.real()
    if service.breaker.tripped(real):
        return
    taken: dict[str, Payment] = {}

    def decide(changes: Changeset, name: str) -> None:
        taken.pop(name, None)
        payment = changes.at(name)
        if not isinstance(payment, Payment) or not payment.open or payment.leased(real):
            return
        if Moment(changes.get(Account, account), real).awake(payment.wake):
            taken[name] = payment.taken_up(real)
            changes.begin(taken[name])

    known = work(service, account, names, decide, items_each=1)
    mine = [payment for name, payment in taken.items() if name in known.written]
    if mine:
        _ask(service, account, mine, real)


def _ask(service: Service, account: str, taken: list[Payment], real: datetime) -> None:
    answers = ask.side_by_side(
        service, {payment.id: partial(_outcome, service, payment, real) for payment in taken}
    )
    wanted = [keys.key_of(payment) for payment in taken]
    wanted += [key for payment in taken for key in settle.beside(payment)]
    known = service.store.load(account, [*wanted, keys.key(Account, account, account)])
    settle.answered(service, account, answers, known)


def _outcome(service: Service, payment: Payment, real: datetime) -> Outcome | None:
    """By its reference where it is known; else by its metadata; else, while the key surely lives, by asking again.

    Asking again is the same request under the same key: the gateway answers what it answered before, or,
    if the first never arrived, does it now, once. None: there is no trace and it is too late to repeat.
    """
    if payment.reference is not None:
        now = service.gateway.fetch(payment.reference)
        late = isinstance(now, ActionRequired) and payment.abandoned(real)
        return service.gateway.cancel(payment.reference) if late else now
    if payment.request is None:
        raise AssertionError(f"{payment.id} came another way, and has an end")
    found = service.gateway.find(payment.request, payment.sent_at - SKEW)
    if found is not None or not payment.repeatable(real):
        return found
    return service.gateway.charge(payment.id, payment.request)
