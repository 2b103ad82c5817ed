"""Write down what the gateway said of a payment: to the payment, its invoices, its subscription, and as facts."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import takewhile

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
    Succeeded,
    Unavailable,
)
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.issuing import applicable
from chalicelib.billing.payments import Origin, Payment, PaymentStatus
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm import notifications
from chalicelib.crm.accounts import Account, Moment
from chalicelib.crm.contacts import Contact, PaymentMethod
from chalicelib.operations import keep, publish
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
    if killed := next(
        (a for a in answers.values() if isinstance(a, BaseException) and not isinstance(a, Exception)), None
    ):
        raise killed

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
    """The keys of a method a buyer left with it and of what is still owed, of the payments before a debit that came back, of whom it credited."""
    account = payment.account
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
    if isinstance(answer, Declined | Canceled | None) and any(one.notes for one in owed):
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
            if isinstance(outcome, Succeeded) and outcome.method:
                keep.of_payment(changes, asked, outcome.method, at)


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
                settled(changes, invoice.paid(after.id, allocation.amount, at.now), at)
            case PaymentStatus.DECLINED | PaymentStatus.CANCELED if _balance_pays(changes, invoice, at):
                _close_refused(changes, after)
            case PaymentStatus.DECLINED:
                _refused(changes, invoice, after, at)
            case PaymentStatus.CANCELED:
                unconfirmed = before.status is PaymentStatus.ACTION_REQUIRED
                _called_off(changes, invoice, after, at, unconfirmed=unconfirmed)
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


def _refused(changes: Changeset, invoice: Invoice, payment: Payment, at: Moment) -> None:
    """What a buyer tried on a page leaves the schedule as it was."""
    match payment.origin:
        case Origin.CHECKOUT:
            changes.put(invoice.released(invoice.attempt_at))
        case Origin.PERSON:
            _refused_by_hand(changes, invoice, payment, at)
        case _:
            _declined(changes, invoice, payment, at)


def _called_off(
    changes: Changeset, invoice: Invoice, payment: Payment, at: Moment, *, unconfirmed: bool
) -> None:
    """What a person or a buyer had begun leaves the schedule as it was; what never arrived is asked for at once."""
    if payment.origin in (Origin.CHECKOUT, Origin.PERSON):
        changes.put(invoice.released(invoice.attempt_at))
    elif unconfirmed:
        _unconfirmed(changes, invoice, payment, at)
    else:
        changes.put(invoice.released(at.now))


def _unconfirmed(changes: Changeset, invoice: Invoice, payment: Payment, at: Moment) -> None:
    """A payment that waited for its buyer is called off: after a day as a decline, before that because another is to open.

    Then nothing has failed yet: what was charged is asked for on the next day of the schedule.
    """
    if payment.abandoned(at.real):
        _declined(changes, invoice, payment, at)
        return
    again = invoice.attempt_at
    if invoice.due_on is None:
        policy = at.account.retries
        again = invoice.declined(policy, at.now, hard=False, type_=payment.type).attempt_at or at.now
    changes.put(invoice.released(again))


def settled(changes: Changeset, invoice: Invoice, at: Moment) -> None:
    """Fold an invoice into the changeset; one that lacks nothing any more leaves the arrears, and with the last one it recovers."""
    changes.put(invoice)
    subscription = changes.get(Subscription, invoice.subscription)
    if invoice.lacking(at.day) or invoice.id not in subscription.arrears:
        return
    after = subscription.settled(invoice.id)
    _moved(changes, subscription, after, EventType.SUBSCRIPTION_RECOVERED, at)


def from_balance(changes: Changeset, invoice: Invoice, at: Moment) -> Invoice:
    """The invoice after its customer's balance has paid what it can of it; all that changes is folded in.

    A balance is applied as an invoice is issued, and again before it is asked for another time: what a credit note
    gave meanwhile, because a payment was still open, is not asked for twice.
    """
    buyer = changes.get(Contact, invoice.contact)
    amount = applicable(buyer.balance(invoice.currency), invoice.amount_due)
    if not amount:
        return invoice
    after = invoice.applied(amount, at.now)
    changes.put(buyer.credited(-amount))
    about = {"contact": invoice.contact, "subscription": invoice.subscription, "invoice": invoice.id}
    entry = ledger.applied(amount)
    publish.fact(changes, EventType.INVOICE_BALANCE_APPLIED, invoice, about, at, entry=entry)
    settled(changes, after, at)
    return after


def _balance_pays(changes: Changeset, invoice: Invoice, at: Moment) -> bool:
    """Whether what was credited while a payment held an invoice pays all of it, folded in: then nothing has failed.

    The contact is in the changeset where credit notes were issued.
    """
    buyer = changes.find(Contact, invoice.contact) if invoice.notes else None
    owed = invoice.amount_due
    if buyer is None or not owed or buyer.balance(invoice.currency) < owed:
        return False
    from_balance(changes, invoice.released(invoice.attempt_at), at)
    return True


def _close_refused(changes: Changeset, payment: Payment) -> None:
    """A method that was refused for good is not asked again, whatever has paid what it was asked for."""
    subscription = changes.get(Subscription, payment.subscription)
    method, asked = subscription.method, payment.request
    if payment.hard and method is not None and asked is not None and method.id == asked.method:
        changes.put(replace(subscription, method=replace(method, refused=True)))


def _declined(changes: Changeset, invoice: Invoice, payment: Payment, at: Moment) -> None:
    """A decline of the method that is charged now follows the schedule; one of an older method is asked again at once.

    What was sent is due as it was.
    """
    if invoice.due_on is not None:
        failed(changes, invoice.released(None), at)
        return
    method = changes.get(Subscription, invoice.subscription).method
    tried = payment.request.method if payment.request else ""
    if method is not None and method.id != tried and not method.refused:
        again = invoice.declined(at.account.retries, at.now, hard=False).asked_at(at.now)
        failed(changes, again, at)
        return
    policy, count = at.account.retries, _failures(changes, invoice)
    after = invoice.declined(policy, at.now, hard=payment.hard, type_=payment.type, failures=count)
    failed(changes, after, at, refused=tried if payment.hard else None)


def _failures(changes: Changeset, invoice: Invoice) -> int | None:
    """How often the schedule asked in vain for what is owed now, where its payments were read: only a debit's count."""
    tried = since_paid(changes, invoice)
    asked = [one for one in tried if one.request and not one.request.page and one.origin is not Origin.PERSON]
    return len(asked) or None


def since_paid(changes: Changeset, invoice: Invoice) -> list[Payment]:
    """The payments that were asked for and came to nothing, or are not over, since one succeeded: that paid another part. Newest first."""
    made = (changes.find(Payment, name) for name in invoice.payments_so_far(MOST_COUNTED))
    asked = (one for one in made if one is not None and one.request is not None)
    return list(takewhile(lambda one: one.status is not PaymentStatus.SUCCEEDED, asked))


def _refused_by_hand(changes: Changeset, invoice: Invoice, payment: Payment, at: Moment) -> None:
    """What a person had asked for was declined: the schedule goes on as it was, or begins, where it was the first of its method."""
    subscription = changes.get(Subscription, invoice.subscription)
    own = (
        subscription.method is not None
        and payment.request
        and subscription.method.id == payment.request.method
    )
    refused = subscription.method.id if subscription.method and own and payment.hard else None
    policy, charged = at.account.retries, invoice.due_on is None and invoice.attempt_at is not None
    if own and charged and invoice.failed_at is None and invoice.lacking(at.day):
        failed(
            changes,
            invoice.declined(policy, at.now, hard=payment.hard, type_=payment.type),
            at,
            refused=refused,
        )
        return
    after = invoice.refused_by_hand(policy, at.now, payment.type)
    if after.attempt_at is None and charged:
        failed(changes, after, at, refused=refused)
        return
    changes.put(after)
    if refused is not None:
        changes.put(replace(subscription, method=subscription.failing(invoice.id, refused=refused).method))


def failed(changes: Changeset, invoice: Invoice, at: Moment, *, refused: str | None = None) -> None:
    """An invoice was not collected: its subscription is past due, or, when no attempt is left, given up.

    One that is sent is never given up, and before it is overdue nothing is wrong.
    """
    changes.put(invoice)
    if invoice.due_on is not None and not invoice.lacking(at.day):
        return
    subscription = changes.get(Subscription, invoice.subscription)
    after = subscription.failing(invoice.id, refused=refused)
    if after != subscription:
        _moved(changes, subscription, after, EventType.SUBSCRIPTION_PAST_DUE, at)
    if invoice.attempt_at is None and invoice.due_on is None:
        given_up(changes, invoice, at)


def owed_again(changes: Changeset, invoice: Invoice, at: Moment) -> None:
    """An invoice that was given up is owed after all: its subscription is past due by it, and no attempt is made."""
    changes.put(invoice)
    subscription = changes.get(Subscription, invoice.subscription)
    after = subscription.failing(invoice.id)
    if after != subscription:
        _moved(changes, subscription, after, EventType.SUBSCRIPTION_PAST_DUE, at)


def given_up(changes: Changeset, invoice: Invoice, at: Moment) -> None:
    """The last attempt is over: the invoice stays open, the subscription becomes what the policy says."""
    changes.put(invoice.left_open())
    subscription = changes.get(Subscription, invoice.subscription)
    after = subscription.given_up(at.account.retries.at_end, at.now)
    if after != subscription:
        canceled = after.status is Status.CANCELED
        type_ = EventType.SUBSCRIPTION_CANCELED if canceled else EventType.SUBSCRIPTION_UNPAID
        _moved(changes, subscription, after, type_, at)


def _moved(
    changes: Changeset, before: Subscription, after: Subscription, type_: EventType, at: Moment
) -> None:
    changes.put(after)
    if after.status is not before.status:
        about = {"contact": after.contact, "subscription": after.id, "status": after.status.value}
        publish.fact(changes, type_, after, about, at)


def _about(payment_: Payment) -> dict[str, str]:
    return {
        "contact": payment_.contact,
        "subscription": payment_.subscription,
        **({"invoice": payment_.allocations[0].invoice} if payment_.allocations else {}),
        "payment": payment_.id,
    }
