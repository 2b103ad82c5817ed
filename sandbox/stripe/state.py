"""Everything this Stripe remembers: its clock, its accounts with their objects, and what is still to happen."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sandbox.stripe import ids
from sandbox.stripe.clock import Clock
from sandbox.stripe.errors import missing
from sandbox.stripe.shelves import Shelf, Thing

PLATFORM = "acct_sandbox"
"""The account of every API key; `Stripe-Account` names others, each with objects of its own."""

DAY = 86_400
EVENTS_KEPT = 30 * DAY
ANSWERS_KEPT = DAY
FORGOTTEN_AT_A_TIME = 10_000


class Account:
    def __init__(self, name: str) -> None:
        self.name = name
        self.shelves: dict[str, Shelf] = {}
        self.notes: dict[str, dict[str, Any]] = {}
        """What Stripe knows of an object and does not tell: how a card will behave, when a debit is due."""
        self.answers: dict[str, dict[str, Any]] = {}
        """What was answered under an idempotency key."""
        self.changed: dict[tuple[str, str], None] = {}

    def shelf(self, kind: str) -> Shelf:
        shelf = self.shelves.get(kind)
        if shelf is None:
            shelf = self.shelves[kind] = Shelf(kind)
        return shelf

    def put(self, thing: Thing) -> Thing:
        kind = thing["object"]
        self.shelf(kind).put(thing)
        self.changed[kind, thing["id"]] = None
        return thing

    def change(self, thing: Thing, **changes: Any) -> Thing:
        return self.put({**thing, **changes})

    def find(self, name: str) -> Thing | None:
        kind = ids.kind(name)
        return self.shelf(kind).get(name) if kind else None

    def get(self, kind: str, name: str, param: str | None = None) -> Thing:
        """The object, or Stripe's `resource_missing` about the parameter that named it (None: the path)."""
        thing = self.shelf(kind).get(name)
        if thing is None:
            raise missing(kind, name, param)
        return thing

    def note(self, name: str, **facts: Any) -> None:
        self.notes[name] = {**self.notes.get(name, {}), **facts}
        self.changed["note", name] = None

    def noted(self, name: str, fact: str) -> Any:
        return self.notes.get(name, {}).get(fact)

    def answer(self, key: str, answered: dict[str, Any]) -> None:
        self.answers[key] = answered
        self.changed["answer", key] = None

    def forget_old(self, now: int) -> None:
        """Events are kept for 30 days, answers for a day."""
        for name in self.shelf("event").forget_before(now - EVENTS_KEPT):
            self.changed["event", name] = None
        for key, kept in list(islice(self.answers.items(), FORGOTTEN_AT_A_TIME)):
            if kept["at"] + ANSWERS_KEPT <= now:
                del self.answers[key]
                self.changed["answer", key] = None


class World:
    """One Stripe. Only the server's own thread touches it."""

    def __init__(self, clock: Clock, tell: Callable[[str, Thing], None]) -> None:
        self.clock = clock
        self.tell = tell
        """Offers an account's event to the webhook endpoints."""
        self.home = ""
        """Where this server's pages are: https://checkout.stripe.com elsewhere."""
        self.forget()

    def forget(self) -> None:
        self.clock.moment = None
        self.accounts: dict[str, Account] = {}
        self.requests: Counter[str] = Counter()
        self.due: list[tuple[int, int, str, str, str]] = []
        self._scheduled = 0

    def account(self, name: str) -> Account:
        account = self.accounts.get(name)
        if account is None:
            account = self.accounts[name] = Account(name)
        return account

    def schedule(self, at: int, topic: str, account: Account, name: str) -> None:
        self._scheduled += 1
        heapq.heappush(self.due, (at, self._scheduled, topic, account.name, name))

    def next_due(self, now: int) -> tuple[int, str, Account, str] | None:
        """What was to happen first, if its moment has come."""
        if not self.due or self.due[0][0] > now:
            return None
        at, _, topic, account, name = heapq.heappop(self.due)
        return at, topic, self.account(account), name


@dataclass(frozen=True, slots=True)
class Call:
    """One request that has passed every check, as its handler sees it."""

    world: World
    account: Account
    params: dict[str, Any]
    name: str
    """The id in the path, or empty."""
    now: int
    request_id: str | None = None
    idempotency_key: str | None = None
    expand: tuple[str, ...] = ()
    """What is to be expanded, for a handler that leaves something out otherwise."""
