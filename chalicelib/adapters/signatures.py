"""The proof that a message is from whom it says: an HMAC over the bytes as they came (docs.stripe.com/webhooks, standardwebhooks.com).

On the standard library, 20 times faster than Stripe's SDK's check, which also parses the event; ours to others is held
against the library of Standard Webhooks in `tests/contracts`.
"""

import binascii
import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from typing import Final

from chalicelib.billing.errors import PerennialError

SECRET_BYTES: Final = 24
"""Of our secrets; the specification wants from 24 to 64."""
_PREFIX: Final = "whsec_"
_SECONDS: Final = re.compile(r"[0-9]{1,12}")


class BadSignature(PerennialError):
    """A message is not from whom it says, or is too old to be believed."""


def verify_stripe(payload: bytes, header: str, secret: str, now: float, tolerance: int = 300) -> None:
    """Check a `Stripe-Signature` header over the raw body; BadSignature if it does not prove the sender.

    `now` and `tolerance` are seconds; the message may be that much older than now, or ahead of it. As in Stripe's own
    libraries a tolerance of 0 leaves the time unchecked. One good `v1` among several suffices, as while a secret is
    rolled; other schemes count for nothing. Codes: `malformed_signature`, `signature_mismatch`, `stale_signature`.
    """
    signed_at, signatures = _parts(header)
    if not secret:
        raise BadSignature("signature_mismatch", "No signing secret is set, so nothing can be believed.")
    expected = hmac.digest(secret.encode(), signed_at.encode() + b"." + payload, "sha256").hex().encode()
    if not any(hmac.compare_digest(expected, signature) for signature in signatures):
        raise BadSignature("signature_mismatch", "No v1 signature is of this body under the signing secret.")
    if tolerance and abs(now - int(signed_at)) > tolerance:
        raise BadSignature("stale_signature", f"The signature is not from within {tolerance} seconds of now.")


def _parts(header: str) -> tuple[str, list[bytes]]:
    """The timestamp as it was signed, and the v1 signatures."""
    times = list(_values(header, "t"))
    signatures = [value.encode() for value in _values(header, "v1")]
    if len(times) != 1 or not _SECONDS.fullmatch(times[0]) or not signatures:
        raise BadSignature("malformed_signature", "The header reads 't=<seconds>,v1=<signature>'.")
    return times[0], signatures


def _values(header: str, key: str) -> Iterator[str]:
    for item in header.split(","):
        name, _, value = item.partition("=")
        if name == key:
            yield value


def webhook_secret(link_secret: str, account: str, endpoint: str, generation: int) -> str:
    """The secret of an endpoint, `whsec_...`: derived from the deployment's own, so that none is kept in the table."""
    name = f"webhook/{account}/{endpoint}/{generation}".encode()
    return _PREFIX + b64encode(hmac.digest(link_secret.encode(), name, "sha256")[:SECRET_BYTES]).decode()


def sign_webhook(secrets: Iterable[str], id_: str, seconds: int, body: bytes) -> str:
    """A `webhook-signature` header: one signature per secret, a space between them. Raises BadSignature on a bad secret."""
    signed = signed_content(id_, str(seconds), body)
    digests = (hmac.digest(_key(secret), signed, "sha256") for secret in secrets)
    return " ".join(f"v1,{b64encode(digest).decode()}" for digest in digests)


def signed_content(id_: str, seconds: str, body: bytes) -> bytes:
    """What is signed: the message's id, its time and its body, a full stop between them."""
    return f"{id_}.{seconds}.".encode() + body


def _key(secret: str) -> bytes:
    """The bytes of a secret, with its prefix or without."""
    try:
        key = b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not SECRET_BYTES <= len(key) <= 64:
        raise BadSignature("malformed_secret", "A secret is whsec_ and the base64 of 24 to 64 bytes.")
    return key
