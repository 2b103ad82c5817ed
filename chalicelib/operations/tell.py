"""What a buyer is told with a fact: from what to what a subscription was changed, and what was given back with it."""

from chalicelib.billing import differences
from chalicelib.billing.credits import CreditNote
from chalicelib.billing.events import CREDIT_NOTES, EventType
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Moment
from chalicelib.operations import publish
from chalicelib.store.changes import Changeset


def changed(
    changes: Changeset, before: Subscription, after: Subscription, about: dict[str, str], at: Moment
) -> None:
    """State it; where a buyer would see no difference, now or with the next cycle, no letter tells of it."""
    was = differences.written(differences.was(before, after))
    planned = after.change is not None and after.change != before.change
    about = about | given_back(changes)
    if was:
        about |= {"was": was, "changed_on": before.day(at.now).isoformat()}
    publish.fact(changes, EventType.SUBSCRIPTION_CHANGED, before, about, at, told=bool(was) or planned)


def given_back(changes: Changeset) -> dict[str, str]:
    """The credit notes that are issued in a changeset, as its fact names them."""
    notes = sorted(one.id for one in changes.changed.values() if isinstance(one, CreditNote))
    return {CREDIT_NOTES: ", ".join(notes)} if notes else {}
