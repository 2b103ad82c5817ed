"""Idempotency keys: one request, however often it is sent (https://docs.stripe.com/api/idempotent_requests).

The first answer of a request that began to execute is kept for 24 hours of the server's clock, declines and 500s
included; a request that failed validation, or met another one in progress, is not remembered.
"""

from __future__ import annotations

import hashlib
from typing import Any

from sandbox.stripe.errors import in_use, invalid, key_reused
from sandbox.stripe.replies import Reply
from sandbox.stripe.state import ANSWERS_KEPT, Account

LONGEST = 255


def fingerprint(method: str, path: str, flat: list[tuple[str, str]]) -> str:
    return hashlib.sha1(repr((method, path, sorted(flat))).encode(), usedforsecurity=False).hexdigest()


class Keys:
    def __init__(self) -> None:
        self._in_progress: set[tuple[str, str]] = set()

    def begin(self, account: Account, key: str, now: int, path: str, mark: str) -> Reply | None:
        """The answer given before, or None: then the key is in progress until `end`."""
        if len(key) > LONGEST:
            raise invalid(f"Idempotency keys can be at most {LONGEST} characters, but yours is {len(key)}.")
        if (account.name, key) in self._in_progress:
            raise in_use(key)
        kept = account.answers.get(key)
        if kept is None or kept["at"] + ANSWERS_KEPT <= now:
            self._in_progress.add((account.name, key))
            return None
        if kept["path"] != path:
            raise key_reused(
                "Keys for idempotent requests can only be used for the same endpoint they were first used for "
                f"('{kept['path']}' vs '{path}'). Try using a key other than '{key}' if you meant to execute a different request."
            )
        if kept["mark"] != mark:
            raise key_reused(
                "Keys for idempotent requests can only be used with the same parameters they were first used with. Try "
                f"using a key other than '{key}' if you meant to execute a different request."
            )
        return _replayed(kept)

    def end(self, account: Account, key: str) -> None:
        self._in_progress.discard((account.name, key))


def keep(account: Account, key: str, reply: Reply, **asked: Any) -> None:
    """`asked`: at, path, mark and request, as `begin` will compare them."""
    account.answer(key, {"status": reply.status, "body": reply.body.decode(), **asked})


def _replayed(kept: dict[str, Any]) -> Reply:
    headers = (("Idempotent-Replayed", "true"), ("Original-Request", kept["request"]))
    return Reply(kept["status"], kept["body"].encode(), headers)
