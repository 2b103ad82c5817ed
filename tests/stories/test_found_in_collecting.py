"""What a review found about collecting: what stopped without a word, what was asked of the wrong method, what was due when nothing was."""

from typing import Any

from tests.stories.buyer import MASTERCARD, Buyer, pays
from tests.stories.diary import Diary
from tests.stories.test_another_method import named
from tests.stories.test_recording import recorded
from tests.stories.test_retrying import POOR, asks, invoice, told
from tests.stories.test_ways import SENT, facts, scheduled


def months(*amounts: int) -> list[dict[str, Any]]:
    """Instalments on the twelfth of the months from January on."""
    return [{"due_on": f"2026-{n:02d}-12", "amount": amount} for n, amount in enumerate(amounts, 1)]


def test_a_bank_account_pays_more_instalments_than_a_debit_may_be_presented(diary: Diary):
    """A debit that succeeded is none that came back: the fourth and the fifth part are taken like the first, at once or by hand."""
    diary.saves_a_card("ada", "pm_usBankAccount_success")
    parts = [{"due_on": one["due_on"], "percent": "20"} for one in months(*[500] * 5)]
    diary.subscribes("ada", "coffee-1kg", on="2026-01-12", frequency="annually", payment_schedule=parts)
    diary.it_is("2026-04-20")
    assert diary.payments("ada") == [("succeeded", 500)] * 4
    assert told(asks(diary, "ada")) == (200, "processing")
    diary.it_is("2026-05-20")
    assert diary.payments("ada") == [("succeeded", 500)] * 5
    assert (invoice(diary, "ada")["status"], diary.subscription("ada")["status"]) == ("paid", "active")
    diary.sound()


def test_a_sent_invoice_is_overdue_though_its_subscription_has_ended(diary: Diary):
    """Canceled before the bill was due: that is overdue on its day, its customer is told, and paid it leaves nothing behind."""
    diary.saves_a_card("ada")
    sold = diary.subscribes("ada", "coffee-1kg", on="2026-01-10", days_until_due=14, **SENT)
    diary.it_is("2026-01-12")
    diary.post(f"/v1/subscriptions/{sold}/cancel")
    diary.it_is("2026-01-25")
    assert facts(diary, "ada", "invoice.overdue") == [("2026-01-25", "invoice.overdue")]
    assert diary.subscription("ada")["status"] == "canceled"
    diary.sound()
    pays(Buyer(diary, "ada").opens())
    diary.world.settle()
    assert (diary.subscription("ada")["status"], diary.taken()) == ("canceled", 2500)
    diary.sound()


def test_a_part_that_was_not_paid_after_all_is_overdue_on_its_own_day(diary: Diary):
    """The transfer for the first of two parts was a mistake: taken back, that part is overdue now, not on the day of the last."""
    diary.saves_a_card("ada")
    diary.subscribes("ada", "coffee-1kg", on="2026-01-10", frequency="quarterly", days_until_due=20, **SENT)
    diary.it_is("2026-01-11")
    scheduled(diary, "ada", *months(1000, 1500))
    wrong = recorded(diary, "ada", 1000)
    diary.it_is("2026-01-14")
    assert diary.subscription("ada")["status"] == "active"
    diary.post(f"/v1/payments/{wrong['id']}/undo")
    diary.it_is("2026-01-15")
    assert diary.subscription("ada")["status"] == "past_due"
    diary.sound()


def test_a_rest_too_small_to_charge_waits_for_the_next_part(diary: Diary):
    """A transfer leaves 20 cents of a part: they are charged with the next one, and nothing fails by them."""
    diary.saves_a_card("ada")
    diary.subscribes("ada", "coffee-1kg", on="2026-01-10", frequency="quarterly")
    diary.card("ada", POOR)
    diary.it_is("2026-01-10")
    scheduled(diary, "ada", *months(1000, 1500))
    diary.world.settle()
    recorded(diary, "ada", 980)
    diary.it_is("2026-01-20")
    assert diary.subscription("ada")["status"] == "active"
    diary.it_is("2026-02-12")
    assert diary.payments("ada")[-1] == ("succeeded", 1520)
    assert invoice(diary, "ada")["status"] == "paid"
    diary.sound()


def test_what_was_not_due_yet_is_not_overdue_by_a_decline(diary: Diary):
    """A person asks for a part before its day, and the card declines: nothing is owed yet, and the part is asked for on its day."""
    diary.saves_a_card("ada")
    diary.card("ada", POOR, POOR)
    diary.subscribes("ada", "coffee-1kg", on="2026-01-10", frequency="quarterly")
    diary.it_is("2026-01-10")
    scheduled(diary, "ada", *months(1000, 1500))
    diary.world.settle()
    assert diary.subscription("ada")["status"] == "active"
    assert told(asks(diary, "ada")) == (200, "declined")
    assert diary.subscription("ada")["status"] == "active"
    diary.it_is("2026-02-12")
    assert diary.subscription("ada")["status"] == "active"
    assert [row for row in diary.payments("ada") if row[0] == "succeeded"] == [
        ("succeeded", 1000),
        ("succeeded", 1500),
    ]
    diary.sound()


def test_a_method_left_for_what_is_sent_meanwhile_is_charged_for_nothing(diary: Diary):
    """While the page was open the subscription was switched to invoices: the method is kept, and neither it nor the old one is asked."""
    diary.saves_a_card("ada")
    diary.card("ada", POOR)
    sold = diary.subscribes("ada", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-01-15")
    ada = Buyer(diary, "ada")
    page = ada.opens_for_a_method()
    diary.post(f"/v1/subscriptions/{sold}/collection", collection_method="send_invoice")
    ada.comes_back_with_a_method(named(pays(page, MASTERCARD).location))
    diary.world.settle()
    assert diary.payments("ada") == [("declined", 2500)]
    assert len(diary.every(f"/v1/payment_methods?contact={diary.contacts['ada']}")) == 2
    diary.sound()


def test_a_transfer_for_an_invoice_that_was_just_paid_pays_the_next_one_that_is_held(diary: Diary):
    """Two invoices with a page each; the first is paid unseen as the transfer is written down: that closes the second page, and pays it."""
    diary.saves_a_card("ada")
    diary.card("ada", *[POOR] * 9)
    diary.post("/v1/account", retries={"days": [], "at_end": "past_due"})
    diary.subscribes("ada", "coffee-1kg", on="2026-01-12")
    diary.it_is("2026-02-12")
    ada = Buyer(diary, "ada")
    first, second = ada.owed()
    page = ada.opens(first)
    ada.opens(second)
    pays(page)
    made = recorded(diary, "ada", 2500)
    assert [part["invoice"] for part in made["allocations"]] == [second]
    diary.world.settle()
    assert {row["status"] for row in diary.every("/v1/invoices")} == {"paid"}
    assert diary.subscription("ada")["status"] == "active"
    diary.sound()


def test_a_later_part_is_presented_as_often_as_the_first(diary: Diary):
    """Two parts came without trouble: the third, for want of money, is presented twice more like any debit."""
    diary.saves_a_card("ada", "pm_usBankAccount_success")
    parts = [{"due_on": f"2026-0{n}-12", "percent": part} for n, part in ((1, "33"), (2, "33"), (3, "34"))]
    diary.subscribes("ada", "coffee-1kg", on="2026-01-12", frequency="annually", payment_schedule=parts)
    diary.it_is("2026-03-01")
    diary.card("ada", *[POOR] * 9)
    diary.it_is("2026-04-20")
    assert [status for status, _ in diary.payments("ada")] == ["succeeded"] * 2 + ["declined"] * 3
    assert diary.subscription("ada")["status"] == "unpaid"
    diary.sound()
