"""Stripe's Checkout: the page a buyer pays or leaves a method on, as parameters and as what has become of it."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from chalicelib.adapters.stripe_outcomes import label, outcome, saved
from chalicelib.billing.addresses import COUNTRIES, Address
from chalicelib.billing.collection import AddressType, MethodType
from chalicelib.billing.gateway import (
    AtCheckout,
    Canceled,
    Collected,
    Outcome,
    Page,
    Processing,
    Request,
    SetupPage,
    Succeeded,
    Unknown,
)
from chalicelib.billing.money import to_stripe

PAID: Final = ["payment_intent.latest_charge.balance_transaction"]
LEFT: Final = ["setup_intent.payment_method"]

_NOT_SHIPPED: Final = frozenset("AS CX CC CU HM IR KP MH FM NF MP PW SD SY UM VI".split())
"""What Stripe's page does not ship to (`shipping_address_collection.allowed_countries`)."""
_LINE: Final = 250
"""As long as a part of an address may be over our API."""


def payment_params(request: Request, page: Page) -> dict[str, Any]:
    """A page that asks for one amount, in its own currency and no other. Raises Invalid on one Stripe cannot take."""
    price = {
        "currency": request.amount.currency,
        "unit_amount": to_stripe(request.amount),
        "product_data": {"name": request.description},
    }
    intent: dict[str, Any] = {"metadata": request.metadata, "description": request.description}
    if page.save_method:
        intent["setup_future_usage"] = "off_session"
    return {
        **_any_page(request.customer, page.types, request.metadata, page.back_url, page.expires_at),
        **_addresses(page),
        "mode": "payment",
        "line_items": [{"quantity": 1, "price_data": price}],
        "payment_intent_data": intent,
        "adaptive_pricing": {"enabled": False},
        "payment_method_options": _options(page.types, {}),
        "expand": PAID,
    }


def setup_params(
    *,
    customer: str,
    types: tuple[MethodType, ...],
    metadata: dict[str, str],
    back_url: str,
    expires_at: datetime,
) -> dict[str, Any]:
    """A page that asks for a method only."""
    return {
        **_any_page(customer, types, metadata, back_url, expires_at),
        "mode": "setup",
        "setup_intent_data": {"metadata": metadata},
        "payment_method_options": _options(types, {"currency": "cad"}),
        "expand": LEFT,
    }


def paid(session: dict[str, Any]) -> Outcome:
    """What has become of a page's payment. Money that moves counts, whatever the page says of itself."""
    intent = session.get("payment_intent")
    told = _labeled(intent, _collected(session)) if isinstance(intent, dict) else None
    moving = session["status"] == "expired" and isinstance(intent, dict) and intent["status"] == "processing"
    if isinstance(told, Succeeded) or moving or session["status"] == "complete":
        return told or Unknown(reason="The page is complete, and names no payment.")
    if session["status"] == "expired":
        return Canceled(reference=intent["id"] if isinstance(intent, dict) else "")
    return AtCheckout(
        session=session["id"],
        url=session["url"] or "",
        expires_at=datetime.fromtimestamp(session["expires_at"], UTC),
    )


def _labeled(intent: dict[str, Any], collected: Collected | None) -> Outcome:
    """What a buyer chose is known by the charge alone."""
    told = outcome(intent)
    charge = intent.get("latest_charge")
    details = charge.get("payment_method_details") if isinstance(charge, dict) else None
    if details and isinstance(told, Succeeded | Processing):
        return replace(told, label=label(details), type=details["type"], collected=collected)
    return told


def _collected(session: dict[str, Any]) -> Collected | None:
    """The addresses the page asked for; what Stripe learns besides, such as a card's postal code, is none."""
    billing = shipping = None
    if session.get("billing_address_collection") == "required":
        billing = _address((session.get("customer_details") or {}).get("address"))
    if session.get("shipping_address_collection"):
        told = (session.get("collected_information") or {}).get("shipping_details") or {}
        shipping = _address(told.get("address"))
    return Collected(billing=billing, shipping=shipping) if billing or shipping else None


def _address(told: dict[str, Any] | None) -> Address | None:
    """An address of Stripe's, where it names a country."""
    if not told or told.get("country") not in COUNTRIES:
        return None
    parts = ("country", "line1", "line2", "city", "postal_code", "state")
    return Address(**{part: _line(told.get(part)) for part in parts})


def _line(typed: str | None) -> str:
    """What a stranger typed, as our own API would take it: one line, and no longer than documents have room for."""
    return "".join(letter if letter.isprintable() else " " for letter in typed or "").strip()[:_LINE]


def left(session: dict[str, Any]) -> SetupPage:
    """What has become of a page in setup mode."""
    if session["status"] == "open":
        return SetupPage(session=session["id"], url=session["url"])
    intent = session.get("setup_intent") or {}
    method = intent.get("payment_method")
    if session["status"] == "complete" and intent.get("status") == "processing":
        return SetupPage(session=session["id"], url="")  # the bank is still at it: it is asked about again
    if session["status"] != "complete" or intent.get("status") != "succeeded" or not method:
        return SetupPage(session=session["id"])
    return SetupPage(session=session["id"], method=saved(method, session["customer"]))


def _any_page(
    customer: str,
    types: tuple[MethodType, ...],
    metadata: dict[str, str],
    back_url: str,
    expires_at: datetime,
) -> dict[str, Any]:
    return {
        "customer": customer,
        "allowed_payment_method_types": [type_.value for type_ in types],
        "metadata": metadata,
        "success_url": back_url,
        "cancel_url": back_url,
        "expires_at": int(expires_at.timestamp()),
    }


def _addresses(page: Page) -> dict[str, Any]:
    """What the page asks for besides the money, kept at Stripe's customer."""
    asked: dict[str, Any] = {}
    if AddressType.BILLING in page.addresses:
        asked |= {"billing_address_collection": "required", "customer_update": {"address": "auto"}}
    if AddressType.SHIPPING in page.addresses:
        kept = {**asked.get("customer_update", {}), "shipping": "auto"}
        countries = sorted(COUNTRIES - _NOT_SHIPPED)
        asked |= {"shipping_address_collection": {"allowed_countries": countries}, "customer_update": kept}
    return asked


def _options(types: tuple[MethodType, ...], of_setup: dict[str, str]) -> dict[str, Any]:
    """Bank accounts are verified at once: micro-deposits would leave the page's payment open for days."""
    options: dict[str, Any] = {}
    if MethodType.ACH in types:
        options[MethodType.ACH.value] = {"verification_method": "instant"}
    if MethodType.PAD in types:
        mandate = {"payment_schedule": "sporadic", "transaction_type": "personal"}
        options[MethodType.PAD.value] = {
            "verification_method": "instant", "mandate_options": mandate, **of_setup,
        }  # fmt: skip
    return options
