"""Give money of payments back: write it down, ask Stripe under the refund's name, write down the answer.

Exactly as a charge: committed with a lease before it is asked for; what is not answered is found by its metadata, or asked
for again under the same key while that lives. So there is one refund for one ask, whatever dies or races.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from chalicelib.billing.credits import CreditNote, Wanted
from chalicelib.billing.disputes import Dispute
from chalicelib.billing.errors import Invalid, WrongState
from chalicelib.billing.gateway import RefundTold, Refused, Unavailable
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.money import Money
from chalicelib.billing.payments import Payment
from chalicelib.billing.refunds import NEVER_ARRIVED, Refund, RefundStatus
from chalicelib.crm.accounts import Account, Moment
from chalicelib.crm.contacts import Contact
from chalicelib.operations import act, ask, credit, fill, give_back
from chalicelib.operations.together import retried, work
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.bookkeeping import Alias
from chalicelib.store.changes import Changeset, Reading

MOST_LOOKED = 12
"""Payments of one invoice that a credit note is refunded to: the last ones."""

Answer = RefundTold | BaseException | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be given back: of a `payment`, an `amount` or all that is left; of an `invoice`, `lines` of it or that alone.

    With an invoice alone it is the payment that paid it.
    """

    payment: str | None = None
    invoice: str | None = None
    lines: tuple[Wanted, ...] = ()
    amount: Money | None = None
    reason: str = ""
    to_balance: bool = False


def payment(service: Service, account: str, wish: Wish) -> Refund:
    """Give back what is wished, now. What an earlier try of the same request did is not done again.

    Raises NotFound, Invalid or WrongState.
    """
    asked = service.new_id(act.REQUEST)

    def attempt() -> tuple[Refund, Reading | None]:
        if done := service.store.find(Alias, account, asked):
            return service.store.get(Refund, account, done.target), None
        changes, at = _read(service, account, wish)
        refund = _folded(changes, wish, at)
        changes.put(Alias(account=account, id=asked, target=refund.id))
        known = changes.before
        known.add(service.store.commit(changes))
        return known.get(Refund, account, refund.id), known

    refund, known = retried(attempt)
    if known is None or refund.status is not RefundStatus.PENDING:
        return refund
    send(service, account, [refund], known)
    return service.store.get(Refund, account, refund.id)


def credit_note(
    service: Service, account: str, id_: str, wanted: Sequence[Wanted], *, reason: str = ""
) -> CreditNote:
    """Credit lines of an invoice, or all that is left of it, and give back what that gives to its payments.

    What an earlier try of the same request did is not done again. Raises NotFound, Invalid or WrongState.
    """
    asked = service.new_id(act.REQUEST)

    def attempt() -> tuple[CreditNote, list[Refund], Reading | None]:
        if done := service.store.find(Alias, account, asked):
            return service.store.get(CreditNote, account, done.target), [], None
        changes, note, made = _noted(service, account, id_, wanted, reason)
        changes.put(Alias(account=account, id=asked, target=note.id))
        known = changes.before
        known.add(service.store.commit(changes))
        return (
            known.get(CreditNote, account, note.id),
            [known.get(Refund, account, one.id) for one in made],
            known,
        )

    note, made, known = retried(attempt)
    if known is not None:
        send(service, account, [one for one in made if one.status is RefundStatus.PENDING], known)
    return note


def credit_note_preview(
    service: Service, account: str, id_: str, wanted: Sequence[Wanted], *, reason: str = ""
) -> CreditNote:
    """The credit note that would be issued, and could be given back, now; nothing is written."""
    _, note, _ = _noted(service, account, id_, wanted, reason)
    return note


def _noted(
    service: Service, account: str, id_: str, wanted: Sequence[Wanted], reason: str
) -> tuple[Changeset, CreditNote, list[Refund]]:
    changes, at = credit.read(service, account, id_, "invoice")
    beside_note(service, account, changes.before)
    note = credit.fold_wanted(changes, changes.get(Invoice, id_), wanted, at, reason=reason)
    return changes, note, of_note(changes, note, at, reason=reason)


def of_note(changes: Changeset, note: CreditNote, at: Moment, *, reason: str = "") -> list[Refund]:
    """Fold the refunds of what a credit note gave into the changeset, which holds what `beside_note` names."""
    invoice = changes.get(Invoice, note.invoice)
    found = (changes.find(Payment, name) for name in _paying(invoice))
    paid = [one for one in found if one and any(part.invoice == invoice.id for part in one.allocations)]
    return give_back.of_note(changes, paid, note, at, reason=reason)


def beside_note(service: Service, account: str, reading: Reading) -> None:
    """Add the payments of the invoices at hand, and their disputes, to what was read."""
    owed = [one for one in reading.records.values() if isinstance(one, Invoice)]
    names = [keys.key(Payment, account, name) for one in owed for name in _paying(one)]
    reading.add(service.store.load(account, names))
    reading.add(service.store.load(account, list(_disputes(reading))))


def _paying(invoice: Invoice) -> list[str]:
    """The names of the payments that may have paid an invoice, newest first."""
    last = [invoice.paid_by] if invoice.paid_by else []
    return list(dict.fromkeys([*last, *invoice.payments_so_far(MOST_LOOKED)]))


def _read(service: Service, account: str, wish: Wish) -> tuple[Changeset, Moment]:
    """All that giving back reads, and the moment. Raises NotFound or WrongState."""
    name = wish.payment or _paid_by(service, account, wish.invoice or "")
    found = service.store.load(
        account, [keys.key(Payment, account, name), keys.key(Account, account, account)]
    )
    paid = fill.named(found, Payment, account, name, "payment")
    further = [keys.key(Invoice, account, part.invoice) for part in paid.allocations]
    further += [keys.key(Contact, account, paid.contact), *_disputes(found)]
    found.add(service.store.load(account, further))
    found.add(service.store.load(account, list(beyond(found))))
    return Changeset(account, found), Moment(found.get(Account, account, account), service.real())


def _paid_by(service: Service, account: str, invoice: str) -> str:
    found = service.store.load(account, [keys.key(Invoice, account, invoice)])
    owed = fill.named(found, Invoice, account, invoice, "invoice")
    if owed.paid_by is None:
        detail = f"No payment paid the whole of {owed.id}; name the payment that is to be given back."
        raise WrongState("invoice_not_paid_by_one", detail, "invoice")
    return owed.paid_by


def _disputes(reading: Reading) -> Iterator[str]:
    for one in reading.records.values():
        if isinstance(one, Payment) and one.dispute:
            yield keys.key(Dispute, one.account, one.dispute)


def beyond(reading: Reading) -> Iterator[str]:
    """The keys of all that crediting the invoices at hand reads."""
    for one in list(reading.records.values()):
        if isinstance(one, Invoice):
            yield from credit.beside(one)


def _folded(changes: Changeset, wish: Wish, at: Moment) -> Refund:
    paid = next(one for one in changes.before.records.values() if isinstance(one, Payment))
    if wish.lines:
        return _of_lines(changes, paid, wish, at)
    return give_back.of_amount(
        changes,
        paid,
        wish.amount,
        at,
        invoice=wish.invoice,
        reason=wish.reason,
        to_balance=wish.to_balance,
    )


def _of_lines(changes: Changeset, paid: Payment, wish: Wish, at: Moment) -> Refund:
    """Lines of an invoice are credited as they are, and what that gives goes back."""
    give_back.check_refundable(changes, paid)
    owed = changes.find(Invoice, wish.invoice or "")
    if owed is None or all(part.invoice != owed.id for part in paid.allocations):
        raise Invalid("not_paid_by_it", f"{paid.id} did not pay {wish.invoice}.", "invoice")
    note = credit.fold_wanted(changes, owed, wish.lines, at, reason=wish.reason, refunding=True)
    return give_back.asked(
        changes, paid, note.to_balance, [note], at, reason=wish.reason, to_balance=wish.to_balance
    )


def send(service: Service, account: str, refunds: Iterable[Refund], known: Reading) -> None:
    """Ask Stripe for refunds that are written down, side by side, and write the answers down."""
    questions = {
        refund.id: partial(_sent, service, refund, known.get(Payment, account, refund.payment))
        for refund in refunds
    }
    answered(service, account, ask.side_by_side(service, questions))


def _sent(service: Service, refund: Refund, paid: Payment) -> RefundTold:
    metadata = {"account": refund.account, "payment": refund.payment, "refund": refund.id}
    return service.gateway.refund(refund.id, paid.reference or "", refund.amount, metadata)


def answered(service: Service, account: str, answers: Mapping[str, Answer]) -> None:
    """Write down what was told of refunds, by id.

    None means that Stripe has no trace of it and its key can no longer be trusted; Unavailable that it is not known:
    it is looked at later. What Stripe refuses has failed.
    """
    ask.check_alive(answers.values())
    real = service.real()

    def decide(changes: Changeset, name: str) -> None:
        before = changes.at(name)
        if isinstance(before, Refund):
            at = Moment(changes.get(Account, account), real)
            give_back.written(changes, before, _told(before, answers[before.id], at), at)

    names = [keys.key(Refund, account, one) for one in answers]
    work(service, account, names, decide, items_each=4, beyond=beside)


def _told(before: Refund, answer: Answer, at: Moment) -> Refund:
    pending = before.status is RefundStatus.PENDING
    match answer:
        case RefundTold():
            return before.told(answer, at.now, at.real)
        case _ if not pending:
            return before
        case Unavailable():
            return before.postponed(at.real, str(answer))
        case Refused():
            return before.failed(answer.code, at.now)
        case None:
            return before.failed(NEVER_ARRIVED, at.now)
        case _:
            raise answer


def beside(reading: Reading) -> Iterator[str]:
    """The keys of what the end of the refunds at hand changes besides themselves."""
    for one in list(reading.records.values()):
        if isinstance(one, Refund):
            yield keys.key(Payment, one.account, one.payment)
            yield keys.key(Contact, one.account, one.contact)


def refunds(service: Service, account: str, names: list[str]) -> None:
    """Ask Stripe about each awake refund that nobody else is asking about."""
    real = service.real()
    if service.breaker.tripped(real):
        return
    taken: dict[str, Refund] = {}
    paid: dict[str, Payment] = {}

    def decide(changes: Changeset, name: str) -> None:
        taken.pop(name, None)
        refund = changes.at(name)
        if not isinstance(refund, Refund) or refund.leased(real):
            return
        if Moment(changes.get(Account, account), real).awake(refund.wake):
            # What its end will change must be there, else Stripe is asked in vain.
            paid[refund.id] = changes.get(Payment, refund.payment)
            changes.get(Contact, refund.contact)
            taken[name] = refund.taken_up(real)
            changes.begin(taken[name])

    known = work(service, account, names, decide, items_each=1, beyond=beside)
    mine = [refund for name, refund in taken.items() if name in known.written]
    if not mine:
        return
    questions = {one.id: partial(_outcome, service, one, paid[one.id], real) for one in mine}
    answered(service, account, ask.side_by_side(service, questions))


def _outcome(service: Service, refund: Refund, paid: Payment, real: datetime) -> RefundTold | None:
    """Among the payment's refunds, by its name; else, while the key surely lives, by asking again."""
    try:
        there = service.gateway.refunds_of(paid.reference or "")
    except (
        Refused
    ) as unknown:  # asked of another account or mode of Stripe's: that says nothing of the refund
        detail = f"Stripe does not know {paid.reference}: {unknown}"
        raise WrongState("payment_not_at_stripe", detail) from unknown
    for told in there:
        if told.metadata.get("refund") == refund.id or told.reference == refund.reference:
            return told
    return _sent(service, refund, paid) if refund.repeatable(real) else None
