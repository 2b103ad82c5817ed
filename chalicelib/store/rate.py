"""A rate that all workers share: one item holds the moment up to which it is taken, by whom is nobody's business."""

from typing import Any

from chalicelib.store.calls import Calls, Item


class Rate:
    """Lengths of time that are taken one behind the other, by the name of a rate. Thread-safe."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._seen: dict[str, int] = {}

    def reserve(self, key: str, now: int, length: int, latest: int) -> int | None:
        """From when on a length of time is the caller's alone; None where that would be after `latest`. Whole numbers.

        It begins where the last one taken ends, or now. One request where that is as it was when last seen.
        """
        later: Item = {":now": _number(now), ":length": _number(length), ":latest": _number(latest)}
        queued = ("SET #until = #until + :length", later, "#until > :now AND #until <= :latest")
        free: Item = {":now": _number(now), ":end": _number(now + length)}
        at_once = ("SET #until = :end", free, "attribute_not_exists(#until) OR #until <= :now")
        ways = [queued, at_once] if self._seen.get(key, 0) > now else [at_once, queued]
        for expression, values, condition in (*ways, ways[0]):
            end = self._moved(key, expression, values, condition)
            if end is not None:
                self._seen[key] = end
                return end - length
        return None

    def give_back(self, key: str, end: int, length: int) -> None:
        """The last part of what was reserved up to an end is not needed; nothing is done where more was taken since."""
        values = {":length": _number(length), ":end": _number(end)}
        self._moved(key, "SET #until = #until - :length", values, "#until = :end")

    def hold(self, key: str, until: int) -> None:
        """Nothing is reserved before a moment."""
        values = {":until": _number(until)}
        self._moved(key, "SET #until = :until", values, "attribute_not_exists(#until) OR #until < :until")

    def _moved(self, key: str, expression: str, values: Item, condition: str) -> int | None:
        """Up to when is taken then; None where the condition does not hold."""
        names = {"#until": "until"}
        after = self._calls.update(key, expression, values, names=names, condition=condition)
        return None if after is None else int(after["until"]["N"])


def _number(value: int) -> dict[str, Any]:
    return {"N": str(value)}
