"""Questions to the gateway, side by side; after the first that finds nobody there, no more are asked."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from chalicelib.billing.gateway import Outcome, Unavailable
from chalicelib.service import Service

SIDE_BY_SIDE = 16
Question = Callable[[], Outcome | None]
Answer = Outcome | Unavailable | None


def side_by_side(service: Service, questions: dict[str, Question]) -> dict[str, Answer]:
    """The answer to each question; Unavailable for those that could not be, or were not, put."""

    def one(question: Question) -> Answer:
        if service.breaker.tripped(service.real()):
            return Unavailable("The gateway was not there a moment ago.")
        try:
            return question()
        except Unavailable as error:
            service.breaker.trip(service.real())
            return error

    if len(questions) <= 1:
        return {name: one(question) for name, question in questions.items()}
    return dict(zip(questions, pool().map(one, questions.values()), strict=True))


@cache
def pool() -> ThreadPoolExecutor:
    """Threads are kept, and with them nothing is paid for making them at each batch."""
    return ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="ask")
