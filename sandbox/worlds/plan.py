"""What a world will be, as a pure function of its seed: who buys what, what people do, and what goes wrong on which day."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

from sandbox.stripe import test_methods
from sandbox.worlds import acts, troubles

DAYS: Final = 90
TAIL: Final = 16
"""Days after the last act and trouble in which what can still be collected is."""
BEGINS: Final = datetime(2040, 1, 1, 12, tzinfo=UTC)
"""Ahead of any real clock: the local DynamoDB forgets by its own what expired before today."""
HORIZON: Final = 200
"""Days after `BEGINS` up to which a world may begin, so that short months and clock changes are met."""

GOOD: Final = ("pm_card_visa", "pm_card_mastercard", "pm_card_amex")
POLICIES: Final[tuple[dict[str, Any], ...]] = (
    {},
    {},
    {"days": (1, 4), "at_end": "past_due"},
    {"days": (2, 5, 9), "at_end": "cancel"},
    {"days": (), "at_end": "unpaid"},
)
ZONES: Final = ("America/New_York", "Europe/Berlin", "UTC", "Australia/Lord_Howe", "America/Los_Angeles")
FREQUENCIES: Final = ("monthly",) * 8 + ("biweekly", "weekly", "quarterly", "quarterly")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A customer, the method they first pay with, what its bank will say, and what they buy; prices in cents."""

    name: str
    method: str
    currency: str
    script: tuple[str, ...]
    frequency: str
    lines: tuple[tuple[int, int], ...]
    payments: int | None
    delay: int
    taxed: bool
    way: str
    terms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that happens at a moment: an act of a person (`who`), or a trouble of the world; `seed` fixes its details."""

    at: datetime
    name: str
    who: str
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A world: `between` is how many points its workers pass on average from one disturbance to the next."""

    seed: int
    begins_at: datetime
    zone: str
    hour: int
    policy: dict[str, Any]
    people: tuple[Person, ...]
    steps: tuple[Step, ...]
    between: int

    @property
    def ends_at(self) -> datetime:
        """When the last act and trouble are over."""
        return self.begins_at + timedelta(days=DAYS)


def of(seed: int) -> Plan:
    """The world of a seed."""
    chance = Random(f"plan {seed}")
    begins_at = BEGINS + timedelta(days=chance.randrange(HORIZON), hours=chance.randrange(24))
    people = tuple(_person(chance, n) for n in range(10 + chance.randrange(3)))
    return Plan(
        seed=seed,
        begins_at=begins_at,
        zone=chance.choice(ZONES),
        hour=chance.choice((6, 6, 9, 22)),
        policy=chance.choice(POLICIES),
        people=people,
        steps=tuple(_steps(chance, people, begins_at)),
        between=chance.choice((30, 60, 120, 250)),
    )


def _person(chance: Random, n: int) -> Person:
    count = chance.choice((1, 1, 1, 2))
    method = _method(chance)
    return Person(
        name=f"{chance.choice(NAMES)}{n}",
        method=method,
        currency=chance.choice(CURRENCIES.get(kind(method), ("usd", "usd", "usd", "eur"))),
        script=tuple(chance.choice(OUTCOMES) for _ in range(chance.choice((0, 0, 0, 1, 2, 4)))),
        frequency=chance.choice(FREQUENCIES),
        lines=tuple((chance.randrange(100, 9000), chance.choice((1, 1, 2, 3))) for _ in range(count)),
        payments=chance.choice((None, None, None, None, 1, 2, 3)),
        delay=chance.choice((0, 0, 0, 3, 10, 31)),
        taxed=chance.random() < 0.08,
        way=chance.choice(WAYS),
        terms=chance.choice((0, 7, 20)),
    )


def kind(method: str) -> str:
    """The type of a documented method."""
    sample = test_methods.named(method)
    return sample.type if sample else "card"


def takes(currency: str, method: str) -> bool:
    """Whether a documented method can be charged in a currency."""
    return currency in CURRENCIES.get(kind(method), (currency,))


def _method(chance: Random) -> str:
    """A documented method, or a plain card as most people have."""
    return chance.choice(GOOD) if chance.random() < 0.4 else chance.choice(METHODS)


def _steps(chance: Random, people: tuple[Person, ...], begins_at: datetime) -> list[Step]:
    names, weights = [*acts.ACTS], [act.often for act in acts.ACTS.values()]
    days = (0, 0, 1, 2, 5, 14, 30)
    steps = [_step(chance, begins_at, chance.choice(days), "subscribe", one.name) for one in people]
    for one in people:
        for name in chance.choices(names, weights, k=chance.choice((1, 2, 3, 4, 6))):
            steps += [_step(chance, begins_at, chance.randrange(2, DAYS), name, one.name)]
        if one.method in REFUNDED_LATER:
            steps += [
                _step(chance, begins_at, chance.randrange(35, DAYS), "refund", one.name) for _ in range(3)
            ]
    for name in chance.choices([*troubles.TROUBLES], k=chance.choice((4, 6, 9, 12))):
        steps += [_step(chance, begins_at, chance.randrange(DAYS), name, chance.choice(people).name)]
    return sorted(steps, key=lambda step: step.at)


def _step(chance: Random, begins_at: datetime, day: int, name: str, who: str) -> Step:
    at = begins_at + timedelta(days=day, minutes=chance.randrange(24 * 60))
    return Step(at=at, name=name, who=who, seed=chance.randrange(10**9))


CURRENCIES: Final = {
    "us_bank_account": ("usd",), "sepa_debit": ("eur",), "bacs_debit": ("gbp",), "acss_debit": ("usd", "cad"),
}  # fmt: skip
"""What a bank debit is in; a card is charged in any."""
WAYS: Final = ("charge_automatically",) * 8 + ("charge_after_first_invoice", "send_invoice")
REFUNDED_LATER: Final = frozenset({"pm_card_pendingRefund", "pm_card_refundFail"})
"""Methods whose refunds end otherwise than others': somebody asks for some of each."""
NAMES: Final = ("ada", "bo", "cy", "dee", "eve", "fay", "gil", "hal", "ida", "jon", "kim", "lou")
METHODS: Final = tuple(sorted(test_methods.names()))
OUTCOMES: Final = (
    "succeed", "insufficient_funds", "insufficient_funds", "do_not_honor", "generic_decline", "stolen_card", "lost_card",
    "pickup_card", "processing_error", "expired_card", "authentication_required", "transaction_not_allowed",
    "revocation_of_all_authorizations", "try_again_later",
)  # fmt: skip
