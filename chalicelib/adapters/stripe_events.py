"""What Stripe's webhook says, as far as it is used."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from chalicelib.billing.errors import Invalid
from chalicelib.billing.stripe_events import StripeEvent
from chalicelib.crm.accounts import HOUSE


def read(body: bytes, received_at: datetime) -> StripeEvent:
    """A verified webhook body; what carries no account of ours belongs to the house. Raises Invalid."""
    try:
        event: dict[str, Any] = msgspec.json.decode(body)
        told: dict[str, Any] = event["data"]["object"]
        metadata = told.get("metadata") or {}
        account, payment = metadata.get("account"), metadata.get("payment")
        return StripeEvent(
            account=account if account and payment else HOUSE,
            id=event["id"],
            type=event["type"],
            object=told.get("id") or "",
            payment=payment if account else None,
            livemode=event["livemode"],
            created_at=datetime.fromtimestamp(event["created"], UTC),
            received_at=received_at,
        )
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise Invalid("not_an_event", "The body is not an event of Stripe's API version 1.") from error
