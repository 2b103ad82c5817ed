"""What Perennial asks of a payment gateway, and what it may be told.

A refusal is a value, not an exception: it is an ordinary day. The one exception, `Unavailable`, says
that the gateway surely did not take the request: it could not be reached, or turned it away unread.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from chalicelib.billing.addresses import Address
from chalicelib.billing.automatic_tax import TaxAnswer, TaxQuestion
from chalicelib.billing.collection import AddressType, MethodType
from chalicelib.billing.errors import PerennialError
from chalicelib.billing.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedMethod:
    """A payment method attached to a customer, as the gateway describes it."""

    id: str
    customer: str
    type: str
    label: str
    exp_month: int | None = None
    exp_year: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What Stripe's Checkout page is to be: which types it takes, what it asks for, whether it saves the method, where it leads back to.

    `expires_at` is at least 30 minutes after it is asked for, Stripe's own shortest. Once paid, a page that `switches`
    has the subscription charged on the method it was paid with from then on.
    """

    types: tuple[MethodType, ...]
    back_url: str
    expires_at: datetime
    addresses: tuple[AddressType, ...] = ()
    save_method: bool = False
    switches: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Everything a charge says to the gateway, frozen before it is sent: repeated, it is the same to the letter.

    With a `page` the buyer pays there, and `method` is empty.
    """

    amount: Money
    customer: str
    method: str
    description: str
    metadata: dict[str, str]
    page: Page | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """The addresses a buyer was asked for on a page, and typed there."""

    billing: Address | None = None
    shipping: Address | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Succeeded:
    """The money was taken. `fee` and `net` are of the balance transaction, None until it is known.

    `method` is what it was paid with where that has been saved for later charges, `label` what a buyer chose on a page,
    as a person reads it, `type` Stripe's type of that, and `collected` what else they left there.
    """

    reference: str
    fee: Money | None = None
    net: Money | None = None
    method: SavedMethod | None = None
    label: str = ""
    type: str = ""
    collected: Collected | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Declined:
    """The money was refused; after a hard refusal the same method must not be asked again."""

    code: str
    hard: bool
    reference: str | None = None
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRequired:
    """The buyer must confirm it, as 3-D Secure asks; `url` is their bank's page where one was asked for."""

    reference: str
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AtCheckout:
    """The buyer may pay on Stripe's page, until it expires."""

    session: str
    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Processing:
    """Submitted; a bank debit takes days to succeed or fail. `label` and `type` are what a buyer chose on a page, `collected` what else they left there."""

    reference: str
    label: str = ""
    type: str = ""
    collected: Collected | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Canceled:
    """Called off at the gateway: no money will move."""

    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """No answer that can be trusted came: the money may have been taken."""

    reason: str


Outcome = Succeeded | Declined | ActionRequired | AtCheckout | Processing | Canceled | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupPage:
    """Stripe's page on which a buyer leaves a method: open at `url`, or complete with a `method`, or neither, expired.

    Left and not yet confirmed by its bank it has an empty address.
    """

    session: str
    url: str | None = None
    method: SavedMethod | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundTold:
    """A refund as the gateway tells of it; `status` is Stripe's, `fee` and `net` come from its balance transaction."""

    reference: str
    amount: Money
    status: str
    intent: str
    metadata: dict[str, str]
    failure: str | None = None
    fee: Money | None = None
    net: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeTold:
    """A dispute as the gateway tells of it: `withdrawn` and `fee` are what its balance transactions have taken so far."""

    id: str
    intent: str
    amount: Money
    reason: str
    status: str
    withdrawn: Money
    fee: Money
    type: str
    evidence_due_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeTold:
    """A charge as the gateway lists it: `amount` is what was asked for, `outcome` what became of it."""

    reference: str
    amount: Money
    outcome: Outcome
    metadata: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """When what is listed was made (real time): from a moment on, and up to one; all where nothing is said."""

    since: datetime | None = None
    until: datetime | None = None


EVER = Span()


class Unavailable(PerennialError):
    """The gateway did not take the request: unreachable, misconfigured, or over its rate.

    `again_in` is when this one request may be sent again; None where it is as soon as the gateway is there.
    """

    def __init__(self, detail: str, again_in: timedelta | None = None) -> None:
        super().__init__("gateway_unavailable", detail)
        self.again_in = again_in


class NotAsked(Unavailable):
    """It was not sent at all, since the gateway was away a moment ago."""


class Limited(Unavailable):
    """Too many requests came in a second: nobody is to ask for a pause."""

    def __init__(self, detail: str, pause: timedelta) -> None:
        super().__init__(detail)
        self.pause = pause


class Locked(Unavailable):
    """Another request is at the same object: this one alone is sent again soon."""


class Refused(PerennialError):
    """The gateway found the request itself wrong: asking again the same way cannot help."""


class Gateway(Protocol):
    """Thread-safe: charges are asked for side by side."""

    def charge(self, key: str, request: Request) -> Outcome:
        """Ask for money off session, under an idempotency key kept for at least 24 hours.

        A request the gateway finds wrong (no such customer, an amount too small) is a decline: nothing was taken.
        """

    def find(self, request: Request, since: datetime) -> Outcome | None:
        """What became of a request, found by its metadata among the customer's payments since a moment. Raises Refused."""

    def fetch(self, reference: str) -> Outcome:
        """The state of a payment now. Raises Refused where there is none."""

    def cancel(self, reference: str) -> Outcome:
        """Call a payment off, or learn that it is too late to."""

    def customer(self, key: str, *, name: str, email: str, metadata: dict[str, str]) -> str:
        """Create a customer; the same key gives the same one."""

    def attach(self, method: str, customer: str) -> SavedMethod:
        """Save a payment method for off-session charges. Raises Refused."""

    def checkout(self, key: str, request: Request) -> Outcome:
        """Open Stripe's page for a request that has one: AtCheckout, or Declined where it is refused, or Unknown.

        The same key gives the same page. Raises Unavailable.
        """

    def fetch_checkout(self, session: str) -> Outcome:
        """What has become of a page's payment: AtCheckout while it is open, Canceled once it has expired. Raises Refused."""

    def expire(self, session: str) -> Outcome:
        """Close a page, or learn what was paid on it. Raises Unavailable."""

    def confirm(self, key: str, reference: str, method: str, back_url: str) -> Outcome:
        """Confirm a payment that waits for its buyer, who is here: ActionRequired with the `url` of their bank's page, or its end."""

    def setup(
        self,
        key: str,
        *,
        customer: str,
        types: tuple[MethodType, ...],
        metadata: dict[str, str],
        back_url: str,
        expires_at: datetime,
    ) -> SetupPage:
        """Open Stripe's page on which a method is left for later charges. Raises Refused, Unavailable."""

    def fetch_setup(self, session: str) -> SetupPage:
        """What has become of it. Raises Refused, Unavailable."""

    def refund(self, key: str, reference: str, amount: Money, metadata: dict[str, str]) -> RefundTold:
        """Give money back, in whole or in part. Raises Refused where Stripe will not, Unavailable where it was not asked or did not answer."""

    def refunds_of(self, reference: str) -> list[RefundTold]:
        """All refunds of a payment as they are now, oldest first. Raises Refused, Unavailable."""

    def fetch_dispute(self, id_: str) -> DisputeTold:
        """A dispute as it is now. Raises Refused, Unavailable."""

    def metadata(self, reference: str) -> dict[str, str]:
        """What a payment carries of ours: the account and the payment it belongs to. Raises Refused, Unavailable."""

    def charges(self, after: str | None, span: Span = EVER) -> tuple[list[ChargeTold], str | None]:
        """All charges, newest first and a hundred at a time, `after` what the answer before ended with; None at the end.

        The listings raise Refused and Unavailable.
        """

    def refunds(self, after: str | None, span: Span = EVER) -> tuple[list[RefundTold], str | None]:
        """All refunds, in the same way."""

    def disputes(self, after: str | None, span: Span = EVER) -> tuple[list[DisputeTold], str | None]:
        """All disputes, in the same way."""

    def balance(self) -> list[Money]:
        """What the gateway holds, or has paid out to the bank, in each currency."""

    def tax(self, question: TaxQuestion) -> TaxAnswer:
        """Ask for the taxes of an invoice's lines; nothing is owed by asking. Raises Unavailable, Refused or Invalid."""
