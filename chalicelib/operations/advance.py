"""Move an account's own clock, working everything that comes due on the way, in order of moments."""

import time
from datetime import datetime

from chalicelib.crm.accounts import Account, Moment
from chalicelib.operations import collect, expire, renew
from chalicelib.operations.together import retried, standing
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, Conflict, Reading

BUDGET_SECONDS = 40
PAGE = 200
# A moment whose records stay awake this often unchanged is left behind: they are parked, or wait for the gateway.
MAX_ROUNDS = 20


def to(service: Service, account: str, target_at: datetime) -> Account:
    """Begin to move the clock of a test account; a worker does the rest. Raises WrongState or Invalid."""

    def attempt() -> Account:
        found = service.store.load(account, [keys.key(Account, account, account)])
        changes = Changeset(account, found)
        changes.put(found.get(Account, account, account).advancing(target_at))
        return service.store.commit(changes).get(Account, account, account)

    written = retried(attempt)
    _hand_on(service, written)
    return written


def clocks(service: Service, account: str, names: list[str]) -> None:
    """Go on moving a clock that is on its way, for as long as one worker may; the rest is left to the next."""
    del names
    started, before, rounds = time.monotonic(), None, 0
    while True:
        business = standing(service, account)
        if business is None or business.clock is None or business.clock.target_at is None:
            return
        if time.monotonic() - started > BUDGET_SECONDS:
            _hand_on(service, business)
            return
        if service.breaker.tripped(service.real()):
            return  # the account stays awake: a sweep hands it out again
        now, target = business.clock.now_at, business.clock.target_at
        due = _due(service, account, now)
        rounds = rounds + 1 if due == before else 0
        before = due
        if due and rounds < MAX_ROUNDS:
            _work(service, account, due)
        else:
            _tick(service, business, _next(service, account, now, target))


def _hand_on(service: Service, account: Account) -> None:
    if account.wake is not None:
        service.queue.send_many([(account.wake.topic, account.id, [keys.key_of(account)])])


def _due(service: Service, account: str, now: datetime) -> list[str]:
    """What is awake at the clock's moment."""
    return [key for _, key in service.store.schedules.awake(keys.clock_shard(account), now, PAGE)]


def _next(service: Service, account: str, now: datetime, target: datetime) -> datetime:
    """The next moment at which something is awake, at the latest the target."""
    behind = (keys.stamp(now), "\uffff")
    found = service.store.schedules.awake(keys.clock_shard(account), target, 1, behind)
    return keys.moment(found[0][0]) if found else target


def _work(service: Service, account: str, due: list[str]) -> None:
    """Work what is due, and what that leaves due, without waiting for the index to tell of it."""
    for _ in range(MAX_ROUNDS):
        known = Reading()
        if subscriptions := _of_kind(due, "subscription"):
            known.add(renew.subscriptions(service, account, subscriptions))
        if invoices := _of_kind(due, "invoice"):
            known.add(collect.invoices(service, account, invoices))
        if methods := _of_kind(due, "payment_method"):
            known.add(expire.payment_methods(service, account, methods))
        business = known.records.get(keys.key(Account, account, account))
        if not isinstance(business, Account):
            return
        at = Moment(business, service.real())
        due = [key for key in known.written if key in known.records and at.awake(known.records[key].wake)]
        if not due:
            return


def _of_kind(names: list[str], kind: str) -> list[str]:
    return [key for key in names if keys.kind_of(key).name == kind]


def _tick(service: Service, account: Account, moment: datetime) -> None:
    changes = Changeset(account.id, service.store.load(account.id, [keys.key_of(account)]))
    changes.put(account.ticked(moment))
    try:
        service.store.commit(changes)
    except Conflict:
        return  # another worker moves it too
