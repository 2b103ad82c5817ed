"""A buyer leaves a payment method on Stripe's page, and their subscription is charged on it.

The page's webhook, the buyer's return and the poll at its end all come to `setups`: whoever writes first has it done.
"""

from collections.abc import Iterator
from contextlib import suppress
from functools import partial

from chalicelib.billing import ways
from chalicelib.billing.collection import CollectionMethod, taking
from chalicelib.billing.errors import NotFound, WrongState
from chalicelib.billing.gateway import Refused, SavedMethod, SetupPage, Unavailable
from chalicelib.billing.payments import PAUSES, Payment
from chalicelib.billing.setups import ANSWERED_WITHIN, Setup
from chalicelib.billing.statuses import ENDED
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account, Moment
from chalicelib.crm.contacts import Contact, PaymentMethod
from chalicelib.operations import ask, attach, collect, keep
from chalicelib.operations.checkout import PAGE_LIVES
from chalicelib.operations.together import retried, work
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, Conflict, Reading
from chalicelib.store.shapes import NewerShape, Undecodable

Answers = dict[str, SetupPage | BaseException]


def method(service: Service, account: str, subscription: str, *, back_url: str) -> str:
    """The address of Stripe's page on which another method is left for a subscription.

    "{setup}" in `back_url` becomes the setup's id. An earlier try of the same request has opened the same page.
    Raises NotFound, WrongState, Unavailable.
    """
    begun = _named(service, account, subscription, back_url)
    try:
        page = _asked(service, begun)
    except Refused as refused:
        if refused.code != attach.GONE:
            raise WrongState("page_refused", refused.detail) from refused
        attach.customer_anew(service, account, begun.contact, begun.customer)
        begun = _named(service, account, subscription, back_url)
        page = _asked(service, begun)
    return page.url if retried(lambda: _opened(service, begun, page)) and page.url else begun.back_url


def refresh(service: Service, account: str, id_: str) -> Setup:
    """A setup as Stripe knows it now: its buyer is waiting. Where Stripe does not answer, as it was. Raises NotFound."""
    before = service.store.get(Setup, account, id_)
    if before.open:
        setups(service, account, [keys.key_of(before)], at_once=True)
    return service.store.get(Setup, account, id_)


def setups(service: Service, account: str, names: list[str], *, at_once: bool = False) -> None:
    """Ask about each awake setup; a method that was left is saved, and the subscription charged on it."""
    real = service.real()
    if service.breaker.tripped(real) and not at_once:
        return
    found = service.store.load(account, names)
    asked = [one for one in found.records.values() if isinstance(one, Setup) and one.open]
    mine = [one for one in asked if at_once or (one.wake and one.wake.at <= real)]
    answers = _answers(service, mine, at_once=at_once)
    _write(service, account, mine, answers, sorted(found.broken))


# -- the page -------------------------------------------------------------------------------------------


def _named(service: Service, account: str, subscription: str, back_url: str) -> Setup:
    """The next setup of this request, written down; that of an earlier try of it as it is."""
    id_ = service.new_id("setup_")
    return service.store.find(Setup, account, id_) or _begun(
        service, account, subscription, id_, back_url.replace("{setup}", id_)
    )


def _asked(service: Service, begun: Setup) -> SetupPage:
    return service.gateway.setup(
        begun.id,
        customer=begun.customer,
        types=begun.types,
        metadata={"account": begun.account, "subscription": begun.subscription, "setup": begun.id},
        back_url=begun.back_url,
        expires_at=begun.expires_at,
    )


def _begun(service: Service, account: str, subscription: str, id_: str, back_url: str) -> Setup:
    """A setup written down before its page is asked for; the contact's customer is made where there is none."""
    found = service.store.load(
        account, [keys.key(Subscription, account, subscription), keys.key(Account, account, account)]
    )
    before, at = (
        found.get(Subscription, account, subscription),
        Moment(found.get(Account, account, account), service.real()),
    )
    check(before)
    buyer = service.store.get(Contact, account, before.contact)
    made = Setup(
        account=account,
        id=id_,
        subscription=before.id,
        contact=buyer.id,
        customer=buyer.customer or attach.customer(service, account, buyer),
        back_url=back_url,
        created_at=at.now,
        sent_at=at.real,
        expires_at=at.real + PAGE_LIVES,
        types=taking(before.collects.types or at.account.method_types, before.currency),
        look_at=at.real + ANSWERED_WITHIN,
    )
    changes = Changeset(account, found)
    changes.put(made)
    return service.store.commit(changes).get(Setup, account, id_)


def check(subscription: Subscription) -> None:
    """Raises WrongState where no method is charged for it."""
    ways.check_billed(subscription)
    if not charged(subscription):
        raise WrongState("not_charged", "Nothing of this subscription is charged; its invoices are sent.")
    if subscription.status in ENDED and not subscription.arrears:
        raise WrongState("subscription_ended", f"The subscription is {subscription.status}; nothing is owed.")


def _opened(service: Service, begun: Setup, page: SetupPage) -> bool:
    """Write down which page is its own; False where somebody has seen its end already."""
    current = service.store.get(Setup, begun.account, begun.id)
    if current.open and page.url:
        changes = Changeset(begun.account)
        changes.put(current.told(page, service.real()))
        service.store.commit(changes)
    return current.open


def charged(subscription: Subscription) -> bool:
    """Whether a method that is left takes the place of the one before: what is only ever sent is charged on none."""
    return subscription.collects.way is not CollectionMethod.SEND_INVOICE and not subscription.record_only


# -- what has become of it --------------------------------------------------------------------------------


def _answers(service: Service, asked: list[Setup], *, at_once: bool) -> Answers:
    questions = {
        one.id: partial(service.gateway.fetch_setup, one.session) for one in asked if one.session is not None
    }
    return ask.at_once(questions) if at_once else ask.side_by_side(service, questions)


def _write(service: Service, account: str, asked: list[Setup], answers: Answers, broken: list[str]) -> None:
    """Write the answers down; what is `broken` (keys) was not asked about, and is counted."""
    real, freed = service.real(), _freed(service, account, asked, answers)
    payments: dict[str, Payment] = {}

    def decide(changes: Changeset, name: str) -> None:
        payments.pop(name, None)
        setup = changes.at(name)
        if not isinstance(setup, Setup) or not setup.open:
            return
        at = Moment(changes.get(Account, account), real)
        if payment := _told(changes, setup, answers.get(setup.id), at):
            payments[name] = payment

    names, read = [keys.key_of(one) for one in asked], _beside(asked, answers)
    known = work(
        service,
        account,
        [*names, *broken],
        decide,
        items_each=collect.MOST_AT_ONCE,
        beside=lambda name: read.get(name, ()),
        beyond=_owed,
    )
    told = (one for one in asked if keys.key_of(one) in known.written)  # else the method is the one before
    for one in told:
        after = known.records.get(keys.key(Subscription, account, one.subscription))
        if isinstance(after, Subscription) and one.id in freed and charged(after):
            payment = payments.get(keys.key_of(one))
            attach.ask_at_once(service, after, payment, known, freed[one.id])


def _told(
    changes: Changeset, setup: Setup, answer: SetupPage | BaseException | None, at: Moment
) -> Payment | None:
    """Fold what the gateway said of a setup into the changeset; the payment of the arrears, where there is one."""
    match answer:
        case SetupPage() as page:
            changes.put(setup.told(page, at.real))
            return _left(changes, setup, page.method, at) if page.method else None
        case None:
            if at.real >= setup.sent_at + ANSWERED_WITHIN:
                changes.put(setup.never_opened())
        case Unavailable() as away:
            changes.put(setup.woken(at.real + (away.again_in or PAUSES[0])))
        case BaseException() as error:
            raise error
    return None


def _freed(service: Service, account: str, asked: list[Setup], answers: Answers) -> dict[str, list[str]]:
    """What waits for its buyer is called off before another method takes its place; the invoices (ids) free by that."""
    freed = dict[str, list[str]]()
    for one in asked:
        answer = answers.get(one.id)
        if isinstance(answer, SetupPage) and answer.method:
            freed[one.id] = []
            # What cannot be read is told of where it is decided; what somebody else is at is asked for when that has ended.
            with suppress(Undecodable, NewerShape, NotFound, Conflict):
                before = service.store.get(Subscription, account, one.subscription)
                freed[one.id] = attach.cleared(service, before) if charged(before) else []
    return freed


def _left(changes: Changeset, setup: Setup, left: SavedMethod, at: Moment) -> Payment | None:
    """A method was left: it is saved, and takes the place of the one before where the subscription is charged at all."""
    saved = keep.method(changes, setup.contact, left, at)
    before = changes.get(Subscription, setup.subscription)
    if not charged(before):
        return None
    return attach.swapped(changes, before, saved, at)


def _beside(asked: list[Setup], answers: Answers) -> dict[str, list[str]]:
    """What the decision about each setup reads (keys), by its key."""
    read = {}
    for one in asked:
        answer = answers.get(one.id)
        left = answer.method if isinstance(answer, SetupPage) else None
        read[keys.key_of(one)] = [
            keys.key(Subscription, one.account, one.subscription),
            *([keys.key(PaymentMethod, one.account, left.id)] if left else []),
        ]
    return read


def _owed(reading: Reading) -> Iterator[str]:
    for record in reading.records.values():
        if isinstance(record, Subscription):
            yield from attach.owed_by(record)
