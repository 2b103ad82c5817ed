"""Questions to the gateway, side by side and within its rate; after the first that finds nobody there, no more are asked."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cache, partial
from typing import TypeVar

from chalicelib.billing.gateway import Limited, Locked, Outcome, Unavailable, Unknown
from chalicelib.operations import governor
from chalicelib.service import Breaker, Service
from chalicelib.settings import SIDE_BY_SIDE

SOON = timedelta(seconds=5)
"""When an object is looked at again at which another request was."""
NEXT_WORKER = timedelta(seconds=30)
T = TypeVar("T")
Answer = Outcome | BaseException | None


def side_by_side(
    service: Service,
    questions: Mapping[str, Callable[[], T]],
    breaker: Breaker | None = None,
    *,
    calls_each: int = 1,
) -> dict[str, T | BaseException]:
    """The answer to each question, or what it raised; Unavailable for those that were not put. They begin in order.

    `breaker` remembers that nobody is there: the one of charges, unless another is given. `calls_each` is how many
    requests a question takes at most.
    """
    began, breaker = time.monotonic(), breaker or service.breaker
    moments = governor.turns(service, len(questions) * calls_each)[::calls_each]
    asked = {
        name: partial(_one, service, breaker, question, began, at)
        for (name, question), at in zip(questions.items(), moments, strict=True)
    }
    answers: dict[str, T | BaseException] = {}
    if (
        breaker.doubtful and len(asked) > 1
    ):  # somebody must be the first to find out; the others wait for that
        first = next(iter(asked))
        answers[first] = _answer(asked.pop(first))
    waiting = {name: pool().submit(_answer, one) for name, one in asked.items()}
    return answers | {name: future.result() for name, future in waiting.items()}


def at_once(questions: Mapping[str, Callable[[], T]]) -> dict[str, T | BaseException]:
    """The same where a person waits: neither paced nor held back, one after the other."""
    return {name: _answer(question) for name, question in questions.items()}


def _answer(one: Callable[[], T]) -> T | BaseException:
    try:
        return one()
    except BaseException as error:  # noqa: BLE001 - told as an answer; who asked raises what ends the process
        return error


def _one(service: Service, breaker: Breaker, question: Callable[[], T], began: float, at: float | None) -> T:
    _check(breaker, service.real())
    if at is None or max(at, time.monotonic()) - began > governor.LAST_BEGIN_SECONDS:
        raise Unavailable("The gateway is busy or slow: this is asked by the next worker.", NEXT_WORKER)
    if (wait := at - time.monotonic()) > 0:
        time.sleep(wait)
        _check(breaker, service.real())
    try:
        answer = question()
    except Locked:
        raise
    except Unavailable as away:
        breaker.trip(service.real(), away.pause)
        if isinstance(away, Limited):
            governor.hold(service, service.real() + breaker.left(service.real()))
        away.pause = breaker.left(service.real())
        raise
    if isinstance(answer, Unknown):
        breaker.unsure(service.real())
    else:
        breaker.answered()
    return answer


def _check(breaker: Breaker, now: datetime) -> None:
    if breaker.tripped(now):
        raise Unavailable("The gateway was not there a moment ago.", breaker.left(now))


@cache
def pool() -> ThreadPoolExecutor:
    """Threads are made as they are needed and kept, and with them nothing is paid for making them at each batch."""
    return ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="ask")
