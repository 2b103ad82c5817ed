"""Answers that are no text: API Gateway takes them in base64, and gives the bytes to whoever asks.

Chalice would refuse a caller whose `Accept` names no binary type, as a browser's first does; the template says for all
types (`*/*`) that API Gateway decodes what is marked as encoded.
"""

import base64
from typing import Any

from chalice.app import Response


class Binary(Response):
    """Its `body` is bytes."""

    def to_dict(self, binary_types: list[str] | None = None) -> dict[str, Any]:  # noqa: ARG002  # as Chalice calls it
        """As Lambda hands it to API Gateway."""
        encoded = base64.b64encode(self.body).decode()
        return super().to_dict(None) | {"body": encoded, "isBase64Encoded": True}
