"""Sell subscriptions: one, or all those of an order together; or say what they would come to."""

from chalicelib.billing import summaries
from chalicelib.billing.errors import Invalid
from chalicelib.billing.events import EventType
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.summaries import Summary
from chalicelib.crm.accounts import Account, Moment
from chalicelib.crm.contacts import Contact
from chalicelib.operations import draft, publish, tax
from chalicelib.operations import order as read
from chalicelib.operations.order import Draft, Order
from chalicelib.operations.together import nudge, retried
from chalicelib.service import Service
from chalicelib.store.changes import Changeset, Reading

MAX_ITEMS = 100
"""What one transaction of DynamoDB's takes."""
EACH = 4
"""What a new subscription writes: itself, its two links, and its event."""


def contact(service: Service, account: str, order: Order) -> Subscription:
    """A contact buys one subscription. Raises NotFound or Invalid."""
    return all_of(service, account, order)[0]


def all_of(service: Service, account: str, order: Order) -> list[Subscription]:
    """A contact buys all subscriptions of an order, in one commit: all or none. Raises NotFound, Invalid or Unavailable.

    Coupons are counted in that commit, each guarded by its version: the last one cannot be taken twice.
    """
    names, asked = read.ids(service, order), tax.at_once(service)

    def attempt() -> list[Subscription]:
        found = read.load(service, account, order)
        at = Moment(found.get(Account, account, account), service.real())
        return _sold(service, found, at, draft.drafted(found, at, order, names, asked))

    return retried(attempt)


def foreseen(service: Service, account: str, order: Order) -> Summary:
    """What an order would come to; nothing is written. Raises NotFound, Invalid or Unavailable."""
    found = read.load(service, account, order)
    at = Moment(found.get(Account, account, account), service.real())
    asked = tax.at_once(service)
    made = draft.drafted(found, at, order, read.ids(service, order), asked).subscriptions
    buyer = found.get(Contact, account, order.contact)
    levy = tax.levying(asked, made[0], buyer)
    return summaries.summary(made, at.day, at.now, exemption=buyer.tax_exempt, levy=levy)


def _sold(service: Service, found: Reading, at: Moment, made: Draft) -> list[Subscription]:
    business = at.account
    changes = Changeset(business.id, found)
    folded(changes, made, at)
    if business.clock is not None:
        business = business.catching_up()
        changes.put(business)
    _check_size(made)
    written = service.store.commit(changes)
    nudge(service, business, written.records.values())
    return [written.get(Subscription, business.id, one.id) for one in made.subscriptions]


def folded(changes: Changeset, made: Draft, at: Moment) -> None:
    """Fold the subscriptions of an order into the changeset, with what they use up and their facts."""
    changes.put(*made.subscriptions, *made.beside)
    for one in made.subscriptions:
        about = {"contact": one.contact, "subscription": one.id}
        publish.fact(changes, EventType.SUBSCRIPTION_CREATED, one, about, at)


def _check_size(made: Draft) -> None:
    """Refuse what no transaction takes, in words about lines."""
    left = MAX_ITEMS - 1 - EACH * len(made.subscriptions)
    if len(made.beside) > left:
        detail = f"With {len(made.subscriptions)} subscriptions at most {left} coupons and lines can be saved at once."
        raise Invalid("order_too_large", detail, "lines")
