"""Products: the library of what is sold."""

from decimal import Decimal

from chalicelib.billing.periods import Frequency
from chalicelib.billing.products import Product
from chalicelib.operations import create as new
from chalicelib.web.bodies import Body, Currency, Number, OneLine, Text
from chalicelib.web.endpoint import Call
from chalicelib.web.paging import Paging, owned
from chalicelib.web.shown import Listed


class NewProduct(Body, frozen=True):
    """Something to sell. `unit_amount` is the price of one in minor units; with decimals it is a string."""

    name: OneLine
    unit_amount: Number
    frequency: Frequency
    currency: Currency | None = None
    description: Text = ""
    sku: OneLine = ""


def list_(call: Call, query: Paging) -> Listed[Product]:
    """All products, newest first."""
    return owned(call.service, Product, f"{call.account.id}/product", query)


def create(call: Call, body: NewProduct) -> Product:
    """Add a product; its currency is the account's where none is given."""
    return new.product(
        call.service,
        call.account.id,
        name=body.name,
        currency=body.currency or call.account.currency,
        unit_amount=Decimal(body.unit_amount),
        frequency=body.frequency,
        description=body.description,
        sku=body.sku,
    )


def get(call: Call, id_: str) -> Product:
    """A product."""
    return call.get(Product, id_)
