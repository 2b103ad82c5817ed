"""Put something of a library away: it is not offered any more, and what was sold with it keeps its copy."""

from chalicelib.billing import redemptions
from chalicelib.billing.discounts import Coupon, PromotionCode
from chalicelib.billing.tax import TaxRate
from chalicelib.operations.together import retried
from chalicelib.service import Service
from chalicelib.store.changes import Changeset


def tax_rate(service: Service, account: str, id_: str) -> TaxRate:
    """Archive a tax rate, or find it archived. Raises NotFound."""

    def attempt() -> TaxRate:
        before = service.store.get(TaxRate, account, id_)
        if not before.active:
            return before
        changes = Changeset(account)
        changes.put(before.archived())
        return service.store.commit(changes).get(TaxRate, account, id_)

    return retried(attempt)


def coupon(service: Service, account: str, id_: str) -> Coupon:
    """Archive a coupon, or find it archived: its codes are not taken any more either. Raises NotFound."""

    def attempt() -> Coupon:
        before = service.store.get(Coupon, account, id_)
        if not before.active:
            return before
        changes = Changeset(account)
        changes.put(redemptions.archived(before))
        return service.store.commit(changes).get(Coupon, account, id_)

    return retried(attempt)


def promotion_code(service: Service, account: str, id_: str) -> PromotionCode:
    """Archive a promotion code, or find it archived. Raises NotFound."""

    def attempt() -> PromotionCode:
        before = service.store.get(PromotionCode, account, id_)
        if not before.active:
            return before
        changes = Changeset(account)
        changes.put(redemptions.archived(before))
        return service.store.commit(changes).get(PromotionCode, account, id_)

    return retried(attempt)
