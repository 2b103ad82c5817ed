"""A line as a body says it: of one's own, or of the library."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Protocol

from msgspec import Meta

from chalicelib.billing.discounts import UnitDiscount
from chalicelib.billing.errors import Invalid
from chalicelib.billing.lines import Line
from chalicelib.billing.orders import Backdate, Start, Wish
from chalicelib.billing.periods import Frequency
from chalicelib.billing.pricing import Model, Tier
from chalicelib.web.bodies import Body, Id, Number, OneLine, Term, Text

Ids = Annotated[tuple[Id, ...], Meta(max_length=10)]


class NewTier(Body, frozen=True):
    """Prices up to and including a quantity, `up_to`, which the last tier leaves out; in minor units.

    `unit_amount` is of each unit, `flat_amount` comes once where the tier is reached.
    """

    up_to: Number | None = None
    unit_amount: Number = 0
    flat_amount: Number = 0

    def made(self) -> Tier:
        """The tier."""
        return Tier(
            up_to=None if self.up_to is None else Decimal(self.up_to),
            unit_amount=Decimal(self.unit_amount),
            flat_amount=Decimal(self.flat_amount),
        )


class NewUnitDiscount(Body, frozen=True):
    """Off a line: `percent` of its price, or `amount` in minor units off each unit; one of them."""

    percent: Number | None = None
    amount: Number | None = None

    def made(self) -> UnitDiscount:
        """The discount."""
        return UnitDiscount(
            percent=None if self.percent is None else Decimal(self.percent),
            amount=None if self.amount is None else Decimal(self.amount),
        )


Tiers = Annotated[tuple[NewTier, ...], Meta(max_length=100)]


class NewLine(Body, frozen=True):
    """A line of one's own with `name` and a price, or a `product` of the library and how many.

    The price is `unit_amount` in minor units, or with a `model` other than flat the `tiers`. Of a product's line
    `quantity`, `discounts` and `taxes` may be given; it is a copy, and the product stays as it is. `frequency`
    one_time bills it with the first invoice only. `save_to_library` makes a product of a line of one's own.
    """

    name: OneLine | None = None
    unit_amount: Number | None = None
    quantity: Number = 1
    product: Id | None = None
    description: Text = ""
    sku: OneLine = ""
    model: Model | None = None
    tiers: Tiers = ()
    discounts: Annotated[tuple[NewUnitDiscount, ...], Meta(max_length=10)] = ()
    taxes: Ids | None = None
    tax_code: OneLine | None = None
    tax_inclusive: bool = False
    frequency: Frequency | None = None
    save_to_library: bool = False

    def wish(self, n: int) -> Wish:
        """The line as it is asked for, the n-th of `lines`. Raises Invalid on half a line, or on a changed product."""
        self._check(f"lines[{n}]")
        flat = self.model is Model.FLAT
        line = Line(
            id="",
            name=self.name or "",
            unit_amount=Decimal(self.unit_amount or 0),
            quantity=Decimal(self.quantity),
            description=self.description,
            sku=self.sku,
            product=self.product,
            model=None if flat else self.model,
            tiers=tuple(tier.made() for tier in self.tiers),
            discounts=tuple(discount.made() for discount in self.discounts),
            tax_code=self.tax_code,
            tax_inclusive=self.tax_inclusive,
        )
        return Wish(line=line, taxes=self.taxes, frequency=self.frequency, save=self.save_to_library)

    def _check(self, at: str) -> None:
        if self.product is not None:
            given = {
                "name": self.name,
                "unit_amount": self.unit_amount,
                "description": self.description or None,
                "sku": self.sku or None,
                "model": self.model,
                "tiers": self.tiers or None,
                "tax_code": self.tax_code,
                "tax_inclusive": self.tax_inclusive or None,
                "save_to_library": self.save_to_library or None,
            }
            for name in (name for name, value in given.items() if value is not None):
                detail = (
                    "Of a product's line only quantity, discounts and taxes may be given; leave this out."
                )
                raise Invalid("line_from_library", detail, f"{at}.{name}")
            return
        tiered = self.model not in (None, Model.FLAT)
        if self.name is None or (self.unit_amount is None and not tiered):
            detail = "Give a line its name and unit_amount, or its name, a model and tiers, or the id of a product."
            raise Invalid("line_incomplete", detail, at)


class OrderedLine(NewLine, frozen=True):
    """A line of an order: besides, how long and from when it is billed.

    `payments` is the number of payments of a fixed term, which `term` says as a duration (P12M); with neither it
    renews until it is canceled. It starts today, on `start_on`, or some days or months from today; a start in the
    past says with `backdate` whether the periods before today are billed now, or were billed elsewhere (skip).
    """

    payments: int | None = None
    term: Term | None = None
    start_on: date | None = None
    start_delay_days: int | None = None
    start_delay_months: int | None = None
    backdate: Backdate | None = None

    def wish(self, n: int) -> Wish:
        """The line as it is asked for, with its own term and start."""
        asked = NewLine.wish(self, n)
        return Wish(
            line=asked.line,
            taxes=asked.taxes,
            frequency=asked.frequency,
            save=asked.save,
            payments=self.payments,
            term=self.term,
            start=start(self),
        )


class Starting(Protocol):
    """What says a start."""

    @property
    def start_on(self) -> date | None: ...
    @property
    def start_delay_days(self) -> int | None: ...
    @property
    def start_delay_months(self) -> int | None: ...
    @property
    def backdate(self) -> Backdate | None: ...


def start(said: Starting) -> Start | None:
    """The start a body says, None where it says none."""
    asked = Start(
        on=said.start_on,
        days=said.start_delay_days,
        months=said.start_delay_months,
        backdate=said.backdate,
    )
    return None if asked == Start() else asked


def wishes(lines: Sequence[NewLine]) -> tuple[Wish, ...]:
    """Lines as they are asked for; a refusal names its line."""
    return tuple(line.wish(n) for n, line in enumerate(lines))
