"""One request to DynamoDB after another: what is only busy is asked again, what is not there is an outage."""

import random
import time
from collections.abc import Iterator, Sequence
from typing import Any

from chalicelib.aws import AwsRefused, AwsSilent, AwsUnreachable
from chalicelib.store.changes import Outage
from chalicelib.store.dynamo import Connection

MAX_TRIES = 8
BUSY = frozenset(
    {
        "TransactionConflict",
        "TransactionConflictException",
        "TransactionInProgressException",
        "ThrottlingError",
        "ThrottlingException",
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "InternalServerError",
        "ServiceUnavailable",
    }
)
# What DynamoDB says of the items themselves; any other no, such as one of IAM's, is nobody's own fault.
ANSWERS = frozenset(
    {"ConditionalCheckFailedException", "TransactionCanceledException", "ValidationException"}
)
Item = dict[str, dict[str, Any]]


class Calls:
    """The requests of one table. Thread-safe, as its connection is. Each raises Outage."""

    def __init__(self, connection: Connection, table: str) -> None:
        self._dispatch = connection.dispatch
        self.table = table

    def read(self, wanted: Sequence[str]) -> Iterator[Item]:
        """The items that there are of these keys, at most 100, consistently."""
        request: dict[str, Any] = {
            self.table: {"Keys": [{"key": {"S": key}} for key in wanted], "ConsistentRead": True}
        }
        tries = 0
        while request:
            answer = self.call("BatchGetItem", {"RequestItems": request})
            yield from answer["Responses"].get(self.table, ())
            request = answer.get("UnprocessedKeys") or {}
            if request:
                tries += 1
                _pause(tries, "BatchGetItem left keys unread")

    def query(
        self,
        index: str,
        condition: str,
        names: dict[str, str],
        values: Item,
        *,
        limit: int,
        forward: bool,
        start: Item | None = None,
    ) -> dict[str, Any]:
        """One page of an index."""
        request: dict[str, Any] = {
            "TableName": self.table,
            "IndexName": index,
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
            "Limit": limit,
            "ScanIndexForward": forward,
        }
        if start is not None:
            request["ExclusiveStartKey"] = start
        return self.call("Query", request)

    def update(
        self, key: str, expression: str, values: Item, *, names: dict[str, str], condition: str
    ) -> Item | None:
        """An item's attributes after an update; None where its condition does not hold."""
        request: dict[str, Any] = {
            "TableName": self.table,
            "Key": {"key": {"S": key}},
            "UpdateExpression": expression,
            "ConditionExpression": condition,
            "ExpressionAttributeNames": names,
            "ReturnValues": "ALL_NEW",
        }
        if values:
            request["ExpressionAttributeValues"] = values
        try:
            after: Item = self.call("UpdateItem", request)["Attributes"]
        except AwsRefused as error:
            if error.code == "ConditionalCheckFailedException":
                return None
            raise
        return after

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """One request; what is only busy is asked again with jitter, and is an outage if it stays so."""
        for tries in range(1, MAX_TRIES + 1):
            try:
                return self._dispatch(operation, request)
            except AwsRefused as error:
                if error.code in ANSWERS and not _busy(error):
                    raise
                if not _busy(error):
                    raise Outage(str(error)) from error
                _pause(tries, str(error))
            except (AwsUnreachable, AwsSilent) as error:
                raise Outage(str(error)) from error
        raise AssertionError("_pause raises on the last try")


def _busy(error: AwsRefused) -> bool:
    """Whether the same request may succeed in a moment: no capacity, a fault of DynamoDB's, a transaction in the way."""
    reasons = [reason for reason in error.reasons if reason]
    if not reasons:
        return error.code in BUSY or error.status >= 500
    return all(reason in BUSY for reason in reasons)


def _pause(tries: int, why: str) -> None:
    if tries >= MAX_TRIES:
        raise Outage(why)
    time.sleep(random.uniform(0, 0.02 * 2**tries))  # noqa: S311 - jitter, not a secret
