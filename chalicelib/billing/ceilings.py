"""How often the networks let one method be asked for one invoice, whoever asks.

Visa charges for more than 15 attempts in 30 days (20 since 2025, where people's are counted apart), Mastercard for more
than 10 in 24 hours; Nacha lets a debit that came back for want of money be presented twice more within 180 days. Which
network a card is of is not always known, nor what rules a bank's country has, so that the strictest hold for every card
and every debit. Attempts are counted on the account's clock, which is the real one wherever a network is asked.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

MOST_BY_HAND: Final = 3
"""How often people may have one invoice asked for once more (HubSpot's rule)."""
MOST_AGAIN_DEBIT: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """At most so many attempts within any so many days."""

    network: str
    attempts: int
    days: int


VISA: Final = Ceiling(network="Visa", attempts=15, days=30)
MASTERCARD: Final = Ceiling(network="Mastercard", attempts=10, days=1)
DEBIT: Final = Ceiling(network="A bank", attempts=1 + MOST_AGAIN_DEBIT, days=180)
CARD_CEILINGS: Final = (MASTERCARD, VISA)
DEBIT_CEILINGS: Final = (DEBIT,)
FEWEST: Final = min(ceiling.attempts for ceiling in (*CARD_CEILINGS, *DEBIT_CEILINGS))
"""With fewer attempts than this no ceiling can be reached, and nothing has to be counted."""
MOST_COUNTED: Final = max(ceiling.attempts for ceiling in (*CARD_CEILINGS, *DEBIT_CEILINGS))
"""More attempts than this need not be looked at, the latest first."""


def fewest(*, debit: bool) -> int:
    """With fewer attempts than this no ceiling of a card, or of a debit, can be reached."""
    return min(ceiling.attempts for ceiling in (DEBIT_CEILINGS if debit else CARD_CEILINGS))


def reached(asked: Iterable[datetime], now: datetime, *, debit: bool) -> Ceiling | None:
    """The ceiling that one more attempt now would break, of a method that was `asked` at those moments."""
    moments = list(asked)
    for ceiling in DEBIT_CEILINGS if debit else CARD_CEILINGS:
        since = now - timedelta(days=ceiling.days)
        if sum(since < at <= now for at in moments) >= ceiling.attempts:
            return ceiling
    return None
