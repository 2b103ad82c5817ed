"""Who calls: the account a bearer key opens."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from chalicelib.crm.accounts import Account, ApiKey
from chalicelib.operations.create import key_id
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Reading
from chalicelib.web.http import Unauthorized

_BEARER: Final = re.compile(r"[Bb]earer +(prn_(?:test|live)_([A-Za-z0-9_]{1,80})_[0-9a-f]{48})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """`reading` has what was read together with the key, to spare a second request."""

    account: Account
    key: ApiKey
    reading: Reading


def caller(service: Service, header: str, also: Callable[[str], Iterable[str]]) -> Caller:
    """The caller an Authorization header proves; `also` names further keys to read, by account id.

    The key is found by its hash, so nothing is compared whose time could tell anything. Raises Unauthorized.
    """
    match = _BEARER.fullmatch(header)
    if match is None:
        raise Unauthorized
    account, key = f"acct_{match[2]}", key_id(match[1])
    wanted = [keys.key(ApiKey, account, key), keys.key(Account, account, account)]
    reading = service.store.load(account, [*wanted, *also(account)])
    opened, business = reading.find(ApiKey, account, key), reading.find(Account, account, account)
    if opened is None or opened.revoked_at is not None or business is None:
        raise Unauthorized
    return Caller(account=business, key=opened, reading=reading)
