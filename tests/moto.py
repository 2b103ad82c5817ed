"""The store's way to moto, which answers inside botocore: the contract holds on it as on DynamoDB's own HTTP."""

from typing import Any

from pynamodb.connection import Connection
from pynamodb.exceptions import VerboseClientError

from chalicelib.aws import AwsRefused
from chalicelib.settings import Settings


class Moto:
    """A connection through pynamodb's own client."""

    def __init__(self, settings: Settings) -> None:
        self._connection = Connection(region=settings.region, host=settings.aws_endpoint)

    def dispatch(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """One request. Raises AwsRefused as the direct connection does."""
        try:
            return self._connection.dispatch(operation, request)
        except VerboseClientError as error:
            told = error.response["Error"]
            reasons = tuple(reason.code if reason else None for reason in error.cancellation_reasons)
            raise AwsRefused(400, told["Code"], told.get("Message", ""), reasons) from error
