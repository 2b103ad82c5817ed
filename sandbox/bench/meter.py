"""Attributes requests, units and CPU to the step of a renewal that causes them."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from chalicelib.service import Service
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.store import Store
from sandbox.world import World


@dataclass
class Cost:
    """What one step has cost so far."""

    cpu: float = 0.0
    seconds: float = 0.0
    dynamodb: Counter[str] = field(default_factory=Counter)
    write_units: float = 0.0
    read_units: float = 0.0
    sqs: Counter[str] = field(default_factory=Counter)


class Meter:
    """Attributes every request and CPU millisecond to the step at work."""

    def __init__(self) -> None:
        self.steps: dict[str, Cost] = {}
        self.sizes: dict[tuple[str, str], list[int]] = {}
        self.step: str | None = None

    @contextmanager
    def during(self, step: str) -> Iterator[None]:
        """Measure a Lambda invocation: the CPU of all this process's threads."""
        self.step, cost = step, self.steps.setdefault(step, Cost())
        cpu, began = time.process_time(), time.perf_counter()
        try:
            yield
        finally:
            cost.cpu += time.process_time() - cpu
            cost.seconds += time.perf_counter() - began
            self.step = None

    def items(self, request: dict[str, Any]) -> None:
        """Note the size of every item written, as DynamoDB counts it: names and values in UTF-8."""
        if self.step is None:
            return
        entries = request.get("TransactItems") or [{"Put": request}]
        puts = [entry["Put"] for entry in entries if "Put" in entry]
        for put in puts:
            item = put["Item"]
            size = sum(len(name) + len(str(*value.values()).encode()) for name, value in item.items())
            self.sizes.setdefault((self.step, item["kind"]["S"]), []).append(size)

    def dynamodb(self, operation: str, answer: dict[str, Any]) -> None:
        """Count a request and the units it consumed, as the engine says."""
        if self.step is None:
            return
        cost = self.steps[self.step]
        cost.dynamodb[operation] += 1
        consumed = answer.get("ConsumedCapacity") or []
        units = sum(
            float(part.get("CapacityUnits") or 0)
            for part in (consumed if isinstance(consumed, list) else [consumed])
        )
        if operation in ("BatchGetItem", "Query", "GetItem"):
            cost.read_units += units
        else:
            cost.write_units += units


class Counted:
    """A connection to DynamoDB that tells the meter."""

    def __init__(self, inner: Any, meter: Meter) -> None:
        self._dispatch, self._meter = inner.dispatch, meter

    def dispatch(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        if operation in ("TransactWriteItems", "PutItem"):
            self._meter.items(request)
        answer: dict[str, Any] = self._dispatch(operation, request)
        self._meter.dynamodb(operation, answer)
        return answer


def counted(service: Service, world: World, meter: Meter) -> Service:
    """The service, telling a meter of its requests."""
    settings = world.app.settings
    connection: Any = Counted(Dynamo(settings), meter)
    queue: Any = service.queue
    sends = queue._sqs.call_again  # noqa: SLF001 - the meter looks inside

    def counted(path: str, body: Any, target: str | None = None) -> dict[str, Any]:
        if meter.step:
            meter.steps[meter.step].sqs[str(target)] += 1
        answer: dict[str, Any] = sends(path, body, target)
        return answer

    queue._sqs.call_again = counted  # noqa: SLF001
    return replace(service, store=Store(connection, settings.table, settings.wake_shards))
