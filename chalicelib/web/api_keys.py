"""Bearer keys: each is shown once, and opens the account until it is revoked."""

from chalicelib.crm.accounts import ApiKey
from chalicelib.operations import create as new
from chalicelib.operations import revoke as close
from chalicelib.web.bodies import Body, OneLine
from chalicelib.web.endpoint import Call
from chalicelib.web.paging import Paging, owned
from chalicelib.web.shown import Beside, Listed, Secret


class NewApiKey(Body, frozen=True):
    """A name by which its users will know it."""

    name: OneLine


def list_(call: Call, query: Paging) -> Listed[ApiKey]:
    """All keys, revoked ones too; `hint` is how each ends."""
    return owned(call.service, ApiKey, f"{call.account.id}/api_key", query)


def create(call: Call, body: NewApiKey) -> Beside[ApiKey, Secret]:
    """Make a key; `secret` is its text, shown this once."""
    key, text = new.api_key(call.service, call.account, body.name)
    return Beside(key, Secret(secret=text))


def revoke(call: Call, id_: str) -> ApiKey:
    """Close a key for good; one that is closed stays so."""
    return close.api_key(call.service, call.account.id, id_)
