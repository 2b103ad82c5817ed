"""Stripe Tax's calculations: a question as their parameters, and what they answer.

Stripe taxes each line by itself; the taxes of a line are told apart by jurisdiction, kind and percentage.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Final

from chalicelib.billing.automatic_tax import LineTax, TaxAnswer, TaxQuestion
from chalicelib.billing.money import Money, from_stripe, to_stripe
from chalicelib.billing.tax import Category, Exemption, Tax

Get = Callable[[str, dict[str, Any]], dict[str, Any]]
EXPAND: Final = ["line_items.data.tax_breakdown"]
_OVERRIDES: Final = {
    None: "none",
    Exemption.EXEMPT: "customer_exempt",
    Exemption.REVERSE: "reverse_charge",
}
_UNTAXED: Final = frozenset({"not_collecting", "not_subject_to_tax", "not_supported"})
_CATEGORIES: Final = {
    "reverse_charge": Category.REVERSE_CHARGE,
    "customer_exempt": Category.EXEMPT,
    "product_exempt": Category.EXEMPT,
    "product_exempt_holiday": Category.EXEMPT,
    "portion_product_exempt": Category.EXEMPT,
    "zero_rated": Category.ZERO,
}
_NAMES: Final = {
    Category.REVERSE_CHARGE: "Reverse charge",
    Category.EXEMPT: "Exempt",
    Category.ZERO: "Zero-rated",
}


def params(question: TaxQuestion) -> dict[str, Any]:
    """The parameters of POST /v1/tax/calculations. Raises Invalid on an amount Stripe does not take."""
    where = question.address
    address = {
        "country": where.country,
        "line1": where.line1,
        "line2": where.line2,
        "city": where.city,
        "postal_code": where.postal_code,
        "state": where.state,
    }
    return {
        "currency": question.currency,
        "line_items": [
            {
                "amount": to_stripe(Money(line.amount, question.currency)),
                "reference": line.reference,
                "tax_behavior": "inclusive" if line.inclusive else "exclusive",
                **({"tax_code": line.code} if line.code else {}),
            }
            for line in question.lines
        ],
        "customer_details": {
            "address": {name: value for name, value in address.items() if value},
            "address_source": "billing",
            "taxability_override": _OVERRIDES[question.exemption],
        },
        "expand": EXPAND,
    }


def answer(made: dict[str, Any], currency: str, get: Get) -> TaxAnswer:
    """A calculation as the taxes of the lines; `get` fetches the pages of its line items that it does not show."""
    parts = [
        part
        for item in _items(made, get)
        for told in item["tax_breakdown"] or ()
        if (part := _part(item, told, currency)) is not None
    ]
    return TaxAnswer(parts=tuple(parts))


def _items(made: dict[str, Any], get: Get) -> Iterator[dict[str, Any]]:
    page = made["line_items"]
    yield from page["data"]
    while page["has_more"]:
        after = {"starting_after": page["data"][-1]["id"], "limit": 100, "expand": ["data.tax_breakdown"]}
        page = get(f"/v1/tax/calculations/{made['id']}/line_items", after)
        yield from page["data"]


def _part(item: dict[str, Any], told: dict[str, Any], currency: str) -> LineTax | None:
    """One entry of a line's breakdown; None where no tax applies there at all."""
    if told["taxability_reason"] in _UNTAXED:
        return None
    return LineTax(
        reference=item["reference"],
        tax=_tax(told, inclusive=item["tax_behavior"] == "inclusive"),
        base=from_stripe(told["taxable_amount"], currency).amount,
        amount=from_stripe(told["amount"], currency).amount,
    )


def _tax(told: dict[str, Any], *, inclusive: bool) -> Tax:
    """The rate, named by where it is raised, what it is, and how much: equal ones are one rate of the invoice."""
    category = _CATEGORIES.get(told["taxability_reason"])
    details, where = told["tax_rate_details"] or {}, told["jurisdiction"]
    percent = Decimal(details.get("percentage_decimal") or 0) if category is None else Decimal(0)
    percent = Decimal(f"{percent.normalize():f}")  # 20.0 and 20 are one rate, and neither is 2E+1
    kind = details.get("tax_type") or "tax"
    place = [where["country"], where.get("state"), where["level"], where["display_name"]]
    words = [*filter(None, place), kind, percent, category, "inside" if inclusive else None]
    name = details.get("display_name") or "Tax"
    if where["level"] != "country":
        name = f"{where['display_name']} {name}"
    return Tax(
        id="_".join(str(word).lower().replace(" ", "-") for word in words if word),
        name=name if category is None else _NAMES[category],
        percent=percent,
        inclusive=inclusive,
        category=category,
    )
