"""Requests to Stripe over a pooled connection, and what its refusals mean: only here is it told whether one was carried out."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, cast

import stripe
import urllib3
from stripe import StripeClient

from chalicelib.billing.gateway import Limited, Locked, Refused, Unavailable
from chalicelib.settings import SIDE_BY_SIDE

API_VERSION = "2026-09-30.endive"
CONNECT_SECONDS, READ_SECONDS = 5, 40
# After too many requests in a second: what Retry-After asks for, within reason.
SHORT_PAUSE, MOST_PAUSE = timedelta(seconds=2), timedelta(minutes=5)
# After another request was at the same object.
SOON = timedelta(seconds=5)

Params = dict[str, Any]
Thing = dict[str, Any]


class Connection:
    """Thread-safe: its pool is, and the client keeps no state between calls.

    Requests go through the client's `raw_request`: the same requests and errors, without turning each answer
    into stripe-python's objects, which costs three times as much as all the rest.
    """

    def __init__(self, api_key: str, api_base: str | None, read_seconds: float) -> None:
        self._client = StripeClient(
            api_key,
            stripe_version=API_VERSION,
            base_addresses={"api": api_base} if api_base else {},
            http_client=Pooled(read_seconds),
            max_network_retries=0,
        )

    def post(self, path: str, params: Params, key: str | None = None) -> Thing:
        """A POST; raises stripe's errors."""
        options = {"idempotency_key": key} if key else {}
        return cast(Thing, self._client.raw_request("post", path, **params, **options).data)

    def wanted(self, path: str, params: Params, key: str | None = None) -> Thing:
        """A POST that either succeeds, or is Refused, or found nobody there."""
        try:
            return self.post(path, params, key)
        except (stripe.CardError, stripe.InvalidRequestError) as error:
            if error.code == "stripe_tax_inactive":
                raise unavailable(error) from error  # the merchant's settings: no record is at fault
            raise refused(error) from error
        except stripe.StripeError as error:
            raise unavailable(error) from error

    def get(self, path: str, params: Params) -> Thing:
        """A GET that either succeeds, or is Refused, or found nobody there."""
        try:
            return cast(Thing, self._client.raw_request("get", path, **params).data)
        except stripe.InvalidRequestError as error:
            raise refused(error) from error
        except stripe.StripeError as error:
            raise unavailable(error) from error


class Pooled(stripe.HTTPClient):
    """stripe-python's requests over one urllib3 pool: kept-alive connections at half the CPU of `requests`."""

    name = "urllib3"

    def __init__(self, read_seconds: float) -> None:
        super().__init__()
        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=read_seconds)
        self._pool = urllib3.PoolManager(maxsize=SIDE_BY_SIDE, timeout=timeout, retries=False)

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[Any, int, Any]:
        """One HTTP exchange; says whether a failed one may have reached Stripe."""
        try:
            answer = self._pool.request(
                method.upper(), url, headers=dict(headers or {}), body=post_data, redirect=False
            )
        except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as error:
            raise _unconnected(f"Stripe cannot be reached: {error}", "never_sent") from error
        except urllib3.exceptions.HTTPError as error:
            raise _unconnected(f"No answer from Stripe: {error}") from error
        return answer.data, answer.status, answer.headers

    def close(self) -> None:
        """Close idle connections."""
        self._pool.clear()


def _unconnected(message: str, code: str | None = None) -> Exception:
    return cast(Exception, stripe.APIConnectionError(message, code=code))  # type: ignore[no-untyped-call]


def surely_not(error: stripe.StripeError) -> bool:
    """Whether a failed request was surely not carried out."""
    never_sent = isinstance(error, stripe.APIConnectionError) and error.code == "never_sent"
    return never_sent or isinstance(
        error, stripe.RateLimitError | stripe.AuthenticationError | stripe.PermissionError
    )


def unavailable(error: stripe.StripeError) -> Unavailable:
    """Nobody was there to answer, or to answer so that it can be trusted."""
    said = f"{type(error).__name__}: {error.user_message or error}"[:500]
    if not isinstance(error, stripe.RateLimitError):
        return Unavailable(said)
    # stripe-python gives this error no code of its own.
    locked = error.error is not None and error.error.code == "lock_timeout"
    return Locked(said, SOON) if locked else Limited(said, _asked_pause(error))


def _asked_pause(error: stripe.StripeError) -> timedelta:
    """The pause that the header Retry-After asks for, in seconds; a moment where there is none."""
    asked = str((error.headers or {}).get("retry-after", "")).strip()
    return min(timedelta(seconds=int(asked)), MOST_PAUSE) if asked.isdecimal() else SHORT_PAUSE


def refused(error: stripe.StripeError) -> Refused:
    """The request itself was wrong, in Stripe's words."""
    declined = getattr(error.error, "decline_code", None) if error.error else None
    return Refused(
        declined or error.code or "invalid_request",
        error.user_message or str(error),
        getattr(error, "param", None),
    )
