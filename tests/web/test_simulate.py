"""Simulations over HTTP: what is foretold comes, nothing is written, and what cannot be foretold is refused in words."""

from typing import Any

import pytest

from chalicelib.operations import advance
from tests.web.conftest import JANUARY, Api
from tests.web.test_openapi import fits

THEIRS = ("number",)


def lives(api: Api, account: str, to: str, key: str) -> None:
    """The account's clock goes on to a moment, with all that is due on the way."""
    assert api.post("/v1/test_clock/advance", {"to": to}, key=key).status == 202
    advance.clocks(api.service, account, [])


def bare(record: dict[str, Any], *more: str) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in (*THEIRS, *more)}


def test_what_is_foretold_comes_and_nothing_is_written(api: Api):
    """Half a year of a monthly plan, asked for with an Idempotency-Key too, leaves no mark, and comes as it was told."""
    account, key = api.open("Roaster", clock_at=JANUARY)
    sold = api.sells(key)
    path, before = f"/v1/subscriptions/{sold['id']}/simulate", api.marks()
    told = api.post(path, {"until": "2026-07-01T00:00:00Z"}, key=key, Idempotency_Key="once")
    assert told.status == 200, told.text
    fits(told, "POST", "/v1/subscriptions/{id}/simulate")
    assert api.marks() == before
    assert told["complete"]
    assert [one["period_start_on"] for one in told["invoices"]] == [f"2026-0{n}-15" for n in range(1, 7)]
    lives(api, account.id, "2026-07-01T00:00:00Z", key)
    assert api.get(f"/v1/subscriptions/{sold['id']}", key=key).body | told["subscription"] == (
        api.get(f"/v1/subscriptions/{sold['id']}", key=key).body
    )
    issued = api.get(f"/v1/invoices?subscription={sold['id']}", key=key)["data"]
    assert [bare(one) for one in reversed(issued)] == [bare(one) for one in told["invoices"]]
    paid = api.get(f"/v1/payments?subscription={sold['id']}", key=key)["data"]
    words = ("reference", "fee", "net")
    assert [bare(one, *words) for one in reversed(paid)] == [bare(one, *words) for one in told["payments"]]


def test_a_draft_does_what_it_does_once_it_is_sold(api: Api):
    """A subscription that is not sold is foretold as the sold one is, but for its names; nothing is written."""
    _, key = api.open("Roaster", clock_at=JANUARY)
    sold = api.sells(key)
    draft = {
        "contact": sold["contact"],
        "payment_method": sold["payment_method"]["id"],
        "lines": [{"product": sold["lines"][0]["product"]}],
        "until": "2026-12-31",
        "assume": [{"on": "2026-03-01", "declines": "insufficient_funds", "times": 3}],
    }
    before = api.marks()
    told = api.post("/v1/subscriptions/simulate", draft, key=key)
    assert told.status == 200, told.text
    fits(told, "POST", "/v1/subscriptions/simulate")
    assert api.marks() == before
    asked = {name: draft[name] for name in ("until", "assume")}
    same = api.post(f"/v1/subscriptions/{sold['id']}/simulate", asked, key=key)
    happened = [(one["at"], one["kind"], one["what"]) for one in told["happenings"]]
    assert [one[1:] for one in happened[:2]] == [("event", "subscription.created"), ("letter", "subscribed")]
    assert happened[2:] == [(one["at"], one["kind"], one["what"]) for one in same["happenings"]]
    assert [one["total"] for one in told["invoices"]] == [one["total"] for one in same["invoices"]]


def test_assumed_declines_are_asked_again_and_end_as_the_policy_says(api: Api):
    """Five declines are the five attempts of the schedule; then the subscription is unpaid, and told so by letters."""
    _, key = api.open("Roaster", clock_at=JANUARY)
    sold = api.sells(key)
    assume = [{"on": "2026-02-01", "declines": "insufficient_funds", "times": 5}]
    told = api.post(
        f"/v1/subscriptions/{sold['id']}/simulate", {"until": "2026-03-10", "assume": assume}, key=key
    )
    payments = [(one["status"], one["settled_at"][:10]) for one in told["payments"]]
    declined = [("declined", f"2026-02-{day}") for day in (15, 16, 18, 20, 22)]
    assert payments == [("succeeded", "2026-01-15"), *declined]
    statuses = [(one["what"], one["at"][:10]) for one in told["happenings"] if one["kind"] == "status"]
    assert statuses == [("active", "2026-01-15"), ("past_due", "2026-02-15"), ("unpaid", "2026-02-22")]
    letters = [(one["what"], one["to"]) for one in told["happenings"] if one["kind"] == "letter"]
    assert letters[0] == ("first_payment", "ada@example.com")
    assert sum(what == "payment_failed" for what, _ in letters) == 5
    assert told["subscription"]["status"] == "unpaid"


def test_what_a_person_is_assumed_to_do_is_done_at_the_beginning_of_the_day(api: Api):
    """A pause on the billing day leaves that billing out; what cannot be done is told in its own words, and changes nothing."""
    _, key = api.open("Roaster", clock_at=JANUARY)
    sold = api.sells(key)
    assume = [
        {"on": "2026-02-14", "do": "pause"},
        {"on": "2026-02-20", "do": "pause"},
        {"on": "2026-03-14", "do": "resume"},
        {"on": "2026-06-01", "do": "cancel"},
    ]
    told = api.post(
        f"/v1/subscriptions/{sold['id']}/simulate", {"until": "2026-12-31", "assume": assume}, key=key
    )
    starts = [one["period_start_on"] for one in told["invoices"]]
    assert starts == ["2026-01-15", "2026-03-15", "2026-04-15", "2026-05-15"]
    refused = [one for one in told["happenings"] if one["kind"] == "refused"]
    assert [(one["at"][:10], one["what"]) for one in refused] == [
        ("2026-02-20", "Only an active or past due subscription can be paused; this one is paused.")
    ]
    assert told["subscription"]["status"] == "canceled"


def test_the_upcoming_invoice_is_the_one_that_is_issued(api: Api):
    """It has all but its number, with the customer's balance taken off; with the plan canceled none is to come."""
    account, key = api.open("Roaster", clock_at=JANUARY)
    sold = api.sells(key)
    lives(api, account.id, "2026-02-01T00:00:00Z", key)
    given = {"amount": {"amount": 700, "currency": "usd"}, "reason": "sorry"}
    assert api.post(f"/v1/contacts/{sold['contact']}/balance", given, key=key).status in (200, 201)
    path = f"/v1/subscriptions/{sold['id']}/upcoming_invoice"
    coming = api.get(path, key=key)
    assert coming.status == 200, coming.text
    fits(coming, "GET", "/v1/subscriptions/{id}/upcoming_invoice")
    assert (coming["number"], coming["amount_due"]["amount"]) == ("", 1800)
    lives(api, account.id, "2026-02-16T00:00:00Z", key)
    issued = api.get(f"/v1/invoices/{coming['id']}", key=key).body
    kept = (
        "id",
        "lines",
        "total",
        "taxes",
        "amount_applied",
        "issued_at",
        "period_start_on",
        "period_end_on",
    )
    assert {name: issued[name] for name in kept} == {name: coming[name] for name in kept}
    api.post(f"/v1/subscriptions/{sold['id']}/cancel", key=key)
    none = api.get(path, key=key)
    assert (none.status, none["code"]) == (409, "no_upcoming_invoice")
    assert none["detail"] == "No invoice is to come: the subscription is canceled."


def test_too_much_to_tell_ends_early_and_says_so(api: Api):
    """Fifty years of a weekly plan are cut, at the moment until which they are told."""
    _, key = api.open("Roaster", clock_at=JANUARY)
    product = {"name": "Tea", "unit_amount": 900, "frequency": "weekly"}
    line = {"product": api.post("/v1/products", product, key=key)["id"]}
    sold = api.sells(key, lines=[line])
    told = api.post(f"/v1/subscriptions/{sold['id']}/simulate", {"until": "2075-01-01"}, key=key)
    assert told.status == 200, told.text
    assert not told["complete"]
    assert told["until_at"] == told["happenings"][-1]["at"] < "2075"


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"until": "2025-01-01"}, "until_in_the_past", "until"),
    ({"until": "2101-01-01"}, "until_too_far", "until"),
    ({"until": "9999-12-31"}, "until_too_far", "until"),
    ({"until": "2090-01-01"}, "until_too_far", "until"),
    ({"until": "2026-02-30"}, "wrong_form", "until"),
    ({"until": "2026-02-03T04:05:06"}, "wrong_form", "until"),
    ({"until": "2026-03-01", "assume": [{"on": "2026-02-01"}]}, "assumption_ambiguous", "assume[0]"),
    (
        {"until": "2026-03-01", "assume": [{"on": "2026-02-01", "do": "cancel", "declines": "lost_card"}]},
        "assumption_ambiguous",
        "assume[0]",
    ),
    (
        {"until": "2026-03-01", "assume": [{"on": "2026-01-14", "do": "cancel"}]},
        "assumption_date",
        "assume[0].on",
    ),
    (
        {"until": "2026-03-01", "assume": [{"on": "2026-02-01", "do": "cancel", "resume_on": "2026-02-02"}]},
        "resume_on_without_pause",
        "assume[0].resume_on",
    ),
    (
        {"until": "2026-03-01", "assume": [{"on": "2026-02-01", "do": "sing"}]},
        "unknown_value",
        "assume[0].do",
    ),
]


@pytest.mark.parametrize(("body", "code", "param"), REFUSED)
def test_what_cannot_be_foretold_is_refused(api: Api, body: dict[str, Any], code: str, param: str):
    """Each refusal names the field and says what would be accepted."""
    _, key = api.open("Roaster", clock_at=JANUARY)
    sold = api.sells(key)
    told = api.post(f"/v1/subscriptions/{sold['id']}/simulate", body, key=key)
    assert (told.status, told["code"], told["param"]) == (400, code, param)
    assert told["detail"].endswith(".")


def test_a_payment_on_its_way_is_taken_to_succeed(api: Api):
    """A bank debit that takes days is open as the simulation begins: it succeeds, and holds its invoice no longer."""
    account, key = api.open("Roaster", clock_at=JANUARY)
    sold = api.sells(key, card="pm_usBankAccount_success")
    lives(api, account.id, "2026-01-16T00:00:00Z", key)
    waiting = api.get(f"/v1/payments?subscription={sold['id']}", key=key)["data"][0]
    assert waiting["status"] == "processing"
    told = api.post(f"/v1/subscriptions/{sold['id']}/simulate", {"until": "2026-02-14"}, key=key)
    happened = [(one["what"], one["subject"]) for one in told["happenings"] if one["kind"] == "event"]
    assert happened[0] == ("payment.succeeded", waiting["id"])
    assume = [{"on": "2026-01-16", "declines": "insufficient_funds"}]
    told = api.post(
        f"/v1/subscriptions/{sold['id']}/simulate", {"until": "2026-02-14", "assume": assume}, key=key
    )
    happened = [one["what"] for one in told["happenings"] if one["kind"] == "event"]
    assert happened[:3] == ["payment.declined", "subscription.past_due", "payment.succeeded"]


def test_a_plan_with_automatic_tax_is_foretold_with_its_taxes(api: Api):
    """The gateway is asked for taxes as the run will ask it; what it says is on each invoice."""
    account, key = api.open("Roaster", clock_at=JANUARY)
    contact = api.post("/v1/contacts", {"name": "Ada", "email": "a@example.com"}, key=key)["id"]
    address = {
        "line1": "1 Main St",
        "city": "Seattle",
        "state": "WA",
        "postal_code": "98101",
        "country": "US",
    }
    assert api.post(f"/v1/contacts/{contact}", {"address": address}, key=key).status == 200
    card = {"contact": contact, "payment_method": "pm_card_visa"}
    method = api.post("/v1/payment_methods", card, key=key)["id"]
    body = {
        "contact": contact,
        "payment_method": method,
        "automatic_tax": True,
        "frequency": "monthly",
        "lines": [{"name": "Coffee", "unit_amount": 2500}],
    }
    sold = api.post("/v1/subscriptions", body, key=key)
    assert sold.status == 201, sold.text
    told = api.post(f"/v1/subscriptions/{sold['id']}/simulate", {"until": "2026-03-20"}, key=key)
    assert told.status == 200, told.text
    lives(api, account.id, "2026-03-21T00:00:00Z", key)
    issued = api.get(f"/v1/invoices?subscription={sold['id']}", key=key)["data"]
    assert [bare(one) for one in reversed(issued)] == [bare(one) for one in told["invoices"]]
    assert all(one["taxes"] for one in issued)


def test_an_assumed_change_is_the_change_that_is_made(api: Api):
    """Dearer from 1 March on, prorated on an invoice now: credit, charge and all that follow come as foretold."""
    account, key = api.open("Roaster", clock_at=JANUARY)
    sold = api.sells(key)
    change = {
        "lines": [{"id": "li_1", "quantity": 3}, {"name": "Filter", "unit_amount": 990}],
        "proration": "invoice_now",
    }
    assume = [{"on": "2026-03-01", "change": change}]
    path = f"/v1/subscriptions/{sold['id']}"
    told = api.post(f"{path}/simulate", {"until": "2026-05-20", "assume": assume}, key=key)
    assert told.status == 200, told.text
    fits(told, "POST", "/v1/subscriptions/{id}/simulate")
    lives(api, account.id, "2026-03-01T00:00:00Z", key)
    assert api.post(f"{path}/change", change, key=key).status == 200
    lives(api, account.id, "2026-05-21T00:00:00Z", key)
    issued = api.get(f"/v1/invoices?subscription={sold['id']}", key=key)["data"]
    assert len(issued) > 5
    assert [bare(one) for one in reversed(issued)] == [bare(one) for one in told["invoices"]]
    wrong = [{"on": "2026-03-01", "change": {"lines": [{"id": "li_1", "product": "prod_1"}]}}]
    told = api.post(f"{path}/simulate", {"until": "2026-06-20", "assume": wrong}, key=key)
    assert (told.status, told["code"]) == (400, "line_stays")
    assert told["param"] == "assume[0].change.lines[0].product"
