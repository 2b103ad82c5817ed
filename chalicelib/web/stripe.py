"""What Stripe tells: believed by its signature, put into the inbox, answered at once."""

from dataclasses import dataclass

import msgspec

from chalicelib.adapters import stripe_events
from chalicelib.adapters.signatures import verify_stripe
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
    verify_stripe(request.body, signature, visit.service.settings.stripe_webhook_secret, now.timestamp())
    event = stripe_events.read(request.body, now)
    visit.service.queue.receive(_ENCODER.encode(event).decode())
    return Received()
