"""DynamoDB's requests as they go over the wire."""

from typing import Any, Protocol
from uuid import uuid4

from chalicelib.aws import Aws, AwsRefused
from chalicelib.settings import Settings


class Connection(Protocol):
    """Takes a request of DynamoDB's JSON API to the table; thread-safe."""

    def dispatch(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """One request, with the capacity it consumed. Raises AwsRefused, AwsUnreachable or AwsSilent."""


class Dynamo:
    """Sends what may be carried out twice again while DynamoDB is silent: every write here is guarded or tokened."""

    def __init__(self, settings: Settings) -> None:
        self._aws = Aws("dynamodb", "dynamodb", settings.region, settings.aws_endpoint)

    def dispatch(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """One request; a transaction carries a token, so that one repeated for want of an answer is applied once.

        For a put there is no token: one that is repeated and finds just what it puts was carried out before.
        """
        request["ReturnConsumedCapacity"] = "TOTAL"
        if operation == "TransactWriteItems":
            request["ClientRequestToken"] = uuid4().hex
        elif operation == "PutItem":
            request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        try:
            return self._aws.call_again("/", request, f"DynamoDB_20120810.{operation}")
        except AwsRefused as error:
            if error.again and error.item is not None and error.item == request.get("Item"):
                return {}
            raise
