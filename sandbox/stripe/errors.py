"""Stripe's errors: the JSON a client reads, the HTTP status it comes with, and whether a key remembers it."""

from __future__ import annotations

from typing import Any

DOCS = "https://stripe.com/docs/error-codes/"


class StripeError(Exception):
    """An answer that is not 200.

    `executed` says whether the endpoint had begun its work: only then does an idempotency key remember the answer
    (https://docs.stripe.com/api/idempotent_requests).
    """

    def __init__(
        self,
        status: int,
        error: dict[str, Any],
        *,
        executed: bool,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(error.get("message"))
        self.headers = headers
        self.status = status
        self.error = error
        self.executed = executed


def invalid(message: str, *, code: str | None = None, param: str | None = None) -> StripeError:
    """A request whose parameters are wrong whatever the state of the account."""
    return _refused(400, message, code, param, executed=False)


def conflict(
    message: str, *, code: str | None = None, param: str | None = None, **objects: Any
) -> StripeError:
    """A request that the present state of its objects does not allow."""
    return _refused(400, message, code, param, executed=True, **objects)


_SPOKEN = {"payment_method": "PaymentMethod"}
_IN_PATH = {
    "payment_intent": "intent",
    "setup_intent": "intent",
    "payment_method": "payment_method",
    "charge": "charge",
    "checkout.session": "session",
    "dispute": "dispute",
}


def missing(kind: str, name: str, param: str | None = None) -> StripeError:
    """404 when the path names it; 400 when a parameter does."""
    message = f"No such {_SPOKEN.get(kind, kind)}: '{name}'"
    status = 404 if param is None else 400
    return _refused(status, message, "resource_missing", param or _IN_PATH.get(kind, "id"), executed=True)


def unknown_url(method: str, path: str) -> StripeError:
    message = f"Unrecognized request URL ({method}: {path})."
    return StripeError(404, {"type": "invalid_request_error", "message": message}, executed=False)


def unauthorized(message: str) -> StripeError:
    return StripeError(401, {"type": "invalid_request_error", "message": message}, executed=False)


def forbidden(message: str) -> StripeError:
    error = {"type": "invalid_request_error", "code": "account_invalid", "message": message}
    return StripeError(403, error, executed=False)


_RETRY = "Stripe-Should-Retry"


def rate_limited(code: str, retry_after: str | None = None) -> StripeError:
    """`rate_limit`, or `lock_timeout` when the object is in use by another request.

    Only a limit names its reason, and asks the SDKs not to try again by themselves; a Retry-After is not documented.
    """
    message = {
        "rate_limit": "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.",
        "lock_timeout": "This object cannot be accessed right now because another API request or Stripe process is "
        "currently accessing it. If you see this error intermittently, retry the request.",
    }[code]
    refused = _refused(429, message, code, None, executed=False)
    limited = ((_RETRY, "false"), ("Stripe-Rate-Limited-Reason", "global-rate"))
    refused.headers = limited if code == "rate_limit" else ((_RETRY, "true"),)
    if retry_after is not None:
        refused.headers = (*refused.headers, ("Retry-After", retry_after))
    return refused


def in_use(key: str) -> StripeError:
    message = (
        "There is currently another in-progress request using this Stripe idempotency key (that probably means you "
        f"submitted twice, and the other request is still going through): {key}. Please try again later."
    )
    refused = _refused(409, message, "idempotency_key_in_use", None, executed=False)
    refused.headers = ((_RETRY, "true"),)
    return refused


def key_reused(message: str) -> StripeError:
    return StripeError(400, {"type": "idempotency_error", "message": message}, executed=False)


def broken() -> StripeError:
    message = "An unknown error occurred"
    return StripeError(500, {"type": "api_error", "message": message}, executed=True)


def card_error(error: dict[str, Any]) -> StripeError:
    """The buyer's bank said no: HTTP 402, remembered by the key."""
    return StripeError(402, error, executed=True)


def _refused(
    status: int, message: str, code: str | None, param: str | None, *, executed: bool, **objects: Any
) -> StripeError:
    error: dict[str, Any] = {"type": "invalid_request_error", "message": message}
    if code:
        error |= {"code": code, "doc_url": DOCS + code.replace("_", "-")}
    if param:
        error["param"] = param
    return StripeError(status, error | objects, executed=executed)
