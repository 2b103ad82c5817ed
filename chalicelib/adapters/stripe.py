"""Stripe as the gateway: stripe-python over a pooled connection."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

import stripe
import urllib3
from stripe import StripeClient

from chalicelib.billing.dunning import is_hard
from chalicelib.billing.gateway import (
    ActionRequired,
    Canceled,
    Declined,
    Outcome,
    Processing,
    Refund,
    Refused,
    Request,
    SavedMethod,
    Succeeded,
    Unavailable,
    Unknown,
)
from chalicelib.billing.money import Money, from_stripe, to_stripe

API_VERSION = "2026-09-30.endive"
EXPAND = ["latest_charge.balance_transaction"]
BRANDS = {"visa": "Visa", "mastercard": "Mastercard", "amex": "American Express", "discover": "Discover"}
CONNECT_SECONDS, READ_SECONDS = 5, 40


class StripeGateway:
    """Thread-safe: its pool is, and the client keeps no state between calls."""

    def __init__(self, api_key: str, api_base: str | None = None, read_seconds: float = READ_SECONDS) -> None:
        self._client = StripeClient(
            api_key,
            stripe_version=API_VERSION,
            base_addresses={"api": api_base} if api_base else {},
            http_client=Pooled(read_seconds),
            max_network_retries=0,
        )

    def charge(self, key: str, request: Request) -> Outcome:
        """One PaymentIntent, created and confirmed off session."""
        params: Any = {
            "amount": to_stripe(request.amount),
            "currency": request.amount.currency,
            "customer": request.customer,
            "payment_method": request.method,
            "description": request.description,
            "metadata": request.metadata,
            "off_session": True,
            "confirm": True,
            "expand": EXPAND,
        }
        try:
            return outcome(self._client.v1.payment_intents.create(params, {"idempotency_key": key}))
        except stripe.CardError as error:
            return _declined(error)
        except (stripe.InvalidRequestError, stripe.IdempotencyError) as error:
            return _wrong(error)
        except stripe.StripeError as error:
            return _no_answer(error)

    def find(self, request: Request, since: datetime) -> Outcome | None:
        """The newest of the customer's PaymentIntents that carries the request's payment in its metadata."""
        params: Any = {
            "customer": request.customer,
            "created": {"gte": int(since.timestamp())},
            "limit": 100,
            "expand": [f"data.{path}" for path in EXPAND],
        }
        try:
            for intent in self._client.v1.payment_intents.list(params).auto_paging_iter():
                if intent.metadata.to_dict().get("payment") == request.metadata["payment"]:
                    return outcome(intent)
        except stripe.StripeError as error:
            raise _unavailable(error) from error
        return None

    def fetch(self, reference: str) -> Outcome:
        """The PaymentIntent as it is now."""
        try:
            return outcome(self._client.v1.payment_intents.retrieve(reference, {"expand": EXPAND}))
        except stripe.StripeError as error:
            raise _unavailable(error) from error

    def cancel(self, reference: str) -> Outcome:
        """Cancel a PaymentIntent; where it is too late for that, what it has become."""
        try:
            return outcome(self._client.v1.payment_intents.cancel(reference, {"expand": EXPAND}))
        except stripe.InvalidRequestError:
            return self.fetch(reference)
        except stripe.StripeError as error:
            raise _unavailable(error) from error

    def customer(self, key: str, *, name: str, email: str, metadata: dict[str, str]) -> str:
        """A customer; `key` makes a repetition give the same one."""
        params: Any = {"name": name, "email": email, "metadata": metadata}
        try:
            return self._client.v1.customers.create(params, {"idempotency_key": key}).id
        except stripe.InvalidRequestError as error:
            raise _refused(error) from error
        except stripe.StripeError as error:
            raise _unavailable(error) from error

    def attach(self, method: str, customer: str) -> SavedMethod:
        """Attach a PaymentMethod to a customer."""
        try:
            saved = self._client.v1.payment_methods.attach(method, {"customer": customer})
        except (stripe.CardError, stripe.InvalidRequestError) as error:
            raise _refused(error) from error
        except stripe.StripeError as error:
            raise _unavailable(error) from error
        card = getattr(saved, "card", None)
        return SavedMethod(
            id=saved.id,
            customer=customer,
            type=saved.type,
            label=label(saved.to_dict()),
            exp_month=card.exp_month if card else None,
            exp_year=card.exp_year if card else None,
        )

    def refund(self, key: str, reference: str, amount: Money, metadata: dict[str, str]) -> Refund:
        """Give back a part or the whole of a PaymentIntent."""
        params: Any = {"payment_intent": reference, "amount": to_stripe(amount), "metadata": metadata}
        try:
            refund = self._client.v1.refunds.create(params, {"idempotency_key": key})
        except stripe.InvalidRequestError as error:
            raise _refused(error) from error
        except stripe.StripeError as error:
            raise _unavailable(error) from error
        return Refund(
            reference=refund.id,
            amount=from_stripe(refund.amount, refund.currency),
            status=refund.status or "pending",
        )


class Pooled(stripe.HTTPClient):
    """stripe-python's requests over one urllib3 pool: kept-alive connections at half the CPU of `requests`."""

    name = "urllib3"

    def __init__(self, read_seconds: float) -> None:
        super().__init__()
        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=read_seconds)
        self._pool = urllib3.PoolManager(maxsize=32, timeout=timeout, retries=False)

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


def outcome(intent: Any) -> Outcome:
    """What a PaymentIntent says of its money."""
    match intent.status:
        case "succeeded":
            return _succeeded(intent)
        case "processing":
            return Processing(reference=intent.id)
        case "requires_action" | "requires_confirmation" | "requires_capture":
            return ActionRequired(reference=intent.id)
        case "canceled":
            return Canceled(reference=intent.id)
        case _:
            return _failed(intent)


def label(method: dict[str, Any]) -> str:
    """A payment method as a person reads it: "Visa •••• 4242"."""
    details = method.get(method["type"]) or {}
    name = details.get("brand") or details.get("bank_name") or method["type"].replace("_", " ")
    name = BRANDS.get(name, name)
    return f"{name} •••• {details['last4']}" if details.get("last4") else name


def _succeeded(intent: Any) -> Succeeded:
    charge = intent.latest_charge
    moved = (
        getattr(charge, "balance_transaction", None)
        if charge is not None and not isinstance(charge, str)
        else None
    )
    if moved is None or isinstance(moved, str):
        return Succeeded(reference=intent.id)
    fee, net = from_stripe(moved.fee, moved.currency), from_stripe(moved.net, moved.currency)
    return Succeeded(reference=intent.id, fee=fee, net=net)


def _failed(intent: Any) -> Declined | ActionRequired:
    """A PaymentIntent that asks for another method: the last one was refused."""
    error = intent.last_payment_error
    code = (error.decline_code or error.code) if error else None
    if code == "authentication_required":
        return ActionRequired(reference=intent.id)
    code = code or "unknown"
    return Declined(
        code=code, hard=is_hard(code), reference=intent.id, message=(error.message or "") if error else ""
    )


def _declined(error: stripe.CardError) -> Declined | ActionRequired:
    told = error.error
    intent = getattr(told, "payment_intent", None) if told else None
    reference = intent["id"] if intent else None
    code = (told.decline_code if told else None) or error.code or "card_declined"
    if reference and "authentication_required" in (code, error.code):
        return ActionRequired(reference=reference)
    return Declined(code=code, hard=is_hard(code), reference=reference, message=error.user_message or "")


def _wrong(error: stripe.StripeError) -> Declined | Unknown:
    """A request Stripe finds wrong moved no money; one under a key that was used otherwise may have."""
    if isinstance(error, stripe.IdempotencyError) or error.http_status == 409:
        return Unknown(reason=f"Stripe is at it already, or was: {error.user_message}")
    return Declined(code=error.code or "invalid_request", hard=True, message=error.user_message or "")


def _no_answer(error: stripe.StripeError) -> Unknown:
    """Raises Unavailable where the request was surely not carried out."""
    if _surely_not(error):
        raise _unavailable(error) from error
    return Unknown(reason=f"{type(error).__name__}: {error.user_message or error}"[:500])


def _surely_not(error: stripe.StripeError) -> bool:
    never_sent = isinstance(error, stripe.APIConnectionError) and error.code == "never_sent"
    return never_sent or isinstance(
        error, stripe.RateLimitError | stripe.AuthenticationError | stripe.PermissionError
    )


def _unavailable(error: stripe.StripeError) -> Unavailable:
    return Unavailable(f"{type(error).__name__}: {error.user_message or error}"[:500])


def _refused(error: stripe.StripeError) -> Refused:
    declined = getattr(error.error, "decline_code", None) if error.error else None
    return Refused(
        declined or error.code or "invalid_request",
        error.user_message or str(error),
        getattr(error, "param", None),
    )
