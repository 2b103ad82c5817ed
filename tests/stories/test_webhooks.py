"""What developers hear: signed events, each accepted once, all of them in the end, and no slow one in anybody's way."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import standardwebhooks

from chalicelib.billing.webhook_deliveries import WebhookDelivery
from chalicelib.crm.hooks import Answered, Hooks
from chalicelib.operations import post
from chalicelib.service import Service
from chalicelib.store import keys
from sandbox import mailbox
from sandbox.demo.timeline import inbox
from sandbox.endpoint import Came, Endpoint
from sandbox.world import QUEUES, Killed
from tests.stories.diary import Diary


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """A developer's server."""
    with Endpoint() as made:
        yield made


def listens(diary: Diary, endpoint: Endpoint, *events: str) -> dict[str, Any]:
    """The developer registers it; the answer has the secret."""
    made: dict[str, Any] = diary.post("/v1/webhook_endpoints", url=endpoint.url, events=list(events or "*"))
    return made


def deliveries(diary: Diary, made: dict[str, Any], status: str = "") -> list[dict[str, Any]]:
    """What became of each event at an endpoint, newest first."""
    joint = f"?status={status}" if status else "?"
    return diary.every(f"/v1/webhook_endpoints/{made['id']}/deliveries{joint}")


def in_order(events: list[dict[str, Any]]) -> list[str]:
    """The ids of events by their moment, then by name: the order in which they are sent again."""
    return [one["id"] for one in sorted(events, key=lambda one: (one["created_at"], one["id"]))]


def signed(came: Came, secret: str) -> str:
    """The signature that the library of Standard Webhooks makes of what came."""
    library = standardwebhooks.Webhook(secret)
    at = datetime.fromtimestamp(int(came.headers["webhook-timestamp"]), UTC)
    return library.sign(came.headers["webhook-id"], at, came.body.decode())


def test_each_event_is_accepted_once(diary: Diary, endpoint: Endpoint):
    """With every message twice, an endpoint that wants all hears each event once, signed under the event's id."""
    made = listens(diary, endpoint)
    diary.subscribes("ada", "coffee-1kg")
    diary.it_is("2026-01-19")

    told = diary.every("/v1/events")
    assert in_order(endpoint.accepted) == in_order(told)
    assert len(endpoint.came) == len(told) >= 4
    for came in endpoint.came:
        assert came.headers["webhook-id"] == came.event["id"]
        assert came.headers["webhook-signature"] == signed(came, made["secret"])
    assert {one["status"] for one in deliveries(diary, made)} == {"succeeded"}
    paid = next(one for one in endpoint.accepted if one["type"] == "payment.succeeded")
    assert paid["data"]["object"]["amount"] == {"amount": 2500, "currency": "usd"}
    diary.sound()


def test_it_hears_what_it_asked_for(diary: Diary, endpoint: Endpoint):
    """An endpoint hears only the types it named; where nobody wants a type, its event is told to nobody."""
    listens(diary, endpoint, "payment.succeeded")
    diary.subscribes("ada", "coffee-1kg")
    diary.it_is("2026-01-02")

    assert [one["type"] for one in endpoint.accepted] == ["payment.succeeded"]
    assert diary.get("/v1/account")["name"] == "Roaster"


def test_down_for_two_days_it_hears_everything_in_the_end(diary: Diary, endpoint: Endpoint):
    """What failed for two days is accepted when it is back: first what found it back, then all that waited, oldest first."""
    made = listens(diary, endpoint)
    endpoint.status = 503
    for day, who in enumerate(("ada", "bo"), start=1):
        diary.subscribes(who, "coffee-250g")
        diary.it_is(f"2026-01-0{day}", hour=12 + day)
    diary.it_is("2026-01-03", hour=7)
    waiting = diary.every("/v1/events")
    assert endpoint.accepted == []
    assert diary.get(f"/v1/webhook_endpoints/{made['id']}")["failing_at"] is not None

    endpoint.status = 200
    diary.it_is("2026-01-04")

    taken = [one["id"] for one in endpoint.accepted]
    assert sorted(taken) == sorted(in_order(diary.every("/v1/events")))
    rest = [id_ for id_ in in_order(waiting) if id_ != taken[0]]
    assert taken[1 : len(waiting)] == rest
    assert diary.get(f"/v1/webhook_endpoints/{made['id']}")["failing_at"] is None
    assert deliveries(diary, made, "pending") == deliveries(diary, made, "failed") == []
    diary.sound()


def test_one_event_that_is_not_taken_holds_up_no_other(diary: Diary, endpoint: Endpoint):
    """An endpoint that chokes on one event goes on hearing the others; that one is given up after ten attempts, and told."""
    made = listens(diary, endpoint, "invoice.opened", "payment.succeeded")
    endpoint.status = lambda event: 500 if event["type"] == "invoice.opened" else 200
    endpoint.said = "no\x00 such\r\n table " + "x" * 600
    diary.subscribes("ada", "coffee-1kg")
    diary.it_is("2026-01-06")

    assert [one["type"] for one in endpoint.accepted] == ["payment.succeeded"]
    [failed] = deliveries(diary, made, "failed")
    assert (failed["type"], failed["attempts"], failed["send_at"]) == ("invoice.opened", 10, None)
    assert len(failed["answers"]) == 5
    said = failed["answers"][-1]
    assert (said["http_status"], len(said["said"])) == (500, 500)
    assert said["said"].startswith("no such table x")
    assert diary.get(f"/v1/webhook_endpoints/{made['id']}")["status"] == "enabled"

    endpoint.status = 200
    diary.post(f"/v1/events/{failed['event']}/resend")
    diary.world.settle()
    assert deliveries(diary, made, "failed") == []


def test_a_secret_is_rotated_with_overlap(diary: Diary, endpoint: Endpoint):
    """For a day both secrets sign, the new one first; then the new one alone."""
    made = listens(diary, endpoint)
    rotated = diary.post(f"/v1/webhook_endpoints/{made['id']}/rotate_secret")
    assert rotated["secret"] != made["secret"]
    diary.post(f"/v1/webhook_endpoints/{made['id']}/test")
    diary.world.settle()
    [came] = endpoint.came
    assert came.event["type"] == "webhook_endpoint.tested"
    both = [signed(came, rotated["secret"]), signed(came, made["secret"])]
    assert came.headers["webhook-signature"].split(" ") == both

    diary.it_is("2026-01-02")
    diary.post(f"/v1/webhook_endpoints/{made['id']}/test")
    diary.world.settle()
    assert endpoint.came[-1].headers["webhook-signature"] == signed(endpoint.came[-1], rotated["secret"])


def test_gone_is_gone_until_it_is_enabled_and_asked_for(diary: Diary, endpoint: Endpoint):
    """An answer 410 disables at once, with an event; enabled again, it is sent what it missed when that is asked for."""
    made = listens(diary, endpoint)
    endpoint.status = 410
    diary.subscribes("ada", "coffee-250g")
    diary.it_is("2026-01-02")
    shown = diary.get(f"/v1/webhook_endpoints/{made['id']}")
    assert (shown["status"], shown["reason"]) == ("disabled", "gone")
    asked = len(endpoint.came)
    diary.subscribes("bo", "coffee-250g")
    diary.it_is("2026-01-03")
    assert len(endpoint.came) == asked
    told = diary.every("/v1/events")
    assert [one["subject"] for one in told if one["type"] == "webhook_endpoint.disabled"] == [made["id"]]

    endpoint.status = 200
    diary.post(f"/v1/webhook_endpoints/{made['id']}/enable")
    diary.post(f"/v1/webhook_endpoints/{made['id']}/resend", since="2026-01-01T00:00:00Z")
    diary.world.settle()
    assert [one["id"] for one in endpoint.accepted] == in_order(told)
    assert diary.get(f"/v1/webhook_endpoints/{made['id']}")["resending_since"] is None


def test_failing_for_five_days_disables(diary: Diary, endpoint: Endpoint):
    """Nothing accepted for five days, in more than ten attempts, disables an endpoint, and says so once."""
    made = listens(diary, endpoint, "payment.succeeded", "invoice.opened")
    endpoint.status = 302
    diary.subscribes("ada", "coffee-1kg")
    diary.it_is("2026-01-05")
    assert diary.get(f"/v1/webhook_endpoints/{made['id']}")["status"] == "enabled"
    diary.subscribes("bo", "coffee-1kg")
    diary.it_is("2026-01-08")
    shown = diary.get(f"/v1/webhook_endpoints/{made['id']}")
    assert (shown["status"], shown["reason"]) == ("disabled", "failing")
    told = [one["type"] for one in diary.every("/v1/events")]
    assert told.count("webhook_endpoint.disabled") == 1
    assert deliveries(diary, made, "pending") == []


@pytest.mark.parametrize(("status", "last_day"), [(302, "2026-01-08"), (410, "2026-01-02")])
def test_who_runs_an_endpoint_is_told_which_was_switched_off(
    diary: Diary, endpoint: Endpoint, status: int, last_day: str
):
    """The letter names its address, and the local day on which it first took nothing; once, by refusals and by a 410."""
    diary.post("/v1/users", name="Uwe", email="uwe@roaster.example", letters=["staff_endpoint_disabled"])
    listens(diary, endpoint, "payment.succeeded", "invoice.opened")
    endpoint.status = status
    diary.subscribes("ada", "coffee-1kg")
    diary.it_is(min("2026-01-05", last_day))
    diary.subscribes("bo", "coffee-1kg")
    diary.it_is(last_day, hour=13)

    address = diary.world.env["AWS_ENDPOINT_URL"], diary.world.env["AWS_ACCESS_KEY_ID"]
    [told] = [one for one in mailbox.messages(*address) if one["To"] == ["uwe@roaster.example"]]
    text = mailbox.read(told).get_body(("plain",)).get_content()
    assert f"{endpoint.url} has not accepted any message since January 1, 2026." in text


def test_a_slow_endpoint_delays_neither_charges_nor_letters(diary: Diary, endpoint: Endpoint):
    """While an endpoint holds the worker of webhooks, cards are charged and receipts are sent."""
    made = listens(diary, endpoint)
    endpoint.hangs()
    diary.subscribes("ada", "coffee-1kg")
    world = diary.world
    webhooks = ("perennial-webhooks", "work_webhooks", 20)
    others = [one for one in QUEUES.values() if one != webhooks]
    for queue in others:
        world._drain_queue(*queue)
    worker = threading.Thread(target=world._drain_queue, args=webhooks)
    worker.start()
    until(lambda: endpoint.held > 0)

    diary.subscribes("bo", "coffee-1kg")
    while sum(world._drain_queue(*queue) for queue in others):
        world.webhooks(times=2)
    assert (endpoint.came, worker.is_alive()) == ([], True)
    assert diary.payments("bo") == [("succeeded", 2500)]
    assert len([one for one in inbox(world) if one["to"].startswith("bo@")]) >= 1

    endpoint.lets_go()
    worker.join()
    diary.it_is("2026-01-02")
    assert {one["status"] for one in deliveries(diary, made)} == {"succeeded"}


def test_a_worker_that_dies_after_the_post_posts_again(diary: Diary, endpoint: Endpoint):
    """What was accepted and not written down is sent once more under the same id, after the lease."""
    made = listens(diary, endpoint, "payment.succeeded")
    diary.world.restart(dying_once)
    diary.subscribes("ada", "coffee-1kg")
    diary.it_is("2026-01-02")

    assert len(endpoint.came) == 2
    assert len({came.headers["webhook-id"] for came in endpoint.came}) == 1
    [row] = deliveries(diary, made)
    assert (row["status"], row["attempts"]) == ("succeeded", 2)


def test_two_workers_post_one_event_once(diary: Diary, endpoint: Endpoint):
    """Workers that are handed the same names at the same moment: one leases each, and only that one posts."""
    made = listens(diary, endpoint)
    service = diary.world.service()
    names = []
    for _ in range(5):
        named = diary.post(f"/v1/webhook_endpoints/{made['id']}/test")["id"]
        names.append(keys.key(WebhookDelivery, diary.account, named))
    workers = [
        threading.Thread(target=post.deliveries, args=(service, diary.account, names)) for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(came.headers["webhook-id"] for came in endpoint.came) == sorted(
        one["event"] for one in deliveries(diary, made)
    )
    assert len(endpoint.came) == 5


class _Dying:
    """Posts, and then the process ends, once."""

    def __init__(self, hooks: Hooks) -> None:
        self._hooks, self._lives = hooks, False

    def post(self, url: str, body: bytes, headers: dict[str, str]) -> Answered:
        answer = self._hooks.post(url, body, headers)
        if not self._lives:
            self._lives = True
            raise Killed
        return answer


def dying_once(service: Service) -> Service:
    """A service whose first post is its process's last act; the one after it lives."""
    _dying[:] = _dying or [_Dying(service.hooks)]
    return replace(service, hooks=_dying[0])


_dying: list[_Dying] = []


def until(true: Callable[[], bool]) -> None:
    """Wait for what another thread does."""
    for _ in range(200):
        if true():
            return
        time.sleep(0.05)
    raise AssertionError("It never came true.")
