"""What a buyer does with a browser: opens Stripe's page and pays on it, or their bank's and confirms there; plain HTTP, no JavaScript."""

from dataclasses import dataclass
from typing import Any

from chalicelib.billing.payments import Payment
from chalicelib.billing.setups import Setup
from chalicelib.operations import checkout, confirm, setup
from chalicelib.store import keys
from tests.contracts.browser import Shown, ask, visit
from tests.stories.diary import Diary

BACK = "https://pay.perennial.example/b/"
VISA, MASTERCARD = "4242424242424242", "5555555555554444"
REFUSED, POOR, ASKING = "4000000000000002", "4000000000009995", "4000002760003184"
BANK, POOR_BANK = "000123456789", "000222222227"


@dataclass(frozen=True)
class Buyer:
    """One customer of the diary's, at their browser."""

    diary: Diary
    who: str

    def owed(self) -> list[str]:
        """Their open invoices, oldest first."""
        rows = self.diary.every(f"/v1/invoices?subscription={self.diary.subscriptions[self.who]}")
        return [row["id"] for row in sorted(rows, key=lambda row: row["number"]) if row["status"] == "open"]

    def opens(self, *invoices: str, save: bool = False) -> str:
        """Stripe's page for all they owe, or for some of it."""
        owed = invoices or tuple(self.owed())
        return checkout.pay(
            self.diary.world.service(), self.diary.account, owed, back_url=BACK + "{payment}", save=save
        )

    def opens_for_a_method(self) -> str:
        """Stripe's page on which they leave another method."""
        world, mine = self.diary.world, self.diary.subscriptions[self.who]
        return setup.method(world.service(), self.diary.account, mine, back_url=BACK + "{setup}")

    def confirms(self, payment: str) -> str | None:
        """Their bank's page for a payment that waits for them."""
        return confirm.payment(
            self.diary.world.service(), self.diary.account, payment, back_url=BACK + payment
        )

    def comes_back(self, payment: str) -> Payment:
        """They are led back, and the payment is looked at while they wait."""
        return checkout.refresh(self.diary.world.service(), self.diary.account, payment)

    def comes_back_with_a_method(self, id_: str) -> Setup:
        """The same after leaving a method."""
        return setup.refresh(self.diary.world.service(), self.diary.account, id_)

    def payment(self) -> Payment:
        """Their newest payment."""
        rows = [row for row in self.diary.every("/v1/payments") if self.is_theirs(row)]
        newest = max(rows, key=lambda row: (row["created_at"], row["id"]))
        return self.diary.world.service().store.get(Payment, self.diary.account, newest["id"])

    def is_theirs(self, row: dict[str, Any]) -> bool:
        """Whether a row is of their subscription."""
        return bool(row["subscription"] == self.diary.subscriptions[self.who])

    def parked(self) -> list[str]:
        """What of theirs a person must look at."""
        return [name for name in self.diary.parked() if keys.kind_of(name)]


def pays(url: str, number: str = VISA, **more: str) -> Shown:
    """The form is filled in and sent, with a card or an ACH account; where a bank asks, its page is what they are led to."""
    typed = {"method": "new:card", "card-number": number, "card-expiry": "12/34", "card-cvc": "123"}
    if number.startswith("000"):
        account = {"us_bank_account-routing": "110000000", "us_bank_account-account": number}
        typed = {"method": "new:us_bank_account", **account}
    page = visit(url)
    sent = {**page.fields, "name": "Ada Lovelace", "email": "ada@example.com", **typed, **more}
    return ask("POST", url, sent)


def says(url: str, result: str = "complete") -> Shown:
    """The bank's page is answered: `complete` or `fail`."""
    return visit(url).submit(result=result)
