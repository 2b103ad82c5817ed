"""A subscription is paused, resumed, moved, canceled and reactivated through the API; an account changes its zone."""

from datetime import date
from typing import Any

import pytest

from chalicelib.crm.accounts import Account
from chalicelib.operations import books, rezone
from chalicelib.web import lifecycle
from chalicelib.web.endpoint import Call
from chalicelib.web.idempotency import names
from tests.web.conftest import JANUARY, Api


class Roaster:
    """An account with a clock of its own that stands at noon of 20 January 2026, and a plan billed on the 15th, of 25.00."""

    def __init__(self, api: Api, **order: Any) -> None:
        self.api = api
        self.account, self.key = api.open("Roaster", clock_at=JANUARY)
        self.id = api.sells(self.key, **order)["id"]
        self.it_is("2026-01-20")

    def it_is(self, day: str) -> None:
        """The clock is moved to noon of a day, with all that is due on the way."""
        assert self.api.post("/v1/test_clock/advance", {"to": f"{day}T12:00:00Z"}, key=self.key).status == 202
        self.works()

    def works(self) -> None:
        """A worker sees to the account."""
        rezone.then_clocks(self.api.service, self.account.id, [])

    def asks(self, verb: str, **body: Any) -> Any:
        return self.api.post(f"/v1/subscriptions/{self.id}/{verb}", body, key=self.key)

    def does(self, verb: str, **body: Any) -> Any:
        told = self.asks(verb, **body)
        assert told.status == 200, told.text
        return told.body

    @property
    def now(self) -> Any:
        return self.api.get(f"/v1/subscriptions/{self.id}", key=self.key).body

    def invoices(self) -> list[tuple[str, str, list[int]]]:
        """Begin and end of each invoice's period, and the amounts of its lines, oldest first."""
        rows = self.api.get(f"/v1/invoices?subscription={self.id}&limit=100", key=self.key)["data"]
        return [
            (
                row["period_start_on"],
                row["period_end_on"],
                [line["amount"]["amount"] for line in row["lines"]],
            )
            for row in reversed(rows)
        ]

    def facts(self) -> list[str]:
        """What became of the subscription, oldest first: longer than the API lists it."""
        id_ = self.api.get("/v1/account", key=self.key)["id"]
        account = self.api.service.store.get(Account, id_, id_)
        return [
            one.type.value
            for one in books.kept(self.api.service, account).events
            if one.subject == self.id and "subscription" in one.type
        ]


@pytest.fixture
def roaster(api: Api) -> Roaster:
    return Roaster(api)


JANUARYS = ("2026-01-15", "2026-02-15", [2500])


def test_a_pause_with_a_date_ends_by_itself_and_the_days_left_are_still_to_come(roaster: Roaster):
    """Paused with 26 days to go until 1 March, it is billed 26 days after that; nothing in between."""
    paused = roaster.does("pause", resume_on="2026-03-01")
    assert (paused["status"], paused["next_billing_on"], paused["resume_on"]) == (
        "paused",
        None,
        "2026-03-01",
    )
    roaster.it_is("2026-02-28")
    assert roaster.invoices() == [JANUARYS]
    roaster.it_is("2026-03-02")
    assert (roaster.now["status"], roaster.now["next_billing_on"]) == ("active", "2026-03-27")
    roaster.it_is("2026-04-27")
    assert roaster.invoices()[1:] == [
        ("2026-03-27", "2026-04-27", [2500]),
        ("2026-04-27", "2026-05-27", [2500]),
    ]
    assert roaster.facts() == ["subscription.created", "subscription.paused", "subscription.resumed"]


def test_resumed_with_its_dates_as_they_were_it_charges_the_days_nobody_paid_for_where_asked(
    roaster: Roaster,
):
    """Two dates passed; from 5 March on 10 days of 28 remain, charged with the next invoice: 2500 x 10 / 28."""
    roaster.does("pause")
    roaster.it_is("2026-03-05")
    resumed = roaster.does("resume", shifts=False, prorate=True)
    assert (resumed["status"], resumed["next_billing_on"]) == ("active", "2026-03-15")
    assert [line["share"]["days"] for line in resumed["extras"]] == [10]
    roaster.it_is("2026-03-16")
    assert roaster.invoices() == [JANUARYS, ("2026-03-15", "2026-04-15", [2500, 893])]
    assert roaster.now["extras"] == []


def test_resumed_before_a_date_has_passed_nothing_is_charged(roaster: Roaster):
    """The days to the next date were paid for."""
    roaster.does("pause")
    roaster.it_is("2026-02-01")
    resumed = roaster.does("resume", shifts=False, prorate=True)
    assert (resumed["next_billing_on"], resumed["extras"]) == ("2026-02-15", [])


def test_paused_and_resumed_on_one_day_it_is_as_it_was(roaster: Roaster):
    """Nothing has moved; the day of the month it counts from is kept."""
    before = roaster.now
    roaster.does("pause")
    assert roaster.does("resume").items() <= before.items()
    assert roaster.now == before


def test_canceled_on_a_day_the_last_cycle_is_charged_for_its_days(roaster: Roaster):
    """From 15 February 5 of 28 days are billed; on the 20th it is over."""
    planned = roaster.does("cancel", on="2026-02-20")
    assert (planned["status"], planned["ends_on"]) == ("active", "2026-02-20")
    roaster.it_is("2026-02-19")
    assert roaster.invoices() == [JANUARYS, ("2026-02-15", "2026-02-20", [446])]
    roaster.it_is("2026-02-21")
    assert roaster.now["status"] == "canceled"
    assert roaster.asks("reactivate")["code"] == "not_canceling"


def test_reactivated_the_rest_of_a_cycle_cut_short_is_charged(roaster: Roaster):
    """5 of 28 days were billed, the other 23 ride on the next invoice, and it goes on."""
    roaster.does("cancel", on="2026-02-20")
    roaster.it_is("2026-02-16")
    again = roaster.does("reactivate")
    assert (again["ends_on"], again["next_billing_on"]) == (None, "2026-03-15")
    roaster.it_is("2026-03-16")
    assert roaster.invoices()[1:] == [
        ("2026-02-15", "2026-02-20", [446]),
        ("2026-03-15", "2026-04-15", [2500, 2054]),
    ]
    assert roaster.facts()[-1] == "subscription.reactivated"


def test_what_waits_for_an_invoice_that_never_comes_is_charged_at_the_end(api: Api):
    """The last cycle of a term was cut short and called off: its rest is charged as the term expires, up to its end.

    Of a date moved with its days charged, and a cancellation before it, the days up to that are charged.
    """
    term = Roaster(api, payments=2)
    term.does("cancel", on="2026-02-20")
    term.it_is("2026-02-16")
    term.does("reactivate")
    term.it_is("2026-03-16")
    assert term.invoices()[1:] == [("2026-02-15", "2026-02-20", [446]), ("2026-02-20", "2026-03-15", [2054])]
    assert term.now["status"] == "expired"
    assert {row["status"] for row in api.get("/v1/invoices", key=term.key)["data"]} == {"paid"}
    moved = Roaster(api)
    moved.does("next_billing_date", on="2026-02-25", prorate=True)
    moved.does("cancel", on="2026-02-22")
    moved.it_is("2026-02-26")
    assert moved.invoices()[1:] == [("2026-02-15", "2026-02-22", [625])]
    assert moved.now["status"] == "canceled"


def test_canceled_at_the_end_and_reactivated_it_goes_on(roaster: Roaster):
    """Called off before it came, a cancellation changes nothing."""
    assert roaster.does("cancel", at_period_end=True)["ends_on"] == "2026-02-15"
    assert roaster.does("reactivate")["ends_on"] is None
    roaster.it_is("2026-02-16")
    assert len(roaster.invoices()) == 2


def test_a_later_date_is_free_or_charged_by_the_day(api: Api):
    """Ten days later: for nothing, or for 10 of the 28 days the next period would have had, with the next invoice."""
    for prorate, lines in ((False, [2500]), (True, [2500, 893])):
        roaster = Roaster(api)
        moved = roaster.does("next_billing_date", on="2026-02-25", prorate=prorate)
        assert moved["next_billing_on"] == "2026-02-25"
        roaster.it_is("2026-03-25")
        assert roaster.invoices() == [
            JANUARYS,
            ("2026-02-25", "2026-03-25", lines),
            ("2026-03-25", "2026-04-25", [2500]),
        ]
        assert "subscription.changed" in roaster.facts()


def test_moved_back_again_the_extra_days_are_not_charged(roaster: Roaster):
    """A charge that waits for the next invoice ends where that begins."""
    roaster.does("next_billing_date", on="2026-02-25", prorate=True)
    back = roaster.does("next_billing_date", on="2026-02-20")
    assert [line["share"]["days"] for line in back["extras"]] == [5]
    assert roaster.does("next_billing_date", on="2026-02-15")["extras"] == []


def test_moved_to_today_it_is_billed_at_once_on_the_accounts_own_clock(roaster: Roaster):
    """What an act makes due is worked without the clock being moved by hand."""
    roaster.does("next_billing_date", on="2026-01-20")
    assert roaster.api.get("/v1/test_clock", key=roaster.key)["status"] == "advancing"
    roaster.works()
    assert roaster.invoices() == [JANUARYS, ("2026-01-20", "2026-02-20", [2500])]


def test_within_two_days_of_billing_a_date_moves_only_by_force(roaster: Roaster):
    """On the 13th the date of the 15th stays, unless it is forced."""
    roaster.it_is("2026-02-13")
    assert roaster.asks("next_billing_date", on="2026-02-20")["code"] == "too_close_to_billing"
    assert roaster.does("next_billing_date", on="2026-02-20", force=True)["next_billing_on"] == "2026-02-20"


REFUSED: dict[str, tuple[list[Any], list[Any]]] = {
    "running": ([], [
        ("pause", {"resume_on": "2026-01-20"}, "resume_in_the_past", "resume_on"),
        ("pause", {"resume_on": "9999-12-31"}, "too_far_ahead", "resume_on"),
        ("pause", {"resume_on": "2026-03-01", "prorate": True}, "prorate_shifted", "prorate"),
        ("pause", {"resume_on": "soon"}, "wrong_form", "resume_on"),
        ("resume", {}, "not_paused", None),
        ("reactivate", {}, "not_canceling", None),
        ("cancel", {"on": "2026-01-20"}, "cancel_in_the_past", "on"),
        ("cancel", {"on": "9999-12-31"}, "too_far_ahead", "on"),
        ("cancel", {"on": "2026-02-01", "at_period_end": True}, "cancel_ambiguous", "on"),
        ("next_billing_date", {}, "field_missing", "on"),
        ("next_billing_date", {"on": "2026-01-19"}, "date_in_the_past", "on"),
        ("next_billing_date", {"on": "2026-03-16"}, "date_too_late", "on"),
        ("next_billing_date", {"on": "2026-02-01", "prorate": True}, "prorate_earlier", "prorate"),
    ]),
    "paused": ([("pause", {})], [
        ("pause", {}, "not_pausable", None),
        ("resume", {"prorate": True}, "prorate_shifted", "prorate"),
        ("next_billing_date", {"on": "2026-02-16"}, "subscription_paused", None),
    ]),
    "canceling": ([("cancel", {"at_period_end": True})], [
        ("pause", {}, "canceling", None),
        ("cancel", {"on": "2026-02-01"}, "canceling", None),
        ("next_billing_date", {"on": "2026-02-16"}, "canceling", None),
    ]),
    "canceled": ([("pause", {}), ("cancel", {})], [
        ("pause", {}, "not_pausable", None),
        ("resume", {}, "not_paused", None),
        ("next_billing_date", {"on": "2026-02-16"}, "subscription_ended", None),
        ("cancel", {"on": "2026-02-16"}, "subscription_ended", None),
        ("reactivate", {}, "not_canceling", None),
    ]),
}  # fmt: skip


@pytest.mark.parametrize("state", REFUSED)
def test_what_cannot_be_done_is_refused(roaster: Roaster, state: str):
    """A wrong moment or a bad date has a code, names the field, says a sentence, and changes nothing."""
    before, refused = REFUSED[state]
    for earlier, said in before:
        roaster.does(earlier, **said)
    marks = roaster.api.marks()
    for verb, body, code, param in refused:
        told = roaster.asks(verb, **body)
        assert (told["code"], told.body.get("param")) == (code, param), (verb, body)
        assert told.status in (400, 409)
        assert told["detail"].endswith(".")
    assert roaster.api.marks() == marks


def test_a_term_is_neither_canceled_after_its_end_nor_moved_at_it(api: Api):
    """With all payments made there is nothing to move, and a cancellation lies before the end."""
    roaster = Roaster(api, payments=1)
    assert roaster.asks("next_billing_date", on="2026-02-16")["code"] == "nothing_to_bill"
    told = roaster.asks("cancel", on="2026-02-16")
    assert (told["code"], told["param"]) == ("cancel_after_the_end", "on")


def test_a_start_to_come_may_be_moved_far(api: Api):
    """Before the first payment the date is the start: up to ten years ahead, and there are no days to charge."""
    roaster = Roaster(api, start_on="2026-03-01")
    assert roaster.asks("next_billing_date", on="2026-04-01", prorate=True)["code"] == "prorate_before_start"
    assert roaster.asks("next_billing_date", on="2036-01-21")["code"] == "too_far_ahead"
    assert roaster.does("next_billing_date", on="2026-07-31")["next_billing_on"] == "2026-07-31"
    roaster.it_is("2026-08-31")
    assert [start for start, _, _ in roaster.invoices()] == ["2026-07-31", "2026-08-31"]


def test_an_act_repeated_after_a_crash_is_told_what_it_did(roaster: Roaster):
    """Whoever repeats a request that got through is shown the subscription, and nothing is written again."""
    acts: list[tuple[Any, Any]] = [
        (lifecycle.pause, lifecycle.Pause(resume_on=None)),
        (lifecycle.resume, lifecycle.Resume()),
        (lifecycle.next_billing_date, lifecycle.NextDate(on=date(2026, 2, 20))),
        (lifecycle.cancel, lifecycle.Cancel(on=None, at_period_end=True)),
        (lifecycle.reactivate, None),
        (lifecycle.cancel, lifecycle.Cancel()),
    ]
    for n, (act, body) in enumerate(acts):
        said = {} if body is None else {"body": body}
        first = act(call(roaster, f"01seed{n}"), roaster.id, **said)
        marks = roaster.api.marks()
        assert act(call(roaster, f"01seed{n}"), roaster.id, **said) == first
        assert roaster.api.marks() == marks


def test_an_act_repeated_late_is_not_done_again(roaster: Roaster):
    """Its process died after the write; meanwhile somebody resumed it: the repetition does not pause it a second time."""
    paused = lifecycle.pause(call(roaster, "01seed"), roaster.id, lifecycle.Pause())
    resumed = lifecycle.resume(call(roaster, "02seed"), roaster.id, lifecycle.Resume())
    assert paused.paused_on is not None
    assert lifecycle.pause(call(roaster, "01seed"), roaster.id, lifecycle.Pause()) == resumed


def call(roaster: Roaster, seed: str) -> Call:
    """A request under a key, as each of its tries is made: with the same ids."""
    service = roaster.api.service.naming(names(seed))
    return Call(service=service, account=account(roaster), key=None, seed=seed)  # type: ignore[arg-type]


def account(roaster: Roaster) -> Account:
    return roaster.api.service.store.get(Account, roaster.account.id, roaster.account.id)


# -- an account that moves -----------------------------------------------------------------------


def test_subscriptions_follow_their_account_to_another_zone(roaster: Roaster):
    """The dates stay, the instants move; what is sold meanwhile takes the new zone; a second walk finds what the first could not."""
    told = roaster.api.post("/v1/account", {"zone": "Asia/Tokyo", "billing_hour": 9}, key=roaster.key)
    assert (told["zone"], told["billing_hour"]) == ("Asia/Tokyo", 9)
    meanwhile = roaster.api.sells(roaster.key)
    assert meanwhile["zone"] == "Asia/Tokyo"
    assert roaster.now["zone"] == "UTC"
    roaster.works()
    assert (roaster.now["zone"], roaster.now["next_billing_on"]) == ("Asia/Tokyo", "2026-02-15")
    assert roaster.now["next_billing_at"] == "2026-02-15T00:00:00Z"
    assert roaster.facts()[-1] == "subscription.changed"
    assert account(roaster).wake is not None
    roaster.api.wait(minutes=3)
    before = roaster.api.written()
    roaster.works()
    changed = [item for item in roaster.api.written() if item not in before]
    assert len(changed) == 1, "the second walk finds nothing left, and ends the work"
    assert account(roaster).wake is None
    assert account(roaster).rezoning is None


def test_the_same_settings_again_change_nothing(roaster: Roaster):
    """A repeated change is no work."""
    marks = roaster.api.marks()
    assert roaster.api.post("/v1/account", {"zone": "UTC"}, key=roaster.key).status == 200
    assert roaster.api.post("/v1/account", {}, key=roaster.key).status == 200
    assert roaster.api.marks() == marks


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"zone": "Mars/Phobos"}, "unknown_zone", "zone"),
        ({"billing_hour": 24}, "billing_hour_out_of_range", "billing_hour"),
        ({"billing_hour": -1}, "billing_hour_out_of_range", "billing_hour"),
    ],
)
def test_settings_that_are_none_are_refused(roaster: Roaster, body: Any, code: str, param: str):
    """A zone that is none, and an hour outside the day."""
    told = roaster.api.post("/v1/account", body, key=roaster.key)
    assert (told.status, told["code"], told["param"]) == (400, code, param)


def test_under_a_clock_that_stands_the_last_invoice_is_collected_at_once(roaster: Roaster):
    """Upgraded and canceled on one day: that day's 80.65 less the 20.97 given back are charged, without the clock being moved."""
    roaster.does("change", lines=[{"id": "li_1", "unit_amount": "250000"}], proration="next_invoice")
    assert roaster.does("cancel")["status"] == "canceled"
    roaster.works()
    assert roaster.invoices()[1:] == [("2026-01-20", "2026-01-21", [8065])]
    last = roaster.api.get("/v1/invoices", key=roaster.key)["data"][0]
    assert (last["last"], last["status"], last["amount_paid"]["amount"]) == (True, "paid", 8065 - 2097)
