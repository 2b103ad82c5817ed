"""Stripe as the gateway: stripe-python over a pooled connection."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast
from urllib.parse import quote

import stripe
import urllib3
from stripe import StripeClient

from chalicelib.adapters import stripe_tax
from chalicelib.billing.automatic_tax import TaxAnswer, TaxQuestion
from chalicelib.billing.dunning import is_final
from chalicelib.billing.errors import Invalid
from chalicelib.billing.gateway import (
    ActionRequired,
    Canceled,
    Declined,
    Outcome,
    Processing,
    RefundTold,
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
    """Thread-safe: its pool is, and the client keeps no state between calls.

    Requests go through the client's `raw_request`: the same requests and errors, without turning each answer
    into stripe-python's objects, which costs three times as much as all the rest.
    """

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
        try:
            amount = to_stripe(request.amount)
        except Invalid as error:
            return Declined(code=error.code, hard=False, message=error.detail)
        params = {
            "amount": amount,
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
            return outcome(self._post("/v1/payment_intents", params, key))
        except stripe.CardError as error:
            return _declined(error)
        except (stripe.InvalidRequestError, stripe.IdempotencyError) as error:
            return _wrong(error)
        except stripe.StripeError as error:
            return _no_answer(error)

    def find(self, request: Request, since: datetime) -> Outcome | None:
        """The newest of the customer's PaymentIntents that carries the request's payment in its metadata."""
        params = {
            "customer": request.customer,
            "created": {"gte": int(since.timestamp())},
            "limit": 100,
            "expand": [f"data.{path}" for path in EXPAND],
        }
        while True:
            page = self._get("/v1/payment_intents", params)
            for intent in page["data"]:
                if intent["metadata"].get("payment") == request.metadata["payment"]:
                    return outcome(intent)
            if not page["has_more"]:
                return None
            params = params | {"starting_after": page["data"][-1]["id"]}

    def fetch(self, reference: str) -> Outcome:
        """The PaymentIntent as it is now."""
        return outcome(self._get(f"/v1/payment_intents/{reference}", {"expand": EXPAND}))

    def cancel(self, reference: str) -> Outcome:
        """Cancel a PaymentIntent; where it is too late for that, what it has become."""
        try:
            return outcome(self._post(f"/v1/payment_intents/{reference}/cancel", {"expand": EXPAND}))
        except stripe.InvalidRequestError:
            return self.fetch(reference)
        except stripe.StripeError as error:
            raise _unavailable(error) from error

    def customer(self, key: str, *, name: str, email: str, metadata: dict[str, str]) -> str:
        """A customer; `key` makes a repetition give the same one."""
        params = {"name": name, "email": email, "metadata": metadata}
        return str(self._wanted("/v1/customers", params, key)["id"])

    def attach(self, method: str, customer: str) -> SavedMethod:
        """Attach a PaymentMethod to a customer."""
        saved = self._wanted(f"/v1/payment_methods/{quote(method, safe='')}/attach", {"customer": customer})
        card = saved.get("card") or {}
        return SavedMethod(
            id=saved["id"],
            customer=customer,
            type=saved["type"],
            label=label(saved),
            exp_month=card.get("exp_month"),
            exp_year=card.get("exp_year"),
        )

    def refund(self, key: str, reference: str, amount: Money, metadata: dict[str, str]) -> RefundTold:
        """Give back a part or the whole of a PaymentIntent."""
        params = {"payment_intent": reference, "amount": to_stripe(amount), "metadata": metadata}
        return _refund(self._wanted("/v1/refunds", params, key))

    def tax(self, question: TaxQuestion) -> TaxAnswer:
        """A calculation of Stripe Tax, with all its pages."""
        made = self._wanted("/v1/tax/calculations", stripe_tax.params(question))
        return stripe_tax.answer(made, question.currency, self._get)

    def _wanted(self, path: str, params: dict[str, Any], key: str | None = None) -> dict[str, Any]:
        """A POST that either succeeds, or is Refused, or found nobody there."""
        try:
            return self._post(path, params, key)
        except (stripe.CardError, stripe.InvalidRequestError) as error:
            if error.code == "stripe_tax_inactive":
                raise _unavailable(error) from error  # the merchant's settings: no record is at fault
            raise _refused(error) from error
        except stripe.StripeError as error:
            raise _unavailable(error) from error

    def _post(self, path: str, params: dict[str, Any], key: str | None = None) -> dict[str, Any]:
        options = {"idempotency_key": key} if key else {}
        return cast(dict[str, Any], self._client.raw_request("post", path, **params, **options).data)

    def _get(self, path: str, params: dict[str, Any]) -> dict[str, Any]:
        try:
            return cast(dict[str, Any], self._client.raw_request("get", path, **params).data)
        except stripe.InvalidRequestError as error:
            raise _refused(error) from error
        except stripe.StripeError as error:
            raise _unavailable(error) from error


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


def outcome(intent: dict[str, Any]) -> Outcome:
    """What a PaymentIntent says of its money; one that is still being made says nothing yet."""
    match intent["status"]:
        case "succeeded":
            return _succeeded(intent)
        case "requires_action":
            return ActionRequired(reference=intent["id"])
        case "canceled":
            return Canceled(reference=intent["id"])
        case "requires_payment_method" if intent.get("last_payment_error"):
            return _failed(intent)
        case _:
            return Processing(reference=intent["id"])


def label(method: dict[str, Any]) -> str:
    """A payment method as a person reads it: "Visa •••• 4242"."""
    details = method.get(method["type"]) or {}
    name = details.get("brand") or details.get("bank_name") or method["type"].replace("_", " ")
    name = BRANDS.get(name, name)
    return f"{name} •••• {details['last4']}" if details.get("last4") else name


def _succeeded(intent: dict[str, Any]) -> Succeeded:
    """With fee and net, where Stripe has them at once."""
    charge = intent["latest_charge"]
    moved = charge["balance_transaction"] if isinstance(charge, dict) else None
    if not isinstance(moved, dict):
        return Succeeded(reference=intent["id"])
    fee, net = from_stripe(moved["fee"], moved["currency"]), from_stripe(moved["net"], moved["currency"])
    return Succeeded(reference=intent["id"], fee=fee, net=net)


def _failed(intent: dict[str, Any]) -> Declined:
    """A PaymentIntent that asks for another method: the last one was refused."""
    error = intent["last_payment_error"]
    code = error.get("decline_code") or error.get("code") or "unknown"
    return Declined(
        code=code, hard=is_final(code), reference=intent["id"], message=error.get("message") or ""
    )


def _declined(error: stripe.CardError) -> Declined:
    told = error.error
    intent = getattr(told, "payment_intent", None) if told else None
    code = (told.decline_code if told else None) or error.code or "card_declined"
    reference = intent["id"] if intent else None
    return Declined(code=code, hard=is_final(code), reference=reference, message=error.user_message or "")


def _wrong(error: stripe.StripeError) -> Declined | Unknown:
    """A request Stripe finds wrong moved no money; one under a key that was used otherwise may have.

    Only where it is the method or its customer that is wrong is the method given up.
    """
    if isinstance(error, stripe.IdempotencyError) or error.http_status == 409:
        return Unknown(reason=f"Stripe is at it already, or was: {error.user_message}")
    hard = getattr(error, "param", None) in ("payment_method", "customer")
    return Declined(code=error.code or "invalid_request", hard=hard, message=error.user_message or "")


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


def _refund(refund: dict[str, Any]) -> RefundTold:
    return RefundTold(
        reference=refund["id"],
        amount=from_stripe(refund["amount"], refund["currency"]),
        status=refund["status"] or "pending",
        intent=refund["payment_intent"] or "",
        metadata=refund["metadata"] or {},
        failure=refund.get("failure_reason"),
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
