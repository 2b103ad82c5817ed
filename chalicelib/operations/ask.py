"""Questions to the gateway, side by side; after the first that finds nobody there, no more are asked."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from chalicelib.billing.gateway import Outcome, Unavailable
from chalicelib.service import Breaker, Service

SIDE_BY_SIDE = 16
# No question is begun later than this after the first: with the longest answer it stays below lease and function.
LAST_BEGIN_SECONDS = 60
T = TypeVar("T")
Answer = Outcome | BaseException | None


def side_by_side(
    service: Service, questions: Mapping[str, Callable[[], T]], breaker: Breaker | None = None
) -> dict[str, T | BaseException]:
    """The answer to each question, or what it raised; Unavailable for those that were not put.

    `breaker` remembers that nobody is there: the one of charges, unless another is given.
    """
    began = time.monotonic()
    breaker = breaker or service.breaker

    def one(question: Callable[[], T]) -> T:
        if breaker.tripped(service.real()):
            raise Unavailable("The gateway was not there a moment ago.")
        if time.monotonic() - began > LAST_BEGIN_SECONDS:
            raise Unavailable("The gateway is slow: this is asked by the next worker.")
        try:
            return question()
        except Unavailable:
            breaker.trip(service.real())
            raise

    asked = {name: pool().submit(one, question) for name, question in questions.items()}
    return {name: future.exception() or future.result() for name, future in asked.items()}


@cache
def pool() -> ThreadPoolExecutor:
    """Threads are kept, and with them nothing is paid for making them at each batch."""
    return ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="ask")
