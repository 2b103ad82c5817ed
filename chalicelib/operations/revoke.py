"""Take back what was given out."""

from chalicelib.crm.accounts import ApiKey
from chalicelib.operations.together import retried
from chalicelib.service import Service
from chalicelib.store.changes import Changeset


def api_key(service: Service, account: str, id_: str) -> ApiKey:
    """Close a bearer key for good. Raises NotFound."""

    def attempt() -> ApiKey:
        changes = Changeset(account)
        changes.put(service.store.get(ApiKey, account, id_).revoked(service.real()))
        return service.store.commit(changes).get(ApiKey, account, id_)

    return retried(attempt)
