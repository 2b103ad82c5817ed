"""Webhook endpoints and deliveries over HTTP: what is refused, shown once, listed and sent again."""

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.adapters.signatures import sign_webhook, webhook_secret
from chalicelib.billing.errors import NotFound
from chalicelib.billing.events import Event
from chalicelib.billing.wake import Topic
from chalicelib.billing.webhook_deliveries import WebhookDelivery
from chalicelib.billing.webhooks import Listeners, WebhookEndpoint
from chalicelib.crm.accounts import Account
from chalicelib.crm.hooks import Answered
from chalicelib.operations import agenda, publish
from chalicelib.operations.agenda import Message
from chalicelib.settings import Misconfigured
from chalicelib.store import keys
from chalicelib.store.changes import Changeset
from chalicelib.wiring import wired
from sandbox.policies import WITHHELD
from tests.web.conftest import Api, Told

URL = "https://hooks.example.com/perennial"


class Heard:
    """Stands where webhooks are posted: remembers each, and answers by the status it is told."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.posts: list[tuple[str, bytes, dict[str, str]]] = []

    def post(self, url: str, body: bytes, headers: dict[str, str]) -> Answered:
        self.posts.append((url, body, headers))
        return Answered(status=self.statuses.pop(0) if self.statuses else 200, said="thanks", millis=7)


def made(api: Api, *events: str, **more: Any) -> Any:
    """An endpoint, with its secret."""
    told = api.post("/v1/webhook_endpoints", {"url": URL, "events": list(events or "*"), **more})
    assert told.status == 201, told.text
    return told.body


CHANGED, ADJUSTED = "account.changed", "contact.balance_adjusted"


def happens(api: Api, type_: str) -> None:
    """Something of a type, and a second later."""
    if type_ == CHANGED:
        hour = api.get("/v1/account")["billing_hour"]
        told = api.post("/v1/account", {"billing_hour": (hour + 1) % 24})
    else:
        contact = api.post("/v1/contacts", {"name": "Ada", "email": "ada@example.com"})["id"]
        told = api.post(f"/v1/contacts/{contact}/balance", {"amount": {"amount": 1, "currency": "usd"}})
    assert told.status == 200, told.text
    api.wait(seconds=1)


def happened(api: Api, type_: str) -> list[Any]:
    """The events of a type, oldest first."""
    return list(reversed(api.get(f"/v1/events?limit=100&type={type_}")["data"]))


def works(api: Api, hooks: Heard) -> Heard:
    """The workers see to all that waits in the queues, and to what follows from it."""
    api.service = replace(api.service, hooks=hooks)
    topics = (Topic.DELIVERIES, Topic.WEBHOOKS)
    shards = [shard for one in topics for shard in keys.topic_shards(one, api.service.settings.wake_shards)]

    def awake() -> list[str]:
        found = [api.service.store.schedules.awake(shard, api.now, 1000) for shard in shards]
        return [key for part in found for _, key in part if "/delivery/" not in key]

    while names := awake():
        agenda.perform(api.service, [Message(account=api.account.id, names=tuple(names))])
    return hooks


def test_a_secret_is_shown_once(api: Api):
    """The answer that creates an endpoint has its secret; no later one has, not even its repetition."""
    body = {"url": URL, "events": ["payment.succeeded", "invoice.opened", "invoice.opened"]}
    first = api.post("/v1/webhook_endpoints", body, Idempotency_Key="one")
    assert first.status == 201
    again = api.post("/v1/webhook_endpoints", body, Idempotency_Key="one")
    assert again.body == {name: value for name, value in first.body.items() if name != "secret"}
    shown = api.get(f"/v1/webhook_endpoints/{first['id']}").body
    assert shown == again.body
    assert shown["events"] == ["invoice.opened", "payment.succeeded"]
    assert first["secret"].startswith("whsec_")
    assert len(api.get("/v1/webhook_endpoints")["data"]) == 1
    assert first["secret"] not in str(api.written())


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"url": "http://hooks.example.com/", "events": ["*"]}, "url_host_malformed", "url"),
        ({"url": "https://10.0.0.1/"}, "url_host_malformed", "url"),
        ({"url": "https://a@hooks.example.com/"}, "url_malformed", "url"),
        ({"url": "https://printer.local/"}, "url_host_not_public", "url"),
        ({"url": URL, "events": []}, "events_missing", "events"),
        ({"url": URL, "events": ["invoice.opened", "invoice.exploded"]}, "unknown_event_type", "events[1]"),
        ({"events": ["*"]}, "field_missing", "url"),
        ({"url": URL, "description": "a\nb"}, "wrong_form", "description"),
    ],
)
def test_what_is_refused_is_named(api: Api, body: dict[str, Any], code: str, param: str):
    """A URL that is none, or an event there is not, is refused with its place and in words, on making and on changing."""
    if body.get("url", "").startswith("http://"):
        api.service = replace(api.service, settings=replace(api.service.settings, hooks_open=False))
        code = "url_not_https"
    told = api.post("/v1/webhook_endpoints", body)
    assert (told.status, told["code"], told["param"]) == (400, code, param)
    if "url" in body:
        change = api.post(f"/v1/webhook_endpoints/{made(api)['id']}", body)
        assert (change.status, change["code"], change["param"]) == (400, code, param)


def test_sixteen_are_enough(api: Api):
    """An account sends to sixteen endpoints at most; a disabled one makes room, and finds none where it is taken."""
    first = made(api, "refund.failed")["id"]
    for _ in range(15):
        made(api, "refund.failed")
    full = api.post("/v1/webhook_endpoints", {"url": URL})
    assert (full.status, full["code"]) == (409, "too_many_webhook_endpoints")
    api.post(f"/v1/webhook_endpoints/{first}/disable")
    made(api)
    assert api.post(f"/v1/webhook_endpoints/{first}/enable").status == 409


def test_the_account_knows_who_listens(api: Api):
    """What is enabled, changed, disabled and deleted shows in one record and in the account, in the same commit."""

    def listening() -> tuple[tuple[str, ...], list[str]]:
        account = api.service.store.get(Account, api.account.id, api.account.id)
        found = api.service.store.get(Listeners, api.account.id, api.account.id)
        return account.listeners, [one.endpoint for one in found.endpoints]

    one, two = made(api, "invoice.opened")["id"], made(api, "payment.succeeded")["id"]
    assert listening() == (("invoice.opened", "payment.succeeded"), [one, two])
    api.post(f"/v1/webhook_endpoints/{one}", {"events": ["refund.failed"]})
    assert listening() == (("payment.succeeded", "refund.failed"), [one, two])
    shown = api.post(f"/v1/webhook_endpoints/{two}/disable").body
    assert (shown["status"], shown["reason"]) == ("disabled", "by_hand")
    assert listening() == (("refund.failed",), [one])
    api.post(f"/v1/webhook_endpoints/{two}/enable")
    assert api.post(f"/v1/webhook_endpoints/{one}/delete").status == 200
    assert listening() == (("payment.succeeded",), [two])
    assert api.get(f"/v1/webhook_endpoints/{one}").status == 404
    assert api.post(f"/v1/webhook_endpoints/{one}/enable").status == 404
    assert [row["id"] for row in api.get("/v1/webhook_endpoints")["data"]] == [two]


def test_nobody_listens_and_nothing_is_written(api: Api):
    """Without an endpoint that wants its type an event is asleep from the begin, and no delivery is made."""
    made(api, "refund.failed")
    happens(api, ADJUSTED)
    [adjusted] = happened(api, ADJUSTED)
    event = api.service.store.get(Event, api.account.id, adjusted["id"])
    assert event.wake is None
    made(api, CHANGED)
    happens(api, CHANGED)
    works(api, heard := Heard())
    assert len(heard.posts) == 1
    assert api.service.store.get(Event, api.account.id, adjusted["id"]).version == 1


def test_a_test_tells_what_was_answered(api: Api):
    """The test's event goes to its endpoint alone, signed; its delivery shows status, text and time of the answer."""
    mine, other = made(api), made(api)
    told = api.post(f"/v1/webhook_endpoints/{mine['id']}/test")
    assert (told["status"], told["type"], told["attempts"]) == ("pending", "webhook_endpoint.tested", 0)
    heard = works(api, Heard(500, 200))
    [(url, body, headers)] = heard.posts
    assert url == URL
    seconds = int(headers["webhook-timestamp"])
    assert seconds == int(api.now.timestamp())
    assert headers["webhook-signature"] == sign_webhook([mine["secret"]], told["event"], seconds, body)
    waits = api.get(f"/v1/webhook_deliveries/{told['id']}").body
    assert (waits["status"], waits["attempts"]) == ("pending", 1)
    assert waits["answers"] == [
        {"at": "2026-01-31T12:00:00Z", "http_status": 500, "millis": 7, "said": "thanks"}
    ]
    assert api.get(f"/v1/webhook_endpoints/{other['id']}/deliveries")["data"] == []

    again = api.post(f"/v1/webhook_deliveries/{told['id']}/resend")
    assert again["send_at"] == "2026-01-31T12:00:00Z"
    works(api, heard)
    done = api.get(f"/v1/webhook_deliveries/{told['id']}").body
    assert (done["status"], [one["http_status"] for one in done["answers"]]) == ("succeeded", [500, 200])
    assert len({headers["webhook-id"] for _, _, headers in heard.posts}) == 1


def test_a_repeated_request_tests_once(api: Api):
    """Under one Idempotency-Key a test, a resend and a rotation are done once, a crash before the answer included."""
    mine = made(api)
    path = f"/v1/webhook_endpoints/{mine['id']}/test"
    tests = [api.post(path, Idempotency_Key="t")["id"] for _ in range(2)]
    assert len(set(tests)) == 1
    rotate = f"/v1/webhook_endpoints/{mine['id']}/rotate_secret"
    rotated = [api.post(rotate, Idempotency_Key="r") for _ in range(2)]
    assert "secret" in rotated[0].body
    assert "secret" not in rotated[1].body
    settings, account = api.service.settings, api.account.id
    assert rotated[0]["secret"] == webhook_secret(settings.link_secret, account, mine["id"], 1)
    found = api.service.store.get(WebhookEndpoint, account, mine["id"])
    assert (found.pings, found.generation) == (1, 1)


def test_deliveries_are_listed_by_endpoint_status_and_event(api: Api):
    """Newest event first, by the page; a status leaves out the others without losing any."""
    mine, other = made(api, ADJUSTED, CHANGED), made(api, CHANGED)
    heard = Heard(*[500, 200, 200] * 50)
    for _ in range(4):
        for type_ in (ADJUSTED, CHANGED):
            happens(api, type_)
            works(api, heard)
    path = f"/v1/webhook_endpoints/{mine['id']}/deliveries"
    whole = api.get(f"{path}?limit=100")["data"]
    assert len(whole) == 8
    assert [row["created_at"] for row in whole] == sorted((row["created_at"] for row in whole), reverse=True)
    for status in ("succeeded", "pending", "failed"):
        rows, after = [], ""
        while True:
            page = api.get(f"{path}?status={status}&limit=2{after}").body
            rows += page["data"]
            if not page["has_more"]:
                break
            after = f"&after={page['next']}"
        assert [row["id"] for row in rows] == [row["id"] for row in whole if row["status"] == status]
    changed = next(row["event"] for row in whole if row["type"] == CHANGED)
    found = api.get(f"/v1/events/{changed}/deliveries")["data"]
    assert {row["endpoint"] for row in found} == {mine["id"], other["id"]}


def test_an_event_is_sent_again_to_all_that_want_it(api: Api):
    """An event from before an endpoint was there reaches it when it is asked for, once per request."""
    happens(api, ADJUSTED)
    [adjusted] = happened(api, ADJUSTED)
    for types in ((ADJUSTED,), ("*",), ("refund.failed",)):
        made(api, *types)
    path = f"/v1/events/{adjusted['id']}/resend"
    told: list[Told] = [api.post(path, Idempotency_Key="e") for _ in range(2)]
    assert [len(one["data"]) for one in told] == [2, 2]
    heard = works(api, Heard())
    assert [headers["webhook-id"] for _, _, headers in heard.posts] == [adjusted["id"]] * 2
    assert api.post("/v1/events/evt_none/resend").status == 404


def test_all_since_a_moment_is_sent_again_in_order(api: Api):
    """What an endpoint was never sent since a moment comes oldest first; what it has accepted does not come again."""
    mine = made(api, CHANGED)
    for n in range(60):
        happens(api, CHANGED if n % 2 else ADJUSTED)
    heard = works(api, Heard())
    taken = len(heard.posts)
    assert taken == 30
    api.post(f"/v1/webhook_endpoints/{mine['id']}", {"events": [CHANGED, ADJUSTED]})
    told = api.post(f"/v1/webhook_endpoints/{mine['id']}/resend", {"since": "2026-01-31T12:00:10Z"})
    assert told["resending_since"] == "2026-01-31T12:00:10Z"
    works(api, heard)
    missed = [row["id"] for row in happened(api, ADJUSTED) if row["created_at"] >= "2026-01-31T12:00:10Z"]
    assert [headers["webhook-id"] for _, _, headers in heard.posts[taken:]] == missed
    assert len(missed) == 25
    assert api.get(f"/v1/webhook_endpoints/{mine['id']}")["resending_since"] is None


def test_after_a_last_attempt_that_nobody_answers_the_others_wait(api: Api):
    """Where what is given up was to find an endpoint back, what was behind it is put off as behind any other attempt."""
    mine = made(api, CHANGED)
    for _ in range(2):
        happens(api, CHANGED)
    publish.fan_out(
        api.service, api.account.id, [f"{api.account.id}/event/{one['id']}" for one in happened(api, CHANGED)]
    )
    rows = api.get(f"/v1/webhook_endpoints/{mine['id']}/deliveries")["data"]
    for row in rows:
        found = api.service.store.get(WebhookDelivery, api.account.id, row["id"])
        changes = Changeset(api.account.id)
        changes.put(replace(found, attempts=9, again=True))
        api.service.store.commit(changes)
    heard = works(api, Heard(503, 503))
    assert len(heard.posts) == 1
    api.wait(minutes=1)
    assert len(works(api, heard).posts) == 2


class Moving(Heard):
    """While it is asked, the endpoint is moved elsewhere; what it answers then is 410."""

    def __init__(self, api: Api, path: str) -> None:
        super().__init__()
        self.api, self.path = api, path

    def post(self, url: str, body: bytes, headers: dict[str, str]) -> Answered:
        answer = super().post(url, body, headers)
        if url != URL:
            return answer
        assert self.api.post(self.path, {"url": f"{URL}/2"}).status == 200
        return replace(answer, status=410)


def test_what_the_former_address_answers_is_not_the_new_ones_matter(api: Api):
    """An endpoint that is moved while its former address is asked is not given up for what is said there; the event goes to the new one."""
    mine = made(api)
    path = f"/v1/webhook_endpoints/{mine['id']}"
    api.post(f"{path}/test")
    heard = works(api, Moving(api, path))
    now = api.get(path).body
    assert (now["status"], now["url"], now["failing_at"]) == ("enabled", f"{URL}/2", None)
    api.wait(minutes=1)
    works(api, heard)
    assert [url for url, _, _ in heard.posts] == [URL, f"{URL}/2"]


class Choking(Heard):
    """Takes everything but events of one type, with one status."""

    def __init__(self, type_: str, status: int) -> None:
        super().__init__()
        self.type, self.status = type_, status

    def post(self, url: str, body: bytes, headers: dict[str, str]) -> Answered:
        answer = super().post(url, body, headers)
        return replace(answer, status=self.status) if f'"type":"{self.type}"'.encode() in body else answer


@pytest.mark.parametrize("status", [500, 504])
def test_what_is_refused_for_itself_has_ten_attempts_in_all(api: Api, status: int):
    """While other events are taken, one that never is has its attempts in three days, and is not begun anew with each of them."""
    mine = made(api, CHANGED, ADJUSTED)
    heard = Choking(CHANGED, status)
    happens(api, CHANGED)
    for _ in range(22):
        works(api, heard)
        happens(api, ADJUSTED)
        works(api, heard)
        api.wait(hours=6)
    path = f"/v1/webhook_endpoints/{mine['id']}/deliveries?limit=100"
    [refused] = [row for row in api.get(path)["data"] if row["type"] == CHANGED]
    sent = [headers["webhook-id"] for _, _, headers in heard.posts]
    assert (refused["status"], sent.count(refused["event"])) == ("failed", 10)
    assert len(sent) == 32


@pytest.mark.parametrize("since", ["2025-12-31T11:59:59Z", "2026-01-31T12:00:01Z"])
def test_nothing_is_sent_again_from_before_what_is_kept(api: Api, since: str):
    """A moment in the future, or from before what is kept, is refused."""
    told = api.post(f"/v1/webhook_endpoints/{made(api)['id']}/resend", {"since": since})
    assert (told.status, told["code"], told["param"]) == (400, "since_out_of_range", "since")


def test_a_disabled_endpoint_is_sent_nothing(api: Api):
    """What waits as an endpoint is disabled is given up with the reason; tests and resends are refused until it is enabled."""
    mine = made(api)
    named = api.post(f"/v1/webhook_endpoints/{mine['id']}/test")["id"]
    api.post(f"/v1/webhook_endpoints/{mine['id']}/disable")
    heard = works(api, Heard())
    assert heard.posts == []
    row = api.get(f"/v1/webhook_deliveries/{named}").body
    assert (row["status"], row["reason"], row["attempts"]) == ("failed", "The endpoint is disabled.", 0)
    for act, body in (("test", {}), ("resend", {"since": "2026-01-31T00:00:00Z"})):
        told = api.post(f"/v1/webhook_endpoints/{mine['id']}/{act}", body)
        assert (told.status, told["code"]) == (409, "webhook_endpoint_disabled")
    assert api.post(f"/v1/webhook_deliveries/{named}/resend").status == 409
    api.post(f"/v1/webhook_endpoints/{mine['id']}/enable")
    api.post(f"/v1/webhook_deliveries/{named}/resend")
    works(api, heard)
    assert api.get(f"/v1/webhook_deliveries/{named}")["status"] == "succeeded"


def test_a_deleted_endpoint_answers_to_no_act(api: Api):
    """Of a deleted one nothing is left to change, test or send to."""
    mine = made(api)
    named = api.post(f"/v1/webhook_endpoints/{mine['id']}/test")["id"]
    api.post(f"/v1/webhook_endpoints/{mine['id']}/delete")
    works(api, heard := Heard())
    assert heard.posts == []
    for act in ("", "/test", "/enable", "/disable", "/rotate_secret", "/delete"):
        assert api.post(f"/v1/webhook_endpoints/{mine['id']}{act}", {}).status == 404
    assert api.post(f"/v1/webhook_deliveries/{named}/resend").status == 404
    with pytest.raises(NotFound):
        api.service.store.get(WebhookDelivery, api.account.id, "whd_none")


def test_an_event_that_cannot_be_told_is_given_up(api: Api):
    """Where the event is no longer kept, its delivery says so in place of being tried for ever."""
    mine = made(api)
    named = api.post(f"/v1/webhook_endpoints/{mine['id']}/test")["id"]
    row = api.service.store.get(WebhookDelivery, api.account.id, named)
    api._dynamodb.delete_item(
        TableName="perennial", Key={"key": {"S": keys.key(Event, api.account.id, row.event)}}
    )
    works(api, heard := Heard())
    assert heard.posts == []
    assert api.get(f"/v1/webhook_deliveries/{named}")["reason"] == "Events are kept for 30 days."


@pytest.mark.parametrize("key", ["sk_live_x", "rk_live_x", WITHHELD])
def test_an_open_guard_is_no_companion_of_real_money(api: Api, key: str):
    """A live key refuses the setting that lets webhooks go to this machine, and so does one that a function is not shown."""
    live = replace(api.service.settings, stripe_key=key, hooks_open=True)
    with pytest.raises(Misconfigured, match="PERENNIAL_HOOKS_OPEN"):
        wired(live)
    assert wired(replace(live, hooks_open=False)).settings.hooks_open is False
