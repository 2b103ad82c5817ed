"""Only Stripe, who knows the secret, can say that something happened."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.signatures import BadSignature, verify_stripe

SECRET = "whsec_test_secret"
NOW = 1_700_000_000
BODY = b'{"id": "evt_1", "object": "event"}'


def signed(body: bytes = BODY, secret: str = SECRET, at: int | str = NOW) -> str:
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def refused(
    header: str, body: bytes = BODY, secret: str = SECRET, now: int = NOW, tolerance: int = 300
) -> str:
    with pytest.raises(BadSignature) as error:
        verify_stripe(body, header, secret, now, tolerance)
    return error.value.code


def test_a_message_signed_with_the_secret_is_believed():
    """The right digest over the time and the raw body passes, and returns nothing."""
    assert verify_stripe(BODY, signed(), SECRET, NOW) is None
    assert verify_stripe(BODY, signed(), SECRET, NOW + 0.9) is None


@given(st.binary())
def test_any_bytes_may_be_signed(body: bytes):
    """The body is bytes: it need be neither JSON nor text."""
    verify_stripe(body, signed(body), SECRET, NOW)


@given(st.binary(), st.binary())
def test_another_body_is_not_believed(body: bytes, other: bytes):
    """A signature is of one body, to the byte."""
    if body != other:
        assert refused(signed(body), other) == "signature_mismatch"


def test_one_good_signature_among_several_suffices():
    """While a secret is rolled Stripe signs with both."""
    good = signed().removeprefix(f"t={NOW},")
    verify_stripe(BODY, f"t={NOW},v1=bad,{good}", SECRET, NOW)
    verify_stripe(BODY, f"t={NOW},{good},v1=bad,v0=other", SECRET, NOW)
    verify_stripe(BODY, f"{good},t={NOW}", SECRET, NOW)


def test_another_secret_or_scheme_is_not_believed():
    """A digest under another secret, or under another name than v1, proves nothing."""
    assert refused(signed(secret="whsec_other")) == "signature_mismatch"
    assert refused(signed().replace("v1=", "v0=")) == "malformed_signature"
    assert refused(signed().upper().replace("T=", "t=").replace("V1=", "v1=")) == "signature_mismatch"


def test_without_a_secret_nothing_is_believed():
    """An empty secret is one that everybody knows."""
    assert refused(signed(secret=""), secret="") == "signature_mismatch"


@pytest.mark.parametrize(
    "header",
    ["", "bad_header", "t=1700000000", "v1=abc", "t=,v1=abc", "t=-5,v1=abc", "t=1e9,v1=abc", "t=١٢,v1=abc", "t" * 100_000,
     "t=1700000000 ,v1=abc", "t=" + "9" * 13 + ",v1=abc", "t=1700000000,t=1700000001,v1=abc"],
)  # fmt: skip
def test_a_malformed_header_is_refused(header: str):
    """A header that does not say one time and one signature is refused before anything is computed."""
    assert refused(header) == "malformed_signature"


def test_a_header_may_hold_any_text():
    """A signature that is not ASCII is a wrong one, not a crash."""
    assert refused(f"t={NOW},v1=ünïcode") == "signature_mismatch"


@pytest.mark.parametrize(
    ("seconds", "believed"), [(0, True), (300, True), (301, False), (-300, True), (-301, False)]
)
def test_a_message_is_believed_for_five_minutes(seconds: int, believed: bool):
    """A message as old as the tolerance is believed, a second older or further ahead is not."""
    if believed:
        verify_stripe(BODY, signed(), SECRET, NOW + seconds)
    else:
        with pytest.raises(BadSignature, match="stale_signature"):
            verify_stripe(BODY, signed(), SECRET, NOW + seconds)


def test_a_tolerance_of_nothing_leaves_the_time_unchecked():
    """As in Stripe's own libraries, 0 means that any time will do."""
    verify_stripe(BODY, signed(), SECRET, NOW + 10**9, tolerance=0)


def test_a_changed_time_breaks_the_signature():
    """The time is signed too."""
    assert refused(signed().replace(f"t={NOW}", f"t={NOW + 1}")) == "signature_mismatch"
