"""Tell who pays with a card that it expires, in time for another: once for a card, and only where something is charged on it."""

from chalicelib.billing.events import EventType
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account, Moment
from chalicelib.crm.contacts import PaymentMethod
from chalicelib.operations import publish
from chalicelib.operations.together import work
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, Reading

# Of a contact's subscriptions, the newest.
MOST_SUBSCRIPTIONS = 100


def payment_methods(service: Service, account: str, names: list[str]) -> Reading:
    """State of each awake card that it expires, naming a subscription that is charged on it; of one nobody uses, nothing."""
    real = service.real()
    reading = service.store.load(account, [*names, keys.key(Account, account, account)])
    used = {
        name: _charged_on(service, found)
        for name in names
        if isinstance(found := reading.records.get(name), PaymentMethod)
    }

    def decide(changes: Changeset, name: str) -> None:
        method, at = changes.at(name), Moment(changes.get(Account, account), real)
        if isinstance(method, PaymentMethod) and at.awake(method.wake):
            changes.put(method.looked_at())
            if sold := used.get(name):
                _told(changes, method, sold, at)

    return work(service, account, names, decide, items_each=2, reading=reading)


def _charged_on(service: Service, method: PaymentMethod) -> Subscription | None:
    """The newest of its contact's subscriptions that goes on being charged on a method."""
    page = service.store.owned(f"{method.account}/{method.contact}/subscription", limit=MOST_SUBSCRIPTIONS)
    sold = (one for one in page.records if isinstance(one, Subscription))
    return next((one for one in sold if uses(one, method)), None)


def uses(of: Subscription, method: PaymentMethod) -> bool:
    """Whether a subscription will be charged on a method, or owes what is asked for on it."""
    charged = of.method is not None and of.method.id == method.id and not of.method.refused
    return charged and (of.billable or bool(of.arrears)) and not of.at_its_end and not of.ends_first


def _told(changes: Changeset, method: PaymentMethod, of: Subscription, at: Moment) -> None:
    about = {
        "contact": method.contact,
        "subscription": of.id,
        "payment_method": method.id,
        "expires": method.expires or "",
    }
    publish.fact(changes, EventType.PAYMENT_METHOD_EXPIRING, method, about, at)
