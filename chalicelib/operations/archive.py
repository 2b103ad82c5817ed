"""Put something of a library away: it is not offered any more, and what was sold with it keeps its copy."""

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
