"""The field's cases on webhooks as Standard Webhooks specifies them."""

from datetime import UTC, datetime
from itertools import accumulate

from chalicelib.adapters.signatures import BadSignature, sign_webhook, signed_content
from chalicelib.billing.webhook_deliveries import WAITS, Treatment, treatment
from tests.cases import field
from tests.cases.field import Case, Values

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SAID = {
    Treatment.ACCEPTED: "accepted",
    Treatment.GONE: "switched_off",
    Treatment.SLOW: "throttle",
    Treatment.FAILED: "failed",
}


@field.cases("standard_webhooks")
def test_standard_webhooks(case: Case):
    """What is signed, who is believed, which secrets are long enough, when it is tried again and what an answer means."""
    answers = {
        "verify": verified,
        "secret_length": acceptable,
        "signed_content": content,
        "retry_schedule": schedule,
        "response_status": meant,
    }
    field.check(case, answers)


def verified(given: Values) -> Values:
    """Whether a receiver believes it: it is signed as we would sign it, and not older than they want."""
    headers = given["headers"]
    seconds = int(headers["webhook-timestamp"])
    try:
        ours = sign_webhook([given["secret"]], headers["webhook-id"], seconds, given["payload"].encode())
    except BadSignature:
        return {"verify": "error"}
    young = abs(given["now"] - seconds) <= given["tolerance_seconds"]
    return {"verify": "ok" if young and ours in headers["webhook-signature"].split() else "fail"}


def acceptable(given: Values) -> Values:
    secret = (
        "whsec_" + "A" * (given["random_bytes"] // 3 * 4) + ("A" * (given["random_bytes"] % 3 + 1) + "==")[:4]
    )
    try:
        sign_webhook([secret], "msg_1", 0, b"")
    except BadSignature:
        return {"acceptable": False}
    return {"acceptable": True}


def content(given: Values) -> Values:
    signed = signed_content(given["id"], str(given["timestamp"]), given["payload"].encode())
    return {"signed_content_prefix": signed.removesuffix(given["payload"].encode()).decode()}


def schedule(given: Values) -> Values:
    first = datetime.fromtimestamp(given["first_attempt_at"], UTC)
    moments = [int((at - EPOCH).total_seconds()) for at in accumulate(WAITS[1:], initial=first)]
    return {"attempt_at_seconds": moments, "attempts": len(moments)}


def meant(given: Values) -> Values:
    return {"treatment": SAID[treatment(given["status"])]}
