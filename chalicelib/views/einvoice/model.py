"""A document in the terms of EN 16931: amounts are minor units without tax, days are local, texts may stand in XML."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from chalicelib.billing.addresses import Address
from chalicelib.billing.tax import Category


@dataclass(frozen=True, slots=True, kw_only=True)
class Vat:
    """A category and its rate (BT-151, BT-152): of lines, of allowances, of a breakdown."""

    category: Category
    percent: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What is taken off: of a line (BG-27), or of the document's lines of one rate (BG-20)."""

    amount: int
    reason: str
    vat: Vat | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A line (BG-25): `amount` (BT-131) is quantity x price / base quantity, rounded, less its allowances.

    `price` (BT-146) is in major units, for `per` units (BT-149). The days are its own (BG-26), both included.
    """

    name: str
    quantity: Decimal
    price: Decimal
    per: Decimal
    amount: int
    vat: Vat
    description: str = ""
    note: str = ""
    product: str = ""
    allowances: tuple[Allowance, ...] = ()
    days: tuple[date, date] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """BG-23: `base` (BT-116) is what is taxed at a rate, `amount` (BT-117) the tax; `reason` (BT-120) why there is none."""

    vat: Vat
    base: int
    amount: int
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A seller (BG-4) or a buyer (BG-7); `id` is BT-29 or BT-46, `register` BT-30 or BT-47, `vat` BT-31 or BT-48, `tax` BT-32, `legal` BT-33."""

    name: str
    address: Address
    id: str = ""
    register: str = ""
    vat: str = ""
    tax: str = ""
    legal: str = ""
    person: str = ""
    phone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """How it is to be paid: a code of UNTDID 4461 (BT-81), said in words (BT-82), and the account of a transfer (BG-17)."""

    code: str
    text: str = ""
    account: str = ""
    holder: str = ""
    bic: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """An invoice or a credit note. `days` is BG-14, both included; `preceding` the invoice that is credited (BG-3)."""

    number: str
    credits: bool
    issued_on: date
    currency: str
    seller: Side
    buyer: Side
    days: tuple[date, date]
    items: tuple[Item, ...]
    allowances: tuple[Allowance, ...]
    breakdowns: tuple[Breakdown, ...]
    prepaid: int = 0
    ship_to: Address | None = None
    due_on: date | None = None
    terms: str = ""
    payment: Payment | None = None
    notes: tuple[str, ...] = ()
    order: str = ""
    buyer_reference: str = ""
    preceding: tuple[str, date] | None = None

    @property
    def lines_total(self) -> int:
        """BT-106."""
        return sum(item.amount for item in self.items)

    @property
    def allowances_total(self) -> int:
        """BT-107."""
        return sum(one.amount for one in self.allowances)

    @property
    def without_tax(self) -> int:
        """BT-109."""
        return self.lines_total - self.allowances_total

    @property
    def tax(self) -> int:
        """BT-110."""
        return sum(one.amount for one in self.breakdowns)

    @property
    def with_tax(self) -> int:
        """BT-112."""
        return self.without_tax + self.tax

    @property
    def due(self) -> int:
        """BT-115."""
        return self.with_tax - self.prepaid
