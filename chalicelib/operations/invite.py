"""Ask a customer for another payment method because a person wants it: a letter with the link, one a request."""

from chalicelib.billing.collection import CollectionMethod
from chalicelib.billing.deliveries import name_of
from chalicelib.billing.errors import WrongState
from chalicelib.billing.events import KEPT_FOR, Event, EventType
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account, Moment
from chalicelib.crm.notifications import buyers
from chalicelib.operations import act, publish, setup
from chalicelib.operations.together import nudge, retried
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.bookkeeping import Alias
from chalicelib.store.changes import Changeset, not_found


def subscription(service: Service, account: str, id_: str) -> str:
    """The name of the letter, which goes within seconds; an earlier try of the same request has sent the same.

    Raises NotFound, and WrongState where no method is asked for, or the account has switched that letter off.
    """
    asked = service.new_id(act.REQUEST)

    def attempt() -> str:
        done = service.store.find(Alias, account, asked)
        return done.target if done else _invited(service, account, id_, asked)

    return retried(attempt)


def check(subscription: Subscription) -> None:
    """Raises NotFound of one that is deleted, WrongState of one for which no method can be left."""
    if subscription.deleted_at is not None:
        raise not_found(Subscription, subscription.id)
    setup.check(subscription)
    first = subscription.collects.way is CollectionMethod.CHARGE_AFTER_FIRST_INVOICE
    if first and subscription.method is None:
        detail = "It is charged with what its first invoice is paid with; send the link of that invoice."
        raise WrongState("first_invoice_unpaid", detail)


def _invited(service: Service, account: str, id_: str, asked: str) -> str:
    found = service.store.load(
        account, [keys.key(Subscription, account, id_), keys.key(Account, account, account)]
    )
    wanted, business = found.get(Subscription, account, id_), found.get(Account, account, account)
    check(wanted)
    changes, at = Changeset(account, found), Moment(business, service.real())
    type_ = EventType.SUBSCRIPTION_METHOD_ASKED
    about = {"contact": wanted.contact, "subscription": id_}
    letter = buyers(business, type_, about)
    if letter is None:
        detail = "The account does not send this letter: take payment_method out of its letters_off, or pass on the link."
        raise WrongState("letter_off", detail)
    event = Event(
        account=account,
        id=f"evt_{asked}_{type_.value.replace('.', '_')}",
        type=type_,
        subject=id_,
        about=about,
        created_at=at.now,
        fan_out_at=at.real,
        kept_until=at.real + KEPT_FOR,
    )
    publish.told(changes, event, at.real)
    delivery = name_of(event.id, letter.value)
    changes.put(Alias(account=account, id=asked, target=delivery))
    nudge(service, business, service.store.commit(changes).unparked())
    return delivery
