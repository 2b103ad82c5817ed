"""The audit over HTTP: what is wrong, part by part, with what to do; nothing of others, and nothing written."""

from dataclasses import replace

import pytest

from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription
from chalicelib.store.changes import Changeset
from chalicelib.web import audits
from tests.web.conftest import Api, Told
from tests.web.test_openapi import fits

PATH = "/v1/audit"


def audited(api: Api, path: str = PATH) -> Told:
    told = api.get(path)
    assert told.status == 200, told.text
    fits(told, "GET", PATH)
    return told


def breaks(api: Api, subscription: str) -> None:
    """Somebody changes a subscription by hand, past every rule."""
    before = api.service.store.get(Subscription, api.account.id, subscription)
    changes = Changeset(api.account.id)
    changes.put(replace(before, status=Status.PAST_DUE))
    api.service.store.commit(changes)


def test_nothing_is_found_where_all_is_well(api: Api):
    """An audit tells what it looked at; nobody has scheduled one yet. It writes nothing."""
    api.sells()
    before = api.marks()
    told = audited(api)
    assert (told["found"], told["findings"], told["last"]) == (0, [], None)
    assert told["looked"]["subscriptions"] == 1
    assert (told["has_more"], told["next"]) == (False, None)
    assert api.marks() == before


def test_a_finding_says_where_how_and_what_to_do(api: Api):
    """A subscription that says it owes, and owes nothing, is named; the neighbor's audit does not see it."""
    subscription = api.sells()["id"]
    breaks(api, subscription)
    [finding] = audited(api)["findings"]
    assert (finding["code"], finding["subject"]) == ("arrears_wrong", subscription)
    assert finding["detail"] == "It is past due, and owes nothing."
    assert finding["do"].endswith(".")
    _, other = api.open("Neighbor")
    assert api.get(PATH, key=other)["found"] == 0


def test_what_takes_too_long_goes_on_where_it_was(api: Api):
    """Without time left one step is taken for an answer; the answers together are the whole."""
    breaks(api, api.sells()["id"])
    seen = [audited(api, f"{PATH}?seconds=0")]
    while seen[-1]["has_more"]:
        seen.append(audited(api, f"{PATH}?seconds=0&after={seen[-1]['next']}"))
    assert sum(part["found"] for part in seen) == 1
    assert sum(part["looked"].get("subscriptions", 0) for part in seen) == 1
    assert len(seen) > 10


@pytest.mark.parametrize("position", ["", "moon:1", "events:yesterday|", "books"])
def test_a_place_that_is_none_is_refused_or_harmless(api: Api, position: str):
    """What no answer gave is a clear problem, never a fault of ours."""
    api.sells()
    after = audits.cursor(position) or "" if position else "%25"
    told = api.get(f"{PATH}?after={after}")
    assert told.status in (200, 400), told.text
    if told.status == 400:
        assert told["code"] == "not_a_cursor"


def test_what_was_learned_so_far_is_nobodys_to_say(api: Api):
    """A place carries whether all at Stripe is the account's own: made up, or another's, it is refused, and no balance is told."""
    api.sells()
    _, other = api.open("Neighbor")
    made_up = audits.cursor("books:alone|")
    theirs = api.get(f"{PATH}?seconds=0", key=other)["next"]
    for after in (made_up, theirs):
        told = api.get(f"{PATH}?after={after}")
        assert (told.status, told["code"]) == (400, "not_a_cursor"), told.text
