"""Tax rates: the library that the taxes of lines are copied from."""

from decimal import Decimal

from chalicelib.billing.tax import Category, TaxRate
from chalicelib.operations import archive as put_away
from chalicelib.operations import create as new
from chalicelib.web.bodies import Body, Number, OneLine
from chalicelib.web.endpoint import Call
from chalicelib.web.paging import Paging, owned
from chalicelib.web.shown import Listed


class NewTaxRate(Body, frozen=True):
    """A rate of 0 to 100 percent, with at most 6 decimals; a decimal one is a string.

    `label` is what the buyer reads, the name where there is none. `category` is EN 16931's: S above 0 percent, and at 0
    Z (zero-rated), E (exempt), AE (reverse charge), K (within the EU), G (export) and O (outside of VAT).
    """

    name: OneLine
    percentage: Number
    label: OneLine = ""
    inclusive: bool = False
    category: Category = Category.STANDARD


def list_(call: Call, query: Paging) -> Listed[TaxRate]:
    """All tax rates, newest first."""
    return owned(call.service, TaxRate, f"{call.account.id}/tax_rate", query)


def create(call: Call, body: NewTaxRate) -> TaxRate:
    """Add a tax rate."""
    return new.tax_rate(
        call.service,
        call.account.id,
        name=body.name,
        percentage=Decimal(body.percentage),
        label=body.label,
        inclusive=body.inclusive,
        category=body.category,
    )


def get(call: Call, id_: str) -> TaxRate:
    """A tax rate."""
    return call.get(TaxRate, id_)


def archive(call: Call, id_: str) -> TaxRate:
    """Offer it no more; the subscriptions that were sold with it keep it."""
    return put_away.tax_rate(call.service, call.account.id, id_)
