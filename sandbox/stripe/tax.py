"""Stripe Tax's calculations (https://docs.stripe.com/api/tax/calculations)."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox.stripe import currencies, ids
from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.metadata import merged
from sandbox.stripe.payment_methods import NO_ADDRESS, living_customer
from sandbox.stripe.shelves import Thing
from sandbox.stripe.state import DAY, Call
from sandbox.stripe.tax_rates import BY_STATE, RATES, Rate, state_of_zip

MOST_LINES = 100
SHOWN_AT_ONCE = 10
KEPT = 90 * DAY
NONTAXABLE, USUAL = "txcd_00000000", "txcd_10000000"
_CODE = re.compile(r"txcd_\d{8}")
_UNTAXED = {"customer_exempt": "customer_exempt", "reverse_charge": "reverse_charge"}


def calculate(call: Call) -> Thing:
    """A calculation changes nothing: it says what would be owed."""
    currency = currencies.checked(call.params["currency"])
    customer = _customer(call)
    rates = _rates(customer["address"])
    items = _items(call, rates, customer)
    taxes = [(item, told) for item in items for told in item["tax_breakdown"]]
    inside = sum(told["amount"] for item, told in taxes if item["tax_behavior"] == "inclusive")
    on_top = sum(told["amount"] for item, told in taxes) - inside
    name = ids.new("taxcalc")
    call.account.note(name, items=items)
    made: Thing = {
        "id": name, "object": "tax.calculation", "amount_total": sum(item["amount"] for item in items) + on_top,
        "currency": currency, "customer": call.params.get("customer"), "customer_details": customer,
        "expires_at": call.now + KEPT, "livemode": False, "ship_from_details": None, "shipping_cost": None,
        "tax_amount_exclusive": on_top, "tax_amount_inclusive": inside, "tax_breakdown": _summed(taxes),
        "tax_date": call.params.get("tax_date", call.now),
    }  # fmt: skip
    return shown(call, call.account.put(made))


def retrieve(call: Call) -> Thing:
    return shown(call, call.account.get("tax.calculation", call.name))


def line_items(call: Call) -> Thing:
    """In the order in which they were sent."""
    call.account.get("tax.calculation", call.name)
    items = call.account.noted(call.name, "items")
    after, limit = call.params.get("starting_after"), call.params.get("limit", SHOWN_AT_ONCE)
    names = [item["id"] for item in items]
    if after is not None and after not in names:
        raise missing("tax.calculation_line_item", after, "starting_after")
    start = names.index(after) + 1 if after is not None else 0
    return _page(call, items[start:], limit, whole="data.tax_breakdown" in call.expand)


def shown(call: Call, made: Thing) -> Thing:
    """With its line items, and these with their taxes, where that is asked for."""
    if not any(path.split(".")[0] == "line_items" for path in call.expand):
        return {**made, "line_items": None}
    whole = "line_items.data.tax_breakdown" in call.expand
    items = call.account.noted(made["id"], "items")
    return {**made, "line_items": _page(Call(**_named(call, made["id"])), items, SHOWN_AT_ONCE, whole=whole)}


def _named(call: Call, name: str) -> dict[str, Any]:
    return {"world": call.world, "account": call.account, "params": {}, "name": name, "now": call.now}


def _page(call: Call, items: list[Thing], limit: int, *, whole: bool) -> Thing:
    data = [item if whole else {**item, "tax_breakdown": None} for item in items[:limit]]
    url = f"/v1/tax/calculations/{call.name}/line_items"
    return {"object": "list", "data": data, "has_more": len(items) > limit, "url": url}


def _customer(call: Call) -> Thing:
    given = call.params.get("customer_details") or {}
    address = {**NO_ADDRESS, **{name: text or None for name, text in (given.get("address") or {}).items()}}
    if "customer" in call.params:
        address = living_customer(call.account, call.params["customer"], "customer")["address"] or address
    if not address["country"]:
        raise invalid(
            "You must provide the customer's address to calculate tax.",
            code="customer_tax_location_invalid",
            param="customer_details[address]",
        )
    return {
        "address": address, "address_source": given.get("address_source", "billing"),
        "ip_address": given.get("ip_address"), "tax_ids": given.get("tax_ids", []),
        "taxability_override": given.get("taxability_override", "none"),
    }  # fmt: skip


def _rates(address: Thing) -> tuple[Rate, ...]:
    """The rates of a place; none where the merchant is not registered."""
    country, state = address["country"], address["state"] or ""
    if country not in BY_STATE:
        state = ""
    elif not state:
        state = state_of_zip(address["postal_code"] or "") or "" if country == "US" else ""
    if not re.fullmatch("[A-Z]{2}", country) or (country in BY_STATE and not state):
        raise invalid(
            "The customer's location isn't recognized. Set a valid customer address in order to automatically "
            "calculate tax.",
            code="customer_tax_location_invalid",
            param="customer_details[address]",
        )
    return RATES.get((country, state), ())


def _items(call: Call, rates: tuple[Rate, ...], customer: Thing) -> list[Thing]:
    given = call.params["line_items"]
    if not 1 <= len(given) <= MOST_LINES:
        raise invalid(f"You must pass from 1 to {MOST_LINES} line items.", param="line_items")
    references = [item.get("reference", f"L{n}") for n, item in enumerate(given, 1)]
    if len(set(references)) < len(references):
        raise invalid("Line item references must be unique within a calculation.", param="line_items")
    return [
        _item(item, n, reference, rates, customer)
        for n, (item, reference) in enumerate(zip(given, references, strict=True))
    ]


def _item(given: Thing, n: int, reference: str, rates: tuple[Rate, ...], customer: Thing) -> Thing:
    if given["amount"] < 1:
        name = f"line_items[{n}][amount]"
        raise invalid("Invalid positive integer", code="parameter_invalid_integer", param=name)
    code = given.get("tax_code", USUAL)
    if not _CODE.fullmatch(code):
        raise missing("tax_code", code, f"line_items[{n}][tax_code]")
    behavior = given.get("tax_behavior", "exclusive")
    reason = _UNTAXED.get(customer["taxability_override"]) or (
        "product_exempt" if code == NONTAXABLE else "standard_rated"
    )
    taxes = _taxes(
        given["amount"], rates, reason, customer["address"]["country"], inclusive=behavior == "inclusive"
    )
    return {
        "id": ids.new("tax_li"), "object": "tax.calculation_line_item", "amount": given["amount"],
        "amount_tax": sum(told["amount"] for told in taxes), "livemode": False,
        "metadata": merged({}, given.get("metadata")), "product": given.get("product"),
        "quantity": given.get("quantity", 1), "reference": reference, "tax_behavior": behavior,
        "tax_breakdown": taxes, "tax_code": code,
    }  # fmt: skip


def _taxes(
    amount: int, rates: tuple[Rate, ...], reason: str, country: str, *, inclusive: bool
) -> list[Thing]:
    """Each rate's part of a line, rounded for itself; where nothing is collected one entry that says so."""
    if not rates:
        where = {"country": country, "display_name": country, "level": "country", "state": None}
        return [_told(where, None, "not_collecting", 0, 0)]
    over = 100 + (sum(rate.percent for rate in rates) if inclusive else 0)
    taxed = reason == "standard_rated"
    parts = [_half_up(amount * rate.percent / over) if taxed else 0 for rate in rates]
    base = (amount - sum(parts) if inclusive else amount) if taxed else 0
    return [
        _told(
            {"country": country, "display_name": rate.place, "level": rate.level, "state": rate.state},
            {"display_name": rate.name, "percentage_decimal": str(rate.percent), "tax_type": rate.type},
            reason,
            base,
            part,
        )
        for rate, part in zip(rates, parts, strict=True)
    ]


def _told(where: Thing, details: Thing | None, reason: str, base: int, amount: int) -> Thing:
    return {
        "amount": amount, "jurisdiction": where, "sourcing": "destination", "tax_rate_details": details,
        "taxability_reason": reason, "taxable_amount": base,
    }  # fmt: skip


def _summed(taxes: list[tuple[Thing, Thing]]) -> list[Thing]:
    """The same rates of all lines, together."""
    summed: dict[str, Thing] = {}
    for item, told in taxes:
        inclusive, rate = item["tax_behavior"] == "inclusive", told["tax_rate_details"] or {}
        where = told["jurisdiction"]
        key = f"{where} {rate} {inclusive} {told['taxability_reason']}"
        entry = summed.setdefault(key, {
            "amount": 0, "inclusive": inclusive,
            "tax_rate_details": {
                "country": where["country"], "flat_amount": None,
                "percentage_decimal": rate.get("percentage_decimal", "0"), "rate_type": "percentage",
                "state": where["state"], "tax_type": rate.get("tax_type"),
            },
            "taxability_reason": told["taxability_reason"], "taxable_amount": 0,
        })  # fmt: skip
        entry["amount"] += told["amount"]
        entry["taxable_amount"] += told["taxable_amount"]
    return list(summed.values())


def _half_up(value: Decimal) -> int:
    return int(value.to_integral_value(ROUND_HALF_UP))
