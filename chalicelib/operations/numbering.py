"""The numbers of an account's documents, as its settings have them now."""

from chalicelib.billing.numbering import Series
from chalicelib.crm.accounts import Moment
from chalicelib.store.changes import Changeset


def standing(changes: Changeset, name: str, prefix: str, at: Moment) -> Series:
    """A series that gives its next number: under the account's prefix, and in the account's local year where it goes by that."""
    kept = changes.find(Series, name) or Series(account=at.account.id, id=name, prefix=prefix)
    return kept.standing(prefix, at.day.year if at.account.numbers_by_year else 0)
