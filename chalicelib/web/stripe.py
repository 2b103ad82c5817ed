"""What Stripe tells: believed by its signature, put into the inbox, answered at once."""

from dataclasses import dataclass
from functools import cache

import msgspec

from chalicelib.adapters import stripe_events
from chalicelib.adapters.signatures import verify_stripe
from chalicelib.settings import Settings
from chalicelib.web.endpoint import Visit

_ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """Stripe need not send it again."""

    received: bool = True


def receive(visit: Visit) -> Received:
    """Take an event of Stripe's, signed over its bytes in `Stripe-Signature`. Send Stripe's webhooks here."""
    now, request = visit.service.real(), visit.request
    signature = request.headers.get("stripe-signature", "")
    verify_stripe(request.body, signature, _secret(visit.service.settings), now.timestamp())
    event = stripe_events.read(request.body, now)
    visit.service.queue.receive(_ENCODER.encode(event).decode())
    return Received()


@cache
def _secret(settings: Settings) -> str:
    """The signing secret itself, read once where the settings hold a reference."""
    if not settings.stripe_webhook_secret.startswith("ssm:"):
        return settings.stripe_webhook_secret
    from chalicelib.wiring import secret

    return secret(settings, settings.stripe_webhook_secret)
