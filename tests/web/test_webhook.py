"""Stripe's webhook: believed by its signature alone, put into the inbox as it came."""

import hmac
import json
from typing import Any

import pytest

from sandbox.world import WEBHOOK_SECRET
from tests.web.conftest import Api, Told

EVENT = {
    "id": "evt_1",
    "type": "payment_intent.succeeded",
    "livemode": False,
    "created": 1769860800,
    "data": {"object": {"id": "pi_1", "metadata": {"account": "acct_1", "payment": "pay_1_0001_1"}}},
}


def tell(
    api: Api, body: bytes, *, secret: str = WEBHOOK_SECRET, ago: int = 0, header: str | None = None
) -> Told:
    """Post to the webhook, signed as Stripe signs."""
    at = str(int(api.now.timestamp()) - ago)
    signature = hmac.new(secret.encode(), at.encode() + b"." + body, "sha256").hexdigest()
    signed = f"t={at},v1={signature}" if header is None else header
    return api.send("POST", "/stripe/webhook", body, key="", Stripe_Signature=signed)


def test_an_event_goes_to_the_inbox(api: Api):
    """What Stripe signed is queued with what is used of it, and answered at once; nothing is written meanwhile."""
    before = api.written()
    told = tell(api, json.dumps(EVENT).encode())
    assert (told.status, told.body) == (200, {"received": True})
    (event,) = api.queue.events
    assert (event["account"], event["payment"], event["object"]) == ("acct_1", "pay_1_0001_1", "pi_1")
    assert event["received_at"] == "2026-01-31T12:00:00Z"
    assert api.written() == before


BODY = json.dumps(EVENT).encode()
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "another secret": ({"secret": "whsec_other"}, "signature_mismatch"),
    "no secret": ({"secret": ""}, "signature_mismatch"),
    "six minutes old": ({"ago": 360}, "stale_signature"),
    "six minutes ahead": ({"ago": -360}, "stale_signature"),
    "no signature": ({"header": ""}, "malformed_signature"),
    "no time": ({"header": "v1=00"}, "malformed_signature"),
    "two times": ({"header": "t=1,t=2,v1=00"}, "malformed_signature"),
    "another scheme": ({"header": "t=1769860800,v0=00"}, "malformed_signature"),
    "not ASCII": ({"header": "t=1769860800,v1=\u00e9"}, "signature_mismatch"),
}


@pytest.mark.parametrize(("how", "code"), REFUSED.values(), ids=REFUSED)
def test_what_stripe_did_not_sign_is_refused(api: Api, how: dict[str, Any], code: str):
    """Without a fresh signature of Stripe's over these very bytes nothing is believed, and nothing queued."""
    told = tell(api, BODY, **how)
    assert (told.status, told["code"]) == (400, code)
    assert told.headers["Content-Type"] == "application/problem+json"
    assert api.queue.events == []


def test_a_changed_body_is_refused(api: Api):
    """A signature is of the bytes: the same JSON written otherwise is another body."""
    at = str(int(api.now.timestamp()))
    signature = hmac.new(WEBHOOK_SECRET.encode(), at.encode() + b"." + BODY, "sha256").hexdigest()
    other = json.dumps(EVENT, indent=1).encode()
    told = tell(api, other, header=f"t={at},v1={signature}")
    assert (told.status, told["code"]) == (400, "signature_mismatch")


NO_EVENTS = (b"", b"{}", b"[]", b"null", b"\xff", b'{"id": 1}', b"[" * 10_000, b'{"data":' * 10_000, json.dumps(EVENT | {"data": {"object": []}}).encode(),
             json.dumps(EVENT | {"id": 5}).encode(), json.dumps(EVENT | {"created": 1e300}).encode())  # fmt: skip


@pytest.mark.parametrize("body", NO_EVENTS, ids=lambda body: body[:24].decode(errors="replace"))
def test_what_is_no_event_is_refused(api: Api, body: bytes):
    """A signed body that is no event of Stripe's is a problem, not a crash."""
    told = tell(api, body)
    assert (told.status, told["code"]) == (400, "not_an_event")
    assert api.queue.events == []


def test_metadata_of_others_names_no_account_here(api: Api):
    """Who else writes `account` into metadata at Stripe reaches no partition but the house's."""
    for metadata in (
        {"account": "house/../acct_1", "payment": "p"},
        {"account": "acct_1"},
        {"payment": "pay_1"},
        None,
    ):
        event = EVENT | {"data": {"object": {"id": "pi_1", "metadata": metadata}}}
        assert tell(api, json.dumps(event).encode()).status == 200
    assert {(event["account"], event["payment"]) for event in api.queue.events} == {("house", None)}


def test_a_huge_event_is_refused(api: Api):
    """An event larger than 256 KB is not read, signed or not."""
    assert tell(api, b"{" + b" " * 300_000 + b"}").status == 413
