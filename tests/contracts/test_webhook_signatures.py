"""Our signatures of webhooks, held against the library of Standard Webhooks."""

from base64 import b64encode
from datetime import UTC, datetime

import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.signatures import SECRET_BYTES, sign_webhook, webhook_secret


@given(st.binary(min_size=24, max_size=64), st.text(min_size=1), st.integers(0, 2**33), st.text())
def test_our_signature_is_the_librarys(key: bytes, id_: str, seconds: int, body: str):
    """For any secret, id, time and body our signature is the one that the library of Standard Webhooks makes."""
    secret = "whsec_" + b64encode(key).decode()
    theirs = standardwebhooks.Webhook(secret).sign(id_, datetime.fromtimestamp(seconds, UTC), body)
    assert sign_webhook([secret], id_, seconds, body.encode()) == theirs


def test_the_library_believes_ours():
    """What we sign now, with two secrets while one is rotated, the library believes under either."""
    secrets = [webhook_secret("the deployment's", "acct_1", "we_1", generation) for generation in (1, 0)]
    now = int(datetime.now(UTC).timestamp())
    signature = sign_webhook(secrets, "evt_1", now, b'{"type":"invoice.opened"}')
    headers = {"webhook-id": "evt_1", "webhook-timestamp": str(now), "webhook-signature": signature}
    for secret in secrets:
        told = standardwebhooks.Webhook(secret).verify(b'{"type":"invoice.opened"}', headers)
        assert told == {"type": "invoice.opened"}
    assert len(set(secrets)) == 2


def test_a_secret_is_its_endpoints_own():
    """Another account, endpoint, generation or deployment has another secret, and the same one always the same."""
    made = {
        webhook_secret(*names)
        for names in (
            ("a", "acct_1", "we_1", 0),
            ("b", "acct_1", "we_1", 0),
            ("a", "acct_2", "we_1", 0),
            ("a", "acct_1", "we_2", 0),
            ("a", "acct_1", "we_1", 1),
        )
    }
    assert len(made) == 5
    assert SECRET_BYTES == 24
    assert webhook_secret("a", "acct_1", "we_1", 0) in made
