"""Order: what a contact wishes to buy, and all that is read to sell it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from chalicelib.billing import orders, redemptions
from chalicelib.billing.discounts import Coupon, PromotionCode
from chalicelib.billing.instalments import Part
from chalicelib.billing.orders import AT_CHECKOUT, Start, Wish
from chalicelib.billing.papers import Papers
from chalicelib.billing.periods import Frequency
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.tax import TaxRate
from chalicelib.billing.ways import Terms
from chalicelib.crm.accounts import Account
from chalicelib.crm.companies import Company
from chalicelib.crm.contacts import Contact, PaymentMethod
from chalicelib.crm.profiles import Profile
from chalicelib.operations import fill
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Reading
from chalicelib.store.keys import Record

OWN: Final = ""
"""Stands for the company of the contact, whatever that is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduction:
    """A discount as it is asked for: a `coupon`, the `code` a buyer typed, or a one-off `percent` or `amount` (minor units)."""

    coupon: str | None = None
    code: str | None = None
    name: str = ""
    percent: Decimal | None = None
    amount: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Surcharge:
    """A fee as it is asked for; `amount` in minor units."""

    name: str
    types: tuple[str, ...] = ()
    percent: Decimal | None = None
    amount: int | None = None
    taxes: tuple[str, ...] = ()
    once: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a contact wishes, and how it is collected: charged on a saved method, unless the terms say otherwise.

    `fees` None are the account's; `schedule` splits what is billed first over days, in percent. Without `invoicing` it is only a record, of what is run elsewhere.
    `apart`: each line has its own frequency, term and start, and as many subscriptions are made as that takes.
    Otherwise it is one subscription, whose frequency, term and start are given here, or are its products'.
    `taxes` are of lines that have none of their own; one-off ones of all that is billed first.
    `company` is billed in place of the contact, by itself the one they buy for, with None nobody is.
    """

    contact: str
    payment_method: str | None
    lines: Sequence[Wish]
    company: str | None = OWN
    papers: Papers | None = None
    currency: str | None = None
    frequency: Frequency | None = None
    payments: int | None = None
    term: str | None = None
    start: Start = AT_CHECKOUT
    name: str = ""
    taxes: tuple[str, ...] = ()
    one_off_taxes: tuple[str, ...] = ()
    automatic_tax: bool = False
    discounts: tuple[Reduction, ...] = ()
    fees: tuple[Surcharge, ...] | None = ()
    terms: Terms = Terms()
    schedule: tuple[Part, ...] = ()
    invoicing: bool = True
    apart: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ids:
    """Names for what an order may create, given before it is read so that each try gives the same."""

    subscriptions: list[str]
    products: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The subscriptions of an order, and the records written with them: coupons taken, lines saved as products."""

    subscriptions: list[Subscription]
    beside: list[Record]


def ids(service: Service, order: Order) -> Ids:
    """Names for all that an order could create at most."""
    count = orders.MAX_GROUPS if order.apart else 1
    return Ids(
        subscriptions=[service.new_id("sub_") for _ in range(count)],
        products=[service.new_id("prod_") for wish in order.lines if wish.save],
    )


def load(service: Service, account: str, order: Order) -> Reading:
    """Read all that an order names."""
    wanted = [
        keys.key(Account, account, account),
        keys.key(Contact, account, order.contact),
    ]
    if order.payment_method:
        wanted.append(keys.key(PaymentMethod, account, order.payment_method))
    wanted += [keys.key(Profile, account, account)] if order.papers else []
    wanted += [keys.key(Company, account, order.company)] if order.company else []
    wanted += [keys.key(Coupon, account, one.coupon) for one in order.discounts if one.coupon]
    codes = [redemptions.code_id(one.code) for one in order.discounts if one.code]
    wanted += [keys.key(PromotionCode, account, code) for code in codes]
    taxes = (*order.taxes, *order.one_off_taxes, *(id_ for fee in order.fees or () for id_ in fee.taxes))
    found = fill.load(service, account, wanted, order.lines, taxes)
    if order.fees is None:
        own = found.get(Account, account, account).fees
        if further := [keys.key(TaxRate, account, id_) for fee in own for id_ in fee.taxes]:
            found.add(service.store.load(account, further))
    buyer = found.find(Contact, account, order.contact)
    if order.company == OWN and buyer and buyer.company:
        found.add(service.store.load(account, [keys.key(Company, account, buyer.company)]))
    taken = [code for code in (found.find(PromotionCode, account, id_) for id_ in codes) if code]
    if taken:
        found.add(service.store.load(account, {keys.key(Coupon, account, code.coupon) for code in taken}))
    return found
