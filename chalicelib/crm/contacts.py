"""People who buy, and the payment methods they saved."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from chalicelib.billing import periods
from chalicelib.billing.addresses import Address
from chalicelib.billing.money import Money
from chalicelib.billing.tax import Exemption
from chalicelib.billing.wake import Topic, Wake
from chalicelib.crm.tax_ids import TaxId


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A person; `customer` is the Stripe customer, made with the first payment method.

    `balances` is what they have to their credit, at most one of each currency, none of them zero.
    `shipping_address` None is the address. `language` is BCP 47, empty as the company or the profile has it; `locale` of dates, money and addresses.
    `revision` counts the changes that documents would show; a document keeps the one it was issued with.
    """

    account: str
    id: str
    name: str
    email: str
    created_at: datetime
    customer: str | None = None
    address: Address | None = None
    tax_exempt: Exemption | None = None
    balances: tuple[Money, ...] = ()
    company: str | None = None
    phone: str = ""
    shipping_address: Address | None = None
    tax_ids: tuple[TaxId, ...] = ()
    language: str = ""
    locale: str = ""
    revision: int = 0
    version: int = 0

    wake = None

    def balance(self, currency: str) -> Money:
        """What they have to their credit in a currency; below zero it is owed."""
        return next((one for one in self.balances if one.currency == currency), Money.zero(currency))

    def credited(self, amount: Money) -> "Contact":
        """An amount is added to their credit, or taken from it where it is negative."""
        after = self.balance(amount.currency) + amount
        others = tuple(one for one in self.balances if one.currency != amount.currency)
        return replace(self, balances=(*others, after) if after else others)

    def known_as(self, customer: str) -> "Contact":
        """The gateway has a customer for this person."""
        return replace(self, customer=customer)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentMethod:
    """A method saved at the gateway; `id` is the gateway's, `label` as a person reads it ("Visa •••• 4242").

    `look_at` is when its owner is told that it expires, on the account's clock; None where that was done, or is not to be.
    """

    account: str
    id: str
    contact: str
    customer: str
    type: str
    label: str
    created_at: datetime
    exp_month: int | None = None
    exp_year: int | None = None
    look_at: datetime | None = None
    version: int = 0

    @property
    def wake(self) -> Wake | None:
        """Until its owner has been told that it expires."""
        return Wake(self.look_at, Topic.REMINDERS) if self.look_at else None

    @property
    def expires(self) -> str | None:
        """The month after which it is good for nothing, as 2030-12; None of what does not expire."""
        return f"{self.exp_year:04d}-{self.exp_month:02d}" if self.exp_year and self.exp_month else None

    def expiring(self, now: datetime, zone: str, hour: int) -> "PaymentMethod":
        """Its owner is told on the first of the month before its last; of one saved later, on the first of its last."""
        return replace(self, look_at=next((at for at in self._notices(zone, hour) if at > now), None))

    def _notices(self, zone: str, hour: int) -> Iterator[datetime]:
        if not self.exp_year or not self.exp_month or not 1 <= self.exp_month <= 12:
            return
        last_on = date(self.exp_year, self.exp_month, 1)
        before_on = (last_on - timedelta(days=1)).replace(day=1)
        yield from (periods.moment(day, hour, zone) for day in (before_on, last_on))

    def renewed(self, other: "PaymentMethod") -> "PaymentMethod":
        """The bank has renewed the card: the same method, with another label or another last month."""
        if (self.exp_month, self.exp_year, self.label) == (other.exp_month, other.exp_year, other.label):
            return self
        month, year = other.exp_month, other.exp_year
        return replace(self, label=other.label, exp_month=month, exp_year=year, look_at=other.look_at)

    def looked_at(self) -> "PaymentMethod":
        """Its owner has been told, or there was nothing to tell."""
        return replace(self, look_at=None)
