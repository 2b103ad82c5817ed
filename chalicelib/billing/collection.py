"""How a subscription's money is collected: by whom it is begun, when it is due, and with what it may be paid."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from chalicelib.billing.errors import Invalid

MOST_DAYS_UNTIL_DUE: Final = 365


class CollectionMethod(StrEnum):
    """Stripe's two, and HubSpot's third between them.

    `charge_automatically` charges the saved method on each billing date. `charge_after_first_invoice` sends the first
    invoice, saves the method it is paid with, and charges that from then on. `send_invoice` only ever sends.
    """

    CHARGE_AUTOMATICALLY = "charge_automatically"
    CHARGE_AFTER_FIRST_INVOICE = "charge_after_first_invoice"
    SEND_INVOICE = "send_invoice"


class MethodType(StrEnum):
    """Stripe's types of payment methods that may be accepted: HubSpot's card, ACH, SEPA, BACS and PAD."""

    CARD = "card"
    ACH = "us_bank_account"
    SEPA = "sepa_debit"
    BACS = "bacs_debit"
    PAD = "acss_debit"


DEBITS: Final = frozenset({MethodType.ACH, MethodType.SEPA, MethodType.BACS, MethodType.PAD})
"""Bank debits: days pass before they have succeeded, and one that has may still come back."""


class AddressType(StrEnum):
    """Which addresses a buyer is asked for as they pay."""

    BILLING = "billing"
    SHIPPING = "shipping"


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """The saved payment method a subscription is charged on.

    `refused` is set by a hard decline: nothing is charged on it again.
    """

    id: str
    customer: str
    label: str
    type: str = "card"
    refused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """`days_until_due` are the payment terms (0 is due on receipt) of every invoice that is sent, or of the first.

    `online` lets those be paid on a page; `types` are accepted there, the account's where there are none;
    `save_method` keeps the method they are paid with for later charges.
    """

    way: CollectionMethod = CollectionMethod.CHARGE_AUTOMATICALLY
    days_until_due: int = 0
    online: bool = True
    types: tuple[MethodType, ...] = ()
    addresses: tuple[AddressType, ...] = ()
    save_method: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.days_until_due <= MOST_DAYS_UNTIL_DUE:
            detail = f"Payment terms are from 0 days, due on receipt, to {MOST_DAYS_UNTIL_DUE}."
            raise Invalid("days_until_due_out_of_range", detail, "days_until_due")
        automatic = self.way is CollectionMethod.CHARGE_AUTOMATICALLY
        if automatic and self.days_until_due:
            detail = (
                "What is charged automatically is due at once; leave the payment terms out, or send invoices."
            )
            raise Invalid("terms_without_invoice", detail, "days_until_due")
        if self.way is not CollectionMethod.SEND_INVOICE and not self.online:
            detail = "What is charged automatically is paid online; switch that off for sent invoices alone."
            raise Invalid("online_needed", detail, "accept_online")


AUTOMATICALLY: Final = Collection()

_CURRENCIES: Final = {
    MethodType.ACH: ("usd",),
    MethodType.SEPA: ("eur",),
    MethodType.BACS: ("gbp",),
    MethodType.PAD: ("cad", "usd"),
}
"""What a bank debit can take, by Stripe's pages on each; a card takes every currency."""


def taking(types: Sequence[MethodType], currency: str) -> tuple[MethodType, ...]:
    """Those that take a currency, where there are any: an account's own are of its currency, and it may sell in others."""
    return tuple(type_ for type_ in types if currency in _CURRENCIES.get(type_, (currency,))) or tuple(types)


def check_types(types: Sequence[MethodType], currency: str, param: str) -> None:
    """Refuse a type that takes nothing in a currency. Raises Invalid."""
    for n, type_ in enumerate(types):
        takes = _CURRENCIES.get(type_, (currency,))
        if currency not in takes:
            detail = f"{type_} takes {' or '.join(takes)}, not {currency}; leave it out."
            raise Invalid("type_not_of_currency", detail, f"{param}[{n}]")
