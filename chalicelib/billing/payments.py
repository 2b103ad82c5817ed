"""One ask for money: a PaymentIntent, the invoices it pays, and what became of it."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import assert_never

from chalicelib.billing.errors import WrongState
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
    version: int = 0

    @property
    def open(self) -> bool:
        """Whether it still holds its invoices."""
        return self.status not in SETTLED

    @property
    def wake(self) -> Wake | None:
        """The end of the lease, then the next look at the gateway."""
        at = self.leased_until or self.look_at
        return Wake(at, Topic.RECONCILIATION) if self.open and at else None

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

    def told(self, outcome: Outcome, now: datetime, real: datetime) -> "Payment":
        """The gateway has spoken: `now` on the account's clock, `real` time for what is still open."""
        if not self.open:
            raise WrongState("payment_settled", f"{self.id} is {self.status} already.")
        match outcome:
            case Succeeded():
                return self._settled(
                    PaymentStatus.SUCCEEDED, now, outcome.reference, fee=outcome.fee, net=outcome.net
                )
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
                return waiting.postponed(real, "The buyer must confirm it.")
            case AtCheckout():
                waiting = replace(self, status=PaymentStatus.CHECKOUT, session=outcome.session)
                waiting = waiting.postponed(real, "The buyer is on Stripe's page.")
                ends = outcome.expires_at
                return (
                    replace(waiting, look_at=min(waiting.look_at or ends, ends)) if ends > real else waiting
                )
            case Processing():
                waiting = replace(self, status=PaymentStatus.PROCESSING, reference=outcome.reference)
                return waiting.postponed(real, "The bank has not answered yet.")
            case Unknown():
                return replace(self, status=PaymentStatus.HELD).postponed(real, outcome.reason)
            case _:
                assert_never(outcome)

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
