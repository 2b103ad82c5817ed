"""Put back into the schedules what was taken out of them."""

from chalicelib.billing.errors import NotFound
from chalicelib.crm.accounts import Account
from chalicelib.operations.together import nudge
from chalicelib.service import Service
from chalicelib.store import keys


def parked(service: Service, account: str, kind: str, id_: str) -> None:
    """Release a parked record and have it worked at once where it is due. Raises NotFound where it is not parked."""
    if kind not in keys.BY_NAME:
        raise NotFound("not_parked", f"There is no kind of record called {kind!r}.", "kind")
    key = keys.key(keys.BY_NAME[kind].type, account, id_)
    service.store.schedules.release(key)
    found = service.store.load(account, [key, keys.key(Account, account, account)])
    nudge(service, found.get(Account, account, account), [found.records[key]] if key in found.records else [])
