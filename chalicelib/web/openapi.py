"""The OpenAPI document: a stub until it is made."""

from chalicelib.web.endpoint import Visit
from chalicelib.web.http import Reply, encode


def get(visit: Visit) -> Reply:  # noqa: ARG001
    """The API as an OpenAPI 3.1 document."""
    return Reply(status=200, body=encode({}))
