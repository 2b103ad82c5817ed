"""A POST with an Idempotency-Key: done once, answered as often as it is asked."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.service import Service
from chalicelib.store.bookkeeping import Answer
from chalicelib.store.changes import Changeset, Conflict, Outage, Reading
from chalicelib.store.store import Store
from chalicelib.web import idempotency
from tests.web.conftest import Api

ADA = {"name": "Ada", "email": "ada@example.com"}


class Killed(BaseException):
    """The Lambda stops here."""


class Watched(Store):
    """The store of a service, with somebody looking before each commit."""

    def __init__(self, store: Store, before: Callable[[Changeset], None]) -> None:
        self.__dict__ |= vars(store)
        self.before = before

    def commit(self, changes: Changeset) -> Reading:
        self.before(changes)
        return super().commit(changes)


def watch(api: Api, before: Callable[[Changeset], None] | None) -> None:
    """Look at every commit from now on, or at none."""
    api.service = replace(api.service, store=Watched(api.service.store, before or (lambda _: None)))


def contacts(api: Api) -> list[str]:
    return [contact["id"] for contact in api.get("/v1/contacts")["data"]]


def killed_at(api: Api, commit: int) -> None:
    """The process ends before that commit (1 is the first), and writes nothing more."""
    left = [commit]

    def stop(_: Changeset) -> None:
        left[0] -= 1
        if left[0] <= 0:
            raise Killed

    watch(api, stop)


def test_the_same_request_is_done_once(api: Api):
    """A repetition is told the first answer, to the letter, and says that it is one."""
    first = api.post("/v1/contacts", ADA, Idempotency_Key="a")
    again = api.post("/v1/contacts", ADA, Idempotency_Key="a")
    assert (again.status, again.text) == (first.status, first.text) == (201, first.text)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert contacts(api) == [first["id"]]


def test_without_a_key_each_request_is_a_new_one(api: Api):
    """Two POSTs without a key create two records."""
    api.post("/v1/contacts", ADA)
    api.post("/v1/contacts", ADA)
    assert len(contacts(api)) == 2


def test_a_key_is_the_accounts_own(api: Api):
    """Two accounts may use the same key."""
    _, other = api.open("Neighbor")
    one = api.post("/v1/contacts", ADA, Idempotency_Key="a")
    two = api.post("/v1/contacts", ADA, key=other, Idempotency_Key="a")
    assert two.status == 201
    assert one["id"] != two["id"]


def test_a_key_is_forgotten_after_a_day(api: Api):
    """After 25 hours a key stands for nothing any more, even while the table still has it."""
    first = api.post("/v1/contacts", ADA, Idempotency_Key="a")
    api.wait(hours=24)
    assert api.post("/v1/contacts", ADA, Idempotency_Key="a")["id"] == first["id"]
    api.wait(hours=2)
    assert api.post("/v1/contacts", ADA, Idempotency_Key="a")["id"] != first["id"]


def test_a_secret_is_told_once(api: Api):
    """The first answer has the key's text, its repetition has not, and the table never had it."""
    first = api.post("/v1/api_keys", {"name": "laptop"}, Idempotency_Key="a")
    again = api.post("/v1/api_keys", {"name": "laptop"}, Idempotency_Key="a")
    assert api.get("/v1/account", key=first["secret"]).status == 200
    assert again.body == {name: value for name, value in first.body.items() if name != "secret"}
    assert first["secret"] not in json.dumps(api.written())


def test_what_was_not_begun_may_be_corrected(api: Api):
    """A request refused for what it says leaves its key free for the corrected one."""
    refused = api.post("/v1/contacts", ADA | {"email": "ada"}, Idempotency_Key="a")
    assert (refused.status, refused["param"]) == (400, "email")
    assert api.post("/v1/contacts", ADA, Idempotency_Key="a").status == 201


def test_a_refusal_by_the_state_of_things_is_kept(api: Api):
    """What was refused at its moment stays refused under its key, whatever has changed since."""
    sold = api.sells()
    cancel = f"/v1/subscriptions/{sold['id']}/cancel"
    api.post(cancel)
    first = api.post(cancel, {}, Idempotency_Key="a")
    again = api.post(cancel, {}, Idempotency_Key="a")
    assert first.status == again.status == 409
    assert first.text == again.text
    assert again.headers["Content-Type"] == "application/problem+json"


def test_a_key_in_use_is_refused_until_its_lease_ends(api: Api):
    """While one is at it another is told to wait; after a minute the first counts as lost."""
    killed_at(api, 2)
    with pytest.raises(Killed):
        api.post("/v1/contacts", ADA, Idempotency_Key="a")
    watch(api, None)
    assert api.post("/v1/contacts", ADA, Idempotency_Key="a")["code"] == "idempotency_key_in_use"
    api.wait(seconds=61)
    assert api.post("/v1/contacts", ADA, Idempotency_Key="a").status == 201


PATHS = ("contacts", "products", "subscriptions", "subscriptions/{id}/cancel", "payment_methods", "accounts")


@pytest.mark.parametrize("commit", range(1, 5))
@pytest.mark.parametrize("path", PATHS)
def test_a_request_that_was_cut_off_is_done_once(api: Api, path: str, commit: int):
    """Killed before any of its writes and sent again after a minute, a request creates one record and is answered as it would have been."""
    sold = api.sells()
    bodies: dict[str, Any] = {
        "contacts": ADA,
        "products": {"name": "Tea", "unit_amount": 5, "frequency": "weekly"},
        "subscriptions": {
            "contact": sold["contact"],
            "payment_method": sold["payment_method"]["id"],
            "lines": [{"product": sold["lines"][0]["product"]}],
        },
        "subscriptions/{id}/cancel": {},
        "payment_methods": {"contact": sold["contact"], "payment_method": "pm_card_mastercard"},
        "accounts": {"name": "Second", "email": "two@example.com"},
    }
    send = f"/v1/{path.format(id=sold['id'])}"
    before = _count(api)
    killed_at(api, commit)
    try:
        told = api.post(send, bodies[path], Idempotency_Key="a")
    except Killed:
        watch(api, None)
        api.wait(seconds=61)
        told = api.post(send, bodies[path], Idempotency_Key="a")
    watch(api, None)
    assert told.status < 300, told.text
    made = {kind: count - before.get(kind, 0) for kind, count in _count(api).items()}
    assert all(made.get(kind, 0) <= 1 for kind in ("contact", "product", "subscription", "account"))
    assert json.loads(api.post(send, bodies[path], Idempotency_Key="a").text).items() <= told.body.items()


def _count(api: Api) -> dict[str, int]:
    kinds = [item["kind"]["S"] for item in api.written()]
    return {kind: kinds.count(kind) for kind in kinds}


def test_two_at_once_are_one(api: Api):
    """Of two that come at the same time one works, and the other is told that one does."""
    inner: list[Any] = []

    def other(changes: Changeset) -> None:
        if not inner and any(type(record) is not Answer for record in changes.changed.values()):
            inner.append(None)
            inner[0] = api.post("/v1/contacts", ADA, Idempotency_Key="a")

    watch(api, other)
    assert api.post("/v1/contacts", ADA, Idempotency_Key="a").status == 201
    assert inner[0]["code"] == "idempotency_key_in_use"
    assert len(contacts(api)) == 1


def test_an_outage_is_not_an_answer(api: Api):
    """Where the table was not there the key is released, and the same request is done when it is."""
    left = [2]

    def out(_: Changeset) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Outage("gone")

    watch(api, out)
    told = api.post("/v1/contacts", ADA, Idempotency_Key="a")
    assert (told.status, told.headers["Retry-After"]) == (503, "5")
    assert "gone" not in told.text
    assert api.post("/v1/contacts", ADA, Idempotency_Key="a").status == 201


def test_a_conflict_is_not_an_answer(api: Api):
    """Who was overtaken may send the same request again."""
    left = [2]

    def overtaken(_: Changeset) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Conflict(("acct_1/contact/con_1",))

    watch(api, overtaken)
    told = api.post("/v1/contacts", ADA, Idempotency_Key="a")
    assert (told.status, told["code"]) == (409, "conflict")
    assert "acct_1/contact" not in told.text
    assert api.post("/v1/contacts", ADA, Idempotency_Key="a").status == 201


def test_the_same_seed_names_the_same_records(api: Api):
    """Ids are given in order from the seed; no two of one request are the same, and none has a further underscore."""

    def ids(service: Service) -> list[str]:
        naming = service.naming(idempotency.names("01kan0g7s8"))
        return [naming.new_id("con_"), naming.new_id("con_"), naming.new_id("sub_")]

    assert ids(api.service) == ids(api.service) == ["con_01kan0g7s8", "con_01kan0g7s82", "sub_01kan0g7s8"]
