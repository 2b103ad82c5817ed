"""What an account sets over HTTP, and who changed it, when, from what to what."""

from typing import Any

from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account
from chalicelib.operations import rezone
from chalicelib.store import keys
from chalicelib.web.accounts import Settings
from tests.web.conftest import Api, Told
from tests.web.test_openapi import fits

EVERY: dict[str, Any] = {
    "name": "Roaster & Co",
    "email": "bills@example.com",
    "zone": "Europe/Paris",
    "billing_hour": 7,
    "reminder_days": None,
    "accept_online": False,
    "accepted_types": ["card", "us_bank_account"],
    "email_invoices": False,
    "invoicing_can_be_off": True,
}


def follows(api: Api) -> None:
    """A worker takes the settings to the subscriptions, twice."""
    for _ in range(2):
        rezone.then_clocks(api.service, api.account.id, [])
        api.wait(minutes=3)


def test_every_setting_is_set_and_its_change_kept(api: Api):
    """What is sent is set, the rest stays; the change names the key that asked, and each field from and to."""
    before = api.get("/v1/account").body
    told = api.post("/v1/account", EVERY)
    fits(told, "POST", "/v1/account")
    assert told.body == before | EVERY
    assert api.post("/v1/account", {"billing_hour": 7}).body == told.body
    listed = api.get("/v1/account/changes")
    fits(listed, "GET", "/v1/account/changes")
    [change] = listed["data"]
    assert change["object"] == "account_change"
    assert change["by"]["name"] == "first"
    assert change["by"]["key"] == api.get("/v1/api_keys")["data"][0]["id"]
    fields = {one["field"]: (one["before"], one["after"]) for one in change["fields_changed"]}
    assert fields == {name: (before[name], value) for name, value in EVERY.items()}
    [fact] = [one for one in api.get("/v1/events")["data"] if one["type"] == "account.changed"]
    assert fact["about"]["account_change"] == change["id"]


FURTHER: dict[str, Any] = {
    "retries": {"days": [2, 4], "debit_days": [5], "hard_declines": ["do_not_honor"], "at_end": "cancel"},
    "fees": [{"name": "Card fee", "types": ["card"], "percent": "1.25"}, {"name": "Handling", "amount": 50}],
    "invoice_prefix": "RE-",
    "credit_note_prefix": "GS-",
    "numbers_by_year": True,
    "letters_off": ["subscribed"],
    "attach_pdf": False,
    "overdue_days": [1, 14],
}


def test_no_setting_changes_without_a_trace(api: Api):
    """Policies and fees too: each is kept as the account shows it, before and after; together these are all settings there are."""
    assert {*EVERY, *FURTHER} == {*Settings.__struct_fields__}
    for name, value in FURTHER.items():
        before = api.get("/v1/account").body
        after = api.post("/v1/account", {name: value}).body
        assert after[name] != before[name]
        assert after == before | {name: after[name]}
        [change] = api.get("/v1/account/changes?limit=1")["data"]
        told = [(one["field"], one["before"], one["after"]) for one in change["fields_changed"]]
        assert told == [(name, before[name], after[name])]
        api.wait(seconds=1)


def test_changes_are_listed_newest_first_by_the_page(api: Api):
    """Of another key too; nothing that stays as it was is a change."""
    _, other = api.open("Neighbor")
    key = api.post("/v1/api_keys", {"name": "console"})["secret"]
    for n, hour in enumerate((7, 8, 8, 9)):
        api.wait(seconds=1)
        api.post("/v1/account", {"billing_hour": hour}, key=key if n else None)
    first = api.get("/v1/account/changes?limit=2")
    assert [one["fields_changed"][0]["after"] for one in first["data"]] == [9, 8]
    assert {one["by"]["name"] for one in first["data"]} == {"console"}
    rest = api.get(f"/v1/account/changes?limit=2&after={first['next']}")
    assert [(one["fields_changed"][0]["before"], one["by"]["name"]) for one in rest["data"]] == [(6, "first")]
    assert api.get("/v1/account/changes", key=other)["data"] == []


def test_fees_are_of_the_accounts_currency(api: Api):
    """A percent or an amount in its currency, for types of methods."""
    fees = [{"name": "Card fee", "types": ["card"], "percent": "1.5"}, {"name": "Handling", "amount": 50}]
    told = api.post("/v1/account", {"fees": fees})
    assert [(fee["name"], fee["percent"], fee["amount"]) for fee in told["fees"]] == [
        ("Card fee", "1.5", None),
        ("Handling", None, {"amount": 50, "currency": "usd"}),
    ]


REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "zone": ({"zone": "Mars/Olympus"}, "unknown_zone", "zone"),
    "hour": ({"billing_hour": 24}, "billing_hour_out_of_range", "billing_hour"),
    "notice": ({"reminder_days": 91}, "reminder_days_out_of_range", "reminder_days"),
    "mail": ({"email": "nobody"}, "email_malformed", "email"),
    "name": ({"name": " "}, "text_missing", "name"),
    "no types": ({"accepted_types": []}, "accepted_types_missing", "accepted_types"),
    "a type twice": ({"accepted_types": ["card", "card"]}, "accepted_types_missing", "accepted_types"),
    "type of another currency": (
        {"accepted_types": ["sepa_debit"]},
        "type_not_of_currency",
        "accepted_types[0]",
    ),
    "fee of nothing": ({"fees": [{"name": "Fee"}]}, "amount_ambiguous", "fees[0]"),
    "fee of all": ({"fees": [{"name": "Fee", "percent": 101}]}, "percent_out_of_range", "fees[0].percent"),
    "preset": ({"retries": "weekly"}, "unknown_preset", "retries"),
    "days": ({"retries": {"days": [3, 2]}}, "invalid_retry_days", "retries.days"),
    "ceiling": ({"retries": {"days": list(range(1, 13))}}, "network_ceiling", "retries.days"),
    "debits": ({"retries": {"debit_days": [1, 2, 3]}}, "network_ceiling", "retries.debit_days"),
    "code": ({"retries": {"hard_declines": ["Do not honor"]}}, "wrong_form", "retries.hard_declines[0]"),
}


def test_what_no_account_can_be_is_refused_by_name(api: Api):
    """Each refusal names the field; nothing of the request is set."""
    before = api.get("/v1/account").body
    for name, (body, code, param) in REFUSED.items():
        told: Told = api.post("/v1/account", {"accept_online": False} | body)
        assert (told.status, told["code"], told["param"]) == (400, code, param), name
    assert api.get("/v1/account").body == before
    assert api.get("/v1/account/changes")["data"] == []


def test_running_subscriptions_follow_the_days_of_reminders(api: Api):
    """A longer notice, and none, are taken to what runs already, as a zone is."""
    sold = api.sells()["id"]
    for days in (30, None):
        api.post("/v1/account", {"reminder_days": days})
        assert api.queue.names
        follows(api)
        assert api.get(f"/v1/subscriptions/{sold}")["reminder_days"] == days
    assert api.service.store.get(Account, api.account.id, api.account.id).wake is None
    assert api.service.store.get(Subscription, api.account.id, sold).reminder_days is None


def test_a_parked_account_stays_parked_when_it_is_set(api: Api):
    """Only a person releases what was taken out of the schedules: another setting does not."""
    key = keys.key(Account, api.account.id, api.account.id)
    api.post("/v1/account", {"zone": "Europe/Paris"})
    for _ in range(5):
        api.service.store.schedules.blame(key, "Trouble: test", api.now)
    api.post("/v1/account", {"zone": "UTC"})
    assert [one["id"] for one in api.get("/v1/parked")["data"]] == [api.account.id]


def test_presets_are_listed(api: Api):
    """Each has a name, its days and where they come from; it can be sent by its name, also for a new account."""
    listed = api.get("/v1/retry_policies")
    fits(listed, "GET", "/v1/retry_policies")
    assert [one["name"] for one in listed["data"]][:2] == ["default", "stripe_8_in_14d"]
    for one in listed["data"]:
        assert api.post("/v1/account", {"retries": one["name"]})["retries"] == one["policy"]
        assert one["about"]
    made = api.post("/v1/accounts", {"name": "B", "email": "b@example.com", "retries": "killbill_8_8_8"})
    assert made["retries"]["days"] == [8, 16, 24]


def test_a_replay_of_nothing_is_empty_and_its_days_are_checked(api: Api):
    """Without failures nothing is told but what is assumed; days out of order, or too far apart, are refused."""
    path, days = "/v1/retry_policies/replay", {"start_on": "2026-01-01", "end_on": "2026-01-31"}
    told = api.post(path, {"retries": {"days": [1, 2]}, **days})
    fits(told, "POST", path)
    assert (told["invoices"], told["next"], told["policy"]["days"]) == ([], None, [1, 2])
    assert told["replayed"]["average_days"] is None
    for wrong in ({"end_on": "2025-12-31"}, {"start_on": "2024-12-31"}):
        refused = api.post(path, {"retries": "default", **days, **wrong})
        assert (refused.status, refused["param"]) == (400, "end_on")


def test_what_cannot_be_recorded_is_refused_by_name(api: Api):
    """Each refusal names its field; another contact's invoice and a paid one are no part of it; and the answer is as documented."""
    sold = api.sells()
    honest = {
        "contact": sold["contact"],
        "amount": {"amount": 500, "currency": "usd"},
        "received_on": "2026-01-31",
        "type": "check",
    }
    for change, status, code, param in (
        ({"amount": {"amount": 0, "currency": "usd"}}, 400, "amount_out_of_range", "amount.amount"),
        ({"amount": {"amount": 5, "currency": "zzz"}}, 400, "unknown_currency", "amount.currency"),
        ({"received_on": "2026-02-01"}, 400, "received_on_out_of_range", "received_on"),
        ({"type": "barter"}, 400, "unknown_value", "type"),
        ({"invoices": ["inv_none"]}, 404, "invoice_not_found", "invoices[0]"),
        ({"contact": "con_none"}, 404, "contact_not_found", "contact"),
    ):
        told = api.post("/v1/payments", honest | change)
        assert (told.status, told["code"], told["param"]) == (status, code, param)
    made = api.post("/v1/payments", honest)
    fits(made, "POST", "/v1/payments")
    assert (made["status"], made["origin"], made["received_on"]) == ("succeeded", "hand", "2026-01-31")
    undone = api.post(f"/v1/payments/{made['id']}/undo")
    fits(undone, "POST", "/v1/payments/{id}/undo")
    assert api.get(f"/v1/contacts/{sold['contact']}")["balances"] == []
