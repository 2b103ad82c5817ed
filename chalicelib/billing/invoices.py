"""What a customer owes for a cycle, and how often it has been asked for."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from chalicelib.billing import dunning, instalments
from chalicelib.billing.ceilings import MOST_BY_HAND
from chalicelib.billing.currencies import MINIMUM_CHARGE
from chalicelib.billing.dunning import RetryPolicy
from chalicelib.billing.errors import WrongState
from chalicelib.billing.instalments import Instalment
from chalicelib.billing.money import Money, known, smallest_at_stripe
from chalicelib.billing.numbering import position
from chalicelib.billing.papers import Papers
from chalicelib.billing.rating import InvoiceDiscount, InvoiceLine, InvoiceTax
from chalicelib.billing.records import quick
from chalicelib.billing.wake import Topic, Wake

CARD: Final = "card"


class InvoiceStatus(StrEnum):
    """Stripe's statuses of an invoice."""

    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    VOID = "void"
    UNCOLLECTIBLE = "uncollectible"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """When an invoice was to be paid as it was issued."""

    due_on: date | None = None
    instalments: tuple[Instalment, ...] = ()


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """The invoice of one cycle of one subscription, or of a change within one; its lines and total never change once it is open.

    `payment` is the open payment that holds the invoice, of which there is at most one; `attempts`
    counts the payments so far; `failed_at` is the moment of the first failure; `attempt_at` the next
    moment to ask for money or to give up, on the account's clock.

    `amount_applied` came from the customer's balance; `amount_credited` is what credit notes took off what was owed;
    `notes` counts its credit notes; `voided_on` is the local day it was voided on. `besides` is set on one issued besides those of the cycles,
    `last` on one issued as its subscription ended: it is asked for though that is canceled.

    `due_on` is the local day a sent invoice is to be paid by, None on one that is charged; its `attempt_at` is the moment
    it is overdue. `instalments` split what is owed over days: only what is due by then is asked for, or overdue.
    `terms` are the ones it was issued with, where others were agreed on since. `by_hand` counts how often a person asked for it again.

    `issuer`, `buyer` and `company_revision` are the revisions of the seller's profile, the contact and the company that its
    documents show for ever; `papers` are the subscription's as it was issued.
    """

    account: str
    id: str
    subscription: str
    contact: str
    cycle: int
    number: str
    currency: str
    lines: tuple[InvoiceLine, ...]
    period_start_on: date
    period_end_on: date
    issued_at: datetime
    total: Money
    amount_paid: Money
    status: InvoiceStatus = InvoiceStatus.OPEN
    attempts: int = 0
    payment: str | None = None
    attempt_at: datetime | None = None
    failed_at: datetime | None = None
    paid_at: datetime | None = None
    paid_by: str | None = None
    discounts: tuple[InvoiceDiscount, ...] = ()
    taxes: tuple[InvoiceTax, ...] = ()
    amount_applied: Money | None = None
    amount_credited: Money | None = None
    notes: int = 0
    besides: bool = False
    last: bool = False
    voided_on: date | None = None
    due_on: date | None = None
    instalments: tuple[Instalment, ...] = ()
    by_hand: int = 0
    issuer: int = 0
    buyer: int = 0
    company: str | None = None
    company_revision: int = 0
    papers: Papers | None = None
    terms: Terms | None = None
    version: int = 0

    @property
    def wake(self) -> Wake | None:
        """The next attempt; none while a payment is open, for then the payment has the next moment."""
        if self.attempt_at is None or self.payment is not None:
            return None
        return Wake(self.attempt_at, Topic.RETRIES)

    @property
    def amount_due(self) -> Money:
        """What is still owed; nothing on an invoice that is not open."""
        if self.status is not InvoiceStatus.OPEN:
            return Money.zero(self.currency)
        return self.amount_open

    @property
    def amount_open(self) -> Money:
        """What nobody has paid or credited, whatever the status."""
        settled = self.amount_paid.amount
        for part in (self.amount_applied, self.amount_credited):
            settled += part.amount if part is not None else 0
        return Money(self.total.amount - settled, self.currency)

    def due_now(self, day: date) -> Money:
        """What of it is to be paid by a local day: all of it, or its instalments up to then that have not been paid.

        Of one that is charged, what a payment of another kind left that is too little for Stripe waits for the next part.
        """
        later = sum(part.amount.amount for part in self.instalments if part.on > day)
        due = max(0, self.amount_due.amount - later)
        if later and due and self.due_on is None:
            due -= due % smallest_at_stripe(self.currency)
            due = due if due >= MINIMUM_CHARGE.get(self.currency, 0) else 0
        return known(due, self.currency)

    def asked_for(self, day: date) -> Money:
        """What a payment of it asks for on a local day: what is due by then, or all that is owed where nothing is."""
        return self.due_now(day) or self.amount_due

    def lacking(self, day: date) -> Money:
        """What should have been paid of it when a local day begins; of a sent one what was due before that day."""
        if self.due_on is None:
            return self.due_now(day)
        if self.instalments:
            return self.due_now(day - timedelta(days=1))
        return self.amount_due if self.due_on < day else Money.zero(self.currency)

    def late_since(self, day: date) -> date | None:
        """The local day on which what is lacking of a sent invoice was due: the oldest part's; None where nothing is lacking."""
        if not self.lacking(day):
            return None
        return next((part.on for part in self.instalments if self.due_now(part.on)), self.due_on)

    def next_due_on(self, day: date) -> date | None:
        """The next local day after one on which a part of it falls due."""
        ahead = (part.on for part in self.instalments if part.on > day)
        return next((on for on in ahead if self.due_now(on)), None)

    @property
    def position(self) -> str:
        """Where it stands among the account's invoices."""
        return position(self.number)

    @property
    def paid_by_credit(self) -> bool:
        """Whether nothing is owed, and no payment brought the last of it: the customer's balance paid it, or a credit note."""
        return self.status is InvoiceStatus.PAID and self.paid_by is None

    @property
    def subtotal(self) -> Money:
        """The sum of its lines, before the invoice's discounts and the taxes on top."""
        return Money(sum(line.amount.amount for line in self.lines), self.currency)

    def next_payment(self) -> str:
        """The name of the next payment: what it pays and its ordinal."""
        return f"pay_{self.id.removeprefix('inv_')}_{self.attempts + 1}"

    def payments_so_far(self, most: int) -> list[str]:
        """The names of the latest payments that are named after it, newest first."""
        stem = f"pay_{self.id.removeprefix('inv_')}_"
        return [f"{stem}{n}" for n in range(self.attempts, max(0, self.attempts - most), -1)]

    def reserved(self, payment: str) -> "Invoice":
        """A payment is about to be asked for; no other may open until it has ended."""
        if self.payment is not None:
            raise WrongState(
                "payment_open", f"{self.payment} is still open on {self.id}; wait until it has ended."
            )
        if self.status is not InvoiceStatus.OPEN:
            raise WrongState(
                "invoice_not_open", f"{self.id} is {self.status}; only an open invoice is collected."
            )
        return replace(self, payment=payment, attempts=self.attempts + 1)

    def paid(self, payment: str, amount: Money, now: datetime) -> "Invoice":
        """The open payment succeeded with an amount for this invoice."""
        if self.payment != payment:
            raise WrongState(
                "not_the_open_payment", f"{self.id} waits for {self.payment}, not for {payment}."
            )
        amount_paid = self.amount_paid + amount
        whole = self.amount_open <= amount
        return replace(
            self,
            payment=None,
            amount_paid=amount_paid,
            attempt_at=None if whole else now if self.instalments else self.attempt_at,
            failed_at=None if self.instalments else self.failed_at,
            status=InvoiceStatus.PAID if whole else self.status,
            paid_at=now if whole else None,
            paid_by=payment if whole else self.paid_by,
        )

    def declined(
        self,
        policy: RetryPolicy,
        now: datetime,
        *,
        hard: bool,
        type_: str = CARD,
        failures: int | None = None,
    ) -> "Invoice":
        """The open payment, by a type of method, failed: ask again on the schedule, or, after a hard decline, only give up on its last day.

        A sent one is not asked for: it stays due, or overdue. `failures` is how often it was asked for in vain, where that
        is known better than by all that was asked for.
        """
        if self.due_on is not None:
            return self.released(None)
        first = self.failed_at or now
        last = dunning.gives_up_at(policy, first, type_)
        failures = self.attempts - self.by_hand if failures is None else failures
        soft = dunning.next_attempt(policy, first, now, type_, failures=failures)
        again = (last if last > now else None) if hard else soft
        return replace(self, payment=None, failed_at=first, attempt_at=again)

    def asked_by_hand(self, payment: str) -> "Invoice":
        """A person has it asked for once more, at most three times; its schedule stays as it is."""
        asked = self.reserved(payment)
        if self.by_hand >= MOST_BY_HAND:
            detail = (
                f"{self.id} was asked for by hand {self.by_hand} times already, which is the most there may be;"
                " send its customer a link to pay it, or wait for the schedule."
            )
            raise WrongState("manual_retries_used", detail)
        return replace(asked, by_hand=self.by_hand + 1)

    def refused_by_hand(self, policy: RetryPolicy, now: datetime, type_: str = CARD) -> "Invoice":
        """What a person had asked for once more was declined: the schedule's next attempt stays, unless it has passed meanwhile.

        On an invoice that has failed before, and is charged by the schedule; one that it does not ask for any more stays so.
        """
        first, again = self.failed_at, self.attempt_at
        if first is not None and again is not None and again <= now:
            again = dunning.next_attempt(policy, first, now, type_)
        return replace(self, payment=None, attempt_at=again)

    def received(self, payment: str, amount: Money, now: datetime) -> "Invoice":
        """An amount of what it owes came another way than through the gateway, while no payment was open on it."""
        return replace(self.reserved(payment).paid(payment, amount, now), paid_by=payment)

    def released(self, attempt_at: datetime | None) -> "Invoice":
        """The open payment came to nothing: it never arrived at the gateway, or was called off.

        A sent one is still overdue when it was to be.
        """
        return replace(self, payment=None, attempt_at=attempt_at if self.due_on is None else self.attempt_at)

    def asked_at(self, moment: datetime) -> "Invoice":
        """To be asked for at a moment, whatever the schedule says, and sent no more: a method for it is there."""
        return replace(
            self, attempt_at=moment, due_on=None, terms=_terms(self) if self.due_on else self.terms
        )

    def waiting(self, at: datetime | None) -> "Invoice":
        """Nothing of it is to be done before a moment, at which a part of it is due, or overdue."""
        return replace(self, attempt_at=at)

    def split(self, parts: tuple[Instalment, ...], now: datetime) -> "Invoice":
        """What is owed is due in parts on days; retries of before are over."""
        due_on = None if self.due_on is None else parts[-1].on
        return replace(self, instalments=parts, due_on=due_on, attempt_at=now, failed_at=None)

    def agreed(self, parts: tuple[Instalment, ...], now: datetime) -> "Invoice":
        """The same, of one that was issued with other terms: its documents go on showing those."""
        return replace(self.split(parts, now), terms=_terms(self))

    def left_open(self) -> "Invoice":
        """Owed, and not asked for again by the schedule."""
        return replace(self, attempt_at=None)

    def given_up(self, again_at: datetime | None) -> "Invoice":
        """Its retries are over: left open, or asked for as at first when its next part falls due."""
        return self.left_open() if again_at is None else replace(self, attempt_at=again_at, failed_at=None)

    def credited(self, amount: Money, now: datetime) -> "Invoice":
        """A credit note takes an amount off what is owed, or nothing where all of it goes to the customer's balance.

        When nothing is owed any more it is paid, and not asked for again.
        """
        before = self.amount_credited or Money.zero(self.currency)
        after = replace(self, notes=self.notes + 1, amount_credited=before + amount or None)
        return _cut(after, amount) if after.amount_open else after.settled(now)

    def applied(self, amount: Money, now: datetime) -> "Invoice":
        """An amount of what it owes is paid from what the customer has to their credit."""
        before = self.amount_applied or Money.zero(self.currency)
        after = replace(self, amount_applied=before + amount)
        return _cut(after, amount) if after.amount_open else after.settled(now)

    def settled(self, now: datetime) -> "Invoice":
        """Nothing is owed any more, without a payment that brought it."""
        return replace(self, status=InvoiceStatus.PAID, attempt_at=None, paid_at=self.paid_at or now)

    def voided(self, day: date) -> "Invoice":
        """Issued in error: nothing is owed, and what came from the customer's balance has gone back there."""
        self._check_closable("voided")
        if self.amount_paid:
            detail = f"{self.amount_paid} of {self.id} has been paid; credit what is left of it instead."
            raise WrongState("invoice_partly_paid", detail)
        return replace(self, status=InvoiceStatus.VOID, attempt_at=None, amount_applied=None, voided_on=day)

    def written_off(self) -> "Invoice":
        """Owed, but not expected to be paid."""
        self._check_closable("written off")
        return replace(self, status=InvoiceStatus.UNCOLLECTIBLE, attempt_at=None)

    def returned(self, amount: Money) -> "Invoice":
        """An amount that had paid it came back from its bank: that is owed again, as if it had never been asked for.

        One that is not expected to be paid stays so.
        """
        reopened = InvoiceStatus.OPEN if self.status is InvoiceStatus.PAID else self.status
        return replace(
            self,
            amount_paid=self.amount_paid - amount,
            status=reopened,
            paid_at=None,
            paid_by=None,
            failed_at=None,
        )

    def reopened(self) -> "Invoice":
        """It was given up, and is expected to be paid after all; nobody is asked for it by the schedule."""
        if self.status is not InvoiceStatus.UNCOLLECTIBLE:
            detail = f"{self.id} is {self.status}; only an uncollectible invoice is reopened."
            raise WrongState("invoice_not_uncollectible", detail)
        return replace(self, status=InvoiceStatus.OPEN)

    def _check_closable(self, how: str) -> None:
        if self.status is not InvoiceStatus.OPEN:
            detail = f"{self.id} is {self.status}; only an open invoice is {how}."
            raise WrongState("invoice_not_open", detail)
        if self.payment is not None:
            detail = (
                f"{self.payment} is still open on {self.id}; wait until it has ended, then send this again."
            )
            raise WrongState("payment_open", detail)


def _terms(invoice: Invoice) -> Terms:
    return invoice.terms or Terms(due_on=invoice.due_on, instalments=invoice.instalments)


def _cut(invoice: Invoice, amount: Money) -> Invoice:
    """What was credited comes off its last instalments first."""
    return (
        replace(invoice, instalments=instalments.cut(invoice.instalments, amount), terms=_terms(invoice))
        if invoice.instalments
        else invoice
    )
