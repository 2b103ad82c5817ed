"""Events: what happened, with the object as it was then (https://docs.stripe.com/api/events)."""

from __future__ import annotations

from typing import Any

from sandbox.stripe import ids
from sandbox.stripe.shelves import Thing
from sandbox.stripe.state import PLATFORM, Call

API_VERSION = "2026-09-30.endive"


def emit(call: Call, type_: str, thing: Thing, previous: dict[str, Any] | None = None) -> None:
    data: dict[str, Any] = {"object": thing}
    if previous is not None:
        data["previous_attributes"] = previous
    event: Thing = {
        "id": ids.new("evt"),
        "object": "event",
        "api_version": API_VERSION,
        "created": call.now,
        "data": data,
        "livemode": False,
        "pending_webhooks": 0,
        "request": {"id": call.request_id, "idempotency_key": call.idempotency_key},
        "type": type_,
    }
    if call.account.name != PLATFORM:
        event["account"] = call.account.name
    call.account.put(event)
    call.world.tell(call.account.name, event)


def changes(before: Thing, after: Thing) -> dict[str, Any]:
    """What an `….updated` event calls previous_attributes."""
    return {field: before.get(field) for field, value in after.items() if before.get(field) != value}
