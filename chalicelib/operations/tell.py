"""The fact that a subscription is otherwise than it was, with what its buyer is told of it: from what to what."""

from chalicelib.billing import differences
from chalicelib.billing.events import EventType
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
    about = about | ({"was": was, "changed_on": before.day(at.now).isoformat()} if was else {})
    publish.fact(changes, EventType.SUBSCRIPTION_CHANGED, before, about, at, told=bool(was) or planned)
