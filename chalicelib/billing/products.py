"""The library of what a business sells; a line taken from it is a copy."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from chalicelib.billing.lines import Line
from chalicelib.billing.periods import Frequency


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A product with a flat price; `unit_amount` in minor units, decimals allowed."""

    account: str
    id: str
    name: str
    currency: str
    unit_amount: Decimal
    frequency: Frequency
    created_at: datetime
    description: str = ""
    sku: str = ""
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
        )
