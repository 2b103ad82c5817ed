"""The calendar as people live it: pauses, moved dates, cancellations on a day, a standstill, an account that moves away."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from chalicelib.crm.accounts import Account
from chalicelib.operations import rezone
from chalicelib.service import Service
from tests.stories.diary import Diary


def acts(diary: Diary, who: str, verb: str, **body: Any) -> Any:
    """Somebody does something with a customer's subscription."""
    return diary.post(f"/v1/subscriptions/{diary.subscriptions[who]}/{verb}", **body)


def amounts(diary: Diary, who: str) -> list[tuple[str, int]]:
    """The begin and total of each invoice, oldest first."""
    rows = diary.every(f"/v1/invoices?subscription={diary.subscriptions[who]}")
    return sorted((row["period_start_on"], row["total"]["amount"]) for row in rows)


def test_after_a_standstill_of_three_months_each_week_is_billed_in_order(diary: Diary):
    """Nothing ran from 9 January to 10 April: then every week has its invoice, by rising numbers, its own days, one charge."""
    weekly = {"frequency": "weekly", "lines": [{"name": "Bread", "unit_amount": "700"}]}
    diary.subscribes("ada", "coffee-1kg", on="2026-01-02", **weekly)
    diary.it_is("2026-01-08")
    diary.world.set_clock(datetime(2026, 4, 10, 12, tzinfo=UTC))
    diary.world.settle()
    fridays = [date(2026, 1, 2) + n * timedelta(days=7) for n in range(15)]
    rows = sorted(diary.every("/v1/invoices"), key=lambda row: row["number"])
    assert [(row["number"], row["period_start_on"], row["period_end_on"], row["cycle"]) for row in rows] == [
        (f"INV-{n + 1:06d}", friday.isoformat(), (friday + timedelta(days=7)).isoformat(), n)
        for n, friday in enumerate(fridays)
    ]
    assert {(row["status"], row["attempts"]) for row in rows} == {("paid", 1)}
    assert diary.taken() == 15 * 700
    assert diary.letters("ada").count("receipt") == 15
    assert diary.subscription("ada")["next_billing_on"] == "2026-04-17"
    diary.sound()


def test_a_standstill_over_a_pause_and_an_end_is_caught_up_in_order(diary: Diary):
    """Slept through: a date, the end of a pause, a cut cycle and its end; each is done as on its day."""
    diary.subscribes("bo", "coffee-250g", on="2026-01-10")
    diary.it_is("2026-01-20")
    acts(diary, "bo", "pause", resume_on="2026-02-20", shifts=False)
    acts(diary, "bo", "cancel", on="2026-04-25")
    diary.world.set_clock(datetime(2026, 6, 1, 12, tzinfo=UTC))
    diary.world.settle()
    assert amounts(diary, "bo") == [("2026-01-10", 1250), ("2026-03-10", 1250), ("2026-04-10", 625)]
    assert diary.subscription("bo")["status"] == "canceled"


def test_paused_in_arrears_it_is_asked_for_what_is_owed_and_billed_nothing_new(diary: Diary):
    """A declined payment is retried during the pause, and when it succeeds the subscription is paused still."""
    diary.saves_a_card("bo")
    diary.card("bo", "insufficient_funds", "insufficient_funds")
    diary.subscribes("bo", "coffee-250g")
    diary.it_is("2026-01-01")
    assert acts(diary, "bo", "pause")["status"] == "paused"
    diary.it_is("2026-03-20")
    assert diary.invoices("bo") == [("2026-01-01", "paid", 3)]
    assert diary.subscription("bo")["status"] == "paused"
    acts(diary, "bo", "resume")
    assert diary.subscription("bo")["status"] == "active"
    diary.it_is("2026-05-01")
    assert diary.invoices("bo") == [("2026-01-01", "paid", 3), ("2026-04-20", "paid", 1)]


def test_a_date_moved_is_told_anew_and_charged_once(diary: Diary):
    """The notice had gone out; the payment moves by a fortnight with its days charged, and is told and taken once."""
    diary.subscribes("ada", "coffee-1kg", on="2026-01-15")
    diary.it_is("2026-02-02")
    assert diary.letters("ada")[-1] == "upcoming"
    told = diary.letters("ada").count("upcoming")
    acts(diary, "ada", "next_billing_date", on="2026-03-01", prorate=True)
    diary.it_is("2026-03-01")
    assert diary.letters("ada").count("upcoming") == told + 1
    assert amounts(diary, "ada") == [("2026-01-15", 2500), ("2026-03-01", 2500 + 1250)]
    diary.sound()


class Struck:
    """A store that ends the process at its n-th commit."""

    def __init__(self, inner: Any, at: int) -> None:
        self._inner, self._left = inner, at

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def commit(self, changes: Any) -> Any:
        self._left -= 1
        if self._left == 0:
            raise KeyboardInterrupt
        return self._inner.commit(changes)


def struck(service: Service, at: int) -> Service:
    store: Any = Struck(service.store, at)
    return replace(service, store=store)


@pytest.mark.parametrize(("zone", "hour"), [("Pacific/Kiritimati", 0), ("Pacific/Pago_Pago", 23)])
def test_an_account_that_moves_across_the_date_line_bills_every_date_once(diary: Diary, zone: str, hour: int):
    """Its worker dies after every write and another goes on; the dates stay, none is billed twice, none is left out."""
    for n in range(5):
        diary.subscribes(f"c{n}", "coffee-250g", on=f"2026-01-{15 + n}")
    diary.it_is("2026-01-17")
    diary.post("/v1/account", zone=zone, billing_hour=hour)
    deaths = _worked(diary, lambda service: rezone.then_clocks(service, diary.account, [], page=2))
    assert deaths == 4, "before the first page, and between the pages"
    zones = {
        (diary.subscription(f"c{n}")["zone"], diary.subscription(f"c{n}")["billing_hour"]) for n in range(5)
    }
    assert zones == {(zone, hour)}
    diary.it_is("2026-03-25")
    for n in range(5):
        assert diary.invoices(f"c{n}") == [(f"2026-0{month}-{15 + n}", "paid", 1) for month in (1, 2, 3)]
    assert diary.world.service().store.get(Account, diary.account, diary.account).wake is None
    diary.sound()


def _worked(diary: Diary, work: Callable[[Service], object]) -> int:
    """Work that is struck before its first write, then its second, and so on, until it gets through; how often it was."""
    for at in range(1, 40):
        try:
            work(struck(diary.world.service(), at))
        except KeyboardInterrupt:
            continue
        return at - 1
    raise AssertionError("it never gets through")
