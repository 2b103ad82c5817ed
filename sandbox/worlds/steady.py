"""What makes a world the same each time it is lived: threads that take turns, and a steady clock nobody waits for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from chalicelib.operations import ask

if TYPE_CHECKING:
    from sandbox.worlds.life import Life


@contextmanager
def pinned() -> Iterator[None]:
    """What is asked side by side is asked in turn, and nobody sleeps in this thread, while worlds are lived."""
    sleep, monotonic = time.sleep, time.monotonic
    own = threading.get_ident()
    with in_turn():
        time.sleep = _where(own, STEADY.sleep, sleep)
        time.monotonic = _where(own, STEADY.monotonic, monotonic)
        try:
            yield
        finally:
            time.sleep, time.monotonic = sleep, monotonic


@contextmanager
def in_turn() -> Iterator[None]:
    """What is asked side by side is asked in turn."""
    before = ask.ThreadPoolExecutor
    ask.ThreadPoolExecutor = InTurn  # type: ignore[assignment,misc]
    ask.pool.cache_clear()
    try:
        yield
    finally:
        ask.ThreadPoolExecutor = before  # type: ignore[misc]
        ask.pool.cache_clear()


def _where(thread: int, here: Callable[..., Any], elsewhere: Callable[..., Any]) -> Callable[..., Any]:
    """One function in a thread, another in all others."""

    def either(*given: Any) -> Any:
        return (here if threading.get_ident() == thread else elsewhere)(*given)

    return either


class InTurn(Executor):
    """Does what is asked side by side one after the other, in the order it was asked: a world is lived the same each time."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Done at once, in this thread."""
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - as a pool keeps it
            done.set_exception(error)
        return done


class Steady:
    """The steady clock of worlds: it goes on as their time does, and by what somebody sleeps, which nobody waits for."""

    def __init__(self) -> None:
        self.slept = 0.0
        self.life: Life | None = None

    def begin(self, life: Life) -> None:
        """From now on a world's time."""
        self.life, self.slept = life, 0.0

    def monotonic(self) -> float:
        """Seconds."""
        return self.slept + (self.life.moment.timestamp() if self.life else 0)

    def sleep(self, seconds: float) -> None:
        """Nobody waits for it."""
        self.slept += seconds


STEADY: Final = Steady()
