"""What an order and a subscription are both asked for with: by whom, how it is paid, taxed, reduced and surcharged."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any, Final

from msgspec import Meta

from chalicelib.billing.errors import Invalid
from chalicelib.operations.order import Order, Reduction, Surcharge
from chalicelib.web.bodies import CODE, METHOD, Body, Currency, Id, Number, OneLine
from chalicelib.web.lines import Ids, NewLine, wishes

Code = Annotated[str, Meta(pattern=CODE, examples=["WELCOME-10"])]
MethodType = Annotated[str, Meta(pattern=METHOD, examples=["card"])]
MAX_AMOUNT: Final = 10**12


class NewDiscount(Body, frozen=True):
    """A `coupon`, or the `promotion_code` for one, or a discount of what is due now alone: `percent` or `amount`.

    `amount` is in minor units of the order's currency; `name` is what the buyer reads of a one-off one.
    """

    coupon: Id | None = None
    promotion_code: Code | None = None
    name: OneLine = ""
    percent: Number | None = None
    amount: int | None = None

    def asked(self, n: int) -> Reduction:
        """The n-th discount as it is asked for. Raises Invalid unless it is exactly one of them."""
        terms = (self.coupon, self.promotion_code, self.percent, self.amount)
        if sum(one is not None for one in terms) != 1:
            detail = "Give a coupon, a promotion_code, a percent or an amount, one of them."
            raise Invalid("discount_ambiguous", detail, f"discounts[{n}]")
        return Reduction(
            coupon=self.coupon,
            code=self.promotion_code,
            name=self.name,
            percent=None if self.percent is None else Decimal(self.percent),
            amount=self.amount,
        )


class NewFee(Body, frozen=True):
    """Added to payments made by one of `types` (Stripe's, such as card), by any where there are none.

    `percent` is of what is charged after discounts and before tax, `amount` in minor units. `once` adds it to what is
    due now alone; `taxes` are ids of tax rates.
    """

    name: Annotated[OneLine, Meta(min_length=1)]
    types: Annotated[tuple[MethodType, ...], Meta(max_length=20)] = ()
    percent: Number | None = None
    amount: int | None = None
    taxes: Ids = ()
    once: bool = False

    def asked(self) -> Surcharge:
        """The fee as it is asked for."""
        return Surcharge(
            name=self.name,
            types=self.types,
            percent=None if self.percent is None else Decimal(self.percent),
            amount=self.amount,
            taxes=self.taxes,
            once=self.once,
        )


class Purchase(Body, frozen=True):
    """What a contact buys, charged on a saved method.

    `taxes` are ids of tax rates, of all lines that name none; `one_off_taxes` of all that is due now. Discounts are
    taken off in their order. `automatic_tax` lets Stripe Tax find the rates instead.
    """

    contact: Id
    payment_method: Id
    currency: Currency | None = None
    name: OneLine = ""
    taxes: Ids = ()
    one_off_taxes: Ids = ()
    automatic_tax: bool = False
    discounts: Annotated[tuple[NewDiscount, ...], Meta(max_length=10)] = ()
    fees: Annotated[tuple[NewFee, ...], Meta(max_length=10)] = ()


def order(body: Purchase, lines: Sequence[NewLine], **more: Any) -> Order:
    """The order a body asks for. Raises Invalid."""
    return Order(
        contact=body.contact,
        payment_method=body.payment_method,
        lines=wishes(lines),
        currency=body.currency,
        name=body.name,
        taxes=body.taxes,
        one_off_taxes=body.one_off_taxes,
        automatic_tax=body.automatic_tax,
        discounts=tuple(one.asked(n) for n, one in enumerate(body.discounts)),
        fees=tuple(one.asked() for one in body.fees),
        **more,
    )
