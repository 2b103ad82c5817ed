"""Promotion codes: words that buyers type for a coupon."""

from chalicelib.billing import redemptions
from chalicelib.billing.discounts import PromotionCode
from chalicelib.billing.money import Money
from chalicelib.operations import archive as put_away
from chalicelib.operations import offer
from chalicelib.web.bodies import Body, Currency, Id, Moment
from chalicelib.web.endpoint import Call
from chalicelib.web.paging import Paging, owned
from chalicelib.web.purchases import Code
from chalicelib.web.shown import Listed


class NewPromotionCode(Body, frozen=True):
    """A `code` for a `coupon`, of which there is one in an account whatever its case.

    It may be for one `contact` alone, and have limits of its own beside the coupon's; `minimum` is of the first
    invoice, in minor units of `currency`, the account's where none is given.
    """

    code: Code
    coupon: Id
    contact: Id | None = None
    max_redemptions: int | None = None
    expires_at: Moment | None = None
    minimum: int | None = None
    currency: Currency | None = None


def list_(call: Call, query: Paging) -> Listed[PromotionCode]:
    """All promotion codes, newest first."""
    return owned(call.service, PromotionCode, f"{call.account.id}/promotion_code", query)


def create(call: Call, body: NewPromotionCode) -> PromotionCode:
    """Add a promotion code."""
    minimum = None if body.minimum is None else Money(body.minimum, body.currency or call.account.currency)
    return _made_before(call, body, minimum) or offer.promotion_code(
        call.service,
        call.account.id,
        code=body.code,
        coupon=body.coupon,
        contact=body.contact,
        max_redemptions=body.max_redemptions,
        expires_at=body.expires_at,
        minimum=minimum,
    )


def _made_before(call: Call, body: NewPromotionCode, minimum: Money | None) -> PromotionCode | None:
    """What an earlier try of the same request made: a code is named by its word, so its terms must be the same too."""
    if call.seed is None:
        return None
    found = call.service.store.find(PromotionCode, call.account.id, redemptions.code_id(body.code))
    asked = (body.code, body.coupon, body.contact, body.max_redemptions, body.expires_at, minimum)
    if found is None:
        return None
    kept = (found.code, found.coupon, found.contact, found.max_redemptions, found.expires_at, found.minimum)
    return found if kept == asked else None


def get(call: Call, id_: str) -> PromotionCode:
    """A promotion code, with how often it has been used."""
    return call.get(PromotionCode, id_)


def archive(call: Call, id_: str) -> PromotionCode:
    """Take it no more; the subscriptions that used it keep their discount."""
    return put_away.promotion_code(call.service, call.account.id, id_)
