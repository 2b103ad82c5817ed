"""One ask for money: a PaymentIntent, the invoices it pays, and what became of it."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import assert_never

from chalicelib.billing.collection import Method, MethodType
from chalicelib.billing.dunning import RetryPolicy
from chalicelib.billing.errors import Invalid, WrongState
from chalicelib.billing.gateway import (
    ActionRequired,
    AtCheckout,
    Canceled,
    Declined,
    Outcome,
    Processing,
    Request,
    Succeeded,
    Unknown,
)
from chalicelib.billing.money import Money
from chalicelib.billing.wake import Topic, Wake

# A worker that sent the request is waited for this long before another may repeat it.
LEASE = timedelta(seconds=120)
# Stripe keeps an idempotency key for at least 24 hours; a request is repeated only well within them.
KEY_LIVES = timedelta(hours=20)
# A buyer who has not confirmed a payment by then will not: it is called off, and asked for on the schedule.
CONFIRMED_WITHIN = timedelta(days=1)
# What a fee was is asked this often, over a week, and then left: Stripe never told it.
FEE_LOOKS = 18
# A question at the gateway is asked again after these pauses, the last one for as long as it stays open.
PAUSES = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 240, 720))


class PaymentStatus(StrEnum):
    """`pending` has been sent or is about to be; `held` has no trusted answer yet.

    `checkout` waits for its buyer on Stripe's page; `returned` is a bank debit that came back after it had succeeded.
    """

    PENDING = "pending"
    PROCESSING = "processing"
    ACTION_REQUIRED = "action_required"
    HELD = "held"
    CHECKOUT = "checkout"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    CANCELED = "canceled"
    RETURNED = "returned"


SETTLED = frozenset(
    {PaymentStatus.SUCCEEDED, PaymentStatus.DECLINED, PaymentStatus.CANCELED, PaymentStatus.RETURNED}
)


class Origin(StrEnum):
    """What caused it: the schedule, first or again, or another method given for the arrears.

    `person` is one of the staff who asks once more, `checkout` the buyer on Stripe's page, `hand` money that came
    another way and was written down.
    """

    SCHEDULE = "schedule"
    ARREARS = "arrears"
    PERSON = "person"
    CHECKOUT = "checkout"
    HAND = "hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """The part of a payment that pays an invoice."""

    invoice: str
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """`created_at` is on the account's clock; `sent_at`, `leased_until` and `look_at` are real time.

    `reference` is the PaymentIntent, `session` the Checkout Session it came from; `fee` and `net` come from its balance
    transaction. `request` is None where the money came another way, on the local day `received_on`. `refunds` counts
    its refunds, `amount_refunded` is the sum of those that have not failed, `dispute` the latest it has met.
    `amount_disputed` is what Stripe holds back, or has lost for good, in disputes; `amount_returned` what a bank took
    back of it. What it paid and no allocation names is its customer's balance.
    `method_type` is Stripe's type of the method, empty for a card, and until one is chosen on a page; or how money came
    that was written down by hand, with the `payment_reference` and the `note` it came with.
    """

    account: str
    id: str
    subscription: str
    contact: str
    amount: Money
    allocations: tuple[Allocation, ...]
    method_label: str
    origin: Origin
    created_at: datetime
    sent_at: datetime
    leased_until: datetime | None
    request: Request | None = None
    status: PaymentStatus = PaymentStatus.PENDING
    reference: str | None = None
    session: str | None = None
    fee: Money | None = None
    net: Money | None = None
    decline_code: str | None = None
    hard: bool = False
    reason: str | None = None
    looks: int = 0
    look_at: datetime | None = None
    settled_at: datetime | None = None
    received_on: date | None = None
    refunds: int = 0
    amount_refunded: Money | None = None
    dispute: str | None = None
    amount_disputed: Money | None = None
    amount_returned: Money | None = None
    method_type: str = ""
    payment_reference: str = ""
    note: str = ""
    version: int = 0

    @property
    def type(self) -> str:
        """Stripe's type of the method it was asked of."""
        return self.method_type or "card"

    def was_of(self, method: Method) -> bool:
        """Whether a method was asked for it: by its id, or, chosen on a page, by what is known of it."""
        if self.request is None:
            return False
        chosen = (self.type, self.method_label) == (method.type, method.label)
        return chosen if self.request.page else self.request.method == method.id

    @property
    def open(self) -> bool:
        """Whether it still holds its invoices."""
        return self.status not in SETTLED

    @property
    def wake(self) -> Wake | None:
        """The end of the lease, then the next look at the gateway: until it has ended, and then until its fee is known."""
        at = self.leased_until or self.look_at
        return Wake(at, Topic.RECONCILIATION) if self.asked_about and at else None

    @property
    def asked_about(self) -> bool:
        """Whether Stripe has something to tell of it: its end, or its fee."""
        return self.open or self.fee_awaited

    @property
    def fee_awaited(self) -> bool:
        """Whether Stripe has its money and has not said yet what it kept of it."""
        return self.taken and self.fee is None and self.request is not None

    @property
    def taken(self) -> bool:
        """Whether its money arrived, whatever became of it since."""
        return self.status in (PaymentStatus.SUCCEEDED, PaymentStatus.RETURNED)

    @property
    def attention(self) -> str | None:
        """What a person should see it for: that its outcome is not known."""
        return self.status.value if self.status is PaymentStatus.HELD else None

    @property
    def overpaid(self) -> Money:
        """What it brought beyond its invoices: that is its customer's balance."""
        allocated = sum(part.amount.amount for part in self.allocations)
        return Money(self.amount.amount - allocated, self.amount.currency)

    @property
    def refundable(self) -> Money:
        """What can still be given back of it."""
        if self.status is not PaymentStatus.SUCCEEDED:
            return Money.zero(self.amount.currency)
        gone = sum(part.amount for part in (self.amount_refunded, self.amount_disputed) if part)
        return Money(max(0, self.amount.amount - gone), self.amount.currency)

    @property
    def stays(self) -> tuple[Allocation, ...]:
        """What its invoices have of it: all it paid, less what a bank took back, from the last of them on."""
        if not self.taken:
            return ()
        gone = self._taken_back()
        return tuple(
            replace(part, amount=part.amount - back.amount)
            for part, back in zip(self.allocations, gone, strict=True)
        )

    def _taken_back(self) -> tuple[Allocation, ...]:
        """What of each allocation a bank took back: first what was overpaid, then from the last of them on."""
        left = self.amount_returned.amount if self.amount_returned else 0
        left -= min(left, self.overpaid.amount)
        backs = []
        for part in reversed(self.allocations):
            back = min(left, part.amount.amount)
            left -= back
            backs.append(replace(part, amount=Money(back, part.amount.currency)))
        return tuple(reversed(backs))

    @property
    def came_back(self) -> tuple[Allocation, ...]:
        """What is owed again on which invoices since a bank took it back."""
        return tuple(part for part in self._taken_back() if part.amount)

    def leased(self, now: datetime) -> bool:
        """Whether a worker may be waiting for the gateway's answer at this moment (real time)."""
        return self.leased_until is not None and now < self.leased_until

    def abandoned(self, now: datetime) -> bool:
        """Whether its buyer has had time enough to confirm it (real time)."""
        return now - self.sent_at >= CONFIRMED_WITHIN

    def repeatable(self, now: datetime) -> bool:
        """Whether the same request under the same key is still sure to be the same charge (real time)."""
        return now - self.sent_at < KEY_LIVES

    def taken_up(self, now: datetime) -> "Payment":
        """A worker asks about it now, and is waited for (real time)."""
        return replace(self, leased_until=now + LEASE)

    def woken(self, now: datetime) -> "Payment":
        """Somebody heard something of it: it is looked at now (real time)."""
        return replace(self, leased_until=None, look_at=now)

    def postponed(self, now: datetime, reason: str) -> "Payment":
        """The gateway could not be asked; the state is as it was, to be looked at later (real time)."""
        pause = PAUSES[min(self.looks, len(PAUSES) - 1)]
        return replace(self, leased_until=None, look_at=now + pause, looks=self.looks + 1, reason=reason)

    @property
    def in_line(self) -> bool:
        """Whether it waits for the gateway to be there or to have time, as far as is known never sent."""
        put_off = self.look_at is not None and not self.looks and self.reason is not None
        return self.status is PaymentStatus.PENDING and (put_off or self.look_at == self.sent_at)

    def waiting(self, until: datetime | None, reason: str) -> "Payment":
        """The gateway could not be asked: again then (real time), or as soon as it is there, the oldest first."""
        return replace(self, leased_until=None, look_at=until or self.sent_at, reason=reason)

    def told(self, outcome: Outcome, now: datetime, real: datetime) -> "Payment":
        """The gateway has spoken: `now` on the account's clock, `real` time for what is still open."""
        if not self.open:
            raise WrongState("payment_settled", f"{self.id} is {self.status} already.")
        match outcome:
            case Succeeded():
                paid = self._settled(
                    PaymentStatus.SUCCEEDED, now, outcome.reference, fee=outcome.fee, net=outcome.net
                )
                return paid.chosen(outcome).awaiting_fee(real)
            case Declined():
                declined = self._settled(PaymentStatus.DECLINED, now, outcome.reference)
                return replace(
                    declined, decline_code=outcome.code, hard=outcome.hard, reason=outcome.message or None
                )
            case Canceled():
                return self._settled(PaymentStatus.CANCELED, now, outcome.reference)
            case _:
                return self._waiting(outcome, real)

    def _waiting(
        self, outcome: ActionRequired | AtCheckout | Processing | Unknown, real: datetime
    ) -> "Payment":
        """It goes on, and is looked at again (real time)."""
        match outcome:
            case ActionRequired():
                waiting = replace(self, status=PaymentStatus.ACTION_REQUIRED, reference=outcome.reference)
                waiting = waiting.postponed(real, "The buyer must confirm it.")
                return waiting.at_latest(self.sent_at + CONFIRMED_WITHIN, real)
            case AtCheckout():
                waiting = replace(self, status=PaymentStatus.CHECKOUT, session=outcome.session)
                waiting = waiting.postponed(real, "The buyer is on Stripe's page.")
                return waiting.at_latest(outcome.expires_at, real)
            case Processing():
                waiting = replace(self, status=PaymentStatus.PROCESSING, reference=outcome.reference)
                return waiting.chosen(outcome).postponed(real, "The bank has not answered yet.")
            case Unknown():
                return replace(self, status=PaymentStatus.HELD).postponed(real, outcome.reason)
            case _:
                assert_never(outcome)

    def chosen(self, outcome: Succeeded | Processing) -> "Payment":
        """What its buyer chose on a page takes the place of the page."""
        type_ = outcome.type if outcome.type != MethodType.CARD else ""
        return replace(
            self,
            method_label=outcome.label or self.method_label,
            method_type=type_ if outcome.type else self.method_type,
        )

    def at_latest(self, moment: datetime, now: datetime) -> "Payment":
        """It is looked at by a moment, where that is still to come (real time)."""
        return replace(self, look_at=min(self.look_at or moment, moment)) if moment > now else self

    def awaiting_fee(self, real: datetime) -> "Payment":
        """Where its fee is not known, it is looked at again for that (real time)."""
        return replace(self, look_at=real + PAUSES[2], looks=0) if self.fee_awaited else self

    def fee_told(self, outcome: Outcome | None, real: datetime) -> "Payment":
        """It has been looked at for its fee: known now, or looked at again, or given up on (real time)."""
        if not isinstance(outcome, Succeeded) or outcome.fee is None:
            over = self.looks + 1 >= FEE_LOOKS
            later = self.postponed(real, "")
            return replace(later, look_at=None if over else later.look_at, reason=None)
        return replace(self, fee=outcome.fee, net=outcome.net, look_at=None, leased_until=None, reason=None)

    def taken_after_all(self, outcome: Succeeded, now: datetime, real: datetime) -> "Payment":
        """Stripe took its money though it had been closed here: it pays no invoice, and is its customer's balance."""
        if self.open or self.taken:
            raise WrongState("payment_settled", f"{self.id} is {self.status}; nothing was taken after all.")
        paid = self._settled(
            PaymentStatus.SUCCEEDED, now, outcome.reference, fee=outcome.fee, net=outcome.net
        )
        return replace(paid, allocations=(), decline_code=None, hard=False).awaiting_fee(real)

    def refunded(self, amount: Money, *, asked: bool = True) -> "Payment":
        """An amount of it is given back; where it was not `asked` for here, Stripe has done it, whatever was left.

        Raises Invalid or WrongState.
        """
        if asked:
            self._check_refund(amount)
        before = self.amount_refunded or Money.zero(amount.currency)
        return replace(self, refunds=self.refunds + asked, amount_refunded=before + amount)

    def _check_refund(self, amount: Money) -> None:
        if self.status is not PaymentStatus.SUCCEEDED:
            detail = f"{self.id} is {self.status}; only what was paid is given back."
            raise WrongState("payment_not_refundable", detail, "payment")
        if amount.currency != self.amount.currency:
            detail = f"It was paid in {self.amount.currency}; give it back in that."
            raise Invalid("currency_mismatch", detail, "amount.currency")
        if not 0 < amount.amount <= self.refundable.amount:
            detail = (
                f"Of {self.id} {self.refundable} can be given back; send an amount above 0 and at most that."
                if self.refundable
                else f"All of {self.id} was refunded or is disputed; nothing of it is left to give back."
            )
            raise Invalid("refund_out_of_range", detail, "amount")

    def refund_failed(self, amount: Money) -> "Payment":
        """A refund of it came to nothing."""
        before = self.amount_refunded or Money.zero(amount.currency)
        return replace(self, amount_refunded=before - amount or None)

    def disputed(self, dispute: str, change: Money) -> "Payment":
        """A dispute of it is known, and by how much more, or less, it is held back."""
        before = self.amount_disputed or Money.zero(change.currency)
        return replace(self, dispute=dispute, amount_disputed=before + change or None)

    def returned(self, amount: Money) -> "Payment":
        """A bank took an amount of it back, days after it had succeeded."""
        if self.status is not PaymentStatus.SUCCEEDED:
            raise WrongState("payment_not_succeeded", f"{self.id} is {self.status}; it cannot come back.")
        back = min(amount, self.amount)
        # Stripe keeps its fee of what comes back: one that it has not told yet is still waited for.
        look_at = self.look_at if self.fee_awaited else None
        return replace(
            self, status=PaymentStatus.RETURNED, amount_returned=back, leased_until=None, look_at=look_at
        )

    def judged(self, policy: RetryPolicy) -> "Payment":
        """A decline is hard where the account's policy says so, too."""
        if self.status is not PaymentStatus.DECLINED or self.hard:
            return self
        return replace(self, hard=policy.is_hard(self.decline_code, self.type))

    def never_arrived(self, now: datetime) -> "Payment":
        """The gateway has no trace of it, and its key can no longer be trusted: another may open."""
        return replace(
            self._settled(PaymentStatus.CANCELED, now, None), reason="It never arrived at the gateway."
        )

    def _settled(
        self,
        status: PaymentStatus,
        now: datetime,
        reference: str | None,
        fee: Money | None = None,
        net: Money | None = None,
    ) -> "Payment":
        return replace(
            self,
            status=status,
            reference=reference or self.reference,
            fee=fee,
            net=net,
            settled_at=now,
            leased_until=None,
            look_at=None,
            reason=None,
        )
