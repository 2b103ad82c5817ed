"""Follow money after it was taken: events about refunds and disputes, whose state Stripe is asked for.

They stay awake until what they are about is known here, so one that comes before its payment has settled waits for that.
What carries nothing of ours, as what is done in Stripe's dashboard, lies with the house until the PaymentIntent says
whose it is.
"""

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Final

from chalicelib.billing import ledger
from chalicelib.billing.disputes import Dispute
from chalicelib.billing.events import EventType
from chalicelib.billing.gateway import DisputeTold, Outcome, RefundTold, Refused, Succeeded, Unavailable
from chalicelib.billing.invoices import Invoice, InvoiceStatus
from chalicelib.billing.payments import Payment
from chalicelib.billing.refunds import Refund
from chalicelib.billing.stripe_events import StripeEvent
from chalicelib.crm.accounts import HOUSE, Account, Moment
from chalicelib.crm.contacts import Contact
from chalicelib.operations import ask, dispute, give_back, publish, refund, settle
from chalicelib.operations.together import blame, nudge, work
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, Conflict, Reading
from chalicelib.store.keys import Record

log = logging.getLogger("perennial")

AGAIN = timedelta(minutes=1)
"""After which an event is looked at again whose payment has not settled, or that Stripe did not answer about."""
DISPUTES: Final = "charge.dispute."
REFUNDS: Final = ("refund.", "charge.refund")
_ACCOUNT: Final = re.compile(r"acct_\w{1,80}", re.ASCII)
_PAYMENT: Final = re.compile(r"pay_\w{1,200}", re.ASCII)

Told = list[RefundTold] | DisputeTold | Outcome
Answer = Told | BaseException
Events = Mapping[str, StripeEvent]


def follows(event: StripeEvent) -> bool:
    """Whether Stripe is to be asked about what an event that is awake tells."""
    return event.account == HOUSE or event.type.startswith((DISPUTES, *REFUNDS)) or _is_success(event)


def _is_dispute(event: StripeEvent) -> bool:
    return event.type.startswith(DISPUTES)


def _is_success(event: StripeEvent) -> bool:
    return event.type == "payment_intent.succeeded"


def events(service: Service, account: str, found: Events) -> None:
    """Ask Stripe about what those of these events (by key) tell of that are awake, and write it down."""
    real = service.real()
    found = {name: event for name, event in found.items() if event.look_at and event.look_at <= real}
    if not found or service.breaker.tripped(real):
        return
    if account == HOUSE:
        _bring_home(service, found)
        return
    names = [keys.key(Payment, account, one.payment) for one in found.values() if one.payment]
    names += [keys.key(Dispute, account, one.object) for one in found.values() if _is_dispute(one)]
    known = service.store.load(account, names)
    questions: dict[str, Callable[[], Told]] = {}
    for name, event in found.items():
        payment = known.records.get(keys.key(Payment, account, event.payment)) if event.payment else None
        question = _question(service, event, payment) if isinstance(payment, Payment) else None
        if question is not None:
            questions[name] = question
    answers = ask.side_by_side(service, questions)
    _written(service, account, found, answers, known)


def _question(service: Service, event: StripeEvent, payment: Payment) -> Callable[[], Told] | None:
    """What Stripe is asked; nothing while the payment is open, or about money that is another payment's."""
    intent = _intent(event, payment)
    if payment.open or intent is None:
        return None
    if not payment.taken:
        return partial(service.gateway.fetch, intent)
    if _is_dispute(event):
        return partial(service.gateway.fetch_dispute, event.object)
    return partial(service.gateway.refunds_of, intent)


def _intent(event: StripeEvent, payment: Payment) -> str | None:
    """The PaymentIntent an event is about; None where it is another than the one that paid the payment."""
    intent = event.intent or (event.object if _is_success(event) else None) or payment.reference
    return None if payment.taken and intent != payment.reference else intent


def _written(
    service: Service, account: str, found: Events, answers: Mapping[str, Answer], asked_on: Reading
) -> None:
    real = service.real()

    def decide(changes: Changeset, name: str) -> None:
        event = changes.at(name)
        if isinstance(event, StripeEvent) and event.look_at is not None:
            payment = changes.find(Payment, event.payment) if event.payment else None
            at, answer = Moment(changes.get(Account, account), real), answers.get(name)
            if isinstance(answer, DisputeTold) and _overtaken(changes, answer, asked_on):
                changes.put(event.later(real))
            else:
                changes.put(_heard(changes, event, payment, answer, at))

    def beside(name: str) -> Iterator[str]:
        if found[name].payment:
            yield keys.key(Payment, account, found[name].payment or "")
        for one in _told(answers.get(name)):
            kind = Refund if isinstance(one, RefundTold) else Dispute
            yield keys.key(kind, account, _name(one))
            if isinstance(one, RefundTold):
                yield keys.key(kind, account, one.reference)

    work(service, account, list(found), decide, items_each=12, beside=beside, beyond=_Beyond(service))


def _overtaken(changes: Changeset, told: DisputeTold, asked_on: Reading) -> bool:
    """Whether somebody wrote a dispute down since Stripe was asked: what was told then may be older, and is asked anew.

    A dispute, unlike a payment or a refund, may go back to what it was, so that its states have no order.
    """
    now, then = changes.find(Dispute, told.id), asked_on.find(Dispute, changes.account, told.id)
    return (now.version if now else 0) != (then.version if then else 0)


def _told(answer: Answer | None) -> list[RefundTold | DisputeTold]:
    if isinstance(answer, list):
        return [*answer]
    return [answer] if isinstance(answer, DisputeTold) else []


def _name(told: RefundTold | DisputeTold) -> str:
    """What a refund or dispute is called here: by Stripe's id, but for a refund we asked for."""
    if isinstance(told, DisputeTold):
        return told.id
    return told.metadata.get("refund") or told.reference


@dataclass(frozen=True, slots=True)
class _Beyond:
    """The keys of all that money going back may change, of the payments at hand: read their invoices first."""

    service: Service

    def __call__(self, reading: Reading) -> list[str]:
        paid = [one for one in reading.records.values() if isinstance(one, Payment)]
        wanted = [keys.key(Contact, one.account, one.contact) for one in paid]
        owed = [keys.key(Invoice, one.account, part.invoice) for one in paid for part in one.allocations]
        if owed:
            reading.add(self.service.store.load(paid[0].account, owed))
        return [*wanted, *refund.beyond(reading)]


def _heard(
    changes: Changeset, event: StripeEvent, payment: Payment | None, answer: Answer | None, at: Moment
) -> StripeEvent:
    """The event after what was told has been folded into the changeset."""
    if payment is None or (answer is None and not payment.open and _intent(event, payment) is None):
        return event.noted()  # about other money than a payment's of ours
    if payment.open and not payment.leased(at.real):  # whoever asks about it just now is waited for
        changes.put(payment.woken(at.real))
    match answer:
        case Unavailable() | None:
            return event.later(at.real + AGAIN)
        case Refused():
            return event.noted()  # nothing Stripe knows
        case BaseException():
            raise answer
        case DisputeTold() | list():
            _folded(changes, payment, answer, at)
            return event.noted()
        case _:
            return _after_all(changes, event, payment, answer, at)


def _folded(changes: Changeset, payment: Payment, told: DisputeTold | list[RefundTold], at: Moment) -> None:
    if isinstance(told, DisputeTold):
        dispute.told(changes, payment, told, at)
        return
    for one in told:
        _refund(changes, payment.id, one, at)


def _refund(changes: Changeset, payment: str, told: RefundTold, at: Moment) -> None:
    before = changes.find(Refund, _name(told)) or changes.find(Refund, told.reference)
    if before is None:
        give_back.adopted(changes, changes.get(Payment, payment), told, at)
    else:
        give_back.written(changes, before, before.told(told, at.now, at.real), at)


def _after_all(
    changes: Changeset, event: StripeEvent, payment: Payment, outcome: Outcome, at: Moment
) -> StripeEvent:
    """Stripe took the money of a payment that is closed here: it is its customer's balance, which pays what is still owed.

    Nobody is asked for that twice, and nothing goes back unasked. What else the event tells is looked at then.
    """
    if payment.taken:
        return event.later(at.real)
    if not isinstance(outcome, Succeeded):
        return event.noted()
    after = payment.taken_after_all(outcome, at.now, at.real)
    changes.put(after, changes.get(Contact, payment.contact).credited(payment.amount))
    about = {"contact": payment.contact, "subscription": payment.subscription, "payment": payment.id}
    publish.fact(changes, EventType.PAYMENT_TAKEN, payment, about, at, entry=ledger.paid(after))
    log.error("taken after all: the money is on the customer's balance", extra={"payment": payment.id})
    for part in payment.allocations:
        owed = changes.find(Invoice, part.invoice)
        if owed is not None and owed.status is InvoiceStatus.OPEN and owed.payment is None:
            settle.from_balance(changes, owed, at)
    return event.noted() if _is_success(event) else event.later(at.real)


def _bring_home(service: Service, found: Events) -> None:
    """Give each event that lies with the house to the account its PaymentIntent names."""
    questions = {
        name: partial(service.gateway.metadata, one.intent) for name, one in found.items() if one.intent
    }
    answers = ask.side_by_side(service, questions)
    for name, event in found.items():
        match answers.get(name):
            case Unavailable():
                keep(service, HOUSE, event.later(service.real() + AGAIN))
            case Refused() | None:
                _brought(service, event, {})  # nothing Stripe knows
            case Exception() as error:
                blame(service, name, error)  # an answer that cannot be read says not that it is nobody's
            case BaseException() as killed:
                raise killed
            case metadata:
                _brought(service, event, metadata)


def _brought(service: Service, event: StripeEvent, metadata: Mapping[str, str]) -> None:
    account, payment = metadata.get("account", ""), metadata.get("payment", "")
    if _ACCOUNT.fullmatch(account) and _PAYMENT.fullmatch(payment):
        at_home = replace(event, account=account, payment=payment, look_at=service.real(), version=0)
        business = keys.key(Account, account, account)
        known = service.store.load(account, [business, keys.key_of(at_home)])
        if known.has(business) and not known.has(keys.key_of(at_home)):
            keep(service, account, at_home)
            _hurry(service, known.records.get(business), at_home)
    keep(service, HOUSE, event.noted())


def _hurry(service: Service, account: Record | None, event: StripeEvent) -> None:
    """One whose account cannot be read just now waits for the sweep."""
    if isinstance(account, Account):
        nudge(service, account, [event])


def keep(service: Service, account: str, event: StripeEvent) -> None:
    """Write an event by itself, unless somebody else has written it since."""
    changes = Changeset(account)
    changes.put(event)
    try:
        service.store.commit(changes)
    except Conflict:
        log.info("another worker wrote the event", extra={"stripe_event": event.id})
