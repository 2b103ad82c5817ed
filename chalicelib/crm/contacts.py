"""People who buy, and the payment methods they saved."""

from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.billing.addresses import Address
from chalicelib.billing.money import Money
from chalicelib.billing.tax import Exemption
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
    """A method saved at the gateway; `id` is the gateway's, `label` as a person reads it ("Visa •••• 4242")."""

    account: str
    id: str
    contact: str
    customer: str
    type: str
    label: str
    created_at: datetime
    exp_month: int | None = None
    exp_year: int | None = None
    version: int = 0

    wake = None
