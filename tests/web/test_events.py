"""Events over HTTP: which, in which order, how long, and what each tells of what it is about."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from chalicelib.billing.events import EventType
from chalicelib.operations import advance
from chalicelib.operations.event_payloads import VERSION, subject_type
from chalicelib.views.shown import SHAPES
from chalicelib.web.event_docs import SAYS
from chalicelib.web.openapi import document
from tests.web.conftest import JANUARY, NOW, Api

DOCUMENT = document("")
LISTED = {
    "subscription": "/v1/subscriptions",
    "invoice": "/v1/invoices",
    "payment": "/v1/payments",
    "contact": "/v1/contacts",
}


def walked(api: Api, asked: str, limit: int = 100, key: str | None = None) -> list[dict[str, Any]]:
    """Every event that a question gives, page by page."""
    found: list[dict[str, Any]] = []
    after = ""
    for _ in range(100):
        page = api.get(f"/v1/events?limit={limit}{asked}{after}", key=key)
        assert page.status == 200, page.text
        assert len(page["data"]) <= limit
        found += page["data"]
        if not page["has_more"]:
            return found
        after = f"&after={page['next']}"
    raise AssertionError("The list never ends.")


@pytest.fixture
def lived(api: Api) -> tuple[str, Any]:
    """Ada's monthly coffee over ten weeks of an account's clock, and a card of hers that declined."""
    account, key = api.open("Roaster", clock_at=JANUARY)
    sold = api.sells(key)
    api.sells(key, card="pm_card_chargeCustomerFail")
    assert api.post("/v1/test_clock/advance", {"to": "2026-03-25T00:00:00Z"}, key=key).status == 202
    advance.clocks(api.service, account.id, [])
    return key, sold


def test_every_type_is_described():
    """The document has every type under `webhooks`, in words, with the version of its form and a subject that has a shape."""
    assert set(DOCUMENT["webhooks"]) == {type_.value for type_ in EventType}
    assert set(SAYS) == set(EventType)
    for type_ in EventType:
        assert subject_type(type_) in SHAPES
        posted = DOCUMENT["webhooks"][type_.value]["post"]["requestBody"]["content"]["application/json"]
        Draft202012Validator.check_schema(posted["schema"])
        assert posted["schema"]["allOf"][1]["properties"]["version"] == {"const": VERSION}


def test_every_payload_is_as_described(api: Api, lived: Any):
    """What really happened in a story is valid by the schema of its type, and by no other's."""
    key, sold = lived
    api.post(f"/v1/subscriptions/{sold['id']}/cancel", key=key)
    api.post("/v1/account", {"billing_hour": 7}, key=key)
    api.post(f"/v1/contacts/{sold['contact']}/balance", {"amount": {"amount": 5, "currency": "usd"}}, key=key)
    found = walked(api, "", key=key)
    assert len({event["type"] for event in found}) >= 6
    for event in found:
        validator(event["type"]).validate(event)
        assert not validator("refund.failed").is_valid(event)
        assert api.get(f"/v1/events/{event['id']}", key=key).body == event


def validator(type_: str) -> Draft202012Validator:
    posted = DOCUMENT["webhooks"][type_]["post"]["requestBody"]["content"]["application/json"]
    return Draft202012Validator(posted["schema"] | {"components": DOCUMENT["components"]})


def test_an_event_shows_its_subject_as_lists_do(api: Api, lived: Any):
    """`data.object` is what the list of its kind shows, however long ago the event was."""
    key, _ = lived
    for event in walked(api, "", key=key):
        kind = event["type"].partition(".")[0]
        if event["type"] != "invoice.upcoming" and kind in LISTED:
            listed = api.get(f"{LISTED[kind]}?limit=100", key=key)["data"]
            assert event["data"]["object"] in listed
            assert event["data"]["object"]["id"] == event["subject"]


def test_a_deleted_subject_is_null(api: Api):
    """Of a subscription that was deleted an event says what happened, and shows nothing of it."""
    sold = api.sells(start_on="2026-02-20")
    assert api.post(f"/v1/subscriptions/{sold['id']}/delete").status == 200
    found = walked(api, f"&subject={sold['id']}")
    assert [event["type"] for event in found] == ["subscription.deleted", "subscription.created"]
    assert [event["data"] for event in found] == [{"object": None}] * 2


def test_events_come_newest_first_by_any_page(api: Api, lived: Any):
    """The list is the same by any size of page, each event once, newest first, and ends thirty days back."""
    key, _ = lived
    whole = walked(api, "", key=key)
    assert [event["id"] for event in walked(api, "", 1, key)] == [event["id"] for event in whole]
    moments = [event["created_at"] for event in whole]
    assert moments == sorted(moments, reverse=True)
    assert moments[-1] >= "2026-02-23T00:00:00"
    assert api.get("/v1/ledger/entries?from=2026-01-01&to=2026-01-31", key=key)["data"]


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_events_by_type_subject_and_time(api: Api, lived: Any, order: str):
    """A type, several, a group, a subject, and a range give what the whole list has of them, in either order."""
    key, sold = lived
    whole = walked(api, f"&order={order}", key=key)
    middle = whole[len(whole) // 2]["created_at"]
    questions = {
        "type=payment.declined": lambda one: one["type"] == "payment.declined",
        "type=invoice.*": lambda one: one["type"].startswith("invoice."),
        "type=payment.succeeded,subscription.*": lambda one: (
            one["type"] == "payment.succeeded" or one["type"].startswith("subscription.")
        ),
        f"subject={sold['id']}": lambda one: one["subject"] == sold["id"],
        f"from={middle}": lambda one: one["created_at"] >= middle,
        f"to={middle}": lambda one: one["created_at"] < middle,
        f"from={middle}&type=payment.*": lambda one: (
            one["created_at"] >= middle and one["type"].startswith("payment.")
        ),
    }
    for asked, wanted in questions.items():
        expected = [one["id"] for one in whole if wanted(one)]
        for limit in (1, 100):
            found = walked(api, f"&order={order}&{asked}", limit, key)
            assert [one["id"] for one in found] == expected, asked
    assert any(expected for expected in questions)


def test_what_was_asked_for_is_found_by_its_subject(api: Api):
    """An event named by a request and not by its subject is found by its subject all the same."""
    sold = api.sells()
    assert api.post(f"/v1/subscriptions/{sold['id']}/payment_method_link", {"send": True}).status == 200
    found = walked(api, f"&subject={sold['id']}&type=subscription.payment_method_asked")
    assert [event["subject"] for event in found] == [sold["id"]]


@pytest.mark.parametrize(
    ("asked", "param", "code"),
    [
        ("type=invoice.open", "type", "unknown_value"),
        ("type=invoice*", "type", "unknown_value"),
        ("type=payment.succeeded,", "type", "unknown_value"),
        ("type=*", "type", "unknown_value"),
        ("order=up", "order", "unknown_value"),
        ("from=2026-01-02T00:00:00Z&to=2026-01-02T00:00:00Z", "from", "range_empty"),
        ("from=2026-01-02", "from", "wrong_form"),
        ("after=bm9uZQ", "after", "not_a_cursor"),
        ("after=bm9uZQ&order=asc", "after", "not_a_cursor"),
    ],
)
def test_what_is_refused_is_named(api: Api, asked: str, param: str, code: str):
    """A type that there is not, an empty range, and what is no cursor are refused by name."""
    told = api.get(f"/v1/events?{asked}")
    assert (told.status, told["code"], told["param"]) == (400, code, param)


def test_the_first_and_last_moments_of_the_calendar_are_moments(api: Api):
    """A range from the first day there is to the last, whatever the offset, is a range."""
    api.sells()
    for asked in ("from=0001-01-01T00:00:00%2B14:00&to=9999-12-31T23:59:59-14:00", "to=0001-01-01T00:00:00Z"):
        assert api.get(f"/v1/events?{asked}").status == 200
        assert api.get(f"/v1/events?{asked}&order=asc").status == 200


def test_new_events_do_not_move_older_pages(api: Api):
    """A cursor goes on where its page ended, whatever happened meanwhile."""
    one = api.sells()
    whole = [event["id"] for event in walked(api, "")]
    page = api.get("/v1/events?limit=1")
    api.wait(seconds=1)
    api.post(f"/v1/subscriptions/{one['id']}/cancel")
    rest = walked(api, f"&after={page['next']}")
    assert [event["id"] for event in (*page["data"], *rest)] == whole


def test_who_follows_gets_every_event_once(api: Api):
    """Asked again and again with the cursor of the answer before, every event comes, each once, oldest first."""
    begins, seen, after = api.now, [], ""
    for round_ in range(6):
        sold = api.sells()
        api.wait(minutes=(0, 1, 5, 60, 60 * 30, 10)[round_])
        api.post(f"/v1/subscriptions/{sold['id']}/cancel")
        after = followed(api, after, seen)
    api.wait(minutes=3, seconds=1)
    after = followed(api, after, seen)
    api.wait(hours=3)
    assert followed(api, after, seen)
    whole = walked(api, f"&from={begins:%Y-%m-%dT%H:%M:%S}Z")
    assert seen == [event["id"] for event in reversed(whole)]


def followed(api: Api, after: str, seen: list[str]) -> str:
    """Ask until there is no more for now; the cursor to go on with."""
    while True:
        page = api.get(f"/v1/events?order=asc&limit=3{after}")
        seen += [event["id"] for event in page["data"]]
        assert page["next"]
        after = f"&after={page['next']}"
        if not page["has_more"]:
            return after


def test_a_fact_that_is_written_late_is_not_missed(api: Api):
    """What was dated before the last answer and written after it still comes: nothing is shown before three minutes are over."""
    api.sells()
    api.wait(minutes=2)
    seen: list[str] = []
    after = followed(api, "", seen)
    assert seen == []
    decided, api.now = api.now, NOW + timedelta(seconds=90)
    api.sells()  # as by a worker that has been at it for half a minute
    api.now = decided + timedelta(minutes=4)
    after = followed(api, after, seen)
    assert len(seen) == len(walked(api, ""))


def test_a_follower_of_a_clock_gets_what_is_before_it(api: Api):
    """Where an account has a clock of its own, what happened at its moment comes once it has moved on."""
    account, key = api.open("Roaster", clock_at=JANUARY)
    api.sells(key)
    assert walked(api, "&order=asc", key=key) == []
    api.post("/v1/test_clock/advance", {"to": "2026-01-15T00:00:01Z"}, key=key)
    advance.clocks(api.service, account.id, [])
    followed_, whole = walked(api, "&order=asc", key=key), walked(api, "", key=key)
    assert followed_
    assert followed_ == [event for event in reversed(whole) if event["created_at"] < "2026-01-15T00:00:01"]


def test_a_follower_who_was_away_too_long_is_told(api: Api):
    """A cursor whose next events may be gone is refused, saying what to do; one that was at the end for as long is too."""
    api.sells()
    api.wait(days=1)
    after = api.get("/v1/events?order=asc")["next"]
    api.wait(days=29)
    assert api.get(f"/v1/events?order=asc&after={after}").status == 200
    api.wait(days=2)
    told = api.get(f"/v1/events?order=asc&after={after}")
    assert (told.status, told["code"], told["param"]) == (400, "cursor_expired", "after")


def test_what_posts_nothing_is_kept_for_thirty_days(api: Api):
    """The table forgets a fact of which the books know nothing after thirty days of real time, and is not asked again once
    that is over though it has not got to it; one that posted stays, is found by its id, and is listed for as long."""
    five = {"amount": {"amount": 5, "currency": "usd"}}
    assert api.post(f"/v1/contacts/{api.sells()['contact']}/balance", five).status == 200
    assert api.post("/v1/account", {"name": "Roasters"}).status == 200
    [changed], [posted] = walked(api, "&type=account.changed"), walked(api, "&type=contact.*")
    assert expiry(api, changed["id"]) == NOW + timedelta(days=30)
    assert expiry(api, posted["id"]) is None
    api.wait(days=30, seconds=-1)
    assert {changed["id"], posted["id"]} <= {event["id"] for event in walked(api, "")}
    api.wait(seconds=2)
    assert {changed["id"], posted["id"]}.isdisjoint(event["id"] for event in walked(api, ""))
    assert api.get(f"/v1/events/{changed['id']}").status == 404
    assert api.get(f"/v1/events/{posted['id']}").status == 200


def expiry(api: Api, id_: str) -> datetime | None:
    """When the table forgets a record."""
    [item] = [one for one in api.written() if one["key"]["S"].endswith(f"/event/{id_}")]
    return datetime.fromtimestamp(int(item["ttl"]["N"]), NOW.tzinfo) if "ttl" in item else None
