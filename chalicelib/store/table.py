"""The table as pynamodb knows it: one envelope around every record, and two indexes of keys only."""

from typing import Any

from pynamodb.attributes import NumberAttribute, TTLAttribute, UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from chalicelib.settings import Settings


class ByOwner(GlobalSecondaryIndex[Any]):
    """Whose it is: an owner's records of a kind in order."""

    class Meta:
        index_name = "ByOwner"
        projection = KeysOnlyProjection()
        billing_mode = "PAY_PER_REQUEST"

    owner = UnicodeAttribute(hash_key=True)
    position = UnicodeAttribute(range_key=True)


class ByWake(GlobalSecondaryIndex[Any]):
    """When to look again: sparse, for most records sleep."""

    class Meta:
        index_name = "ByWake"
        projection = KeysOnlyProjection()
        billing_mode = "PAY_PER_REQUEST"

    wake_shard = UnicodeAttribute(hash_key=True)
    wake_at = UnicodeAttribute(range_key=True)


class Envelope(Model):
    """What DynamoDB knows of a record; the record itself is the JSON in `body`, of the given `shape`.

    `failures` counts errors of the record's own since its last write; `parked` says why and when it was
    taken out of the schedules, and where it stood in them.
    """

    class Meta:
        table_name = "perennial"
        billing_mode = "PAY_PER_REQUEST"

    key = UnicodeAttribute(hash_key=True)
    kind = UnicodeAttribute()
    shape = NumberAttribute()
    version = NumberAttribute()
    body = UnicodeAttribute()
    owner = UnicodeAttribute(null=True)
    position = UnicodeAttribute(null=True)
    wake_shard = UnicodeAttribute(null=True)
    wake_at = UnicodeAttribute(null=True)
    failures = NumberAttribute(null=True)
    parked = UnicodeAttribute(null=True)
    ttl = TTLAttribute(null=True)

    by_owner = ByOwner()
    by_wake = ByWake()


def create(settings: Settings) -> None:
    """Create the table where there is none: for laptops and tests, as the packaged template does it on AWS.

    A table forgets by the clock on the wall: where another one counts as now, it would forget what has just been written.
    """
    forgets = {"update_ttl": _never} if settings.clock_file else {}
    model: type[Model] = type("Envelope", (Envelope,), {"Meta": _meta(settings), **forgets})
    if not model.exists():
        model.create_table(wait=True, ignore_update_ttl_errors=True)


@classmethod  # type: ignore[misc]  # it is hung into a model, whose `create_table` calls it in any case
def _never(cls: type[Model], ignore_update_ttl_errors: bool) -> None:
    """Let nothing expire."""


def _meta(settings: Settings) -> type:
    fields = {"table_name": settings.table, "region": settings.region, "host": settings.aws_endpoint}
    return type("Meta", (Envelope.Meta,), fields)
