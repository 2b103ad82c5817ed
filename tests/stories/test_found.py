"""What a review found on the way of the money: events that go round, cards that change, answers that come late."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.adapters.stripe_outcomes import outcome
from chalicelib.billing.gateway import Declined
from chalicelib.billing.issuing import invoice_of
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription
from chalicelib.operations import cancel
from chalicelib.service import Service
from chalicelib.store.changes import Changeset
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.store import Store
from sandbox.exchange import http
from sandbox.gateway import sqs_event
from sandbox.world import QUEUES, STRIPE_KEY, World
from tests.stories.diary import Diary


class Bent:
    """A gateway of which some methods do something else; each gets the true one first."""

    def __init__(self, inner: Any, instead: dict[str, Callable[..., Any]]) -> None:
        self._inner, self._instead = inner, instead

    def __getattr__(self, name: str) -> Any:
        true = getattr(self._inner, name)
        if name not in self._instead:
            return true
        return lambda *given: self._instead[name](true, *given)


def bent(**instead: Callable[..., Any]) -> Callable[[Service], Service]:
    """A wrap for a world's restart that bends its gateway."""

    def wrap(service: Service) -> Service:
        gateway: Any = Bent(service.gateway, instead)
        return replace(service, gateway=gateway)

    return wrap


def rounds(world: World, number: int) -> int:
    """Hand out what waits, a batch of each queue at a time, the clock standing; returns how many messages."""
    handled = 0
    for _ in range(number):
        for queue, function, size in QUEUES.values():
            if messages := world.batch(queue, size):
                handled += len(messages)
                world.invoke(function, sqs_event(messages, queue))
                world.delete(queue, messages)
    return handled


def later(diary: Diary, steps: int, minutes: int = 3) -> None:
    """Some minutes pass, several times over, each with all that is due."""
    for _ in range(steps):
        diary.world.set_clock(diary.world.now + timedelta(minutes=minutes))
        diary.world.settle()


def deaf(diary: Diary) -> None:
    """Stripe's events do not arrive."""
    diary.world.webhooks = lambda *_, **__: None  # type: ignore[method-assign]


@pytest.mark.parametrize("method", ["pm_usBankAccount_processing", "pm_card_authenticationRequired"])
def test_an_event_about_a_payment_still_open_is_followed_once(diary: Diary, method: str):
    """Stripe tells that a debit is processing: it is looked into, and the queues fall silent."""
    diary.saves_a_card("bo", method)
    diary.subscribes("bo", "coffee-250g")
    rounds(diary.world, 10)
    diary.world.webhooks()
    rounds(diary.world, 10)
    assert rounds(diary.world, 3) == 0


def test_an_intent_in_the_making_is_not_taken_for_a_decline(diary: Diary):
    """The answer was lost, and the search comes while Stripe is still at it: nothing is asked for a second time."""
    told: list[str] = []

    def find(true: Any, *given: Any) -> Any:
        if told:
            return true(*given)
        told.append("requires_payment_method")
        return outcome({"id": "pi_x", "status": told[0], "last_payment_error": None})

    def fetch(true: Any, reference: str) -> Any:
        done = {"id": reference, "status": "succeeded", "latest_charge": None}
        return outcome(done) if reference == "pi_x" else true(reference)

    deaf(diary)
    diary.saves_a_card("dee")
    diary.stripe_fails("dee", "connection_reset_after")
    diary.world.restart(bent(find=find, fetch=fetch))
    diary.subscribes("dee", "coffee-250g")
    diary.it_is("2026-01-04")
    assert told
    assert diary.payments("dee") == [("succeeded", 1250)]
    assert diary.taken() == 1250


@pytest.mark.parametrize("number", [41, 97])
def test_arrears_of_any_number_are_paid_by_a_new_card(diary: Diary, number: int):
    """What does not fit one payment is asked for at once in others: money here is money at Stripe."""
    diary.subscribes("cy", "coffee-250g", on="2026-06-01")
    owes(diary, "cy", number)
    diary.gives_another_card("cy")
    later(diary, 4, minutes=16)
    paid = [row["amount_paid"]["amount"] for row in diary.every("/v1/invoices")]
    assert paid == [1250] * number
    assert diary.taken() == number * 1250
    assert diary.subscription("cy")["status"] == "active"
    assert diary.parked() == []


def owes(diary: Diary, who: str, number: int) -> None:
    """A subscription given up years ago, with a number of invoices nobody paid."""
    store, at = diary.world.service().store, datetime(2026, 1, 1, tzinfo=UTC)
    sold = store.get(Subscription, diary.account, diary.subscriptions[who])
    owed = []
    for n in range(number):
        invoice = invoice_of(replace(sold, cycle=n), f"INV-{n + 1:06d}", at)
        owed.append(invoice.id)
        _write(store, diary, replace(invoice, attempt_at=None, failed_at=at))
    _write(store, diary, replace(sold, cycle=number, arrears=tuple(owed), status=Status.UNPAID))


def _write(store: Store, diary: Diary, record: Any) -> None:
    changes = Changeset(diary.account)
    changes.put(record)
    store.commit(changes)


def test_the_old_cards_decline_leaves_the_new_one_open(diary: Diary):
    """A charge on a stolen card was held; its hard decline comes after another card was given, which pays."""
    diary.saves_a_card("cy")
    diary.stripe_fails("cy", "500_before")
    diary.card("cy", "stolen_card")
    diary.subscribes("cy", "coffee-250g")
    diary.world.drain()
    assert diary.payments("cy") == [("held", 1250)]
    diary.gives_another_card("cy", "pm_card_visa")
    diary.it_is("2026-02-20")
    assert [status for status, _ in diary.payments("cy")] == ["declined", "succeeded", "succeeded"]
    assert diary.subscription("cy")["status"] == "active"
    diary.sound()


def test_a_card_given_while_the_last_attempt_is_held_pays_what_is_owed(diary: Diary):
    """The retries' last answer was lost when another card came: what is owed is asked of that card, not written off."""
    diary.saves_a_card("bo")
    diary.card("bo", *["insufficient_funds"] * 5)
    diary.subscribes("bo", "coffee-250g")
    diary.it_is("2026-01-07")
    diary.stripe_fails("bo", "500_before")
    diary.world.set_clock(datetime(2026, 1, 8, 12, 5, tzinfo=UTC))
    deaf(diary)
    diary.world.tick()
    rounds(diary.world, 3)
    assert diary.payments("bo")[-1] == ("held", 1250)
    diary.gives_another_card("bo")
    diary.it_is("2026-02-02")
    assert diary.subscription("bo")["status"] == "active"
    assert diary.taken() == 2 * 1250
    diary.sound()


@pytest.mark.parametrize("second", ["pm_usBankAccount", "pm_usBankAccount_insufficientFunds"])
def test_a_card_given_while_a_debit_of_the_arrears_is_processing_is_charged(diary: Diary, second: str):
    """A debit under way ends well, or its decline days later is made good by the card given meanwhile."""
    diary.saves_a_card("bo", "pm_card_chargeCustomerFail")
    diary.subscribes("bo", "coffee-250g")
    diary.it_is("2026-01-14")
    assert diary.subscription("bo")["status"] == "unpaid"
    diary.gives_another_card("bo", second)
    assert diary.payments("bo")[-1] == ("processing", 1250)
    diary.gives_another_card("bo", "pm_card_visa")
    diary.it_is("2026-02-02")
    assert diary.taken() == 2 * 1250
    assert diary.subscription("bo")["status"] == "active"
    diary.sound()


def test_arrears_on_their_way_do_not_keep_the_next_cycle_from_being_charged(diary: Diary):
    """A debit for what is owed is processing over a boundary: the next invoice is charged all the same."""
    diary.saves_a_card("bo", "pm_card_chargeCustomerFail")
    diary.subscribes("bo", "coffee-500g")
    diary.it_is("2026-01-14")
    diary.gives_another_card("bo", "pm_usBankAccount")
    diary.it_is("2026-02-05")
    assert diary.subscription("bo")["status"] == "active"
    assert {status for _, status, _ in diary.invoices("bo")} == {"paid"}
    diary.sound()


def test_a_wrong_request_leaves_the_card_open(diary: Diary):
    """An amount below Stripe's smallest is declined, but the card is not what was refused."""
    diary.saves_a_card("ada")
    diary.subscribes("ada", "coffee-250g", lines=[{"name": "tip", "unit_amount": "10"}])
    diary.it_is("2026-01-01")
    sold = diary.world.service().store.get(Subscription, diary.account, diary.subscriptions["ada"])
    assert diary.payments("ada") == [("declined", 10)]
    assert sold.chargeable


def test_a_cancel_confirmed_before_the_charge_is_committed_prevents_it(diary: Diary):
    """The customer is told that it is canceled just before the payment is reserved: no money is taken."""
    plain, struck = diary.world.service(), []

    class Late:
        def __init__(self, inner: Any) -> None:
            self._inner = inner

        def dispatch(self, operation: str, request: dict[str, Any]) -> Any:
            puts = [one["Put"]["Item"] for one in request.get("TransactItems", ()) if "Put" in one]
            if not struck and any("/payment/" in put["key"]["S"] for put in puts):
                struck.append(operation)
                cancel.subscription(plain, diary.account, diary.subscriptions["bo"], at_period_end=False)
            return self._inner.dispatch(operation, request)

    def wrap(service: Service) -> Service:
        connection: Any = Late(Dynamo(service.settings))
        settings = service.settings
        return replace(service, store=Store(connection, settings.table, settings.wake_shards))

    diary.subscribes("bo", "coffee-250g", on="2026-01-15")
    diary.world.restart(wrap)
    diary.it_is("2026-01-15")
    assert struck
    assert diary.subscription("bo")["status"] == "canceled"
    assert diary.payments("bo") == []
    assert diary.taken() == 0


def test_an_expired_subscription_whose_last_payment_fails_late_is_past_due(diary: Diary):
    """The term was over while the last debit was processing; its decline makes money owed, and it is not hidden."""
    deaf(diary)
    diary.saves_a_card("bo", "pm_usBankAccount_processing")
    diary.subscribes("bo", "coffee-500g", payments=1)
    diary.it_is("2026-01-16")
    assert diary.subscription("bo")["status"] == "expired"
    declined = Declined(code="insufficient_funds", hard=False, message="")
    diary.world.restart(bent(fetch=lambda _true, _reference: declined))
    diary.it_is("2026-01-17")
    assert diary.payments("bo")[0] == ("declined", 1800)
    assert diary.subscription("bo")["status"] == "past_due"


def test_money_taken_for_a_payment_closed_here_is_the_customers_balance(diary: Diary):
    """Stripe took a declined payment after all, when another had paid: it is on the balance, and pays the next months."""
    diary.saves_a_card("bo")
    diary.card("bo", "insufficient_funds")
    diary.subscribes("bo", "coffee-250g")
    diary.it_is("2026-01-03")
    assert diary.payments("bo") == [("declined", 1250), ("succeeded", 1250)]
    intent = diary.every("/v1/payments")[-1]["reference"]
    confirm = f"{diary.world.stripe_url}/v1/payment_intents/{intent}/confirm"
    sent = {"Authorization": f"Bearer {STRIPE_KEY}", "Content-Type": "application/x-www-form-urlencoded"}
    answer = http(
        "POST", confirm, f"payment_method={diary.methods['bo']['id']}&off_session=true".encode(), sent
    )
    assert answer.status == 200, answer.body
    diary.world.settle()
    assert diary.parked() == []
    assert diary.payments("bo") == [("succeeded", 1250), ("succeeded", 1250)]
    [balance] = diary.get(f"/v1/contacts/{diary.contacts['bo']}")["balances"]
    assert balance["amount"] == 1250
    assert [row["type"] for row in diary.every("/v1/events")].count("payment.taken_after_all") == 1
    diary.sound()
    diary.it_is("2026-02-10")
    assert diary.invoices("bo")[-1][1:] == ("paid", 0)
    diary.sound()
