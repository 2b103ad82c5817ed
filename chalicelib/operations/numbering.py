"""The numbers of an account's documents, as its settings have them now, and whose each prefix is."""

from typing import Final

from chalicelib.billing.errors import Invalid
from chalicelib.billing.numbering import Series, check_prefix
from chalicelib.crm.accounts import Account, Moment
from chalicelib.store import keys
from chalicelib.store.bookkeeping import Alias
from chalicelib.store.changes import Changeset

SETTINGS: Final = {"invoice_prefix": "invoice", "credit_note_prefix": "credit_note"}
"""The prefixes of an account, and the series that each is of."""
CALLED: Final = {"invoice": "invoices", "credit_note": "credit notes"}


def standing(changes: Changeset, name: str, prefix: str, at: Moment) -> Series:
    """A series that gives its next number: under the account's prefix, and in the account's local year where it goes by that."""
    kept = changes.find(Series, name) or Series(account=at.account.id, id=name, prefix=prefix)
    return kept.standing(prefix, at.day.year if at.account.numbers_by_year else 0)


def check(account: Account) -> None:
    """Refuse prefixes with which an invoice and a credit note, or two of one series, could have one number. Raises Invalid."""
    for name in SETTINGS:
        check_prefix(getattr(account, name), name)
    if account.invoice_prefix == account.credit_note_prefix:
        detail = "Invoices and credit notes are counted apart; give each a prefix of its own."
        raise Invalid("prefixes_alike", detail, "credit_note_prefix")


def claims(*accounts: Account) -> list[str]:
    """The keys under which is written down which series the prefixes of an account belong to, before and after a change."""
    prefixes = {getattr(one, name) for one in accounts for name in SETTINGS}
    return [keys.key(Alias, accounts[0].id, _name(one)) for one in sorted(prefixes)]


def claim(changes: Changeset, before: Account, after: Account) -> None:
    """A prefix that was ever one series' is never the other's. The changeset holds the `claims`. Raises Invalid."""
    if all(getattr(before, name) == getattr(after, name) for name in SETTINGS):
        return
    check(after)
    for account in (before, after):
        for name, series in SETTINGS.items():
            prefix = getattr(account, name)
            known = changes.find(Alias, _name(prefix))
            if known is None:
                changes.put(Alias(account=account.id, id=_name(prefix), target=series))
            elif known.target != series:
                detail = f"{prefix or 'No prefix'} was that of {CALLED[known.target]}, whose numbers could come twice; take another."
                raise Invalid("prefix_taken", detail, name)


def _name(prefix: str) -> str:
    return f"prefix/{prefix}"
