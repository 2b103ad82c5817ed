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
    bought: dict[str, list[str]] = {}
    for name in names:
        if isinstance(found := reading.records.get(name), PaymentMethod):
            owner = f"{account}/{found.contact}/subscription"
            look = service.store.look(owner, limit=MOST_SUBSCRIPTIONS)
            reading.add(look.reading)
            bought[name] = look.keys

    def decide(changes: Changeset, name: str) -> None:
        method, at = changes.at(name), Moment(changes.get(Account, account), real)
        if isinstance(method, PaymentMethod) and at.awake(method.wake):
            sold = _charged_on(changes, method, bought.get(name, []))
            changes.put(method.looked_at())
            if sold is not None:
                _told(changes, method, sold, at)

    return work(
        service,
        account,
        names,
        decide,
        items_each=2,
        beside=lambda name: bought.get(name, ()),
        reading=reading,
    )


def _charged_on(changes: Changeset, method: PaymentMethod, bought: list[str]) -> Subscription | None:
    """The newest of its contact's subscriptions (keys) that goes on being charged on a method.

    Raises Undecodable or NewerShape where that may be one that cannot be read.
    """
    for name in bought:
        sold = changes.at(name)
        if isinstance(sold, Subscription) and uses(sold, method):
            return sold
    for name in bought:
        changes.find(Subscription, name.rpartition("/")[2])
    return None


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
