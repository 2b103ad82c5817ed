"""Put something of a library away: it is not offered any more, and what was sold with it keeps its copy."""

from collections.abc import Callable
from typing import TypeVar

from chalicelib.billing import redemptions
from chalicelib.billing.discounts import Coupon, PromotionCode
from chalicelib.billing.tax import TaxRate
from chalicelib.operations.together import retried
from chalicelib.service import Service
from chalicelib.store.changes import Changeset

R = TypeVar("R", TaxRate, Coupon, PromotionCode)


def tax_rate(service: Service, account: str, id_: str) -> TaxRate:
    """Archive a tax rate, or find it archived. Raises NotFound."""
    return _away(service, TaxRate, account, id_, TaxRate.archived)


def coupon(service: Service, account: str, id_: str) -> Coupon:
    """Archive a coupon, or find it archived: its codes are not taken any more either. Raises NotFound."""
    return _away(service, Coupon, account, id_, redemptions.archived)


def promotion_code(service: Service, account: str, id_: str) -> PromotionCode:
    """Archive a promotion code, or find it archived. Raises NotFound."""
    return _away(service, PromotionCode, account, id_, redemptions.archived)


def _away(service: Service, type_: type[R], account: str, id_: str, archived: Callable[[R], R]) -> R:
    def attempt() -> R:
        before = service.store.get(type_, account, id_)
        if not before.active:
            return before
        changes = Changeset(account)
        changes.put(archived(before))
        return service.store.commit(changes).get(type_, account, id_)

    return retried(attempt)
