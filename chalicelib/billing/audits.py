"""What an audit finds: what is wrong, where, and what a person does about it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from chalicelib.billing.disputes import Dispute
from chalicelib.billing.gateway import ChargeTold, DisputeTold, RefundTold, Succeeded
from chalicelib.billing.invoices import Invoice, InvoiceStatus
from chalicelib.billing.numbering import counted, position_of
from chalicelib.billing.payments import Payment, PaymentStatus
from chalicelib.billing.refunds import Refund, RefundStatus
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.wake import Topic, Wake

MOST_KEPT: Final = 200
"""Findings that are kept of one audit; all are counted."""
TAKEN: Final = frozenset({PaymentStatus.SUCCEEDED, PaymentStatus.RETURNED})
"""What a payment is whose money Stripe has taken, whatever became of it since."""


class Code(StrEnum):
    """The kinds of findings."""

    FORGOTTEN = "forgotten"
    NOT_IN_SCHEDULE = "not_in_schedule"
    WRONG_SHARD = "wrong_shard"
    LATE = "late"
    PARKED = "parked"
    UNREADABLE = "unreadable"
    LINK_ASTRAY = "link_astray"
    INVOICE_MISSING = "invoice_missing"
    ARREARS_WRONG = "arrears_wrong"
    INVOICE_FORGOTTEN = "invoice_forgotten"
    PAYMENT_ASTRAY = "payment_astray"
    NUMBER_GAP = "number_gap"
    PARTIES_LOST = "parties_lost"
    CHARGE_WITHOUT_PAYMENT = "charge_without_payment"
    CHARGED_TWICE = "charged_twice"
    CHARGE_DIFFERS = "charge_differs"
    PAYMENT_WITHOUT_CHARGE = "payment_without_charge"
    REFUND_DIFFERS = "refund_differs"
    DISPUTE_DIFFERS = "dispute_differs"
    BALANCE_DIFFERS = "balance_differs"
    BOOKS_BROKEN = "books_broken"


_SCHEDULE: Final = (
    "Change it over the API, which writes its moment anew; what wrote it without one is a defect to report."
)
_LEDGER: Final = "Compare the facts of GET /v1/ledger/entries with the record; a defect to report."
DO: Final = {
    Code.FORGOTTEN: "A payment: let Stripe send an event about it again, and it is looked up there. A subscription: pause and resume it, or cancel it.",
    Code.NOT_IN_SCHEDULE: _SCHEDULE,
    Code.WRONG_SHARD: "Set PERENNIAL_WAKE_SHARDS back to what it was; else change the record over the API, which writes it anew.",
    Code.LATE: "Look at the alarms of the queues and workers; while Stripe or AWS is away this is as it should be.",
    Code.PARKED: "Mend what its error says, then POST /v1/parked/{kind}/{id}/release.",
    Code.UNREADABLE: "Put it back as it was, from a backup of the table, or deploy the release that wrote it.",
    Code.LINK_ASTRAY: "Change the record over the API, which writes its links anew.",
    Code.INVOICE_MISSING: "Put the invoice back from a backup of the table.",
    Code.ARREARS_WRONG: "Pay, credit or void what it owes over the API, or pause and resume it, which puts its status right.",
    Code.INVOICE_FORGOTTEN: "Collect it by hand, void it or write it off.",
    Code.PAYMENT_ASTRAY: "Look the payment up at Stripe by its name before anything is asked for again.",
    Code.NUMBER_GAP: "Put the record back from a backup of the table: numbers are given away with what bears them.",
    Code.PARTIES_LOST: "Put what is missing back from a backup of the table: its documents cannot be made without.",
    Code.CHARGE_WITHOUT_PAYMENT: "Put the payment back from a backup of the table, or refund the charge at Stripe.",
    Code.CHARGED_TWICE: "Refund the second charge at Stripe.",
    Code.CHARGE_DIFFERS: "Refund at Stripe, or credit here, what was taken and not owed.",
    Code.PAYMENT_WITHOUT_CHARGE: "Look for it in the other mode or account of Stripe's; else the money was never taken: ask for it again.",
    Code.REFUND_DIFFERS: "Compare both: what was given back at Stripe alone is credited here, what failed there goes back to the balance.",
    Code.DISPUTE_DIFFERS: "Let Stripe send the dispute's event again; it is fetched and booked then.",
    Code.BALANCE_DIFFERS: "Compare Stripe's balance transactions with GET /v1/ledger/entries; the first day that differs has it.",
    Code.BOOKS_BROKEN: _LEDGER,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`subject` is the id of what is wrong, here or at Stripe; `detail` says how, `do` what to do about it."""

    code: Code
    subject: str
    detail: str

    @property
    def do(self) -> str:
        """What a person does about it."""
        return DO[self.code]


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """One look through all of an account, or the parts of it so far: it goes on `after`, and is over at `completed_at`.

    `found` counts the findings, of which the first are kept; `looked` counts what was looked at, by kind; `unchecked`
    are sentences about what was not. All moments are real time.
    """

    account: str
    id: str
    started_at: datetime
    findings: tuple[Finding, ...] = ()
    found: int = 0
    looked: dict[str, int] = field(default_factory=dict)
    unchecked: tuple[str, ...] = ()
    after: str | None = None
    completed_at: datetime | None = None
    look_at: datetime | None = None
    version: int = 0

    @property
    def wake(self) -> Wake | None:
        """At once, until all has been looked through; later where Stripe keeps it waiting."""
        return None if self.completed_at else Wake(self.look_at or self.started_at, Topic.RECONCILIATION)

    @property
    def holds(self) -> bool:
        """Whether all was looked at, and nothing found."""
        return self.completed_at is not None and not self.found and not self.unchecked

    def put_off(self, until: datetime) -> "Audit":
        """It cannot go on before."""
        return replace(self, look_at=until)

    def further(self, part: "Part", after: str | None, now: datetime) -> "Audit":
        """Another part has been looked at; without `after` it was the last."""
        looked = dict(self.looked)
        for kind, number in part.looked.items():
            looked[kind] = looked.get(kind, 0) + number
        return replace(
            self,
            findings=(*self.findings, *part.findings)[:MOST_KEPT],
            found=self.found + len(part.findings),
            looked=looked,
            unchecked=(*self.unchecked, *part.unchecked),
            after=after,
            completed_at=None if after else now,
            look_at=None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one step of an audit looked at and found; `position` is where its section goes on, None at its end."""

    findings: tuple[Finding, ...] = ()
    looked: dict[str, int] = field(default_factory=dict)
    unchecked: tuple[str, ...] = ()
    position: str | None = None


def subscription(
    one: Subscription, last: Invoice | None, arrears: Sequence[Invoice | None]
) -> Iterator[Finding]:
    """What is wrong with a subscription, beside its last invoice and what it owes."""
    if one.ordinal and last is None:
        yield _found(
            Code.INVOICE_MISSING, one.id, f"{one.ordinal} invoices were issued; the last is not there."
        )
    rests = one.record_only or not one.billable or one.paused_on is not None
    if not rests and one.wake is None:
        yield _found(Code.FORGOTTEN, one.id, f"It is {one.status}, and has no next moment.")
    for name, owed in zip(one.arrears, arrears, strict=True):
        if owed is None or owed.status is not InvoiceStatus.OPEN:
            told = owed.status if owed else "not there"
            yield _found(Code.ARREARS_WRONG, one.id, f"{name} is among what it owes, and is {told}.")
    if one.arrears and one.status is Status.ACTIVE:
        yield _found(Code.ARREARS_WRONG, one.id, f"It is active, and owes {', '.join(one.arrears)}.")
    if not one.arrears and one.status is Status.PAST_DUE:
        yield _found(Code.ARREARS_WRONG, one.id, "It is past due, and owes nothing.")


def invoice(one: Invoice, owner: Subscription | None, held: Payment | None) -> Iterator[Finding]:
    """What is wrong with an invoice, beside its subscription and the payment that holds it.

    One that is owed has its next moment, or an open payment, or rests: known as arrears, or of a canceled subscription.
    """
    if one.payment is not None and (held is None or not _holds(held, one)):
        told = f"{held.status}" if held else "not there"
        yield _found(Code.PAYMENT_ASTRAY, one.id, f"It waits for {one.payment}, which is {told}.")
    if owner is None:
        yield _found(Code.INVOICE_FORGOTTEN, one.id, f"Its subscription {one.subscription} is not there.")
    elif one.amount_due and one.payment is None and one.wake is None:
        rests = one.id in owner.arrears or owner.status is Status.CANCELED
        if not rests:
            yield _found(
                Code.INVOICE_FORGOTTEN, one.id, f"It owes {one.amount_due}, and nobody will ask for it."
            )


def payment(one: Payment, owed: Sequence[Invoice | None]) -> Iterator[Finding]:
    """What is wrong with an open payment, beside the invoices it is to pay."""
    if one.open and one.wake is None:
        yield _found(Code.FORGOTTEN, one.id, f"It is {one.status}, and nobody will ask what became of it.")
    for part, invoice_ in zip(one.allocations, owed, strict=True):
        if one.open and (invoice_ is None or invoice_.payment != one.id):
            told = f"is held by {invoice_.payment or 'none'}" if invoice_ else "is not there"
            yield _found(Code.PAYMENT_ASTRAY, one.id, f"It is {one.status} for {part.invoice}, which {told}.")


def _holds(held: Payment, one: Invoice) -> bool:
    return held.open and any(part.invoice == one.id for part in held.allocations)


def charge(told: ChargeTold, here: Payment | None, name: str) -> Iterator[Finding]:
    """What is wrong between a charge at Stripe and the payment its metadata names.

    A payment that is open here is a question that has its own moment: what Stripe says of it is not held against it.
    """
    taken = isinstance(told.outcome, Succeeded)
    if here is None:
        yield _found(
            Code.CHARGE_WITHOUT_PAYMENT,
            told.reference,
            f"It is for {told.amount} of {name}, which is not here.",
        )
    elif taken and here.status in TAKEN and here.reference != told.reference:
        yield _found(Code.CHARGED_TWICE, told.reference, f"{name} was paid by {here.reference} already.")
    elif taken and not here.open and here.status not in TAKEN:
        detail = f"Stripe took {told.amount} for {name}, which is {here.status} here."
        yield _found(Code.CHARGE_DIFFERS, told.reference, detail)
    elif not taken and here.status in TAKEN and here.reference == told.reference:
        detail = f"{name} is {here.status} here; at Stripe it is {type(told.outcome).__name__.lower()}."
        yield _found(Code.CHARGE_DIFFERS, told.reference, detail)
    elif told.amount != here.amount:
        yield _found(
            Code.CHARGE_DIFFERS, told.reference, f"{name} is for {here.amount}; at Stripe {told.amount}."
        )


def uncharged(here: Payment) -> Finding:
    """A payment succeeded here, and Stripe knows nothing of it."""
    detail = f"{here.amount} came by {here.reference}, which Stripe does not know."
    return _found(Code.PAYMENT_WITHOUT_CHARGE, here.id, detail)


def refund(told: RefundTold, here: Refund | None, payment: Payment | None) -> Iterator[Finding]:
    """What is wrong between a refund at Stripe and the one here; `payment` is what it gives back, where that is ours."""
    if payment is None:
        return
    if here is None:
        yield _found(
            Code.REFUND_DIFFERS, told.reference, f"{told.amount} of {payment.id} went back at Stripe alone."
        )
    elif here.amount != told.amount:
        yield _found(Code.REFUND_DIFFERS, here.id, f"It is for {here.amount}; at Stripe for {told.amount}.")
    elif here.status is not RefundStatus.PENDING and (here.status is RefundStatus.SUCCEEDED) is (
        told.status in ("failed", "canceled")
    ):
        yield _found(
            Code.REFUND_DIFFERS, here.id, f"It is {here.status} here; at Stripe it is {told.status}."
        )


def dispute(told: DisputeTold, here: Dispute | None, payment: Payment | None) -> Iterator[Finding]:
    """What is wrong between a dispute at Stripe and the one here."""
    if payment is None:
        return
    if here is None:
        yield _found(
            Code.DISPUTE_DIFFERS, told.id, f"{told.amount} of {payment.id} is disputed at Stripe alone."
        )
    elif (here.status.value, here.withdrawn, here.fee) != (told.status, told.withdrawn, told.fee):
        detail = (
            f"It is {here.status} here, {here.withdrawn} withdrawn with {here.fee} of fees; "
            f"at Stripe {told.status}, {told.withdrawn} with {told.fee}."
        )
        yield _found(Code.DISPUTE_DIFFERS, told.id, detail)


def gaps(
    numbers: Sequence[str], before: str | None, last: Mapping[int, int], *, over: bool
) -> Iterator[Finding]:
    """The numbers that are missing in a run of them, in order; `before` is the position before the first.

    `last` is what was given away last of each year, 0 where numbers go on over the years; with the run it is all `over`.
    """
    at, (year, count) = "the series", position_of(before) if before else (0, 0)
    for number in numbers:
        of, found = counted(number)
        if of != year:
            yield from _unseen(at, (year, count), last, before=of)
            year, count = of, 0
        if found != count + 1:
            yield _gap(number, count + 1, found - 1)
        at, count = number, found
    if over:
        yield from _unseen(at, (year, count), last, before=None)


def _unseen(
    at: str, seen: tuple[int, int], last: Mapping[int, int], *, before: int | None
) -> Iterator[Finding]:
    """What is missing at the end of a year, of which `seen` is the last, and of all years between it and the next."""
    for year in sorted(last):
        if year < seen[0] or (before is not None and year >= before):
            continue
        first = seen[1] + 1 if year == seen[0] else 1
        if first <= last[year]:
            yield _gap(at, first, last[year])


def _gap(at: str, first: int, last: int) -> Finding:
    detail = f"Number {first} is missing." if first == last else f"Numbers {first} to {last} are missing."
    if last < first:
        detail = f"It comes twice, or before its turn: {first} was next."
    return _found(Code.NUMBER_GAP, at, detail)


def _found(code: Code, subject: str, detail: str) -> Finding:
    return Finding(code=code, subject=subject, detail=detail)
