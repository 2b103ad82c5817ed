"""What Stripe's webhook says, as far as it is used."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from chalicelib.billing.errors import Invalid
from chalicelib.billing.stripe_events import StripeEvent
from chalicelib.crm.accounts import HOUSE

_ACCOUNT: Final = re.compile(r"acct_\w{1,80}", re.ASCII)
_PAYMENT: Final = re.compile(r"pay_\w{1,200}", re.ASCII)
_SETUP: Final = re.compile(r"setup_\w{1,200}", re.ASCII)


class _Object(Struct):
    id: str = ""
    metadata: dict[str, str] | None = None
    payment_intent: Any = None


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
    object_ = told.data.object
    metadata = object_.metadata or {}
    payment, setup = _named(_PAYMENT, metadata.get("payment")), _named(_SETUP, metadata.get("setup"))
    account = _named(_ACCOUNT, metadata.get("account")) if payment or setup else None
    return StripeEvent(
        account=account or HOUSE,
        id=told.id,
        type=told.type,
        object=object_.id,
        payment=payment if account else None,
        setup=setup if account else None,
        intent=_intent(object_.payment_intent),
        livemode=told.livemode,
        created_at=datetime.fromtimestamp(told.created, UTC),
        received_at=received_at,
    )


def _named(pattern: re.Pattern[str], given: str | None) -> str | None:
    return given if given and pattern.fullmatch(given) else None


def _intent(given: Any) -> str | None:
    """What a refund, a dispute, a charge or a page names as its PaymentIntent."""
    return given if isinstance(given, str) and given else None
