"""A POST with an `Idempotency-Key` is done once: its repetition is told the first answer.

The key is reserved before the work, with the seed of all ids the work will give. Whoever repeats it after
a crash works with the same seed, and so meets what was created before instead of creating it again.
"""

import hashlib
import logging
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final

from chalicelib.billing.errors import Invalid
from chalicelib.service import Service
from chalicelib.store.bookkeeping import Answer
from chalicelib.store.changes import Changeset, Conflict, Outage
from chalicelib.web.http import JSON, PROBLEM, InUse, Reply, Request

log = logging.getLogger("perennial")

LEASE: Final = timedelta(seconds=60)
KEPT_FOR: Final = timedelta(hours=25)
_KEY: Final = re.compile(r"[\x20-\x7e]{1,255}")
# Nothing was done: the key may be used again, for another request too.
_NOT_BEGUN: Final = frozenset({400, 404})

Work = Callable[[Service, str | None], Reply]


def once(service: Service, account: str, request: Request, work: Work) -> Reply:
    """Do the work, or tell what it was answered before.

    The work is given a service, and, where an earlier try may have got through, the seed of its ids.
    Raises Invalid where the key was used for another request, InUse while another is at it.
    """
    key = request.headers.get("idempotency-key")
    if key is None:
        return work(service, None)
    answer, again = _reserved(service, account, key, request)
    if answer.status:
        return _replayed(answer)
    try:
        reply = work(service.naming(names(answer.seed)), answer.seed if again else None)
    except BaseException:
        _keep(service, replace(answer, leased_until=service.real()))
        raise
    if reply.final:
        kept = reply.body if reply.kept is None else reply.kept
        _keep(service, replace(answer, status=reply.status, body=kept))
    else:
        stands_for = "" if reply.status in _NOT_BEGUN else answer.fingerprint
        _keep(service, replace(answer, fingerprint=stands_for, leased_until=service.real()))
    return reply


def names(seed: str) -> Callable[[str], str]:
    """Gives the same ids for the same seed: the seed, and from the second of a prefix on its ordinal."""
    given: Counter[str] = Counter()

    def new_id(prefix: str) -> str:
        given[prefix] += 1
        return f"{prefix}{seed}" + (f"{given[prefix]:x}" if given[prefix] > 1 else "")

    return new_id


def _reserved(service: Service, account: str, key: str, request: Request) -> tuple[Answer, bool]:
    """The key's record, leased to us or answered, and whether an earlier try may have got through."""
    fresh = _fresh(service, account, key, request)
    try:
        return _commit(service, fresh), False
    except Conflict:
        held = service.store.find(Answer, account, fresh.id)
    if held is None:
        raise _in_use()
    if held.expires_at <= fresh.created_at:
        return _taken_over(service, replace(fresh, version=held.version)), False
    if held.fingerprint not in ("", fresh.fingerprint):
        detail = "This Idempotency-Key was used for another request; send a new key, or the same request."
        raise Invalid("idempotency_key_reused", detail, "Idempotency-Key")
    if held.status:
        return held, False
    if fresh.created_at < held.leased_until:
        raise _in_use()
    again = held.fingerprint == fresh.fingerprint
    seed = held.seed if again else fresh.seed
    return _taken_over(service, replace(fresh, version=held.version, seed=seed)), again


def _fresh(service: Service, account: str, key: str, request: Request) -> Answer:
    if not _KEY.fullmatch(key):
        detail = "An Idempotency-Key has from 1 to 255 printable characters of ASCII."
        raise Invalid("idempotency_key_malformed", detail, "Idempotency-Key")
    now = service.real()
    asked = f"{request.method} {request.path}\n".encode() + request.body
    return Answer(
        account=account,
        id="idem_" + hashlib.sha256(key.encode()).hexdigest(),
        fingerprint=hashlib.sha256(asked).hexdigest(),
        seed=service.new_id(""),
        created_at=now,
        leased_until=now + LEASE,
        expires_at=now + KEPT_FOR,
    )


def _taken_over(service: Service, answer: Answer) -> Answer:
    try:
        return _commit(service, answer)
    except Conflict:
        raise _in_use() from None


def _commit(service: Service, answer: Answer) -> Answer:
    changes = Changeset(answer.account)
    changes.put(answer)
    return service.store.commit(changes).get(Answer, answer.account, answer.id)


def _keep(service: Service, answer: Answer) -> None:
    """Write down how it ended; where that fails the lease runs out, and a repetition does the work again."""
    try:
        _commit(service, answer)
    except (Conflict, Outage) as error:
        log.warning("answer not kept", extra={"record": answer.id, "error": str(error)})


def _replayed(answer: Answer) -> Reply:
    type_ = PROBLEM if answer.status >= 400 else JSON
    headers = {"Content-Type": type_, "Idempotent-Replayed": "true"}
    return Reply(status=answer.status, body=answer.body, headers=headers)


def _in_use() -> InUse:
    detail = (
        "A request with this Idempotency-Key is being worked on; send it again in a minute for its answer."
    )
    return InUse("idempotency_key_in_use", detail, "Idempotency-Key")
