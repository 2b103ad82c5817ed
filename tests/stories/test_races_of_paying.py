"""Two at one invoice's money at the same moment: it is asked for once, paid once, and nothing is lost.

Both have read before either writes; each of the two is let write first in turn.
"""

from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.billing.errors import WrongState
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.money import Money
from chalicelib.billing.payments import Payment
from chalicelib.billing.receipts import HandType
from chalicelib.operations import attach, checkout, collect, pay, record
from chalicelib.operations.record import Received
from chalicelib.service import Service
from chalicelib.store import keys
from tests.stories.buyer import BACK, pays
from tests.stories.diary import Diary
from tests.stories.test_races_of_acts import Race
from tests.stories.test_retrying import POOR, invoice

AGAIN = datetime(2026, 1, 16, 11, 0, 5, tzinfo=UTC)
"""A moment behind the first attempt of the schedule after the failure of the 15th."""


def asks(service: Service, diary: Diary) -> Any:
    return pay.invoice(service, diary.account, invoice(diary, "ada")["id"])


def retries(service: Service, diary: Diary) -> None:
    name = keys.key(Invoice, diary.account, invoice(diary, "ada")["id"])
    collect.invoices(service, diary.account, [name])


def attaches(service: Service, diary: Diary) -> Any:
    method = diary.methods["other"]["id"]
    return attach.to_subscription(service, diary.account, diary.subscriptions["ada"], method)


def records(service: Service, diary: Diary) -> Any:
    received = Received(
        contact=diary.contacts["ada"],
        amount=Money(2500, "usd"),
        received_on=AGAIN.date(),
        type=HandType.CHECK,
        reference="no. 7",
    )
    return record.payment(service, diary.account, received)


def opens(service: Service, diary: Diary) -> str:
    """The buyer's page of Stripe's, on which they pay later, whatever has become of it."""
    return checkout.pay(service, diary.account, [invoice(diary, "ada")["id"]], back_url=BACK + "{payment}")


PAIRS = {
    "two people": (asks, asks),
    "a person and the schedule": (asks, retries),
    "a person and another card": (asks, attaches),
    "a transfer and the schedule": (records, retries),
    "a transfer and a person": (records, asks),
    "a transfer and another card": (records, attaches),
    "a transfer twice": (records, records),
    "a page and the schedule": (opens, retries),
    "a page and a person": (opens, asks),
    "a page and another card": (opens, attaches),
    "a page and a transfer": (opens, records),
}


@pytest.mark.parametrize(
    ("name", "first"),
    [(name, n) for name, (one, other) in PAIRS.items() for n in ((0, 1) if one is not other else (0,))],
)
def test_money_is_asked_for_by_one_of_two(diary: Diary, name: str, first: int):
    """Whoever comes second finds the invoice held or paid, and is told so, or does nothing: it is paid exactly once.

    The buyer pays on the page they were given, though it may be an old one by then.
    """
    diary.saves_a_card("ada")
    diary.card("ada", POOR)
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15")
    diary.methods["other"] = diary.saves_a_card("ada", "pm_card_mastercard")
    diary.it_is("2026-01-15")
    one, other = PAIRS[name]
    told = Race(diary, first, whole=True).run((one, AGAIN), (other, AGAIN))
    assert all(
        answer is None or not isinstance(answer, Exception) or isinstance(answer, WrongState)
        for answer in told
    )
    for page in (one for one in told if isinstance(one, str)):
        pays(page)
    diary.it_is("2026-01-16", hour=7)
    row = invoice(diary, "ada")
    assert (row["status"], row["amount_paid"]["amount"]) == ("paid", 2500)
    assert diary.subscription("ada")["status"] == "active"
    came = [amount for status, amount in diary.payments("ada") if status == "succeeded"]
    assert came == [2500]
    assert diary.parked() == []
    diary.sound()


def test_one_request_is_one_payment(diary: Diary):
    """The same request worked by two at once, by the same name, asks once and is told of that."""
    diary.saves_a_card("ada")
    diary.card("ada", POOR, POOR)
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-15")

    def same(service: Service, diary: Diary) -> Any:
        return pay.invoice(
            service.naming(lambda prefix: f"{prefix}same"), diary.account, invoice(diary, "ada")["id"]
        )

    told = Race(diary, 0, whole=True).run((same, AGAIN), (same, AGAIN))
    assert {made.id for _, made in told if isinstance(made, Payment)} == {
        diary.every("/v1/payments")[0]["id"]
    }
    assert invoice(diary, "ada")["manual_retries"] == 1
    assert diary.payments("ada") == [("declined", 2500)] * 2
    diary.sound()
