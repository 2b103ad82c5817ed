"""Find out at the gateway what became of payments whose end is not known here."""

from datetime import datetime, timedelta
from functools import partial

from chalicelib.billing.gateway import ActionRequired, Outcome
from chalicelib.billing.payments import Payment
from chalicelib.crm.accounts import Account, Moment
from chalicelib.operations import ask, outcomes
from chalicelib.operations.together import work
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset

# The gateway's clock and ours may differ by this much when its payments are searched by time.
SKEW = timedelta(minutes=10)


def payments(service: Service, account: str, names: list[str], *, at_once: bool = False) -> None:
    """Ask about each awake payment that nobody else is asking about; about every one where somebody waits for it."""
    real = service.real()
    if service.breaker.tripped(real) and not at_once:
        return
    taken: dict[str, Payment] = {}

    def decide(changes: Changeset, name: str) -> None:
        taken.pop(name, None)
        payment = changes.at(name)
        if not isinstance(payment, Payment) or not payment.asked_about or payment.leased(real):
            return
        if at_once or Moment(changes.get(Account, account), real).awake(payment.wake):
            taken[name] = payment.taken_up(real)
            changes.begin(taken[name])

    known = work(service, account, names, decide, items_each=1)
    mine = [payment for name, payment in taken.items() if name in known.written]
    if mine:
        _ask(service, account, mine, real, at_once=at_once)


def _ask(service: Service, account: str, taken: list[Payment], real: datetime, *, at_once: bool) -> None:
    questions = {
        payment.id: partial(_outcome, service, payment, real)
        for payment in sorted(taken, key=lambda one: one.sent_at)
    }
    calls = 1 if all(payment.in_line for payment in taken) else 2
    answers = ask.at_once(questions) if at_once else ask.side_by_side(service, questions, calls_each=calls)
    wanted = [keys.key_of(payment) for payment in taken]
    wanted += [key for payment in taken for key in outcomes.beside(payment)]
    known = service.store.load(account, [*wanted, keys.key(Account, account, account)])
    outcomes.answered(service, account, answers, known)


def _outcome(service: Service, payment: Payment, real: datetime) -> Outcome | None:
    """What is told of it; else, while the key surely lives, what comes of asking again.

    Asking again is the same request under the same key: the gateway answers what it answered before, or,
    if the first never arrived, does it now, once. None: there is no trace and it is too late to repeat. A page is
    not asked for again: nobody has the address of one whose answer was lost. One that only waited for the gateway is
    asked for without looking: the key answers as a look would.
    """
    again = payment.request is not None and not payment.request.page and payment.repeatable(real)
    now = None if again and payment.in_line else told(service, payment)
    if isinstance(now, ActionRequired) and payment.abandoned(real):
        return service.gateway.cancel(now.reference)
    if now is not None or payment.request is None or not again:
        return now
    return service.gateway.charge(payment.id, payment.request)


def told(service: Service, payment: Payment) -> Outcome | None:
    """What the gateway knows of a payment: by its reference or its page where they are known, else by its metadata."""
    if payment.reference is not None:
        return service.gateway.fetch(payment.reference)
    if payment.session is not None:
        return service.gateway.fetch_checkout(payment.session)
    if payment.request is None:
        raise AssertionError(f"{payment.id} came another way, and has an end")
    return service.gateway.find(payment.request, payment.sent_at - SKEW)
