"""Move an account's own clock, working everything that comes due on the way, in order of moments."""

import time
from datetime import datetime

from chalicelib.crm.accounts import Account
from chalicelib.operations import collect, renew
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.store import Changeset, Conflict

BUDGET_SECONDS = 40
PAGE = 200
# A moment whose records stay awake this often is left behind: they are parked, or wait for the gateway.
MAX_ROUNDS = 20


def to(service: Service, account: str, target_at: datetime) -> Account:
    """Begin to move the clock of a test account; a worker does the rest. Raises WrongState or Invalid."""
    changes = Changeset(account)
    changes.put(service.store.get(Account, account, account).advancing(target_at))
    written = service.store.commit(changes).get(Account, account, account)
    _hand_on(service, written)
    return written


def clocks(service: Service, account: str, names: list[str]) -> None:
    """Go on moving a clock that is on its way, for as long as one worker may; the rest is left to the next."""
    del names
    started, rounds, moment = time.monotonic(), 0, None
    while True:
        business = service.store.find(Account, account, account)
        if business is None or business.clock is None or business.clock.target_at is None:
            return
        if time.monotonic() - started > BUDGET_SECONDS:
            _hand_on(service, business)
            return
        rounds = rounds + 1 if moment == business.clock.now_at else 0
        moment = business.clock.now_at
        _step(service, business, business.clock.now_at, business.clock.target_at, stuck=rounds >= MAX_ROUNDS)


def _hand_on(service: Service, account: Account) -> None:
    if account.wake is not None:
        service.queue.send_many([(account.wake.topic, account.id, [keys.key_of(account)])])


def _step(service: Service, account: Account, now: datetime, target: datetime, *, stuck: bool) -> None:
    """Work what is awake at the clock's moment, or move it to the next moment at which something is."""
    found = service.store.awake(keys.clock_shard(account.id), target, PAGE)
    due = [key for stamp, key in found if keys.moment(stamp) <= now]
    if due and not stuck:
        _work(service, account.id, due)
        return
    later = [keys.moment(stamp) for stamp, _ in found if keys.moment(stamp) > now]
    _tick(service, account, min([*later, target]))


def _work(service: Service, account: str, due: list[str]) -> None:
    subscriptions = [key for key in due if keys.kind_of(key).name == "subscription"]
    if subscriptions:
        renew.subscriptions(service, account, subscriptions)
    invoices = [key for key in due if keys.kind_of(key).name == "invoice"]
    if invoices:
        collect.invoices(service, account, invoices)


def _tick(service: Service, account: Account, moment: datetime) -> None:
    changes = Changeset(account.id)
    changes.put(account.ticked(moment))
    try:
        service.store.commit(changes)
    except Conflict:
        return  # another worker moves it too
