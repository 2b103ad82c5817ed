"""The library of what a business sells; a line taken from it is a copy."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from chalicelib.billing.lines import Line
from chalicelib.billing.periods import Frequency
from chalicelib.billing.pricing import Model, Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A product; `unit_amount` in minor units, decimals allowed, 0 where the tiers of a `model` are the price.

    `taxes` are ids of tax rates; `payments` the fixed term its lines have where nothing else is said.
    """

    account: str
    id: str
    name: str
    currency: str
    unit_amount: Decimal
    frequency: Frequency
    created_at: datetime
    description: str = ""
    sku: str = ""
    model: Model | None = None
    tiers: tuple[Tier, ...] = ()
    taxes: tuple[str, ...] = ()
    tax_code: str | None = None
    tax_inclusive: bool = False
    payments: int | None = None
    version: int = 0

    wake = None

    def line(self, line_id: str, quantity: Decimal) -> Line:
        """A copy of the product as a line: editing one never touches the other."""
        return Line(
            id=line_id,
            name=self.name,
            unit_amount=self.unit_amount,
            quantity=quantity,
            description=self.description,
            sku=self.sku,
            product=self.id,
            model=self.model,
            tiers=self.tiers,
            taxes=self.taxes,
            tax_code=self.tax_code,
            tax_inclusive=self.tax_inclusive,
        )


def product_of(
    line: Line,
    id_: str,
    *,
    account: str,
    currency: str,
    frequency: Frequency,
    payments: int | None,
    now: datetime,
) -> Product:
    """The product that a line of one's own is saved as: all but how many, and its discounts."""
    return Product(
        account=account,
        id=id_,
        name=line.name,
        currency=currency,
        unit_amount=line.unit_amount,
        frequency=frequency,
        created_at=now,
        description=line.description,
        sku=line.sku,
        model=line.model,
        tiers=line.tiers,
        taxes=line.taxes,
        tax_code=line.tax_code,
        tax_inclusive=line.tax_inclusive,
        payments=payments,
    )
