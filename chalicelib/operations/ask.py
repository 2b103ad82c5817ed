"""Questions to the gateway, side by side and within its rate; after the first that finds nobody there, no more are asked."""

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, partial
from typing import TypeVar

from chalicelib.billing.gateway import Limited, Locked, NotAsked, Outcome, Unavailable, Unknown
from chalicelib.operations import governor
from chalicelib.service import Breaker, Service
from chalicelib.settings import SIDE_BY_SIDE

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
    breaker = breaker or service.breaker
    slots = governor.turns(service, len(questions) * calls_each)[::calls_each]
    round_ = _Round(service, breaker, governor.Pace(service, calls_each), time.monotonic())
    asked = {
        name: partial(_answer, partial(round_.ask, question, slot))
        for (name, question), slot in zip(questions.items(), slots, strict=True)
    }
    answers: dict[str, T | BaseException] = {}
    if breaker.doubtful and len(asked) > 1:
        first = next(iter(asked))  # it finds out; the others wait for that
        answers[first] = asked.pop(first)()
    waiting = {name: pool().submit(one) for name, one in asked.items()}
    return answers | {name: future.result() for name, future in waiting.items()}


def at_once(questions: Mapping[str, Callable[[], T]]) -> dict[str, T | BaseException]:
    """The same where a person waits: neither paced nor held back, one after the other."""
    return {name: _answer(question) for name, question in questions.items()}


def check_alive(answers: Iterable[object]) -> None:
    """Raise what ends the process, where an answer is that: nothing of such a round is written down."""
    for answer in answers:
        if isinstance(answer, BaseException) and not isinstance(answer, Exception):
            raise answer


def _answer(one: Callable[[], T]) -> T | BaseException:
    try:
        return one()
    except BaseException as error:  # noqa: BLE001 - told as an answer; who asked raises what ends the process
        return error


@dataclass(frozen=True, slots=True)
class _Round:
    """Questions that are put together, from a moment of the steady clock on."""

    service: Service
    breaker: Breaker
    pace: governor.Pace
    began: float

    def ask(self, question: Callable[[], T], slot: float | None) -> T:
        """The answer, once its turn has come. Raises Unavailable where it is not put, and what it raises."""
        self._check()
        at = None if slot is None else self.pace.next(max(slot, time.monotonic()))
        if at is None or at - self.began > governor.LAST_BEGIN_SECONDS:
            raise NotAsked("The gateway is busy or slow: this is asked by the next worker.", NEXT_WORKER)
        if (wait := at - time.monotonic()) > 0:
            time.sleep(wait)
            self._check()
        try:
            answer = question()
        except Unavailable as away:
            self._tell(away)
            raise
        if isinstance(answer, Unknown):
            self.breaker.unsure(self.service.real())
        else:
            self.breaker.answered()
        return answer

    def _check(self) -> None:
        if self.breaker.tripped(self.service.real()):
            raise NotAsked("The gateway was not there a moment ago.")

    def _tell(self, away: Unavailable) -> None:
        """The others of this process; of a limit every other worker too, once."""
        now = self.service.real()
        match away:
            case Locked():
                pass
            case Limited() as limited:
                if self.breaker.trip(now, limited.pause):
                    governor.hold(self.service, now + limited.pause)
            case _:
                self.breaker.trip(now)


@cache
def pool() -> ThreadPoolExecutor:
    """Threads are made as they are needed and kept, and with them nothing is paid for making them at each batch."""
    return ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="ask")
