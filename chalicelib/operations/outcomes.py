"""Write down what the gateway said of a payment: to the payment, to what it pays, and as facts."""

from collections.abc import Iterable, Iterator, Mapping

from chalicelib.billing import ledger, numbering
from chalicelib.billing.ceilings import MOST_COUNTED
from chalicelib.billing.dunning import DEBIT_TYPES
from chalicelib.billing.events import EventType
from chalicelib.billing.gateway import (
    Canceled,
    Declined,
    Limited,
    NotAsked,
    Outcome,
    Processing,
    Succeeded,
    Unavailable,
)
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.payments import Payment, PaymentStatus
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm import notifications
from chalicelib.crm.accounts import Account, Moment
from chalicelib.crm.contacts import Contact, PaymentMethod
from chalicelib.operations import ask, decline, keep, publish, settle
from chalicelib.operations.ask import Answer
from chalicelib.operations.together import blame, work
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, Reading
from chalicelib.store.keys import Record
from chalicelib.store.shapes import Undecodable

# So many of the arrears are asked for in the commit that brings another method.
MOST_ASKED = 40
FACTS = {
    PaymentStatus.SUCCEEDED: EventType.PAYMENT_SUCCEEDED,
    PaymentStatus.DECLINED: EventType.PAYMENT_DECLINED,
    PaymentStatus.CANCELED: EventType.PAYMENT_CANCELED,
    PaymentStatus.HELD: EventType.PAYMENT_HELD,
    PaymentStatus.PROCESSING: EventType.PAYMENT_PROCESSING,
    PaymentStatus.ACTION_REQUIRED: EventType.PAYMENT_ACTION_REQUIRED,
    PaymentStatus.CHECKOUT: EventType.PAYMENT_CHECKOUT,
}


def answered(service: Service, account: str, answers: Mapping[str, Answer], known: Reading) -> None:
    """Write down the answers about payments, by id. `known` holds the payments and all beside them as last read.

    None means that the gateway has no trace of the payment and its key can no longer be trusted; Unavailable
    that it was not asked: the payment keeps its state and is looked at later. Any other error is the payment's own.
    """
    real = service.real()
    ask.check_alive(answers.values())

    def decide(changes: Changeset, name: str) -> None:
        asked = changes.at(name)
        if not isinstance(asked, Payment) or not asked.asked_about:
            return
        at, before = Moment(changes.get(Account, account), real), dict(changes.changed)
        try:
            _one_answered(changes, asked, answers[asked.id], at)
        except Undecodable as error:
            changes.changed = before
            # What the payment pays cannot be read: that is counted against it, and the payment waits longer each time.
            blame(
                service, next((key for key, of in changes.before.broken.items() if of is error), name), error
            )
            changes.put(asked.postponed(real, error.detail))

    names = [keys.key(Payment, account, payment) for payment in answers]
    left = _left(service, account, answers, known)
    work(
        service,
        account,
        names,
        decide,
        items_each=3,
        beside=lambda name: [*beside(known.records.get(name)), *left.get(name, ())],
        reading=known,
    )


def _left(
    service: Service, account: str, answers: Mapping[str, Answer], known: Reading
) -> dict[str, list[str]]:
    """What is read besides, by payment (keys), where an answer leads further than to what was paid; `known` holds it then."""
    found: dict[str, list[str]] = {}
    for id_, answer in answers.items():
        payment = known.records.get(name := keys.key(Payment, account, id_))
        if isinstance(payment, Payment) and (more := [*_further(known, payment, answer)]):
            found[name] = more
    wanted: Iterable[str] = (key for more in found.values() for key in more if key not in known.records)
    if found:
        known.add(service.store.load(account, wanted))
    return found


def _further(known: Reading, payment: Payment, answer: Answer) -> Iterator[str]:
    """The keys of a method a buyer left with it and of what is still owed, of the payments before a debit that came back, of whose balance may pay what it failed to, or who left an address."""
    account = payment.account
    if isinstance(answer, Succeeded | Processing) and answer.collected:
        yield keys.key(Contact, account, payment.contact)
    if isinstance(answer, Succeeded) and answer.method:
        # One that cannot be read is told of where the payment is decided.
        subscription = known.records.get(keys.key(Subscription, account, payment.subscription))
        arrears = subscription.arrears if isinstance(subscription, Subscription) else ()
        yield keys.key(PaymentMethod, account, answer.method.id)
        yield from (keys.key(Invoice, account, one) for one in arrears[:MOST_ASKED])
    paid = (known.records.get(keys.key(Invoice, account, part.invoice)) for part in payment.allocations)
    owed = [one for one in paid if isinstance(one, Invoice)]
    if isinstance(answer, Declined) and payment.type in DEBIT_TYPES:
        made = (name for one in owed for name in one.payments_so_far(MOST_COUNTED))
        yield from (keys.key(Payment, account, name) for name in made if name != payment.id)
    waited = payment.look_at is not None  # meanwhile money may have come another way, or been given
    if isinstance(answer, Declined | Canceled | None) and (waited or any(one.notes for one in owed)):
        yield keys.key(Contact, account, payment.contact)


def _one_answered(changes: Changeset, asked: Payment, answer: Answer, at: Moment) -> None:
    match answer:
        case Unavailable() as reason if reason.again_in:
            changes.put(asked.waiting(at.real + reason.again_in, str(reason)))
        case NotAsked() | Limited() as reason:
            changes.put(asked.waiting(None, str(reason)))
        case Unavailable() as reason:
            # It was asked, and waits longer each time: whoever asks first after a pause is not always the same.
            changes.put(asked.postponed(at.real, str(reason)))
        case BaseException() as error:
            raise error
        case _ if asked.fee_awaited:
            _fee_told(changes, asked, answer, at)
        case None:
            written(changes, asked, asked.never_arrived(at.now), at)
        case outcome:
            written(changes, asked, asked.told(outcome, at.now, at.real), at)
            if isinstance(outcome, Succeeded | Processing):
                keep.left(changes, asked, outcome, at)


def _fee_told(changes: Changeset, asked: Payment, answer: Outcome | None, at: Moment) -> None:
    """A payment that has its money was looked at for what Stripe kept of it."""
    after = asked.fee_told(answer, at.real)
    changes.put(after)
    if after.fee is not None:
        entry = ledger.fee_known(after)
        publish.fact(changes, EventType.PAYMENT_FEE_KNOWN, asked, _about(after), at, entry=entry)


def beside(payment: Record | None) -> tuple[str, ...]:
    """The keys of what an outcome may change besides the payment: its invoices and their subscription."""
    if not isinstance(payment, Payment):
        return ()
    owed = (keys.key(Invoice, payment.account, allocation.invoice) for allocation in payment.allocations)
    return (keys.key(Subscription, payment.account, payment.subscription), *owed)


def written(changes: Changeset, before: Payment, after: Payment, at: Moment) -> None:
    """Fold a payment's next state and all that follows from it into the changeset.

    Raises Undecodable, before anything is added, where what it pays cannot be read.
    """
    changes.get(Subscription, after.subscription)
    owed = [(part, changes.get(Invoice, part.invoice)) for part in after.allocations]
    after = after.judged(at.account.retries)
    changes.put(after)
    if after.status is before.status:
        return
    paid = ledger.paid(after) if after.status is PaymentStatus.SUCCEEDED else None
    about = _about(after)
    if paid is not None and is_first(changes, after):
        about[notifications.FIRST] = "yes"
    publish.fact(changes, FACTS[after.status], before, about, at, entry=paid)
    for allocation, invoice in owed:
        match after.status:
            case PaymentStatus.SUCCEEDED:
                settle.settled(changes, invoice.paid(after.id, allocation.amount, at.now), at)
            case PaymentStatus.DECLINED | PaymentStatus.CANCELED if decline.paid_by_balance(
                changes, invoice, at
            ):
                decline.method_refused(changes, after)
            case PaymentStatus.DECLINED:
                decline.refused(changes, invoice, after, at)
            case PaymentStatus.CANCELED:
                unconfirmed = before.status is PaymentStatus.ACTION_REQUIRED
                decline.called_off(changes, invoice, after, at, unconfirmed=unconfirmed)
            case _:
                pass


def is_first(changes: Changeset, payment_: Payment) -> bool:
    """Whether nothing was paid of a payment's subscription before: all that it asked for so far is owed, or paid by this.

    Of one whose earlier invoice was voided, or is not due yet, that is not known without a read; then it is not the first.
    """
    subscription = changes.find(Subscription, payment_.subscription)
    if subscription is None:
        return False
    paid = [changes.find(Invoice, part.invoice) for part in payment_.allocations]
    mine = {one.id for one in paid if one and one.subscription == subscription.id and not one.amount_paid}
    owed = mine | set(subscription.arrears)
    if not mine or subscription.ordinal - subscription.unasked > len(owed):
        return False
    asked = range(subscription.unasked, subscription.ordinal)
    return all(numbering.name_of(subscription.id, n) in owed for n in asked)


def _about(payment_: Payment) -> dict[str, str]:
    return {
        "contact": payment_.contact,
        "subscription": payment_.subscription,
        **({"invoice": payment_.allocations[0].invoice} if payment_.allocations else {}),
        "payment": payment_.id,
    }
