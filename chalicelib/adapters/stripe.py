"""Stripe as the gateway."""

from datetime import datetime
from typing import Any
from urllib.parse import quote

import stripe

from chalicelib.adapters import stripe_checkout, stripe_lists, stripe_refunds, stripe_tax
from chalicelib.adapters.stripe_http import READ_SECONDS, Connection, unavailable
from chalicelib.adapters.stripe_outcomes import EXPAND, declined, no_answer, outcome, saved, wrong
from chalicelib.billing.automatic_tax import TaxAnswer, TaxQuestion
from chalicelib.billing.collection import MethodType
from chalicelib.billing.errors import Invalid
from chalicelib.billing.gateway import (
    EVER,
    ChargeTold,
    Declined,
    DisputeTold,
    Outcome,
    RefundTold,
    Request,
    SavedMethod,
    SetupPage,
    Span,
)
from chalicelib.billing.money import Money, to_stripe

INTENTS, SESSIONS = "/v1/payment_intents", "/v1/checkout/sessions"


class StripeGateway:
    """Thread-safe."""

    def __init__(self, api_key: str, api_base: str | None = None, read_seconds: float = READ_SECONDS) -> None:
        self._stripe = Connection(api_key, api_base, read_seconds)

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
            return outcome(self._stripe.post(INTENTS, params, key))
        except stripe.CardError as error:
            return declined(error)
        except (stripe.InvalidRequestError, stripe.IdempotencyError) as error:
            return wrong(error)
        except stripe.StripeError as error:
            return no_answer(error)

    def find(self, request: Request, since: datetime) -> Outcome | None:
        """The newest of the customer's PaymentIntents, or pages, that carries the request's payment in its metadata."""
        path, told, expand = (
            (INTENTS, outcome, EXPAND)
            if request.page is None
            else (SESSIONS, stripe_checkout.paid, stripe_checkout.PAID)
        )
        params = {
            "customer": request.customer,
            "created": {"gte": int(since.timestamp())},
            "limit": 100,
            "expand": [f"data.{one}" for one in expand],
        }
        while True:
            page = self._stripe.get(path, params)
            for thing in page["data"]:
                if (thing["metadata"] or {}).get("payment") == request.metadata["payment"]:
                    return told(thing)
            if not page["has_more"]:
                return None
            params = params | {"starting_after": page["data"][-1]["id"]}

    def fetch(self, reference: str) -> Outcome:
        """The PaymentIntent as it is now."""
        return outcome(self._stripe.get(f"{INTENTS}/{reference}", {"expand": EXPAND}))

    def cancel(self, reference: str) -> Outcome:
        """Cancel a PaymentIntent; where it is too late for that, what it has become."""
        try:
            return outcome(self._stripe.post(f"{INTENTS}/{reference}/cancel", {"expand": EXPAND}))
        except stripe.InvalidRequestError:
            return self.fetch(reference)
        except stripe.StripeError as error:
            raise unavailable(error) from error

    def customer(self, key: str, *, name: str, email: str, metadata: dict[str, str]) -> str:
        """A customer; `key` makes a repetition give the same one."""
        params = {"name": name, "email": email, "metadata": metadata}
        return str(self._stripe.wanted("/v1/customers", params, key)["id"])

    def attach(self, method: str, customer: str) -> SavedMethod:
        """Attach a PaymentMethod to a customer."""
        path = f"/v1/payment_methods/{quote(method, safe='')}/attach"
        return saved(self._stripe.wanted(path, {"customer": customer}), customer)

    def checkout(self, key: str, request: Request) -> Outcome:
        """One Checkout Session in payment mode."""
        if request.page is None:
            raise AssertionError("Only a request with a page is paid on one.")
        try:
            params = stripe_checkout.payment_params(request, request.page)
        except Invalid as error:
            return Declined(code=error.code, hard=False, message=error.detail)
        try:
            return stripe_checkout.paid(self._stripe.post(SESSIONS, params, key))
        except (stripe.InvalidRequestError, stripe.IdempotencyError) as error:
            return wrong(error)
        except stripe.StripeError as error:
            return no_answer(error)

    def fetch_checkout(self, session: str) -> Outcome:
        """The Checkout Session as it is now."""
        return stripe_checkout.paid(self._session(session, stripe_checkout.PAID))

    def expire(self, session: str) -> Outcome:
        """Expire a Checkout Session; where it is too late for that, what it has become."""
        return stripe_checkout.paid(self._expired(session))

    def confirm(self, key: str, reference: str, method: str, back_url: str) -> Outcome:
        """Confirm a PaymentIntent on session; one that cannot be confirmed any more is what it has become."""
        params = {"payment_method": method, "return_url": back_url, "expand": EXPAND}
        try:
            return outcome(self._stripe.post(f"{INTENTS}/{reference}/confirm", params, key))
        except stripe.CardError as error:
            return declined(error)
        except stripe.InvalidRequestError:
            return self.fetch(reference)
        except stripe.StripeError as error:
            return no_answer(error)

    def setup(
        self,
        key: str,
        *,
        customer: str,
        types: tuple[MethodType, ...],
        metadata: dict[str, str],
        back_url: str,
        expires_at: datetime,
    ) -> SetupPage:
        """One Checkout Session in setup mode."""
        params = stripe_checkout.setup_params(
            customer=customer, types=types, metadata=metadata, back_url=back_url, expires_at=expires_at
        )
        return stripe_checkout.left(self._stripe.wanted(SESSIONS, params, key))

    def fetch_setup(self, session: str) -> SetupPage:
        """The Checkout Session as it is now."""
        return stripe_checkout.left(self._session(session, stripe_checkout.LEFT))

    def refund(self, key: str, reference: str, amount: Money, metadata: dict[str, str]) -> RefundTold:
        """Give back a part or the whole of a PaymentIntent."""
        params = {
            "payment_intent": reference,
            "amount": to_stripe(amount),
            "metadata": metadata,
            "expand": stripe_refunds.REFUNDED,
        }
        return stripe_refunds.refund(self._stripe.wanted("/v1/refunds", params, key))

    def refunds_of(self, reference: str) -> list[RefundTold]:
        """The refunds of a PaymentIntent, all pages of them."""
        return stripe_refunds.of(self._stripe.get, reference)

    def fetch_dispute(self, id_: str) -> DisputeTold:
        """The dispute as it is now, with its balance transactions."""
        return stripe_refunds.dispute(
            self._stripe.get(f"/v1/disputes/{id_}", {"expand": stripe_refunds.DISPUTED})
        )

    def metadata(self, reference: str) -> dict[str, str]:
        """The metadata of a PaymentIntent."""
        return dict(self._stripe.get(f"{INTENTS}/{reference}", {})["metadata"] or {})

    def charges(self, after: str | None, span: Span = EVER) -> tuple[list[ChargeTold], str | None]:
        """All PaymentIntents, a page at a time."""
        return stripe_lists.charges(self._stripe.get, after, span)

    def refunds(self, after: str | None, span: Span = EVER) -> tuple[list[RefundTold], str | None]:
        """All refunds, a page at a time."""
        return stripe_lists.refunds(self._stripe.get, after, span)

    def disputes(self, after: str | None, span: Span = EVER) -> tuple[list[DisputeTold], str | None]:
        """All disputes, a page at a time."""
        return stripe_lists.disputes(self._stripe.get, after, span)

    def balance(self) -> list[Money]:
        """The balance, and what has been paid out of it."""
        return stripe_lists.balance(self._stripe.get)

    def tax(self, question: TaxQuestion) -> TaxAnswer:
        """A calculation of Stripe Tax, with all its pages."""
        made = self._stripe.wanted("/v1/tax/calculations", stripe_tax.params(question))
        return stripe_tax.answer(made, question.currency, self._stripe.get)

    def _session(self, session: str, expand: list[str]) -> dict[str, Any]:
        return self._stripe.get(f"{SESSIONS}/{session}", {"expand": expand})

    def _expired(self, session: str) -> dict[str, Any]:
        try:
            return self._stripe.post(f"{SESSIONS}/{session}/expire", {"expand": stripe_checkout.PAID})
        except stripe.InvalidRequestError:
            return self._session(session, stripe_checkout.PAID)
        except stripe.StripeError as error:
            raise unavailable(error) from error
