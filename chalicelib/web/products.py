"""Products: the library of what is sold."""

from decimal import Decimal

from chalicelib.billing.errors import Invalid
from chalicelib.billing.periods import Frequency
from chalicelib.billing.pricing import Model
from chalicelib.billing.products import Product
from chalicelib.operations import offer
from chalicelib.web.bodies import Body, Currency, Number, OneLine, Term, Text
from chalicelib.web.endpoint import Call
from chalicelib.web.lines import Ids, Tiers
from chalicelib.web.paging import Paging, owned
from chalicelib.web.shown import Listed


class NewProduct(Body, frozen=True):
    """Something to sell. `unit_amount` is the price of one in minor units; with decimals it is a string.

    With a `model` other than flat the `tiers` are the price instead. `frequency` one_time is billed once. `taxes`
    (ids of tax rates) and the term, `payments` or a duration (P12M), are of lines that say nothing else.
    """

    name: OneLine
    frequency: Frequency
    unit_amount: Number | None = None
    currency: Currency | None = None
    description: Text = ""
    sku: OneLine = ""
    model: Model | None = None
    tiers: Tiers = ()
    taxes: Ids = ()
    tax_code: OneLine | None = None
    tax_inclusive: bool = False
    payments: int | None = None
    term: Term | None = None


def list_(call: Call, query: Paging) -> Listed[Product]:
    """All products, newest first."""
    return owned(call.service, Product, f"{call.account.id}/product", query)


def create(call: Call, body: NewProduct) -> Product:
    """Add a product; its currency is the account's where none is given."""
    tiered = body.model not in (None, Model.FLAT)
    if body.unit_amount is None and not tiered:
        detail = "Give the price of one in minor units, or a model and its tiers."
        raise Invalid("unit_amount_missing", detail, "unit_amount")
    return offer.product(
        call.service,
        call.account.id,
        name=body.name,
        currency=body.currency or call.account.currency,
        frequency=body.frequency,
        unit_amount=Decimal(body.unit_amount or 0),
        description=body.description,
        sku=body.sku,
        model=body.model if tiered else None,
        tiers=tuple(tier.made() for tier in body.tiers),
        taxes=body.taxes,
        tax_code=body.tax_code,
        tax_inclusive=body.tax_inclusive,
        payments=body.payments,
        term=body.term,
    )


def get(call: Call, id_: str) -> Product:
    """A product."""
    return call.get(Product, id_)
