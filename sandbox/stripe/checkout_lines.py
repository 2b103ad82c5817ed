"""What a Checkout Session sells: its line items, each with the price that was made for it on the spot."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox.stripe import currencies, ids
from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.shelves import Thing
from sandbox.stripe.state import Call

SHOWN_AT_ONCE = 10
MOST_LINES = 100


def items(call: Call) -> list[Thing]:
    """The lines as they were asked for, all in one currency."""
    given = call.params.get("line_items") or []
    if len(given) > MOST_LINES:
        raise invalid(f"You cannot have more than {MOST_LINES} line items.", param="line_items")
    made = [_item(call, line, f"line_items[{place}]") for place, line in enumerate(given)]
    if len({item["currency"] for item in made}) > 1:
        raise invalid("All line items must have the same currency.", param="line_items")
    return made


def _item(call: Call, line: dict[str, Any], param: str) -> Thing:
    if "price" in line:
        raise missing("price", line["price"], f"{param}[price]")
    if "price_data" not in line:
        raise invalid(
            f"You must provide either `{param}[price]` or `{param}[price_data]`.",
            code="parameter_missing",
            param=f"{param}[price_data]",
        )
    quantity = line.get("quantity")
    if quantity is None or quantity < 1:
        raise invalid(f"Missing required param: {param}[quantity].", param=f"{param}[quantity]")
    data = line["price_data"]
    price, amount = _price(call, data, param)
    total = int((amount * quantity).to_integral_value(ROUND_HALF_UP))
    return {
        "id": ids.new("li"), "object": "item", "adjustable_quantity": None, "amount_discount": 0,
        "amount_subtotal": total, "amount_tax": 0, "amount_total": total, "currency": price["currency"],
        "description": data["product_data"]["name"], "metadata": line.get("metadata") or {}, "price": price,
        "quantity": quantity,
    }  # fmt: skip


def _price(call: Call, data: dict[str, Any], param: str) -> tuple[Thing, Decimal]:
    """An inline price is never active: it serves this one session."""
    if "product" in data:
        raise missing("product", data["product"], f"{param}[price_data][product]")
    if "product_data" not in data:
        name = f"{param}[price_data][product_data]"
        raise invalid(f"Missing required param: {name}.", code="parameter_missing", param=name)
    if "recurring" in data:
        raise invalid(
            "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use "
            "only one-time prices.",
            param=f"{param}[price_data][recurring]",
        )
    if ("unit_amount" in data) == ("unit_amount_decimal" in data):
        raise invalid(
            "Specify one of `unit_amount` and `unit_amount_decimal`.",
            code="parameter_missing",
            param=f"{param}[price_data][unit_amount]",
        )
    amount = Decimal(data.get("unit_amount_decimal") or data.get("unit_amount", 0))
    if amount < 0:
        raise invalid("Invalid non-negative integer", param=f"{param}[price_data][unit_amount]")
    whole = amount == amount.to_integral_value()
    price: Thing = {
        "id": ids.new("price"), "object": "price", "active": False, "billing_scheme": "per_unit", "created": call.now,
        "currency": currencies.checked(data["currency"]), "custom_unit_amount": None, "livemode": False,
        "lookup_key": None, "metadata": {}, "nickname": None, "product": ids.new("prod"), "recurring": None,
        "tax_behavior": data.get("tax_behavior", "unspecified"), "tiers_mode": None, "transform_quantity": None,
        "type": "one_time", "unit_amount": int(amount) if whole else None,
        "unit_amount_decimal": format(amount.normalize(), "f"),
    }  # fmt: skip
    return price, amount


def listed(call: Call) -> Thing:
    """In the order in which they were sent."""
    call.account.get("checkout.session", call.name)
    made = call.account.noted(call.name, "lines")
    names = [item["id"] for item in made]
    after, limit = call.params.get("starting_after"), call.params.get("limit", SHOWN_AT_ONCE)
    if after is not None and after not in names:
        raise missing("item", after, "starting_after")
    start = names.index(after) + 1 if after is not None else 0
    return page(call.name, made[start:], limit)


def page(session: str, made: list[Thing], limit: int = SHOWN_AT_ONCE) -> Thing:
    url = f"/v1/checkout/sessions/{session}/line_items"
    return {"object": "list", "data": made[:limit], "has_more": len(made) > limit, "url": url}
