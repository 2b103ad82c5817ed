"""Coupons: the terms of discounts."""

from decimal import Decimal
from typing import Annotated

from msgspec import Meta

from chalicelib.billing.discounts import Coupon, Duration
from chalicelib.billing.money import Money
from chalicelib.operations import archive as put_away
from chalicelib.operations import offer
from chalicelib.web.bodies import Body, Currency, Id, Moment, Number, OneLine
from chalicelib.web.endpoint import Call
from chalicelib.web.paging import Paging, owned
from chalicelib.web.shown import Listed


class NewCoupon(Body, frozen=True):
    """`percent`, or `amount` in minor units of `currency` (the account's where none is given), off each invoice.

    `once` is of the first invoice, `repeating` of those of the first `months`, `forever` of all. It is for all lines,
    or for those of `products`. `max_redemptions`, `redeem_by` and `minimum` (of the first invoice, in minor units)
    limit who may take it.
    """

    name: OneLine
    percent: Number | None = None
    amount: int | None = None
    currency: Currency | None = None
    duration: Duration = Duration.ONCE
    months: int | None = None
    products: Annotated[tuple[Id, ...], Meta(max_length=50)] = ()
    max_redemptions: int | None = None
    redeem_by: Moment | None = None
    minimum: int | None = None


def list_(call: Call, query: Paging) -> Listed[Coupon]:
    """All coupons, newest first."""
    return owned(call.service, Coupon, f"{call.account.id}/coupon", query)


def create(call: Call, body: NewCoupon) -> Coupon:
    """Add a coupon; its terms stay as they are."""
    currency = body.currency or call.account.currency
    return offer.coupon(
        call.service,
        call.account.id,
        name=body.name,
        percent=None if body.percent is None else Decimal(body.percent),
        amount=None if body.amount is None else Money(body.amount, currency),
        duration=body.duration,
        months=body.months,
        products=body.products,
        max_redemptions=body.max_redemptions,
        redeem_by=body.redeem_by,
        minimum=None if body.minimum is None else Money(body.minimum, currency),
    )


def get(call: Call, id_: str) -> Coupon:
    """A coupon, with how often it has been taken."""
    return call.get(Coupon, id_)


def archive(call: Call, id_: str) -> Coupon:
    """Offer it no more, by no code; the subscriptions that took it keep it."""
    return put_away.coupon(call.service, call.account.id, id_)
