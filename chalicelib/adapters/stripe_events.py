"""What Stripe's webhook says, as far as it is used."""

import re
from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from chalicelib.billing.errors import Invalid
from chalicelib.billing.stripe_events import StripeEvent
from chalicelib.crm.accounts import HOUSE

_OURS: Final = re.compile(r"acct_\w{1,80}/pay_\w{1,200}", re.ASCII)


class _Object(Struct):
    id: str = ""
    metadata: dict[str, str] | None = None


class _Data(Struct):
    object: _Object


class _Told(Struct):
    """The rest of the event is skipped, not decoded: it may be large, and there is one for every charge."""

    id: Annotated[str, Meta(pattern=r"^\w{1,255}$")]
    type: str
    livemode: bool
    created: Annotated[int, Meta(ge=0, le=253_402_300_799)]
    data: _Data


_DECODER: Final = msgspec.json.Decoder(_Told)


def read(body: bytes, received_at: datetime) -> StripeEvent:
    """A verified webhook body; what carries no account and payment of ours belongs to the house. Raises Invalid."""
    try:
        told = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid("not_an_event", "The body is not an event of Stripe's API version 1.") from error
    metadata = told.data.object.metadata or {}
    account, payment = metadata.get("account", ""), metadata.get("payment", "")
    ours = _OURS.fullmatch(f"{account}/{payment}") is not None
    return StripeEvent(
        account=account if ours else HOUSE,
        id=told.id,
        type=told.type,
        object=told.data.object.id,
        payment=payment if ours else None,
        livemode=told.livemode,
        created_at=datetime.fromtimestamp(told.created, UTC),
        received_at=received_at,
    )
