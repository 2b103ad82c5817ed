"""The field's cases on the signatures of Stripe's webhooks."""

from chalicelib.adapters.signatures import BadSignature, verify_stripe
from tests.cases import field
from tests.cases.field import Case, Values

# What the body says once it is believed is the event's matter, not the signature's.
BESIDE = frozenset({"event"})


@field.cases("webhook_signatures")
def test_webhook_signatures(case: Case):
    """A body is believed if, and only if, the secret signed it lately; a tolerance not given checks no time."""
    field.check(case, {"stripe_v1": verified}, BESIDE)


def verified(given: Values) -> Values:
    body, tolerance = given["payload"].encode(), given.get("tolerance_seconds") or 0
    try:
        verify_stripe(body, given["header"] or "", given["secret"], given["now"], tolerance)
    except BadSignature:
        return {"verify": "fail"}
    return {"verify": "ok"}
