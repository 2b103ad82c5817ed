"""What an order and a subscription are both asked for with: by whom, how it is paid, taxed, reduced and surcharged."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final, Protocol

from msgspec import UNSET, Meta, UnsetType

from chalicelib.billing.collection import AddressType, CollectionMethod, MethodType
from chalicelib.billing.errors import Invalid
from chalicelib.billing.instalments import MOST, Part
from chalicelib.billing.ways import Terms
from chalicelib.operations.order import OWN, Order, Reduction, Surcharge
from chalicelib.web.bodies import CODE, METHOD, Body, Currency, Id, Number, OneLine
from chalicelib.web.invoice_settings import NewInvoiceSettings
from chalicelib.web.lines import Ids, NewLine, wishes

Code = Annotated[str, Meta(pattern=CODE, examples=["WELCOME-10"])]
FeeType = Annotated[str, Meta(pattern=METHOD, examples=["card"])]
MAX_AMOUNT: Final = 10**12


class NewDiscount(Body, frozen=True):
    """A `coupon`, or the `promotion_code` for one, or a discount of what is due now alone: `percent` or `amount`.

    `amount` is in minor units of the order's currency; `name` is what the buyer reads of a one-off one.
    """

    coupon: Id | None = None
    promotion_code: Code | None = None
    name: OneLine = ""
    percent: Number | None = None
    amount: int | None = None

    def asked(self, n: int) -> Reduction:
        """The n-th discount as it is asked for. Raises Invalid unless it is exactly one of them."""
        terms = (self.coupon, self.promotion_code, self.percent, self.amount)
        if sum(one is not None for one in terms) != 1:
            detail = "Give a coupon, a promotion_code, a percent or an amount, one of them."
            raise Invalid("discount_ambiguous", detail, f"discounts[{n}]")
        return Reduction(
            coupon=self.coupon,
            code=self.promotion_code,
            name=self.name,
            percent=None if self.percent is None else Decimal(self.percent),
            amount=self.amount,
        )


class NewFee(Body, frozen=True):
    """Added to payments made by one of `types` (Stripe's, such as card), by any where there are none.

    `percent` is of what is charged after discounts and before tax, `amount` in minor units. `once` adds it to what is
    due now alone; `taxes` are ids of tax rates.
    """

    name: Annotated[OneLine, Meta(min_length=1)]
    types: Annotated[tuple[FeeType, ...], Meta(max_length=20)] = ()
    percent: Number | None = None
    amount: int | None = None
    taxes: Ids = ()
    once: bool = False

    def asked(self) -> Surcharge:
        """The fee as it is asked for."""
        return Surcharge(
            name=self.name,
            types=self.types,
            percent=None if self.percent is None else Decimal(self.percent),
            amount=self.amount,
            taxes=self.taxes,
            once=self.once,
        )


class NewPart(Body, frozen=True):
    """A part of what is billed first, in percent, and the local day it is due."""

    due_on: date
    percent: Number


class Purchase(Body, frozen=True):
    """What a contact buys, and how it is collected.

    `collection_method` charge_automatically, which it is where nothing is said, charges a saved `payment_method` on each
    billing date. charge_after_first_invoice sends the first invoice and charges what that is paid with from then on;
    send_invoice only ever sends. A sent invoice is to be paid within `days_until_due`, 0 on receipt, on a page where
    `accept_online` lets it: by one of `accepted_types` (the account's, where none are named), which asks for
    `collect_addresses`, the contact's where none were known, and keeps the method for later with `save_payment_method`.
    What is billed first may be split over rising days with a `payment_schedule`, whose percents add up to 100.
    With `invoicing` false it is only a record of what is run elsewhere: never billed. `fees` are the account's where
    none are given.
    `taxes` are ids of tax rates, of all lines that name none; `one_off_taxes` of all that is due now. Discounts are
    taken off in their order. `automatic_tax` lets Stripe Tax find the rates instead.
    `company` is billed in place of the contact: the one they buy for, where nothing is said; with null nobody is.
    `invoice_settings` say how its documents are written.
    """

    contact: Id
    company: Id | UnsetType | None = UNSET
    invoice_settings: NewInvoiceSettings | None = None
    payment_method: Id | None = None
    collection_method: CollectionMethod | None = None
    days_until_due: int | None = None
    accept_online: bool | None = None
    accepted_types: Annotated[tuple[MethodType, ...], Meta(min_length=1, max_length=5)] | None = None
    collect_addresses: Annotated[tuple[AddressType, ...], Meta(max_length=2)] | None = None
    save_payment_method: bool | None = None
    payment_schedule: Annotated[tuple[NewPart, ...], Meta(min_length=1, max_length=MOST)] | None = None
    invoicing: bool = True
    currency: Currency | None = None
    name: OneLine = ""
    taxes: Ids = ()
    one_off_taxes: Ids = ()
    automatic_tax: bool = False
    discounts: Annotated[tuple[NewDiscount, ...], Meta(max_length=10)] = ()
    fees: Annotated[tuple[NewFee, ...], Meta(max_length=10)] | None = None


class Collecting(Protocol):
    """What says how money is collected."""

    @property
    def collection_method(self) -> CollectionMethod | None: ...
    @property
    def days_until_due(self) -> int | None: ...
    @property
    def accept_online(self) -> bool | None: ...
    @property
    def accepted_types(self) -> tuple[MethodType, ...] | None: ...
    @property
    def collect_addresses(self) -> tuple[AddressType, ...] | None: ...
    @property
    def save_payment_method(self) -> bool | None: ...


def terms(said: Collecting) -> Terms:
    """How a body says that money is collected."""
    return Terms(
        way=said.collection_method,
        days_until_due=said.days_until_due,
        online=said.accept_online,
        types=said.accepted_types,
        addresses=said.collect_addresses,
        save_method=said.save_payment_method,
    )


def order(body: Purchase, lines: Sequence[NewLine], **more: Any) -> Order:
    """The order a body asks for. Raises Invalid."""
    return Order(
        contact=body.contact,
        company=OWN if body.company is UNSET else body.company,
        papers=body.invoice_settings.asked() if body.invoice_settings else None,
        payment_method=body.payment_method,
        lines=wishes(lines),
        currency=body.currency,
        name=body.name,
        taxes=body.taxes,
        one_off_taxes=body.one_off_taxes,
        automatic_tax=body.automatic_tax,
        discounts=tuple(one.asked(n) for n, one in enumerate(body.discounts)),
        fees=None if body.fees is None else tuple(one.asked() for one in body.fees),
        terms=terms(body),
        schedule=tuple(
            Part(due_on=one.due_on, percent=Decimal(one.percent)) for one in body.payment_schedule or ()
        ),
        invoicing=body.invoicing,
        **more,
    )
